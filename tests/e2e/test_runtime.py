"""What gwctl sets while gwbotd runs: limits, the level of the log, and its end."""

import getpass
import json
import os
import pty
import re
import subprocess
import time
import unittest

from gwbotd import BIN, Gwbotd, Sim


class Runtime(unittest.TestCase):
    heartbeat = 20000

    def setUp(self):
        self.sim = Sim(heartbeat=self.heartbeat)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)
        self.file = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.file)
        del self.bot.env["LOG_LEVEL"]
        self.file.write_text('watchdog: { stall = "7min"; };\n')
        self.bot.start().wait_ready()

    def ask(self, *words, status=0):
        done = self.bot.ctl("--json", *words)
        self.assertEqual((status, ""), (done.returncode, done.stderr), words)
        return json.loads(done.stdout)

    def limits(self):
        return {limit["name"].split(".")[1]: limit for limit in self.ask("thresholds")["limits"]}

    def stall(self):
        return self.bot.health()[1]["stall_after_sec"]


class Limits(Runtime):
    def test_a_value_reverts_by_itself(self):
        began = time.monotonic()
        answer = self.ask("thresholds", "set", "stall", "20min", "--for", "1s")
        self.assertEqual(1200, self.stall())
        self.assertEqual(("set", "watchdog.stall", "20min"), tuple(answer[n] for n in ("action", "path", "value")))
        self.assertEqual([("watchdog.stall", "7min", "20min"), ("watchdog.disconnect_grace", "7min", "20min")],
                         [(change["path"], change["old"], change["new"]) for change in answer["changes"]])
        self.assertEqual({"where": f"{self.file}:1", "text": 'stall = "20min";'}, answer["keep"])
        limit = self.limits()["stall"]
        self.assertEqual(("20min", 210, "control"), (limit["value"], limit["default_seconds"], limit["source"]))
        self.assertEqual(os.getuid(), limit["override"]["uid"])
        self.assertLessEqual(limit["override"]["reverts_in_seconds"], 1)
        when, event = self.bot.wait_event("setting_reverted", option="watchdog.stall")
        self.assertEqual(("7min", "gwbot.conf:1"), (event["value"], event["source"]))
        self.assertGreaterEqual(when - began, 0.99)
        self.assertLess(when - began, 8)
        self.assertEqual(420, self.stall())
        self.assertEqual([None] * 4, [limit["override"] for limit in self.limits().values()])
        shown = self.bot.ctl("events", "--type", "config.reverted").stdout
        self.assertIn("watchdog.stall is 7min again: gwbot.conf:1", shown)

    def test_a_reload_leaves_it_and_a_revert_gives_what_was_read_last(self):
        self.ask("thresholds", "set", "stall", "20min", "--for", "2s")
        self.file.write_text('watchdog: { stall = "8min"; };\n')
        held, = [change for change in self.ask("config", "diff", status=1)["changes"]
                 if change["path"] == "watchdog.stall"]
        self.assertEqual(("override", "20min", "8min"), (held["acts"], held["old"], held["new"]))
        self.assertEqual([], self.ask("reload")["changes"])
        self.assertEqual(1200, self.stall())
        _, event = self.bot.wait_event("setting_reverted")
        self.assertEqual("8min", event["value"])
        self.assertEqual(480, self.stall())

    def test_a_later_set_replaces_value_and_time(self):
        self.ask("thresholds", "set", "stall", "20min", "--for", "1s")
        self.ask("thresholds", "set", "max_latency", "3s", "--for", "2s")
        self.ask("thresholds", "set", "watchdog.stall", "1800")
        self.bot.wait_event("setting_reverted", option="watchdog.max_latency")
        self.assertEqual([], self.bot.events("setting_reverted", option="watchdog.stall"))
        limit = self.limits()["stall"]
        self.assertEqual(("30min", None), (limit["value"], limit["override"]["reverts_in_seconds"]))
        back = self.ask("thresholds", "reset", "stall")
        self.assertEqual(("reset", 1, "7min"), (back["action"], back["taken_back"], back["changes"][0]["new"]))
        self.assertEqual(0, self.ask("thresholds", "reset")["taken_back"])

    def test_keepalive_moves_what_is_derived_from_it(self):
        self.file.write_text("")
        self.ask("reload")
        changes = self.ask("thresholds", "set", "keepalive", "10")["changes"]
        self.assertEqual({"watchdog.keepalive": 10, "watchdog.stall": 60, "watchdog.disconnect_grace": 60},
                         {change["path"]: change["new_seconds"] for change in changes})
        screen = self.bot.ctl("thresholds", "set", "keepalive", "20s").stdout
        self.assertRegex(screen, r"^watchdog\.keepalive: 10s -> 20s, until it is reset or a restart\n"
                                 r"watchdog\.stall: 1min -> 90s  default, derived from watchdog\.keepalive\n")

    def test_a_restart_forgets_it(self):
        self.ask("thresholds", "set", "stall", "20min", "--for", "1h")
        self.assertEqual(0, self.bot.ctl("reboot").returncode)
        self.assertEqual(0, self.bot.wait_exit())
        self.bot.start().wait_ready()
        self.assertEqual(420, self.stall())
        self.assertIsNone(self.limits()["stall"]["override"])

    def test_screens_say_who(self):
        self.assertEqual(0, self.bot.ctl("thresholds", "set", "stall", "20min", "--for", "1h").returncode)
        who = rf"control, uid {os.getuid()} \({getpass.getuser()}\), \d+ s ago"
        self.assertRegex(self.bot.ctl("thresholds").stdout, rf"stall +20min +210s +in (1 h|59 min \d+ s) +{who}\n")
        self.assertRegex(self.bot.ctl("config", "watchdog.stall").stdout, rf"source +{who}, reverts\s+in ")
        _, event = self.bot.wait_event("control_command", command="thresholds")
        self.assertEqual(("set stall 20min --for=1h", os.getuid()), (event["args"], event["uid"]))
        self.assertNotIn(event["pid"], (0, os.getpid()))
        self.assertEqual(1, len(self.bot.events("control_command", command="thresholds")), "reading is not logged")

    def test_what_is_wrong_changes_nothing(self):
        for words, status, says in (
                (("set", "stal", "90"), 1, 'no limit "stal"; nearest: watchdog.stall'),
                (("set", "grace", "90"), 1, "nearest: watchdog.disconnect_grace"),
                (("set", "http.port", "90"), 1, 'no limit "http.port"'),
                (("set", "stall", "soon"), 1, "not a duration; allowed: a duration from 100ms to 30d"),
                (("set", "stall", "31d"), 1, "out of range; allowed: a duration from 100ms to 30d"),
                (("set", "stall", "9" * 400), 1, "allowed: a duration from 100ms to 30d"),
                (("set", "stall", "90", "--for", "0"), 2, "--for wants a duration from 1s to 30d"),
                (("set", "stall", "90", "--for", "never"), 2, 'not "never"'),
                (("set", "stall"), 2, "usage: gwctl thresholds "),
                (("reset", "stal"), 1, "nearest: watchdog.stall"),
                (("frobnicate",), 2, "usage: gwctl thresholds ")):
            with self.subTest(words):
                done = self.bot.ctl("thresholds", *words)
                self.assertEqual((status, ""), (done.returncode, done.stdout), done.stderr)
                self.assertIn(says, done.stderr)
        self.assertEqual([None] * 4, [limit["override"] for limit in self.limits().values()])
        self.assertEqual(420, self.stall())


class Judged(Runtime):
    """The watchdog goes by the new limit at once."""

    heartbeat = 60000

    def test_a_lower_limit_ends_a_silent_process_at_the_right_time(self):
        self.sim.do("freeze")
        for key, value in (("stall", "3s"), ("keepalive", "100ms")):
            self.assertEqual(0, self.bot.ctl("thresholds", "set", key, value).returncode)
        self.assertEqual(1, self.bot.wait_exit(30))
        (_, event), = self.bot.events("watchdog_exit")
        self.assertEqual(("zombie", 3), (event["verdict"], event["stall_s"]))
        # Not before it was over, and at one of the checks behind.
        self.assertGreater(event["last_event_age_s"], 3)
        self.assertLess(event["last_event_age_s"], 3 + 5)

    def test_a_higher_limit_for_a_while_holds_it_off_that_long(self):
        self.assertEqual(0, self.bot.ctl("thresholds", "set", "stall", "1h", "--for", "4s").returncode)
        began = time.monotonic()
        self.file.write_text('watchdog: { stall = "500ms"; keepalive = "100ms"; };\n')
        self.assertEqual(0, self.bot.ctl("reload").returncode)
        self.sim.do("freeze")
        self.assertEqual(1, self.bot.wait_exit(30))
        reverted, _ = self.bot.wait_event("setting_reverted", option="watchdog.stall")
        (judged, _), = self.bot.events("watchdog_exit")
        self.assertGreaterEqual(judged - began, 3.9)
        self.assertLess(judged - reverted, 5)


class Log(Runtime):
    def test_a_level_for_a_while(self):
        self.assertEqual([], [event for _, event in self.bot.events(level="debug")])
        self.assertEqual(("info", "default", None),
                         tuple(self.ask("log")[name] for name in ("value", "source", "override")))
        answer = self.ask("log", "debug", "--for", "2s")
        self.assertEqual("debug", answer["changes"][0]["new"])
        self.assertTrue(answer["keep"]["where"].endswith("gwbot.d/log-level.conf"), answer)
        self.assertRegex(self.bot.ctl("log").stdout, r"^debug  control, uid \d+ .*, reverts at \d\d:\d\d:\d\d \(in ")
        self.bot.get("/healthz")
        self.bot.wait_event("setting_reverted", option="log.level")
        self.assertEqual("info", self.ask("log")["value"])
        self.assertEqual("warning", self.ask("log", "WARN")["value"])
        self.assertEqual("info", self.ask("log", "reset")["changes"][0]["new"])

    def test_who_did_what_is_on_record_whatever_the_level(self):
        self.ask("log", "error")
        self.ask("reconnect")
        _, event = self.bot.wait_event("control_command", command="reconnect")
        self.assertEqual(("info", os.getuid()), (event["level"], event["uid"]))
        self.assertEqual([], self.bot.events("control_command", command="status"))

    def test_mistakes(self):
        for words, status, says in ((("verbose",), 1, 'allowed: "error", "warning", "info", "debug"'),
                                    (("infoo",), 1, "nearest: info"),
                                    (("--for", "1h"), 2, "usage: gwctl log "),
                                    (("reset", "--for", "1h"), 2, "--for goes with a LEVEL"),
                                    (("info", "debug"), 2, "usage: gwctl log ")):
            with self.subTest(words):
                done = self.bot.ctl("log", *words)
                self.assertEqual((status, ""), (done.returncode, done.stdout), done.stderr)
                self.assertIn(says, done.stderr)


class Stop(Runtime):
    def on_terminal(self, answer, *words):
        """(exit status, what gwctl wrote) with a terminal as standard input."""
        master, slave = pty.openpty()
        with subprocess.Popen([str(BIN / "gwctl"), "-s", str(self.bot.socket), *words],
                              stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            os.close(slave)
            os.write(master, answer)
            out, err = process.communicate(timeout=20)
        os.close(master)
        return process.returncode, out, err

    def test_it_asks_with_the_name_and_stops(self):
        name = re.escape(self.bot.health()[1]["bot"])
        for answer in (b"n\n", b"\n", b"\x04", b"what\n"):
            status, out, err = self.on_terminal(answer, "stop")
            self.assertEqual((7, ""), (status, out))
            self.assertRegex(err, rf"^Stop gwbotd of {name} \(dev, pid {self.bot.process.pid}\)\?  "
                                  r"With Restart=always systemd starts it again; to keep it down: "
                                  r"systemctl stop gwbotd\. \[y/N\] ")
            self.assertIn("not confirmed: nothing was done", err)
        self.assertEqual([], self.bot.events("control_command", command="stop"))
        status, out, err = self.on_terminal(b"y\n", "stop")
        self.assertEqual(0, status, err)
        self.assertRegex(out, r"^stopping: gwbotd \(pid \d+\) exits with status 0\n1 of 1 sessions can be resumed")
        self.assertEqual(0, self.bot.wait_exit())
        self.bot.wait_event("stopping", reason="stop asked for by gwctl")
        # The session was left to be resumed.
        self.bot.start().wait_ready()
        self.bot.wait_event("session_found")
        self.assertEqual([], self.bot.events("identify"))

    def test_without_a_terminal_it_wants_yes(self):
        done = self.bot.ctl("stop")
        self.assertEqual((7, ""), (done.returncode, done.stdout))
        self.assertIn("add --yes", done.stderr)
        self.assertEqual(0, self.bot.ctl("stop", "--yes").returncode)
        self.assertEqual(0, self.bot.wait_exit())
        self.assertEqual(3, self.bot.ctl("stop", "--yes").returncode)
        self.assertEqual(3, self.on_terminal(b"y\n", "stop")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
