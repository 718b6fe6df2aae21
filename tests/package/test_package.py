#!/usr/bin/env python3
"""A whole life of the Debian package under systemd: installed, configured, asked, hurt,
upgraded and purged.  What its users see is in test_use.py, what goes wrong in
test_trouble.py."""

import os
import pathlib
import re
import shutil
import time
import unittest

from case import API, CONFIG, CREDENTIAL, TOKEN, UNIT, PackageCase

TESTS = pathlib.Path(__file__).resolve().parents[2] / "debian" / "tests"
UPGRADES = int(os.environ.get("GWBOT_UPGRADES", "6"))

# What belongs to the running system, to dpkg and to all users.
NOT_OURS = re.compile(
    r"^/(proc|sys|dev|run|tmp|root)(/|$)|^/var/(log|cache|tmp|lib/dpkg)(/|$)|"
    r"^/var/lib/systemd/(timers|random-seed|catalog)|"
    r"^/etc/(passwd|group|shadow|gshadow|subuid|subgid|machine-id|\.pwd\.lock)-?$|"
    r"^/var/lib/systemd/deb-systemd-helper-enabled$|^/var/lib/systemd/deb-systemd-helper-masked$|"
    r"^/etc/resolv.conf$|^/home(/|$)")

# Added to a configuration in the way that its owner would.
MINE = "\nbot: { name = \"mine\"; };\n"


class Package(PackageCase):
    # ---- helpers ----

    def files(self):
        found = self.run_in("find", "/", "-xdev", "-not", "-type", "d").stdout.split("\n")
        folders = self.run_in("find", "/", "-xdev", "-type", "d").stdout.split("\n")
        return {path for path in found + folders if path and not NOT_OURS.search(path)}

    def assert_private_config(self):
        """It may come to hold what not everybody shall read."""
        mode = self.run_in("stat", "-c", "%a %U:%G", CONFIG).stdout
        self.assertEqual("640 root:gwbot\n", mode)

    def upgrade(self, name, *more):
        """One version or the other; it was restarted, and resumed."""
        pid = self.main_pid()
        self.run_in("dpkg", "--force-downgrade", *more, "-i", f"/root/{name}.deb")
        self.assertNotIn(self.main_pid(), (0, pid), "it was not restarted")
        self.wait_ready()
        now = self.snapshot()
        self.assertEqual((0, 1, 0), (now["identifies"], now["resumes"], now["seq_gaps"]), now)
        # An administrator's limit, not ours: 40 starts an hour.
        self.run_in("systemctl", "reset-failed", UNIT, check=False)

    # ---- the story ----

    def test_01_install(self):
        type(self).before = self.files()
        self.install()
        self.assert_private_config()
        self.assertEqual("enabled\n", self.run_in("systemctl", "is-enabled", UNIT).stdout)
        self.assertEqual("inactive", self.active())
        listed = self.run_in("dpkg", "-L", "gwbot").stdout.split("\n")
        self.assertIn("/usr/share/doc/gwbot/copyright", listed)
        self.assertEqual("", self.run_in("dpkg", "--verify", "gwbot").stdout)

    def test_02_no_token_is_said_and_not_tried_again(self):
        done = self.run_in("systemctl", "start", UNIT, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertEqual("78", self.machine.show(UNIT, "ExecMainStatus"))
        time.sleep(3)  # longer than RestartSec=
        self.assertEqual(("failed", "0"),
                         (self.active(), self.machine.show(UNIT, "NRestarts")))
        self.assertIn("no token: set DISCORD_TOKEN", self.journal("-u", UNIT))

    def test_03_the_credential(self):
        self.start_sim("--rate", "20")
        self.write(CREDENTIAL, TOKEN + "\n", 0o600)
        self.options(API)
        self.run_in("systemctl", "restart", UNIT)
        self.assertEqual("active", self.active())
        self.wait_ready()
        self.machine.wait(lambda: self.machine.show(UNIT, "StatusText").startswith(
            "1/1 ready, latency "), "the state line in systemctl status")
        self.assertIn("credential:discord_token", self.run_in("gwctl", "config",
                                                               "discord.token").stdout)

    def test_04_what_it_may(self):
        status = self.status_of(self.main_pid())
        user = self.run_in("id", "-u", "gwbot").stdout.strip()
        self.assertEqual([user] * 4, status["Uid"].split())
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(0, int(status[name], 16), name)
        self.assertEqual(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]))
        modes = self.run_in("find", "/var/lib/gwbot", "-printf", "%m %u %y\n").stdout
        for line in modes.splitlines():
            mode, owner, kind = line.split()
            self.assertEqual(("gwbot", 0), (owner, int(mode, 8) & (0o027 if kind == "d" else
                                                                   0o077)), line)
        for unit in (UNIT, "gwbotd@two.service"):
            done = self.run_in("systemd-analyze", "security", "--no-pager", "--threshold=12", unit)
            print(done.stdout.splitlines()[-1].strip("→ "), flush=True)

    def test_05_who_may_ask(self):
        self.add_people()
        self.assertIn("1 of 1 shard ready", self.ask_as("ada", "status").stdout)
        self.assertEqual(0, self.ask_as("ada", "log", "debug", "--for", "1s").returncode)
        uid = self.run_in("id", "-u", "ada").stdout.strip()
        self.machine.wait(lambda: re.search(rf"event=\S*control\S* .*uid={uid}\b",
                                            self.journal("-u", UNIT)), "who asked, in the log")

    def test_06_a_check_and_a_reload(self):
        self.assertEqual(0, self.run_in("gwctl", "check").returncode)
        self.run_in("gwctl", "doctor", check=False)
        self.run_in("systemctl", "reload", UNIT)
        good = self.read(CONFIG)
        self.configure(good + "\nnonsense = 1;\n")
        self.assertNotEqual(0, self.run_in("systemctl", "reload", UNIT, check=False).returncode)
        self.assertEqual("active", self.active())
        self.write(CONFIG, good, 0o640, "root:gwbot")
        self.run_in("systemctl", "reload", UNIT)

    def test_07_what_it_starts_lives_in_the_same_sandbox(self):
        good = self.read(CONFIG)
        self.configure(good + '''
jobs = ({ name = "look"; action = "exec"; every = "1d";
	command = [ "/bin/sh", "-c",
		"cat /proc/self/status >/var/lib/gwbot/look; ! touch /etc/x /usr/x /root/x" ]; });
''')
        self.run_in("systemctl", "reload", UNIT)
        self.run_in("gwctl", "job", "run", "look", "--wait")
        look = self.run_in("cat", "/var/lib/gwbot/look").stdout
        self.assertIn("NoNewPrivs:\t1\n", look)
        self.run_in("rm", "/var/lib/gwbot/look")
        self.write(CONFIG, good, 0o640, "root:gwbot")
        self.run_in("systemctl", "reload", UNIT)

    def test_08_a_kill_and_a_hang(self):
        before = self.snapshot()
        pid = self.main_pid()
        self.run_in("kill", "-9", pid)
        self.wait_successor(pid)
        self.wait_ready()
        after = self.snapshot()
        self.assertEqual((0, 1), (after["identifies"], after["resumes"]), after)
        self.assertGreater(after["seq"], before["seq"])
        # A process that does not feed the watchdog is ended and started again.
        self.drop_in("[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n")
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        time.sleep(5)  # it lives longer than that, so it is fed
        pid = self.main_pid()
        self.assertEqual("0", self.machine.show(UNIT, "NRestarts"))
        self.run_in("kill", "-STOP", pid)
        self.wait_successor(pid)
        self.assertIn("watchdog", self.journal("-u", UNIT, "-n", "30").lower())
        self.wait_ready()
        self.assertEqual(0, self.snapshot()["identifies"])

    def test_09_a_reboot_by_gwctl_comes_back(self):
        pid = self.main_pid()
        self.run_in("gwctl", "--yes", "reboot", "--wait=20s")
        self.assertNotIn(self.main_pid(), (0, pid))
        self.wait_ready()

    def test_10_upgrades_lose_nothing(self):
        self.run_in("systemctl", "reset-failed", UNIT, check=False)
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        identifies = self.sim("stats")["totals"]["identifies"]
        for number in range(UPGRADES):
            self.upgrade("GWBOT_NEXT" if number % 2 == 0 else "GWBOT_PACKAGE")
            # Nobody changed it, so it is the package's.
            self.assertEqual(number % 2 == 0, "line of the next version" in self.read(CONFIG))
            self.assert_private_config()
        self.assertEqual(identifies, self.sim("stats")["totals"]["identifies"])
        goal = self.sim("stats")["sessions"][0]["last_sent"]
        self.machine.wait(lambda: self.snapshot()["seq"] >= goal, "the last event")
        print(f"{UPGRADES} upgrades: 0 events lost, 0 IDENTIFY", flush=True)

    def test_11_instances(self):
        self.write("/etc/gwbot/two.conf", "http: { port = 10002; };\n")
        self.write("/etc/gwbot/two.token", TOKEN + "\n", 0o600)
        self.run_in("systemctl", "start", "gwbotd@two.service")
        self.assertEqual("active", self.machine.show("gwbotd@two.service", "ActiveState"))
        done = self.run_in("gwctl", "-s", "/run/gwbot-two/control.sock", "wait", "ready",
                           "--timeout", "30s")
        self.assertEqual(0, done.returncode)
        self.assertTrue((self.root / "var/lib/gwbot-two").is_dir())
        self.assertEqual("active", self.active())

    def test_12_an_upgrade_keeps_what_the_administrator_wrote(self):
        self.upgrade("GWBOT_PACKAGE")
        mine = self.read(CONFIG) + MINE
        options = self.read("/etc/default/gwbotd")
        self.configure(mine)
        two = self.machine.show("gwbotd@two.service", "MainPID")
        # Both sides changed it: what an upgrade does that asks nobody.
        self.upgrade("GWBOT_NEXT", "--force-confdef", "--force-confold")
        self.assertEqual((mine, options), (self.read(CONFIG), self.read("/etc/default/gwbotd")))
        self.assertIn("line of the next version", self.read(CONFIG + ".dpkg-dist"))
        self.assert_private_config()
        self.assertIn("mine", self.run_in("gwctl", "config", "bot.name").stdout)
        # Instances are restarted as well.
        self.assertNotIn(self.machine.show("gwbotd@two.service", "MainPID"), ("0", two))
        done = self.run_in("gwctl", "-s", "/run/gwbot-two/control.sock", "wait", "ready",
                           "--timeout", "30s")
        self.assertEqual(0, done.returncode)

    def test_13_the_built_in_gateway(self):
        self.options("--sim")
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        done = self.fetch("/healthz")
        self.assertEqual(200, done[0], done)

    def test_14_the_token_is_nowhere(self):
        self.assertNotIn("CANARY", self.journal())
        for unit in (UNIT, "gwbotd@two.service"):
            self.assertNotIn("CANARY", self.run_in("systemctl", "show", unit).stdout)

    def test_15_as_debian_tests_it(self):
        """debian/tests, as autopkgtest runs them; what is on stderr is a failure."""
        self.run_in("systemctl", "stop", "gwsim")  # they bring their own
        folder = self.root / "root" / "tests"
        shutil.copytree(TESTS, folder)
        for stanza in (folder / "control").read_text().strip().split("\n\n"):
            fields = dict(re.findall(r"(?m)^([\w-]+): *(.*)$", stanza))
            for name in re.split(r"[ ,]+", fields["Tests"]):
                user = "root" if "needs-root" in fields.get("Restrictions", "") else "ada"
                self.run_in("install", "-D", "-m", "755", f"/root/tests/{name}", f"/tmp/{name}/test")
                self.run_in("chown", "-R", user, f"/tmp/{name}")
                done = self.run_in("runuser", "-u", user, "--", "env", f"AUTOPKGTEST_TMP=/tmp/{name}",
                                   f"/tmp/{name}/test", timeout=120, check=False)
                self.assertEqual((0, ""), (done.returncode, done.stderr), f"{name}: {done.stdout}")

    def test_16_remove_and_purge(self):
        self.run_in("dpkg", "-r", "gwbot")
        self.assertNotEqual("active", self.active())
        self.assertNotEqual("active", self.machine.show("gwbotd@two.service", "ActiveState"))
        self.assertTrue((self.root / "etc/gwbot.conf").is_file())
        self.assertTrue((self.root / "var/lib/gwbot").is_dir())
        self.run_in("dpkg", "-P", "gwbot")
        self.assertEqual(set(), self.files() - self.before)
        for place in ("/run/gwbot", "/run/gwbot-two", "/var/lib/gwbot", "/etc/gwbot"):
            self.assertNotEqual(0, self.run_in("test", "-e", place, check=False).returncode,
                                place)


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
