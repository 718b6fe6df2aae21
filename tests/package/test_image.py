#!/usr/bin/env python3
"""The image of deploy/Dockerfile, as near as it comes without a container engine.

Its second stage is done in a bare Debian: each line of RUN as it stands there, but for
the packages, which come from the tree and not from the net.  Then it is run as engines
run it: own namespaces, a root that nobody can write, a volume, no capability, the
entry point as process 1.

Run by ./dev test-package, as root; see case.py for the environment.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest

from case import TOKEN

DOCKERFILE = pathlib.Path(__file__).resolve().parents[2] / "deploy/Dockerfile"
VOLUME = "/var/lib/gwbot"

# As PID 1 of the new namespaces: gwsim beside it, then it becomes the entry point.
RUN = r"""
set -e
root=$1 user=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$root/../volume" "$root/var/lib/gwbot"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom; do
	touch "$root/dev/$name"
	mount --bind "/dev/$name" "$root/dev/$name"
done
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o "mode=755,uid=${user%:*},gid=${user#*:}" tmpfs "$root/run/gwbot"
mount -t proc proc "$root/proc"
ip link set lo up
cd "$root"
pivot_root . mnt
umount -l /mnt
/usr/libexec/gwbot/gwsim --port 4000 --control /tmp/gwsim.sock --heartbeat 2000 >/dev/null 2>&1 &
exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --bounding-set -all \
	--no-new-privs -- "$@"
"""


def instructions():
    """(name, text) of the Dockerfile's last stage."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    stage = text[text.rindex("\nFROM "):]
    return [tuple(line.split(None, 1)) for line in stage.splitlines()
            if line and not line.startswith("#")]


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="gwbot-image-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name) / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", os.environ["GWBOT_TREE"], cls.root], check=True)
        shutil.copy(os.environ["GWBOT_PACKAGE"], cls.root / "tmp/gwbot_0_all.deb")
        # What a purge keeps: the tree has had the package once.
        subprocess.run(["chroot", cls.root, "sh", "-c", "userdel gwbot; groupdel gwbot; true"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.rows = dict(instructions())
        cls.build(cls.rows["RUN"])
        # An engine fills a new volume with what the image has there, owner and mode included.
        subprocess.run(["cp", "-a", cls.root / VOLUME[1:], cls.root.parent / "volume"], check=True)
        cls.env = dict(word.split("=", 1) for name, text in instructions() if name == "ENV"
                       for word in shlex.split(text))

    @classmethod
    def build(cls, lines):
        """The one RUN, with dpkg in the place of apt-get."""
        lines, offline = re.subn(r"apt-get update &&\s+\S*\s*apt-get install\s.*?(/tmp/gwbot_\S+)", r"dpkg -i \1", lines)
        assert offline == 1, lines
        done = subprocess.run(["chroot", cls.root, "sh", "-ec", lines], capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def setUp(self):
        self.log = tempfile.TemporaryFile("w+")
        self.addCleanup(self.log.close)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--ipc", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", RUN, "sh",
             str(self.root), self.rows["USER"], *json.loads(self.rows["ENTRYPOINT"])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log, start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DISCORD_TOKEN": TOKEN,
                 "DISCORD_API_BASE": "http://127.0.0.1:4000/api/v10", **self.env})
        self.addCleanup(self.end)
        self.wait(lambda: self.inside("gwctl", "wait", "ready", "--timeout", "1s").returncode == 0, "ready")

    def end(self):
        """By process 1, which forgets to die with its parent when it becomes another user."""
        if self.process.poll() is None and self.first():
            os.kill(int(self.first()), 9)
        self.process.kill()
        self.process.wait()

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def wait(self, check, what, timeout=30):
        deadline = time.monotonic() + timeout
        while not check():
            self.assertIsNone(self.process.poll(), self.output())
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.output()}")
            time.sleep(0.1)

    def first(self):
        """Process 1 of the container, as the host counts; None before it is there."""
        words = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return words[0] if words else None

    def inside(self, *command):
        """As docker exec: the image's user, in all of its namespaces."""
        user, group = self.rows["USER"].split(":")
        return subprocess.run(
            ["nsenter", "-t", self.first() or "0", "--all", "--", "setpriv", "--reuid", user, "--regid", group, "--clear-groups",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)

    def test_it_is_process_1_and_may_nothing(self):
        self.assertEqual("gwbotd", self.inside("cat", "/proc/1/comm").stdout.strip())
        status = dict(line.split(":\t", 1) for line in self.inside("cat", "/proc/1/status").stdout.splitlines())
        self.assertEqual(("10001", "1", "2", 0), (status["Uid"].split()[0], status["NoNewPrivs"], status["Seccomp"],
                                                  int(status["CapBnd"], 16)))
        self.assertNotEqual(0, self.inside("touch", "/etc/gwbot.conf").returncode)
        self.assertEqual(0, self.inside("touch", f"{VOLUME}/mine").returncode)

    def test_the_health_check_as_it_stands_there(self):
        command = self.rows["HEALTHCHECK"].split("CMD ", 1)[1]
        done = self.inside("sh", "-c", command)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^(OK|WARNING) - ")

    def test_its_log_is_json_and_its_stop_is_quick(self):
        began = time.monotonic()
        os.kill(int(self.first()), 15)
        self.assertEqual(0, self.process.wait(10), self.output())
        self.assertLess(time.monotonic() - began, 3)
        lines = [json.loads(line) for line in self.output().splitlines()]
        self.assertEqual("stopped", lines[-1]["event"])
        self.assertNotIn("CANARY", self.output())

    def test_the_next_container_on_the_volume_resumes(self):
        """Another gwsim knows no session; but it is a RESUME that is tried."""
        os.kill(int(self.first()), 9)
        self.process.wait(10)
        self.setUp()
        self.assertIn('"event":"session_found"', self.output())


if __name__ == "__main__":
    unittest.main(verbosity=2)
