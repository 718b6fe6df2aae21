"""A year of runs, against what Python's zoneinfo makes of the same zones."""
import datetime
import os
import subprocess
import unittest
import zoneinfo

PROGRAM = os.path.abspath(os.path.join(
    os.environ.get("GWBOT_TEST_BIN", "build/dev/tests"), "schedule_client"))

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)

# 2028 has a leap day; Lord Howe's clock moves by half an hour.
ZONES = ("Europe/Vienna", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "America/Santiago", "UTC")
YEAR = 2028


def answer(zone, kind, text, count, after=datetime.datetime(YEAR, 1, 1, tzinfo=UTC)):
    done = subprocess.run([PROGRAM, zone, kind, text, str(int(after.timestamp())), str(count)],
                          capture_output=True, text=True, timeout=60, check=True)
    return [int(line) for line in done.stdout.split()]


def gap_end(zone, local):
    """The instant at which the clock jumps over local."""
    at = (local - datetime.timedelta(hours=3)).replace(tzinfo=zone).astimezone(UTC).replace(second=0)
    while at.astimezone(zone).replace(tzinfo=None) < local:
        at += MINUTE
    return at


def instant(zone, local):
    """When the clock shows local first, or where it never does, when it jumps over it."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local else gap_end(zone, local)


def by_calendar(name, fits_date, minutes):
    zone = zoneinfo.ZoneInfo(name)
    start = datetime.datetime(YEAR, 1, 1, tzinfo=UTC)
    found = set()
    day = datetime.datetime(YEAR - 1, 12, 30)
    while day < datetime.datetime(YEAR + 1, 1, 3):
        if fits_date(day):
            found.update(instant(zone, day + minute * MINUTE) for minute in minutes)
        day += DAY
    return [int(at.timestamp()) for at in sorted(found)
            if start < at < start.replace(year=YEAR + 1)]


def by_clock(name, fits):
    zone = zoneinfo.ZoneInfo(name)
    # No zone of these differs from UTC by a part of ten minutes.
    at = datetime.datetime(YEAR, 1, 1, 0, 10, tzinfo=UTC)
    found = []
    while at.year == YEAR:
        if fits(at.astimezone(zone)):
            found.append(int(at.timestamp()))
        at += 10 * MINUTE
    return found


class Year(unittest.TestCase):
    def check(self, name, kind, text, expected):
        self.assertGreater(len(expected), 0)
        got = answer(name, kind, text, len(expected) + 1)
        self.assertEqual(expected, got[:-1])
        self.assertGreaterEqual(got[-1], datetime.datetime(YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

    def test_times_of_day(self):
        minutes = (0, 120, 150, 600, 1080)
        for name in ZONES:
            with self.subTest(zone=name):
                self.check(name, "at", "00:00,02:00,02:30,10:00,18:00",
                           by_calendar(name, lambda day: True, minutes))

    def test_the_hours_that_move(self):
        for name in ZONES:
            with self.subTest(zone=name):
                self.check(name, "cron", "*/6 0-3 * * *", by_calendar(name, lambda day: True, range(0, 240, 6)))

    def test_days_months_and_weekdays(self):
        cases = (
            ("30 9 * * mon-fri", lambda day: day.weekday() < 5, (570,)),
            ("0 2 29 2 *", lambda day: (day.month, day.day) == (2, 29), (120,)),
            ("15 1,2 13 * 5", lambda day: day.day == 13 or day.weekday() == 4, (75, 135)),
            ("0 3 * 3,10 0", lambda day: day.month in (3, 10) and day.weekday() == 6, (180,)),
            ("5 4 */10 * 7", lambda day: day.day in (1, 11, 21, 31) and day.weekday() == 6, (245,)),
        )
        for name in ZONES:
            for text, fits, minutes in cases:
                with self.subTest(zone=name, cron=text):
                    self.check(name, "cron", text, by_calendar(name, fits, minutes))

    def test_what_fits_every_hour_follows_the_clock(self):
        for name in ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe"):
            with self.subTest(zone=name):
                self.check(name, "cron", "*/20 * * * *", by_clock(name, lambda at: at.minute % 20 == 0))
        self.check("Europe/Vienna", "cron", "40 * * * sun",
                   by_clock("Europe/Vienna", lambda at: at.minute == 40 and at.weekday() == 6))

    def test_behind_the_table_of_a_zone_its_rule_holds(self):
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            after = datetime.datetime(2090, 1, 1, tzinfo=UTC)
            with self.subTest(zone=name):
                got = answer(name, "at", "12:00", 366, after)
                self.assertEqual({12}, {datetime.datetime.fromtimestamp(at, zone).hour for at in got})

    def test_a_rhythm_knows_no_zone(self):
        start = int(datetime.datetime(YEAR, 1, 1, tzinfo=UTC).timestamp())
        self.assertEqual([start + 10800 * (i + 1) for i in range(20)], answer("Europe/Vienna", "every", "10800", 20))


class Offsets(unittest.TestCase):
    def test_every_zone_of_the_host_can_be_read(self):
        """Noon of each day in a spread of years, in all zones that Python knows."""
        after = datetime.datetime(2026, 1, 1, tzinfo=UTC)
        for name in sorted(zoneinfo.available_timezones())[::12]:
            zone = zoneinfo.ZoneInfo(name)
            with self.subTest(zone=name):
                for at in answer(name, "at", "12:00", 366, after):
                    local = datetime.datetime.fromtimestamp(at, zone)
                    self.assertEqual((12, 0), (local.hour, local.minute))


if __name__ == "__main__":
    unittest.main()
