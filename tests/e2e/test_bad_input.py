"""What cannot work says so in one line, with what to do, and ends with the right status."""

import errno
import os
import pathlib
import pwd
import re
import socket
import subprocess
import tempfile
import time
import unittest

from gwbotd import BIN, TOKEN, Gwbotd
from test_faults import can_unshare, in_own_mounts, until

NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}
NOBODY = "nobody"
LACK = str(pathlib.Path(__file__).with_name("lack.py"))


class Ends(unittest.TestCase):
    """One row a mistake: what is made wrong, and what must be said."""

    def ends(self, says, status=78, arguments=(), wrapper=(), prepare=None, **env):
        """Starts gwbotd, and holds its two last lines to what they must say."""
        with Gwbotd(env=NOWHERE) as bot:
            bot.env.update({name: value for name, value in env.items() if value is not None})
            for name in (name for name, value in env.items() if value is None):
                del bot.env[name]
            if prepare:
                prepare(bot)
            bot.wrapper = list(wrapper)
            words = [word.replace("@", str(bot.dir)) for word in arguments]
            bot.start(*words)
            self.assertEqual(status, bot.wait_exit(), bot.output)
            until(lambda: f"{status}" in bot.output.rpartition("\n")[2], "the last line")
            lines = bot.output.splitlines()
            self.assertNotIn(TOKEN[:30], bot.output)
            told = [line for line in lines if re.search(says.replace("@", re.escape(str(bot.dir))), line)]
            self.assertTrue(told, bot.output)
            return lines

    def plain(self, says, **how):
        """Before there is a log: `gwbotd: WHY; WHAT TO DO (exit status N)` is last."""
        lines = self.ends(says, **how)
        status = how.get("status", 78)
        errors = [line for line in lines if "error: " in line]
        self.assertEqual(1 if status == 78 else 0, len(errors), lines)
        self.assertRegex(lines[-1], rf"^gwbotd: .+; .+ \(exit status {status}\)$")

    def logged(self, says, **how):
        """With a log: one error says why, and the last line says so again and what next."""
        lines = self.ends(says, **how)
        status = how.get("status", 78)
        following = "correct it and start it again; " if status == 78 else "the next start resumes the sessions; "
        self.assertEqual(1, len([line for line in lines if '"event":"start_failed"' in line]), lines)
        self.assertRegex(lines[-1], r'^\{"ts":"[^"]+","level":"error","event":"stopped","exit_status":'
                                    rf'{status},"reason":".+","next":"{following}.+"\}}$')
        self.assertRegex(lines[-1].replace("\\\\", "\\"), says.split(" .*")[0].replace("@", ".*"))
        return lines

    def test_a_missing_token(self):
        def folder(bot):
            (bot.dir / "credentials").mkdir()
            bot.env["CREDENTIALS_DIRECTORY"] = str(bot.dir / "credentials")

        def stand_in(bot):
            folder(bot)
            (bot.dir / "credentials" / "discord_token").write_text("\n")

        named = r"error: no token: set DISCORD_TOKEN, .* discord\.token_file"
        hint = r".*this unit's credentials have no discord_token: put it into .*/etc/gwbot/discord_token"
        for prepare, says in ((None, named + "$"), (folder, named + hint), (stand_in, named + hint)):
            with self.subTest(prepare):
                self.plain(says, prepare=prepare, DISCORD_TOKEN=None)

    def test_a_token_file_that_gives_none(self):
        for name, says in (("none", "No such file or directory"), ("folder", "is a folder, not a file"),
                           ("pipe", "is not a regular file"), ("empty", "is empty"),
                           ("large", "has 5000 bytes, 4096 are allowed")):
            def prepare(bot, name=name):
                (bot.dir / "folder").mkdir()
                (bot.dir / "empty").touch()
                (bot.dir / "large").write_text("x" * 5000)
                os.mkfifo(bot.dir / "pipe")
                bot.env["DISCORD_TOKEN_FILE"] = str(bot.dir / name)

            with self.subTest(name):
                self.plain(rf"^env:DISCORD_TOKEN_FILE: error: no token: @/{name} .*{says}", prepare=prepare,
                           DISCORD_TOKEN=None)

    def test_a_configuration_that_cannot_be_read(self):
        def prepare(bot):
            (bot.dir / "folder").mkdir()
            os.mkfifo(bot.dir / "pipe")
            (bot.dir / "broken").write_text("http: { port = 99999; };\n")

        for name, says in (("none", "there is no such file"), ("folder", "is a folder, not a file"),
                           ("pipe", "is not a regular file"), ("broken:1:16", r'http\.port = "99999": out of range; allowed: ')):
            with self.subTest(name):
                self.plain(rf"^@/{name}: error: {says}", prepare=prepare,
                           arguments=["--config", "@/" + name.partition(":")[0]])

    @unittest.skipUnless(os.getuid() == 0, "only root can take rights away")
    def test_files_of_others(self):
        """As the unit runs it: root's files are closed to the service's user."""
        def prepare(bot):
            os.chmod(bot.dir, 0o711)
            for name in ("token", "config"):
                (bot.dir / name).write_text("")
                (bot.dir / name).chmod(0o600)

        user = ["setpriv", "--reuid", NOBODY, "--regid", str(pwd.getpwnam(NOBODY).pw_gid), "--clear-groups"]
        if subprocess.run([*user, str(BIN / "gwbotd"), "--version"], check=False, capture_output=True).returncode:
            self.skipTest("the build lies where nobody may look")
        self.plain(r"^@/config: error: cannot be read: Permission denied", prepare=prepare, wrapper=user,
                   arguments=["--config", "@/config"])
        self.plain(r"error: no token: @/token cannot be read: Permission denied", wrapper=user,
                   prepare=lambda bot: (prepare(bot), bot.env.update(DISCORD_TOKEN_FILE=str(bot.dir / "token"))),
                   DISCORD_TOKEN=None)

    def test_the_journal_is_told_how_bad_it_is(self):
        """systemd takes what a unit writes to its standard error for information, unless a line says more."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        where = os.fstat(write)
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DISCORD_TOKEN": "short", "GWBOT_CONFIG": "/dev/null/none",
               "JOURNAL_STREAM": f"{where.st_dev}:{where.st_ino}"}
        run = subprocess.run([str(BIN / "gwbotd")], env=env, stderr=write, check=False, timeout=20)
        os.close(write)
        self.assertEqual(78, run.returncode)
        lines = os.read(read, 65536).decode().splitlines()
        self.assertTrue(lines)
        self.assertEqual([], [line for line in lines if not line.startswith("<3>")], lines)
        # The log's own lines, too, where the format is one of lines.
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as folder:
            read, write = os.pipe()
            self.addCleanup(os.close, read)
            where = os.fstat(write)
            env.update(JOURNAL_STREAM=f"{where.st_dev}:{where.st_ino}", DISCORD_TOKEN="x" * 60, GWBOT_STATE_DIR=folder,
                       GWBOT_CONFIG="", GWBOT_CONTROL_SOCKET=f"{folder}/s", PORT=str(taken.getsockname()[1]),
                       GWBOT_HTTP_LISTEN="127.0.0.1", DISCORD_API_BASE="http://127.0.0.1:1/api/v10")
            run = subprocess.run([str(BIN / "gwbotd")], env=env, stderr=write, check=False, timeout=20)
            os.close(write)
            self.assertEqual(78, run.returncode)
            lines = os.read(read, 65536).decode().splitlines()
            self.assertEqual([], [line for line in lines if not re.match(r"<[346]>ts=", line)], lines)
            self.assertEqual(2, sum(line.startswith("<3>") for line in lines), lines)
        env.update(DISCORD_TOKEN="short")
        plain = subprocess.run([str(BIN / "gwbotd")], env=env, stderr=subprocess.PIPE, check=False, timeout=20)
        self.assertNotIn(b"<3>", plain.stderr, "its standard error is another than the journal's")

    def test_wrong_words(self):
        for words, says in ((["--nonsense"], "unknown option: --nonsense"), (["word"], "unexpected word: word"),
                            (["--config"], "an option lacks its value: --config")):
            with self.subTest(words):
                self.plain(rf"^gwbotd: {says}; gwbotd --help lists the options", status=64, arguments=words)
        self.plain(r"^gwbotd: --user no-such-user: ", status=64, arguments=["--user", "no-such-user"])

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.logged(rf"port {port} on 127\.0\.0\.1 is in use: another program listens there; ss -ltnp",
                        PORT=str(port))

    def test_what_the_host_lacks_for_now_is_no_mistake(self):
        """70, after which systemd starts it again: the configuration has nothing to correct."""
        for family, what in (("AF_INET", r"cannot listen on 127\.0\.0\.1 port"),
                             ("AF_UNIX", r"cannot make a socket for @/")):
            for lack in ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"):
                with self.subTest(f"{family} {lack}"):
                    lines = self.logged(rf"{what}.*: {os.strerror(getattr(errno, lack))}", status=70,
                                        wrapper=["python3", "-B", LACK, family, lack])
                    self.assertIn("LimitNOFILE=", " ".join(lines))
        self.logged(r"cannot make a socket for @/.*: Permission denied",
                    wrapper=["python3", "-B", LACK, "AF_UNIX", "EACCES"])

    def test_a_second_one(self):
        with Gwbotd(env=NOWHERE) as first:
            first.start().wait_event("control_listening")
            self.logged("another gwbotd uses this state folder: stop it, have this one ask for it",
                        GWBOT_STATE_DIR=first.env["GWBOT_STATE_DIR"])
            self.logged("another gwbotd (holds|answers on) .*: stop it first, or give this one its own control socket",
                        GWBOT_CONTROL_SOCKET=str(first.socket))
            self.assertEqual(0, first.ctl("version").returncode)
            self.assertEqual(0, first.stop())

    def test_a_control_socket_that_cannot_be(self):
        def prepare(bot):
            (bot.dir / "file").write_text("mine")

        self.logged(r"@/file is there and is no socket: remove it, or set another path", prepare=prepare,
                    arguments=["--set=control.socket=@/file"])
        self.logged(r"cannot use the folder @/file: Not a directory", prepare=prepare,
                    arguments=["--set=control.socket=@/file/sock"])


class Lives(unittest.TestCase):
    """What costs something, and not the gateway, is said in one warning."""

    def test_a_disk_that_keeps_nothing(self):
        if not can_unshare():
            self.skipTest("no private namespaces here")
        fill = " && dd if=/dev/zero of={0}/filler bs=1k count=64 2>/dev/null; test -s {0}/filler"
        for options, then, says in (("ro", "", "Read-only file system"),
                                    ("size=64k", fill, "No space left on device")):
            with self.subTest(options), Gwbotd(env=NOWHERE) as bot:
                (bot.dir / "state").mkdir(mode=0o700)
                bot.wrapper = in_own_mounts(f"mount -t tmpfs -o mode=700,{options} none {bot.dir}/state"
                                            + then.format(bot.dir / "state"))
                bot.start().wait_event("control_listening")
                _, event = bot.events("state_not_durable")[0]  # a slow disk may say it again
                self.assertEqual("warning", event["level"])
                self.assertIn(says, event["reason"])
                self.assertIn("a restart does not know", event["effect"])
                self.assertIn("state.dir", event["remedy"])
                self.assertEqual(0, bot.stop())

    @unittest.skipUnless(os.getuid() == 0, "not root")
    def test_root_is_told_once(self):
        with Gwbotd(env=NOWHERE) as bot:
            bot.start().wait_event("control_listening")
            (_, event), = bot.events("runs_as_root")
            self.assertEqual("warning", event["level"])
            self.assertIn("--user gwbot", event["remedy"])
            self.assertEqual(0, bot.stop())

    def test_without_standard_descriptors(self):
        """Each of them closed, and all: what would be said is lost, the status is not."""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            with self.subTest(closed), Gwbotd(env={**NOWHERE, "DISCORD_TOKEN": ""}) as bot:
                bot.wrapper = ["sh", "-c", f'exec "$@" {closed}', "sh"]
                self.assertEqual(78, bot.start().wait_exit())
                self.assertEqual(64, bot.start("--nonsense").wait_exit())
                bot.env["DISCORD_TOKEN"] = TOKEN
                bot.start()
                until(lambda: bot.socket.exists() and bot.ctl("version").returncode == 0, "a start")
                self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
