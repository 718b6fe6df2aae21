"""The configuration through the real programs: what runs, what the files say, reload."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim

OTHER_TOKEN = "b" * 60


class Running(unittest.TestCase):
    """gwbotd with a file of its own against gwsim."""

    def setUp(self):
        self.sim = Sim()
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)
        for name in ("PORT", "LOG_LEVEL"):
            del self.bot.env[name]
        self.file = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.file)

    def write(self, text, name="gwbot.conf"):
        path = self.bot.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"http: {{ port = {self.bot.port}; }};\n{text}" if name == "gwbot.conf" else text)
        path.chmod(0o640)

    def start(self, text):
        self.write(text)
        self.bot.start().wait_ready()

    def ask(self, *words, status=0):
        done = self.bot.ctl("--json", *words)
        self.assertEqual((status, ""), (done.returncode, done.stderr), words)
        document = json.loads(done.stdout)
        self.assertEqual(("gwctl/1", words[0]), (document["schema"], document["command"]))
        return document

    def refused(self, *words):
        done = self.bot.ctl("--json", *words)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        return json.loads(done.stderr)["error"]

    def options(self, *words):
        return {option["path"]: option for option in self.ask("config", *words)["options"]}


class Shows(Running):
    def test_every_value_has_its_source(self):
        self.bot.env["ENV_NAME"] = "prod"
        self.bot.env["BOT_NAME"] = "from the environment"
        self.write('log: { level = "debug"; };\nprofiles: { prod: { gateway: { hello_timeout = 11; }; }; };\n')
        self.bot.start("--set=bot.version=7").wait_ready()
        options = self.options()
        for path, value, source in (
                ("log.level", "debug", "gwbot.conf:2"), ("gateway.hello_timeout", "11s", "gwbot.conf:3"),
                ("bot.name", "from the environment", "env:BOT_NAME"), ("bot.version", "7", "cli"),
                ("watchdog.keepalive", "6min", "profile:prod"), ("loop.limit", "30s", "default"),
                ("watchdog.stall", "1110s", "default, derived from watchdog.keepalive")):
            self.assertEqual((value, source), (options[path]["value"], options[path]["source"]), path)
        self.assertEqual(360, options["watchdog.keepalive"]["value_seconds"])
        token = options["discord.token"]
        self.assertEqual((None, True, True, "env:DISCORD_TOKEN"),
                         tuple(token[name] for name in ("value", "secret", "set", "source")))
        self.assertEqual([str(self.file)], self.ask("config")["files"])
        # --print-config says the same of each.
        printed = subprocess.run([str(BIN / "gwbotd"), "--set=bot.version=7", "--print-config"],
                                 env=self.bot.env, capture_output=True, text=True, check=True).stdout
        self.assertNotIn(TOKEN, printed)
        for path, option in options.items():
            self.assertIn(f"# {path}: {option['source']}\n", printed)

    def test_the_screen_is_aligned_and_hides_the_token(self):
        self.start('discord: { presence = "{\\"status\\":\\"idle\\"}"; };\n')
        done = self.bot.ctl("config")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        lines = done.stdout.splitlines()
        self.assertRegex(done.stdout, r"(?m)^discord\.token +\(set\) +env:DISCORD_TOKEN$")
        values = {line.index(line.split()[1]) for line in lines if line[0] != " "}
        self.assertEqual(1, len(values), done.stdout)
        for line in lines:
            self.assertTrue(len(line) <= 80 or " " not in line[30:].strip(), line)

    def test_a_group_a_glob_and_one(self):
        self.start("")
        self.assertEqual({"watchdog.keepalive", "watchdog.stall", "watchdog.disconnect_grace",
                          "watchdog.max_latency"}, set(self.options("watchdog")))
        self.assertEqual({"discord.token", "discord.token_file"}, set(self.options("*.token*")))
        self.assertEqual({"http.port"}, set(self.options("http.port")))
        screen = self.bot.ctl("config", "gateway.hello_timeout").stdout
        self.assertIn("gateway.hello_timeout = 10s\n", screen)
        self.assertRegex(screen, r"allowed +a duration from 100ms to 5min")
        self.assertRegex(screen, r"a change acts +with the next connection: gwctl reconnect")

    def test_an_unknown_one_names_the_nearest(self):
        self.start("")
        for wanted, nearest in (("watchdgo", "watchdog"), ("watchdog.stal", "watchdog.stall"),
                                ("keepalife", "watchdog.keepalive"), ("prot", "http.port")):
            error = self.refused("config", wanted)
            self.assertEqual(f'there is no setting "{wanted}"; nearest: {nearest}', error["message"])
            self.assertEqual(("refused", "all settings: gwctl config"), (error["code"], error["hint"]))
        self.assertNotIn("nearest", self.refused("config", "x*y")["message"])
        self.assertEqual(2, self.bot.ctl("config", "watchdog", "http").returncode)


class Reloads(Running):
    def test_each_change_is_told_with_when_it_acts(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.assertEqual((False, []), tuple(self.ask("config", "diff")[name] for name in ("differs", "changes")))
        self.write('watchdog: { stall = "8min"; };\ngateway: { hello_timeout = "11s"; };\n'
                   'discord: { intents = ["GUILDS"]; };\nloop: { limit = 31; };\n')
        expected = {
            "watchdog.stall": ("now", "7min", "8min", "gwbot.conf:2", "gwbot.conf:2"),
            "watchdog.disconnect_grace": ("now", "7min", "8min", "default, derived from watchdog.stall",
                                          "default, derived from watchdog.stall"),
            "gateway.hello_timeout": ("reconnect", "10s", "11s", "default", "gwbot.conf:3"),
            "discord.intents": ("session", "GUILDS, GUILD_MESSAGES", "GUILDS", "default", "gwbot.conf:4"),
            "loop.limit": ("restart", "30s", "31s", "default", "gwbot.conf:5"),
        }
        for words, status in ((("config", "diff"), 1), (("config", "diff"), 1), (("reload",), 0)):
            changes = self.ask(*words, status=status)["changes"]
            self.assertEqual(expected, {change["path"]: tuple(
                change[name] for name in ("acts", "old", "new", "old_source", "new_source"))
                for change in changes})
        self.assertEqual(480, self.bot.health()[1]["stall_after_sec"])
        # What waits for a restart is no part of what runs, and stays a difference.
        self.assertEqual("30s", self.options("loop.limit")["loop.limit"]["value"])
        left, = self.ask("config", "diff", status=1)["changes"]
        self.assertEqual(("loop.limit", "restart"), (left["path"], left["acts"]))
        screen = self.bot.ctl("config", "diff").stdout
        self.assertIn("at the next start (gwctl reboot)\n  loop.limit  30s -> 31s  gwbot.conf:5\n", screen)
        self.assertNotIn("gwctl reload", screen)
        (_, event), = self.bot.events("control_command", command="reload")
        self.assertIn("uid", event)

    def stall(self):
        return self.options("watchdog.stall")["watchdog.stall"]["value"]

    def reload_with(self, stall, *words):
        self.write(f'watchdog: {{ stall = "{stall}"; }};\n')
        return self.ask("reload", *words)

    def test_one_on_trial_goes_back_by_itself(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.assertIsNone(self.ask("status")["config"]["trial"])
        answer = self.reload_with("8min", "--for", "2s")
        self.assertEqual(("trial", os.getuid()), (answer["action"], answer["trial"]["uid"]))
        self.assertLessEqual(answer["trial"]["reverts_in_seconds"], 2)
        self.assertEqual("8min", self.stall())
        self.assertRegex(self.bot.ctl("status").stdout,
                         r"Config +on trial for .* s   goes back at \d\d:\d\d:\d\d \(in [\d.]+ s\)\s+"
                         r"to keep it: gwctl reload --keep\n")
        self.assertIn("on trial, goes back at ", self.bot.ctl("config", "diff").stdout)
        self.bot.wait_event("reload_reverted", reason="the new one was not kept in time")
        self.assertEqual("7min", self.stall())
        status = self.ask("status")["config"]
        self.assertIsNone(status["trial"])
        self.assertIsNotNone(status["set_back_age_seconds"])
        self.assertRegex(self.bot.ctl("status").stdout, r"Config +went back .* ago to what ran before the reload")
        change, = [change for change in self.ask("config", "diff", status=1)["changes"]
                   if change["path"] == "watchdog.stall"]
        self.assertEqual(("7min", "8min"), (change["old"], change["new"]))
        told = self.ask("events", "--type", "config.*")["events"]
        self.assertEqual(["config.reloaded", "config.trial", "config.reverted"], [event["type"] for event in told])
        # What the files say can be taken for good.
        self.assertEqual("reload", self.ask("reload")["action"])
        self.assertEqual(("8min", None), (self.stall(), self.ask("status")["config"]["set_back_age_seconds"]))

    def test_one_on_trial_stays_where_that_is_said(self):
        self.start('watchdog: { stall = "7min"; };\n')
        ways = {"keep": lambda: self.ask("reload", "--keep"), "plain": lambda: self.ask("reload"),
                "hup": lambda: (os.kill(self.bot.process.pid, signal.SIGHUP),
                                self.bot.wait_event("reload_kept", count=3))}
        for number, (name, way) in enumerate(ways.items()):
            with self.subTest(name):
                self.reload_with(f"{10 + number}min", "--for", "1h")
                self.assertIsNotNone(self.ask("status")["config"]["trial"])
                way()
                self.assertIsNone(self.ask("status")["config"]["trial"])
                self.assertEqual(f"{10 + number}min", self.stall())
        self.assertEqual("no reload is on trial: there is nothing to keep",
                         self.refused("reload", "--keep")["message"])
        self.assertEqual([], self.bot.events("reload_reverted"))

    def test_undo_goes_back_to_what_ran_before(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.assertTrue(self.refused("reload", "--undo")["message"].startswith("there is nothing to go back to: "))
        self.reload_with("8min")
        self.reload_with("8min")  # changes nothing, and is not what one goes back from
        done = self.bot.ctl("reload", "--undo")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertRegex(done.stdout, r"^back to what ran before the reload: 2 settings changed\nat once\n"
                                      r"  watchdog\.stall +8min -> 7min  gwbot\.conf:2\n")
        self.assertIn("a restart takes what the files say", done.stdout)
        self.assertEqual("7min", self.stall())
        self.refused("reload", "--undo")
        # One on trial over another goes back to what was there before both.
        self.reload_with("9min", "--for", "1h")
        self.reload_with("10min", "--for", "1h")
        self.assertEqual("10min", self.stall())
        # A refused one changes nothing, the trial neither.
        self.write("watchdog: {\n")
        self.refused("reload")
        self.assertIsNotNone(self.ask("status")["config"]["trial"])
        self.assertEqual("undo", self.ask("reload", "--undo")["action"])
        self.assertEqual(("7min", None), (self.stall(), self.ask("status")["config"]["trial"]))

    def test_without_a_change_there_is_no_trial(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.assertIsNone(self.ask("reload", "--for", "1h")["trial"])
        self.assertEqual("reloaded: nothing changed\nso nothing is on trial: what runs stays\n",
                         self.bot.ctl("reload", "--for", "1h").stdout)
        for words, status in ((("--for", "1h", "--keep"), 2), (("--for", "x"), 2), (("--for", "0"), 2),
                              (("--keep", "--undo"), 2), (("now",), 2)):
            self.assertEqual(status, self.bot.ctl("reload", *words).returncode, words)

    def test_what_gwctl_set_stays_through_a_trial(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.assertEqual(0, self.bot.ctl("thresholds", "set", "stall", "20min").returncode)
        self.reload_with("8min", "--for", "1h")
        self.ask("reload", "--undo")
        self.assertEqual("20min", self.stall())
        self.assertEqual(0, self.bot.ctl("thresholds", "reset").returncode)
        self.assertEqual("7min", self.stall())

    def test_the_screens_group_by_when_it_acts(self):
        self.start("")
        self.write('bot: { name = "x"; };\ngateway: { hello_timeout = "11s"; };\n')
        diff = self.bot.ctl("config", "diff")
        self.assertEqual((1, ""), (diff.returncode, diff.stderr))
        body = ("at once\n  bot.name               gwbot -> x  gwbot.conf:2\n"
                "with the next connection (gwctl reconnect)\n"
                "  gateway.hello_timeout  10s -> 11s  gwbot.conf:3\n")
        self.assertEqual("2 settings differ from what runs\n" + body +
                         "to take what the files say: gwctl reload\n", diff.stdout)
        self.assertEqual("reloaded: 2 settings changed\n" + body, self.bot.ctl("reload").stdout)
        self.assertEqual("reloaded: nothing changed\n", self.bot.ctl("reload").stdout)
        same = self.bot.ctl("config", "diff")
        self.assertEqual((0, "no difference: what the files say runs\n"), (same.returncode, same.stdout))

    def test_of_secrets_only_that_they_differ(self):
        self.bot.env.pop("DISCORD_TOKEN")
        self.start(f'discord: {{ token = "{TOKEN}"; }};\n')
        self.write(f'discord: {{ token = "{OTHER_TOKEN}"; }};\n')
        for words in (("config", "diff"), ("reload",)):
            text = self.bot.ctl(*words).stdout
            self.assertRegex(text, r"discord\.token +differs +gwbot.conf:2")
            raw = self.bot.ctl("--json", *words).stdout
            self.assertNotIn(OTHER_TOKEN, text + raw)
            change, = json.loads(raw)["changes"]
            self.assertEqual((None, None, "restart"), (change["old"], change["new"], change["acts"]))
        self.assertNotIn(OTHER_TOKEN, self.bot.output)

    def test_a_bad_file_changes_nothing_and_all_its_errors_are_told(self):
        self.start('watchdog: { stall = "7min"; };\n')
        self.write('watchdog: { stall = "8min"; keepalive = 0; };\nhttp2: 1;\nbot: { nane = "x"; };\n')
        for words in (("reload",), ("config", "diff")):
            error = self.refused(*words)
            self.assertEqual(("refused", 1, 3), (error["code"], error["exit"], len(error["details"])))
            texts = "\n".join(detail["summary"] for detail in error["details"])
            self.assertIn("watchdog.keepalive", texts)
            self.assertIn('unknown setting "bot.nane"; nearest: bot.name', texts)
            done = self.bot.ctl(*words)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            for detail in error["details"]:
                self.assertIn(detail["summary"] + "\n" + detail["excerpt"], done.stderr)
            self.assertIn("the configuration has 3 errors\n", done.stderr)
        self.bot.wait_event("reload_refused")
        self.assertEqual(420, self.bot.health()[1]["stall_after_sec"])
        self.assertEqual("7min", self.options("watchdog.stall")["watchdog.stall"]["value"])
        # Mended, it is taken.
        self.write('watchdog: { stall = "8min"; };\n')
        self.assertEqual(2, len(self.ask("reload")["changes"]))
        self.assertEqual(480, self.bot.health()[1]["stall_after_sec"])


class Checked(unittest.TestCase):
    """gwbotd --check and --print-config, without a daemon."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwbot-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "gwbot.conf"

    def gwbotd(self, *arguments, env=None):
        return subprocess.run([str(BIN / "gwbotd"), *arguments], capture_output=True, text=True, timeout=30,
                              env={"PATH": os.environ["PATH"], **(env or {})}, check=False)

    def check(self, text, *arguments, env=None):
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.file.chmod(0o640)
        return self.gwbotd("--config", str(self.file), "--check", *arguments, env=env)

    def test_all_errors_with_place_line_and_marker(self):
        drop_in = self.folder / "gwbot.d" / "20-a.conf"
        drop_in.parent.mkdir()
        drop_in.write_text("http: { port = 0; };\n")
        done = self.check('watchdog: {\n stall = 90s;\n stal = "5min";\n};\n@include "none"\n',
                          env={"KEEPALIVE_INTERVAL_SEC": "abc"})
        self.assertEqual((78, ""), (done.returncode, done.stdout))
        self.assertEqual(f"""\
{self.file}:2:10: error: a number with a unit must be quoted; write "90s"
    2 |  stall = 90s;
      |          ^~~
{self.file}:3:2: error: unknown setting "watchdog.stal"; nearest: watchdog.stall
    3 |  stal = "5min";
      |  ^~~~
{self.file}:5:1: error: @include "{self.folder}/none": there is no such file
    5 | @include "none"
      | ^~~~~~~~~~~~~~~
{drop_in}:1:16: error: http.port = "0": out of range; allowed: a whole number from 1 to 65535
    1 | http: {{ port = 0; }};
      |                ^
env:KEEPALIVE_INTERVAL_SEC: warning: "abc" is not a duration; allowed: a duration from 100ms to 1d, \
such as 90 (seconds), "90s" or "5min"; watchdog.keepalive is 1min (profile:dev)
gwbotd: 4 errors, 1 warning in the configuration; correct it and start it again; gwbot.conf(5) explains each setting (exit status 78)
""", done.stderr)

    def test_what_is_no_configuration_is_named(self):
        for text, says in ((b"\0", ":1: error: a NUL byte: this is no text file"),
                           ('bot: { name = "x"; };'.encode("utf-16"), "a NUL byte"),
                           (b'bot: { name = "\xff"; };', "a text that is not UTF-8"),
                           (b"#" * 1048577, "has 1048577 bytes, 1048576 are allowed"),
                           (b"<xml/>", ":1:1: error: the name of a setting must stand here")):
            done = self.check(text)
            self.assertEqual((78, ""), (done.returncode, done.stdout), text[:40])
            self.assertIn(says, done.stderr)
        self.file.unlink()
        for make, says in ((lambda: self.file.mkdir(), "is a folder, not a file"),
                           (lambda: os.mkfifo(self.file), "is not a regular file"),
                           (lambda: self.file.symlink_to("/dev/zero"), "is not a regular file"),
                           (lambda: self.file.symlink_to(self.file), "cannot be read: Too many levels"),
                           (lambda: self.file.symlink_to("/nonexistent"), "there is no such file")):
            make()
            done = self.gwbotd("--config", str(self.file), "--check")
            self.assertEqual((78, ""), (done.returncode, done.stdout))
            self.assertIn(f"{self.file}: error: {says}", done.stderr)
            (self.file.rmdir if self.file.is_dir() else self.file.unlink)()

    def test_good_ones(self):
        for text in ("", "\n", "# nothing\n", "\ufeff/* nothing */"):
            done = self.check(text)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertTrue(done.stdout.startswith("the configuration is good\n"))

    def test_what_is_printed_is_a_configuration_that_prints_the_same(self):
        self.file.write_text('bot: { name = "a \\"b\\" \\\\ \u00fc"; };\nwatchdog: { stall = 0.15; };\n'
                             'discord: { intents = 0; presence = "{\n\\"a\\":1}"; shards = "0-15/64"; };\n')
        env = {"ENV_NAME": "qa", "PORT": "12345", "GWBOT_HTTP_LISTEN": "::1,127.0.0.1"}
        first = self.gwbotd("--config", str(self.file), "--set", "loop.limit=31s", "--print-config", env=env)
        self.assertEqual((0, ""), (first.returncode, first.stderr))
        self.file.write_text(first.stdout)
        again = self.gwbotd("--config", str(self.file), "--print-config")
        self.assertEqual((0, ""), (again.returncode, again.stderr))
        values = [[line.split("# ")[0].rstrip() for line in text.splitlines()] for text in (first.stdout, again.stdout)]
        self.assertEqual(*values)
        self.assertIn("12345", first.stdout)

    def test_a_mistyped_variable_is_told(self):
        done = self.check("", env={"GWBOT_SHARD": "2", "GWBOT_STATEDIR": "/x", "GWBOT_SOMETHING": "1", "GWBOT_SHARDS": "2"})
        self.assertEqual(0, done.returncode)
        self.assertEqual("env:GWBOT_SHARD: warning: there is no such variable; nearest: GWBOT_SHARDS\n"
                         "env:GWBOT_STATEDIR: warning: there is no such variable; nearest: GWBOT_STATE_DIR\n",
                         "".join(sorted(done.stderr.splitlines(True))))


if __name__ == "__main__":
    unittest.main(verbosity=2)
