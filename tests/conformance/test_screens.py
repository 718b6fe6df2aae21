"""gwctl's screens, compared with tests/golden/gwctl; tests/golden/remake writes them anew."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unicodedata
import unittest

import test_control

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "gwctl")
PID = "1412"
CHANGING = {"reboot", "stop", "set", "reset", "debug"}
WIDE = "@120.txt"  # ends the name of a golden file that differs at 120 columns

# name: scene of the daemon (None: there is none), arguments of gwctl
SCREENS = {
    "status-ready": ("ready", ["status"]),
    "status-two-shards": ("two", ["status"]),
    "status-reconnecting": ("reconnecting", ["status"]),
    "status-never-connected": ("never", ["status"]),
    "status-fatal": ("fatal", ["status"]),
    "health": ("ready", ["health"]),
    "health-json": ("two", ["--json", "health"]),
    "health-down": ("fatal", ["health"]),
    "health-range": ("range", ["health"]),
    "check": ("ready", ["check"]),
    "check-critical": ("fatal", ["check"]),
    "check-json": ("two", ["--json", "check"]),
    "check-usage": (None, ["check", "--bogus"]),
    "check-no-daemon": (None, ["check"]),
    "wait": ("ready", ["wait", "ready"]),
    "wait-timeout": ("reconnecting", ["wait", "ready", "--timeout", "300ms"]),
    "wait-unknown": (None, ["wait", "state=raedy"]),
    "metrics": ("two", ["metrics", "gwbotd_identify_*"]),
    "metrics-json": ("ready", ["--json", "metrics", "shard_up"]),
    "doctor": ("ready", ["doctor"]),
    "doctor-fatal": ("fatal", ["doctor"]),
    "doctor-json": ("ready", ["--json", "doctor"]),
    "status-json": ("two", ["--json", "status"]),
    "snapshot": ("two", ["snapshot"]),
    "snapshot-one-shard": ("reconnecting", ["snapshot", "0"]),
    "snapshot-unknown-shard": ("ready", ["snapshot", "7"]),
    "status-range": ("range", ["status"]),
    "status-500-shards": ("many", ["status"]),
    "shards-one": ("ready", ["shards"]),
    "shards-two": ("two", ["shards"]),
    "shards-json": ("two", ["--json", "shards"]),
    "shards-range": ("range", ["shards", "20-22"]),
    "shards-500-down": ("many", ["shards", "down"]),
    "shards-never": ("never", ["shards"]),
    "shards-fatal": ("fatal", ["shards"]),
    "shards-outside": ("range", ["shards", "8-20"]),
    "latency": ("two", ["latency"]),
    "latency-one": ("ready", ["latency", "0"]),
    "latency-json": ("two", ["--json", "latency", "1"]),
    "latency-stale": ("stale", ["latency"]),
    "latency-never": ("never", ["latency"]),
    "reconnect": ("ready", ["reconnect"]),
    "reconnect-range": ("range", ["reconnect", "20-22"]),
    "reconnect-fresh": ("range", ["reconnect", "20", "--fresh", "--yes"]),
    "reconnect-fresh-unconfirmed": ("ready", ["reconnect", "--fresh"]),
    "reconnect-fresh-too-many": ("many", ["reconnect", "--fresh", "-y"]),
    "reconnect-outside": ("range", ["reconnect", "15"]),
    "explain-ready": ("ready", ["explain"]),
    "explain-unanswered": ("stale", ["explain"]),
    "explain-reconnecting": ("reconnecting", ["explain"]),
    "explain-never": ("never", ["explain"]),
    "explain-two": ("two", ["explain"]),
    "explain-500-shards": ("many", ["explain"]),
    "explain-fatal": ("fatal", ["explain"]),
    "explain-json": ("two", ["--json", "explain"]),
    "explain-option": (None, ["explain", "watchdog.stall"]),
    "explain-option-json": (None, ["--json", "explain", "watchdog.stall"]),
    "explain-variable": (None, ["explain", "WATCHDOG_CHECK_SEC"]),
    "explain-metric": (None, ["explain", "gwbotd_shard_up"]),
    "explain-status": (None, ["explain", "1"]),
    "explain-status-of-gwctl": (None, ["explain", "gwctl", "3"]),
    "explain-close-code": (None, ["explain", "4004"]),
    "explain-command": (None, ["explain", "reconnect"]),
    "explain-unknown": (None, ["explain", "watchdog.stal"]),
    "explain-unknown-json": (None, ["--json", "explain", "99999"]),
    "explain-no-daemon": (None, ["explain"]),
    "probes": ("two", ["probes"]),
    "probes-one": ("two", ["probes", "db"]),
    "probes-json": ("two", ["--json", "probes", "site"]),
    "probes-none": ("ready", ["probes"]),
    "probes-unknown": ("two", ["probes", "dc"]),
    "jobs": ("two", ["jobs"]),
    "jobs-none": ("ready", ["jobs"]),
    "job-run": ("two", ["job", "run", "refresh"]),
    "job-run-busy": ("two", ["job", "run", "rotate"]),
    "job-run-unknown": ("two", ["job", "run", "refrsh"]),
    "job-without-run": ("two", ["job", "refresh"]),
    "thresholds": ("two", ["thresholds"]),
    "thresholds-overridden": ("overridden", ["thresholds"]),
    "thresholds-json": ("overridden", ["--json", "thresholds"]),
    "thresholds-set": ("ready", ["thresholds", "set", "keepalive", "2min", "--for", "1h"]),
    "thresholds-set-json": ("ready", ["--json", "thresholds", "set", "stall", "20min"]),
    "thresholds-set-same": ("ready", ["thresholds", "set", "watchdog.max_latency", "10"]),
    "thresholds-set-range": ("ready", ["thresholds", "set", "stall", "99d"]),
    "thresholds-set-unknown": ("ready", ["thresholds", "set", "stal", "90"]),
    "thresholds-reset": ("overridden", ["thresholds", "reset"]),
    "thresholds-reset-nothing": ("ready", ["thresholds", "reset", "stall"]),
    "config-overridden": ("overridden", ["config", "watchdog"]),
    "log": ("ready", ["log"]),
    "log-set": ("ready", ["log", "debug", "--for", "10min"]),
    "log-unknown": ("ready", ["log", "verbose"]),
    "stop": ("ready", ["stop", "--yes"]),
    "stop-unconfirmed": ("ready", ["stop"]),
    "reboot": ("ready", ["reboot"]),
    "reboot-json": ("ready", ["--json", "reboot"]),
    "status-names": ("names", ["status"]),
    "shards-names": ("names", ["shards"]),
    "snapshot-names": ("names", ["snapshot", "1"]),
    "sim-without-sim": ("ready", ["sim", "freeze"]),
    "version": ("ready", ["version"]),
    "help": (None, ["help"]),
    "help-command": (None, ["help", "snapshot"]),
    "no-daemon": (None, ["status"]),
    "no-daemon-json": (None, ["--json", "status"]),
    "unknown-command": (None, ["staus"]),
    "unknown-option": (None, ["--bogus", "status"]),
}


def columns(line):
    """How many columns of a terminal a line takes."""
    width = 0
    for letter in line:
        if unicodedata.category(letter) not in ("Mn", "Me", "Cf"):
            width += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
    return width


class Screens(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gwctl-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.path = os.path.join(self.folder, "control.sock")
        self.version = subprocess.run(
            [test_control.GWCTL, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]

    def normal(self, text):
        """What differs from run to run, by name."""
        text = text.replace(self.path, "SOCKET").replace(self.folder, "FOLDER")
        text = re.sub(r"(caller +|\"text\":\")uid \d+ \([^)]*\)", r"\1uid UID (USER)", text)
        text = re.sub(r"mode 0660, group \w+", "mode 0660, group GROUP", text)
        text = re.sub(r"(?m)^(ok    socket +).*\n(?: .*\n)*", r"\1SOCKET\n", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
        text = re.sub(r"since (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "since TIME", text)
        text = re.sub(r'"(state_age|last_run_age)_seconds":([0-9]+)[.0-9]*', r'"\1_seconds":\2', text)
        text = re.sub(r"(until|back at) [\d: -]+ \(in", r"\1 CLOCK (in", text)
        text = re.sub(r'"uptime_seconds":2743\d\d[.\d]*', '"uptime_seconds":274375', text)
        text = re.sub(r"reverts at \d\d:\d\d(:\d\d)?", "reverts at HH:MM", text)
        text = re.sub(r"in 55 min( \d s)?|in 54 min 5\d s", "in 55 min", text)
        text = re.sub(r'(age|in)_seconds":(300|3300|3599|3600)[.\d]*', r'\1_seconds":\2', text)
        text = re.sub(r'"uid":\d+,"pid":\d+', '"uid":UID,"pid":PID', text)
        return text.replace(self.version, "VERSION")

    def compare(self, name, run):
        shown = self.normal(f"{run.stdout}{run.stderr}exit {run.returncode}\n")
        self.compare_file(name, shown)
        self.check_width(name, run, 80)
        return shown

    def compare_file(self, name, shown):
        path = os.path.join(GOLDEN, name + ".txt")
        if os.environ.get("GWBOT_REMAKE"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(shown)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(shown, file.read(), name)

    def check_width(self, name, run, most):
        # A plugin says all in one line.
        if "json" not in name and not name.startswith(("check", "metrics")):
            for line in self.normal(run.stdout).replace("VERSION", self.version).split("\n"):
                self.assertLessEqual(columns(line), most, line)
                self.assertEqual(line.rstrip(), line)

    def compare_widths(self, name, args):
        """A screen at 80 columns, at 120 where that differs, and at 40, where it is only to fit."""
        usual = self.compare(name, self.run_gwctl(args))
        if set(args) & CHANGING:  # it says something else the second time
            return
        run = self.run_gwctl(args, COLUMNS="120")
        wide = self.normal(f"{run.stdout}{run.stderr}exit {run.returncode}\n")
        path = os.path.join(GOLDEN, name + WIDE)
        if wide != usual:
            self.compare_file(name + WIDE.removesuffix(".txt"), wide)
        elif os.environ.get("GWBOT_REMAKE") and os.path.exists(path):
            os.remove(path)
        self.assertEqual(wide != usual, os.path.exists(path), name)
        self.check_width(name, run, 120)
        run = self.run_gwctl(args, COLUMNS="40")
        self.check_width(name, run, 40)

    def run_gwctl(self, args, prefix=(), **more):
        env = {"PATH": os.environ["PATH"], "HOME": self.folder,
               "GWBOT_STATE_DIR": os.path.join(self.folder, "state"), **more}
        return subprocess.run([*prefix, test_control.GWCTL, "-s", self.path, *args], env=env,
                              stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)

    def test_screens(self):
        for name, (scene, args) in SCREENS.items():
            with self.subTest(name):
                if scene is None:
                    self.compare_widths(name, args)
                    continue
                daemon = test_control.Daemon(self.folder, scene, ("-p", PID))
                try:
                    self.compare_widths(name, args)
                finally:
                    daemon.stop()

    def test_every_golden_file_is_of_a_screen(self):
        names = {name[:-4] for name in os.listdir(GOLDEN) if not name.endswith(WIDE)}
        self.assertEqual(names, set(SCREENS) | {"no-permission", "skew"})

    def test_skew(self):
        daemon = test_control.FakeDaemon(self.path, test_control.hello_of("2.0.0", [3, 4]))
        self.addCleanup(daemon.close)
        self.compare("skew", self.run_gwctl(["status"]))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_no_permission(self):
        daemon = test_control.Daemon(self.folder)
        self.addCleanup(daemon.stop)
        os.chmod(self.folder, 0o755)
        os.chown(self.path, 0, 4)  # adm has this number on every Debian
        run = self.run_gwctl(["status"], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        if run.returncode in (126, 127):
            self.skipTest("another user cannot run the build")
        self.compare("no-permission", run)


class Readable(unittest.TestCase):
    """What the golden files promise beyond their letters."""

    def read(self, name):
        with open(os.path.join(GOLDEN, name + ".txt"), encoding="utf-8") as file:
            return file.read()

    def test_no_screen_has_control_characters(self):
        for name in os.listdir(GOLDEN):
            self.assertNotRegex(self.read(name[:-4]), r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", name)

    def test_trouble_says_why_and_what_next(self):
        screen = self.read("status-reconnecting")
        self.assertRegex(screen, r"Reason +connection refused by ")
        self.assertRegex(screen, r"Next +tries to resume at the resume host in 3\.2 s")

    def test_the_manual_has_every_option(self):
        with open(os.path.join(GOLDEN, "../../../man/gwctl.1.in"), encoding="utf-8") as file:
            manual = file.read()
        options = re.findall(r"^  -(\w), --(\w+)", self.read("help"), re.M)
        self.assertGreater(len(options), 5)
        for letter, name in options:
            self.assertIn(f"\n.It Fl {letter} , -{name}", manual)

    def test_explain_says_what_acts_when_and_what_prevents_it(self):
        for name in ("ready", "unanswered", "reconnecting", "never", "two", "500-shards", "fatal"):
            screen = self.read("explain-" + name)
            self.assertRegex(screen, r"\n  Next +(now|in \d[\d.]* \w+)", name)
            self.assertGreaterEqual(screen.count("prevented by"), len(re.findall(r"\n  Next", screen)), name)

    def test_json_is_one_document(self):
        for name in ("status-json", "reboot-json", "explain-json", "explain-option-json"):
            document, status = self.read(name).rstrip("\n").split("\n")
            self.assertEqual(json.loads(document)["schema"], "gwctl/1")
            self.assertEqual(status, "exit 0")


if __name__ == "__main__":
    unittest.main()
