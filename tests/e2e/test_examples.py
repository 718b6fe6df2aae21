"""Every example of the manual pages and of README.md, run against a live gwbotd --sim.

What cannot run here stands in CANNOT_RUN with its reason.  An example that is neither run
nor listed fails, and so does a row that is no example any more.

Compared loosely, since they differ from run to run: figures, times, sizes and session ids
count as equal (shape()).  README's status screen must have all of today's labels and facts,
and no other; of an answer in one of its sessions all that is shown must come, in its order
and however it is folded, and "..." or either end may leave the rest out.  Of a manual
page's answers those that begin with a figure or a bracket are compared, the others only run.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import examples
from gwbotd import BIN, TOKEN, Gwbotd, free_port

SHARDS = 4

CANNOT_RUN = {
    "gwbotd --check && systemctl reload gwbotd": "there is no systemd in the tests",
    "journalctl -u gwbotd GWBOT_EVENT=shard_state GWBOT_SHARD=3": "there is no systemd in the tests",
    "./dev run": "it is what runs without end, and installs packages",
    "./dev test": "it is what runs this test",
    "export PATH=$PWD/build/run:$PATH GWCTL_SOCKET=$PWD/run/control.sock": "test_the_places_of_dev_run holds it to ./dev",
    "DISCORD_TOKEN=... ./dev run": "it would connect to Discord, with a real token",
    "DISCORD_TOKEN_FILE=~/.discord_token ./dev run": "it would connect to Discord, with a real token",
    "./dev package": "./dev test-package does it",
    "sudo apt install ./build/package/gwbot_*.deb": "test_package.py does it in a Debian of its own",
    "sudo install -m 0600 /dev/stdin /etc/gwbot/discord_token": "debian/tests/service does it, in test_package.py",
    "sudo systemctl restart gwbotd": "test_package.py does it in a Debian of its own",
    "sudo gwctl doctor": "test_package.py does it in a Debian of its own",
}

# Texts that are no input of a program: an answer's first lines, or checked elsewhere.
CHECKED_ELSEWHERE = {
    "gwbot-metrics.7": "test_metrics.py has promtool read all of them",
}

# A status other than 0 that an example is about.
STATUS = {"gwctl reload --keep": 1,  # the files have not changed: nothing is on trial
          "gwctl config diff": 1}  # an example before it sets a threshold

# What never ends by itself; it is stopped as with Ctrl-C once it has said something.
ENDLESS = re.compile(r"--watch(?!.*--count)|\bevents\b.* (-f|--follow)\b|\btail -f\b")

# What would hit gwbotds that are not this test's.
OWN = {"pkill -9 -f run/gwbotd": "kill -9 {pid}"}

# Words that an example has for things of which a test has its own.
SOCKETS = ("/run/gwbot/control.sock", "run/control.sock")
PORT = "127.0.0.1:10000"
FILE = "/etc/gwbot.conf"
DROP_INS = "/etc/gwbot.d"
TOKEN_FILE = "/etc/gwbot/discord.token"


# What the examples run by name.
JOBS = 'jobs = ( { name = "report"; action = "exec"; every = "3h"; command = [ "/bin/true" ]; } );\n'


class Supervised(Gwbotd):
    """A gwbotd that is started again whenever it ends, as systemd would."""

    def __init__(self, **settings):
        super().__init__(**settings)
        (self.dir / "gwbot.conf").write_text(JOBS, encoding="utf-8")
        self.env["GWBOT_CONFIG"] = str(self.dir / "gwbot.conf")
        self.wanted = True
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.start("--sim")
        self.supervisor.start()

    def supervise(self):
        while True:
            self.process.wait()
            if not self.wanted:
                return
            time.sleep(0.1)
            self.start("--sim")

    def close(self):
        self.wanted = False
        super().close()
        self.supervisor.join(20)

    def wait_successor(self, process, timeout=30):
        """Until another process than this one runs."""
        deadline = time.monotonic() + timeout
        while self.process is process:
            assert time.monotonic() < deadline, "it was not started again"
            time.sleep(0.02)

    def wait_state(self, shards, latency=False, timeout=60):
        """Until it answers with so many shards ready, and where asked a latency."""
        deadline = time.monotonic() + timeout
        while True:
            done = self.ctl("--json", "snapshot")
            total = json.loads(done.stdout)["total"] if done.returncode == 0 else {}
            known = total.get("latency_seconds") is not None
            if total.get("connected", -1) >= shards and (known or not latency):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"not ready: {done.stdout}{done.stderr}")
            time.sleep(0.1)


def shape(text):
    """A text without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{8}\.\.\.", "ID", text)
    text = re.sub(r"\d+(\.\d+)* (ms|s|min|h|d)\b( \d+ (s|min|h)\b)?", "TIME", text)
    text = re.sub(r"\d+(\.\d+)* [KM]iB", "SIZE", text)
    text = re.sub(r"\d+(\.\d+)*", "N", text)
    return re.sub(r" *\n *| {2,}", "\n", text.strip()).split("\n")


def flow(text):
    """The same as one line."""
    return " ".join(shape(text)).strip()


class Examples(unittest.TestCase):
    session_bot = None

    @classmethod
    def setUpClass(cls):
        cls.bot = Supervised(discord__shards=SHARDS)
        cls.addClassCleanup(cls.bot.close)
        folder = tempfile.TemporaryDirectory(prefix="gwbot-")
        cls.addClassCleanup(folder.cleanup)
        cls.dir = pathlib.Path(folder.name)
        (cls.dir / "gwbot.d").mkdir()
        (cls.dir / "gwbot.conf").write_text("", encoding="utf-8")
        (cls.dir / "token").write_text(TOKEN + "\n", encoding="utf-8")
        cls.all = examples.all_examples()

    def environment(self, **more):
        return {**self.bot.env, "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.dir),
                "GWBOT_CONFIG": str(self.dir / "gwbot.conf"), "PYTHONWARNINGS": "ignore",
                "GWBOT_SHARDS": str(SHARDS), **more}

    def own(self, text):
        """The example, with the socket, port and files of this test."""
        for path in SOCKETS:
            text = text.replace(path, str(self.bot.socket))
        text = text.replace(PORT, f"127.0.0.1:{self.bot.port}")
        text = text.replace(DROP_INS, str(self.dir / "gwbot.d"))
        text = text.replace(TOKEN_FILE, str(self.dir / "token"))
        return text.replace(FILE, str(self.dir / "gwbot.conf"))

    def run_shell(self, text):
        return subprocess.run(["bash", "-o", "pipefail", "-c", self.own(text)], env=self.environment(),
                              cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)

    # ---- kinds of commands ----

    def run_daemon(self, text):
        """One that stays: beside the other, with a place of its own."""
        with tempfile.TemporaryDirectory(prefix="gwbot-") as folder:
            path = f"{folder}/control.sock"
            env = self.environment(GWBOT_STATE_DIR=f"{folder}/state", GWBOT_CONTROL_SOCKET=path,
                                   PORT=str(free_port()), GWBOT_SHARDS="1")
            process = subprocess.Popen(["bash", "-c", "exec " + text.removesuffix("&")], env=env, cwd=folder,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            try:
                deadline = time.monotonic() + 30
                while '"state":"ready"' not in self.bot.ctl("-s", path, "--json", "status").stdout:
                    self.assertIsNone(process.poll(), text)
                    self.assertLess(time.monotonic(), deadline, text)
                    time.sleep(0.1)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(0, process.wait(30), text)
            finally:
                process.kill()
                process.communicate()

    def run_endless(self, text):
        process = subprocess.Popen(["bash", "-o", "pipefail", "-c", self.own(text)], env=self.environment(),
                                   cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            self.assertNotEqual(b"", process.stdout.read1(), text)
            self.assertIsNone(process.poll(), text)
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=20)[1]
            self.assertNotIn(b"Sanitizer", said)
            self.assertIn(process.returncode, (0, 130, -signal.SIGINT), text)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def run_command(self, example):
        text = example.text
        process = self.bot.process
        faults = re.search(r"\bsim\b", text)
        self.bot.wait_state(0 if faults else SHARDS)
        if re.match(r"gwbotd\b", text) and not re.search(r"--(check|print-config|help|version)\b", text):
            self.run_daemon(text)
        elif ENDLESS.search(text):
            self.run_endless(text)
        else:
            done = self.run_shell(text)
            self.assertEqual(STATUS.get(text, 0), done.returncode, done.stdout + done.stderr)
            self.assertNotIn("Sanitizer", done.stderr)
            if re.match(r"[\[{\d]", example.answer):
                self.assertEqual(shape(example.answer), shape(done.stdout))
        if re.match(r"gwctl .*\b(reboot|stop)\b", text):
            self.bot.wait_successor(process)
        if faults:
            self.assertEqual(0, self.bot.ctl("sim", "calm").returncode)

    # ---- kinds of texts ----

    def check_configuration(self, text):
        path = self.dir / "example.conf"
        path.write_text(self.own(text), encoding="utf-8")
        env = self.environment()
        if "token" in text:
            del env["DISCORD_TOKEN"]
        return subprocess.run([BIN / "gwbotd", "--check", "--config", path], env=env, capture_output=True,
                              text=True, timeout=30, check=False)

    def run_diagnostics(self, text):
        """What is said of a file: the lines that are shown are put into one, at their numbers."""
        shown = [(int(number), line) for number, line in re.findall(r"^ +(\d+) \| (.*)$", text, re.M)]
        file = "\n" * (shown[0][0] - 2) + "watchdog: {\n" + "".join(line + "\n" for _, line in shown) + "};\n"
        done = self.check_configuration(file)
        self.assertEqual(78, done.returncode)
        text = re.sub(r"\n {2}(?=\S)", " ", text)  # a folded line
        self.assertEqual(text, done.stderr.replace(str(self.dir / "example.conf"), FILE))

    def run_text(self, example):
        text = example.text
        if example.page == "README.md":
            self.compare_screen(text)
        elif text.startswith("import "):
            self.bot.wait_state(SHARDS)
            path = self.dir / "example.py"
            path.write_text(self.own(text), encoding="utf-8")
            done = self.run_shell(f"{sys.executable} {path}")
            self.assertEqual((0, ""), (done.returncode, done.stderr))
        elif example.page == "gwbot.conf.5" and text.startswith(FILE):
            self.run_diagnostics(text)
        elif example.page == "gwbot.conf.5":
            done = self.check_configuration(text)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        elif text.startswith("ts="):
            self.compare_log(text)
        elif example.page == "gwbot-control.7" and text.startswith('{"jsonrpc"'):
            self.compare_notification(text)
        elif example.page == "gwbot-control.7":
            # lines of a plain answer: each name is there
            self.bot.wait_state(SHARDS)
            names = re.findall(r"^[\w.]+(?=: )", self.run_shell("echo status | socat -t 5 - "
                                                                "UNIX-CONNECT:/run/gwbot/control.sock").stdout, re.M)
            for line in text.splitlines():
                self.assertIn(line.split(": ")[0], names)
        else:
            self.fail(f"nobody knows what this is:\n{text}")

    def compare_log(self, text):
        """Folded lines of logfmt: the log has such events, each with just these keys."""
        def outlines(lines):
            return [re.findall(r'(?<= )(level=\w+|event=\w+|\w+)(?==| |$)', re.sub(r'"([^"\\]|\\.)*"', "", line))
                    for line in lines]

        port = free_port()
        (self.dir / "log.conf").write_text('watchdog: { stall = "7min"; };\n', encoding="utf-8")
        env = {**self.environment(), "GWBOT_CONFIG": str(self.dir / "log.conf"), "PORT": str(port),
               "GWBOT_LOG_FORMAT": "logfmt", "LOG_LEVEL": "info", "GWBOT_STATE_DIR": str(self.dir / "log-state"),
               "GWBOT_CONTROL_SOCKET": str(self.dir / "log.sock")}
        with subprocess.Popen([BIN / "gwbotd", "--sim"], env=env, stderr=subprocess.PIPE, text=True) as process:
            lines = []
            for line in process.stderr:
                lines.append(line.rstrip("\n"))
                if " to=ready " in line:
                    process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.returncode)
        there = outlines(lines)
        wanted = outlines(re.sub(r"\n {4}", " ", text).splitlines())
        for outline in wanted:
            self.assertIn(outline, there, lines)
        self.assertEqual((wanted[0], wanted[-1]), (there[0], there[-1]))

    def compare_notification(self, text):
        """Lines that come by themselves once they were asked for; "..." stands for the rest."""
        ask = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "events", "params": ["--follow"]})
        self.bot.wait_state(1)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(30)
            peer.connect(str(self.bot.socket))
            peer.sendall(ask.encode() + b"\n")
            came = peer.makefile("r", encoding="utf-8")
            self.assertIn('"result"', came.readline())
            for line in text.splitlines():
                begin = re.escape(line.split(", ...")[0])
                self.assertRegex(came.readline(), "^" + re.sub(r":\d+$", r":(\\d+|null)", begin))

    def run_session(self, text):
        """A session of README.md, with the settings of `./dev run`."""
        if not self.session_bot:
            type(self).session_bot = Supervised(watchdog__keepalive="2s", watchdog__stall="20s",
                                                watchdog__disconnect_grace="20s")
            self.addClassCleanup(self.session_bot.close)
        bot = self.session_bot
        bot.wait_state(1, latency=True)
        for part in text.removeprefix("$ ").split("\n$ "):
            command, _, shown = part.partition("\n")
            process = bot.process
            own = OWN.get(command, command).format(pid=process.pid)
            env = self.environment(GWCTL_SOCKET=str(bot.socket))
            done = subprocess.run(["bash", "-c", own], env=env, stdin=subprocess.DEVNULL, timeout=120,
                                  capture_output=True, text=True, check=False)
            self.assertEqual((STATUS.get(command, 0), ""), (done.returncode, done.stderr), command)
            if command in OWN:
                bot.wait_successor(process)
            # It depends on who is quicker, and where a line is folded on how long its figures are.
            came, at = flow(done.stdout.replace("ready already", "ready after 0 s")), 0
            for wanted in map(flow, re.split(r"(?m)^\.\.\.$", shown)):
                at = came.find(wanted, at)
                self.assertGreaterEqual(at, 0, f"{command}: no {wanted!r} in\n{done.stdout}")
                at += len(wanted)

    def compare_screen(self, text):
        """A screen in README.md has the labels, facts and columns of today's."""
        bot = Supervised(watchdog__keepalive="2s", watchdog__stall="20s", watchdog__disconnect_grace="20s")
        try:
            bot.wait_state(1, latency=True)
            done = bot.ctl("status")
        finally:
            bot.close()
        self.assertEqual(shape(text), shape(done.stdout))

    # ---- all of them ----

    def test_examples(self):
        listed = set()
        # Texts first: meanwhile the shards get ready, one in 5 s.
        for example in sorted(self.all, key=lambda example: example.kind != "text"):
            with self.subTest(example.where, text=example.text.split("\n")[0]):
                if example.kind == "command" and example.text in CANNOT_RUN:
                    listed.add(example.text)
                elif example.page in CHECKED_ELSEWHERE and example.kind == "text":
                    pass
                elif example.kind == "command":
                    self.run_command(example)
                elif example.kind == "session":
                    self.run_session(example.text)
                else:
                    self.run_text(example)
        self.assertEqual(set(CANNOT_RUN), listed)

    def test_the_places_of_dev_run(self):
        script = (examples.ROOT / "dev").read_text(encoding="utf-8")
        for place in ("dir=$PWD/run bin=build/run\n", "control.socket=$dir/control.sock"):
            self.assertIn(place, script)

    def test_the_comparison_names_only_what_there_is(self):
        text = (examples.ROOT / "docs" / "gwctl-compared.md").read_text(encoding="utf-8")
        known = {command["name"] for command in json.loads(self.bot.ctl("--json", "help").stdout)["commands"]}
        named = set(re.findall(r"`gwctl ([a-z]+)", text))
        self.assertGreaterEqual(len(named), 8)
        self.assertLessEqual(named, known)
        options = self.bot.ctl("--help").stdout
        cells = [line.split(" | ")[1] for line in text.splitlines() if re.match(r"\| \d+\. ", line)]
        self.assertGreaterEqual(len(cells), 45)
        for flag in re.findall(r"(?<![\w-])(--[a-z-]+)", " ".join(cells).replace("gwbotd --check", "")):
            self.assertIn(flag, options)

    def test_the_pages_have_examples(self):
        """What reads the pages finds what is there: it would not notice its own blindness."""
        for page in (*examples.PAGES, "README.md"):
            self.assertTrue([example for example in self.all if example.page == page], page)
        commands = [example.text for example in self.all if example.kind == "command"]
        self.assertGreaterEqual(len(commands), 25)
        # A block in fences would pass unseen.
        self.assertNotIn("```", (examples.ROOT / "README.md").read_text(encoding="utf-8"))
        self.assertEqual(4, len([example for example in self.all if example.kind == "session"]))
        sources = sum((BIN / "man" / page).read_text(encoding="utf-8").count("\n.Dl $ ") for page in examples.PAGES)
        self.assertGreaterEqual(len(commands), sources)
        for expected in ("gwctl status", "gwctl thresholds", "gwctl latency", "gwbotd --sim &", "gwctl config diff",
                         "gwctl --json status | jq .gateway.last_event_age_seconds"):
            self.assertIn(expected, commands)


if __name__ == "__main__":
    unittest.main()
