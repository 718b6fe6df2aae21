"""The commands of gwctl for scripts and monitoring, against daemons of every kind and none."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from test_control import DEADLINE, GWCTL, Case, FakeDaemon, ask_fast, hello_of

HOST = os.path.join(os.environ["GWBOT_TEST_BIN"], "host_client")
COMMANDS = (["health"], ["metrics"], ["doctor"], ["check"], ["wait", "ready", "--timeout", "400ms"])


def answers(results, version="0.1.0", protocol=(1, 1), capabilities=None):
    """What FakeDaemon asks for: hello, and the results of methods by name."""
    hello = hello_of(version, list(protocol), capabilities or list(results))

    def answer(line):
        message = json.loads(line)
        if message["method"] == "hello":
            return hello(line)
        result = {"schema": "gwctl/1", "command": message["method"], **results.get(message["method"], {})}
        return (json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n").encode()
    return answer


class Dying(FakeDaemon):
    """Hangs up behind the first bytes of an answer."""

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                for line in lines:
                    whole = self.answer(line)
                    if b"hello" in line:
                        peer.sendall(whole)
                    else:
                        peer.sendall(whole[:-20])
                        break


class Monitor(Case):
    def fake(self, answer, kind=FakeDaemon):
        daemon = kind(os.path.join(self.folder, "control.sock"), answer)
        self.addCleanup(daemon.close)
        return daemon

    def line(self, *args, status):
        run = self.gwctl("check", *args)
        self.assertEqual((run.returncode, run.stderr), (status, ""), run.stdout)
        self.assertEqual(run.stdout.count("\n"), 1)
        return run.stdout.rstrip("\n")


class Health(Monitor):
    def test_the_status_is_that_of_the_health_probe(self):
        for scene, status, state, http in (("ready", 0, "ready", 200), ("reconnecting", 9, "reconnecting", 503),
                                           ("never", 9, "starting", 503), ("fatal", 9, "fatal", 503)):
            daemon = self.start(scene)
            run = self.gwctl("health")
            self.assertEqual((run.returncode, run.stderr), (status, ""), scene)
            self.assertIn(f"{state}  ", run.stdout.split("\n")[0] + "  ")
            self.assertIn(f"/healthz {http}", run.stdout)
            run = self.gwctl("--json", "health")
            document = json.loads(run.stdout)
            self.assertEqual((run.returncode, document["state"], document["http_status"]), (status, state, http))
            self.assertEqual(status == 0, document["reasons"] == [])
            daemon.stop()

    def test_degraded_is_eight(self):
        self.fake(answers({"health": {"state": "degraded", "http_status": 206, "reasons": ["budget \u001b[31mlow"]}}))
        run = self.gwctl("health")
        self.assertEqual((run.returncode, run.stderr), (8, ""))
        self.assertRegex(run.stdout, r"Reason +budget .*low")
        self.assertNotIn("\033", run.stdout)

    def test_members_that_are_missing_are_shown_as_a_dash(self):
        self.fake(answers({"health": {}}))
        run = self.gwctl("health")
        self.assertEqual((run.returncode, run.stderr), (9, ""), "what says nothing is not ready")
        self.assertIn("- of - shards ready", run.stdout)

    def test_of_many_shards_those_in_trouble(self):
        self.start("most")
        document = json.loads(self.gwctl("--json", "health").stdout)
        self.assertEqual([shard["shard"] for shard in document["shards"]], [2, 999])
        self.assertEqual((document["shards_total"], document["shards_connected"]), (1000, 998))
        self.assertEqual(len(document["reasons"]), 2)

    def test_watching_goes_on_while_it_is_down(self):
        self.start("reconnecting")
        run = subprocess.Popen([GWCTL, "-s", self.daemons[0].path, "--json", "--watch=0.1", "health"],
                               stdout=subprocess.PIPE, text=True)
        states = [json.loads(run.stdout.readline())["state"] for _ in range(3)]
        run.terminate()
        run.wait(timeout=DEADLINE)
        run.stdout.close()
        self.assertEqual(states, ["reconnecting"] * 3)


class Check(Monitor):
    PERFDATA = re.compile(r"^\w+=(-?\d+(\.\d+)?(s|%|B|c)?|U)(;-?\d*(\.\d+)?:?){0,4}$")

    def figures(self, line):
        """The figures behind the bar, each as the guidelines have it."""
        found = line.split(" | ")[1].split(" ")
        for figure in found:
            self.assertRegex(figure, self.PERFDATA)
        return dict(figure.split("=") for figure in found)

    def test_ready(self):
        self.start("ready")
        line = self.line(status=0)
        self.assertTrue(line.startswith("OK - 1 of 1 shard ready, last event 0.4 s | "), line)
        self.assertEqual(self.figures(line), {"shards_ready": "1;1:;1:;0;1", "last_event": "0.412s;888;1110;0",
                                              "latency": "0.041234s;1;10;0"})

    def test_what_is_wrong_decides(self):
        daemon = self.start("two")
        self.assertTrue(self.line(status=1).startswith("WARNING - 1 of 2 shards ready, last event 12 s, "))
        daemon.stop()
        daemon = self.start("never")
        line = self.line(status=2)
        self.assertTrue(line.startswith("CRITICAL - 0 of 1 shard ready, last event unknown, starting: "), line)
        self.assertEqual(self.figures(line)["latency"], "U;1;10;0")
        daemon.stop()
        self.start("ready")
        self.assertTrue(self.line("--warn-age", "400ms", status=1).startswith("WARNING"))
        self.assertTrue(self.line("--crit-age=0.4", status=2).startswith("CRITICAL"))
        self.assertIn("latency 41 ms, limit 40 ms", self.line("--crit-latency", "40ms", status=2))
        self.assertIn("latency=0.041234s;0.05;10;0", self.line("--warn-latency", "50ms", status=0))

    def test_unknown_is_three_and_on_stdout(self):
        for args in (["--bogus"], ["--warn-age", "soon"], ["x"], ["--warn-age"], ["--fresh"],
                     ["--timeout", "x"], ["--warn-age", "2h"]):
            self.start("ready") if not self.daemons else None
            self.assertTrue(self.line(*args, status=3).startswith("UNKNOWN - "), args)
        run = self.gwctl("--json", "check", "--bogus")
        self.assertEqual((run.returncode, run.stderr), (3, ""))
        document = json.loads(run.stdout)
        self.assertEqual((document["status"], document["exit"], document["error"]["code"]), ("unknown", 3, "usage"))
        self.assertEqual(document["perfdata"], [])

    def test_json_is_the_same(self):
        self.start("two")
        run = self.gwctl("--json", "check")
        document = json.loads(run.stdout)
        self.assertEqual((run.returncode, document["exit"], document["status"]), (1, 1, "warning"))
        self.assertEqual([figure["label"] for figure in document["perfdata"]],
                         ["shards_ready", "last_event", "latency"])
        self.assertEqual(document["perfdata"][0]["warn"], "2:")
        self.assertEqual(len(document["reasons"]), 1)


class Wait(Monitor):
    def begin(self, *args):
        return subprocess.Popen([GWCTL, "-s", os.path.join(self.folder, "control.sock"), *args],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, run, status=0):
        out, err = run.communicate(timeout=DEADLINE)
        self.assertEqual(run.returncode, status, err)
        return out + err

    def test_what_holds_already(self):
        self.start("two")
        for condition in ("state=reconnecting", "shard=0:ready", "shard=1:backoff", "down"):
            run = self.gwctl("wait", condition)
            self.assertEqual((run.returncode, run.stdout), (0, f"{condition} already\n"), run.stderr)
        document = json.loads(self.gwctl("--json", "wait", "down").stdout)
        self.assertEqual((document["command"], document["condition"]), ("wait", "down"))
        self.assertLess(document["waited_seconds"], 5)

    def test_a_daemon_that_is_not_there_yet(self):
        run = self.begin("wait", "ready")
        time.sleep(0.4)
        self.assertIsNone(run.poll())
        self.start("ready")
        self.assertRegex(self.end(run), r"^ready after [\d.]+ s\n$")

    def test_restarts_meanwhile_are_survived(self):
        first = self.start("never")
        run = self.begin("wait", "ready")
        time.sleep(0.5)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        time.sleep(0.3)
        self.assertIsNone(run.poll(), "a socket that nobody listens on is waited for")
        second = self.start("never")
        time.sleep(0.3)
        second.stop()
        self.assertIsNone(run.poll())
        self.start("ready")
        self.end(run)

    def test_gone_and_down(self):
        self.assertEqual(self.gwctl("wait", "gone").stdout, "gone already\n")
        self.assertEqual(self.gwctl("wait", "down").stdout, "down already\n")
        daemon = self.start("ready")
        gone, down = self.begin("wait", "gone"), self.begin("wait", "down", "--timeout", "0")
        time.sleep(0.4)
        self.assertIsNone(gone.poll())
        self.assertIsNone(down.poll())
        daemon.stop()
        self.assertTrue(self.end(gone).startswith("gone after"))
        self.assertTrue(self.end(down).startswith("down after"))

    def test_timeouts_say_what_was_seen_last(self):
        run = self.gwctl("wait", "ready", "--timeout", "300ms")
        self.assertEqual((run.returncode, run.stdout), (5, ""))
        self.assertIn("does not exist", run.stderr)
        daemon = self.start("reconnecting")
        began = time.monotonic()
        run = self.gwctl("wait", "ready", "--timeout", "600ms")
        self.assertGreater(time.monotonic() - began, 0.6)
        self.assertEqual((run.returncode, run.stdout), (5, ""))
        self.assertIn("last seen: it is in the state reconnecting: shard 0: backing off", run.stderr)
        self.assertIn("gwctl explain", run.stderr)
        run = self.gwctl("wait", "shard=7:ready", "--timeout", "300ms")
        self.assertIn("last seen: there is no shard 7", run.stderr)
        run = self.gwctl("--json", "wait", "gone", "--timeout", "300ms")
        self.assertEqual((run.returncode, run.stdout), (5, ""))
        self.assertEqual(json.loads(run.stderr)["error"]["code"], "timed_out")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        run = self.gwctl("wait", "ready", "--timeout", "500ms")
        os.kill(daemon.process.pid, signal.SIGCONT)
        self.assertEqual(run.returncode, 5)
        self.assertIn("did not answer in time", run.stderr)

    def test_one_connection_is_kept_and_polled_gently(self):
        heard = []
        whole = answers({"health": {"state": "starting", "http_status": 503, "reasons": []}})

        def answer(line):
            heard.append(json.loads(line)["method"])
            return whole(line)
        self.fake(answer)
        self.gwctl("wait", "ready", "--timeout", "2s")
        self.assertEqual(heard.count("hello"), 1)
        self.assertLess(len(heard), 22, "at most one look in 100 ms")
        self.assertGreater(len(heard), 2)

    def test_interrupts_end_it_at_once(self):
        run = self.begin("wait", "ready", "--timeout", "0")
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        began = time.monotonic()
        run.communicate(timeout=DEADLINE)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn(run.returncode, (-signal.SIGINT, 130), "130 to a shell")

    def test_an_older_daemon_is_asked_for_its_status(self):
        self.fake(answers({"status": {"daemon": {"state": "ready"}}}, version="0.0.9"))
        self.assertEqual(self.gwctl("wait", "ready").returncode, 0)

    def test_nothing_to_wait_for(self):
        for args in (["wait"], ["wait", "raedy"], ["wait", "state=raedy"], ["wait", "ready", "down"],
                     ["wait", "ready", "--watch"], ["wait", "ready", "--timeout", "x"]):
            run = self.gwctl(*args)
            self.assertEqual((run.returncode, run.stdout), (2, ""), args)
            self.assertTrue(run.stderr.startswith("gwctl: "), args)


class Metrics(Monitor):
    def test_all_or_those_that_fit(self):
        self.start("two")
        text = self.gwctl("metrics").stdout
        self.assertIn('\ngwbotd_shard_up{shard="0"} 1\ngwbotd_shard_up{shard="1"} 0\n', text)
        self.assertNotIn("\n\n", text)
        one = self.gwctl("metrics", "shard_up").stdout
        self.assertIn(one, text)
        self.assertEqual(one, self.gwctl("metrics", "gwbotd_shard_up").stdout)
        self.assertEqual(one.count("\n"), 4)
        document = json.loads(self.gwctl("--json", "metrics", "process_*").stdout)
        self.assertEqual(document["content_type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(len(document["metrics"]), 7)
        self.assertEqual(set(document["metrics"][0]), {"name", "type", "unit", "text"})
        run = self.gwctl("metrics", "nothing")
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn('no metric fits "nothing"', run.stderr)
        with self.daemons[0].connect() as peer:
            self.assertEqual(ask_fast(peer, "metrics", params=[7])["error"]["code"], -32602)

    def test_a_thousand_shards_are_bounded_and_hold_nobody_up(self):
        daemon = self.start("most")
        whole = []
        worst = 0.0
        loader = threading.Thread(target=lambda: whole.extend(self.gwctl("metrics") for _ in range(3)))
        with daemon.connect() as peer:
            loader.start()
            while loader.is_alive():
                began = time.monotonic()
                ask_fast(peer, "version")
                worst = max(worst, time.monotonic() - began)
                time.sleep(0.002)
            loader.join()
        for run in whole:
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertEqual(run.stdout.count("gwbotd_shard_up{"), 1000)
            self.assertGreater(len(run.stdout), 1000000)
            self.assertLess(len(run.stdout), 4 * 1024 * 1024)
        print(f"metrics of 1000 shards: {len(whole[0].stdout)} bytes, "
              f"others wait {worst * 1000:.0f} ms at most")
        self.assertLess(worst, 2)

    def test_a_reader_that_stops_costs_little_memory(self):
        daemon = self.start("most")
        with daemon.connect() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(b'{"jsonrpc":"2.0","id":1,"method":"metrics"}\n')
            time.sleep(0.3)
            with daemon.connect() as other:
                self.assertIn("result", ask_fast(other, "version"))


class Doctor(Monitor):
    def test_both_sides_speak(self):
        self.start("ready")
        run = self.gwctl("doctor")
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        lines = run.stdout.rstrip("\n").split("\n")
        self.assertRegex(lines[0], r"^ok    versions    gwctl and gwbotd \d")
        self.assertRegex(run.stdout, r"(?m)^warn  clock       3\.8 s ahead of Discord's")
        self.assertRegex(run.stdout, r"(?m)^warn  memory      323\.0 of 384\.0 MiB\n +fix: ")
        self.assertEqual(lines[-1], "0 failures, 2 warnings")
        document = json.loads(self.gwctl("--json", "doctor").stdout)
        self.assertEqual((document["failures"], document["warnings"]), (0, 2))
        self.assertEqual({finding["where"] for finding in document["findings"]}, {"gwctl", "gwbotd"})
        for finding in document["findings"]:
            self.assertEqual(finding["level"] == "ok", finding["fix"] is None, finding)

    def test_a_failure_is_one(self):
        self.start("fatal")
        run = self.gwctl("doctor")
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stdout, r"(?m)^fail  gateway     1 of 1 not connected; shard 0: 4004: the token")
        self.assertTrue(run.stdout.endswith("1 failure, 2 warnings\n"))

    def offline(self, config, *args):
        """doctor without a daemon, with a configuration of its own."""
        path = os.path.join(self.folder, "gwbot.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(config)
        env = {"GWBOT_CONFIG": path, "GWBOT_STATE_DIR": os.path.join(self.folder, "state")}
        run = self.gwctl("doctor", *args, env=env)
        self.assertEqual((run.returncode, run.stderr), (1, ""), "no daemon is a failure")
        return run.stdout

    def test_without_a_daemon_what_gwctl_can_see(self):
        shown = self.offline("http: { port = 10001; };\n")
        self.assertRegex(shown, r"(?m)^fail  daemon    cannot reach gwbotd: ")
        self.assertIn("fix: is it running? systemctl status gwbotd; logs: journalctl", shown)
        self.assertRegex(shown, r"(?m)^ok    config    .*gwbot\.conf, no errors")
        self.assertIn("is made at the start", shown)
        os.mkdir(os.path.join(self.folder, "state"))
        os.chmod(os.path.join(self.folder, "state"), 0o777)
        shown = self.offline("").replace("\n" + 16 * " ", " ")
        self.assertRegex(shown, r"(?m)^fail  state .*has mode 0777: gwbotd does not use it")
        shown = self.offline("watchdog: { stal = 3; };\nhttp: { port = 0; };\n")
        self.assertRegex(shown, r"(?m)^fail  config    2 errors: .*gwbot\.conf:1")
        self.assertIn("fix: all of them: gwbotd --check", shown)

    def test_a_stale_socket_and_a_file_in_its_place(self):
        path = os.path.join(self.folder, "control.sock")
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(path)
        dead.close()
        os.chmod(path, 0o666)
        shown = self.offline("").replace("\n" + 16 * " ", " ")
        self.assertIn("nobody listens on", shown)
        self.assertIn("everybody here may command", shown)
        self.assertIn(f"fix: chmod 0660 {path}", shown)
        os.unlink(path)
        with open(path, "w", encoding="ascii"):
            pass
        self.assertIn("is no socket", self.offline(""))

    def test_a_token_file_that_others_may_read(self):
        token = os.path.join(self.folder, "token")
        with open(token, "w", encoding="ascii") as file:
            file.write("x\n")
        self.fake(answers({"doctor": {"token_file": token, "findings": []}}))
        os.chmod(token, 0o644)
        self.assertIn("fix: chmod 0640 " + token, self.gwctl("doctor").stdout.replace("\n" + 18 * " ", " "))
        os.chmod(token, 0o600)
        self.assertRegex(self.gwctl("doctor").stdout, r"(?m)^ok    token file  .*token, mode 0600")


class MemoryLimit(unittest.TestCase):
    """The least limit of the control groups around a process."""

    def limit(self, group, limits):
        with tempfile.TemporaryDirectory(prefix="host-") as root:
            os.makedirs(root + "/proc/self")
            if group is not None:
                with open(root + "/proc/self/cgroup", "w", encoding="ascii") as file:
                    file.write(group)
            for folder, limit in limits.items():
                os.makedirs(f"{root}/sys/fs/cgroup{folder}", exist_ok=True)
                with open(f"{root}/sys/fs/cgroup{folder}/memory.max", "w", encoding="ascii") as file:
                    file.write(limit)
            run = subprocess.run([HOST, root], capture_output=True, text=True, timeout=DEADLINE, check=True)
            return int(run.stdout)

    def test_the_least_counts(self):
        service = "0::/system.slice/gwbotd.service\n"
        for group, limits, wanted in (
                (service, {"/system.slice/gwbotd.service": "1000\n"}, 1000),
                (service, {"/system.slice/gwbotd.service": "max\n"}, 0),
                (service, {"/system.slice/gwbotd.service": "max\n", "/system.slice": "900\n"}, 900),
                (service, {"/system.slice/gwbotd.service": "1000\n", "/system.slice": "900\n"}, 900),
                (service, {"/system.slice/gwbotd.service": "800\n", "/system.slice": "900\n"}, 800),
                (service, {}, 0),
                ("0::/\n", {"": "700\n"}, 700),
                ("12:memory:/x\n0::/a\n", {"/a": "5\n"}, 5),
                ("12:memory:/x\n", {"/x": "5\n"}, 0),
                ("", {"": "5\n"}, 0),
                (None, {"": "5\n"}, 0),
                ("0::/" + "a" * 3000 + "\n", {"": "5\n"}, 0),
                ("0::/a\n", {"/a": ""}, 0)):
            self.assertEqual(self.limit(group, limits), wanted, (group, limits))


class Skew(Monitor):
    """A gwctl and a gwbotd that did not come with the same package."""

    def test_another_version_of_the_same_protocol_is_one_line(self):
        for version, words in (("0.0.9", "to run the new gwbotd: gwctl reboot"),
                               ("99.1.0", "install the package that gwbotd came from")):
            daemon = self.fake(answers({"status": {"daemon": {"version": version, "state": "ready"}},
                                        "version": {"gwbotd": {"version": version, "protocol": [1, 1]}},
                                        "doctor": {"findings": []}}, version=version))
            for command in ("status", "version", "doctor"):
                run = self.gwctl(command)
                self.assertEqual((run.returncode, run.stderr), (0, ""), command)
                self.assertIn(words, re.sub(r"\s+", " ", run.stdout), command)
                self.assertIn(version, run.stdout)
            document = json.loads(self.gwctl("--json", "version").stdout)
            self.assertIs(document["differs"], True)
            self.assertIn(words, document["hint"])
            daemon.close()
            os.unlink(os.path.join(self.folder, "control.sock"))
        self.start("ready")
        self.assertNotIn("reboot", self.gwctl("version").stdout)
        self.assertIs(json.loads(self.gwctl("--json", "version").stdout)["differs"], False)

    def test_protocols_that_do_not_meet(self):
        for version, protocol, words in (("2.0.0", [3, 4], "gwctl is the older one: install the package"),
                                         ("0.0.1", [0, 0], "systemctl restart gwbotd")):
            daemon = self.fake(hello_of(version, protocol))
            for command in (["health"], ["metrics"], ["version"], ["wait", "ready"]):
                run = self.gwctl(*command)
                self.assertEqual(run.returncode, 6, (command, run.stderr))
                self.assertIn(f"gwbotd {version} speaks protocol", run.stderr)
                self.assertRegex(run.stderr, r"gwctl \d")
                self.assertIn(words, run.stderr)
            self.assertIn(f"gwbotd {version}", self.line(status=3))
            run = self.gwctl("doctor")
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertRegex(run.stdout, rf"(?m)^warn  daemon +gwbotd {version} speaks protocol")
            daemon.close()
            os.unlink(os.path.join(self.folder, "control.sock"))

    def test_a_daemon_that_lacks_the_command(self):
        self.fake(answers({"status": {}}, version="0.0.9"))
        for command in (["health"], ["metrics"]):
            run = self.gwctl(*command)
            self.assertEqual(run.returncode, 6)
            self.assertIn(f'gwbotd 0.0.9 does not know "{command[0]}"', run.stderr)
            self.assertIn("systemctl restart gwbotd", run.stderr)
        self.assertIn('does not know "health"', self.line(status=3))
        run = self.gwctl("doctor")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn('does not know "doctor"', run.stdout)

    def test_answers_without_members(self):
        self.fake(answers({"health": {}, "metrics": {}, "doctor": {}, "version": {}, "status": {}}))
        for command, status in (("health", 9), ("metrics", 0), ("doctor", 0), ("version", 0), ("status", 0),
                                ("check", 3)):
            run = self.gwctl(command)
            self.assertEqual((run.returncode, run.stderr), (status, ""), command)


class Matrix(Monitor):
    """Each way in which a daemon can fail to answer, for each command."""

    def expect(self, status, code, words, commands=COMMANDS):
        for command in commands:
            run = self.gwctl(*command)
            name = command[0]
            if name == "check":
                self.assertEqual((run.returncode, run.stderr), (3, ""), run.stdout)
                self.assertIn("UNKNOWN - ", run.stdout)
                self.assertIn(words, run.stdout)
                document = json.loads(self.gwctl(*command, "--json").stdout)
                self.assertEqual(document["error"]["code"], code)
                self.assertTrue(document["error"]["hint"])
                continue
            if name == "doctor":
                self.assertEqual((run.returncode, run.stderr), (1, ""), run.stdout)
                self.assertIn(words, re.sub(r"\s+", " ", run.stdout))
                self.assertIn("fix: ", run.stdout)
                continue
            if name == "wait":
                # It goes on, and tells at its end what it saw.
                self.assertEqual((run.returncode, run.stdout), (5, ""), run.stderr)
                self.assertIn(words, run.stderr)
                continue
            self.assertEqual((run.returncode, run.stdout), (status, ""), run.stderr)
            self.assertRegex(run.stderr, r"^gwctl: .*\n       .*\n$", "the cause, then what to type")
            self.assertIn(words, run.stderr)
            run = self.gwctl(*command, "--json")
            self.assertEqual((run.returncode, run.stdout), (status, ""))
            error = json.loads(run.stderr)["error"]
            self.assertEqual((error["exit"], error["code"]), (status, code))
            self.assertTrue(error["hint"])

    def test_no_daemon(self):
        self.expect(3, "not_running", "does not exist")

    def test_a_stale_socket(self):
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(os.path.join(self.folder, "control.sock"))
        dead.close()
        self.expect(3, "not_running", "nobody listens on")

    def test_a_daemon_that_does_not_answer(self):
        daemon = self.start("ready")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        commands = [[*command, "-t", "400ms"] for command in COMMANDS]
        self.expect(5, "timed_out", "did not answer in time", commands)
        os.kill(daemon.process.pid, signal.SIGCONT)

    def test_a_daemon_that_dies_in_the_middle_of_an_answer(self):
        self.fake(answers({"health": {"a": "b" * 100}, "metrics": {}, "doctor": {}}), Dying)
        self.expect(1, "closed", "in the middle of an answer")

    def test_a_daemon_that_hangs_up(self):
        self.fake(lambda line: None)
        self.expect(1, "closed", "without an answer")

    def test_garbage(self):
        self.fake(lambda line: b"220 mail.example ESMTP\r\n")
        self.expect(1, "protocol", "does not speak gwbotd's control protocol")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_no_permission(self):
        daemon = self.start("ready")
        os.chmod(self.folder, 0o755)
        for command, status in ((["health"], 4), (["metrics"], 4), (["check"], 3), (["doctor"], 1),
                                (["wait", "ready", "--timeout", "20s"], 4)):
            began = time.monotonic()
            run = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", GWCTL, "-s", daemon.path,
                 *command], capture_output=True, text=True, timeout=DEADLINE, check=False,
                env={"PATH": os.environ["PATH"]})
            if run.returncode in (126, 127):
                self.skipTest("another user cannot run the build")
            self.assertEqual(run.returncode, status, run.stderr)
            self.assertIn("permission denied (you are uid 65534",
                          re.sub(r"\s+", " ", run.stdout + run.stderr))
            self.assertLess(time.monotonic() - began, 10, "a right that is missing does not come by waiting")


if __name__ == "__main__":
    unittest.main(verbosity=1)
