"""What a session sends by itself: a proof of life when nothing comes, its presence.

gwsim's `deaf` answers heartbeats and says READY and RESUMED, and nothing else.
"""

import json
import signal
import time
import unittest

from gwbotd import Gwbotd, Sim

AFTER = 1.0
PATIENCE = 20.0


def shard(bot):
    return bot.snapshot()["shards"][0]


def quiet(**options):
    """A server on which nothing happens by itself."""
    return Sim(heartbeat=2000, rate=0, **options)


def configure(bot, **options):
    """Writes the options as section__name to the configuration; a running bot reloads."""
    file = bot.dir / "gwbot.conf"
    file.write_text("".join("{}: {{ {} = {}; }};\n".format(*path.split("__"), json.dumps(value))
                            for path, value in options.items()))
    bot.env["GWBOT_CONFIG"] = str(file)
    if bot.process:
        before = len(bot.events("reloaded"))
        bot.process.send_signal(signal.SIGHUP)
        bot.wait_event("reloaded", count=before + 1)


def prober(sim, **settings):
    return Gwbotd(sim, gateway__probe_after=f"{AFTER:g}s", **settings)


class Probe(unittest.TestCase):
    def test_a_quiet_server_that_answers_raises_no_alarm(self):
        with quiet() as sim, prober(sim) as bot:
            bot.start().wait_ready()
            sim.wait_for(lambda stats: stats["sessions"][0]["seq"] >= 8,
                         "answers to several probes", timeout=20)
            self.assertEqual(1, len(bot.events("shard_state", to="ready")))
            self.assertEqual([], bot.events("shard_state", **{"from": "ready"}))
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual(0, bot.stop())

    def test_without_the_option_nobody_is_asked(self):
        with quiet(guilds=1) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            first = sim.wait_for(lambda stats: stats["sessions"][0]["seq"] >= 2, "guild")
            time.sleep(3 * AFTER)
            self.assertEqual(first["sessions"][0]["seq"], sim.sessions()[0]["seq"])
            self.assertEqual(0, bot.stop())

    def test_a_reload_switches_it_on_and_off_in_running_sessions(self):
        with quiet(guilds=1) as sim, Gwbotd(sim) as bot:
            configure(bot)
            bot.start().wait_ready()
            sim.wait_for(lambda stats: stats["sessions"][0]["seq"] >= 2, "guild")
            configure(bot, gateway__probe_after=f"{AFTER:g}s")
            seq = sim.sessions()[0]["seq"]
            sim.wait_for(lambda stats: stats["sessions"][0]["seq"] >= seq + 2,
                         "answers to probes after the reload")
            configure(bot, gateway__probe_after="0s")
            time.sleep(AFTER / 2)  # one on its way may still be answered
            seq = sim.sessions()[0]["seq"]
            time.sleep(3 * AFTER)
            self.assertEqual(seq, sim.sessions()[0]["seq"])
            self.assertEqual([], bot.events("shard_state", **{"from": "ready"}))
            self.assertEqual(0, bot.stop())

    def test_a_deaf_session_is_resumed(self):
        with quiet() as sim, prober(sim) as bot:
            bot.start().wait_ready()
            sim.do("deaf on")
            went_deaf = time.monotonic()
            when, event = bot.wait_event("shard_state", timeout=AFTER + PATIENCE + 10,
                                         **{"from": "ready"})
            took = when - went_deaf
            self.assertEqual("zombie: proof of life unanswered", event["reason"])
            self.assertEqual("resume at the resume host", event["cure"])
            self.assertGreater(took, PATIENCE - 0.5)
            sim.do("deaf off")
            healed, _ = bot.wait_ready(count=2)
            print(f"\ndeaf, asked after {AFTER:g} s: noticed after {took:.2f} s, "
                  f"resumed after {healed - went_deaf:.2f} s")
            self.assertEqual(4000, sim.totals()["last_client_close_code"])
            self.assertEqual((1, 1), (shard(bot)["identifies"], shard(bot)["resumed"]))
            seq = sim.sessions()[0]["seq"]
            sim.wait_for(lambda stats: stats["sessions"][0]["seq"] > seq,
                         "probes that are answered again")
            self.assertEqual(0, bot.stop())

    def test_the_guild_to_ask_in_survives_the_process(self):
        with quiet() as sim, prober(sim) as bot:
            bot.start().wait_ready()
            self.assertEqual(0, bot.stop())
            bot.start().wait_ready()
            seq = sim.sessions()[0]["seq"]
            sim.wait_for(lambda stats: stats["sessions"][0]["seq"] >= seq + 3,
                         "answers after a resume by a new process")
            self.assertEqual(1, sim.totals()["identifies"])
            self.assertEqual(0, bot.stop())


class Presence(unittest.TestCase):
    def test_it_is_sent_again_after_a_resume_with_all_its_keys(self):
        with quiet() as sim, Gwbotd(sim, env={"GWBOT_PRESENCE": '{"status":"dnd"}'}) as bot:
            bot.start().wait_ready()
            for resumes in range(1, 4):
                self.assertEqual(resumes - 1, sim.totals()["presences"])
                sim.do("rst")
                bot.wait_ready(count=resumes + 1)
                sim.wait_for(lambda stats, n=resumes: stats["totals"]["presences"] == n,
                             "op 3 after RESUMED")
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual(1, sim.totals()["identifies"])
            self.assertEqual(0, bot.stop())

    def test_a_reload_shows_a_changed_one_in_each_running_session_once(self):
        shards = 2
        with quiet(shards=shards, max_concurrency=shards) as sim, \
                Gwbotd(sim, discord__shards=shards) as bot:
            configure(bot, bot__name="x")
            bot.start().wait_ready(count=shards)
            for times, status in enumerate(("dnd", "idle"), start=1):
                configure(bot, discord__presence=json.dumps({"status": status}))
                sim.wait_for(lambda stats, n=times * shards: stats["totals"]["presences"] == n,
                             "op 3 of each shard")
                # The same again is no news.
                configure(bot, discord__presence=json.dumps({"status": status}))
            time.sleep(1)
            self.assertEqual(2 * shards, sim.totals()["presences"])
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual([], bot.events("shard_state", **{"from": "ready"}))
            self.assertEqual(0, bot.stop())

    def test_one_that_discord_would_refuse_is_not_sent(self):
        with quiet() as sim, Gwbotd(sim, env={"GWBOT_PRESENCE": '{"status":"busy"}'}) as bot:
            bot.start().wait_ready()
            self.assertIn("status", bot.wait_event("presence_invalid")[1]["reason"])
            sim.do("rst")
            bot.wait_ready(count=2)
            sim.wait_for(lambda stats: stats["totals"]["presences"] == 1, "op 3")
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual(0, bot.stop())


class Ready(unittest.TestCase):
    READY = ('raw {"op":0,"t":"READY","s":1,"d":{"v":%s,"session_id":"x","shard":%s}}')

    def told(self, version, told_shard):
        """The warnings after a READY that says this."""
        with quiet() as sim, Gwbotd(sim) as bot:
            sim.do("no-ready on")
            bot.start().wait_event("shard_state", to="identifying")
            sim.wait_for(lambda stats: stats["totals"]["identifies"] == 1, "IDENTIFY")
            sim.do(self.READY % (version, told_shard))
            bot.wait_ready()
            bot.stop()  # what is said of READY stands behind it
            bot.wait_event("stopped")
            return sorted(event["event"] for _, event in bot.events()
                          if event["event"].startswith("ready_of"))

    def test_another_shard_or_version_than_asked_for_is_told(self):
        self.assertEqual([], self.told(10, "[0,1]"))
        self.assertEqual(["ready_of_another_shard"], self.told(10, "[0,2]"))
        self.assertEqual(["ready_of_another_version"], self.told(9, "[0,1]"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
