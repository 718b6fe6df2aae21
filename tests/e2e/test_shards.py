"""Many shards in one process: a number, a range, as many as Discord recommends."""

import json
import time
import unittest

from gwbotd import Gwbotd, Sim


def figures(bot, *names):
    return [tuple(shard[name] for name in names) for shard in bot.snapshot()["shards"]]


def chosen(bot):
    return bot.wait_event("shards_chosen")[1]["count"]


class Auto(unittest.TestCase):
    def sim(self, shards, **options):
        return Sim(shards=shards, max_concurrency=16, identify_window=0, **options)

    def forget_spacing(self, bot):
        """Of the ledger; what Discord said stays in another place of its file."""
        path = bot.dir / "state" / "identify.ledger"
        content = bytearray(path.read_bytes())
        content[8:16] = bytes(8)
        path.write_bytes(content)

    def test_the_recommended_count_is_taken_and_resumed_without_the_api(self):
        with self.sim(3) as sim, Gwbotd(sim, discord__shards="auto") as bot:
            bot.start().wait_ready(count=3)
            self.assertEqual([(0, 3, 1), (1, 3, 1), (2, 3, 1)],
                             figures(bot, "shard", "shard_count", "identifies"))
            bot.kill()
            for fault in ("rest 503", "rest drop", "rest stall"):
                sim.do(fault)
                bot.start().wait_ready(count=3)
                self.assertEqual([(0, 1)] * 3, figures(bot, "identifies", "resumed"))
                bot.kill()

    def test_the_cached_gateway_serves_every_form_without_the_api(self):
        for form in ("1", "0-1/2", "auto"):
            with self.subTest(form), self.sim(2) as sim, \
                    Gwbotd(sim, discord__shards=form) as bot:
                count = 1 if form == "1" else 2
                bot.start().wait_ready(count=count)
                self.assertEqual(0, bot.stop())
                sim.do("rest 503")
                sim.do("refuse-resume on")  # so that a new session is needed
                self.forget_spacing(bot)
                bot.start().wait_ready(count=count, timeout=40)
                self.assertEqual([1] * count, [n for n, in figures(bot, "identifies")])
                self.assertEqual(0, bot.stop())

    def test_the_count_stays_until_twice_as_many_are_recommended(self):
        with self.sim(2) as two, self.sim(3) as three, self.sim(4) as four, \
                Gwbotd(two, discord__shards="auto") as bot:
            bot.start().wait_ready(count=2)
            self.assertEqual(0, bot.stop())
            bot.env["DISCORD_API_BASE"] = three.api_base
            bot.start()
            bot.wait_event("gateway_found")
            self.assertEqual(2, chosen(bot))
            self.assertEqual([], bot.events("more_shards_recommended"))
            self.assertEqual(0, bot.stop())
            bot.env["DISCORD_API_BASE"] = four.api_base
            bot.start()
            _, event = bot.wait_event("more_shards_recommended")
            self.assertEqual((2, 4), (event["have"], event["recommended"]))
            self.assertIn("gwctl reboot", event["remedy"])
            self.assertEqual(0, bot.stop())
            # The next start takes them, even if the API fails now.
            four.do("rest 503")
            bot.start()
            self.assertEqual(4, chosen(bot))

    def test_4011_forgets_the_count(self):
        with self.sim(2) as two, self.sim(3) as three, \
                Gwbotd(two, discord__shards="auto") as bot:
            bot.start().wait_ready(count=2)
            two.do("close 4011")
            self.assertEqual(77, bot.wait_exit())
            self.assertEqual(2, bot.wait_event("shards_forgotten")[1]["count"])
            bot.env["DISCORD_API_BASE"] = three.api_base
            bot.start()
            self.assertEqual(3, chosen(bot))

    def test_while_the_count_is_not_known_it_lives_says_so_and_asks_again(self):
        with self.sim(2) as sim, Gwbotd(sim, discord__shards="auto") as bot:
            sim.do("rest 503")
            bot.start()
            bot.wait_event("gateway_not_found", count=2)
            status, body = bot.health()
            self.assertEqual((503, "starting"), (status, body["state"]))
            self.assertIn("shard count", body["reasons"][0])
            self.assertIn("503", body["reasons"][0])
            self.assertEqual(200, bot.get("/livez")[0])
            snapshot, = bot.snapshot()["shards"]
            self.assertIn("shard count", snapshot["reason"])
            self.assertEqual(0, bot.ctl("status").returncode)
            sim.do("rest off")
            bot.wait_ready(count=2)
            self.assertEqual(200, bot.health()[0])
            self.assertEqual(0, bot.stop())

    def test_the_wait_for_the_count_ends_at_the_watchdogs_grace(self):
        with self.sim(2) as sim, Gwbotd(
                sim, discord__shards="auto", watchdog__keepalive="200ms",
                watchdog__stall="5s", watchdog__disconnect_grace="2s") as bot:
            sim.do("rest 503")
            began = time.monotonic()
            bot.start()
            self.assertEqual(1, bot.wait_exit())
            self.assertGreater(time.monotonic() - began, 2)
            self.assertEqual("down", bot.events("watchdog_exit")[0][1]["verdict"])

    def test_more_than_a_process_can_hold_is_78_with_the_remedy(self):
        with self.sim(300) as sim, Gwbotd(sim, discord__shards="auto") as bot:
            bot.wrapper = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"]
            bot.start()
            self.assertEqual(78, bot.wait_exit())
            _, event = bot.wait_event("start_failed")
            self.assertIn("recommends 300 shards and this process can hold 96",
                          event["reason"])
            self.assertIn("discord.shards = \"0-", event["reason"])
            self.assertEqual(0, sim.totals()["identifies"])

    def test_a_401_ends_it_while_the_count_is_not_known(self):
        with self.sim(2) as sim, Gwbotd(sim, discord__shards="auto") as bot:
            sim.do("rest 401")
            bot.start()
            self.assertEqual(77, bot.wait_exit())


class Ranges(unittest.TestCase):
    def test_reconnect_means_ids_not_places(self):
        with Sim(shards=6, max_concurrency=6, identify_window=0) as sim, \
                Gwbotd(sim, discord__shards="2-4/6") as bot:
            bot.start().wait_ready(count=3)
            for words, asked, ready, resumes in (
                    ("3", 1, 4, [0, 1, 0]), ("3-4", 2, 6, [0, 2, 1]), ("2", 1, 7, [1, 2, 1])):
                answer = json.loads(bot.ctl("--json", "reconnect", words).stdout)
                self.assertEqual(asked, answer["shards"])
                bot.wait_ready(count=ready)
                self.assertEqual(resumes, [n for n, in figures(bot, "resumes")])
            for words in ("0", "1-2", "5"):
                self.assertEqual(1, bot.ctl("reconnect", words).returncode)
            answer = json.loads(bot.ctl("--json", "reconnect").stdout)
            self.assertEqual((2, 4, 3), tuple(
                answer[name] for name in ("first_shard", "last_shard", "shards")))
            bot.wait_ready(count=10)
            self.assertEqual([2, 3, 2], [n for n, in figures(bot, "resumes")])
            self.assertEqual([1] * 3, [n for n, in figures(bot, "identifies")])
            self.assertEqual(0, bot.stop())

    def test_a_range_has_its_own_ids_records_and_snapshots(self):
        with Sim(shards=4, max_concurrency=4, identify_window=0) as sim, \
                Gwbotd(sim, discord__shards="2-3/4") as bot:
            bot.start().wait_ready(count=2)
            self.assertEqual([(2, 4), (3, 4)], figures(bot, "shard", "shard_count"))
            self.assertEqual(["shard-2-of-4.session", "shard-3-of-4.session"], sorted(
                path.name for path in (bot.dir / "state").glob("shard-*")))
            one = json.loads(bot.ctl("--json", "snapshot", "3").stdout)
            self.assertEqual([3], [shard["shard"] for shard in one["shards"]])
            self.assertNotEqual(0, bot.ctl("snapshot", "0").returncode)
            sim.do("drop")
            bot.wait_ready(count=4)
            bot.kill()
            bot.start().wait_ready(count=2)
            self.assertEqual([(0, 1), (0, 1)], figures(bot, "identifies", "resumed"))
            self.assertEqual(0, bot.stop())
            # Another range of the same total keeps what both have.
            bot.arguments = ["--set=discord.shards=3-3/4"]
            bot.start().wait_ready()
            self.assertEqual([(3, 0, 1)], figures(bot, "shard", "identifies", "resumed"))
            self.assertEqual(1, len(bot.events("session_discarded")))
            self.assertEqual(0, bot.stop())

    def test_two_processes_share_the_shards_of_a_bot(self):
        with Sim(shards=2, max_concurrency=2, identify_window=0) as sim, \
                Gwbotd(sim, discord__shards="0-0/2") as low, \
                Gwbotd(sim, discord__shards="1-1/2") as high:
            low.start().wait_ready()
            high.start().wait_ready()
            self.assertEqual([(0, 2)], figures(low, "shard", "shard_count"))
            self.assertEqual([(1, 2)], figures(high, "shard", "shard_count"))
            self.assertEqual(0, low.stop())
            self.assertEqual(0, high.stop())

    def test_bad_forms_end_with_78_and_say_what_is_allowed(self):
        for form, word in (("0-4/4", "below the total"), ("3-1/4", "after the last"),
                           ("0-1000/2000", "1000 shards"), ("1001", "out of range"),
                           ("many", "0-15/64")):
            with self.subTest(form), Gwbotd() as bot:
                bot.start(f"--set=discord.shards={form}")
                self.assertEqual(78, bot.wait_exit())
                deadline = time.monotonic() + 5
                while word not in bot.output:
                    self.assertLess(time.monotonic(), deadline, bot.output)
                    time.sleep(0.01)


class Descriptors(unittest.TestCase):
    def limited(self, sim, limits, shards):
        bot = Gwbotd(sim, discord__shards=shards)
        bot.wrapper = ["sh", "-c", f'{limits}; exec "$@"', "sh"]
        return bot

    def test_too_low_a_hard_limit_is_78_with_the_remedy(self):
        with Sim(shards=200) as sim, self.limited(sim, "ulimit -n 256", 200) as bot:
            bot.start()
            self.assertEqual(78, bot.wait_exit())
            _, event = bot.wait_event("start_failed")
            self.assertIn("LimitNOFILE", event["reason"])
            self.assertIn("464", event["reason"])
            self.assertEqual(0, sim.totals()["identifies"])

    def test_a_low_soft_limit_is_raised(self):
        with Sim(shards=100, max_concurrency=100, identify_window=0) as sim, \
                self.limited(sim, "ulimit -Sn 128", 100) as bot:
            bot.start().wait_ready(count=100, timeout=60)
            self.assertEqual([], bot.events("http_connections_capped"))
            body = bot.wait_health(200)
            self.assertEqual((100, 100, []), (body["shards_total"],
                                              body["shards_connected"], body["shards"]))
            self.assertEqual(0, bot.stop())


class Slots(unittest.TestCase):
    def test_buckets_go_in_order_and_apart(self):
        with Sim(shards=4, max_concurrency=2) as sim, \
                Gwbotd(sim, discord__shards=4) as bot:
            bot.start()
            bot.wait_event("identify", count=2)
            waiting = {shard["shard"]: shard["next_try_in_seconds"]
                       for shard in bot.snapshot()["shards"]
                       if shard["state_text"] == "waiting for an identify slot"}
            self.assertEqual([2, 3], sorted(waiting))
            for wait in waiting.values():
                self.assertTrue(3 < wait <= 11, waiting)
            bot.wait_ready(count=2)
            doctor = " ".join(bot.ctl("doctor").stdout.split())
            self.assertRegex(doctor, r"turn to identify(, shard 3 longest)?: about \d+ s fix: nothing to do")
            bot.wait_ready(count=4, timeout=30)
            sent = {event["shard"]: when for when, event in bot.events("identify")}
            self.assertEqual({0, 1}, set(sorted(sent, key=sent.get)[:2]))
            for shard in (2, 3):
                apart = sent[shard] - sent[shard - 2]
                print(f"\nshards {shard - 2} and {shard} of a bucket: {apart:.2f} s apart")
                self.assertTrue(5.3 < apart < 7, apart)
            self.assertEqual(4, sim.totals()["identifies"])
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual(0, bot.stop())

    def test_a_slot_that_comes_back_unused_goes_to_the_next_at_once(self):
        with Sim(shards=2) as sim, \
                Gwbotd(sim, discord__shards=2, gateway__hello_timeout="1s") as bot:
            sim.do("no-hello on")
            bot.start()
            gave_up, event = bot.wait_event("shard_state", **{"from": "waiting for hello"})
            first = event["shard"]
            took, _ = bot.wait_event("shard_state", shard=1 - first, to="connecting")
            print(f"\nthe slot of shard {first} went on after {took - gave_up:.3f} s")
            self.assertLess(took - gave_up, 2.5)  # not the 5 s of a slot that was used
            self.assertEqual(0, sim.totals()["identifies"])
            sim.do("no-hello off")
            bot.wait_ready(count=2, timeout=30)
            self.assertEqual(2, sim.totals()["identifies"])
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
