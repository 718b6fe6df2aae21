"""gwctl reads commands from a pipe: one a line, no prompt, the first failure ends it."""

import json
import subprocess
import unittest

from gwbotd import BIN, Gwbotd


class Script(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bot = Gwbotd()
        cls.addClassCleanup(cls.bot.close)
        cls.bot.start("--sim").wait_ready()

    def run_script(self, text, *options):
        data = text if isinstance(text, bytes) else text.encode()
        # A terminal's name in the environment must not matter.
        done = subprocess.run([str(BIN / "gwctl"), "-s", str(self.bot.socket), *options],
                              env={"TERM": "xterm", "HOME": self.bot.folder.name}, timeout=60,
                              input=data, capture_output=True, check=False)
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_lines_and_semicolons_part_commands(self):
        status, out, err = self.run_script(
            "# what is there\n\nversion; thresholds   # both\r\n  'ls' \"0\"\n")
        self.assertEqual((0, ""), (status, err))
        for words in ("protocol", "watchdog.stall", "RC reconnects"):
            self.assertIn(words, out)

    def test_nothing_of_a_prompt_is_shown(self):
        self.assertEqual((0, "", ""), self.run_script(""))
        self.assertEqual((0, "", ""), self.run_script("\n# only this\n;;\nquit\nstaus\n"))
        self.assertFalse((self.bot.dir / ".local").exists())

    def test_it_stops_at_the_first_failure_and_names_the_line(self):
        status, out, err = self.run_script("version\nshards 7; version\nversion\n")
        self.assertEqual((1, 1), (status, out.count("gwctl ")))
        self.assertRegex(err, r"^gwctl: line 2: there is no shard 7|^gwctl: line 2: .*shard")
        status, out, err = self.run_script("\nstaus\nversion\n")
        self.assertEqual((2, ""), (status, out))
        self.assertIn('gwctl: line 2: no command "staus"; nearest: status', err)

    def test_it_goes_on_where_that_is_wanted(self):
        status, out, err = self.run_script("shards 7\nstaus\nversion\n", "--keep-going")
        self.assertEqual(2, status)
        self.assertIn("protocol", out)
        self.assertEqual(2, err.count("gwctl: line "))

    def test_a_missing_daemon_has_its_own_status(self):
        status, _, err = self.run_script("version\nstatus\n", "-s", "/nonexistent/socket")
        self.assertEqual(3, status)
        self.assertIn("gwctl: line 1: cannot reach gwbotd", err)

    def test_options_hold_for_every_line(self):
        status, out, err = self.run_script("version\nstatus; thresholds\n", "--json")
        self.assertEqual((0, ""), (status, err))
        commands = [json.loads(line)["command"] for line in out.splitlines()]
        self.assertEqual(["version", "status", "thresholds"], commands)
        status, out, err = self.run_script("\nstaus\n", "--json")
        self.assertEqual(("", 2), (out, json.loads(err)["error"]["line"]))

    def test_what_needs_a_confirmation_needs_yes(self):
        self.assertEqual(7, self.run_script("reconnect --fresh\ny\n")[0])
        self.assertEqual([], self.bot.events("control_command", command="reconnect"))

    def test_damaged_lines_are_refused(self):
        for line in (b"status\0\n", b"config 'x\n", b"version \\\n", b"x" * 70000 + b"\n",
                     b"\xff\xfe\n", b"\x1b[2J\n", b"--yes\n", b"history\n", b"--no-such\n"):
            status, out, err = self.run_script(b"\n" + line + b"version\n")
            self.assertEqual((2, ""), (status, out), line[:20])
            self.assertTrue(err.startswith("gwctl: line 2: "), err[:200])

    def test_an_option_that_needs_a_command_is_refused_without_one(self):
        self.assertEqual(2, self.run_script("version\n", "--watch")[0])
        self.assertEqual(2, self.run_script("version\n", "--color", "green")[0])

    def test_watch_in_a_script_ends_with_the_reader(self):
        process = subprocess.Popen([str(BIN / "gwctl"), "-s", str(self.bot.socket)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
        process.stdin.write(b"watch --json version\n")
        process.stdin.close()
        self.assertIn(b'"version"', process.stdout.readline())
        process.stdout.close()
        self.assertNotEqual(0, process.wait(20))


if __name__ == "__main__":
    unittest.main()
