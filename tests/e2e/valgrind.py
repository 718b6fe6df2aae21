"""A whole life under valgrind: no error, no leak."""

import pathlib
import tempfile
import unittest
import urllib.parse

from emoji_bot import Bot
from gwbotd import Sim

SUPPRESSIONS = pathlib.Path(__file__).with_name("valgrind.supp")


class Valgrind(unittest.TestCase):
    def test_connect_heal_reload_and_stop_leave_nothing_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "valgrind.log"
            wrapper = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all",
                       "--errors-for-leak-kinds=definite,indirect,possible",
                       "--error-exitcode=99", "--track-fds=no", f"--suppressions={SUPPRESSIONS}",
                       f"--log-file={log}"]
            with Sim(tls=True, heartbeat=3000, rate=20) as sim, \
                    Bot(sim, urllib.parse.urlsplit(sim.api_base).netloc, wrapper=wrapper) as bot:
                bot.start().wait_ready(timeout=60)
                count = 1
                for fault in ("drop", "rst", "reconnect", "invalid true", "close 4000",
                              "garbage", "invalid false"):
                    sim.do(fault)
                    count += 1
                    bot.wait_ready(timeout=90, count=count)
                for path in ("/healthz", "/ready", "/nothing"):
                    bot.get(path, timeout=30)
                emoji = sim.api_base.removesuffix("/api/v10") + "/emojis/1.png"
                for fault, status in (("off", 200), ("off", 200), ("404", 404), ("large", 413),
                                      ("damaged", 415), ("drop", 502)):
                    sim.do(f"cdn {fault}")
                    self.assertEqual(
                        status, bot.pad(emoji, timeout=60, v="" if status == 200 else fault)[0])
                for command in ("status", "snapshot", "latency", "thresholds", "version",
                                "config", "events", "metrics", "explain", "probes", "jobs",
                                "shards", "log", "reload"):
                    self.assertEqual(0, bot.ctl("--timeout", "30s", command).returncode, command)
                self.assertEqual(0, bot.stop(timeout=60), log.read_text())
                # The stored session, from the first byte on.
                bot.start().wait_ready(timeout=60)
                self.assertEqual(0, bot.stop(timeout=60), log.read_text())
            self.assertNotIn("definitely lost", log.read_text())
            print("\nvalgrind:", log.read_text().strip() or "no error, no leak")


if __name__ == "__main__":
    unittest.main(verbosity=2)
