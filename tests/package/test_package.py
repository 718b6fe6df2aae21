#!/usr/bin/env python3
"""The Debian package in a Debian of its own, under systemd: installed, configured, asked,
hurt, upgraded and purged.

Run by ./dev test-package, as root.  In the environment: GWBOT_TREE, a bare Debian with
what the package depends on; GWBOT_PACKAGE, and GWBOT_NEXT, the same of a later version;
GWBOT_UPGRADES, how many in a row.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from machine import Machine

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.CANARY.token-that-must-never-be-printed-anywhere"
UPGRADES = int(os.environ.get("GWBOT_UPGRADES", "6"))
UNIT = "gwbotd.service"

# What belongs to the running system, to dpkg and to all users.
NOT_OURS = re.compile(
    r"^/(proc|sys|dev|run|tmp|root)(/|$)|^/var/(log|cache|tmp|lib/dpkg)(/|$)|"
    r"^/var/lib/systemd/(timers|random-seed|catalog)|"
    r"^/etc/(passwd|group|shadow|gshadow|subuid|subgid|machine-id|\.pwd\.lock)-?$|"
    r"^/var/lib/systemd/deb-systemd-helper-enabled$|^/var/lib/systemd/deb-systemd-helper-masked$|"
    r"^/etc/resolv.conf$|^/home(/|$)")


class Package(unittest.TestCase):
    """The cases are one story, in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="gwbot-package-")
        cls.root = pathlib.Path(cls.folder.name) / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", os.environ["GWBOT_TREE"], cls.root],
                       check=True)
        for name in ("GWBOT_PACKAGE", "GWBOT_NEXT"):
            shutil.copy(os.environ[name], cls.root / "root" / f"{name}.deb")
        cls.machine = Machine(cls.root)
        cls.machine.__enter__()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.machine.__exit__)
        cls.run_in = cls.machine.run

    # ---- helpers ----

    def write(self, path, text, mode=0o644, owner=None):
        file = self.root / path.lstrip("/")
        file.write_text(text)
        file.chmod(mode)
        if owner:
            self.run_in("chown", owner, path)

    def options(self, text):
        self.write("/etc/default/gwbotd", f'GWBOTD_OPTS="{text}"\n')

    def active(self):
        return self.machine.show(UNIT, "ActiveState")

    def main_pid(self):
        return int(self.machine.show(UNIT, "MainPID"))

    def status_of(self, pid):
        """/proc/PID/status as seen from inside."""
        text = self.run_in("cat", f"/proc/{pid}/status").stdout
        return dict(line.split(":\t", 1) for line in text.splitlines())

    def journal(self, *more):
        return self.run_in("journalctl", "--no-pager", "-o", "cat", *more).stdout

    def wait_ready(self, timeout=60):
        self.machine.wait(lambda: self.run_in("gwctl", "wait", "ready", "--timeout", "1s",
                                              check=False).returncode == 0, "ready", timeout)

    def snapshot(self):
        return self.machine.ask("snapshot")["shards"][0]

    def sim(self, line):
        """One command to the gwsim that lives beside gwbotd."""
        script = ("import socket,sys\n"
                  "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                  "s.sendall(sys.argv[2].encode()+b'\\n'); print(s.makefile().readline())")
        done = subprocess.run(
            ["python3", "-c", script, f"/proc/{self.machine.pid}/root/run/gwsim.sock", line],
            capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    def fetch(self, path):
        """(status, body) over HTTP, by our own curl in the machine's network."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.machine.pid), "--net", "curl", "-s", "-w",
             "\n%{http_code}", f"http://127.0.0.1:10000{path}"],
            capture_output=True, timeout=30, check=True)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def tearDown(self):
        if any(problem for case, problem in self._outcome.result.failures +
               self._outcome.result.errors if case is self):
            print(self.journal("-n", "40"))

    def files(self):
        found = self.run_in("find", "/", "-xdev", "-not", "-type", "d").stdout.split("\n")
        folders = self.run_in("find", "/", "-xdev", "-type", "d").stdout.split("\n")
        return {path for path in found + folders if path and not NOT_OURS.search(path)}

    # ---- the story ----

    def test_01_install(self):
        type(self).before = self.files()
        self.run_in("dpkg", "-i", "/root/GWBOT_PACKAGE.deb")
        mode = self.run_in("stat", "-c", "%a %U:%G", "/etc/gwbot.conf").stdout
        self.assertEqual("640 root:gwbot\n", mode)
        self.assertEqual("enabled\n", self.run_in("systemctl", "is-enabled", UNIT).stdout)
        self.assertEqual("inactive", self.active())
        listed = self.run_in("dpkg", "-L", "gwbot").stdout.split("\n")
        for page in ("man8/gwbotd.8", "man1/gwctl.1", "man5/gwbot.conf.5",
                     "man7/gwbot-control.7", "man7/gwbot-metrics.7"):
            self.assertIn(f"/usr/share/man/{page}.gz", listed)
        for path in ("/usr/share/bash-completion/completions/gwctl",
                     "/usr/share/zsh/vendor-completions/_gwctl",
                     "/usr/share/fish/vendor_completions.d/gwctl.fish",
                     "/usr/share/doc/gwbot/copyright"):
            self.assertIn(path, listed)
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
        self.run_in("systemd-run", "--unit=gwsim", "/usr/libexec/gwbot/gwsim", "--port", "4000",
                    "--control", "/run/gwsim.sock", "--heartbeat", "2000", "--rate", "20")
        self.write("/etc/gwbot/discord_token", TOKEN + "\n", 0o600)
        self.options("--set discord.api_base=http://127.0.0.1:4000/api/v10")
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

    def test_05_who_may_ask(self):
        self.run_in("useradd", "-G", "gwbot", "ada")
        self.run_in("useradd", "bob")
        done = self.run_in("runuser", "-u", "ada", "--", "gwctl", "status")
        self.assertIn("1 of 1 shard ready", done.stdout)
        done = self.run_in("runuser", "-u", "bob", "--", "gwctl", "status", check=False)
        self.assertEqual(4, done.returncode, done)
        self.assertIn("gwbot", done.stderr)
        self.run_in("runuser", "-u", "ada", "--", "gwctl", "log", "debug", "--for", "1s")
        uid = self.run_in("id", "-u", "ada").stdout.strip()
        self.machine.wait(lambda: re.search(rf"event=\S*control\S* .*uid={uid}\b",
                                            self.journal("-u", UNIT)), "who asked, in the log")

    def test_06_a_check_and_a_reload(self):
        self.assertEqual(0, self.run_in("gwctl", "check").returncode)
        self.run_in("gwctl", "doctor", check=False)
        self.run_in("systemctl", "reload", UNIT)
        good = (self.root / "etc/gwbot.conf").read_text()
        self.write("/etc/gwbot.conf", good + "\nnonsense = 1;\n", 0o640, "root:gwbot")
        self.assertNotEqual(0, self.run_in("systemctl", "reload", UNIT, check=False).returncode)
        self.assertEqual("active", self.active())
        self.write("/etc/gwbot.conf", good, 0o640, "root:gwbot")
        self.run_in("systemctl", "reload", UNIT)

    def test_07_what_it_starts_lives_in_the_same_sandbox(self):
        good = (self.root / "etc/gwbot.conf").read_text()
        self.write("/etc/gwbot.conf", good + '''
jobs = ({ name = "look"; action = "exec"; every = "1d";
	command = [ "/bin/sh", "-c",
		"cat /proc/self/status >/var/lib/gwbot/look; ! touch /etc/x /usr/x /root/x" ]; });
''', 0o640, "root:gwbot")
        self.run_in("systemctl", "reload", UNIT)
        self.run_in("gwctl", "job", "run", "look", "--wait")
        look = self.run_in("cat", "/var/lib/gwbot/look").stdout
        self.assertIn("NoNewPrivs:\t1\n", look)
        self.run_in("rm", "/var/lib/gwbot/look")
        self.write("/etc/gwbot.conf", good, 0o640, "root:gwbot")
        self.run_in("systemctl", "reload", UNIT)

    def test_08_a_kill_and_a_hang(self):
        before = self.snapshot()
        pid = self.main_pid()
        self.run_in("kill", "-9", pid)
        self.machine.wait(lambda: self.main_pid() not in (0, pid), "another process")
        self.wait_ready()
        after = self.snapshot()
        self.assertEqual((0, 1), (after["identifies"], after["resumes"]), after)
        self.assertGreater(after["seq"], before["seq"])
        # A process that does not feed the watchdog is ended and started again.
        self.run_in("mkdir", "-p", f"/run/systemd/system/{UNIT}.d")
        self.run_in("sh", "-c", "printf '[Service]\\nWatchdogSec=2s\\nTimeoutAbortSec=1s\\n' "
                    f">/run/systemd/system/{UNIT}.d/quick.conf; systemctl daemon-reload; "
                    f"systemctl restart {UNIT}")
        self.wait_ready()
        time.sleep(5)
        pid = self.main_pid()
        self.assertEqual("0", self.machine.show(UNIT, "NRestarts"))
        self.run_in("kill", "-STOP", pid)
        self.machine.wait(lambda: self.main_pid() not in (0, pid), "another process")
        self.assertIn("watchdog", self.journal("-u", UNIT, "-n", "30").lower())
        self.wait_ready()
        self.assertEqual(0, self.snapshot()["identifies"])
        self.run_in("sh", "-c", f"rm -r /run/systemd/system/{UNIT}.d; systemctl daemon-reload")

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
            name = "GWBOT_NEXT" if number % 2 == 0 else "GWBOT_PACKAGE"
            pid = self.main_pid()
            self.run_in("dpkg", "--force-downgrade", "-i", f"/root/{name}.deb")
            self.assertNotIn(self.main_pid(), (0, pid), "it was not restarted")
            self.wait_ready()
            now = self.snapshot()
            self.assertEqual((0, 1, 0), (now["identifies"], now["resumes"], now["seq_gaps"]),
                             f"upgrade {number}: {now}")
            # An administrator's limit, not ours: 40 starts an hour.
            self.run_in("systemctl", "reset-failed", UNIT, check=False)
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

    def test_12_the_built_in_gateway(self):
        self.options("--sim")
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        done = self.fetch("/healthz")
        self.assertEqual(200, done[0], done)

    def test_13_the_token_is_nowhere(self):
        self.assertNotIn("CANARY", self.journal())
        for unit in (UNIT, "gwbotd@two.service"):
            self.assertNotIn("CANARY", self.run_in("systemctl", "show", unit).stdout)

    def test_14_remove_and_purge(self):
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
