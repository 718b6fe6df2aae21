#!/usr/bin/env python3
"""What the users of the package see: shells that complete, manuals, the journal, systemctl,
gwctl with and without the right, padded emoji in the sandbox of the unit."""

import gzip
import pathlib
import re
import threading
import time
import unittest

from case import UNIT, PackageCase
from typist import Typist

# How each shell's own files make the prompt that a typist waits for, and nothing else.
SHELLS = {
    "bash": (".bash_profile", ". /etc/profile\nbind 'set bell-style none'\nPS1='ready> '\n"),
    "zsh": (".zshrc", "unsetopt beep\nautoload -Uz compinit && compinit -D\nPS1='ready> '\n"),
    "fish": (".config/fish/config.fish",
             "set fish_greeting\nfunction fish_prompt; echo -n 'ready> '; end\n"),
}

LINES = {
    "gwctl stat\t": "gwctl status",
    "gwctl thr\t --j\t": "gwctl thresholds --json",           # an option
    "gwctl --js\t vers\t": "gwctl --json version",            # and one before the command
    "gwctl reconnect --fr\t": "gwctl reconnect --fresh",      # one of this command
    "gwctl help lat\t": "gwctl help latency",                 # a command as an argument
    "gwctl snapshot \t": "gwctl snapshot 0",                  # which the daemon knows
    "gwctl thresholds set watchdog.st\t": "gwctl thresholds set watchdog.stall",
    "gwctl explain watchdog.max_l\t": "gwctl explain watchdog.max_latency",
}

PAGES = {"gwbotd.8", "gwctl.1", "gwbot.conf.5", "gwbot-control.7", "gwbot-metrics.7"}


class Use(PackageCase):
    def test_01_installed(self):
        self.start_ready()
        self.add_people()

    # ---- shells ----

    def complete_in(self, shell):
        name, text = SHELLS[shell]
        file = f"/home/ada/{name}"
        self.run_in("runuser", "-u", "ada", "--", "mkdir", "-p", str(pathlib.PurePath(file).parent))
        self.write(file, text, owner="ada:ada")
        with Typist(self.machine, "ada", f"/usr/bin/{shell}") as typist:
            for line, wanted in LINES.items():
                self.assertEqual(wanted, typist.completed(line), f"{shell}: {line!r}")
            self.assertIn("1 of 1 shard ready", typist.run("gwctl stat\t"))

    def test_02_bash_completes(self):
        self.complete_in("bash")

    def test_03_zsh_completes(self):
        self.complete_in("zsh")

    def test_04_fish_completes(self):
        self.complete_in("fish")

    # ---- manuals ----

    def test_05_manuals(self):
        listed = self.run_in("dpkg", "-L", "gwbot").stdout.split("\n")
        pages = {pathlib.PurePath(path).stem: path for path in listed
                 if path.startswith("/usr/share/man/man") and path.endswith(".gz")}
        self.assertEqual(PAGES, set(pages))
        for page, path in pages.items():
            name, section = page.rsplit(".", 1)
            self.assertEqual(path, self.run_in("man", "-w", section, name).stdout.strip())
            with self.subTest(page):
                done = self.run_in("man", "-E", "utf8", "-P", "cat", "--warnings", section, name)
                self.assertEqual("", done.stderr)
                text = re.sub(r".\x08|\x1b\[[\d;]*m", "", done.stdout)
                self.assertRegex(text, rf"(?s)^{re.escape(name.upper())}\({section}\).*\nNAME\n.*\n"
                                       r"(SEE ALSO|EXAMPLES)\n")
                done = self.run_in("mandoc", "-T", "utf8", "-W", "warning", path)
                self.assertEqual("", done.stderr)
                self.assertIn("SEE ALSO", re.sub(r".\x08", "", done.stdout))
                source = gzip.decompress((self.root / path.lstrip("/")).read_bytes()).decode()
                others = set(re.findall(r"(?m)^\.Xr (\S+) (\d)", source))
                self.assertTrue(others)
                for other, number in others:
                    done = self.run_in("man", "-w", number, other, check=False)
                    self.assertEqual(0, done.returncode, f"{page} refers to {other}({number})")
        for command in ("gwbotd", "gwctl"):
            self.assertIn(command, self.run_in("whatis", command, check=False).stdout +
                          self.run_in("man", "-f", command, check=False).stdout +
                          self.run_in("man", "-w", command).stdout)

    # ---- the journal, and systemctl ----

    def test_06_the_journal_has_fields_and_priorities(self):
        began = time.time()
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        user = self.run_in("id", "-u", "gwbot").stdout.strip()
        found = [entry for entry in self.entries(began) if
                 (entry.get("GWBOT_EVENT"), entry.get("GWBOT_TO")) == ("shard_state", "ready")]
        self.assertEqual(1, len(found))
        entry = found[0]
        self.assertEqual(
            ("6", "journal", user, "gwbotd", "0"),
            tuple(entry.get(name) for name in ("PRIORITY", "_TRANSPORT", "_UID", "_COMM",
                                               "GWBOT_SHARD")), entry)
        self.assertTrue(entry["MESSAGE"].startswith("event=shard_state "), entry)
        # One event in one entry, with all of its pairs as fields of their own.
        for key, value in re.findall(r" ([a-z_]+)=(\S+)", entry["MESSAGE"]):
            self.assertEqual(value.strip('"'), entry[f"GWBOT_{key.upper()}"])
        # A warning has the priority of one, and journalctl -p finds it.
        self.sim("acks off")
        self.machine.wait(lambda: [entry for entry in self.entries(began, "-p", "warning")
                                   if entry.get("GWBOT_EVENT") == "shard_state"], "a warning")
        self.sim("acks on")
        self.assertEqual({"4"}, {entry["PRIORITY"] for entry in self.entries(began, "-p", "warning")})
        self.wait_ready()

    def test_07_the_last_line_says_how_it_ended(self):
        began = time.time()
        self.run_in("systemctl", "stop", UNIT)
        last = self.entries(began)[-1]
        self.assertEqual(("gwbotd", "journal", "0"), tuple(last.get(name) for name in (
            "SYSLOG_IDENTIFIER", "_TRANSPORT", "GWBOT_EXIT_STATUS")), last)
        # Refused by Discord: an error, with the status, and it is not tried again.
        self.run_in("systemctl", "start", UNIT)
        self.wait_ready()
        self.sim("close 4004")
        self.machine.wait(lambda: self.active() == "failed", "the end")
        self.assertEqual(("77", "0"), (self.machine.show(UNIT, "ExecMainStatus"),
                                       self.machine.show(UNIT, "NRestarts")))
        errors = self.entries(began, "-p", "err")
        self.assertEqual("77", errors[-1]["GWBOT_EXIT_STATUS"], errors)
        self.assertEqual("77", self.entries(began)[-1]["GWBOT_EXIT_STATUS"])
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()

    def test_08_systemctl_status_shows_the_state(self):
        self.machine.wait(lambda: re.search(r"Status: \"1/1 ready, latency (below )?[\d.]+ m?s\"", self.run_in(
            "systemctl", "status", "--no-pager", UNIT).stdout), "the state in systemctl status")
        shown = self.run_in("systemctl", "status", "--no-pager", "-n", "3", UNIT).stdout
        self.assertIn("Docs: man:gwbotd(8)", shown)
        self.assertIn("/usr/sbin/gwbotd", shown)

    # ---- who may ----

    def test_09_members_of_the_group_may_and_others_may_not(self):
        done = self.ask_as("ada", "status")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("1 of 1 shard ready", done.stdout)
        for words in (("status",), ("--yes", "reboot"), ("config", "discord.token")):
            done = self.ask_as("bob", *words)
            self.assertEqual((4, ""), (done.returncode, done.stdout))
            said = done.stderr.strip().split("\n")
            self.assertLessEqual(len(said), 3, said)
            self.assertIn("/run/gwbot/control.sock", said[0])
            self.assertIn("adduser bob gwbot", done.stderr)
        # What was advised helps.
        self.run_in("adduser", "bob", "gwbot")
        self.assertEqual(0, self.ask_as("bob", "status").returncode)

    # ---- padded emoji ----

    def pad(self, number, size=256):
        return self.fetch(f"/emoji-pad?s={size}&u=http%3A%2F%2F127.0.0.1%3A4000%2Femojis%2F{number}.png")

    def test_10_emoji_are_padded_in_the_sandbox(self):
        self.configure('emoji: { hosts = [ "127.0.0.1:4000" ]; };\n')
        self.run_in("systemctl", "restart", UNIT)
        self.wait_ready()
        # It is the spawner that starts them, and its filters that they inherit.
        spawner = int(self.run_in("pgrep", "-x", "gwbot-spawner").stdout)
        filters = int(self.status_of(spawner)["Seccomp_filters"])
        with Decoders(self.machine, spawner) as decoders:
            for number in range(1, 400):
                status, body = self.pad(number, 512)
                self.assertEqual((200, b"\x89PNG"), (status, body[:4]), body[:200])
                if decoders.seen:
                    break
        self.assertEqual((512, 512), (int.from_bytes(body[16:20], "big"),
                                      int.from_bytes(body[20:24], "big")))
        # Caught at work: a filter of its own beside the unit's and the spawner's, no files, little memory.
        status, limits = decoders.seen
        self.assertGreater(int(status["Seccomp_filters"]), filters)
        self.assertEqual(("1", "2", 0), (status["NoNewPrivs"], status["Seccomp"],
                                         int(status["CapEff"], 16)))
        for name in ("Max file size", "Max processes", "Max address space", "Max cpu time"):
            self.assertRegex(limits, rf"(?m)^{name} +\d+ +\d+ ")
        for number, (what, wanted) in enumerate((("bomb", (413, 415)), ("damaged", (415,)),
                                                 ("html", (415,)))):
            self.sim(f"cdn {what}")
            status, body = self.pad(2000 + number)
            self.assertIn(status, wanted, (what, body[:200]))
        self.sim("cdn off")
        self.assertEqual(200, self.pad(1000)[0])
        self.assertEqual("0", self.machine.show(UNIT, "NRestarts"))

    def test_11_the_token_is_nowhere(self):
        self.assertNotIn("CANARY", self.journal())


class Decoders:
    """Looks for a gwbot-emoji that has shut itself in: it lives for milliseconds."""

    def __init__(self, machine, parent):
        self.filters = int(re.search(r"(?m)^Seccomp_filters:\s(\d+)", pathlib.Path(
            f"/proc/{machine.pid}/root/proc/{parent}/status").read_text())[1])
        self.seen = None
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(0.05)
        self.end.set()
        self.thread.join(10)

    def watch(self):
        while not self.end.is_set() and not self.seen:
            for folder in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if (folder / "comm").read_text() != "gwbot-emoji\n":
                        continue
                    status = dict(line.split(":\t", 1) for line in
                                  (folder / "status").read_text().splitlines())
                    if int(status["Seccomp_filters"]) > self.filters:
                        self.seen = status, (folder / "limits").read_text()
                        return
                except (OSError, KeyError, ValueError):
                    continue  # it has ended


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
