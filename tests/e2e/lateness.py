"""How late heartbeats are sent: with 500 shards in one process, and under a flood.

The figure is gwbotd's own (heartbeat_lateness of `gwctl --json status`).  What the
machine took away is printed beside it: the time that the process was ready to run and
did not, from /proc/PID/schedstat.
"""

import json
import pathlib
import time
import unittest

from gwbotd import Gwbotd, Sim

# On a machine that others load as well; what the figure itself should be is 5 ms at
# p99.9, and it is printed.
P99_BOUND_MS = 20


def waited_ms(pid):
    """Time that the threads were kept from running, together."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[1])
               for task in tasks.iterdir()) / 1e6


def rss_kb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


class Lateness(unittest.TestCase):
    def wait_connected(self, bot, shards, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            status = json.loads(bot.ctl("--json", "status").stdout)
            if status["gateway"]["connected"] == shards:
                return
            self.assertLess(time.monotonic(), deadline, status["gateway"])
            time.sleep(0.5)

    def report(self, what, bot, least):
        status = json.loads(bot.ctl("--json", "status").stdout)
        late = status["heartbeat_lateness"]
        ms = {key: late[f"{key}_seconds"] * 1000 for key in ("p50", "p99", "p999", "max")}
        pid = bot.process.pid
        print(f"\n{what}: {late['count']} heartbeats, late by p50 {ms['p50']:.2f} ms, "
              f"p99 {ms['p99']:.2f} ms, p99.9 {ms['p999']:.2f} ms, max {ms['max']:.2f} ms; "
              f"kept from running for {waited_ms(pid):.0f} ms; resident {rss_kb(pid)} kB, "
              f"longest turn {status['loop']['turn_max_seconds'] * 1000:.1f} ms")
        self.assertGreater(late["count"], least)
        self.assertLess(ms["p99"], P99_BOUND_MS)

    def test_500_shards_in_one_process(self):
        with Sim(tls=True, heartbeat=1000, rate=1, shards=500, max_concurrency=500) \
                as sim, Gwbotd(sim, discord__shards=500,
                               env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            self.wait_connected(bot, 500)
            time.sleep(20)
            self.report("500 shards, beats of 1 s", bot, 500 * 15)

    def test_one_shard_flooded_at_full_speed(self):
        with Sim(tls=True, heartbeat=500, rate=2, shards=8, max_concurrency=8) as sim, \
                Gwbotd(sim, discord__shards=8, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            self.wait_connected(bot, 8)
            before = bot.snapshot()["shards"][0]["dispatches"]
            began = time.monotonic()
            sim.do("flood 1000000000 shard=0")  # lasts for longer than anybody here
            time.sleep(10)
            passed = time.monotonic() - began
            shards = bot.snapshot()["shards"]
            rate = (shards[0]["dispatches"] - before) / passed
            self.report(f"one of 8 shards flooded with {rate:.0f} events/s", bot, 8 * 10)
            self.assertGreater(rate, 10000)
            self.assertEqual(0, sum(shard["reconnects"] for shard in shards))


if __name__ == "__main__":
    unittest.main(verbosity=2)
