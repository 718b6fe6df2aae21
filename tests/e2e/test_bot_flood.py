"""Ten thousand commands from one person: bounded answers, beats on time, no 429."""

import json
import re
import sys
import time
import unittest

from test_bot import ROLE, Talking

FLOOD = 10000
BATCH = 500  # a beat's ACK waits behind what gwsim has queued
BEATS = 3


class Flood(Talking):
    beat = 2000

    def figure(self, labels):
        metrics = self.bot.get("/metrics")[2].decode()
        found = re.search(rf"^gwbotd_{re.escape(labels)} (\S+)$", metrics, re.M)
        return float(found[1])

    def lateness(self):
        return json.loads(self.bot.ctl("--json", "status").stdout)["heartbeat_lateness"]

    def commands(self, result):
        return self.figure(f'chat_commands_total{{command="ping",result="{result}"}}')

    def test_one_person_floods(self):
        self.start()
        for _ in range(FLOOD // BATCH):
            self.say(f"user=moss_8 roles=none count={BATCH} !ping")
            time.sleep(0.4)  # so that it lasts for some beats
        self.sim.wait_for(lambda _: self.commands("answered") + self.commands("dropped")
                          >= FLOOD, "all of them", 60)
        answered = self.commands("answered")
        self.assertEqual(answered + self.commands("dropped"), FLOOD)
        # Five at once, and one each 2 s for as long as it took.
        self.assertGreaterEqual(answered, 5)
        self.assertLess(answered, 5 + 40)
        # Somebody else is still served.
        count = len(self.calls("POST"))
        self.say(f"user=owner roles={ROLE} !health")
        self.wait_calls(count + 1, "POST")
        self.sim.wait_for(lambda _: self.figure("chat_calls_queued") == 0, "calls", 30)
        self.assertEqual(len(self.calls("PUT")), answered)
        self.assertNotIn(429, {call["status"] for call in self.calls()})
        self.assertEqual(self.bot.events("rest_limited"), [])
        self.assertLessEqual(len(self.bot.events("chat_dropped")), 2)
        late = self.lateness()
        self.assertGreaterEqual(late["count"], BEATS)
        print(f"{self.id()}: {answered:.0f} of {FLOOD} answered; {late}", file=sys.stderr)
        self.assertLess(late["max_seconds"], 1.0, late)
        states = [event for _, event in self.bot.events("shard_state")]
        self.assertEqual(sum(event["to"] == "ready" for event in states), 1, states)
        self.assertEqual(self.bot.stop(), 0)


if __name__ == "__main__":
    unittest.main()
