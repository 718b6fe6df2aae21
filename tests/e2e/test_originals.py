"""The configurations that reproduce the original bots, and the page that maps them."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "conf" / "examples"
PAGE = ROOT / "docs" / "from-the-originals.md"

# What the originals had (origin-behaviour, sections 2, 6 and 8), as --print-config has it.
BOTH = {
    "watchdog.keepalive": '"1min"', "watchdog.stall": '"10min"', "watchdog.disconnect_grace": '"10min"',
    "watchdog.max_latency": '"10s"', "http.port": "10000", "http.strict_probe": "false",
    "schedule.refresh_times": '"02:00,10:00,18:00"', "chat.prefix": '"!"', "chat.ping": "true", "chat.health": "true",
}
WANTED = {
    "matchmaker": {**BOTH, "bot.name": '"Matchmaker"', "schedule.timezone": '"Europe/Vienna"', "chat.reboot": "false",
                   "jobs.daily-update.at": '"17:30"', "jobs.daily-update.zone": '"UTC"',
                   "jobs.cleanup.every": '"1d"', "jobs.cleanup.older_than": '"1d"',
                   "log.channel": '"900000000000000120"'},
    "welcomecrew": {**BOTH, "bot.name": '"WelcomeCrew"', "schedule.timezone": '"UTC"', "chat.reboot": "true",
                    "commands.greeting.on": '"join"'},
}


class Originals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwbot-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def own(self, name):
        """The example with the files that it names in a folder of the test."""
        text = (EXAMPLES / f"{name}.conf").read_text(encoding="utf-8")
        for path in set(re.findall(r'"(/etc/gwbot/[^"]+)"', text)):
            file = self.dir / pathlib.Path(path).name
            file.write_text("Hello {user}, welcome to {server}.\n", encoding="utf-8")
            text = text.replace(path, str(file))
        path = self.dir / f"{name}.conf"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o640)
        return path

    def run_daemon(self, *words):
        env = {"PATH": os.environ["PATH"], "DISCORD_TOKEN": TOKEN,
               **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}
        return subprocess.run([BIN / "gwbotd", *words], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)

    def test_each_is_accepted_and_says_what_the_original_did(self):
        self.assertEqual(set(WANTED), {path.stem for path in EXAMPLES.glob("*.conf")})
        for name, wanted in WANTED.items():
            with self.subTest(name):
                path = self.own(name)
                done = self.run_daemon("--check", "--config", path)
                self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
                printed = self.run_daemon("--print-config", "--config", path).stdout
                found = {key: value for value, key in
                         re.findall(r"^\s*\S+ = (.*?); +# ([a-z_.0-9-]+): ", printed, re.M)}
                self.assertEqual(wanted, {key: found.get(key) for key in wanted})
                self.assertRegex(printed, r'kind = "google-sheet"')

    def test_each_runs(self):
        """The port is the platform's, as it was: PORT."""
        for name in WANTED:
            with self.subTest(name), Sim(heartbeat=1000) as sim, Gwbotd(sim) as bot:
                bot.env["GWBOT_CONFIG"] = str(self.own(name))
                bot.start().wait_ready()
                jobs = json.loads(bot.ctl("--json", "jobs").stdout)["jobs"]
                self.assertIn("refresh", [job["name"] for job in jobs])
                self.assertEqual(200, bot.get("/healthz")[0])
                self.assertEqual(0, bot.stop())

    def test_the_page_names_options_that_there_are(self):
        text = PAGE.read_text(encoding="utf-8")
        printed = self.run_daemon("--print-config").stdout
        known = set(re.findall(r"# ([a-z_.]+): ", printed))
        groups = {path.split(".")[0] for path in known if "." in path}
        named = {word for word in re.findall(r"`([a-z_]+\.[a-z_]+)`", text) if word.split(".")[0] in groups}
        self.assertGreater(len(named), 20)
        self.assertLessEqual(named, known)
        keys = set(re.findall(r"^\s*#?\s*([a-z_]+) = ", (ROOT / "conf" / "gwbot.conf.example").read_text(), re.M))
        rows = set(re.findall(r"^(?:PROBE|JOB|COMMAND)\((\w+),", (ROOT / "shared" / "lists.def").read_text(), re.M))
        for word in re.findall(r"`([a-z_]+) = ", text):
            self.assertIn(word, rows | keys, word)
        words = "|".join(re.findall(r'^(?:PROBE|JOB|COMMAND)\(\w+, CHOICE, "([^"]+)"', (ROOT / "shared" / "lists.def").read_text(), re.M))
        for word in re.findall(r'`action = "([^"]+)"`', text):
            self.assertIn(word, words.split("|"))


if __name__ == "__main__":
    unittest.main()
