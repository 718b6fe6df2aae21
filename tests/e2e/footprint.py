"""What gwbotd costs while nothing happens: memory, wake-ups, start and stop."""

import json
import pathlib
import signal
import socket
import time
import unittest

from gwbotd import Gwbotd, Sim
from memory import memory_kb

# Of it 0.7 MB are the program itself, which nobody else maps here.
PRIVATE_KB = 2816
RESIDENT_KB = 9856

# With heartbeats 41.25 s apart: one of them, which wakes the loop twice and the sentinel
# two or three times; two looks of the sentinel and a nudge; a timer of the library's.
WAKEUPS_IN_20_S = 16

# kB a further shard, the decompressor included: 37 are our own and OpenSSL's, zlib adds 24, zstd 30 to 36.
SHARD_KB = {"none": 45, "zlib-stream": 70, "zstd-stream": 82}

TRIES = 15  # others load this machine too
LIMITS_MS = {"listening": 20, "ready": 100, "stop": 50}


def sleeps(pid):
    """How often its threads went to sleep by themselves: each ended with a wake-up."""
    return sum(int(line.split()[1]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
               for line in (task / "status").read_text().splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def until_listening(bot, began):
    while time.monotonic() - began < 30:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", bot.port)) == 0:
                return (time.monotonic() - began) * 1000
        time.sleep(0.0002)
    raise AssertionError("it does not listen")


class Footprint(unittest.TestCase):
    def test_resident_memory_at_idle_over_tls(self):
        with Sim(tls=True, rate=2, heartbeat=1000) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            time.sleep(3)
            resident, private, _ = memory_kb(bot.process.pid)
            print(f"\nidle over TLS: resident {resident} kB, private {private} kB")
            self.assertLessEqual(resident, RESIDENT_KB)
            self.assertLessEqual(private, PRIVATE_KB)

    def test_the_system_s_authorities_take_no_memory(self):
        """Nobody whom they know answers here; but they are at hand."""
        with Sim(tls=True, rate=0) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            del bot.env["SSL_CERT_FILE"]
            bot.start().wait_event("gateway_not_found", 30)
            time.sleep(1)
            resident, private, _ = memory_kb(bot.process.pid)
            print(f"\nwith the system's store: resident {resident} kB, private {private} kB")
            self.assertLessEqual(private, PRIVATE_KB)

    def test_memory_of_further_shards(self):
        for mode, most in SHARD_KB.items():
            private = {}
            for count in (1, 101):
                with Sim(tls=True, heartbeat=41250, rate=0, shards=count, max_concurrency=count) as sim, \
                        Gwbotd(sim, discord__shards=count, watchdog__keepalive=1,
                               env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}) as bot:
                    bot.start().wait_ready()
                    deadline = time.monotonic() + 60
                    while json.loads(bot.ctl("--json", "status").stdout)["gateway"]["connected"] != count:
                        self.assertLess(time.monotonic(), deadline)
                        time.sleep(0.1)
                    time.sleep(1.5)  # a check of the watchdog gives back what lies free
                    private[count] = memory_kb(bot.process.pid)[1]
            each = (private[101] - private[1]) / 100
            print(f"\n{mode}: {each:.1f} kB private a further shard")
            self.assertLessEqual(each, most, mode)

    def test_memory_comes_back_after_large_servers(self):
        for mode in ("zlib-stream", "zstd-stream"):
            # Beats are far enough apart for a gwsim that packs servers meanwhile.
            with Sim(tls=True, rate=0, heartbeat=5000) as sim, \
                    Gwbotd(sim, env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}) as bot:
                bot.start().wait_ready()
                time.sleep(1.5)
                pid = bot.process.pid
                before = memory_kb(pid)[1]
                for _ in range(2):  # the second time finds the allocator with habits
                    last = sim.do("prepare 3 guild")["last_seq"]
                    sim.do("release")
                    deadline = time.monotonic() + 60
                    while (bot.snapshot()["shards"][0]["seq"] or 0) < last:
                        self.assertLess(time.monotonic(), deadline)
                        time.sleep(0.05)
                peak = memory_kb(pid)[2]
                deadline = time.monotonic() + 20
                while memory_kb(pid)[1] > before + 1536 and time.monotonic() < deadline:
                    time.sleep(0.1)  # until a heartbeat has come
                after = memory_kb(pid)[1]
                print(f"\n{mode}: private {before} kB, {after} kB after servers of 5 MB, "
                      f"resident {peak} kB meanwhile")
                self.assertGreater(peak, before + 5000)
                # The window of the decompressor has been filled; nothing else stays.
                self.assertLessEqual(after, before + 1536)

    def test_wake_ups_at_rest(self):
        with Sim(tls=True, rate=0, heartbeat=41250) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            time.sleep(3)
            pid = bot.process.pid
            before = sleeps(pid)
            time.sleep(20)
            woken = sleeps(pid) - before
            print(f"\nat rest: {woken} wake-ups in 20 s")
            self.assertLessEqual(woken, WAKEUPS_IN_20_S)

    def test_start_and_stop(self):
        least = {}
        with Sim(tls=True, rate=0, guilds=1) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            for _ in range(TRIES):
                began = time.monotonic()
                bot.start()
                took = {"listening": until_listening(bot, began)}
                when, _ = bot.wait_ready()
                took["ready"] = (when - began) * 1000
                began = time.monotonic()
                self.assertEqual(bot.stop(signal.SIGTERM), 0)
                took["stop"] = (time.monotonic() - began) * 1000
                least = {what: min(ms, least.get(what, ms)) for what, ms in took.items()}
                if all(least[what] < limit for what, limit in LIMITS_MS.items()):
                    break
        print("\n" + ", ".join(f"{what} after {ms:.1f} ms" for what, ms in least.items()))
        for what, limit in LIMITS_MS.items():
            self.assertLess(least[what], limit, what)


if __name__ == "__main__":
    unittest.main(verbosity=2)
