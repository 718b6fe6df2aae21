"""gwbotd as the first process of a container: in a process namespace of its own."""

import os
import pathlib
import signal
import time
import unittest

from gwbotd import Gwbotd, Sim


def children(pid):
    return [int(word) for word in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@unittest.skipUnless(os.getuid() == 0, "only root can make the namespace")
class First(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Sim())
        self.bot = self.enterContext(Gwbotd(
            self.sim, wrapper=["unshare", "-pf", "--kill-child", "--mount-proc"]))
        config = self.bot.dir / "gwbot.conf"
        # A grandchild that leaves its group and ends after its parent.
        config.write_text('jobs = ({ name = "leave"; action = "exec"; every = "1d"; command = '
                          '["/bin/sh", "-c", "setsid -f sleep 2"]; });\n')
        self.bot.start("--config", str(config)).wait_ready()
        self.first, = children(self.bot.process.pid)
        self.daemon, = children(self.first)

    def test_orphans_are_reaped(self):
        done = self.bot.ctl("job", "run", "leave", "--wait")
        self.assertEqual(0, done.returncode, done.stderr)
        deadline = time.monotonic() + 10
        orphans = set(children(self.first)) - {self.daemon}
        while set(children(self.first)) != {self.daemon}:
            self.assertLess(time.monotonic(), deadline,
                            [(pid, state(pid)) for pid in children(self.first)])
            time.sleep(0.05)
        self.assertTrue(orphans, "it was gone before we looked")
        self.assertIn("a container", self.bot.ctl("doctor").stdout)
        os.kill(self.first, signal.SIGTERM)
        self.assertEqual(0, self.bot.wait_exit())
        self.bot.wait_event("stopping", reason="SIGTERM")

    def test_signals_are_passed_on(self):
        os.kill(self.first, signal.SIGHUP)
        self.bot.wait_event("reloaded")
        os.kill(self.first, signal.SIGUSR1)
        self.bot.wait_event("status")
        os.kill(self.daemon, signal.SIGKILL)
        self.assertEqual(128 + signal.SIGKILL, self.bot.wait_exit())

    def test_the_status_is_that_of_the_daemon(self):
        self.assertEqual(0, self.bot.ctl("--yes", "stop").returncode)
        self.assertEqual(0, self.bot.wait_exit())
        self.bot.start("--set", "http.port=nonsense")
        self.assertEqual(78, self.bot.wait_exit())


if __name__ == "__main__":
    unittest.main()
