"""What a stranger noticed who held the programs against their manual."""

import json
import re
import signal
import unittest

from gwbotd import Gwbotd, Sim


class Screens(unittest.TestCase):
    def test_thresholds_name_every_source_whole(self):
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}) as bot:
            bot.start().wait_control()
            screen = bot.ctl("thresholds").stdout
            answer = json.loads(bot.ctl("--json", "thresholds").stdout)
            sources = [limit["source"] for limit in answer["limits"]]
            self.assertIn("default, derived from watchdog.keepalive", sources)
            for source in sources:
                # DEFAULT stands in a column of its own.
                self.assertRegex(screen, re.escape(source.removeprefix("default, ")) + r"(?m:$)")


class Figures(unittest.TestCase):
    """What is not known is not written as 0, which would read as perfect."""

    def test_the_status_block_says_what_is_unknown(self):
        with Sim(heartbeat=60000) as sim, Gwbotd(sim) as bot:
            sim.do("acks off")
            bot.start().wait_ready()
            bot.process.send_signal(signal.SIGUSR1)
            _, event = bot.wait_event("status")
            self.assertLess(event["last_event_age_s"], 20)
            self.assertEqual("unknown", event["latency_s"])
            self.assertEqual("unknown", event["disconnect_age_s"])

    def test_the_last_line_of_a_watchdog_says_what_is_unknown(self):
        settings = {"watchdog__keepalive": "100ms",
                    "watchdog__disconnect_grace": "300ms"}
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"},
                    **settings) as bot:
            self.assertEqual(1, bot.start().wait_exit())
            _, event = bot.wait_event("watchdog_exit")
            self.assertEqual("unknown", event["last_event_age_s"])
            self.assertGreaterEqual(event["disconnect_age_s"], 0.3)


if __name__ == "__main__":
    unittest.main()
