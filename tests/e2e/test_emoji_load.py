"""/emoji-pad when its helper misbehaves, and when everybody asks at once."""

import contextlib
import http.client
import json
import pathlib
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import gwbotd
from cdn import Cdn
from emoji_bot import Bot, metric, size_of
from gwbotd import Sim

HELPERS = {  # what stands in for gwbot-emoji -> the status
    "exit 0": 502,
    "cat >/dev/null; exit 70": 502,
    "cat >/dev/null; exit 65": 415,
    "echo garbage": 502,
    "cat": 502,
    "printf '\\211PNG\\r\\n\\032\\n'": 502,
    "cat /dev/zero": 502,
    "kill -SEGV $$": 415,
    "kill -SYS $$": 415,
    "[ -z \"$DISCORD_TOKEN$PORT$HOME\" ] || echo leaked; exit 65": 415,
    "ls /proc/self/fd | grep -q '[3-9]' && exit 65; exit 70": 415,  # 3: of ls itself
    "sleep 30": 415,
}


class Helpers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.bin = pathlib.Path(self.folder.name)
        shutil.copy(gwbotd.BIN / "gwbotd", self.bin)
        self.addCleanup(setattr, gwbotd, "BIN", gwbotd.BIN)
        gwbotd.BIN = self.bin

    def test_a_helper_that_does_anything_else_costs_one_request(self):
        helper = self.bin / "gwbot-emoji"
        with Sim(rate=0) as sim, Cdn() as cdn, Bot(sim, cdn.host) as bot:
            bot.start().wait_ready()
            self.assertEqual(bot.pad(cdn.url("1.png"))[0], 502)  # there is none
            self.assertIn("not installed", bot.wait_event("emoji_helper_failed")[1]["reason"])
            for script, status in HELPERS.items():
                with self.subTest(script=script):
                    helper.write_text("#!/bin/sh\n" + script + "\n")
                    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
                    began = time.monotonic()
                    self.assertEqual(bot.pad(cdn.url("1.png"), timeout=20)[0], status)
                    self.assertLess(time.monotonic() - began, 12)
                    self.assertEqual(bot.health()[0], 200)
            self.assertEqual(bot.stop(), 0)
            children = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True,
                                      check=True).stdout
            self.assertNotIn(str(helper), children)


    def test_it_may_be_stopped_while_a_helper_runs(self):
        helper = self.bin / "gwbot-emoji"
        helper.write_text(f"#!/bin/sh\ntouch {self.bin}/started\nexec sleep 6\n")
        helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
        with Sim(rate=0) as sim, Cdn() as cdn, Bot(sim, cdn.host) as bot:
            bot.start().wait_ready()

            def ask():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    bot.pad(cdn.url("1.png"))

            thread = threading.Thread(target=ask)
            thread.start()
            deadline = time.monotonic() + 10
            while not (self.bin / "started").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            began = time.monotonic()
            self.assertEqual(bot.stop(), 0)
            self.assertLess(time.monotonic() - began, 5)
            thread.join(10)


class Many(unittest.TestCase):
    """W10: a thousand requests at once."""

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        # Whoever is started gets it too.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))

    def burst(self, bot, urls):
        answers = []
        lock = threading.Lock()

        def ask(url):
            try:
                status, _, body = bot.pad(url, timeout=40)
            except OSError as error:
                status, body = type(error).__name__, b""
            with lock:
                answers.append((status, body))

        threads = [threading.Thread(target=ask, args=(url,)) for url in urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    def test_a_thousand_at_once_share_fetches_and_delay_no_heartbeat(self):
        with Sim(heartbeat=500, rate=50) as sim, Cdn(delay=0.2) as cdn, \
                Bot(sim, cdn.host, http__max_connections=2200) as bot:
            bot.start().wait_ready()
            same = self.burst(bot, [cdn.url("1.png")] * 1000)
            self.assertEqual({status for status, _ in same}, {200})
            self.assertEqual(len({body for _, body in same}), 1)
            self.assertEqual(cdn.asked["1.png"], 1)

            different = self.burst(bot, [cdn.url(f"{n}.png") for n in range(1000, 2000)])
            statuses = [status for status, _ in different]
            self.assertEqual(set(statuses), {200, 503})
            self.assertGreaterEqual(statuses.count(200), 68)
            self.assertLessEqual(cdn.most_open, 4)
            self.assertEqual(max(cdn.asked.values()), 1)

            self.assertEqual(bot.pad(cdn.url("5.png"))[0], 200)
            self.assertEqual(metric(bot, "gwbotd_emoji_queued"), 0)
            status = json.loads(bot.ctl("--json", "status").stdout)
            late = status["heartbeat_lateness"]
            print(f"{self.id()}: 1000 different: {statuses.count(200)} x 200, "
                  f"{statuses.count(503)} x 503, at most {cdn.most_open} fetches; {late}",
                  file=sys.stderr)
            self.assertGreater(late["count"], 5)
            self.assertLess(late["max_seconds"], 1.0, late)
            self.assertEqual(len(bot.events("shard_state", to="ready")), 1)
            self.assertEqual(bot.stop(), 0)

    def test_pictures_of_one_url_share_its_bytes(self):
        with Sim(rate=0) as sim, Cdn(delay=0.5) as cdn, Bot(sim, cdn.host) as bot:
            bot.start().wait_ready()
            answers = {}

            def ask(side):
                answers[side] = size_of(bot.pad(cdn.url("1.png"), s=side)[2])[0]

            threads = [threading.Thread(target=ask, args=(side,)) for side in range(100, 112)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            self.assertEqual(answers, {side: side for side in range(100, 112)})
            self.assertEqual(cdn.asked["1.png"], 1)
            self.assertEqual(bot.stop(), 0)

    def test_memory_has_a_limit(self):
        with Sim(rate=0) as sim, Cdn() as cdn, \
                Bot(sim, cdn.host, emoji__cache_bytes=20000) as bot:
            bot.start().wait_ready()
            for number in range(100):
                self.assertEqual(bot.pad(cdn.url(f"{number}.png"))[0], 200)
                self.assertLessEqual(metric(bot, "gwbotd_emoji_cache_bytes"), 20000)
            self.assertEqual(bot.pad(cdn.url("99.png"))[0], 200)
            self.assertEqual(cdn.asked["99.png"], 1)
            self.assertEqual(bot.pad(cdn.url("0.png"))[0], 200)
            self.assertEqual(cdn.asked["0.png"], 2)
            self.assertEqual(bot.stop(), 0)


if __name__ == "__main__":
    unittest.main()
