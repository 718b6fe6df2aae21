"""The completions for bash, zsh and fish: typed into each of them through a terminal.

A line is typed with tabs in it and run; the gwctl on the shell's PATH is a script that
writes down how it was called, and lets the real one answer what completions ask.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from gwbotd import BIN, Gwbotd

SCRIPTS = {"bash": BIN / "completions/bash/gwctl", "zsh": BIN / "completions/zsh/_gwctl",
           "fish": BIN / "completions/fish/gwctl.fish"}

# What is typed behind "gwctl ", and how gwctl is called then.
LINES = [
    ("stat\t", "status"),
    ("thr\t --j\t", "thresholds --json"),
    ("--js\t vers\t", "--json version"),
    ("reconnect --fr\t --y\t", "reconnect --fresh --yes"),
    ("help lat\t", "help latency"),
    ("shards dow\t", "shards down"),
    ("snapshot \t", "snapshot 0"),          # the daemon has one shard
    ("-t 1s snapshot \t", "-t 1s snapshot 0"),
    ("sim tha\t", "sim thaw"),
    ("--timeout=1s lat\t", "--timeout=1s latency"),
    ("--socket there\t stat\t", "--socket there.sock status"),
    ("--socket=there\t stat\t", "--socket=there.sock status"),
    ("-s there\t stat\t", "-s there.sock status"),
    ("nonsense st\t", "nonsense st"),
    ("-- stat\t", "-- status"),
]

# fish takes letters from the middle of words as well.
NOT_FISH = [
    ("reboot --fre\t", "reboot --fre"),     # a flag of another command
    ("status --none\t", "status --none"),
]

WRAPPER = """#!/bin/sh
case "$*" in *--timeout\\ 300ms*) exec {real} "$@" ;; esac
printf '%s\\n' "$*" >>{calls}
"""


class Shell:
    """An interactive shell in a pseudo-terminal, without anybody's settings."""

    def __init__(self, name, folder, env):
        setup = folder / "setup"
        if name == "bash":
            setup.write_text(f"PS1='ready> '\nbind 'set bell-style none'\n. {SCRIPTS['bash']}\n")
            command = ["bash", "--noprofile", "--rcfile", str(setup), "-i"]
        elif name == "zsh":
            (folder / ".zshrc").write_text(
                f"PS1='ready> '\nunsetopt beep\nfpath=({SCRIPTS['zsh'].parent} $fpath)\n"
                "autoload -Uz compinit && compinit -u -D\n")
            command = ["zsh", "-d", "-i"]
        else:
            setup.write_text(f"source {SCRIPTS['fish']}\nset fish_greeting\n"
                             "function fish_prompt; echo -n 'ready> '; end\n")
            command = ["fish", "--no-config", "--init-command", f"source {setup}"]
        self.shown = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, env)

    def wait(self, condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {what}; the terminal shows:\n{self.shown[-2000:]}")
            if select.select([self.terminal], [], [], min(left, 0.1))[0]:
                try:
                    data = os.read(self.terminal, 4096)
                except OSError:  # the shell has ended
                    raise AssertionError(f"no {what}; the shell ended:\n{self.shown[-2000:]}") from None
                if b"\x1b[c" in data:  # "who are you?": a VT100
                    self.type("\x1b[?1;0c")
                self.shown += data.decode("utf-8", "replace")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def close(self):
        os.close(self.terminal)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bot = Gwbotd()
        cls.addClassCleanup(cls.bot.close)
        cls.bot.start("--sim").wait_ready()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwctl-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.calls = self.dir / "calls"
        (self.dir / "bin").mkdir()
        (self.dir / "there.sock").touch()
        wrapper = self.dir / "bin" / "gwctl"
        wrapper.write_text(WRAPPER.format(real=BIN / "gwctl", calls=self.calls))
        wrapper.chmod(0o755)
        self.env = {"PATH": f"{self.dir}/bin:{os.environ['PATH']}", "HOME": str(self.dir),
                    "TERM": "dumb", "LC_ALL": "C.UTF-8", "GWCTL_SOCKET": str(self.bot.socket),
                    "ZDOTDIR": str(self.dir), "XDG_DATA_HOME": str(self.dir / "data")}

    def called(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def type_lines(self, name):
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed")
        shell = Shell(name, self.dir, self.env)
        self.addCleanup(shell.close)
        shell.wait(lambda: "ready> " in shell.shown, "prompt")
        lines = LINES + (NOT_FISH if name != "fish" else [])
        for count, (line, wanted) in enumerate(lines, 1):
            before = len(shell.shown)
            # Each tab alone: what follows it is typed when the shell has answered it.
            for part in re.findall(r"[^\t]*\t|[^\t]+", ("gwctl " + line)):
                shell.type(part)
                if part.endswith("\t"):
                    self.settle(shell)
            shell.type("\r")
            shell.wait(lambda: len(self.called()) >= count, f"call of: gwctl {line!r}")
            self.assertEqual(wanted, " ".join(self.called()[-1].split()),
                             f"{name}: gwctl {line!r}: {shell.shown[before:]!r}")
            shell.wait(lambda: shell.shown[before:].count("ready> ") > 0, "prompt")

    def settle(self, shell):
        """Waits until the shell has shown nothing for a while: a tab may change nothing."""
        quiet, size = time.monotonic(), len(shell.shown)
        deadline = quiet + 5
        while time.monotonic() < min(quiet + 0.4, deadline):
            if select.select([shell.terminal], [], [], 0.05)[0]:
                shell.shown += os.read(shell.terminal, 4096).decode("utf-8", "replace")
            if len(shell.shown) != size:
                quiet, size = time.monotonic(), len(shell.shown)

    def test_bash(self):
        self.type_lines("bash")

    def test_zsh(self):
        self.type_lines("zsh")

    def test_fish(self):
        self.type_lines("fish")

    def list_bash(self, *words):
        script = (f". {SCRIPTS['bash']}; COMP_WORDS=(gwctl \"$@\"); COMP_CWORD=$#; _gwctl; "
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        return self.run_shell("bash", "--noprofile", "--norc", "-c", script, "bash", *words)

    def list_fish(self, *words):
        lines = self.run_shell("fish", "--no-config", "-c",
                               f"source {SCRIPTS['fish']}; complete -C 'gwctl {' '.join(words)}'")
        return [line.split("\t")[0] for line in lines]

    def test_the_scripts_are_sound(self):
        for name, script in SCRIPTS.items():
            self.assertEqual([], self.run_shell(name, "-n", str(script)))

    def run_shell(self, *command):
        done = subprocess.run(command, env=self.env, cwd=self.dir, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=20, check=False)
        self.assertEqual("", done.stderr)
        return [line for line in done.stdout.splitlines() if line]

    def test_every_command_and_option_is_offered(self):
        page = subprocess.run([BIN / "gwctl", "help"], capture_output=True, text=True, check=True).stdout
        commands = set(re.findall(r"^  ([a-z]+)\b", page, re.M))
        options = set(re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", page, re.M))
        self.assertIn("status", commands)
        for listing in (self.list_bash, self.list_fish):
            self.assertEqual(commands, set(listing("")))
            self.assertEqual(options, set(listing("--")))
            self.assertNotIn("--fresh", listing("status", "--"))
            self.assertIn("--fresh", listing("reconnect", "--"))
            self.assertEqual(sorted(commands), sorted(listing("help", "")))
            self.assertEqual({"down", "0"}, set(listing("shards", "")))
            self.assertIn("freeze", listing("sim", ""))
            self.assertEqual([], listing("status", ""))

    def test_without_a_daemon_nothing_is_said(self):
        self.env["GWCTL_SOCKET"] = str(self.dir / "nobody.sock")
        for listing in (self.list_bash, self.list_fish):
            self.assertEqual([], listing("snapshot", ""))
            self.assertEqual(["down"], listing("shards", ""))


if __name__ == "__main__":
    unittest.main()
