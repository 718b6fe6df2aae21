"""Traps of the event loop and the helper threads: loop_client knows them, one a run."""

import concurrent.futures
import os
import signal
import subprocess
import time
import unittest

BINARY = os.path.join(os.environ["GWBOT_TEST_BIN"], "loop_client")
SENTINEL = "sentinel_"


def run(name):
    return subprocess.run([BINARY, name], capture_output=True, text=True, timeout=60)


NAMES = subprocess.run([BINARY], capture_output=True, text=True, check=True).stdout.split()


class Loop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Two at a time: they measure time.
        cls.pool = concurrent.futures.ThreadPoolExecutor(2)
        cls.results = {name: cls.pool.submit(run, name)
                       for name in NAMES if not name.startswith(SENTINEL)}

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()

    def test_all_are_known(self):
        self.assertGreaterEqual(len(NAMES), 34)

    def test_sentinel_ends_a_hanging_turn(self):
        began = time.monotonic()
        result = run("sentinel_ends_a_hanging_turn")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn('level=warning event=loop_stuck stuck_ms=200 handler=hang', result.stderr)
        self.assertIn('level=error event=loop_stuck_exit stuck_ms=800 handler=hang', result.stderr)
        self.assertIn("told before the end: hang, 800 ms", result.stderr)
        self.assertIn('shard=3 state=ready', result.stderr)

    def test_sentinel_wakes_for_a_turn_that_hangs(self):
        began = time.monotonic()
        result = run("sentinel_wakes_for_a_turn_that_hangs")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn('event=loop_stuck stuck_ms=200 handler=hang', result.stderr)
        self.assertIn('event=loop_stuck_exit stuck_ms=800 handler=hang', result.stderr)

    def test_sentinel_ends_a_library_that_hangs(self):
        began = time.monotonic()
        result = run("sentinel_ends_a_library_that_hangs")
        self.assertEqual(result.returncode, 1, result.stderr)
        # A second, then half a limit until it is nudged, another until that stays unheard, half a limit of looks.
        self.assertLess(time.monotonic() - began, 5)
        self.assertRegex(result.stderr, 'event=loop_stuck stuck_ms=450 handler=library')
        self.assertRegex(result.stderr, 'event=loop_stuck_exit stuck_ms=800 handler=library')

    def test_sentinel_sleeps_beside_an_idle_loop(self):
        result = run("sentinel_sleeps_beside_an_idle_loop")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)

    def test_sentinel_tells_a_slow_turn(self):
        result = run("sentinel_tells_a_slow_turn")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('event=loop_stuck stuck_ms=200 handler=sleep_400_ms', result.stderr)
        self.assertNotIn("told before the end", result.stderr)
        self.assertIn("event=loop_turns_again", result.stderr)

    def test_sentinel_does_not_blame_an_idle_or_stopped_process(self):
        with subprocess.Popen([BINARY, "sentinel_leaves_an_idle_loop_alone"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            time.sleep(0.3)
            process.send_signal(signal.SIGSTOP)
            time.sleep(2)  # more than the limit
            process.send_signal(signal.SIGCONT)
            _, errors = process.communicate(timeout=60)
            self.assertEqual((process.returncode, errors), (0, ""))


def test_of(name):
    def test(self):
        result = self.results[name].result()
        self.assertEqual(result.returncode, 0, result.stderr)
    return test


for trap in NAMES:
    if not trap.startswith(SENTINEL):
        setattr(Loop, "test_" + trap, test_of(trap))

if __name__ == "__main__":
    unittest.main()
