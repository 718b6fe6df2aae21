"""Five real minutes under the alerts as they are shipped, scraped by a real Prometheus.

test_prometheus.py cuts the rules' patience to seconds; here nothing is rewritten, so that
each alert has to last as long as its `for:` says.  Six daemons share one Prometheus:
one is well all the time, each other one has a fault of its own.  It nearly only waits.

What needs longer by design is not played here, but in test_prometheus.py or by promtool
(tests/prometheus): see LONGER.
"""

import json
import pathlib
import re
import signal
import time
import unittest

from gwbotd import Gwbotd, Sim
from test_prometheus import RULES, Prometheus, wait_for

# Alerts that five minutes cannot bring about, and why.
LONGER = {
    "GwbotReconnectStorm": "10 attempts under a backoff of up to 60 s, then 5 min",
    "GwbotHeartbeatSlow": "10 min",
    "GwbotLoopBlocked": "the sentinel ends such a process before 5 min",
    "GwbotFilesNearLimit": "10 min",
    "GwbotJobFailing": "5 min after the second failure",
    "GwbotWatchdogNotLooking": "a process that answers scrapes has a watchdog that looks",
    "GwbotWatchdogExits": "the process must have run for longer than the least grace, twice",
    "GwbotInvalidRequests": "more refusals than gwbotd's own brake lets through",
    "GwbotLogDropped": "needs a reader of the log that stalls",
    "GwbotRefused": "fires on a platform that restarts status 77",
}

# What is seen of a fault is as old as a scrape and an evaluation.
SLACK = 15


def patience():
    """{alert: seconds of its `for:`} of the rules as they are shipped."""
    found = {}
    for block in RULES.read_text().split("- alert: ")[1:]:
        minutes = re.search(r"^\s+for: (\d+)m$", block, re.M)
        found[block.split("\n", 1)[0]] = 60 * int(minutes.group(1)) if minutes else 0
    return found


class Drill(unittest.TestCase):
    def setUp(self):
        self.bots = {}
        self.sim = Sim(heartbeat=2000)
        self.addCleanup(self.sim.stop)
        self.patience = patience()

    def bot(self, name, sim, **settings):
        bot = Gwbotd(sim, **{"watchdog__keepalive": "20s", **settings})
        self.addCleanup(bot.close)
        bot.start().wait_ready()
        self.bots[name] = bot
        return bot

    def start(self):
        """One of each."""
        lost = Sim(heartbeat=2000)
        # Beats so far apart that a silent connection is no zombie for minutes.
        silent = Sim(heartbeat=600000)
        spent = Sim(remaining=51)
        mute = Sim(heartbeat=2000)
        for sim in (lost, silent, spent, mute):
            self.addCleanup(sim.stop)
        patient = {"watchdog__stall": "1h", "watchdog__disconnect_grace": "1h"}
        self.bot("well", self.sim)
        self.bot("lost", lost, **patient)
        self.bot("silent", silent, watchdog__keepalive="10min", watchdog__stall="30s")
        self.bot("zombies", mute, **patient)
        self.bot("gone", self.sim)
        self.bot("restarts", self.sim)
        # A configuration that will be spoilt, and an identify budget at its reserve.
        tired = Gwbotd(spent)
        self.addCleanup(tired.close)
        self.bots["tired"] = tired
        config = tired.dir / "gwbot.conf"
        config.write_text("")
        tired.env["GWBOT_CONFIG"] = str(config)
        tired.start().wait_ready()
        self.sims = {"lost": lost, "silent": silent, "mute": mute}

    def break_all(self):
        """Every fault within seconds; the instant after the last one."""
        self.sims["lost"].do("freeze")
        self.sims["silent"].do("freeze")
        self.bots["gone"].kill()
        (self.bots["tired"].dir / "gwbot.conf").write_text("nonsense = 1;\n")
        self.bots["tired"].process.send_signal(signal.SIGHUP)
        # A few connections that die in silence: more would be a storm.
        self.sims["mute"].do("events off")
        self.sims["mute"].do("acks off")
        self.bots["zombies"].wait_event("shard_state", to="ready", count=5, timeout=90)
        self.sims["mute"].do("acks on")
        for _ in range(5):
            self.bots["restarts"].kill()
            self.bots["restarts"].start().wait_ready()
        return time.monotonic()

    def alerts(self, state):
        """{(daemon, alert)} in that state."""
        names = {f"127.0.0.1:{bot.port}": name for name, bot in self.bots.items()}
        return {(names[alert["labels"]["instance"]], alert["labels"]["alertname"])
                for alert in self.prometheus.get("/api/v1/alerts")["alerts"] if alert["state"] == state}

    # What each fault has to bring about.
    FIRES = {("lost", "GwbotShardDown"), ("zombies", "GwbotZombies"), ("silent", "GwbotShardSilent"),
             ("gone", "GwbotDown"), ("restarts", "GwbotRestartLoop"),
             ("tired", "GwbotConfigReloadFailed"), ("tired", "GwbotIdentifyBudgetLow"),
             ("tired", "GwbotIdentifyHeld")}

    def test_every_alert_is_played_or_said_to_take_longer(self):
        played = {alert for _, alert in self.FIRES}
        self.assertEqual(set(self.patience), played | set(LONGER))
        self.assertEqual(set(), played & set(LONGER))

    def test_five_minutes(self):
        self.start()
        self.prometheus = Prometheus([bot.port for bot in self.bots.values()], RULES.read_text(),
                                     every="5s")
        self.addCleanup(self.prometheus.close)
        wait_for("scrapes", lambda: len(self.prometheus.query("count_over_time(up[1m]) > 3")) == len(self.bots))
        # All is well, but for the budget that was at its reserve from the start.
        early = {("tired", "GwbotIdentifyBudgetLow"), ("tired", "GwbotIdentifyHeld")}
        self.assertEqual(early, self.alerts("firing"))
        self.assertEqual(set(), self.alerts("pending"))

        begin = time.monotonic()
        broken = self.break_all()
        seen = {}
        deadline = broken + max(self.patience[alert] for _, alert in self.FIRES) + 2 * SLACK
        while time.monotonic() < deadline and not self.FIRES <= set(seen):
            for one in self.alerts("firing"):
                seen.setdefault(one, time.monotonic())
                self.assertIn(one, self.FIRES, f"{one} cried as well")
            time.sleep(1)
        self.assertEqual(self.FIRES, set(seen))
        for (name, alert), when in seen.items():
            # Not before its time, and the quick ones not long after.
            self.assertGreaterEqual(when - begin, self.patience[alert] if (name, alert) not in early else 0, alert)
        self.assertGreaterEqual(time.monotonic() - begin, 300)
        self.assertEqual(200, self.bots["well"].health()[0])
        print(json.dumps({f"{name} {alert}": round(when - begin) for (name, alert), when in sorted(seen.items())}))


if __name__ == "__main__":
    unittest.main()
