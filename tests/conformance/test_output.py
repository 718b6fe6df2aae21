"""How gwctl's answers come out: forms for programs, the pager, the terminal's width."""

import csv
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import termios
import unittest

import test_control


def flat(value, path=""):
    """[(path, text)] of a JSON value, as --output plain says it."""
    if isinstance(value, dict):
        return [pair for name, below in value.items() for pair in flat(below, f"{path}.{name}" if path else name)]
    if isinstance(value, list) and any(isinstance(below, (dict, list)) for below in value):
        return [pair for index, below in enumerate(value) for pair in flat(below, f"{path}.{index}")]
    if isinstance(value, list):
        return [(path, " ".join(map(word, value)))]
    return [(path, word(value))]


def word(value):
    if isinstance(value, str):
        return re.sub("[\x00-\x1f\x7f]", "\ufffd", value)
    return "-" if value is None else json.dumps(value)


class Output(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gwctl-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.daemon = test_control.Daemon(self.folder, "two", ("-p", "1412"))
        self.addCleanup(self.daemon.stop)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder}

    def run_gwctl(self, *args, **more):
        return subprocess.run([test_control.GWCTL, "-s", self.daemon.path, *args], env={**self.env, **more},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)

    def show(self, *args, **more):
        done = self.run_gwctl(*args, **more)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    # ---- forms ----

    def without_time(self, pairs):
        return [pair for pair in pairs if pair[0] != "time" and "uptime" not in pair[0]]

    def test_plain_has_every_value_of_the_json(self):
        for command in (["status"], ["shards"], ["latency", "0"], ["thresholds"], ["version"]):
            lines = [tuple(line.split("\t")) for line in self.show("-o", "plain", *command).splitlines()]
            document = json.loads(self.show("-o", "json", *command))
            self.assertEqual(self.without_time(flat(document)), self.without_time(lines), command)

    def test_csv_is_the_list_of_the_answer(self):
        table = list(csv.DictReader(io.StringIO(self.show("--output=csv", "shards"))))
        shards = json.loads(self.show("--json", "shards"))["shards"]
        self.assertEqual(len(shards), len(table))
        for shard, row in zip(shards, table):
            for name, value in flat(shard):
                if name in row and "uptime" not in name:
                    self.assertEqual("" if value == "-" else value, row[name], name)
        row, = csv.DictReader(io.StringIO(self.show("-o", "csv", "latency", "0")))
        self.assertEqual("0.063", row["latency_p90_seconds"])
        self.assertNotIn("classes", row)
        limits = list(csv.DictReader(io.StringIO(self.show("-ocsv", "thresholds"))))
        self.assertEqual("1110", limits[1]["value_seconds"])

    def test_csv_of_an_answer_without_a_list_is_one_line(self):
        row, = csv.DictReader(io.StringIO(self.show("-o", "csv", "version")))
        self.assertEqual("version", row["command"])
        self.assertIn("1 1", row["gwctl.protocol"])

    def test_csv_quotes_what_needs_it(self):
        text = self.show("-o", "csv", "shards")
        self.assertIn('"connection refused by \ufffd[31mgateway', text)
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f]")

    def test_unknown_form(self):
        done = self.run_gwctl("-o", "yaml", "status")
        self.assertEqual((2, ""), (done.returncode, done.stdout))
        self.assertIn('human, plain, csv or json, not "yaml"', done.stderr)

    # ---- again and again ----

    def test_count_ends_a_watch(self):
        documents = self.show("--watch=0.1", "--count=3", "--json", "status").splitlines()
        self.assertEqual(3, len([json.loads(document) for document in documents]))
        self.assertEqual(2, self.show("-w0.1", "-N", "2", "latency").count("SHARD"))

    def test_count_needs_a_watch_and_a_number(self):
        for args in (["-N", "2", "status"], ["-w", "-N", "0", "status"], ["-w", "-N", "-1", "status"],
                     ["-w", "-N", "two", "status"], ["-w", "-N", "99999999999999999999", "status"]):
            done = self.run_gwctl(*args)
            self.assertEqual((2, ""), (done.returncode, done.stdout), args)
            self.assertIn("--count", done.stderr)

    # ---- several commands ----

    def test_lines_of_the_call_are_a_script(self):
        one, two, three = self.show("--json", "-c", "version", "--command=thresholds; latency 0").splitlines()
        self.assertEqual(["version", "thresholds", "latency"],
                         [json.loads(line)["command"] for line in (one, two, three)])
        done = self.run_gwctl("-c", "version", "-c", "staus", "-c", "status")
        self.assertEqual(2, done.returncode)
        self.assertIn("gwctl ", done.stdout)
        self.assertNotIn("Gateway", done.stdout)
        self.assertIn('no command "staus"', done.stderr)
        done = self.run_gwctl("-k", "-c", "staus", "-c", "status")
        self.assertEqual(2, done.returncode)
        self.assertIn("Gateway", done.stdout)

    def test_lines_of_the_call_are_bounded_and_stand_alone(self):
        for args in (["-c", "version", "status"], ["-c", "x"] * 17, ["-c", "-c version"], ["-c", "version -c status"]):
            done = self.run_gwctl(*args)
            self.assertEqual((2, ""), (done.returncode, done.stdout), args)
            self.assertTrue(done.stderr, args)

    # ---- the protocol ----

    def test_verbose_shows_both_directions_beside_the_answer(self):
        done = self.run_gwctl("-v", "--json", "version")
        self.assertEqual("version", json.loads(done.stdout)["command"])
        lines = done.stderr.splitlines()
        self.assertEqual([">", "<", ">", "<"], [line[0] for line in lines])
        self.assertEqual(["hello", "version"], [json.loads(line[2:])["method"] for line in lines[::2]])
        self.assertEqual([1, 2], [json.loads(line[2:])["id"] for line in lines[1::2]])

    # ---- only reading ----

    def test_read_only_changes_nothing(self):
        self.assertIn("ready", self.show("-r", "status"))
        for command in (["reconnect"], ["reboot"]):
            done = self.run_gwctl("--read-only", *command)
            self.assertEqual((4, ""), (done.returncode, done.stdout))
            self.assertIn("changes something, and this connection may only read", done.stderr)
            self.assertIn("leave --read-only out", done.stderr)
        self.assertFalse(self.daemon.has_logged("control_command"))

    def test_read_only_needs_a_daemon_that_knows_it(self):
        path = os.path.join(self.folder, "old.sock")
        old = test_control.FakeDaemon(path, test_control.hello_of("0.0.9", [1, 1]))
        self.addCleanup(old.close)
        done = self.run_gwctl("-s", path, "-r", "reconnect")
        self.assertEqual((6, ""), (done.returncode, done.stdout))
        self.assertIn("0.0.9 is too old to hold a client to reading", done.stderr)

    # ---- another host ----

    def fake_ssh(self):
        """An ssh whose other host is this one; its arguments are written down."""
        folder = os.path.join(self.folder, "bin")
        os.mkdir(folder)
        with open(os.path.join(folder, "ssh"), "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\nprintf "%s\\n" "$@" >{self.folder}/arguments\n'
                         'while [ "$1" != -- ]; do shift; done\nshift 2\nexec sh -c "$*"\n')
        os.chmod(os.path.join(folder, "ssh"), 0o755)
        os.symlink(test_control.GWCTL, os.path.join(folder, "gwctl"))
        return {"PATH": f"{folder}:{os.environ['PATH']}", "GWCTL_SOCKET": self.daemon.path}

    def remote(self, *args, **more):
        return subprocess.run([test_control.GWCTL, *args], env={**self.env, **more}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)

    def test_host_runs_the_same_there(self):
        env = self.fake_ssh()
        for first in (["-H", "ada@bot1"], ["-Hada@bot1"], ["--host=ada@bot1"], ["--host", "ada@bot1"]):
            done = self.remote(*first, "--json", "shards", "0", **env)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertEqual(0, json.loads(done.stdout)["shards"][0]["shard"])
            with open(os.path.join(self.folder, "arguments"), encoding="utf-8") as file:
                self.assertEqual(["-T", "--", "ada@bot1", "gwctl '--json' 'shards' '0'"],
                                 file.read().splitlines())
        wide = self.remote("-H", "bot1", "status", COLUMNS="120", **env)
        self.assertEqual(self.show("status", COLUMNS="120"), wide.stdout)

    def test_the_shell_there_sees_only_words(self):
        env = self.fake_ssh()
        for word in ("$(touch x)", "it's", '"; touch x', "a b", "`touch x`", ""):
            done = self.remote("-H", "bot1", word, **env)
            self.assertEqual(2, done.returncode)
            self.assertIn(f'no command "{word}"', done.stderr)
        self.assertFalse(os.path.exists("x"))

    def test_host_elsewhere_on_the_line_or_without_ssh(self):
        for args in (["status", "-H", "bot1"], ["--json", "--host=bot1", "status"]):
            done = self.remote(*args)
            self.assertEqual((2, ""), (done.returncode, done.stdout))
            self.assertIn("--host stands first", done.stderr)
        done = self.remote("-H", "bot1", "status", PATH=self.folder)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn("cannot run ssh", done.stderr)
        self.assertIn("openssh-client", done.stderr)

    # ---- terminals ----

    def on_terminal(self, *args, rows=24, columns=80, **more):
        """(exit status, what the terminal got)"""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen([test_control.GWCTL, "-s", self.daemon.path, *args], stdin=child, stdout=child,
                                   stderr=child, env={**self.env, "TERM": "xterm", "NO_COLOR": "1", **more})
        os.close(child)
        shown = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # the last one has closed it
                break
            if not piece:
                break
            shown += piece
        os.close(parent)
        return process.wait(20), shown.decode().replace("\r\n", "\n")

    def test_screens_are_as_wide_as_the_terminal(self):
        for columns in (40, 80, 120):
            status, shown = self.on_terminal("thresholds", columns=columns)
            self.assertEqual(0, status)
            expected = self.show("thresholds", COLUMNS=str(columns))
            self.assertEqual(expected, shown)
        self.assertNotEqual(self.show("status"), self.show("status", COLUMNS="120"))

    def paged(self, *args, pager="tee {file}.more >{file}", **more):
        """What the pager got, None where there was none, and all that was shown."""
        file = os.path.join(self.folder, "paged")
        for name in (file, file + ".more"):
            if os.path.exists(name):
                os.remove(name)
        status, shown = self.on_terminal(*args, **{"GWCTL_PAGER": pager.format(file=file), **more})
        self.assertEqual(0, status, shown)
        if not os.path.exists(file):
            return None, shown
        with open(file, encoding="utf-8") as got:
            return got.read(), shown

    def test_a_long_screen_goes_through_the_pager(self):
        got, shown = self.paged("snapshot", rows=24)
        self.assertIn("shard 1 of 2", got)
        self.assertEqual("", shown)

    def test_no_pager_where_it_is_not_wanted(self):
        for args, more in ((["thresholds"], {"rows": 24}), (["snapshot"], {"rows": 300}),
                           (["--no-pager", "snapshot"], {}), (["snapshot"], {"pager": ""}),
                           (["snapshot"], {"pager": "cat"}), (["-w0.1", "-N1", "snapshot"], {})):
            got, shown = self.paged(*args, **more)
            self.assertIsNone(got, args)
            self.assertIn("LIMIT" if args == ["thresholds"] else "shard 1 of 2", shown)

    def test_pager_of_the_environment_comes_second(self):
        file = os.path.join(self.folder, "second")
        status, _ = self.on_terminal("snapshot", PAGER=f"cat >{file}")
        self.assertEqual(0, status)
        with open(file, encoding="utf-8") as got:
            self.assertIn("shard 1 of 2", got.read())

    def test_a_pager_that_is_missing_or_ends_early(self):
        self.assertIn("shard 1 of 2", self.on_terminal("snapshot", GWCTL_PAGER="no-such-pager")[1])
        status, shown = self.on_terminal("snapshot", GWCTL_PAGER="head -n 1")
        self.assertEqual((0, "shard 0 of 2\n"), (status, shown))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_under_sudo_it_is_less_in_its_secure_mode(self):
        less = os.path.join(self.folder, "less")
        with open(less, "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\nenv >{self.folder}/environment\ncat >/dev/null\n')
        os.chmod(less, 0o755)
        status, _ = self.on_terminal("snapshot", GWCTL_PAGER="touch /no/such/place", SUDO_UID="1000", LESS="Q",
                                     PATH=f"{self.folder}:{os.environ['PATH']}")
        self.assertEqual(0, status)
        with open(os.path.join(self.folder, "environment"), encoding="utf-8") as file:
            environment = file.read().splitlines()
        self.assertIn("LESSSECURE=1", environment)
        self.assertIn("LESS=FRX", environment)


if __name__ == "__main__":
    unittest.main()
