"""The control socket against clients of every kind, and gwctl against daemons of every kind."""

import contextlib
import json
import os
import pty
import resource
import shutil
import signal
import socket
import stat
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import unittest

GWCTL = os.path.join(os.environ["GWBOT_BIN"], "gwctl")
CLIENT = os.path.join(os.environ["GWBOT_TEST_BIN"], "control_client")
DEADLINE = 20.0


def wait_for(condition, what, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("gave up waiting for " + what)


def connects(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


class Daemon:
    """control_client on a socket of its own."""

    def __init__(self, folder, scene="ready", args=(), name="control.sock", limit=None):
        self.path = os.path.join(folder, name)
        self.log = tempfile.NamedTemporaryFile(dir=folder, prefix="log-")
        self.last_words = None
        preexec = None
        if limit:
            preexec = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.process = subprocess.Popen(
            [CLIENT, *args, self.path, scene], stderr=self.log, preexec_fn=preexec)
        try:
            wait_for(lambda: self.has_logged("event=listening"), "the daemon")
        except AssertionError:
            self.stop()
            raise

    def text(self):
        if self.last_words is not None:
            return self.last_words
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def has_logged(self, words):
        if self.process.poll() is not None and words not in self.text():
            raise AssertionError("the daemon ended: " + self.text())
        return words in self.text()

    def connect(self):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(DEADLINE)
        peer.connect(self.path)
        return peer

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sleeps(self):
        """How often it went to sleep: each time something had woken it."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))

    def is_stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def stop(self):
        if self.last_words is not None:
            return self.process.returncode
        if self.process.poll() is None:
            # Never to one that runs: SIGCONT takes back the SIGSTOP with which the leak
            # checker attaches to an ending process, and it would then wait for ever.
            if self.is_stopped():
                self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        status = self.process.wait(timeout=DEADLINE)
        self.last_words = self.text()
        self.log.close()
        return status


def read_all(peer):
    parts = []
    while True:
        try:
            part = peer.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def read_line(peer):
    line = b""
    while not line.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            break
        line += byte
    return line


def request(method, number=1, **members):
    return (json.dumps({"jsonrpc": "2.0", "id": number, "method": method, **members}) + "\n").encode()


def ask(peer, *args, **members):
    peer.sendall(request(*args, **members))
    return json.loads(read_line(peer))


def ask_fast(peer, *args, **members):
    """As ask(), for long answers."""
    peer.sendall(request(*args, **members))
    with peer.makefile("rb") as file:
        return json.loads(file.readline())


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gwctl-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            status = daemon.stop()
            self.assertIn(status, (0, -signal.SIGKILL), daemon.last_words)

    def start(self, *args, **members):
        daemon = Daemon(self.folder, *args, **members)
        self.daemons.append(daemon)
        return daemon

    def gwctl(self, *args, path=None, env=None, timeout=DEADLINE):
        target = path or os.path.join(self.folder, "control.sock")
        return subprocess.run(
            [GWCTL, "-s", target, *args], capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, check=False)


class Protocol(Case):
    """What a line gets."""

    def test_hello_says_who_answers(self):
        with self.start().connect() as peer:
            answer = ask(peer, "hello", params={"client": "t", "version": "1", "protocol": [1, 1]})
        result = answer["result"]
        self.assertEqual(result["daemon"], "gwbotd")
        self.assertEqual(result["protocol"], [1, 1])
        self.assertEqual(result["profile"], "prod")
        self.assertEqual(result["pid"], self.daemons[0].process.pid)
        self.assertIn("status", result["capabilities"])

    def test_hello_refuses_a_range_that_does_not_meet(self):
        with self.start().connect() as peer:
            answer = ask(peer, "hello", params={"client": "gwctl", "version": "9.9", "protocol": [7, 8]})
            self.assertEqual(answer["error"]["code"], -32001)
            self.assertIn("9.9", answer["error"]["message"])
            # A range that goes past ours on both sides does meet.
            self.assertIn("result", ask(peer, "hello", params={"protocol": [0, 9]}))

    def test_errors_have_the_numbers_of_the_specification(self):
        cases = (
            ({"jsonrpc": "2.0", "id": 1, "method": "staus"}, -32601),
            ({"jsonrpc": "2.0", "id": 1}, -32600),
            ({"jsonrpc": "1.0", "id": 1, "method": "status"}, -32600),
            ({"jsonrpc": "2.0", "id": 1, "method": "snapshot", "params": ["x"]}, -32602),
            ({"jsonrpc": "2.0", "id": 1, "method": "snapshot", "params": [0, 1]}, -32602),
            ({"jsonrpc": "2.0", "id": 1, "method": "snapshot", "params": {"shrad": 0}}, -32602),
            ({"jsonrpc": "2.0", "id": 1, "method": "status", "params": ["x"]}, -32602),
            ({"jsonrpc": "2.0", "id": 1, "method": "snapshot", "params": [7]}, -32000),
            ([{"jsonrpc": "2.0", "id": 1, "method": "status"}], -32600),
        )
        with self.start().connect() as peer:
            for message, number in cases:
                peer.sendall(json.dumps(message).encode() + b"\n")
                answer = json.loads(read_line(peer))
                self.assertEqual(answer["error"]["code"], number, message)
                self.assertEqual(answer["jsonrpc"], "2.0")
            # The connection is as good as new.
            self.assertIn("result", ask(peer, "status"))

    def test_a_shard_is_chosen_by_place_or_name(self):
        with self.start("two").connect() as peer:
            for params in ([1], ["1"], {"shard": 1}, {"shard": "1"}):
                shards = ask(peer, "snapshot", params=params)["result"]["shards"]
                self.assertEqual([shard["shard"] for shard in shards], [1])
            self.assertEqual(len(ask(peer, "snapshot")["result"]["shards"]), 2)

    def test_a_range_of_shards_or_those_that_are_down(self):
        with self.start("range").connect() as peer:
            for params, ids in (([], range(16, 32)), (["20-22"], (20, 21, 22)), (["31"], (31,)),
                                (["down"], (18, 31)), ({"shard": "down"}, (18, 31))):
                answer = ask(peer, "shards", params=params)["result"]
                self.assertEqual([shard["shard"] for shard in answer["shards"]], list(ids))
                self.assertEqual({shard["shard_count"] for shard in answer["shards"]}, {64})
                total = answer["total"]
                self.assertEqual((total["shards"], total["connected"]), (16, 14))
                self.assertEqual((total["first_shard"], total["last_shard"]), (16, 31))
                self.assertEqual(total["states"]["ready"], 14)
                self.assertEqual(sum(total["states"].values()), 16)
            for which, number in (("15", -32000), ("32", -32000), ("8-20", -32000), ("30-32", -32000),
                                  ("99999999", -32000),
                                  ("20-19", -32602), ("-3", -32602), ("3-", -32602), ("x", -32602),
                                  ("1" * 30, -32602), ("", -32602), ("1-2-3", -32602)):
                error = ask(peer, "shards", params=[which])["error"]
                self.assertEqual(error["code"], number, which)
                if number == -32000:
                    self.assertIn("this process has shards 16-31 of 64", error["message"])

    def test_what_heals_a_shard_is_told(self):
        with self.start("range").connect() as peer:
            for method in ("shards", "snapshot", "status"):
                shards = {shard["shard"]: shard for shard in ask(peer, method)["result"]["shards"]}
                self.assertEqual((shards[16]["cure"], shards[16]["cure_tries"]), ("none", 0), method)
                self.assertEqual((shards[18]["cure"], shards[18]["cure_tries"]), ("identify", 3), method)
                self.assertEqual(shards[18]["cure_text"], "new session")
                self.assertEqual((shards[31]["cure"], shards[31]["next_try_in_seconds"]), ("resume", 3.2))
                self.assertIn("connection refused", shards[31]["reason"])

    def test_latency_is_missing_where_it_is_not_known(self):
        for scene, state in (("ready", "known"), ("stale", "stale"), ("never", "none")):
            with self.start(scene, name=scene).connect() as peer:
                answer = ask(peer, "latency")["result"]
            shard = answer["shards"][0]
            self.assertEqual(shard["latency_state"], state)
            self.assertEqual(answer["window"], 128)
            for figure in ("", "min_", "mean_", "p50_", "p90_", "p95_", "p99_", "max_"):
                value = shard[f"latency_{figure}seconds"]
                self.assertEqual(value is None, state != "known", figure)
            bounds = [entry["up_to_seconds"] for entry in shard["classes"]]
            self.assertEqual(bounds[:-1], sorted(bounds[:-1]))
            self.assertIsNone(bounds[-1])
            self.assertEqual(sum(entry["count"] for entry in shard["classes"]), shard["acks"])

    def test_whoever_asks_to_only_read_is_held_to_it(self):
        daemon = self.start()
        with daemon.connect() as peer, daemon.connect() as other:
            self.assertEqual("read", ask(peer, "hello", params={"access": "read"})["result"]["access"])
            for method in ("reconnect", "reboot", "sim"):
                answer = ask(peer, method, params=["freeze"] if method == "sim" else [])
                self.assertEqual((-32005, "read_only"), (answer["error"]["code"], answer["error"]["data"]["code"]))
                self.assertIn(f'"{method}" changes something', answer["error"]["message"])
            self.assertIn("result", ask(peer, "status"))
            self.assertEqual("read", ask(peer, "hello", params={"access": "full"})["result"]["access"])
            self.assertIn("error", ask(peer, "reconnect"))
            peer.sendall(b"reconnect\n")
            self.assertTrue(read_line(peer).startswith(b'error: "reconnect" changes something'))
            self.assertFalse(daemon.has_logged("control_command"))
            self.assertEqual("full", ask(other, "hello")["result"]["access"])
            self.assertIn("result", ask(other, "reconnect"))

    def test_an_access_that_is_none(self):
        with self.start().connect() as peer:
            for access in ("write", "", 1, None, ["read"]):
                answer = ask(peer, "hello", params={"access": access})
                self.assertEqual("invalid_arguments", answer["error"]["data"]["code"], access)
            self.assertEqual("full", ask(peer, "hello")["result"]["access"])

    def test_status_of_many_shards_lists_those_in_trouble(self):
        with self.start("many").connect() as peer:
            status = ask(peer, "status")["result"]
        self.assertEqual([shard["shard"] for shard in status["shards"]], [2, 499])
        self.assertEqual(status["shards_left_out"], 498)
        self.assertEqual(status["gateway"]["shards"], 500)

    def test_ids_come_back_and_notifications_stay_silent(self):
        with self.start().connect() as peer:
            for number in ("x y", 0, -7, None):
                self.assertEqual(ask(peer, "version", number)["id"], number)
            peer.sendall(b'{"jsonrpc":"2.0","method":"status"}\n')
            self.assertEqual(ask(peer, "version", 99)["id"], 99)

    def test_plain_commands_answer_in_text(self):
        with self.start("two").connect() as peer:
            peer.sendall(b"snapshot 1\r\nstaus\n\n  \nversion\nquit\n")
            peer.shutdown(socket.SHUT_WR)
            answers = read_all(peer).decode().split("\n\n")
        self.assertIn("shards.0.shard: 1\n", answers[0])
        self.assertIn("shards.0.state: backoff\n", answers[0])
        self.assertEqual(answers[1].split("\n")[0], 'error: no command "staus"; nearest: status')
        self.assertIn("gwbotd.version:", answers[2])
        self.assertTrue(answers[3].startswith("error: "))
        self.assertEqual(answers[4], "")
        self.assertNotIn("\033", "".join(answers))

    def test_every_answer_obeys_the_rules_of_the_schema(self):
        with self.start("never").connect() as peer:
            for method in ("status", "snapshot", "shards", "latency", "thresholds", "version", "help"):
                result = ask(peer, method)["result"]
                self.assertEqual(result["schema"], "gwctl/1")
                self.assertEqual(result["command"], method)
                self.assertRegex(result["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.check_members(result)

    def check_members(self, value):
        if isinstance(value, list):
            for element in value:
                self.check_members(element)
        if not isinstance(value, dict):
            return
        for name, member in value.items():
            self.assertRegex(name, r"^[a-z][a-z0-9_]*$")
            if name.endswith("_seconds"):
                self.assertIsInstance(member, (int, float, type(None)), name)
            if name in ("session_id", "user_id"):
                self.assertIsInstance(member, (str, type(None)), name)
            self.check_members(member)

    def test_pipelined_requests_are_answered_in_order(self):
        with self.start().connect() as peer:
            thread = threading.Thread(
                target=lambda: peer.sendall(b"".join(request("version", i) for i in range(500))))
            thread.start()
            file = peer.makefile("rb")
            self.assertEqual([json.loads(file.readline())["id"] for _ in range(500)], list(range(500)))
            thread.join()
            file.close()


class Peers(Case):
    """Peers that misbehave; the ids are those of the fault list."""

    def test_c01_half_a_request_and_silence(self):
        daemon = self.start()
        with daemon.connect() as peer:
            began = time.monotonic()
            peer.sendall(b'{"jsonrpc":"2.0","id":1,')
            answer = json.loads(read_all(peer))
            took = time.monotonic() - began
        self.assertEqual(answer["error"]["code"], -32004)
        self.assertGreater(took, 4.5)
        self.assertLess(took, 7.5)

    def test_c01_dripping_bytes_do_not_extend_the_time(self):
        with self.start().connect() as peer:
            began = time.monotonic()
            peer.settimeout(0.2)
            answer = b""
            while not answer and time.monotonic() - began < 9:
                try:
                    peer.sendall(b" ")
                    answer = peer.recv(4096)
                except TimeoutError:
                    pass
            self.assertIn(b"-32004", answer)

    def test_c02_lines_that_are_no_requests(self):
        daemon = self.start()
        cases = (
            (b"x" * 1000000, -32003),
            (b"x" * 1000000 + b"\n", -32003),
            (b'{"a":"' + b"x" * 65536 + b'"}\n', -32003),
            (b"status\0\n", -32700),
            (b"\0", -32700),
            (b"{nonsense}\n", -32700),
            (b'{"jsonrpc":"2.0","id":1,"method":"status"\n', -32700),
            (b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"\n", -32700),
            (b"{" + b"[" * 60000 + b"\n", -32700),
            (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}\n', -32700),
        )
        for line, number in cases:
            with daemon.connect() as peer:
                peer.sendall(line)  # must not fail: the refusal is there to be read
                answer = read_all(peer)
                self.assertEqual(answer.count(b"\n"), 1, line[:40])
                self.assertEqual(json.loads(answer)["error"]["code"], number, line[:40])

    def test_c02_a_request_of_64_kib_is_one(self):
        with self.start().connect() as peer:
            line = request("version")[:-1]
            peer.sendall(line + b" " * (65536 - len(line)) + b"\n")
            self.assertIn("result", json.loads(read_line(peer)))

    def test_c03_send_and_half_close_at_once(self):
        daemon = self.start()
        answered = 0
        for i in range(50):
            with daemon.connect() as peer:
                # Every other one without a line end, as printf | socat sends it.
                peer.sendall(b"status" if i % 2 else b"status\n")
                peer.shutdown(socket.SHUT_WR)
                answered += b"daemon.state: ready\n" in read_all(peer)
        self.assertEqual(answered, 50)

    def test_c03_half_close_waits_for_a_late_answer(self):
        with self.start(args=("-d", "300")).connect() as peer:
            peer.sendall(b"version\nversion\n")
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(peer).count(b"gwbotd.version"), 2)

    def test_c04_clients_that_vanish(self):
        daemon = self.start(args=("-d", "50"))
        for i in range(50):
            peer = daemon.connect()
            peer.sendall(request("status") * (i % 5 + 1))
            if i % 2:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        wait_for(lambda: daemon.has_logged("event=peer_gave_up"), "a call that outlives its peer")
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))

    def test_c05_a_slow_reader_holds_nobody_up(self):
        daemon = self.start("two")
        slow = daemon.connect()
        slow.setblocking(False)
        sent = 0
        try:
            while sent < 8 << 20:
                sent += slow.send(request("status") * 100)
        except BlockingIOError:
            pass
        self.assertLess(sent, 8 << 20)  # the daemon stopped reading
        began = time.monotonic()
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))
        self.assertLess(time.monotonic() - began, 1)
        before = daemon.cpu_seconds()
        time.sleep(1)
        self.assertLess(daemon.cpu_seconds() - before, 0.2)
        # It is hung up on in the end: 10 s without a byte taken.
        slow.settimeout(DEADLINE)
        time.sleep(11)
        self.assertLess(len(read_all(slow)), 8 << 20)
        slow.close()

    def test_an_answer_of_1000_shards_holds_nobody_up(self):
        daemon = self.start("most")
        with daemon.connect() as slow, daemon.connect() as other:
            slow.sendall(request("snapshot", 7) + request("version", 8))
            # The slow one has not read: its answer waits, and nobody else does.
            for number in range(50):
                self.assertEqual(ask(other, "version", number)["id"], number)
            file = slow.makefile("rb")
            message = json.loads(file.readline())
            self.assertEqual(message["id"], 7)
            self.assertEqual([shard["shard"] for shard in message["result"]["shards"]], list(range(1000)))
            self.assertEqual(message["result"]["total"]["shards"], 1000)
            self.assertEqual(json.loads(file.readline())["id"], 8)
            file.close()
            for method in ("shards", "latency", "thresholds"):
                self.assertEqual(len(ask_fast(other, method)["result"]["shards"]), 1000)
        for method in ("snapshot", "shards"):  # gone in the middle; the leak checker looks
            with daemon.connect() as peer:
                peer.sendall(request(method))
                peer.recv(1000)
        with daemon.connect() as peer:
            peer.sendall(b'{"jsonrpc":"2.0","method":"snapshot"}\n')  # wants no answer
            self.assertEqual(ask(peer, "version", 9)["id"], 9)
            peer.sendall(b"shards 998-999\n")
            peer.shutdown(socket.SHUT_WR)
            text = read_all(peer).decode()
        self.assertIn("\nshards.0.shard: 998\n", text)
        self.assertIn("\nshards.1.shard: 999\n", text)
        self.assertTrue(text.endswith("\n\n"))
        self.assertEqual(self.gwctl("snapshot").stdout.count("session id"), 1000)
        self.assertEqual(daemon.stop(), 0)

    def test_c06_idle_clients_never_lock_a_new_one_out(self):
        daemon = self.start()
        idle = [daemon.connect() for _ in range(200)]
        for _ in range(20):
            with daemon.connect() as peer:
                self.assertIn("result", ask(peer, "status"))
        # The latest ones were kept, the first ones made room.
        self.assertIn("result", ask(idle[-1], "status"))
        self.assertEqual(read_all(idle[0]), b"")
        for peer in idle:
            peer.close()

    def test_c06_clients_that_are_served_are_not_dropped(self):
        daemon = self.start(args=("-d", "1500"))
        busy = [daemon.connect() for _ in range(64)]
        for peer in busy:
            peer.sendall(request("version"))
        time.sleep(0.5)
        with daemon.connect() as peer:
            self.assertEqual(json.loads(read_all(peer))["error"]["code"], -32002)
        for peer in busy:
            self.assertIn("result", json.loads(read_line(peer)))
            peer.close()

    def test_c07_writes_are_logged_with_the_caller(self):
        daemon = self.start()
        with daemon.connect() as peer:
            ask(peer, "status")
            self.assertNotIn("control_command", daemon.text())
            ask(peer, "sim", params=["freeze", "5 s"])
        wait_for(lambda: daemon.has_logged("event=control_command"), "the log line")
        line = [line for line in daemon.text().split("\n") if "control_command" in line][0]
        self.assertIn(f"uid={os.getuid()} ", line)
        self.assertIn(f"pid={os.getpid()}", line)
        self.assertIn('args="freeze 5 s"', line)

    def test_reconnect_chooses_shards_and_is_logged(self):
        daemon = self.start("range")
        with daemon.connect() as peer:
            for params, shards, fresh in (([], 16, False), (["20"], 1, False), (["20-22"], 3, False),
                                          (["20", "--fresh"], 1, True), (["--fresh", "20"], 1, True),
                                          (["--fresh"], 16, True), ({"shard": 21, "fresh": True}, 1, True),
                                          ({"fresh": False}, 16, False), ({"shard": None}, 16, False)):
                answer = ask(peer, "reconnect", params=params)["result"]
                self.assertEqual((answer["shards"], answer["fresh"]), (shards, fresh), params)
            for params, number in ((["15"], -32000), (["x"], -32602), (["20", "21"], -32602),
                                   (["--bogus"], -32602), (["20", "--fresh", "--yes"], -32602),
                                   ({"freshly": True}, -32602), (["--"], -32602)):
                self.assertEqual(ask(peer, "reconnect", params=params)["error"]["code"], number, params)
            # A READ command has no flags.
            self.assertEqual(ask(peer, "status", params=["--fresh"])["error"]["code"], -32602)
            peer.sendall(b"reconnect 17 --fresh\n")
            lines = b""
            while not lines.endswith(b"\n\n"):
                lines += peer.recv(4096)
        self.assertIn(b"fresh: true\n", lines)
        self.assertIn(b"shards: 1\n", lines)
        log = daemon.text()
        self.assertIn(f"command=reconnect args=\"17 --fresh\" uid={os.getuid()}", log)
        self.assertEqual(log.count("event=reconnect_asked"), 4 + 3 + 2 + 4 - 1)

    def test_new_sessions_are_refused_where_the_day_has_no_room(self):
        daemon = self.start("many")
        with daemon.connect() as peer:
            error = ask(peer, "reconnect", params=["--fresh"])["error"]
            self.assertEqual(error["data"]["code"], "refused")
            self.assertIn("500 IDENTIFYs and 100 may be sent today", error["message"])
            self.assertIn("without --fresh", error["data"]["hint"])
            self.assertEqual(ask(peer, "reconnect")["result"]["shards"], 500)
            self.assertEqual(ask(peer, "reconnect", params=["0-99", "--fresh"])["result"]["shards"], 100)
            self.assertIn("error", ask(peer, "reconnect", params=["0-100", "--fresh"]))

    def test_figures_of_the_process(self):
        with self.start("ready").connect() as peer:
            status = ask(peer, "status")["result"]
            snapshot = ask(peer, "snapshot")["result"]
        self.assertEqual(status["identify"], {
            "total": 1000, "used_today": 850, "left": 100, "reserve": 50, "told_remaining": 150,
            "held_until": None, "held_for_seconds": None})
        for figures in (status["loop"]["turn_times"], status["loop"]["timer_lags"],
                        status["heartbeat_lateness"], snapshot["heartbeat_lateness"]):
            self.assertEqual(figures["count"], 2)
            self.assertEqual(figures["max_seconds"], 0.003)
            self.assertAlmostEqual(figures["p50_seconds"], 0.00012, delta=0.00001)
        self.assertEqual((status["rest"]["requests"], status["rest"]["last_error"]), (42, None))
        with self.start("fatal", name="fatal").connect() as peer:
            status = ask(peer, "status")["result"]
        self.assertEqual(status["identify"]["left"], 0)
        self.assertRegex(status["identify"]["held_until"], r"Z$")
        self.assertAlmostEqual(status["identify"]["held_for_seconds"], 7200, delta=5)
        self.assertTrue(status["rest"]["unauthorized"])
        self.assertAlmostEqual(status["rest"]["last_error_age_seconds"], 12, delta=1)

    def test_c13_ten_reboots_are_one(self):
        daemon = self.start()
        peers = [daemon.connect() for _ in range(10)]
        for peer in peers:
            peer.sendall(request("reboot"))
        answers = [read_all(peer) for peer in peers]
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)
        accepted = [json.loads(answer)["result"] for answer in answers if answer]
        self.assertGreaterEqual(len(accepted), 1)
        self.assertFalse(accepted[0]["already_asked"])
        for peer in peers:
            peer.close()

    def test_c14_out_of_descriptors_without_spinning(self):
        daemon = self.start(limit=56)
        peers = []
        for _ in range(80):
            try:
                peers.append(daemon.connect())
            except OSError:
                break
        time.sleep(0.5)
        before = daemon.cpu_seconds()
        time.sleep(2)
        self.assertLess(daemon.cpu_seconds() - before, 0.3)
        for peer in peers:
            peer.close()

        def answers():
            with daemon.connect() as peer:
                try:
                    return "result" in ask(peer, "status")
                except (OSError, ValueError):
                    return False
        wait_for(answers, "answers after the shortage")


class File(Case):
    """The socket file."""

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run_client(self, path):
        return subprocess.run([CLIENT, path, "ready"], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)

    def test_mode_is_0660_whatever_the_umask(self):
        for mask in (0o000, 0o022, 0o077):
            before = os.umask(mask)
            try:
                daemon = self.start(name=f"new{mask}/c.sock")
            finally:
                os.umask(before)
            self.assertEqual(stat.S_IMODE(os.stat(daemon.path).st_mode), 0o660)
            self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(daemon.path)).st_mode), 0o755)

    def test_c08_a_stale_file_is_replaced(self):
        first = self.start()
        first.process.kill()
        first.process.wait()
        self.assertTrue(os.path.exists(first.path))
        with self.start().connect() as peer:
            self.assertIn("result", ask(peer, "status"))

    def test_c08_a_live_daemon_keeps_its_path(self):
        daemon = self.start()
        for remove_lock in (False, True):
            if remove_lock:
                os.unlink(daemon.path + ".lock")
            second = self.run_client(daemon.path)
            self.assertEqual(second.returncode, 3)
            self.assertIn("another gwbotd", second.stderr)
            self.assertIn(daemon.path, second.stderr)
        os.kill(daemon.process.pid, signal.SIGSTOP)
        self.assertEqual(self.run_client(daemon.path).returncode, 3)
        os.kill(daemon.process.pid, signal.SIGCONT)
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))

    def test_c08_the_file_goes_with_the_daemon(self):
        daemon = self.start()
        self.assertEqual(daemon.stop(), 0)
        self.daemons.clear()
        self.assertFalse(os.path.exists(daemon.path))

    def test_c09_a_removed_file_comes_back(self):
        daemon = self.start()
        before = daemon.connect()
        os.unlink(daemon.path)
        wait_for(lambda: connects(daemon.path), "the socket")
        self.assertEqual(stat.S_IMODE(os.stat(daemon.path).st_mode), 0o660)
        wait_for(lambda: daemon.has_logged("event=control_socket_recreated"), "the log line")
        self.assertIn("result", ask(before, "status"))
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))
        before.close()

    def test_c09_a_removed_folder_comes_back(self):
        daemon = self.start(name="sub/c.sock")
        shutil.rmtree(self.path("sub"))
        wait_for(lambda: connects(daemon.path), "the socket")

    def test_c09_a_moved_file_and_a_moved_folder_come_back(self):
        daemon = self.start(name="sub/c.sock")
        os.rename(daemon.path, daemon.path + ".away")
        wait_for(lambda: connects(daemon.path), "the socket")
        os.rename(self.path("sub"), self.path("away"))
        wait_for(lambda: connects(daemon.path), "the socket in its folder")
        self.assertTrue(os.path.exists(self.path("away", "c.sock")))
        self.assertEqual(self.gwctl("status", path=daemon.path).returncode, 0)

    def test_c09_a_lost_file_comes_back_when_it_can(self):
        daemon = self.start(name="sub/c.sock")
        shutil.rmtree(self.path("sub"))
        with open(self.path("sub"), "w", encoding="ascii"):
            pass
        wait_for(lambda: daemon.has_logged("event=control_socket_lost"), "the log line")
        os.unlink(self.path("sub"))
        wait_for(lambda: connects(daemon.path), "the socket")

    def test_c09_nobody_looks_while_nothing_happens(self):
        daemon = self.start(name="sub/c.sock")
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))
        time.sleep(1)
        before = daemon.sleeps()
        time.sleep(7)  # more than two of the periods in which it looks for trouble
        self.assertEqual(daemon.sleeps() - before, 0)

    def test_c10_the_longest_path_and_one_more_byte(self):
        room = 107 - len(self.folder) - 1
        daemon = self.start(name="s" * room)
        self.assertEqual(len(daemon.path), 107)
        self.assertEqual(self.gwctl("status", path=daemon.path).returncode, 0)
        longer = self.run_client(self.path("s" * (room + 1)))
        self.assertEqual(longer.returncode, 1)
        self.assertIn("107", longer.stderr)
        self.assertEqual(self.gwctl("status", path=self.path("s" * (room + 1))).returncode, 2)

    def test_c10_folders_that_cannot_be_used(self):
        missing = self.run_client(self.path("no", "such", "c.sock"))
        self.assertEqual(missing.returncode, 1)
        self.assertIn(self.path("no", "such"), missing.stderr)
        with open(self.path("file"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.run_client(self.path("file", "c.sock")).returncode, 1)

    def test_what_is_no_socket_stays(self):
        with open(self.path("c.sock"), "w", encoding="ascii") as file:
            file.write("precious")
        refused = self.run_client(self.path("c.sock"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is no socket", refused.stderr)
        with open(self.path("c.sock"), encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_w17_links_and_open_folders_are_refused(self):
        os.mkdir(self.path("real"))
        os.symlink("real", self.path("link"))
        self.assertEqual(self.run_client(self.path("link", "c.sock")).returncode, 1)
        os.chmod(self.path("real"), 0o777)
        refused = self.run_client(self.path("real", "c.sock"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("chmod", refused.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a folder away")
    def test_w17_a_stranger_s_folder_is_refused(self):
        os.mkdir(self.path("theirs"))
        os.chown(self.path("theirs"), 65534, 65534)
        refused = self.run_client(self.path("theirs", "c.sock"))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("65534", refused.stderr)


class FakeDaemon:
    """Answers each line with what a function makes of it; None hangs up."""

    def __init__(self, path, answer):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.answer = answer
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                for line in lines:
                    answer = self.answer(line)
                    if answer is None:
                        break
                    peer.sendall(answer)

    def close(self):
        # Awaited: a descriptor that is closed under accept() may be the next listener's.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self.listener.close()


def hello_of(version, protocol, capabilities=("status",)):
    def answer(line):
        number = json.loads(line)["id"]
        result = {"daemon": "gwbotd", "version": version, "protocol": protocol,
                  "capabilities": list(capabilities), "pid": 1}
        return (json.dumps({"jsonrpc": "2.0", "id": number, "result": result}) + "\n").encode()
    return answer


class Gwctl(Case):
    """gwctl's exit statuses, errors and output."""

    def fake(self, answer):
        path = os.path.join(self.folder, "control.sock")
        daemon = FakeDaemon(path, answer)
        self.addCleanup(daemon.close)

    def assert_failure(self, run, status, code):
        """Status and text as they are for people, and again as JSON."""
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertTrue(run.stderr.startswith("gwctl: "), run.stderr)
        args = [arg for arg in run.args[3:]] + ["--json"]
        again = self.gwctl(*args, path=run.args[2])
        self.assertEqual(again.returncode, status)
        self.assertEqual(again.stdout, "")
        error = json.loads(again.stderr)
        self.assertEqual(error["schema"], "gwctl/1")
        self.assertEqual(error["error"]["code"], code)
        self.assertEqual(error["error"]["exit"], status)

    def test_reads_work_for_people_and_programs(self):
        self.start("two")
        for args in (["status"], ["snapshot"], ["snapshot", "1"], ["latency"], ["shards"],
                     ["shards", "down"], ["latency", "0-1"], ["thresholds"],
                     ["version"], ["help"], ["help", "status"]):
            run = self.gwctl(*args)
            self.assertEqual((run.returncode, run.stderr), (0, ""), args)
            self.assertNotIn("\033", run.stdout)
            run = self.gwctl("--json", *args)
            self.assertEqual((run.returncode, run.stderr), (0, ""), args)
            self.assertEqual(run.stdout.count("\n"), 1)
            document = json.loads(run.stdout)
            self.assertEqual(document["schema"], "gwctl/1")
            self.assertEqual(document["command"], args[0])
            self.assertTrue(run.stdout.startswith('{"schema":'))

    def test_help_and_version_need_no_daemon(self):
        for args in (["-h"], ["--help"], ["status", "--help"], ["-V"], ["status", "--version"],
                     ["reboot", "-h"], ["help"], ["help", "sim"]):
            run = self.gwctl(*args)
            self.assertEqual((run.returncode, run.stderr), (0, ""), args)
            self.assertTrue(run.stdout)
        self.assertRegex(self.gwctl("-V").stdout, r"^gwctl \d+\.\d+\.\d+\n$")
        nothing = self.gwctl()  # an empty script
        self.assertEqual((nothing.returncode, nothing.stdout, nothing.stderr), (0, "", ""))

    def test_2_usage(self):
        for args in (["staus"], ["status", "x"], ["snapshot", "1", "2"], ["--bogus"], ["sim"],
                     ["--timeout", "soon", "status"], ["--watch=x", "status"], ["status", "-t"],
                     ["reboot", "--watch"], ["status", "--wait"], ["help", "staus"]):
            run = self.gwctl(*args)
            self.assertEqual(run.returncode, 2, args)
            self.assertEqual(run.stdout, "")
            self.assertTrue(run.stderr.startswith("gwctl: "), run.stderr)
        self.assert_failure(self.gwctl("staus"), 2, "unknown_command")
        self.assertIn("nearest: status", self.gwctl("staus").stderr)
        self.start()
        self.assert_failure(self.gwctl("snapshot", "x"), 2, "invalid_arguments")

    def test_1_refused(self):
        self.start()
        self.assert_failure(self.gwctl("snapshot", "7"), 1, "refused")
        self.assert_failure(self.gwctl("sim", "freeze"), 1, "refused")

    def test_1_hung_up_or_nonsense(self):
        self.fake(lambda line: None)
        self.assert_failure(self.gwctl("status"), 1, "closed")

    def test_1_what_is_no_daemon(self):
        self.fake(lambda line: b"220 mail.example ESMTP\r\n")
        self.assert_failure(self.gwctl("status"), 1, "protocol")

    def test_3_not_running(self):
        self.assert_failure(self.gwctl("status"), 3, "not_running")
        self.assertIn("systemctl status gwbotd", self.gwctl("status").stderr)
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(os.path.join(self.folder, "control.sock"))
        dead.close()
        self.assert_failure(self.gwctl("status"), 3, "not_running")
        self.assertEqual(self.gwctl("version").returncode, 3)
        self.assertIn("gwctl", self.gwctl("version").stdout)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_4_no_permission(self):
        daemon = self.start()
        os.chmod(self.folder, 0o755)
        run = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", GWCTL,
             "-s", daemon.path, "status"], capture_output=True, text=True, timeout=DEADLINE, check=False)
        if run.returncode in (126, 127):
            self.skipTest("another user cannot run the build")
        self.assertEqual(run.returncode, 4, run.stderr)
        self.assertIn("permission denied (you are uid 65534", run.stderr)
        self.assertIn("sudo gwctl", run.stderr)

    def test_5_c12_a_daemon_that_stands_still(self):
        daemon = self.start()
        os.kill(daemon.process.pid, signal.SIGSTOP)
        began = time.monotonic()
        self.assert_failure(self.gwctl("--timeout", "500ms", "status"), 5, "timed_out")
        self.assertLess(time.monotonic() - began, 5)
        os.kill(daemon.process.pid, signal.SIGCONT)
        self.assertEqual(self.gwctl("status").returncode, 0)

    def test_6_c11_version_skew(self):
        self.fake(hello_of("2.0.0", [3, 4]))
        run = self.gwctl("status")
        self.assert_failure(run, 6, "version_skew")
        self.assertIn("gwbotd 2.0.0 speaks protocol 3 to 4", run.stderr)
        self.assertIn("gwctl is the older one", run.stderr)

    def test_6_c11_a_daemon_without_the_command(self):
        self.fake(hello_of("0.0.9", [1, 1], ["version"]))
        run = self.gwctl("status")
        self.assert_failure(run, 6, "version_skew")
        self.assertIn("systemctl restart gwbotd", run.stderr)

    def test_members_of_a_newer_daemon_are_passed_over(self):
        def answer(line):
            message = json.loads(line)
            if message["method"] == "hello":
                return hello_of("1.9.0", [1, 5])(line)
            result = {"schema": "gwctl/1", "command": "status", "future": {"a": [1]},
                      "daemon": {"name": "n\u001b[31m", "state": "hibernating"}}
            return (json.dumps({"jsonrpc": "2.0", "method": "notice", "params": {}}) + "\n" +
                    json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n").encode()
        self.fake(lambda line: answer(line).split(b"\n", 1)[1] if b"status" in line else answer(line))
        run = self.gwctl("status")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("hibernating", run.stdout)
        self.assertNotIn("\033", run.stdout)
        self.assertEqual(json.loads(self.gwctl("status", "--json").stdout)["future"], {"a": [1]})

    def test_7_a_new_session_asks_first(self):
        self.start("ready")
        for args in (["reconnect", "--fresh"], ["reconnect", "0", "--fresh"]):
            run = self.gwctl(*args)
            self.assert_failure(run, 7, "not_confirmed")
            self.assertIn("add --yes", run.stderr)
        self.assertNotIn("reconnect_asked", self.daemons[0].text())
        for answer, status in (("n\n", 7), ("\n", 7), ("\x04", 7), ("y\n", 0), ("Yes\n", 0)):
            shown = self.on_terminal("reconnect", "--fresh", "0", answer=answer, status=status)
            self.assertIn("shard 0 and spend an IDENTIFY? [y/N]", shown)
            self.assertEqual("not confirmed" in shown, status == 7)
        self.assertEqual(self.daemons[0].text().count("event=reconnect_asked shard=0 fresh=true"), 2)
        self.assertEqual(self.gwctl("reconnect", "--fresh", "--yes").returncode, 0)
        self.assertEqual(self.gwctl("reconnect").returncode, 0)
        for args in (["status", "--fresh"], ["reconnect", "1", "2"]):
            self.assertEqual(self.gwctl(*args).returncode, 2)

    def on_terminal(self, *args, answer="", status=0):
        """What gwctl shows on a terminal, without its colours."""
        shown, slave = pty.openpty()
        process = subprocess.Popen(
            [GWCTL, "-s", os.path.join(self.folder, "control.sock"), *args], stdin=slave, stdout=slave,
            stderr=slave, env={"PATH": os.environ["PATH"], "HOME": self.folder, "TERM": "dumb"})
        os.close(slave)
        os.write(shown, answer.encode())
        parts = []
        try:
            while part := os.read(shown, 65536):
                parts.append(part)
        except OSError:
            pass  # the other end is closed
        os.close(shown)
        self.assertEqual(process.wait(timeout=DEADLINE), status)
        return b"".join(parts).decode().replace("\r\n", "\n")

    def test_500_shards_fit_a_terminal_and_a_pipe_has_all(self):
        self.start("many")
        screen = self.on_terminal("shards").rstrip("\n").split("\n")
        self.assertLess(len(screen), 24)
        self.assertIn("498 of 500 ready", screen[0])
        self.assertIn("and 490 more that are ready", screen[-1])
        self.assertLess(screen.index(next(line for line in screen if "499/500" in line)),
                        screen.index(next(line for line in screen if " 0/500" in line)))
        piped = self.gwctl("shards").stdout
        for number in range(500):
            self.assertRegex(piped, rf"(?m)^ *{number}/500 ")
        self.assertLess(self.gwctl("status").stdout.count("\n"), 24)
        self.assertEqual(len(json.loads(self.gwctl("--json", "shards").stdout)["shards"]), 500)

    def test_the_environment_names_the_socket(self):
        daemon = self.start()
        for name in ("GWCTL_SOCKET", "GWBOT_CONTROL_SOCKET"):
            run = subprocess.run([GWCTL, "status"], capture_output=True, text=True, timeout=DEADLINE,
                                 env={"PATH": os.environ["PATH"], name: daemon.path}, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)

    def test_reboot_answers_before_the_daemon_goes(self):
        daemon = self.start()
        run = self.gwctl("reboot")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertIn("exits with status 0", run.stdout)
        self.assertIn("1 of 1 sessions can be resumed", run.stdout)
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)

    def test_reboot_waits_for_the_new_process(self):
        first = self.start()
        run = subprocess.Popen([GWCTL, "-s", first.path, "--json", "reboot", "--wait=15s"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(first.process.wait(timeout=DEADLINE), 0)
        starting = self.start("never")
        time.sleep(0.5)
        self.assertIsNone(run.poll(), "a process that is not ready is not the end of the wait")
        starting.stop()
        second = self.start("ready")
        out, err = run.communicate(timeout=DEADLINE)
        self.assertEqual((run.returncode, err), (0, ""))
        self.assertEqual(json.loads(out)["new_pid"], second.process.pid)
        self.assertGreater(json.loads(out)["waited_seconds"], 0.4)

    def test_reboot_that_nobody_follows_up_times_out(self):
        self.start()
        run = self.gwctl("reboot", "--wait=500ms")
        self.assertEqual(run.returncode, 5)
        self.assertIn("supervisor", run.stderr)

    def test_watch_repeats(self):
        self.start()
        run = subprocess.Popen([GWCTL, "-s", self.daemons[0].path, "--json", "--watch=0.1", "status"],
                               stdout=subprocess.PIPE, text=True)
        lines = [json.loads(run.stdout.readline()) for _ in range(3)]
        run.terminate()
        run.wait(timeout=DEADLINE)
        run.stdout.close()
        self.assertEqual(len({line["time"] for line in lines}), 3)

    def test_sim_talks_to_the_built_in_gateway_itself(self):
        path = os.path.join(self.folder, "sim.sock")
        heard = []

        def answer(line):
            heard.append(line)
            return {
                b"bogus\n": b'{"ok":false,"error":"no such command: try help"}\n',
                b"stats\n": b'{"ok":true,"totals":{"resumes":3},"sessions":[{"seq":7}]}\n',
                b"help\n": b'{"ok":true,"commands":[{"name":"drop","arguments":"[N]","help":"FIN"}]}\n',
            }.get(line, b'{"ok":true,"affected":2}\n')
        sim = FakeDaemon(path, answer)
        self.addCleanup(sim.close)
        self.start(args=("-s", path))
        run = self.gwctl("sim", "freeze", "5s")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(heard, [b"freeze 5s\n"])
        self.assertEqual(run.stdout, "done, 2 affected\n")
        self.assertRegex(self.gwctl("sim", "stats").stdout, r"totals\n +resumes +3\n(.*\n)* +seq +7\n")
        self.assertEqual(self.gwctl("sim", "help").stdout, "  drop [N]\n      FIN\n")
        document = json.loads(self.gwctl("--json", "sim", "freeze").stdout)
        self.assertEqual(document["answer"], {"ok": True, "affected": 2})
        self.assert_failure(self.gwctl("sim", "bogus"), 1, "refused")

    def test_colour_only_where_it_is_wanted(self):
        self.start()
        for env, coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False),
                              ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                              ({"TERM": "xterm", "NO_COLOR": ""}, True), ({}, False)):
            primary, secondary = pty.openpty()
            run = subprocess.run([GWCTL, "-s", self.daemons[0].path, "status"], stdout=secondary,
                                 timeout=DEADLINE, env={"PATH": os.environ["PATH"], **env}, check=False)
            os.close(secondary)
            shown = os.read(primary, 65536)
            os.close(primary)
            self.assertEqual(run.returncode, 0)
            self.assertEqual(b"\033[" in shown, coloured, env)

    def test_a_full_pipe_is_an_error_that_is_told(self):
        self.start()
        with open("/dev/full", "w", encoding="ascii") as full:
            run = subprocess.run([GWCTL, "-s", self.daemons[0].path, "status"], stdout=full,
                                 stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("cannot write", run.stderr)

    def test_a_round_trip_is_quick(self):
        self.start()
        times = []
        for _ in range(30):
            began = time.monotonic()
            self.assertEqual(self.gwctl("status").returncode, 0)
            times.append(time.monotonic() - began)
        print(f"gwctl status: median {statistics.median(times) * 1000:.1f} ms with Python's fork and exec")
        self.assertLess(statistics.median(times), 0.5)


if __name__ == "__main__":
    unittest.main(verbosity=1)
