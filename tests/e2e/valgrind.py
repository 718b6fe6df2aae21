"""A whole life under valgrind: no error, no leak."""

import pathlib
import tempfile
import unittest

from gwbotd import Gwbotd, Sim


class Valgrind(unittest.TestCase):
    def test_connect_heal_reload_and_stop_leave_nothing_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "valgrind.log"
            wrapper = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=all",
                       "--errors-for-leak-kinds=definite,indirect,possible",
                       "--error-exitcode=99", "--track-fds=no", f"--log-file={log}"]
            with Sim(tls=True, heartbeat=3000, rate=20) as sim, \
                    Gwbotd(sim, wrapper=wrapper) as bot:
                bot.start().wait_ready(timeout=60)
                count = 1
                for fault in ("drop", "rst", "reconnect", "invalid true", "close 4000",
                              "garbage", "invalid false"):
                    sim.do(fault)
                    count += 1
                    bot.wait_ready(timeout=90, count=count)
                for path in ("/healthz", "/ready", "/nothing"):
                    bot.get(path, timeout=30)
                for command in ("status", "snapshot", "latency", "thresholds", "version"):
                    self.assertEqual(0, bot.ctl("--timeout", "30s", command).returncode)
                self.assertEqual(0, bot.stop(timeout=60), log.read_text())
                # The stored session, from the first byte on.
                bot.start().wait_ready(timeout=60)
                self.assertEqual(0, bot.stop(timeout=60), log.read_text())
            self.assertNotIn("definitely lost", log.read_text())
            print("\nvalgrind:", log.read_text().strip() or "no error, no leak")


if __name__ == "__main__":
    unittest.main(verbosity=2)
