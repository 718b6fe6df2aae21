"""Figures that the first release promises, measured on an optimised build.

Each prints what it measured and fails above its bound.
"""

import pathlib
import statistics
import threading
import time
import unittest

from gwbotd import Gwbotd, Sim
from lateness import Lateness  # noqa: F401 - unittest runs it with those below
from roundtrip import RoundTrip  # noqa: F401 - unittest runs it with those below


def memory_kb(pid):
    """(resident, private) of a process."""
    resident = private = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Rss":
            resident = int(value.split()[0])
        elif name in ("Private_Clean", "Private_Dirty"):
            private += int(value.split()[0])
    return resident, private


class Figures(unittest.TestCase):
    def test_resident_memory_at_idle_over_tls(self):
        with Sim(tls=True, rate=2, heartbeat=1000) as sim, \
                Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            time.sleep(3)
            resident, private = memory_kb(bot.process.pid)
            print(f"\nidle over TLS: resident {resident} kB, private {private} kB")
            self.assertLessEqual(resident, 10 * 1024)
            self.assertLessEqual(private, 3 * 1024)

    def test_probes_are_answered_while_the_gateway_floods(self):
        with Sim(tls=True, rate=2, heartbeat=1000) as sim, \
                Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            over = threading.Event()

            def flood():
                import gwbotd
                own = type("Peer", (), {})()
                own.socket_path, own.channel = sim.socket_path, None
                while not over.is_set():
                    gwbotd.gwsim.Sim.ask(own, "flood 20000")

            before = bot.snapshot()["shards"][0]["dispatches"]
            thread = threading.Thread(target=flood)
            thread.start()
            times = []
            began = time.monotonic()
            try:
                while time.monotonic() < began + 5:
                    start = time.monotonic()
                    self.assertEqual(200, bot.get("/healthz")[0])
                    times.append((time.monotonic() - start) * 1000)
            finally:
                over.set()
                thread.join()
            shard = bot.snapshot()["shards"][0]
            rate = (shard["dispatches"] - before) / (time.monotonic() - began)
            times.sort()
            p99 = times[int(len(times) * 0.99)]
            print(f"\nflood of {rate:.0f} events/s: {len(times)} probes, median "
                  f"{statistics.median(times):.2f} ms, p99 {p99:.2f} ms")
            self.assertLess(statistics.median(times), 5)
            self.assertGreater(rate, 10000)
            self.assertEqual((0, 0), (shard["seq_gaps"], shard["reconnects"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
