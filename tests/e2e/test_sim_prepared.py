"""gwsim's `prepare` and `release`: streams that are made beforehand, for benchmarks."""

import time
import unittest

from gwbotd import Gwbotd, Sim

MODES = ("none", "zlib-stream", "zstd-stream")


class Prepared(unittest.TestCase):
    def run_with(self, mode, tls, check):
        with Sim(tls=tls, rate=0, heartbeat=1000) as sim, \
                Gwbotd(sim, env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}) as bot:
            bot.start().wait_ready()
            sim.wait_for(lambda stats: stats["sessions"][0]["last_sent"] == stats["sessions"][0]["seq"]
                         and stats["sessions"][0]["seq"] > 1, "guilds sent")
            check(sim, bot)
            shard = bot.snapshot()["shards"][0]
            self.assertEqual((0, 0), (shard["seq_gaps"], shard["reconnects"]))

    def wait_seq(self, bot, seq, timeout=60):
        deadline = time.monotonic() + timeout
        while (now := bot.snapshot()["shards"][0]["seq"]) != seq:
            self.assertLess(time.monotonic(), deadline, f"stays at {now}, not {seq}")
            time.sleep(0.02)

    def send(self, sim, bot, what):
        made = sim.do(f"prepare {what}")
        sim.do("release")
        self.wait_seq(bot, made["last_seq"])
        return made

    def test_every_event_arrives_in_each_mode(self):
        for tls in (False, True):
            for mode in MODES:
                with self.subTest(mode=mode, tls=tls):
                    def check(sim, bot, mode=mode):
                        made = self.send(sim, bot, "3000")
                        ratio = made["payload_bytes"] / made["wire_bytes"]
                        self.assertTrue(ratio < 1.01 if mode == "none" else 3 < ratio < 9, ratio)
                        self.assertTrue(500 < made["payload_bytes"] / 3000 < 1300, made)
                        # What comes behind is in the same stream.
                        sim.do("send {\"t\":\"AFTER\",\"d\":null}")
                        self.wait_seq(bot, made["last_seq"] + 1)
                    self.run_with(mode, tls, check)

    def test_the_worst_payloads_are_legal(self):
        def check(sim, bot):
            for mix in ("100 tiny", "20 deep", "20 late", "1 guild"):
                self.send(sim, bot, mix)
            sim.do("split 1")
            self.send(sim, bot, "20")
            sim.do("split off")
        for mode in MODES:
            with self.subTest(mode=mode):
                self.run_with(mode, True, check)

    def test_heartbeats_are_answered_behind_what_waits(self):
        def check(sim, bot):
            made = sim.do("prepare 10")
            beats = sim.sessions()[0]["heartbeats"]
            sim.wait_for(lambda stats: stats["sessions"][0]["heartbeats"] > beats, "a heartbeat")
            sim.do("release")
            self.wait_seq(bot, made["last_seq"])
            acks = bot.snapshot()["shards"][0]["acks"]
            deadline = time.monotonic() + 10
            while bot.snapshot()["shards"][0]["acks"] == acks:
                self.assertLess(time.monotonic(), deadline, "no answer")
                time.sleep(0.02)
        self.run_with("zlib-stream", True, check)

    def test_a_rate_is_kept(self):
        def check(sim, bot):
            made = sim.do("prepare 1000")
            began = time.monotonic()
            sim.do("release 2000")
            self.wait_seq(bot, made["last_seq"])
            self.assertGreater(time.monotonic() - began, 0.45)
        self.run_with("zstd-stream", True, check)

    def test_what_cannot_be_prepared_is_told(self):
        with Sim(rate=0) as sim:
            self.assertIn("number", sim.ask("prepare")["error"])
            self.assertIn("number", sim.ask("prepare 5 nonsense")["error"])
            self.assertIn("number", sim.ask("release fast")["error"])

    def test_more_than_fits_ends_the_connection_and_it_heals(self):
        with Sim(rate=0, heartbeat=5000) as sim, \
                Gwbotd(sim, env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": "none"}) as bot:
            bot.start().wait_ready()
            sim.wait_for(lambda stats: stats["sessions"][0]["last_sent"] == stats["sessions"][0]["seq"] > 1,
                         "guilds sent")
            self.assertIn("1 GiB", sim.ask("prepare 300 guild", timeout=60)["error"])
            bot.wait_ready(count=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
