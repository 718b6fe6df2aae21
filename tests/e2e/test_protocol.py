"""gwbot-control(7) against a running daemon: members, types, errors, limits.

The page as built is read: what it lists must be answered, what is answered it must list.
"""

import json
import re
import socket
import time
import unittest

from gwbotd import BIN, Gwbotd

PAGE = BIN / "man" / "gwbot-control.7"

# How to call a method, each time with other parameters; () where it is not said here.
CALLS = {
    "snapshot": [(), ["0"], {"shard": 0}],
    "shards": [(), ["0-0"], ["down"]],
    "latency": [(), [0]],
    "explain": [(), ["watchdog.*"], ["gwbotd_shard_up"], ["exit", "78"], [4004], {"name": "status"}],
    "events": [(), ["--last=100"], {"last": 3, "type": "shard.*", "shard": "0"}],
    "metrics": [(), ["gwbotd_build_info"], {"glob": "shard_*"}],
    "probes": [(), ["a"], {"name": "a"}],
    "job": [["run", "a"], ["run", "b"]],
    "config": [(), ["watchdog"], {"path": "diff"}],
    "thresholds": [(), ["set", "keepalive", "2min", "--for=1h"], {"key": "stall", "value": 90},
                   (), {"key": "stall"}, ["reset"]],
    "log": [(), {"level": "info", "for": "1h"}, (), ["reset"]],
    "reconnect": [["0"], {"shard": 0, "fresh": True}],
    "sim": [["freeze"]],
    "help": [(), ["status"]],
}
LAST = ["stop", "reboot"]  # what ends the daemon is called at the end

HEAD = {"schema": "text", "command": "text", "time": "time"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def read_members(block):
    """{name: (type, help)} of the last list of a block of the page."""
    members = {}
    for name, kind, text in re.findall(r"^\.It Li (\S+) Pq (.*)\n((?:[^.].*\n|\\&.*\n)*)", block, re.M):
        members[name] = (kind, text)
    return members


class Page:
    def __init__(self):
        text = PAGE.read_text()
        self.text = text
        methods, objects = re.search(r"^\.Sh METHODS\n(.*)^\.Sh OBJECTS\n(.*?)^\.Sh ", text, re.M | re.S).groups()
        self.methods = {name: read_members(block) for name, block in
                        re.findall(r"^\.Ss (\S+)\n(.*?)(?=^\.Ss |\Z)", methods, re.M | re.S)}
        self.objects = {name: read_members(block) for name, block in
                        re.findall(r"^\.Ss object (\S+)\n(.*?)(?=^\.Ss |\Z)", objects, re.M | re.S)}


class Raw:
    """A connection to the control socket, bytes as they are."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def close(self):
        self.lines.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        return self.lines.readline()

    def call(self, method, params=()):
        request = {"jsonrpc": "2.0", "id": method, "method": method}
        if params != ():
            request["params"] = params
        self.send(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.line())
        assert answer["id"] == method, answer
        return answer

    def error(self, data):
        """The error that the daemon answers bytes with."""
        self.send(data)
        return json.loads(self.line())["error"]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = Page()
        cls.bot = Gwbotd()
        cls.addClassCleanup(cls.bot.close)
        cls.file = cls.bot.dir / "gwbot.conf"
        cls.file.write_text("""probes = (
            { name = "a"; kind = "command"; command = [ "/bin/true" ]; } );
        jobs = (
            { name = "a"; action = "exec"; command = [ "/bin/true" ]; every = 3600; },
            { name = "b"; action = "exec"; command = [ "/bin/true" ]; every = 3600; } );
        """)
        cls.bot.env["GWBOT_CONFIG"] = str(cls.file)
        cls.bot.start("--sim").wait_ready()

    def connect(self):
        raw = Raw(self.bot.socket)
        self.addCleanup(raw.close)
        return raw


class Members(Case):
    """Each member that the page lists is answered, and each that is answered is listed."""

    def check(self, value, kind, where):
        """Whether a value is of a documented type; goes down into objects."""
        if value is None:
            self.assertTrue(kind.endswith(" or null"), f"{where} is null, but documented as {kind}")
            return
        kind = kind.removesuffix(" or null")
        if kind.startswith("array of "):
            self.assertIsInstance(value, list, where)
            for element in value:
                self.check(element, kind.removeprefix("array of "), where)
        elif kind.startswith("object "):
            name = kind.removeprefix("object ")
            self.assertIn(name, self.page.objects, f"{where}: the page has no such object")
            self.check_members(value, self.page.objects[name], "object " + name)
        elif kind == "object":
            self.assertIsInstance(value, dict, where)
        elif kind == "time":
            self.assertRegex(value, TIME, where)
        elif kind == "integer":
            self.assertIs(type(value), int, where)
        else:
            types = {"text": str, "number": (int, float), "boolean": bool}
            self.assertIn(kind, types, f"{where}: the page has a type of no meaning")
            self.assertIsInstance(value, types[kind], where)
            self.assertEqual(kind == "boolean", isinstance(value, bool), where)

    def check_members(self, value, members, where):
        self.assertIsInstance(value, dict, where)
        self.assertEqual(set(), set(value) - set(members), f"{where}: not in man/members.def")
        for name, (kind, text) in members.items():
            if name not in value:
                self.assertIn("missing", text, f"{where}: {name} is documented, but not answered")
                continue
            self.seen.add((where, name))
            self.check(value[name], kind, f"{where}: {name}")

    def test_the_page_and_the_daemon_list_the_same(self):
        self.seen = set()
        # Something to warn of, and something that a reload changes.
        self.file.write_text('watchdog: { max_latency = "11s"; };\n'
                             'discord: { token = "short"; };\n')
        self.file.chmod(0o644)
        raw = self.connect()
        methods = ["hello"] + [row["name"] for row in raw.call("help")["result"]["commands"]
                               if row["access"] != "client"]
        self.assertEqual(set(methods), set(self.page.methods))
        self.assertEqual(methods[1:], raw.call("hello")["result"]["capabilities"])
        methods.sort(key=lambda name: LAST.index(name) if name in LAST else -1)
        for method in methods:
            self.assertTrue(self.page.methods[method], f"{method}: no ANSWER in man/members.def")
            for params in CALLS.get(method, [()]):
                answer = raw.call(method, params)
                self.assertIn("result", answer, f"{method}: say in CALLS how to call it")
                result = answer["result"]
                self.assertEqual(["schema", "command", "time"], list(result)[:3])
                self.assertEqual(("gwctl/1", method), (result["schema"], result["command"]))
                members = {**{name: (kind, "") for name, kind in HEAD.items()}, **self.page.methods[method]}
                self.check_members(result, members, method)
            if method in LAST:
                self.assertEqual(0, self.bot.wait_exit())
                self.bot.start("--sim").wait_ready()
                raw = self.connect()
        listed = {(name, member) for name, members in self.page.methods.items() for member in members}
        listed |= {("object " + name, member)
                   for name, members in self.page.objects.items() for member in members}
        self.assertEqual(set(), listed - self.seen, "documented, but never answered")


class Errors(Case):
    """Errors that are answered stand in the page's table, with their number and word."""

    def test_the_table_has_the_errors_that_are_answered(self):
        table = dict(re.findall(r"^\.It (-\d+) Ta (\w+) Ta .+$", self.page.text, re.M))
        self.assertEqual(11, len(table))
        hello = b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":[98,99]}}\n'
        for data in (b"{]\n", b'{"jsonrpc":"1.0","id":1,"method":"status"}\n', b"[]\n",
                     b'{"jsonrpc":"2.0","id":1,"method":"staus"}\n',
                     b'{"jsonrpc":"2.0","id":1,"method":"status","params":["x"]}\n',
                     b'{"jsonrpc":"2.0","id":1,"method":"snapshot","params":[7]}\n',
                     hello, b"{" + b" " * (65 * 1024)):
            error = self.connect().error(data)
            self.assertEqual(table.get(str(error["code"])), error["data"]["code"], error)
            self.assertIn("hint", error["data"])
            self.assertTrue(error["message"])
        raw = self.connect()
        raw.call("hello", {"access": "read"})
        error = raw.error(b'{"jsonrpc":"2.0","id":1,"method":"reboot"}\n')
        self.assertEqual((table.get(str(error["code"])), "read_only"), (error["data"]["code"],) * 2)

    def test_what_the_page_says_of_broken_connections(self):
        raw = self.connect()
        self.assertEqual("parse_error", raw.error(b"{]\n")["data"]["code"])
        self.assertEqual(b"", raw.line(), "the daemon ends the connection")
        raw = self.connect()
        self.assertEqual("invalid_request", raw.error(b"[]\n")["data"]["code"])
        self.assertIn("result", raw.call("version"), "the connection goes on")

    def test_a_request_that_does_not_end(self):
        limit = int(re.search(r"whole\n(\d+) seconds after its first byte", self.page.text)[1])
        raw = self.connect()
        began = time.monotonic()
        self.assertEqual("timed_out", raw.error(b"{")["data"]["code"])
        self.assertAlmostEqual(limit, time.monotonic() - began, delta=1.5)
        self.assertEqual(b"", raw.line())


class Requests(Case):
    def test_requests_are_answered_in_their_order_after_the_client_ended(self):
        raw = self.connect()
        raw.send(b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"version"}\r\n\r\n' % i for i in range(5)))
        raw.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(list(range(5)), [json.loads(raw.line())["id"] for _ in range(5)])
        self.assertEqual(b"", raw.line())

    def test_a_request_without_an_id_is_carried_out_and_not_answered(self):
        before = len(self.bot.events("control_command", command="reconnect"))
        raw = self.connect()
        raw.send(b'{"jsonrpc":"2.0","method":"reconnect","params":{"shard":"0"}}\n'
                 b'{"jsonrpc":"2.0","method":"staus"}\n')
        self.assertEqual("version", raw.call("version")["id"])
        _, event = self.bot.wait_event("control_command", command="reconnect", count=before + 1)
        self.assertEqual({"command", "args", "uid", "gid", "pid"},
                         {"command", "args", "uid", "gid", "pid"} & set(event))

    def test_plain_commands(self):
        raw = self.connect()
        raw.send(b"thresholds\nsnapshot 7\n")
        lines = []
        while not lines or lines[-1] != b"\n":
            lines.append(raw.line())
        self.assertIn(b"shards.0.verdict: ok\n", lines)
        # Connected or not: one of the two limits does not count.
        self.assertTrue({b"shards.0.stall_left_seconds: -\n",
                         b"shards.0.disconnect_grace_left_seconds: -\n"} & set(lines))
        for line in lines[:-1]:
            self.assertRegex(line, rb"^[a-z0-9_.]+: .+\n$")
        self.assertRegex(raw.line(), rb"^error: there is no shard 7")
        self.assertRegex(raw.line(), rb"^hint: ")
        self.assertEqual(b"\n", raw.line())

    def test_the_longest_idle_client_makes_room(self):
        most = int(re.search(r"^(\d+) clients may be connected", self.page.text, re.M)[1])
        first = self.connect()
        first.call("version")
        others = [self.connect() for _ in range(most - 1)]
        self.assertIn("result", others[-1].call("version"), "so many are served")
        others[0].call("version")
        newest = self.connect()
        self.assertIn("result", newest.call("version"))
        self.assertEqual(b"", first.line(), "the one that was idle for longest is gone")
        self.assertIn("result", others[0].call("version"))


if __name__ == "__main__":
    unittest.main()
