"""What a stranger noticed who held the programs against their manual."""

import json
import re
import unittest

from gwbotd import Gwbotd


class Screens(unittest.TestCase):
    def test_thresholds_name_every_source_whole(self):
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}) as bot:
            bot.start().wait_event("listening")
            screen = bot.ctl("thresholds").stdout
            answer = json.loads(bot.ctl("--json", "thresholds").stdout)
            sources = [limit["source"] for limit in answer["limits"]]
            self.assertIn("default, derived from watchdog.keepalive", sources)
            for source in sources:
                self.assertRegex(screen, re.escape(source) + r"(?m:$)")


if __name__ == "__main__":
    unittest.main()
