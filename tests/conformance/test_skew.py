"""C11: gwctl with a gwbotd one version older or newer, in both directions and for every screen.

A stand-in daemon gives the answers of the real one, less a member (which an older one did
not know yet) or with members and words that gwctl does not know (which a newer one has).
"""

import copy
import json
import os
import pathlib
import socket
import unittest

import test_control
from test_control import Case, Daemon, FakeDaemon

OLDER, NEWER = "0.0.9", "7.0.0"

# With the checkers each run of gwctl takes several times as long: a part of them there.
EVERY = 12 if b"__asan_init" in pathlib.Path(test_control.GWCTL).read_bytes() else 1

# Each screen that reads, and the scene that has something to show on it.
READS = (
    ("status", "reconnecting", []), ("status", "two", []), ("health", "ready", []), ("snapshot", "two", []),
    ("shards", "two", []), ("latency", "ready", []), ("explain", "reconnecting", []), ("events", "ready", []),
    ("thresholds", "ready", []), ("probes", "ready", []), ("jobs", "ready", []), ("config", "ready", ["watchdog"]),
    ("log", "ready", []), ("doctor", "ready", []), ("metrics", "ready", ["gwbotd_build_info"]),
)


def paths_of(value, path=()):
    """Each member of objects, those in the first element of arrays too; depth first."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from paths_of(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from paths_of(value[0], (*path, 0))


def without(value, path):
    """A copy where the member is gone, in all elements of the arrays on the way."""
    fresh = copy.deepcopy(value)

    def drop(inner, rest):
        if isinstance(inner, list):
            for element in inner:
                drop(element, rest[1:])
        elif isinstance(inner, dict) and len(rest) == 1:
            inner.pop(rest[0], None)
        elif isinstance(inner, dict):
            drop(inner.get(rest[0]), rest[1:])

    drop(fresh, path)
    return fresh


def with_more(value):
    """A copy where every object has members of the future."""
    if isinstance(value, list):
        return [with_more(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {"a_future_member": {"deep": [1, None]}, **{name: with_more(each) for name, each in value.items()},
            "another": "\u001b[31mred"}


class Skew(Case):
    def setUp(self):
        super().setUp()
        self.answer = None
        self.hello = None

    def real(self, scene, method, params):
        """(hello, result) of the real one."""
        daemon = Daemon(self.folder, scene, name="real.sock")
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(20)
                peer.connect(daemon.path)
                answers = [test_control.ask(peer, name, params=words)["result"]
                           for name, words in (("hello", {"client": "t", "protocol": [1, 1]}), (method, params))]
        finally:
            daemon.stop()
        os.unlink(daemon.path) if os.path.exists(daemon.path) else None
        return answers

    def serve(self, line):
        message = json.loads(line)
        result = self.hello if message["method"] == "hello" else self.answer
        return (json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n").encode()

    def stand_in(self):
        daemon = FakeDaemon(os.path.join(self.folder, "control.sock"), self.serve)
        self.addCleanup(daemon.close)

    def test_an_older_one_that_tells_less(self):
        """Every member of every answer left out once: 0 or what health means, never a wreck."""
        self.stand_in()
        count = 0
        for method, scene, words in READS:
            self.hello, full = self.real(scene, method, words)
            self.hello["version"] = OLDER
            self.answer = full
            usual = self.gwctl(method, *words)
            self.assertIn(usual.returncode, (0, 8, 9), usual.stderr)
            for path in sorted(set(paths_of(full)), key=str)[::EVERY]:
                self.answer = without(full, path)
                run = self.gwctl(method, *words)
                where = f"{method} without {path}: {run.stderr}"
                self.assertIn(run.returncode, {0, usual.returncode, 9}, where)
                self.assertNotIn("nan", run.stdout, where)
                self.assertNotIn("(null)", run.stdout, where)
                count += 1
        self.assertGreater(count, 300 // EVERY)
        print(f"{count} members left out")

    def test_an_older_one_is_named_under_the_screen(self):
        self.stand_in()
        self.hello, self.answer = self.real("ready", "status", [])
        self.hello["version"] = self.answer["daemon"]["version"] = OLDER
        run = self.gwctl("status")
        self.assertEqual(0, run.returncode)
        said = " ".join(run.stdout.split())
        self.assertIn(f"gwbotd {OLDER} runs and gwctl is", said)
        self.assertIn("to run the new gwbotd: gwctl reboot", said)

    def test_an_older_one_without_a_method_is_the_only_6(self):
        self.stand_in()
        self.hello, self.answer = self.real("ready", "status", [])
        self.hello["version"] = OLDER
        self.hello["capabilities"] = ["status", "version"]
        self.assertEqual(0, self.gwctl("status").returncode)
        for method, _, words in READS:
            if method == "doctor":  # which looks at more than the daemon
                self.assertIn('does not know "doctor"', self.gwctl("doctor").stdout)
            elif method != "status":
                run = self.gwctl(method, *words)
                self.assertEqual(6, run.returncode, (method, run.stdout, run.stderr))
                self.assertIn(OLDER, run.stderr)
                self.assertIn(method, run.stderr)

    def test_a_newer_one_that_tells_more(self):
        self.stand_in()
        for method, scene, words in READS:
            self.hello, full = self.real(scene, method, words)
            self.answer = full
            usual = self.gwctl(method, *words)
            self.hello = with_more(self.hello)
            self.hello["version"] = NEWER
            self.hello["protocol"] = [1, 9]
            self.hello["capabilities"].append("telepathy")
            self.answer = with_more(full)
            run = self.gwctl(method, *words)
            self.assertEqual(usual.returncode, run.returncode, (method, run.stderr))
            self.assertNotIn("\033", run.stdout, method)
            as_json = self.gwctl("--json", method, *words)
            self.assertEqual(usual.returncode, as_json.returncode, method)
            if method != "doctor":  # which gwctl puts together
                self.assertEqual({"deep": [1, None]}, json.loads(as_json.stdout).get("a_future_member"), method)

    def test_words_that_a_newer_one_has(self):
        """A state, a cure, a level or a kind that did not exist when gwctl was built."""
        self.stand_in()
        texts = 0
        for method, scene, words in READS:
            self.hello, full = self.real(scene, method, words)
            self.hello["version"] = NEWER
            for path in sorted(set(paths_of(full)), key=str)[::EVERY]:
                place = full
                for step in path[:-1]:
                    place = place[step]
                if not isinstance(place[path[-1]], str) or path[0] in ("schema", "command", "time"):
                    continue
                self.answer = copy.deepcopy(full)
                place = self.answer
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = "hibernating"
                run = self.gwctl(method, *words)
                self.assertIn(run.returncode, (0, 8, 9), (method, path, run.stderr))
                texts += 1
        self.assertGreater(texts, 40 // EVERY)
        print(f"{texts} words replaced")


if __name__ == "__main__":
    unittest.main()
