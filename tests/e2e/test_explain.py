"""gwctl explain against a running gwbotd: what it says comes true."""

import json
import socket
import time
import unittest

from gwbotd import Gwbotd, Sim

# A loaded machine is late; a wrong rule is wrong by a heartbeat or a check.
LATE = 1.5


class Explain(unittest.TestCase):
    def begin(self, **settings):
        sim = Sim(heartbeat=4000)
        sim.__enter__()
        self.addCleanup(sim.__exit__, None, None, None)
        bot = Gwbotd(sim, **settings)
        self.addCleanup(bot.close)
        bot.start().wait_ready()
        return sim, bot

    def ask(self, bot):
        done = bot.ctl("--json", "explain")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return json.loads(done.stdout)["shards"][0]

    def wait_act(self, bot, action, first, timeout=20):
        """The instant that explain names, once it names one for that action."""
        deadline = time.monotonic() + timeout
        while True:
            shard = self.ask(bot)
            acts = shard["acts"][:1] if first else shard["acts"]
            for act in acts:
                if act["action"] == action:
                    return time.monotonic() + act["in_seconds"], shard
            self.assertLess(time.monotonic(), deadline, f"no {action} in {shard}")
            time.sleep(0.05)

    def test_the_zombie_is_closed_when_it_was_said(self):
        sim, bot = self.begin()
        sim.do("freeze")
        wanted, shard = self.wait_act(bot, "zombie_close", True)
        self.assertEqual("is connected, and a heartbeat is not answered yet", shard["says"])
        self.assertEqual("silent", shard["acts"][0]["rule"])
        self.assertIn("resume at the resume host", shard["acts"][0]["follows"])
        screen = bot.ctl("explain").stdout
        self.assertRegex(screen, r"Next +in .* the connection is given up as dead")
        instant, event = bot.wait_event("shard_state", **{"from": "ready"})
        self.assertIn("no frame since", event["reason"])
        self.assertAlmostEqual(wanted, instant, delta=LATE)

    def test_the_watchdog_ends_the_process_when_it_was_said(self):
        sim, bot = self.begin(watchdog__keepalive="2s", watchdog__disconnect_grace="5s")
        sim.do("upgrade 503")
        self.assertEqual(0, bot.ctl("reconnect").returncode)
        bot.wait_event("shard_state", **{"from": "ready"})
        wanted, shard = self.wait_act(bot, "watchdog_exit", False)
        self.assertFalse(shard["connected"])
        self.assertEqual("watchdog_down", shard["acts"][-1]["rule"])
        self.assertEqual(1, bot.wait_exit())
        instant, _ = bot.wait_event("watchdog_exit")
        self.assertAlmostEqual(wanted, instant, delta=LATE)

    def test_a_name_needs_no_gwctl_and_no_daemon(self):
        _, bot = self.begin()
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(str(bot.socket))
            raw.sendall(b"explain close 4004\nexplain watchdog.stal\n")
            raw.shutdown(socket.SHUT_WR)
            text = b"".join(iter(lambda: raw.recv(4096), b"")).decode()
        self.assertIn("close_codes.0.cure: stop\n", text)
        self.assertRegex(text, r"error: .*nearest: watchdog\.stall\n")
        self.assertEqual(0, bot.stop())
        there = bot.ctl("explain", "exit", "77")
        self.assertEqual((0, ""), (there.returncode, there.stderr))
        self.assertIn("77  exit status of gwbotd", there.stdout)
        self.assertEqual(2, bot.ctl("explain", "watchdog.stal").returncode)
        self.assertEqual(3, bot.ctl("explain").returncode)


if __name__ == "__main__":
    unittest.main()
