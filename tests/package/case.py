"""What the cases of the package have in common: a Debian of their own, booted, and what
they ask of it.

Run by ./dev test-package, as root.  In the environment: GWBOT_TREE, a bare Debian with
what the package and its users need; GWBOT_PACKAGE, and GWBOT_NEXT, the same of a later
version whose /etc/gwbot.conf has one more line.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from machine import Machine

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.CANARY.token-that-must-never-be-printed-anywhere"
UNIT = "gwbotd.service"
CONFIG = "/etc/gwbot.conf"
CREDENTIAL = "/etc/gwbot/discord_token"
API = "--set discord.api_base=http://127.0.0.1:4000/api/v10"
SIM_SOCKET = "run/gwsim.sock"


class PackageCase(unittest.TestCase):
    """The cases of a class are one story, in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="gwbot-package-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name) / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", os.environ["GWBOT_TREE"], cls.root],
                       check=True)
        for name in ("GWBOT_PACKAGE", "GWBOT_NEXT"):
            shutil.copy(os.environ[name], cls.root / "root" / f"{name}.deb")
        cls.machine = Machine(cls.root)
        cls.machine.__enter__()
        cls.addClassCleanup(cls.machine.__exit__)
        cls.run_in = cls.machine.run

    def tearDown(self):
        if any(problem for case, problem in self._outcome.result.failures +
               self._outcome.result.errors if case is self):
            print(self.journal("-n", "40"))

    # ---- files ----

    def write(self, path, text, mode=0o644, owner=None):
        file = self.root / path.lstrip("/")
        file.write_text(text)
        file.chmod(mode)
        if owner:
            self.run_in("chown", owner, path)

    def read(self, path):
        return (self.root / path.lstrip("/")).read_text()

    def options(self, text):
        self.write("/etc/default/gwbotd", f'GWBOTD_OPTS="{text}"\n')

    def configure(self, text):
        """Another /etc/gwbot.conf until the end of the case."""
        good = self.read(CONFIG)
        self.addCleanup(self.write, CONFIG, good, 0o640, "root:gwbot")
        self.write(CONFIG, text, 0o640, "root:gwbot")

    def drop_in(self, text, unit=UNIT):
        """More settings of a unit until the end of the case."""
        folder = f"/run/systemd/system/{unit}.d"
        self.run_in("mkdir", "-p", folder)
        self.run_in("tee", f"{folder}/test.conf", text=text)
        self.run_in("systemctl", "daemon-reload")
        self.addCleanup(self.run_in, "sh", "-c",
                        f"rm -rf {folder}; systemctl daemon-reload")

    # ---- the service ----

    def install(self):
        self.run_in("dpkg", "-i", "/root/GWBOT_PACKAGE.deb")

    def start_sim(self, *more):
        self.run_in("systemd-run", "--unit=gwsim", "/usr/libexec/gwbot/gwsim", "--port", "4000",
                    "--control", f"/{SIM_SOCKET}", "--heartbeat", "2000", *more)
        self.machine.wait(lambda: self.run_in("test", "-S", f"/{SIM_SOCKET}",
                                              check=False).returncode == 0, "gwsim")

    def start_ready(self):
        """Installed, with a token and a Discord, and ready."""
        self.install()
        self.start_sim()
        self.write(CREDENTIAL, TOKEN + "\n", 0o600)
        self.options(API)
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()

    def add_people(self):
        """ada is a member of the group, bob is not."""
        self.run_in("useradd", "-m", "-s", "/bin/bash", "-G", "gwbot", "ada")
        self.run_in("useradd", "-m", "-s", "/bin/bash", "bob")

    def ask_as(self, user, *words):
        return self.run_in("runuser", "-u", user, "--", "gwctl", *words, check=False)

    def active(self, unit=UNIT):
        return self.machine.show(unit, "ActiveState")

    def main_pid(self):
        return int(self.machine.show(UNIT, "MainPID"))

    def wait_successor(self, pid):
        """Until another process runs than this one."""
        self.machine.wait(lambda: self.main_pid() not in (0, pid), "another process")

    def wait_ready(self, timeout=60):
        self.machine.wait(lambda: self.run_in("gwctl", "wait", "ready", "--timeout", "1s",
                                              check=False).returncode == 0, "ready", timeout)

    def snapshot(self):
        return self.machine.ask("snapshot")["shards"][0]

    def status_of(self, pid):
        """/proc/PID/status as seen from inside."""
        text = self.run_in("cat", f"/proc/{pid}/status").stdout
        return dict(line.split(":\t", 1) for line in text.splitlines())

    # ---- what it says ----

    def journal(self, *more):
        return self.run_in("journalctl", "--no-pager", "-o", "cat", *more).stdout

    def entries(self, since, *more, unit=UNIT):
        """What the unit's own processes have said since that time.time(), as journalctl -u
        finds it.  Without --after-cursor, which loses an entry where others are left out."""
        done = self.run_in("journalctl", "--no-pager", "-u", unit, "-o", "json", *more)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [entry for entry in found if entry["_PID"] != "1" and
                int(entry["__REALTIME_TIMESTAMP"]) >= since * 1e6]

    # ---- the network ----

    def sim(self, line):
        """One command to the gwsim that lives beside gwbotd."""
        script = ("import socket,sys\n"
                  "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
                  "s.sendall(sys.argv[2].encode()+b'\\n'); print(s.makefile().readline())")
        done = subprocess.run(
            ["python3", "-c", script, f"/proc/{self.machine.pid}/root/{SIM_SOCKET}", line],
            capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    def identifies(self):
        return self.sim("stats")["totals"]["identifies"]

    def fetch(self, path):
        """(status, body) over HTTP, by our own curl in the machine's network."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.machine.pid), "--net", "curl", "-s", "-w",
             "\n%{http_code}", f"http://127.0.0.1:10000{path}"],
            capture_output=True, timeout=30, check=True)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body
