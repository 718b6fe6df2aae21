"""State over versions: what an older program left is read, what a newer one left is put
aside with one warning, and the way down and up again loses nothing more.

tests/golden/state holds what gwbotd 0.1.0 wrote; a version that writes another format
keeps these files here and adds its own beside them.
"""

import os
import pathlib
import shutil
import struct
import time
import unittest

from gwbotd import Gwbotd, Sim

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "state"
RECORD, LEDGER = "shard-0-of-1.session", "identify.ledger"
SLOT_BYTES = 1024
V1_ENTRIES = 1000


def metric(bot, name):
    for line in bot.get("/metrics")[2].decode().splitlines():
        if line.startswith((name + " ", name + "{")):
            return float(line.split()[-1])
    raise AssertionError(name)


def newer_record(data):
    """As a program with the next version would mark it; nobody knows what else it does."""
    fresh = bytearray(data)
    for start in (0, SLOT_BYTES):
        magic, version = struct.unpack_from("<II", fresh, start)
        if magic:
            struct.pack_into("<I", fresh, start + 4, version + 1)
    return bytes(fresh)


def newer_ledger(data):
    version, = struct.unpack_from("<I", data, 4)
    return data[:4] + struct.pack("<I", version + 1) + data[8:]


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Sim(heartbeat=1000, identify_window=0))
        self.bot = self.enterContext(Gwbotd(self.sim))
        self.state = self.bot.dir / "state"
        self.state.mkdir(mode=0o700)

    def put(self, name, data):
        (self.state / name).write_bytes(data)
        os.chmod(self.state / name, 0o600)

    def warnings(self):
        return [event["event"] for _, event in self.bot.events() if event["event"].endswith("_unusable")]

    def test_what_0_1_0_left_is_read(self):
        for name in (RECORD, LEDGER):
            shutil.copy(GOLDEN / "0.1.0" / name, self.state / name)
        self.bot.start()
        _, found = self.bot.wait_event("session_found")
        self.assertEqual(31, found["seq"])
        self.bot.wait_ready()
        self.assertEqual([], self.warnings())
        self.assertEqual(3, metric(self.bot, "gwbotd_starts_total"))
        self.assertEqual(0, self.bot.stop())

    def test_a_ledger_of_version_1_counts(self):
        now = int(time.time() * 1000)
        spent = [now - 30 * 3600_000, now - 3 * 3600_000, now - 3600_000, now - 60_000]
        ring = spent + [0] * (V1_ENTRIES - len(spent))
        self.put(LEDGER, struct.pack("<4sIII", b"GWBL", 1, 0, len(spent)) + struct.pack(f"<{V1_ENTRIES}q", *ring))
        self.bot.start().wait_ready()
        self.assertEqual([], self.warnings())
        # Three within a day, and the one of now.
        self.assertEqual(4, metric(self.bot, "gwbotd_identify_budget_used"))
        self.assertEqual(0, self.bot.stop())

    def test_what_a_newer_version_left_is_put_aside_once(self):
        self.bot.start().wait_ready()
        self.assertEqual(0, self.bot.stop())
        left = {RECORD: newer_record((self.state / RECORD).read_bytes()),
                LEDGER: newer_ledger((self.state / LEDGER).read_bytes())}
        for name, data in left.items():
            self.put(name, data)
        # Down: each is told once, by its name and why, and costs one IDENTIFY.
        self.bot.start().wait_ready()
        self.assertEqual({"session_record_unusable", "identify_ledger_unusable"}, set(self.warnings()))
        self.assertEqual(2, len(self.warnings()))
        for name in self.warnings():
            _, event = self.bot.wait_event(name)
            self.assertEqual("written by a newer version", event["reason"])
        for name, data in left.items():
            self.assertEqual(data, (self.state / (name + ".bad")).read_bytes(), name)
        self.assertEqual(1, self.bot.snapshot()["shards"][0]["identifies"])
        self.assertEqual(0, self.bot.stop())
        # And it goes on as ever.
        self.bot.start().wait_ready()
        self.assertEqual([], self.warnings())
        self.bot.wait_event("session_found")
        self.assertEqual(0, self.bot.snapshot()["shards"][0]["identifies"])
        self.assertEqual(2, metric(self.bot, "gwbotd_starts_total"))
        self.assertEqual(0, self.bot.stop())
        # Up again: the newer program finds what it had, or what the older one wrote since.
        for name, data in left.items():
            self.assertEqual(data, (self.state / (name + ".bad")).read_bytes(), name)

    def test_a_state_folder_that_cannot_be_written_aside_still_starts(self):
        self.put(LEDGER, newer_ledger((GOLDEN / "0.1.0" / LEDGER).read_bytes()))
        (self.state / (LEDGER + ".bad")).mkdir()
        self.bot.start().wait_ready()
        self.assertEqual(["identify_ledger_unusable"], self.warnings())
        self.assertEqual(0, self.bot.stop())


class Deprecated(unittest.TestCase):
    def test_old_names_go_on_and_name_the_new_ones(self):
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10", "WATCHDOG_CHECK_SEC": "77"}) as bot:
            path = bot.dir / "gwbot.conf"
            path.write_text("watchdog: {\n  max_disconnect = 200;\n};\n")
            bot.start("--config", str(path)).wait_event("watchdog")
            limits = bot.wait_event("watchdog")[1]
            self.assertEqual((77, 200), (limits["keepalive_s"], limits["disconnect_grace_s"]))
            self.assertIn(f"{path}:2:3: warning: watchdog.max_disconnect is deprecated; use "
                          "watchdog.disconnect_grace", bot.output)
            self.assertIn("env:WATCHDOG_CHECK_SEC: warning: deprecated; use KEEPALIVE_INTERVAL_SEC", bot.output)
            shown = bot.ctl("config", "watchdog.disconnect_grace").stdout
            self.assertIn("gwbot.conf:2", shown)
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main()
