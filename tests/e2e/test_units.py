"""systemd's units as they are built: systemd reads them without a word, they are as tight
as promised, and what they hand to gwbotd it takes."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from gwbotd import BIN, Gwbotd, TOKEN

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ("gwbotd.service", "gwbotd@.service")

# In tenths; what is left is the network, the control socket, the boot id and who asks.
MOST_EXPOSED = 12


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


def built(name):
    return (BIN / "systemd" / name).read_text()


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gwbot-units-")
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)

    def write(self, name, change=lambda text: text):
        """The unit with the programs of this build, since none are installed."""
        text = re.sub(r"(?m)^(Exec\w+=)\S*/(\w+)", rf"\1{BIN}/\2", built(name))
        path = self.dir / name
        path.write_text(change(text))
        return str(path)

    def test_systemd_has_nothing_to_say_of_them(self):
        done = analyze("verify", "--man=no", *map(self.write, UNITS))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        # It would say it: of a word that it does not know, and of a bad value.
        for slip in (lambda text: text.replace("WatchdogSec", "WatchdogSecs"),
                     lambda text: text.replace("SetCredential=discord_token:\\n",
                                               "SetCredential=discord_token")):
            done = analyze("verify", "--man=no", self.write(UNITS[0], slip))
            self.assertIn("gwbotd.service:", done.stderr)

    def test_they_are_as_tight_as_promised(self):
        for name in UNITS:
            path = self.write(name)
            for most, status in ((MOST_EXPOSED, 0), (MOST_EXPOSED - 1, 1)):
                done = analyze("security", "--offline=yes", "--no-pager",
                               f"--threshold={most}", path)
                self.assertEqual(status, done.returncode, done.stdout + done.stderr)

    def test_restarts_can_never_burn_the_budget_of_a_day(self):
        for name in UNITS:
            text = built(name)
            self.assertIn("\nStartLimitIntervalSec=1h\n", text)
            burst = int(re.search(r"\nStartLimitBurst=(\d+)\n", text)[1])
            self.assertLess(24 * burst, 1000)
            # And Discord may be away: the watchdog of the shortest default of a service
            # (prod: 3 x 360 + 30 s) does not use them up.
            self.assertGreater(burst, 3600 / 1110)
            self.assertIn("\nRestartPreventExitStatus=64 77 78\n", text)

    def test_who_asks_over_the_socket_stays_known(self):
        for name in UNITS:
            self.assertNotRegex(built(name), "(?m)^PrivateUsers=")

    def test_no_place_of_the_template_is_left_open(self):
        for name in UNITS:
            self.assertNotIn("@UNIT", built(name))
            self.assertNotIn("@CMAKE", built(name))
        self.assertNotIn("%i", built(UNITS[0]))

    def test_an_instance_has_everything_of_its_own(self):
        text = built(UNITS[1])
        for place in ("GWBOT_CONFIG=/etc/gwbot/%i.conf", "GWBOT_STATE_DIR=%S/gwbot-%i",
                      "GWBOT_CONTROL_SOCKET=%t/gwbot-%i/control.sock",
                      "discord_token:/etc/gwbot/%i.token", "RuntimeDirectory=gwbot-%i",
                      "StateDirectory=gwbot-%i"):
            self.assertIn(place, text)


class Credential(unittest.TestCase):
    """As systemd hands it over: the file, or the stand-in of the unit."""

    def check(self, content):
        with Gwbotd() as bot:
            del bot.env["DISCORD_TOKEN"]
            folder = bot.dir / "credentials"
            folder.mkdir()
            (folder / "discord_token").write_text(content)
            (folder / "discord_token").chmod(0o400)
            bot.env["CREDENTIALS_DIRECTORY"] = str(folder)
            return bot.start("--check").wait_exit(), bot.output

    def test_the_token(self):
        self.assertEqual(0, self.check(TOKEN + "\n")[0])

    def test_the_stand_in_is_no_token(self):
        stand_in = re.search(r"(?m)^SetCredential=discord_token:(.*)$", built(UNITS[0]))[1]
        content = stand_in.encode().decode("unicode_escape")
        # A check may run without a token; a file without one would be a fault.
        self.assertEqual((0, ""), self.check(content))

    def test_half_a_token(self):
        status, output = self.check("half a token\n")
        self.assertEqual(78, status)
        self.assertIn("credential:discord_token", output)


class Configuration(unittest.TestCase):
    def test_the_installed_one_is_good(self):
        with Gwbotd() as bot:
            bot.start("--check", "--config", str(ROOT / "conf" / "gwbot.conf"))
            self.assertEqual((0, ""), (bot.wait_exit(), bot.output))


class Installation(unittest.TestCase):
    def test_everything_has_its_place(self):
        with tempfile.TemporaryDirectory(prefix="gwbot-install-") as root:
            done = subprocess.run(["cmake", "--install", str(BIN)], text=True, timeout=60,
                                  env={**os.environ, "DESTDIR": root}, capture_output=True,
                                  check=False)
            self.assertEqual(0, done.returncode, done.stderr)
            top = pathlib.Path(root) / "usr" / "local"
            files = {str(path.relative_to(top)): path for path in top.rglob("*")
                     if path.is_file()}
            programs = {"sbin/gwbotd", "bin/gwctl", "libexec/gwbot/gwsim",
                        "libexec/gwbot/gwbot-emoji"}
            pages = {f"share/man/man{page.stem[-1]}/{page.stem}"
                     for page in (ROOT / "man").glob("*.in")}
            self.assertEqual(5, len(pages))
            for name in programs | pages | {
                    "lib/systemd/system/gwbotd.service", "lib/systemd/system/gwbotd@.service",
                    "lib/sysusers.d/gwbot.conf", "share/doc/gwbot/gwbot.conf.example",
                    "share/bash-completion/completions/gwctl",
                    "share/zsh/site-functions/_gwctl",
                    "share/fish/vendor_completions.d/gwctl.fish"}:
                self.assertIn(name, files)
                self.assertEqual(0o755 if name in programs else 0o644,
                                 files[name].stat().st_mode & 0o777, name)
            # What the units start is what is installed.
            for program in re.findall(r"(?m)^Exec\w+=(\S+)", built(UNITS[0])):
                self.assertIn(program.removeprefix("/usr/local/"), files)


if __name__ == "__main__":
    unittest.main()
