"""The day's identifies: written down before they are sent, and never spent."""

import signal
import struct
import time
import unittest
from datetime import datetime, timezone

from gwbotd import Gwbotd, Sim


def used(bot):
    """What the ledger on disk counts."""
    content = (bot.dir / "state" / "identify.ledger").read_bytes()
    slots = struct.unpack_from("<1441Q", content, 16)
    return sum(slot & 0xFFFFFFFF for slot in slots)


def forget_spacing(bot):
    path = bot.dir / "state" / "identify.ledger"
    content = bytearray(path.read_bytes())
    content[8:16] = bytes(8)
    path.write_bytes(content)


class Budget(unittest.TestCase):
    def held(self, bot, sim, identifies):
        """It holds, tells until when, and sends nothing."""
        bot.wait_event("identify_budget_spent")
        status, body = bot.health()
        self.assertEqual(503, status)
        release = body["identify_release_at"]
        until = datetime.fromisoformat(release.replace("Z", "+00:00"))
        ahead = (until - datetime.now(timezone.utc)).total_seconds()
        self.assertTrue(0 < ahead <= 86400 + 61, release)
        self.assertTrue(any("reserve of 50" in reason and release in reason
                            for reason in body["reasons"]), body["reasons"])
        shard = bot.snapshot()["shards"][0]
        self.assertIn(release, shard["reason"])
        self.assertAlmostEqual(ahead, shard["next_try_in_seconds"], delta=10)
        self.assertEqual(200, bot.get("/livez")[0])
        self.assertEqual(identifies, sim.totals()["identifies"])
        return release

    def test_the_reserve_is_never_touched_over_restarts_kill_9_and_without_rest(self):
        with Sim(remaining=52, identify_window=0) as sim, Gwbotd(sim) as bot:
            for life in range(2):
                bot.start().wait_ready(timeout=20)
                self.assertEqual(206, bot.health()[0])
                bot.kill()
                sim.do("kill-session")
                forget_spacing(bot)
            self.assertEqual(2, used(bot))
            bot.start()
            release = self.held(bot, sim, 2)
            bot.kill()
            sim.do("rest 503")
            bot.start()
            self.assertEqual(release[:16], self.held(bot, sim, 2)[:16])
            self.assertEqual(0, bot.stop(signal.SIGTERM))
            sim.do("rest drop")
            bot.start()
            self.held(bot, sim, 2)
            self.assertEqual(0, bot.stop(signal.SIGTERM))
            self.assertEqual(2, used(bot))

    def test_a_resume_needs_no_budget(self):
        with Sim(remaining=51) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for _ in range(3):
                bot.kill()
                bot.start().wait_ready()
            self.assertEqual((0, 1), tuple(bot.snapshot()["shards"][0][name]
                                           for name in ("identifies", "resumed")))
            body = bot.wait_health(206)
            self.assertIn("identify budget spent", body["reasons"][0])
            self.assertEqual(0, bot.stop())

    def test_the_hold_ends_at_the_reset(self):
        with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
            sim.do("budget 50 4000")
            began = time.monotonic()
            bot.start()
            bot.wait_event("identify_budget_spent")
            sim.do("budget 1000")
            when, _ = bot.wait_ready(timeout=20)
            print(f"\nreset 4 s after the start: ready after {when - began:.2f} s")
            self.assertGreater(when - began, 3.5)
            self.assertEqual(0, bot.stop())

    def test_small_and_large_totals_have_their_own_reserve(self):
        for total, remaining, healthy in ((100, 6, True), (100, 5, False),
                                          (2400, 51, True), (2400, 50, False)):
            with self.subTest(f"{remaining} of {total}"), \
                    Sim(session_limit=total, remaining=remaining) as sim, \
                    Gwbotd(sim) as bot:
                bot.start()
                if healthy:
                    bot.wait_ready()
                else:
                    bot.wait_event("identify_budget_spent")
                self.assertEqual(1 if healthy else 0, sim.totals()["identifies"])
                self.assertEqual(0, bot.stop())

    def test_the_ledger_of_an_older_version_is_read(self):
        now = int(time.time() * 1000)
        times = [now - 7200_000 + i for i in range(950)]
        old = b"GWBL" + struct.pack("<III", 1, 10, 950) + struct.pack(
            "<1000q", *([0] * 10 + times + [0] * 40))
        with Sim() as sim, Gwbotd(sim) as bot:
            (bot.dir / "state").mkdir(mode=0o700)
            (bot.dir / "state" / "identify.ledger").write_bytes(old)
            bot.start()
            release = self.held(bot, sim, 0)
            until = datetime.fromisoformat(release.replace("Z", "+00:00"))
            self.assertAlmostEqual(now / 1000 + 22 * 3600, until.timestamp(), delta=120)
            self.assertEqual(0, bot.stop())
            self.assertEqual(950, used(bot))

    def test_an_attempt_that_never_identifies_costs_nothing(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            sim.do("upgrade 503")
            bot.start()
            bot.wait_event("shard_state", to="backing off", count=3)
            sim.do("upgrade off")
            bot.wait_ready()
            self.assertEqual(1, used(bot))
            self.assertEqual(0, bot.stop())

    def test_a_lost_ledger_asks_the_api_before_it_identifies(self):
        with Sim(remaining=51, identify_window=0) as sim, Gwbotd(
                sim, discord__gateway=f"ws://127.0.0.1:{sim.port}") as bot:
            bot.start().wait_ready()
            bot.kill()
            sim.do("kill-session")
            (bot.dir / "state" / "identify.ledger").unlink()
            bot.start()
            self.held(bot, sim, 1)
            self.assertEqual(0, bot.stop())

    def test_without_a_ledger_and_an_answer_only_time_lets_an_identify_through(self):
        with Sim() as sim, Gwbotd(
                sim, discord__gateway=f"ws://127.0.0.1:{sim.port}") as bot:
            sim.do("rest 503")
            (bot.dir / "state").mkdir(mode=0o700)
            (bot.dir / "state" / "identify.ledger").mkdir()
            bot.start()
            bot.wait_event("gateway_not_found")
            until = time.monotonic() + 2
            while time.monotonic() < until:
                self.assertEqual(0, sim.totals()["identifies"])
                time.sleep(0.2)
            sim.do("rest off")
            bot.wait_ready(timeout=40)
            self.assertEqual(0, bot.stop())


class Reload(unittest.TestCase):
    def test_intents_come_with_a_new_session_and_the_rest_with_a_connection(self):
        with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
            file = bot.dir / "gwbot.conf"
            file.write_text('discord: { intents = ["GUILDS"]; compress = "none"; };\n')
            bot.env["GWBOT_CONFIG"] = str(file)
            bot.start().wait_ready()
            file.write_text('discord: { intents = ["GUILDS", "GUILD_MESSAGES"]; '
                            'compress = "zstd-stream"; };\n')
            bot.process.send_signal(signal.SIGHUP)
            bot.wait_event("reloaded")
            self.assertEqual(
                {"discord.intents": "session", "discord.compress": "connection"},
                {event["option"]: event["remedy"].split(":")[0].split()[-1]
                 for _, event in bot.events("config_deferred")})
            self.assertEqual([1], self.sessions(sim, "intents"))
            sim.do("drop")
            bot.wait_ready(count=2)
            self.assertEqual([1], self.sessions(sim, "intents"))
            self.assertEqual(1, bot.snapshot()["shards"][0]["resumed"])
            sim.do("invalid false")
            bot.wait_ready(count=3, timeout=30)
            self.assertIn(513, self.sessions(sim, "intents"))
            self.assertEqual(0, bot.stop())
            # The record is of the new intents, so the next process resumes.
            bot.start().wait_ready()
            self.assertEqual(0, bot.snapshot()["shards"][0]["identifies"])

    def sessions(self, sim, name):
        return [session[name] for session in sim.do("stats")["sessions"]]


if __name__ == "__main__":
    unittest.main(verbosity=2)
