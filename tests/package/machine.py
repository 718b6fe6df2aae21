"""A Debian of its own under systemd, in namespaces: no container engine, no network.

Needs root.  What runs in it sees its own processes, mounts, host name and loopback; the
kernel and its users are ours.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

# As PID 1 of the new namespaces: the tree becomes the root, so that systemd can build
# its own namespaces from it, which it cannot in a mere chroot.
BOOT = r"""
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
	touch dev/$name
	mount --bind /dev/$name dev/$name
done
mkdir dev/shm dev/pts run/old
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up
pivot_root . run/old
cd /
umount -l run/old
rmdir run/old
mount --make-rshared /
exec env -i container=gwbot-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --log-target=journal
"""


class Machine:
    """Boots the tree at root in a with statement; run() is a command in it."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.process = None
        self.pid = None
        self.group = pathlib.Path("/sys/fs/cgroup")
        if (self.group / "unified").is_dir():
            self.group /= "unified"
        self.group /= f"gwbot-test-{os.getpid()}"

    def __enter__(self):
        self.group.mkdir()

        def join_group():
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

        self.process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--net", "--fork",
             "--kill-child", "sh", "-c", BOOT, "sh", str(self.root)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, start_new_session=True, preexec_fn=join_group)
        try:
            self.wait_booted()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_booted(self, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"no machine: {self.process.stderr.read()}")
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            words = children.read_text().split()
            self.pid = int(words[0]) if words else None
            # Once it has another root it is systemd, or about to be.
            if self.pid and self.run("systemctl", "is-system-running", check=False,
                                     ).stdout.strip() in ("running", "degraded"):
                return
            time.sleep(0.1)
        raise RuntimeError("systemd did not come up")

    def __exit__(self, *_):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                for path, _, _ in os.walk(self.group, topdown=False):
                    os.rmdir(path)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def run(self, *command, check=True, timeout=60, text=None):
        """CompletedProcess of a command in the machine, as root."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "--all", "--", "env", "-i",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
             "DEBIAN_FRONTEND=noninteractive", *map(str, command)],
            stdin=subprocess.DEVNULL if text is None else None, input=text,
            capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}:\n"
                                 f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def show(self, unit, name):
        """One property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def wait(self, check, what, timeout=30):
        """Asks until check() is true; returns what it returned."""
        deadline = time.monotonic() + timeout
        while True:
            answer = check()
            if answer:
                return answer
            if time.monotonic() > deadline:
                log = self.run("journalctl", "--no-pager", "-n", "60", check=False).stdout
                raise AssertionError(f"not in time: {what}\n{log}")
            time.sleep(0.1)

    def ask(self, *command):
        """What gwctl --json answers; None where it does not."""
        done = self.run("gwctl", "--json", *command, check=False)
        return json.loads(done.stdout) if done.returncode in (0, 8, 9) and done.stdout else None
