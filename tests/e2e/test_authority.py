"""W15: who may do what over the control socket: every method by every caller.

The methods are those of the table as the daemon lists them; one without a row here fails.
Callers: the owner, a member of the socket's group, somebody who asked for reading only,
and everybody else.  Who may in Discord is in test_bot.py and test_slash.py.
"""

import json
import os
import pathlib
import pwd
import re
import socket
import sys
import unittest

from gwbotd import Gwbotd

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r'^COMMAND\(\w+, "([^"]+)", "[^"]*", (READ|WRITE|EITHER|CLIENT), ', re.M)
TABLE = dict(ROW.findall((ROOT / "shared" / "commands.def").read_text()))

# What changes something is asked for in earnest; of EITHER both kinds.
READS = {"thresholds": [], "log": []}
CHANGES = {
    "thresholds": ["set", "stall", "500"], "log": ["debug"], "job": ["run", "a"], "reload": [],
    "reconnect": [], "sim": ["delay 0"], "reboot": [], "stop": [],
}
ENDS = ("reboot", "stop")

NOBODY = pwd.getpwnam("nobody")


def as_caller(uid, gids, function):
    """What the function returns as somebody else; it must fit JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            os.setgroups(gids[1:])
            os.setresgid(gids[0], gids[0], gids[0])
            os.setresuid(uid, uid, uid)
            os.write(writing, json.dumps(function()).encode())
            os._exit(0)
        except BaseException as error:  # pylint: disable=broad-except
            print(f"as uid {uid}: {error!r}", file=sys.stderr)
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    return json.loads(text)


def call(path, method, params, access=None):
    """"shut out" at the door, else "done", or the code of the error."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        try:
            peer.connect(path)
        except PermissionError:
            return "shut out"
        lines = peer.makefile("rwb")
        if access:
            ask(lines, "hello", {"access": access})
        answer = ask(lines, method, params)
    return answer["error"]["data"]["code"] if "error" in answer else "done"


def ask(lines, method, params):
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    lines.write(json.dumps(request).encode() + b"\n")
    lines.flush()
    return json.loads(lines.readline())


@unittest.skipUnless(os.getuid() == 0, "only root can ask as somebody else")
class Matrix(unittest.TestCase):
    def setUp(self):
        self.bot = self.enterContext(Gwbotd())
        self.path = str(self.bot.socket)
        os.chmod(self.bot.dir, 0o755)
        config = self.bot.dir / "gwbot.conf"
        job = '{{ name = "{}"; action = "exec"; command = ["/bin/true"]; every = "1d"; }}'
        config.write_text(f"jobs = ({job.format('a')}, {job.format('b')});\n")
        self.words = ("--config", str(config), "--sim")
        self.cells = 0

    def start(self):
        self.bot.start(*self.words).wait_ready()
        # A group of its own, so that the owner's is not what lets a member in.
        os.chown(self.path, 0, NOBODY.pw_gid + 1)

    def ask_as(self, who, method, params):
        uid, group = NOBODY.pw_uid, NOBODY.pw_gid
        self.cells += 1
        if who == "owner":
            return call(self.path, method, params)
        if who == "reader":
            return call(self.path, method, params, "read")
        gids = [group, group + 1] if who == "member" else [group]
        return as_caller(uid, gids, lambda: call(self.path, method, params))

    def audited(self, method):
        return [event for _, event in self.bot.events("control_command", command=method)]

    def test_every_method_by_every_caller(self):
        self.start()
        listed = {each["name"]: each["access"]
                  for each in json.loads(self.bot.ctl("--json", "help").stdout)["commands"]}
        self.assertEqual({name: kind.lower() for name, kind in TABLE.items()}, listed)
        served = {name: kind for name, kind in TABLE.items() if kind != "CLIENT"}
        changing = {name for name, kind in served.items() if kind in ("WRITE", "EITHER")}
        self.assertEqual(changing, set(CHANGES), "a method that changes something has no row here")
        for method, kind in served.items():
            if kind != "WRITE":
                for who in ("owner", "member", "reader"):
                    self.assertEqual("done", self.ask_as(who, method, READS.get(method, [])), (method, who))
                self.assertEqual("shut out", self.ask_as("other", method, []), method)
                self.assertEqual([], self.audited(method))
        for method in sorted(changing - set(ENDS)):
            params = CHANGES[method]
            self.assertEqual("shut out", self.ask_as("other", method, params), method)
            self.assertEqual("read_only", self.ask_as("reader", method, params), method)
            self.assertEqual([], self.audited(method), "refused, and yet written down as done")
            for number, (who, uid) in enumerate((("owner", 0), ("member", NOBODY.pw_uid)), 1):
                if method == "job" and who == "member":
                    params = ["run", "b"]  # the other may still be at it
                self.assertEqual("done", self.ask_as(who, method, params), (method, who))
                self.bot.wait_event("control_command", command=method, count=number)
                self.assertEqual(uid, self.audited(method)[-1]["uid"], (method, who))
        for method in ENDS:
            self.assertEqual("shut out", self.ask_as("other", method, []), method)
            self.assertEqual("read_only", self.ask_as("reader", method, []), method)
            for who, uid in (("owner", 0), ("member", NOBODY.pw_uid)):
                self.assertEqual("done", self.ask_as(who, method, []), (method, who))
                self.assertEqual(0, self.bot.wait_exit(), (method, who))
                self.assertEqual(uid, self.audited(method)[-1]["uid"], (method, who))
                self.start()
        self.assertEqual(0, self.bot.stop())
        # Of EITHER both ways were asked for.
        both = sum(kind == "EITHER" for kind in served.values())
        self.assertEqual(4 * (len(served) + both), self.cells)
        print(f"{self.cells} cells: {len(served)} methods, 4 callers", file=sys.stderr)

    def test_a_plain_line_gives_nobody_more(self):
        self.start()
        for access, begins in (("read", b"error: "), (None, b"")):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(20)
                peer.connect(self.path)
                lines = peer.makefile("rwb")
                if access:
                    ask(lines, "hello", {"access": access})
                lines.write(b"log debug\n")
                lines.flush()
                answer = lines.readline()
            self.assertTrue(answer.startswith(begins) if access else not answer.startswith(b"error"), answer)
        self.bot.wait_event("control_command", command="log")
        self.assertEqual(1, len(self.audited("log")))
        self.assertEqual(0, self.bot.stop())


if __name__ == "__main__":
    unittest.main()
