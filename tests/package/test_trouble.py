#!/usr/bin/env python3
"""What the unit makes of bad input and of a bad host: each fault is one line that names it
and what to do, with its exit status, and nothing that a restart cannot heal is restarted."""

import time
import unittest

from case import API, CONFIG, CREDENTIAL, TOKEN, UNIT, PackageCase

STATE = "/var/lib/gwbot"
RESTART_S = 3  # longer than RestartSec=


class Trouble(PackageCase):
    # ---- helpers ----

    def stop(self):
        self.run_in("systemctl", "stop", UNIT)
        self.run_in("systemctl", "reset-failed", UNIT, check=False)

    def assert_refused(self, status, *words, unit=UNIT):
        """A start ends with this status and a line that has all of the words, and there is
        no other start."""
        self.run_in("systemctl", "stop", unit)
        self.run_in("systemctl", "reset-failed", unit, check=False)
        began = time.time()
        self.run_in("systemctl", "start", unit, check=False)
        self.machine.wait(lambda: self.active(unit) == "failed", "a refusal")
        self.assertEqual(str(status), self.machine.show(unit, "ExecMainStatus"))
        time.sleep(RESTART_S)
        self.assertEqual(("failed", "0", "exit-code"), tuple(
            self.machine.show(unit, name) for name in ("ActiveState", "NRestarts", "Result")))
        # As an administrator looks: journalctl -u, warnings and errors.
        entries = self.entries(began, unit=unit)
        said = [entry["MESSAGE"] for entry in entries]
        errors = [entry["MESSAGE"] for entry in entries if entry["PRIORITY"] <= "3"]
        self.assertTrue([text for text in errors if all(word in text for word in words)],
                        f"{words} in {said}")
        return said

    def assert_heals(self):
        """Once the fault is gone a start is enough."""
        self.run_in("systemctl", "start", UNIT)
        self.wait_ready()

    # ---- what the administrator got wrong ----

    def test_01_installed(self):
        self.start_ready()

    def test_02_no_credential(self):
        self.run_in("mv", CREDENTIAL, "/root/token")
        self.assert_refused(78, "no token", "DISCORD_TOKEN")
        self.write(CREDENTIAL, "half a token\n", 0o600)
        said = self.assert_refused(78, "credential:discord_token")
        self.assertNotIn("half a token", "".join(said))
        self.run_in("mv", "/root/token", CREDENTIAL)
        self.assert_heals()

    def test_03_a_config_that_cannot_be_read(self):
        for mode, owner in ((0o600, "root:root"), (0o000, "root:gwbot")):
            self.write(CONFIG, self.read(CONFIG), mode, owner)
            self.assert_refused(78, CONFIG, "Permission denied")
        self.write(CONFIG, self.read(CONFIG), 0o640, "root:gwbot")
        self.assert_heals()

    def test_04_a_config_with_a_slip(self):
        self.configure(self.read(CONFIG) + "watchdog: { stal = \"1min\"; };\n")
        self.assert_refused(78, CONFIG + ":", "watchdog.stal")
        self.doCleanups()
        self.assert_heals()

    def test_05_an_option_that_there_is_not(self):
        self.addCleanup(self.options, API)
        self.options("--nonsense")
        self.assert_refused(64, "--nonsense", "--help")
        self.doCleanups()
        self.assert_heals()

    def test_06_a_port_that_is_taken(self):
        # Another bot of the same host, whose port nobody has changed.
        self.write("/etc/gwbot/two.conf", "")
        self.write("/etc/gwbot/two.token", TOKEN + "\n", 0o600)
        self.assert_refused(78, "10000", "http.port", unit="gwbotd@two.service")
        self.assertEqual("active", self.active())

    def test_07_a_second_one_by_hand(self):
        done = self.run_in("runuser", "-u", "gwbot", "--", "env", f"DISCORD_TOKEN={TOKEN}",
                           "PORT=10007", "gwbotd", "--set", "log.format=logfmt",
                           check=False)
        self.assertEqual(78, done.returncode, done.stderr)
        errors = [line for line in done.stderr.split("\n") if "level=error" in line]
        self.assertTrue(errors, done.stderr)
        self.assertRegex(errors[0], "another gwbotd uses this state folder: stop it")
        self.assertEqual("active", self.active())

    # ---- what the host does ----

    def small_state(self, size, *more):
        """A file system of its own for the state folder, until the end of the case."""
        self.stop()
        self.run_in("mount", "-t", "tmpfs", "-o",
                    ",".join([f"size={size}", "mode=0750", "uid=gwbot", "gid=gwbot", *more]),
                    "tmpfs", STATE)
        self.addCleanup(self.run_in, "sh", "-c", f"systemctl stop {UNIT}; umount {STATE}")

    def problems(self):
        """What gwctl doctor finds."""
        return self.run_in("gwctl", "--json", "doctor", check=False).stdout

    def test_08_a_full_disk(self):
        self.small_state("64k")
        self.run_in("sh", "-c", f"head -c 64k /dev/zero >{STATE}/fill || true")
        began = time.time()
        # It lives: Discord is more than a disk.  It says what is lost and what to do.
        self.assert_heals()
        said = [entry["MESSAGE"] for entry in self.entries(began, "-p", "warning")]
        self.assertTrue([line for line in said if "No space left" in line], said)
        self.assertIn("No space left", self.problems())
        self.assertEqual("0", self.machine.show(UNIT, "NRestarts"))

    def test_09_a_disk_that_fills_while_it_runs(self):
        self.small_state("1m")
        self.assert_heals()
        self.run_in("sh", "-c", f"head -c 2m /dev/zero >{STATE}/fill || true")
        pid = self.main_pid()
        self.sim("close 4000")
        time.sleep(1)
        self.wait_ready()
        self.assertEqual(pid, self.main_pid())
        # What was mapped before stays: a kill costs nothing.
        identifies = self.identifies()
        self.run_in("kill", "-9", pid)
        self.machine.wait(lambda: self.main_pid() not in (0, pid), "another process")
        self.wait_ready()
        self.assertEqual(identifies, self.identifies())

    def test_10_a_state_folder_that_is_read_only(self):
        self.small_state("1m")
        self.run_in("mount", "-o", "remount,ro", STATE)
        began = time.time()
        self.assert_heals()
        said = [entry["MESSAGE"] for entry in self.entries(began, "-p", "warning")]
        self.assertTrue([line for line in said if "Read-only file system" in line], said)
        self.assertIn("Read-only file system", self.problems())

    def test_11_started_as_root_by_hand(self):
        self.stop()
        self.addCleanup(self.run_in, "chown", "-R", "gwbot:", STATE)
        command = ("env", f"DISCORD_TOKEN={TOKEN}", "timeout", "-s", "TERM", "5", "gwbotd", "--set",
                   "log.format=logfmt", *API.split())
        said = self.run_in(*command, check=False).stderr
        warnings = [line for line in said.split("\n") if "event=runs_as_root" in line]
        self.assertEqual(1, len(warnings), said)
        self.assertIn("level=warning", warnings[0])
        self.assertIn("--user gwbot", warnings[0])
        # What it says helps, and the session is the service's.
        identifies = self.identifies()
        said = self.run_in(*command, "--user", "gwbot", check=False).stderr
        self.assertNotIn("runs_as_root", said)
        self.assertRegex(said, "event=shard_state .*from=resuming to=ready")
        self.assertEqual(identifies, self.identifies())
        self.assert_heals()
        self.assertEqual(identifies, self.identifies())

    # ---- what would cost IDENTIFYs ----

    def test_12_starts_are_limited(self):
        """A gwbotd that dies whenever it lives, and whose disk forgets it each time."""
        self.drop_in("[Service]\nRestartSec=10ms\nExecStartPre=+/bin/sh -c 'rm -rf /var/lib/gwbot/*'\n")
        self.stop()
        before = self.identifies()
        self.run_in("systemctl", "start", UNIT)
        starts, pid, deadline = 1, self.main_pid(), time.monotonic() + 120
        while self.active() != "failed":
            self.assertLess(time.monotonic(), deadline)
            now = self.main_pid()
            if now not in (0, pid):
                starts, pid = starts + 1, now
            if self.machine.show(UNIT, "SubState") == "running":
                self.run_in("kill", "-9", pid, check=False)
        self.assertIn("Start request repeated too quickly", self.journal("-u", UNIT, "-n", "20"))
        self.assertLessEqual(starts, 40)
        # A day of it stays below the 1000 of Discord.
        spent = self.identifies() - before
        self.assertLess(24 * spent, 1000)
        print(f"it died {starts} times, spent {spent} IDENTIFY, and was left alone", flush=True)
        self.stop()

    def test_13_the_token_is_nowhere(self):
        self.assertNotIn("CANARY", self.journal())


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
