"""The log from its first line to its last: what it says, to whom, and what cannot break it."""

import array
import contextlib
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import tempfile
import threading
import time
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim
from test_faults import can_unshare, until
from test_notify import Hung

NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}
# What a terminal obeys, and what would begin another line.
HOSTILE = "a\x1b[31m\u202e\u2066b\u2028c\u009bd"
NEXT = {0: "the next start resumes the sessions", 1: "the supervisor starts it again",
        70: "the next start resumes the sessions; if it comes again", 77: "correct the token"}


class Last(unittest.TestCase):
    """Whatever ends it: the last line says the status, why, and what next."""

    def ends(self, bot, status, reason, level="info"):
        self.assertEqual(status, bot.wait_exit(30), bot.output[-3000:])
        _, event = bot.wait_event("stopped")
        self.assertEqual(event, json.loads(bot.output.splitlines()[-1]))
        self.assertEqual((status, level), (event["exit_status"], event["level"]))
        self.assertRegex(event["reason"], reason)
        self.assertTrue(event["next"].startswith(NEXT[status]), event)

    def test_asked_to_stop(self):
        def by(*words):
            return lambda bot: self.assertEqual(0, bot.ctl(*words).returncode)

        # The last line is not left out by a level.
        with Gwbotd(env={**NOWHERE, "LOG_LEVEL": "error"}) as bot:
            for end, reason in ((lambda bot: bot.process.send_signal(signal.SIGTERM), "^SIGTERM$"),
                                (lambda bot: bot.process.send_signal(signal.SIGINT), "^SIGINT$"),
                                (by("stop", "--yes"), "^stop asked for by gwctl$"),
                                (by("reboot"), "^reboot asked for by gwctl$")):
                with self.subTest(reason):
                    bot.start()
                    until(lambda: bot.socket.exists() and bot.ctl("version").returncode == 0, "a start")
                    end(bot)
                    self.ends(bot, 0, reason)

    def test_the_watchdog(self):
        with Gwbotd(env=NOWHERE, watchdog__keepalive="100ms", watchdog__disconnect_grace="1s") as bot:
            bot.start()
            self.ends(bot, 1, r"^watchdog: shard 0 was not connected for 1 s, over watchdog\.disconnect_grace of 1 s$",
                      "warning")
            self.assertEqual(1, len(bot.events("watchdog_exit")))

    def test_the_sentinel(self):
        for form in ("json", "logfmt"):
            with self.subTest(form), Gwbotd(env={**NOWHERE, "GWBOT_LOG_FORMAT": form}, loop__limit="1s") as bot:
                bot.start()
                until(lambda: bot.socket.exists() and bot.ctl("version").returncode == 0, "a start")
                with contextlib.suppress(ProcessLookupError), Hung(bot.process.pid):
                    until(lambda: "stopped" in bot.output, "the end", 20)
                if form == "json":
                    self.ends(bot, 1, r"^the event loop was stuck for 1 s in .+", "warning")
                    self.assertEqual(1, len(bot.events("loop_stuck_exit", level="error")))
                else:
                    self.assertEqual(1, bot.wait_exit())
                    self.assertRegex(bot.output, r' level=warning event=stopped exit_status=1 '
                                                 r'reason="the event loop was stuck for 1 s in .*" next="[^"]+"$')

    def test_discord(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            sim.do("close 4004 Authentication failed.")
            self.ends(bot, 77, r"^Discord refuses this bot: .*4004", "error")

    def test_within(self):
        with Gwbotd(env={"DISCORD_TOKEN": ""}) as bot:
            program = bot.dir / "gwbotd"
            program.write_bytes((BIN / "gwbotd").read_bytes())
            program.chmod(0o700)
            bot.wrapper = ["sh", "-c", f'shift; exec {program} "$@"', "sh"]
            bot.start("--sim")
            self.ends(bot, 70, "gwsim", "error")


class First(unittest.TestCase):
    def lines(self, bot):
        bot.wait_event("sessions")
        events = [event for _, event in bot.events()]
        return events[:[event["event"] for event in events].index("sessions") + 1]

    def test_what_runs_and_how(self):
        with Sim() as sim, Gwbotd(sim, env={"GWBOT_INTENTS": "1"}) as bot:
            file = bot.dir / "gwbot.conf"
            drop_in = bot.dir / "gwbot.conf.d"
            (bot.dir / "more.conf").write_text('chat: { prefix = "?"; };\n')
            file.write_text('@include "more.conf"\nwatchdog: { stall = "7min"; };\n'
                            'probes = ( { name = "db"; kind = "tcp"; host = "127.0.0.1"; port = 1; } );\n')
            del drop_in
            bot.start("--config", str(file), "--set", "bot.name=alpha")
            lines = self.lines(bot)
            begin, files, *settings = lines
            self.assertEqual(("starting", "dev", bot.process.pid),
                             tuple(begin[name] for name in ("event", "profile", "pid")))
            self.assertRegex(begin["version"], r"^\d+\.\d+\.\d+")
            self.assertEqual(("config_files", 2), (files["event"], files["count"]))
            self.assertEqual({str(file), str(bot.dir / "more.conf")}, set(files["files"].split(", ")))
            told = {line["option"]: (line["value"], line["source"]) for line in settings if line["event"] == "setting"}
            for option, value, source in (("discord.token", "(set)", "env:DISCORD_TOKEN"),
                                          ("watchdog.stall", "7min", "gwbot.conf:2"),
                                          ("chat.prefix", "?", "more.conf:1"), ("probes", "db", "gwbot.conf:3"),
                                          ("bot.name", "alpha", "cli"), ("http.port", str(bot.port), "env:PORT")):
                self.assertEqual((value, source), told[option])
            self.assertNotIn("watchdog.max_latency", told)
            self.assertNotIn("watchdog.disconnect_grace", told, "derived")
            self.assertEqual([("127.0.0.1", bot.port)],
                             [(line["address"], line["port"]) for line in lines if line["event"] == "listening"])
            self.assertEqual([str(bot.socket)],
                             [line["path"] for line in lines if line["event"] == "control_listening"])
            self.assertNotIn(TOKEN, bot.output)
            self.assertEqual((1, 0, "0"), tuple(lines[-1][name] for name in ("shards", "stored", "without")))
            bot.wait_ready()
            self.assertEqual(0, bot.stop())

    def test_which_sessions_are_there(self):
        with Sim(max_concurrency=20, shards=20, identify_window=0) as sim, Gwbotd(sim, discord__shards="20") as bot:
            state = bot.dir / "state"
            bot.start().wait_ready(count=20)
            self.assertEqual(0, bot.stop())
            for lost in (3, 7, 8, 9, 19):
                (state / f"shard-{lost}-of-20.session").unlink()
            bot.start()
            _, line = bot.wait_event("sessions")
            self.assertEqual((20, 15, "3, 7-9, 19"), tuple(line[name] for name in ("shards", "stored", "without")))
            # Of many shards one line for all.
            self.assertEqual([], bot.events("session_found", level="info"))
            bot.wait_ready(count=20)
            self.assertEqual(0, bot.stop())
            bot.start()
            _, line = bot.wait_event("sessions")
            self.assertEqual((20, None, "all are resumed"),
                             tuple(line[name] for name in ("stored", "without", "effect")))
            self.assertEqual(0, bot.stop())

    def test_the_same_in_logfmt(self):
        with Gwbotd(env={**NOWHERE, "GWBOT_LOG_FORMAT": "logfmt"}) as bot:
            bot.start()
            until(lambda: "event=sessions" in bot.output, "the first lines")
            self.assertEqual(0, bot.stop())
            names = re.findall(r"^ts=\S+ level=\w+ event=(\w+)", bot.output, re.M)
            self.assertEqual(len(bot.output.splitlines()), len(names))
            self.assertEqual(("starting", "config_files", "stopped"), (names[0], names[1], names[-1]))
            self.assertIn(' event=setting option=discord.token value=(set) source=env:DISCORD_TOKEN\n', bot.output)
            self.assertNotIn(TOKEN, bot.output)


class Crowd(unittest.TestCase):
    COUNT = 400

    def test_what_repeats_without_end_is_cut_and_told_before_the_end(self):
        def metric(name):
            return int(float(re.search(rf"^{name} (\S+)$", bot.get("/metrics")[2].decode(), re.M)[1]))

        # Uses of a command that are years old, as a long outage would replay them.
        use = {"id": "", "application_id": "1", "type": 2, "token": "t", "channel_id": "2", "user": {"id": "3"},
               "data": {"id": "1", "name": "ping", "type": 1}}
        with Sim(rate=0) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for number in range(self.COUNT):
                use["id"] = str((1 << 50) + number)
                sim.do("send " + json.dumps({"t": "INTERACTION_CREATE", "d": use}))
            until(lambda: metric("gwbotd_slash_unanswered_total") == self.COUNT, "all of them")
            suppressed = metric("gwbotd_log_suppressed_total")
            self.assertEqual(0, bot.stop())
            bot.wait_event("stopped")
            lines = len(bot.events("slash_too_old"))
            self.assertGreaterEqual(lines, 200)
            self.assertLess(lines, self.COUNT)
            self.assertEqual(self.COUNT - lines, suppressed)
            told = bot.events("log_suppressed")
            for _, event in told:
                self.assertEqual(("info", "slash_too_old"), (event["level"], event["like"]))
                self.assertIn("in_the_last_s", event)
            self.assertEqual(suppressed, sum(event["lines"] for _, event in told))
            last = [json.loads(line)["event"] for line in bot.output.splitlines()[-2:]]
            self.assertEqual(["log_suppressed", "stopped"], last)


class Hostile(unittest.TestCase):
    """What peers say stays inside of its value, in every format."""

    def provoke(self, sim, bot):
        bot.start()
        until(lambda: "to=ready" in bot.output or '"to":"ready"' in bot.output, "ready")
        sim.do(f"close 4000 {HOSTILE}")
        sim.do("raw " + json.dumps({"op": 0, "s": 1, "t": "READY\nlevel=error event=forged", "d": {
            "resume_gateway_url": f"wss://x\nlevel=error event=forged{HOSTILE}"}}))
        bot.ctl("job", "run", "x\nlevel=error event=forged" + HOSTILE)
        bot.get("/%1b%0a" + "x")
        sim.do(f"close 4000 {HOSTILE}")
        until(lambda: bot.output.count("\\u001b") >= 2, "what it was told")
        self.assertEqual(0, bot.stop())

    def check(self, output):
        for unwanted in "\x1b\u202e\u2066\u2028\u009b\r":
            self.assertNotIn(unwanted, output)
        self.assertIn("\\u001b[31m\\u202e\\u2066b\\u2028c\\u009bd", output)

    def test_json(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            self.provoke(sim, bot)
            self.check(bot.output)
            for line in bot.output.split("\n"):
                event = json.loads(line)
                self.assertNotEqual("forged", event["event"])
                self.assertEqual(["ts", "level", "event"], list(event)[:3])

    def test_logfmt(self):
        with Sim() as sim, Gwbotd(sim, env={"GWBOT_LOG_FORMAT": "logfmt"}) as bot:
            self.provoke(sim, bot)
            self.check(bot.output)
            for line in bot.output.split("\n"):
                self.assertRegex(line, r'^ts=\S+ level=(error|warning|info|debug) event=\w+'
                                       r'( \w+=([^\s"=\\]*|"([^"\\]|\\.)*"))*$')
                self.assertNotRegex(line, r"^\S+ level=\w+ event=forged")

    def test_a_word_of_the_command_line(self):
        with Gwbotd(env=NOWHERE) as bot:
            self.assertEqual(64, bot.start("--\x1b[31m").wait_exit())
            until(lambda: "exit status 64" in bot.output, "why")
            self.assertIn("unknown option: --?[31m; ", bot.output)


class Journal:
    """The far end of the journal's socket: entries as dicts, those in files too."""

    def __init__(self, path, room=0):
        self.path = path
        self.entries = []
        self.files = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.reads = threading.Event()

    def start(self):
        self.reads.set()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while self.reads.is_set():
            size = array.array("i").itemsize
            data, control, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(size))
            if control:
                fd, = array.array("i", control[0][2])
                data = os.pread(fd, 1 << 20, 0)
                os.close(fd)
                self.files += 1
            pairs = [line.split("=", 1) for line in data.decode().rstrip("\n").split("\n")]
            entry = dict(pairs)
            assert len(entry) == len(pairs), pairs
            self.entries.append(entry)

    def find(self, event, **fields):
        return [entry for entry in self.entries if entry["GWBOT_EVENT"] == event
                and all(entry.get(name) == value for name, value in fields.items())]


@unittest.skipUnless(can_unshare(), "no private namespaces here")
class Systemd(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwbot-journal-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)

    def bot(self, sim=None, env=None):
        """gwbotd whose /run/systemd/journal is our folder."""
        bot = Gwbotd(sim, env={**({} if sim else NOWHERE), "GWBOT_LOG_FORMAT": "journal", **(env or {})})
        self.addCleanup(bot.close)
        where = shlex.quote(str(self.folder))
        bot.wrapper = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
                       f"mount --bind {where} /run/systemd/journal && exec \"$@\"", "sh"]
        return bot

    def test_each_pair_is_a_field(self):
        journal = Journal(self.folder / "socket")
        journal.start()
        with Sim() as sim:
            bot = self.bot(sim, env={"LOG_LEVEL": "info"}).start()
            until(lambda: bot.socket.exists() and bot.ctl("wait", "ready").returncode == 0, "ready", 20)
            # Ten datagrams wait for a reader at most; what is over goes to standard error.
            deadline = time.monotonic() + 20
            while not (losses := journal.find("shard_state", GWBOT_FROM="ready")):
                self.assertLess(time.monotonic(), deadline, journal.entries)
                sim.do(f"close 4000 {HOSTILE}")
                time.sleep(0.1)
            self.assertEqual(0, bot.stop())
        until(lambda: journal.find("stopped"), "the end")
        for entry in journal.entries:
            self.assertEqual("gwbotd", entry["SYSLOG_IDENTIFIER"])
            self.assertIn(entry["PRIORITY"], ("3", "4", "6", "7"))
            self.assertTrue(entry["MESSAGE"].startswith("event=" + entry["GWBOT_EVENT"]), entry)
            for name, value in entry.items():
                self.assertRegex(name, r"^(PRIORITY|SYSLOG_IDENTIFIER|MESSAGE|GWBOT_[A-Z0-9_]+)$")
                self.assertTrue(value.isprintable(), entry)
                self.assertNotIn(TOKEN, value)
        loss = losses[0]
        self.assertEqual(("4", "0", "4000"), (loss["PRIORITY"], loss["GWBOT_SHARD"], loss["GWBOT_CODE"]))
        self.assertIn("a\\u001b[31m\\u202e\\u2066b\\u2028c\\u009bd", loss["GWBOT_REASON"])
        # The first and the last lines say here what they say elsewhere, and once.
        self.assertEqual(["starting", "config_files", "setting"],
                         [entry["GWBOT_EVENT"] for entry in journal.entries[:3]])
        last = journal.entries[-1]
        self.assertEqual(("6", "stopped", "0", "SIGTERM"), tuple(
            last[name] for name in ("PRIORITY", "GWBOT_EVENT", "GWBOT_EXIT_STATUS", "GWBOT_REASON")))
        for event in ("starting", "sessions", "stopped"):
            self.assertEqual(1, len(journal.find(event)) + len(re.findall(rf" event={event} ", bot.output)), event)

    def test_the_sentinels_last_words_get_there(self):
        journal = Journal(self.folder / "socket")
        journal.start()
        bot = self.bot()
        bot.arguments.append("--set=loop.limit=1s")
        bot.start()
        # The sentinel starts with the loop, which is after the socket listens.
        until(lambda: bot.socket.exists() and bot.ctl("version").returncode == 0, "a start", 20)
        with contextlib.suppress(ProcessLookupError), Hung(bot.process.pid):
            until(lambda: journal.find("stopped"), "the end", 20)
        self.assertEqual(1, bot.wait_exit())
        self.assertEqual(("4", "1"), tuple(journal.entries[-1][name] for name in ("PRIORITY", "GWBOT_EXIT_STATUS")))

    def test_without_a_journal_the_lines_go_to_standard_error(self):
        bot = self.bot().start()
        until(lambda: "event=control_listening" in bot.output, "a start", 20)
        # One that comes later is found.
        journal = Journal(self.folder / "socket")
        journal.start()
        self.assertEqual(0, bot.ctl("log", "info").returncode)
        until(lambda: journal.find("control_command"), "the journal is found")
        self.assertEqual(0, bot.stop())
        until(lambda: journal.find("stopped"), "the end")
        self.assertNotIn("event=stopped", bot.output)

    def test_a_journal_that_does_not_read_holds_nothing_up(self):
        journal = Journal(self.folder / "socket")  # and nobody reads
        bot = self.bot(env={"LOG_LEVEL": "debug"}).start()
        until(lambda: bot.socket.exists() and bot.ctl("version").returncode == 0, "a start", 20)
        slowest = 0
        deadline = time.monotonic() + 20
        while "event=http_request" not in bot.output:
            self.assertLess(time.monotonic(), deadline, "it never was full")
            began = time.monotonic()
            self.assertEqual(200, bot.get("/livez")[0])
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 2)
        journal.start()
        self.assertEqual(0, bot.stop())
        until(lambda: journal.find("stopped"), "the end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
