"""What gwbotd gives up, looked at from outside; and what its own programs then cannot."""

import ctypes
import os
import pathlib
import pwd
import re
import select
import signal
import subprocess
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim

NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}
NOBODY = "nobody"

# Each must fail with EPERM, "Operation not permitted", in a program that a job runs.
# fsopen, bpf and so on need no right to be asked for, unlike what mount(8) does first.
ATTEMPTS = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
numbers = dict(mount=165, unshare=272, setns=308, bpf=321, perf_event_open=298, keyctl=250,
               init_module=175, io_uring_setup=425, userfaultfd=323, process_vm_readv=310)
for name, number in numbers.items():
    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    print(name, result, errno.errorcode.get(ctypes.get_errno()))
print("fork", os.spawnlp(os.P_WAIT, "true", "true"))
"""


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines())


def can_set_titles():
    """PR_SET_MM with PR_SET_MM_MAP_SIZE is there where PR_SET_MM_MAP is, and changes nothing."""
    size = ctypes.c_uint()
    return ctypes.CDLL(None).prctl(35, 15, ctypes.byref(size), 0, 0) == 0


class Process(unittest.TestCase):
    def test_every_thread_is_held(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for task in pathlib.Path(f"/proc/{bot.process.pid}/task").iterdir():
                status = status_of(f"{bot.process.pid}/task/{task.name}")
                self.assertEqual(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]))
            limits = pathlib.Path(f"/proc/{bot.process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +[01] +[01] ")
            maps = pathlib.Path(f"/proc/{bot.process.pid}/smaps").read_text()
            # The token's pages: locked (lo), not dumped (dd).  The checkers lock nothing.
            wanted = {"dd"} if b"__asan_init" in (BIN / "gwbotd").read_bytes() else {"lo", "dd"}
            flags = [line.split()[1:] for line in maps.splitlines()
                     if line.startswith("VmFlags")]
            self.assertTrue(any(wanted <= set(each) for each in flags))
            doctor = bot.ctl("doctor").stdout
            for line in ("fork and exec with it", "locked in memory", "no core file"):
                self.assertIn(line, doctor)
            self.assertEqual(0, bot.stop())

    @unittest.skipUnless(os.uname().machine == "x86_64", "numbers of this processor")
    def test_a_program_cannot_do_what_it_never_needs(self):
        with Gwbotd(env=NOWHERE) as bot:
            script, seen = bot.dir / "attempts.py", bot.dir / "seen"
            script.write_text(ATTEMPTS)
            path = bot.dir / "gwbot.conf"
            path.write_text('jobs = ({ name = "try"; action = "exec"; every = "1d"; command = '
                            f'["/bin/sh", "-c", "python3 {script} >{seen}"]; }});\n')
            bot.start("--config", str(path)).wait_control()
            done = bot.ctl("job", "run", "try", "--wait")
            self.assertEqual(0, done.returncode, done.stderr)
            lines = seen.read_text().splitlines()
            self.assertEqual("fork 0", lines.pop())
            self.assertEqual(10, len(lines))
            for line in lines:
                self.assertRegex(line, r"^\w+ -1 EPERM$")
            self.assertEqual(0, bot.stop())


def spawner_of(pid):
    found, = (int(word) for word in
              pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
              if pathlib.Path(f"/proc/{word}/comm").read_text() == "gwbot-spawner\n")
    return found


def places_of(pid, needle):
    """(flags of its mapping, bytes in front) of each place where the needle lies."""
    found, pages = [], None
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
            header = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ", line)
            if header:
                pages = [int(header[1], 16), int(header[2], 16), header[3]]
            if not line.startswith("VmFlags:") or "r" not in pages[2]:
                continue
            start, end = pages[:2]
            flags = set(line.split()[1:])
            if "io" in flags or "pf" in flags or end - start > 1 << 30:  # of the kernel; shadow
                continue
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except OSError:  # the kernel's own
                continue
            found += [(flags, data[max(0, hit.start() - 40):hit.start()])
                      for hit in re.finditer(re.escape(needle), data)]
    return found


class Memory(unittest.TestCase):
    def test_the_token_lies_in_its_own_pages_and_nowhere_else(self):
        """After IDENTIFY, RESUME and calls of the API, in all memory that can be read."""
        checked = b"__asan_init" in (BIN / "gwbotd").read_bytes()
        middle = TOKEN[10:-10].encode()  # a piece would do, too
        for tls in (False, True):
            with Sim(tls=tls, heartbeat=1000, rate=20) as sim, Gwbotd(sim) as bot:
                bot.start().wait_ready()
                sim.do("drop")
                bot.wait_ready(count=2)
                bot.ctl("reconnect", "--fresh", "--yes")
                bot.wait_ready(count=3)
                self.assertIn("IDENTIFY", bot.ctl("doctor").stdout.upper())
                found = places_of(bot.process.pid, middle)
                if checked:  # their own copy of the environment
                    found = [each for each in found if b"DISCORD_TOKEN=" not in each[1]]
                # Of the environment, the configuration, the gateway; and the API's header.
                self.assertLessEqual(1, len(found))
                self.assertLessEqual(len(found), 4, found)
                for flags, before in found:
                    self.assertLessEqual({"dd", "wf"} if checked else {"lo", "dd", "wf"}, flags, before)
                spawner = places_of(spawner_of(bot.process.pid), middle)
                self.assertEqual([], [] if checked else spawner)
                self.assertEqual(0, bot.stop())

    def test_files_are_for_the_owner_alone(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            os.umask(0)
            try:
                bot.start().wait_ready()
            finally:
                os.umask(0o022)
            modes = {path.name: path.stat().st_mode & 0o777
                     for path in (bot.dir / "state").rglob("*")}
            self.assertTrue(modes)
            self.assertEqual({0o600}, set(modes.values()), modes)
            self.assertEqual(0o700, (bot.dir / "state").stat().st_mode & 0o777)
            self.assertIn("Umask:\t0077", pathlib.Path(f"/proc/{bot.process.pid}/status").read_text())
            self.assertEqual(0, bot.stop())


class Programs(unittest.TestCase):
    """What is started is what the configuration says, also after it has changed."""

    def write(self, bot, word):
        path = bot.dir / "gwbot.conf"
        path.write_text('jobs = ({ name = "try"; action = "exec"; every = "1d"; command = '
                        f'["/bin/sh", "-c", "echo {word} >>{bot.dir}/seen"]; }});\n')
        return str(path)

    def run_it(self, bot):
        done = bot.ctl("job", "run", "try", "--wait")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_reload_brings_others_and_takes_none_away(self):
        with Gwbotd(env=NOWHERE) as bot:
            bot.start("--config", self.write(bot, "one")).wait_event("watchdog")
            self.run_it(bot)
            self.write(bot, "two")  # on disk, and not taken: it runs what it ran
            self.run_it(bot)
            self.assertEqual(0, bot.ctl("reload").returncode)
            self.run_it(bot)
            self.write(bot, "three")
            self.assertEqual(0, bot.ctl("reload", "--for", "1h").returncode)
            self.run_it(bot)
            self.assertEqual(0, bot.ctl("reload", "--undo").returncode)
            self.run_it(bot)
            self.assertEqual("one one two three two".split(), (bot.dir / "seen").read_text().split())
            self.assertEqual(0, bot.stop())

    def test_what_the_daemon_says_counts_for_nothing(self):
        """The spawner sees another file than gwbotd saw: as if gwbotd had made it up."""
        with Gwbotd(env=NOWHERE) as bot:
            bot.start("--config", self.write(bot, "one")).wait_event("watchdog")
            spawner = spawner_of(bot.process.pid)
            os.kill(spawner, signal.SIGSTOP)
            try:
                self.write(bot, "two")
                self.assertEqual(0, bot.ctl("reload").returncode)
                self.write(bot, "three")
            finally:
                os.kill(spawner, signal.SIGCONT)
            done = bot.ctl("job", "run", "try", "--wait")
            self.assertEqual(1, done.returncode, done.stderr)
            self.assertIn("the configuration does not name it", " ".join((done.stdout + done.stderr).split()))
            self.assertFalse((bot.dir / "seen").exists())
            self.assertEqual(0, bot.ctl("reload").returncode)
            self.run_it(bot)
            self.assertEqual("three\n", (bot.dir / "seen").read_text())
            self.assertEqual(0, bot.stop())

    def test_the_spawner_ends_with_the_daemon_and_with_nothing_else(self):
        with Gwbotd(env=NOWHERE) as bot:
            bot.start("--config", self.write(bot, "x")).wait_event("watchdog")
            spawner = spawner_of(bot.process.pid)
            handle = os.pidfd_open(spawner)
            for number in (15, 2, 1, 3, 10, 12, 13):  # as a whole group may be told
                os.kill(spawner, number)
            self.run_it(bot)
            self.assertEqual({"0", "1", "2", "3"}, set(os.listdir(f"/proc/{spawner}/fd")))
            bot.kill()
            self.assertTrue(select.select([handle], [], [], 10)[0], "it outlives gwbotd")
            os.close(handle)

    def test_ps_tells_the_spawner_from_the_daemon(self):
        if not can_set_titles():
            self.skipTest("the kernel cannot show another command line: no CONFIG_CHECKPOINT_RESTORE")
        with Gwbotd(env=NOWHERE) as bot:
            bot.start("--config", self.write(bot, "one")).wait_event("watchdog")
            pid = bot.process.pid
            spawner = pathlib.Path(f"/proc/{spawner_of(pid)}")
            self.assertEqual(f"gwbot-spawner: starts the programs of gwbotd {pid}\0",
                             (spawner / "cmdline").read_text())
            self.assertIn("--config", pathlib.Path(f"/proc/{pid}/cmdline").read_text())
            self.assertIn(b"PATH=", (spawner / "environ").read_bytes())
            # It still has its own command line, to read the configuration again.
            self.write(bot, "two")
            self.assertEqual(0, bot.ctl("reload").returncode)
            self.run_it(bot)
            self.assertEqual("two\n", (bot.dir / "seen").read_text())
            self.assertEqual(0, bot.stop())

    def test_without_the_spawner_a_program_fails_and_says_so(self):
        with Gwbotd(env=NOWHERE) as bot:
            bot.start("--config", self.write(bot, "x")).wait_event("watchdog")
            os.kill(spawner_of(bot.process.pid), 9)
            done = bot.ctl("job", "run", "try", "--wait")
            self.assertNotEqual(0, done.returncode)
            self.assertIn("gwctl reboot", done.stdout + done.stderr)
            self.assertEqual(0, bot.stop())


@unittest.skipUnless(os.getuid() == 0, "only root can become another user")
class User(unittest.TestCase):
    def test_root_becomes_another_user(self):
        user = pwd.getpwnam(NOBODY)
        # /run and /var/lib of its own, so that the host keeps its.
        inside = ["unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /run && "
                  "mount -t tmpfs tmpfs /var/lib && \"$@\"; status=$?; "
                  "stat -c '%n %U %a' /run/gwbot /var/lib/gwbot >&2; exit $status", "sh"]
        with Sim() as sim, Gwbotd(sim, wrapper=inside) as bot:
            for name in ("GWBOT_STATE_DIR", "GWBOT_CONTROL_SOCKET"):
                del bot.env[name]
            os.chmod(bot.dir, 0o755)
            bot.start("--user", NOBODY)
            _, event = bot.wait_event("starting")
            self.assertEqual("/var/lib/gwbot", event["state_dir"])
            bot.wait_ready()
            status = status_of(event["pid"])
            self.assertEqual([str(user.pw_uid)] * 4, status["Uid"].split())
            self.assertEqual([str(user.pw_gid)] * 4, status["Gid"].split())
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(0, int(status[name], 16), name)
            os.kill(event["pid"], 15)
            self.assertEqual(0, bot.wait_exit())
            bot.wait_event("stopped")
            self.assertIn(f"/run/gwbot {NOBODY} 755\n", bot.output + "\n")
            self.assertIn(f"/var/lib/gwbot {NOBODY} 750", bot.output)

    def test_who_cannot_says_why(self):
        for words, text in ((["--user", "no-such-user"], "there is no such user"),
                            (["--user", "root"], "that is root")):
            with Gwbotd(env=NOWHERE) as bot:
                self.assertEqual(64, bot.start(*words).wait_exit())
                self.assertIn(text, bot.output)
        done = subprocess.run(["setpriv", "--reuid", NOBODY, "--clear-groups", str(BIN / "gwbotd"),
                               "--user", NOBODY], capture_output=True, text=True, check=False)
        if done.returncode != 126:  # the build may lie where nobody may look
            self.assertEqual(64, done.returncode, done.stderr)
            self.assertIn("only root can become another user", done.stderr)


if __name__ == "__main__":
    unittest.main()
