"""gwctl's prompt on a terminal: keys in, screen out, the real daemon behind it."""

import os
import pathlib
import signal
import socketserver
import stat
import tempfile
import threading
import time
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Leak
from terminal import Terminal

READY = "gwbot(dev: ready)> "
UP, LEFT, CTRL_A, CTRL_C, CTRL_D, CTRL_K, CTRL_U = "\x1b[A", "\x1b[D", "\x01", "\x03", "\x04", "\x0b", "\x15"


class Prompt(unittest.TestCase):
    """A daemon for all tests of a class; a home and a prompt for each."""

    settings = {}
    env = {}

    @classmethod
    def setUpClass(cls):
        cls.bot = Gwbotd(env=cls.env, **cls.settings)
        cls.addClassCleanup(cls.bot.close)
        cls.bot.start("--sim").wait_ready()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwctl-")
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)

    def open(self, *options, columns=80, rows=24, socket=None, **env):
        command = [str(BIN / "gwctl"), "-s", str(socket or self.bot.socket), *options]
        terminal = Terminal(command, {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm",
            "INPUTRC": "/dev/null", **env}, columns, rows)
        self.addCleanup(terminal.close)
        return terminal

    def ready(self, *options, prompt=READY, **more):
        terminal = self.open(*options, **more)
        terminal.wait_line(prompt)
        return terminal

    def leave(self, terminal):
        """Ctrl-D, status 0; the checkers of the build speak up here."""
        terminal.wait_until(lambda screen: ")>" in screen.line, "a prompt")
        terminal.type(CTRL_A + CTRL_K)
        terminal.wait_until(lambda screen: screen.line.endswith(")>"), "an empty line")
        terminal.type(CTRL_D)
        self.assertEqual(0, terminal.wait_exit(), terminal.picture())
        if TOKEN in terminal.raw:
            raise Leak(terminal.raw)


class Typing(Prompt):
    def test_the_banner_says_what_it_talks_to(self):
        terminal = self.ready()
        self.assertRegex(terminal.screen.lines[0], r"^gwbotd \S+, dev, ready +help, or \?")
        self.assertEqual(READY.rstrip(), terminal.screen.lines[1])
        self.leave(terminal)

    def test_a_command_runs_and_the_prompt_is_back(self):
        terminal = self.ready()
        terminal.type("version\r")
        terminal.wait_for("protocol")
        terminal.wait_line(READY)
        terminal.type("--json status; version # both\r")
        terminal.wait_for('"schema":"gwctl/1"')
        terminal.wait_line(READY)
        self.leave(terminal)

    def test_tab_completes_commands_flags_shards_and_paths(self):
        terminal = self.ready()
        for typed, becomes in (("stat\t", "status "), ("reconnect --f\t", "reconnect --fresh "),
                               ("shards d\t", "shards down "), ("reconnect 0\t", "reconnect 0 "),
                               ("config watchdog.st\t", "config watchdog.stall "),
                               ("help thr\t", "help thresholds "), ("watch lat\t", "watch latency "),
                               ("status; vers\t", "status; version "),
                               ("sim refuse-\t", "sim refuse-resume ")):
            terminal.type(typed)
            terminal.wait_until(lambda screen: screen.line == (READY + becomes).rstrip() and
                                screen.column == len(READY + becomes), becomes)
            terminal.type(CTRL_U)
            terminal.wait_line(READY)
        self.leave(terminal)

    def test_a_second_tab_lists_with_help(self):
        terminal = self.ready()
        terminal.type("shards \t\t")
        terminal.wait_until(lambda screen: screen.lines[2].split() == ["0", "ready"] and
                            screen.lines[3].split()[0] == "down" and
                            screen.lines[4] == READY + "shards", "the list")
        self.leave(terminal)

    def test_a_question_mark_tells_what_can_follow(self):
        terminal = self.ready()
        terminal.type("config reconnect" + LEFT * 9 + "?")
        terminal.wait_for("watchdog.stall")
        terminal.wait_line(READY + "config reconnect")
        terminal.wait_until(lambda screen: screen.column == len(READY + "config "), "the cursor")
        terminal.type(CTRL_A + CTRL_K + "reconnect ?")
        terminal.wait_for("--fresh")
        terminal.wait_line(READY + "reconnect")
        self.leave(terminal)

    def test_in_quotes_a_question_mark_is_itself(self):
        terminal = self.ready()
        terminal.type("config 'a?'")
        terminal.wait_line(READY + "config 'a?'")
        self.leave(terminal)

    def test_an_unknown_command_has_nearest_names(self):
        terminal = self.ready()
        terminal.type("staus\r")
        terminal.wait_for('no command "staus"; nearest: status')
        terminal.type("config 'x\r")
        terminal.wait_for("a ' is not closed")
        terminal.wait_line(READY)
        self.leave(terminal)

    def test_what_is_longer_than_the_terminal_goes_through_the_pager(self):
        terminal = self.ready(rows=24)
        for command in ("help", "snapshot"):
            terminal.type(command + "\r")
            terminal.wait_until(lambda screen: screen.lines[-1].startswith(":"), "less asks")
            terminal.type("q")
            terminal.wait_line(READY)
            terminal.type("ls\r")
            terminal.wait_for("1 of 1 ready")
            terminal.wait_line(READY)
            terminal.type("clear\r")
            terminal.wait_until(lambda screen: screen.lines[0] == READY.rstrip(), "an empty screen")
        self.leave(terminal)

    def test_words_of_the_prompt(self):
        terminal = self.ready(rows=100)
        terminal.type("help watch\r")
        terminal.wait_for("again and again")
        terminal.type("ls\r")
        terminal.wait_for("1 of 1 ready")
        terminal.type("history 1\r")
        terminal.wait_for("    3  history 1")
        terminal.type("clear\r")
        terminal.wait_until(lambda screen: screen.lines[0] == READY.rstrip(), "an empty screen")
        terminal.type("help\r")
        terminal.wait_for("at the prompt:")
        terminal.wait_line(READY)
        terminal.type("quit\r")
        self.assertEqual(0, terminal.wait_exit())

    def test_what_is_pasted_runs_line_by_line(self):
        terminal = self.ready(rows=50)
        terminal.type("version\nthresholds\nvers")
        terminal.wait_for("watchdog.stall")
        terminal.wait_line(READY + "vers")
        terminal.type(CTRL_U + "\x1b[200~version\nshards\x1b[201~\r")
        terminal.wait_for("1 of 1 ready")
        terminal.wait_line(READY)
        self.leave(terminal)

    def test_nothing_that_is_typed_breaks_it(self):
        terminal = self.ready()
        for noise in (b"\xff\xfe\xc3\r", b"\x16\x01\x16\x1b[2J\r", b"\x00\x00\r", b"x" * 3000 + b"\r",
                      b"config " + b"'y z' " * 300 + b"\r", b"\xed\xa0\x80\t\t?\r"):
            terminal.type(noise)
            terminal.settle()
            terminal.type(CTRL_U)
            terminal.wait_line(READY)
        self.leave(terminal)


class Keys(Prompt):
    def test_control_c_clears_a_half_typed_line(self):
        terminal = self.ready()
        terminal.type("reboot" + LEFT)
        terminal.wait_until(lambda screen: screen.line == READY + "reboot" and
                            screen.column == len(READY) + 5, "a half-typed line")
        terminal.type(CTRL_C)
        terminal.wait_for(READY + "reboot^C")
        terminal.wait_line(READY)
        terminal.type("version\r")
        terminal.wait_for("protocol")
        self.leave(terminal)

    def test_control_c_and_q_end_what_is_watched(self):
        for key in (CTRL_C, "q"):
            for line in ("status --watch=100ms\r", "watch status\r"):
                terminal = self.ready()
                terminal.type(line)
                terminal.wait_for("Watchdog")
                terminal.type(key)
                terminal.wait_line(READY)
                self.leave(terminal)

    def test_control_c_and_q_end_the_events(self):
        for key in (CTRL_C, "q"):
            terminal = self.ready()
            terminal.type("events -f\r")
            terminal.wait_for("MESSAGE_")
            terminal.type(key)
            terminal.wait_line(READY)
            terminal.type("version\r")
            terminal.wait_for("protocol")
            self.leave(terminal)

    def test_control_c_ends_a_request_that_hangs(self):
        terminal = self.ready()
        self.bot.process.send_signal(signal.SIGSTOP)
        try:
            terminal.type("version --timeout 60s\r")
            terminal.wait_until(lambda screen: screen.column == 0, "the command runs")
            terminal.type(CTRL_C)
            terminal.wait_until(lambda screen: screen.line.startswith("gwbot("), "the prompt")
        finally:
            self.bot.process.send_signal(signal.SIGCONT)
        terminal.wait_line(READY)
        self.leave(terminal)

    def test_a_tab_at_a_daemon_that_hangs_costs_little(self):
        terminal = self.ready()
        self.bot.process.send_signal(signal.SIGSTOP)
        try:
            terminal.type("reconnect ")
            terminal.wait_line(READY + "reconnect")
            began = time.monotonic()
            terminal.type("\t--f\t")
            terminal.wait_line(READY + "reconnect --fresh")
            self.assertLess(time.monotonic() - began, 4)  # a request may take 5 s
        finally:
            self.bot.process.send_signal(signal.SIGCONT)
        self.leave(terminal)

    def test_a_confirmation_can_be_given_and_refused(self):
        terminal = self.ready()
        for answer in ("n\r", CTRL_C):
            terminal.type("reconnect --fresh\r")
            terminal.wait_until(lambda screen: screen.line.endswith("[y/N]"), "the question")
            terminal.type(answer)
            terminal.wait_line(READY)
        self.assertEqual([], self.bot.events("control_command", command="reconnect"))
        self.leave(terminal)

    def test_control_z_gives_the_terminal_to_the_shell_and_back(self):
        shell = Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "xterm",
            "INPUTRC": "/dev/null", "PS1": "shell: "})
        self.addCleanup(shell.close)
        shell.wait_line("shell: ")
        shell.type(f"{BIN}/gwctl -s {self.bot.socket}\r")
        shell.wait_line(READY)
        shell.type("half")
        shell.wait_line(READY + "half")
        shell.type("\x1a")
        shell.wait_line("shell: ")
        shell.type("fg\r")
        shell.wait_line(READY + "half")
        shell.type(CTRL_U + "watch thresholds\r")
        shell.wait_for("watchdog.stall")
        shell.type("\x1a")
        shell.wait_line("shell: ")
        drawn = shell.raw.count("LIMIT")
        shell.type("fg\r")
        # Drawn anew, not what still stands there: only then does a key reach the command.
        shell.wait_until(lambda screen: shell.raw.count("LIMIT") > drawn, "the screen again")
        shell.type("q")
        shell.wait_line(READY)
        shell.type(CTRL_D)
        shell.wait_line("shell: ")

    def test_signals_end_it_and_the_terminal_is_as_it_was(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            terminal = self.ready()
            terminal.type("version\r")
            terminal.wait_for("protocol")
            terminal.wait_line(READY)
            terminal.type("half")
            terminal.wait_line(READY + "half")
            os.kill(terminal.pid, number)
            self.assertEqual(-number, terminal.wait_exit())
            self.assertTrue(terminal.raw.rstrip().endswith("\x1b[?2004l"), terminal.raw[-80:])
        self.assertEqual("version\n", (self.home / ".local/state/gwctl/history").read_text())


class History(Prompt):
    def test_lines_come_back_in_the_next_run(self):
        terminal = self.ready()
        for line in ("version", "shards down", " latency", "config discord.token"):
            terminal.type(line + "\r")
            terminal.wait_for(READY + line)
            terminal.wait_line(READY)
        self.leave(terminal)
        path = self.home / ".local/state/gwctl/history"
        self.assertEqual("version\nshards down\n", path.read_text())
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        self.assertEqual(0o700, stat.S_IMODE(path.parent.stat().st_mode))
        terminal = self.ready()
        terminal.type(UP)
        terminal.wait_line(READY + "shards down")
        terminal.type(UP)
        terminal.wait_line(READY + "version")
        self.leave(terminal)

    def test_it_can_be_turned_off_and_a_bad_file_is_told_once(self):
        terminal = self.ready(GWCTL_HISTFILE="")
        terminal.type("version\r")
        terminal.wait_for("protocol")
        self.leave(terminal)
        self.assertEqual([], list(self.home.iterdir()))
        (self.home / "link").symlink_to("/dev/null")
        terminal = self.ready(GWCTL_HISTFILE=str(self.home / "link"))
        terminal.type("version\rversion\r")
        terminal.wait_for("it is a symbolic link")
        terminal.wait_line(READY)
        terminal.settle()
        self.assertEqual(1, terminal.screen.text.count("history is not kept"))
        self.leave(terminal)


class Notices(Prompt):
    def tearDown(self):
        self.bot.ctl("sim", "calm")
        self.bot.wait_health(200)

    def test_they_come_above_a_half_typed_line(self):
        terminal = self.ready()
        terminal.type("shards do" + LEFT)
        terminal.wait_line(READY + "shards do")
        for command in (("sim", "upgrade", "503"), ("sim", "drop")):
            self.assertEqual(0, self.bot.ctl(*command).returncode)
        terminal.wait_for("shard 0: lost: ")
        terminal.wait_until(lambda screen: screen.line.startswith("gwbot(dev: reconnecting") and
                            screen.line.endswith("s)> shards do"), "the line below, its state shown")
        terminal.wait_until(lambda screen: screen.column == len(screen.line) - 1, "the cursor")
        self.assertEqual(0, self.bot.ctl("sim", "calm").returncode)
        terminal.wait_for("shard 0: resumed at seq ", timeout=60)
        terminal.wait_line(READY + "shards do")
        terminal.type("wn" + "\x05")
        terminal.wait_line(READY + "shards dwno")
        self.assertEqual(1, terminal.screen.text.count("shards d"))
        self.leave(terminal)

    def test_a_reboot_is_followed(self):
        terminal = self.ready()
        terminal.type("reboot\r")
        self.assertEqual(0, self.bot.wait_exit())
        terminal.wait_until(lambda screen: "waiting for it to be back" in screen.text and
                            screen.line == "gwbot(not connected)>", "the loss")
        terminal.type("lat")
        terminal.wait_line("gwbot(not connected)> lat")
        self.bot.start("--sim")
        terminal.wait_until(lambda screen: any(
            line.startswith("gwbotd is back after ") and line.endswith(" s: ready")
            for line in screen.lines), "the return")
        terminal.wait_line(READY + "lat")
        self.leave(terminal)

    def serve(self, answer):
        """A socket on which every line gets the same answer."""
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for _ in self.rfile:
                    self.wfile.write(answer)

        path = self.home / "fake"
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return path

    def test_what_speaks_another_protocol_is_not_talked_to(self):
        skew = b'{"jsonrpc":"2.0","id":1,"result":{"version":"9.9","protocol":[9,9]}}\n'
        for answer, says in ((b"\x1b[2J\xff garbage\n", "speaks another protocol"),
                             (b"x" * 100000, "gwctl"), (skew, "gwbotd 9.9 speaks protocol 9 to 9")):
            with self.subTest(says):
                path = self.serve(answer)
                terminal = self.ready(prompt="gwbot(not connected)> ", socket=path)
                self.assertIn(says, terminal.screen.text)
                terminal.type("reconnect \t?version\r")
                terminal.wait_for("version")
                terminal.settle()
                self.leave(terminal)
                path.unlink()

    def test_without_a_daemon_it_waits_for_one(self):
        terminal = self.ready(prompt="gwbot(not connected)> ", socket=self.home / "none")
        self.assertIn("does not exist", terminal.screen.text)
        terminal.type("status\r")
        terminal.wait_until(lambda screen: screen.text.count("does not exist") == 2 and
                            screen.line == "gwbot(not connected)>", "the failure")
        terminal.settle()
        os.symlink(self.bot.socket, self.home / "none")
        terminal.wait_for("gwbotd is there: ready")
        terminal.wait_line(READY)
        self.leave(terminal)


class Looks(Prompt):
    env = {"ENV_NAME": "prod"}
    prompt = "gwbot(prod: ready)> "

    def test_colours_are_for_those_who_want_them(self):
        for options, env, coloured in (((), {}, True), ((), {"NO_COLOR": "1"}, False),
                                       (("--color", "never"), {}, False),
                                       (("--color", "always"), {"NO_COLOR": "1"}, True)):
            terminal = self.ready(*options, prompt=self.prompt, **env)
            terminal.type("version\r")
            terminal.wait_for("protocol")
            terminal.wait_line(self.prompt)
            name = terminal.screen.style_at(terminal.screen.row, 0)
            self.assertEqual("1;31" if coloured else "", name, options)
            self.assertEqual("", terminal.screen.style_at(terminal.screen.row, 6))
            self.assertEqual(coloured, "\x1b[1" in terminal.raw or "\x1b[3" in terminal.raw)
            self.leave(terminal)

    def test_long_lines_wrap_at_the_width_and_after_a_resize(self):
        for columns in (80, 120):
            terminal = self.ready(prompt=self.prompt, columns=columns)
            line = "".join(chr(ord("a") + i % 26) for i in range(150))
            terminal.type(line)
            whole = self.prompt + line
            terminal.wait_until(lambda screen: screen.lines[2] == whole[columns:2 * columns] and
                                screen.lines[1] == whole[:columns], "two rows")
            terminal.type(CTRL_A)
            terminal.wait_until(lambda screen: (screen.row, screen.column) == (1, len(self.prompt)),
                                "the cursor at the beginning")
            terminal.type(CTRL_C)
            terminal.wait_until(lambda screen: screen.line == self.prompt.rstrip() and screen.row > 2,
                                "a fresh line below all of it")
            terminal.resize(60, 24)
            terminal.type(line)
            terminal.wait_until(lambda screen: screen.line == whole[120:], "three rows")
            terminal.type(CTRL_A)
            self.leave(terminal)

    def test_wide_characters_take_two_columns(self):
        terminal = self.ready(prompt=self.prompt)
        terminal.type("日本語é")
        terminal.wait_until(lambda screen: screen.line == self.prompt + "日本語é" and
                            screen.column == len(self.prompt) + 7, "wide characters")
        terminal.type("\x7f\x7f" + LEFT + "x")
        terminal.wait_until(lambda screen: screen.line == self.prompt + "日x本" and
                            screen.column == len(self.prompt) + 3, "one of them gone")
        self.leave(terminal)

    def test_a_dumb_terminal_sees_no_escape_code(self):
        terminal = self.ready(prompt=self.prompt, TERM="dumb")
        terminal.type("vers\t\r")
        terminal.wait_for("protocol")
        terminal.wait_line(self.prompt)
        terminal.type("status --watch=100ms\r")
        terminal.wait_until(lambda screen: screen.text.count("Watchdog") > 1, "two screens")
        terminal.type("q")
        terminal.wait_line(self.prompt)
        terminal.type("shards ?")
        terminal.wait_for("those that are not ready")
        terminal.wait_line(self.prompt + "shards")
        self.leave(terminal)
        self.assertNotIn("\x1b", terminal.raw)


if __name__ == "__main__":
    unittest.main()
