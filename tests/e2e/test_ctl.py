"""gwctl against gwbotd with three shards: what it shows is what is there."""

import json
import time
import unittest

from gwbotd import Gwbotd, Sim

SHARDS = 3


def wait_until(condition, what, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("gave up waiting for " + what)
        time.sleep(0.05)


class Ctl(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(heartbeat=500, rate=50, max_concurrency=SHARDS)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim, discord__shards=SHARDS)
        self.addCleanup(self.bot.close)
        self.bot.start()
        for shard in range(SHARDS):
            self.bot.wait_event("shard_state", to="ready", shard=shard)

    def ask(self, *words):
        done = self.bot.ctl("--json", *words)
        self.assertEqual((0, ""), (done.returncode, done.stderr), words)
        return json.loads(done.stdout)

    def shards(self):
        return {shard["shard"]: shard for shard in self.ask("shards")["shards"]}

    def wait_ready(self, shard, count):
        self.bot.wait_event("shard_state", count=count, to="ready", shard=shard)

    def test_every_screen_shows_three_shards(self):
        answer = self.ask("shards")
        self.assertEqual([0, 1, 2], [shard["shard"] for shard in answer["shards"]])
        self.assertEqual((SHARDS, SHARDS), (answer["total"]["shards"], answer["total"]["connected"]))
        for shard in answer["shards"]:
            self.assertEqual((SHARDS, "ready", "none", 0, 0, 0, 1), tuple(shard[name] for name in (
                "shard_count", "state", "cure", "cure_tries", "reconnects", "resumes", "identifies")))
        wait_until(lambda: all(shard["latency_samples"] > 1 for shard in self.ask("latency")["shards"]),
                   "two latencies of each shard")
        for shard in self.ask("latency")["shards"]:
            self.assertEqual("known", shard["latency_state"])
            ordered = [shard[f"latency_{name}_seconds"] for name in ("min", "p50", "p90", "p95", "p99", "max")]
            self.assertEqual(sorted(ordered), ordered)
            self.assertTrue(ordered[0] <= shard["latency_mean_seconds"] <= ordered[-1])
            self.assertGreaterEqual(sum(entry["count"] for entry in shard["classes"]),
                                    shard["latency_samples"])
        status = self.ask("status")
        self.assertEqual(0, status["shards_left_out"])
        self.assertGreaterEqual(status["identify"]["used_today"], SHARDS)
        self.assertGreater(status["identify"]["left"], 0)
        self.assertIsNone(status["identify"]["held_until"])
        turns = status["loop"]["turn_times"]
        self.assertGreater(turns["count"], 10)
        self.assertTrue(0 <= turns["p50_seconds"] <= turns["p99_seconds"] <= turns["p999_seconds"] <=
                        turns["max_seconds"])
        for answer in (status, self.ask("snapshot")):
            beats = answer["heartbeat_lateness"]
            self.assertGreaterEqual(beats["count"], SHARDS)
            self.assertTrue(0 <= beats["p50_seconds"] <= beats["max_seconds"])
        self.assertGreaterEqual(status["rest"]["requests"], 1)
        self.assertFalse(status["rest"]["unauthorized"])
        for words in (["status"], ["shards"], ["latency"], ["snapshot"], ["thresholds"]):
            done = self.bot.ctl(*words)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertNotRegex(done.stdout, "nan|inf")
            for line in done.stdout.split("\n"):
                self.assertLessEqual(len(line), 80, line)

    def test_reconnect_resumes_the_one_that_was_named(self):
        before = self.shards()
        answer = self.ask("reconnect", "1")
        self.assertEqual((1, 1, False), (answer["shards"], answer["first_shard"], answer["fresh"]))
        self.wait_ready(1, 2)
        after = self.shards()
        self.assertEqual((1, 1, 1), tuple(after[1][name] for name in ("reconnects", "resumes", "identifies")))
        self.assertGreaterEqual(after[1]["seq"], before[1]["seq"])
        for shard in (0, 2):
            self.assertEqual(0, after[shard]["reconnects"])
        (_, event), = self.bot.events("control_command", command="reconnect")
        self.assertEqual("1", event["args"])

    def test_reconnect_of_all_spends_no_identify(self):
        self.assertEqual(SHARDS, self.ask("reconnect")["shards"])
        for shard in range(SHARDS):
            self.wait_ready(shard, 2)
        for shard in self.shards().values():
            self.assertEqual((1, 1), (shard["resumes"], shard["identifies"]))

    def test_a_new_session_needs_yes_and_spends_one_identify(self):
        refused = self.bot.ctl("reconnect", "2", "--fresh")
        self.assertEqual((7, ""), (refused.returncode, refused.stdout))
        self.assertIn("add --yes", refused.stderr)
        used = self.ask("status")["identify"]["used_today"]
        self.assertEqual([], self.bot.events("control_command", command="reconnect"))
        answer = self.ask("reconnect", "2", "--fresh", "--yes", "--wait=20s")
        (back,) = answer["back"]
        self.assertEqual((2, "new"), (back["shard"], back["session"]))
        self.assertTrue(0 <= back["took_seconds"] <= answer["waited_seconds"], answer)
        self.assertEqual([1, 1, 2], [shard["identifies"] for shard in self.shards().values()])
        self.assertEqual(used + 1, self.ask("status")["identify"]["used_today"])

    def test_reconnect_waits_until_the_shards_are_ready_again(self):
        done = self.bot.ctl("reconnect", "1", "--wait")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout, r"^shard 1 resumed after \d+(\.\d)? (ms|s)\n$")
        self.assertEqual([0, 1, 0], [shard["reconnects"] for shard in self.shards().values()])
        self.assertRegex(self.bot.ctl("reconnect", "-W").stdout,
                         r"^3 shards ready again after [\d.]+ m?s: 3 resumed, 0 with a new session\n$")

    def test_reconnect_does_not_wait_for_ever(self):
        self.sim.do("upgrade 503")
        done = self.bot.ctl("reconnect", "2", "--wait=500ms")
        self.sim.do("upgrade off")
        self.assertEqual((5, ""), (done.returncode, done.stdout))
        self.assertRegex(done.stderr, r"^gwctl: not ready again after 0\.5 s: shard 2 is .*\n +it goes on trying; ")
        self.wait_ready(2, 2)
        for words, status in ((("reconnect", "7", "--wait"), 1), (("reconnect", "--wait=x"), 2)):
            self.assertEqual(status, self.bot.ctl(*words).returncode)

    def test_an_unknown_shard_is_told_which_there_are(self):
        for words in (["reconnect", "3"], ["snapshot", "3"], ["shards", "2-3"], ["latency", "3"]):
            done = self.bot.ctl(*words)
            self.assertEqual((1, ""), (done.returncode, done.stdout), words)
            self.assertIn("this process has shards 0-2 of 3", done.stderr)

    def test_the_cure_of_a_shard_in_trouble_is_shown(self):
        self.sim.do("upgrade 503")
        self.ask("reconnect", "1")
        wait_until(lambda: self.shards()[1]["cure_tries"] > 0, "a failed try")
        shard = self.shards()[1]
        self.assertFalse(shard["ready"])
        self.assertIn(shard["cure"], ("resume", "general"))
        self.assertTrue(shard["reason"])
        screen = self.bot.ctl("shards").stdout
        self.assertIn("2 of 3 ready", screen)
        self.assertRegex(screen, r"tries to\s+resume at the")
        self.assertLess(screen.index(" 1/3 "), screen.index(" 0/3 "))
        self.assertRegex(self.bot.ctl("status").stdout, r"Reason +shard 1: ")
        self.sim.do("upgrade off")
        self.wait_ready(1, 2)
        self.assertEqual("none", self.shards()[1]["cure"])
        self.assertEqual(1, self.shards()[1]["identifies"])


if __name__ == "__main__":
    unittest.main()
