"""What a service manager hears of gwbotd over its notify socket."""

import ctypes
import os
import pathlib
import re
import signal
import socket
import time
import unittest

from gwbotd import Gwbotd, Sim
from notify import Notify

NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


class Hung:
    """Holds the thread of the loop, and only that, while in a with statement."""

    def __init__(self, pid):
        self.pid = pid
        self.libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(self, request):
        if self.libc.ptrace(request, self.pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self.ptrace(PTRACE_SEIZE)
        self.ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.pid, 0x40000000)  # __WALL: until it stands
        return self

    def __exit__(self, *_):
        self.ptrace(PTRACE_DETACH)


class Phases(unittest.TestCase):
    def test_ready_means_bound_sockets_and_not_discord(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot) as manager:
            bot.start()
            _, news = manager.wait("READY")
            self.assertEqual(0, bot.ctl("version").returncode)
            self.assertEqual(200, bot.get("/livez")[0])
            self.assertIn("0/1 ready; starting: shard 0 ", news["STATUS"])
            self.assertNotIn("WATCHDOG", news)
            self.assertEqual(0, bot.stop())

    def test_an_abstract_socket(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot, abstract=True) as manager:
            bot.start()
            manager.wait("READY")
            self.assertEqual(0, bot.stop())
            manager.wait("STOPPING")

    def test_the_state_line_follows_the_state(self):
        with Sim(heartbeat=500) as sim, Gwbotd(sim) as bot, Notify(bot) as manager:
            bot.start()
            line = re.compile(r"1/1 ready, latency (\d+|below 1) ms$")
            deadline = time.monotonic() + 30
            while not any(line.match(news.get("STATUS", "")) for _, news in manager.seen):
                self.assertLess(time.monotonic(), deadline, manager.seen)
                manager.read(0.5)
            sim.do("refuse on")
            sim.do("rst")
            deadline = time.monotonic() + 30
            while not any(news.get("STATUS", "").startswith("0/1 ready; reconnecting: shard 0 ")
                          for _, news in manager.seen):
                self.assertLess(time.monotonic(), deadline, manager.seen)
                manager.read(0.5)
            self.assertEqual(0, bot.stop())
            manager.read()
            lines = [news["STATUS"] for _, news in manager.seen if "STATUS" in news]
            for one, other in zip(lines, lines[1:]):
                self.assertNotEqual(one, other, "said twice")
            instants = manager.instants("STATUS")
            for begin, end in zip(instants, instants[2:]):
                # We may read one late; two in a row cannot both be.
                self.assertGreater(end - begin, 0.9, manager.seen)

    def test_a_line_that_stays_the_same_lets_the_process_sleep(self):
        with Sim(heartbeat=41250, rate=0) as sim, Gwbotd(sim, slash__register="false") as bot, Notify(bot) as manager:
            bot.start().wait_ready()
            deadline = time.monotonic() + 10
            while not any(news.get("STATUS", "").startswith("1/1 ready") for _, news in manager.seen):
                self.assertLess(time.monotonic(), deadline, manager.seen)
                manager.read(0.2)
            time.sleep(8)  # it looks after 1, 2 and 4 s
            path = pathlib.Path(f"/proc/{bot.process.pid}/status")
            slept = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)
            before = int(slept.search(path.read_text())[1])
            time.sleep(6)
            self.assertLessEqual(int(slept.search(path.read_text())[1]) - before, 4)

    def test_a_reload_and_a_refused_one(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot) as manager:
            path = bot.dir / "gwbot.conf"
            path.write_text('bot: { name = "one"; };\n')
            bot.start("--config", str(path))
            manager.wait("READY")
            for text, event in (('bot: { name = "two"; };\n', "reloaded"),
                                ("bot: { nmae = 3; };\n", "reload_refused")):
                path.write_text(text)
                before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                after = len(manager.seen)
                bot.process.send_signal(signal.SIGHUP)
                bot.wait_event(event)
                _, news = manager.wait("RELOADING", after=after)
                now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                self.assertTrue(before <= int(news["MONOTONIC_USEC"]) <= now, news)
                at = next(i for i, (_, seen) in enumerate(manager.seen)
                          if i >= after and "RELOADING" in seen)
                self.assertNotIn("READY", news)
                manager.wait("READY", after=at)
            self.assertEqual(0, bot.stop())

    def test_a_stop_is_announced_before_the_end(self):
        with Sim(heartbeat=1000) as sim, Gwbotd(sim) as bot, Notify(bot) as manager:
            bot.start().wait_ready()
            self.assertEqual(0, bot.ctl("--yes", "stop").returncode)
            self.assertEqual(0, bot.wait_exit())
            manager.wait("STOPPING", timeout=5)
            self.assertEqual(1, len(manager.instants("STOPPING")))

    def test_a_start_that_fails_is_never_ready(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot) as manager, \
                socket.create_server(("127.0.0.1", bot.port)):
            self.assertEqual(78, bot.start().wait_exit())
            self.assertEqual([], manager.instants("READY") or manager.read())


class Watchdog(unittest.TestCase):
    def test_fed_at_half_its_time_by_a_loop_that_turns(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot, usec=400_000) as manager:
            bot.start()
            manager.wait("READY")
            began = time.monotonic()
            while time.monotonic() - began < 3:
                manager.read(0.5)
            fed = len([when for when in manager.instants("WATCHDOG") if when > began])
            self.assertTrue(8 <= fed <= 17, fed)
            # Its other threads live on: they must not feed it.
            with Hung(bot.process.pid):
                time.sleep(0.05)
                manager.read()
                self.assertEqual([], manager.read(1.5))
            after = len(manager.seen)
            manager.wait("WATCHDOG", after=after, timeout=10)
            self.assertEqual(0, bot.stop())

    def test_not_fed_for_another_process(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot, usec=100_000) as manager:
            bot.env["WATCHDOG_PID"] = "1"
            bot.start()
            manager.wait("READY")
            manager.read(0.5)
            manager.read(0.5)
            self.assertEqual(0, bot.stop())
            self.assertEqual([], manager.instants("WATCHDOG"))


class Trouble(unittest.TestCase):
    """Whatever becomes of the socket, the gateway does not wait for it."""

    def test_a_full_socket_gets_it_later(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot) as manager:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
                other.setblocking(False)
                other.connect(manager.address)
                with self.assertRaises(BlockingIOError):
                    while True:
                        other.send(b"NOISE=1")
            bot.start().wait_event("listening")
            self.assertEqual(200, bot.get("/livez")[0])
            # A reload while it is full leaves the state right: ready, not reloading.
            bot.process.send_signal(signal.SIGHUP)
            bot.wait_event("reloaded")
            manager.wait("READY")
            self.assertEqual([], manager.instants("RELOADING"))
            self.assertEqual(0, bot.stop())
            self.assertEqual([], bot.events("notify_failed"))

    def test_a_missing_or_bad_one_is_said_once(self):
        for address in ("/nonexistent/notify", "relative", "/" + "x" * 200):
            with self.subTest(address=address[:20]), Sim() as sim, Gwbotd(sim) as bot:
                bot.env["NOTIFY_SOCKET"] = address
                bot.start().wait_ready()
                bot.process.send_signal(signal.SIGHUP)
                bot.wait_event("reloaded")
                self.assertEqual(0, bot.stop())
                self.assertEqual(1, len(bot.events("notify_failed")))

    def test_no_program_that_gwbotd_starts_gets_it(self):
        with Gwbotd(env=NOWHERE) as bot, Notify(bot, usec=30_000_000) as manager:
            path, seen = bot.dir / "gwbot.conf", bot.dir / "seen"
            path.write_text('jobs = ({ name = "env"; action = "exec"; every = "1d"; '
                            f'command = ["/bin/sh", "-c", "env >{seen}"]; }});\n')
            bot.start("--config", str(path))
            manager.wait("READY")
            done = bot.ctl("job", "run", "env", "--wait")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("LANG=C.UTF-8", seen.read_text())
            self.assertNotIn("WATCHDOG_USEC", seen.read_text())
            self.assertNotIn("NOTIFY_SOCKET", seen.read_text())
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main()
