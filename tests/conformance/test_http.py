"""The health server against clients that behave, and against those that do not."""
import contextlib
import http.client
import itertools
import json
import os
import random
import resource
import select
import socket
import subprocess
import sys
import threading
import time
import unittest

PROGRAM = os.path.join(os.environ.get("GWBOT_TEST_BIN", "build/dev/tests"), "http_client")
PATHS = ["/", "/ready", "/health", "/healthz", "/livez", "/readyz", "/startupz"]
READY = "strict=0 stopping=0 shard=1:7:1000:5000:-1:42:"
STATES = ["idle", "resolving", "connecting", "waiting for hello",
          "waiting for an identify slot", "identifying", "resuming", "ready",
          "backing off", "stopped", "refused by Discord"]
STATE_READY, STATE_FATAL = 7, 10
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """One http_client; the figures it prints are checked by whoever asks."""

    def __init__(self, *args, files=None):
        def limit():
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        self.process = subprocess.Popen(
            [PROGRAM, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        self.log = []
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        self.port = int(line.split()[1]) if line.startswith("listening") else 0
        if self.port:
            self.tell(READY)

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stats(self):
        return json.loads(self.tell("stats"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(10)
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        if status != 0:
            raise AssertionError(f"http_client ended with {status}:\n" + "".join(self.log))

    def connect(self, host="127.0.0.1", timeout=12):
        return socket.create_connection((host, self.port), timeout=timeout)

    def raw(self, data, host="127.0.0.1"):
        """Everything that comes back for these bytes, until the server closes."""
        with self.connect(host) as peer:
            return exchange(peer, data)

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer, answer.read()
        finally:
            connection.close()


def exchange(peer, data):
    got = b""
    with contextlib.suppress(ConnectionError):
        peer.sendall(data)
    with contextlib.suppress(ConnectionError):
        while chunk := peer.recv(65536):
            got += chunk
    return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


class Case(unittest.TestCase):
    ARGS = ()

    def setUp(self):
        self.server = Server(*self.ARGS)
        self.addCleanup(self.server.close)

    def assert_alive(self, within=0.5):
        began = time.monotonic()
        self.assertEqual(self.server.get("/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, within)

    def assert_cheap(self, seconds, share=0.05):
        """The server's CPU time over the next seconds, with a probe now and then."""
        worst = 0.0
        before, began = self.server.cpu_seconds(), time.monotonic()
        while time.monotonic() - began < seconds:
            time.sleep(0.25)
            sent = time.monotonic()
            self.assertEqual(self.server.get("/healthz")[0], 200)
            worst = max(worst, time.monotonic() - sent)
        used = (self.server.cpu_seconds() - before) / (time.monotonic() - began)
        print(f"{self.id()}: CPU {100 * used:.1f} %, worst probe {1000 * worst:.1f} ms, "
              f"{self.server.stats()}", file=sys.stderr)
        self.assertLess(used, share)
        self.assertLess(worst, 0.2)


# ---- what the specification says, written down a second time --------------------------

STALL, MAX_LATENCY, ALLOWANCE = 210_000, 10_000, 30_000
WORSE = ["ready", "degraded", "reconnecting", "down", "starting", "fatal"]
TABLE = {  # healthz, readyz, startupz
    "ready": (200, 200, 200), "degraded": (206, 200, 200),
    "reconnecting": (503, 200, 200), "down": (503, 503, 200),
    "starting": (503, 503, 503), "fatal": (503, 503, 503), "draining": (503, 503, 200)}


def state_of_shard(shard):
    if shard["state"] == STATE_FATAL:
        return "fatal"
    if shard["connected"]:
        bad = shard["latency"] < 0 or shard["latency"] > MAX_LATENCY
        return "degraded" if shard["event"] > STALL and bad else "ready"
    if shard["ready"] < 0:
        return "starting"
    return "reconnecting" if shard["disconnect"] < ALLOWANCE else "down"


def specified(shards, strict, stopping):
    state = max((state_of_shard(s) for s in shards), key=WORSE.index, default="starting")
    state = "draining" if stopping else state
    healthz, readyz, startupz = TABLE[state]
    loose = healthz if strict else 200
    return state, {"/": loose, "/ready": loose, "/health": loose, "/healthz": healthz,
                   "/livez": 200, "/readyz": readyz, "/startupz": startupz}


def seconds(ms):
    return None if ms < 0 else ms / 1000


def whole(ms):
    return None if ms < 0 else ms // 1000


def specified_body(shards, strict, stopping):
    up = [s for s in shards if s["connected"]]
    connected = bool(shards) and len(up) == len(shards)
    event = max((s["event"] for s in shards), default=-1)
    known = [s["latency"] for s in up]
    latency = max(known) if known and min(known) >= 0 else -1
    readies = [s["ready"] for s in shards if s["ready"] >= 0]
    down = max((s["disconnect"] for s in shards if not s["connected"]), default=-1)
    return {
        "ok": connected, "connected": connected,
        "state": specified(shards, strict, stopping)[0], "uptime": "100:01:01",
        "last_event_age_s": whole(event), "latency_s": seconds(latency),
        "strict_probe": strict, "bot": 't"e\\st', "env": "test", "version": "1.2.3",
        "age_seconds": seconds(event), "stall_after_sec": 210, "keepalive_sec": 60,
        "disconnect_grace_sec": 210.5, "disconnect_age": seconds(down),
        "last_ready_age": seconds(min(readies, default=-1)),
        "identifies_left": 0, "identify_reserve": 0, "identify_release_at": None,
        "components": [],
        "shards_total": len(shards),
        "shards_connected": sum(s["connected"] for s in shards),
        "shards": [{
            "id": i, "count": len(shards), "state": STATES[s["state"]],
            "connected": s["connected"], "last_event_age_s": whole(s["event"]),
            "latency_s": seconds(s["latency"]), "reason": s["reason"] or None,
        } for i, s in enumerate(shards)]}


def generated_states(count):
    """Random states with both sides of each threshold; the seed is fixed."""
    rng = random.Random(20)
    events = [-1, 0, 999, 1000, STALL - 1, STALL, STALL + 1, 987_654]
    latencies = [-1, 0, 1, 42, MAX_LATENCY, MAX_LATENCY + 1, 60_000]
    for i in range(count):
        shards = []
        for _ in range(0 if i == 0 else rng.choice([1, 1, 1, 2, 5])):
            connected = rng.random() < 0.7
            shards.append({
                "connected": connected,
                "state": STATE_READY if connected else rng.choice([0, 2, 3, 5, 8, 10]),
                "event": max(rng.choice(events), 0 if connected else -1),
                "ready": rng.choice([0, 1500]) if connected else rng.choice([-1, 90_000]),
                "disconnect": -1 if connected else rng.choice(
                    [0, ALLOWANCE - 1, ALLOWANCE, 500_000]),
                "latency": rng.choice(latencies) if connected else -1,
                "reason": rng.choice(["", "", "refused", "caf\u00e9"])})
        yield shards, i % 7 == 3


def tell_state(server, shards, strict, stopping):
    words = [f"strict={int(strict)}", f"stopping={int(stopping)}"]
    for s in shards:
        words.append(f"shard={int(s['connected'])}:{s['state']}:{s['event']}:{s['ready']}:"
                     f"{s['disconnect']}:{s['latency']}:{s['reason']}")
    server.tell(" ".join(words))


class Specification(Case):
    def check_probe(self, path, method, wanted_status, wanted_state, wanted_body):
        status, answer, body = self.server.get(path, method)
        self.assertEqual(status, wanted_status, (path, method))
        self.assertEqual(answer.getheader("X-Gwbot-State"), wanted_state)
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        self.assertEqual(answer.getheader("Connection"), "close")
        self.assertEqual(answer.getheader("Content-Type"), "application/json")
        self.assertEqual(answer.getheader("Retry-After"), "5" if status == 503 else None)
        length = int(answer.getheader("Content-Length"))
        if method == "HEAD":
            self.assertEqual(body, b"")
            return length
        self.assertEqual(len(body), length)
        document = json.loads(body)
        reasons = document.pop("reasons")
        self.assertEqual(document, wanted_body)
        self.assertEqual(reasons == [], wanted_state == "ready" or not wanted_body["shards"]
                         and wanted_state != "draining")
        return length

    def test_60_states_give_what_is_specified_on_each_path(self):
        for (shards, stopping), strict in itertools.product(generated_states(60),
                                                            [False, True]):
            tell_state(self.server, shards, strict, stopping)
            state, statuses = specified(shards, strict, stopping)
            body = specified_body(shards, strict, stopping)
            for path in PATHS:
                lengths = {self.check_probe(path, method, statuses[path], state, body)
                           for method in ("GET", "HEAD")}
                self.assertEqual(len(lengths), 1)

    def test_every_state_of_the_table_was_among_them(self):
        seen = {specified(shards, False, stopping)[0]
                for shards, stopping in generated_states(60)}
        self.assertEqual(seen, set(TABLE))

    def test_206_has_its_reason_phrase(self):
        self.server.tell("strict=0 stopping=0 shard=1:7:300000:5000:-1:-1:")
        answer = self.server.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 206 Partial Content\r\n"), answer)


class Requests(Case):
    def test_methods(self):
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "PRI"):
            status, answer, _ = self.server.get("/healthz", method)
            self.assertEqual((method, status), (method, 405))
            self.assertEqual(answer.getheader("Allow"), "GET, HEAD")
        answer = self.server.raw(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n")
        self.assertEqual(status_of(answer), 405)

    def test_a_body_that_nobody_reads_does_not_cost_the_answer(self):
        for size in (1, 5000, 300_000):
            head = f"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
            answer = self.server.raw(head.encode() + b"x" * size)
            self.assertEqual(status_of(answer), 405, size)
            self.assertTrue(answer.endswith(b"405 Method Not Allowed\n"), answer)

    def test_unknown_paths(self):
        for path in ("/nope", "/healthz/", "/healthz/x", "/Healthz", "/status.html"):
            for method in ("GET", "HEAD", "POST"):
                self.assertEqual(self.server.get(path, method)[0], 404, path)

    def test_old_and_sloppy_requests(self):
        for request in (b"GET /healthz HTTP/1.0\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\n\r\n",
                        b"GET /healthz?verbose=1&x HTTP/1.1\r\nHost: x\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\nHost: http\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\nHost: loop\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\nHost: fetch:1\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n"
                        b"Cookie: " + b"c" * 12_000 + b"\r\n\r\n"):
            self.assertEqual(status_of(self.server.raw(request)), 200, request[:80])

    def test_path_tricks_give_a_known_path_or_404(self):
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//", "/?", "?",
                     "/x/../healthz", "/%68ealthz", "/healthz%20", "/healthz%00", "/%",
                     "http://x/healthz", "*", "/healthz;x", "/\\healthz", "/./healthz"):
            answer = self.server.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertIn(status_of(answer), (0, 200, 403, 404), path)
            self.assertNotIn(b"root:", answer)
        self.assert_alive()

    def test_one_request_is_served_from_a_connection(self):
        smuggled = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        head = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        answer = self.server.raw(head + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + smuggled)
        self.assertEqual(answer.count(b"HTTP/1."), 1, answer)
        answer = self.server.raw(smuggled * 3)
        self.assertEqual(answer.count(b"HTTP/1."), 1)
        self.assertEqual(status_of(answer), 200)

    def test_no_upgrade_is_made(self):
        for path, kind in itertools.product(PATHS + ["/nope"], (
                b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
                b"Upgrade: TLS/1.0\r\n")):
            answer = self.server.raw(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                                     b"Connection: Upgrade\r\n" + kind + b"\r\n")
            self.assertIn(status_of(answer), (200, 403, 404), (path, kind))
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
        self.assertNotEqual(status_of(self.server.raw(preface)), 200)
        self.assert_alive()

    def test_bytes_that_are_no_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 500,
                     b"\0" * 100, b"\r\n\r\n\r\n\r\n", b"GET\r\n\r\n", b"lower case\r\n\r\n",
                     b" GET / HTTP/1.1\r\n\r\n", b"\xff" * 20_000):
            with self.server.connect() as peer:
                peer.sendall(data)
                peer.shutdown(socket.SHUT_WR)
                self.assertIn(status_of(exchange(peer, b"")), (0, 400, 403, 404, 405), data[:20])
        self.assert_alive()

    def test_headers_beyond_every_limit(self):
        line = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
        for data in (line + b"X-Big: " + b"b" * 10_000_000 + b"\r\n\r\n",
                     b"GET /" + b"u" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     line + b"".join(b"X-H%d: v\r\n" % i for i in range(500)) + b"\r\n",
                     line + b"".join(b"Accept: v%d\r\n" % i for i in range(500)) + b"\r\n",
                     line + b"Content-Length: 99999999999999999999\r\n\r\n",
                     line + b"Content-Length: -1\r\n\r\n"):
            self.assertIn(status_of(self.server.raw(data)), (0, 200, 403, 404), data[:60])
            self.assert_alive()

    def test_a_header_named_like_the_begin_of_another_is_closed_or_served(self):
        peers = []
        for name in (b"X-A", b"X-Auth", b"X-Forwarded", b"Acc", b"If", b"Sec"):
            peer = self.server.connect()
            peer.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + name + b": v\r\n\r\n")
            peers.append(peer)
        began = time.monotonic()
        for peer in peers:
            self.assertIn(status_of(exchange(peer, b"")), (0, 200))
            peer.close()
        self.assertLess(time.monotonic() - began, 10)
        self.assert_alive()


class Patience(Case):
    def test_silence_and_dripping_are_closed_within_10_s(self):
        def drip(data):
            with self.server.connect() as peer:
                began = time.monotonic()
                answer = b""
                for byte in itertools.chain(data, itertools.repeat(None)):
                    readable, _, _ = select.select([peer], [], [], 0.2)
                    if readable:
                        with contextlib.suppress(ConnectionError):
                            answer = peer.recv(65536)
                        break
                    if byte is not None:
                        peer.sendall(bytes([byte]))
                results.append((time.monotonic() - began, status_of(answer)))

        results = []
        # The last one drips its body: it is refused when the head is whole.
        scripts = [b"", b"GET /livez", b"GET /livez HTTP/1.1\r\nX: " + b"y" * 1000]
        threads = [threading.Thread(target=drip, args=(s,)) for s in scripts]
        for thread in threads:
            thread.start()
        with self.server.connect() as peer:
            peer.sendall(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nab")
            began = time.monotonic()
            self.assertEqual(status_of(peer.recv(65536)), 405)
            self.assertLess(time.monotonic() - began, 1)
        self.assert_alive()
        for thread in threads:
            thread.join()
        print(f"{self.id()}: closed after {[round(t, 1) for t, _ in results]} s",
              file=sys.stderr)
        for took, status in results:
            self.assertLess(took, 10)
            self.assertEqual(status, 0)

    def test_a_peer_that_pipelines_and_does_not_read_costs_nothing(self):
        self.server.tell("strict=0 stopping=0" + " shard=1:7:1:1:-1:1:x" * 20)
        with self.server.connect() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                for _ in range(3000):
                    peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
            self.assert_cheap(3)

    def test_a_large_answer_that_nobody_reads_costs_nothing(self):
        self.server.tell("strict=0 stopping=0 pad=450000")
        self.assertGreater(len(self.server.get("/healthz")[2]), 450_000)
        peers = []
        for _ in range(4):
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            peer.connect(("127.0.0.1", self.server.port))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            peers.append(peer)
        time.sleep(0.3)
        self.server.tell(READY)
        self.assert_cheap(3)
        deadline = time.monotonic() + 6
        while self.server.stats()["open"] > 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(self.server.stats()["open"], 0)
        for peer in peers:
            peer.close()

    def test_a_large_answer_is_whole_for_slow_readers(self):
        self.server.tell("strict=0 stopping=0 pad=300000")
        for pause in (0, 0.002):
            with self.server.connect() as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                got = b""
                while chunk := peer.recv(8192):
                    got += chunk
                    time.sleep(pause)
            head, body = got.split(b"\r\n\r\n", 1)
            self.assertIn(b"Content-Length: %d\r\n" % len(body), head + b"\r\n")
            self.assertGreater(len(body), 300_000)
            self.assertEqual(json.loads(body)["shards"], [])


    def test_the_metrics_of_1000_shards_fit(self):
        # They come to 1.5 MB; numbers with more digits to 2.3 MB.
        self.server.tell("strict=0 stopping=0 pad=2300000")
        self.assertGreater(len(self.server.get("/healthz")[2]), 2_300_000)


class Floods(Case):
    def test_5000_connections_at_once_leave_room_for_a_probe(self):
        wanted = 5000
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(wanted, hard - 100)
        peers = []
        self.server.stats()  # begins a new largest gap
        for _ in range(count):
            peer = socket.socket()
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                peer.connect(("127.0.0.1", self.server.port))
            peers.append(peer)
        began = time.monotonic()
        self.assert_alive(within=1)
        took = time.monotonic() - began
        stats = self.server.stats()
        print(f"{self.id()}: {count} connections, probe {1000 * took:.0f} ms, {stats}",
              file=sys.stderr)
        self.assertLessEqual(stats["open"], 256)
        self.assertGreater(stats["evicted"], 0)
        self.assertLess(stats["gap_ms"], 200)
        self.assert_cheap(1, share=0.25)
        for peer in peers:
            peer.close()
        self.assert_alive()

    def test_without_descriptors_it_neither_spins_nor_deafens(self):
        server = Server("-m", "1000", files=80)
        self.addCleanup(server.close)
        self.server, spare = server, self.server
        self.addCleanup(setattr, self, "server", spare)
        peers = [server.connect() for _ in range(200)]
        self.assert_cheap(2)
        for peer in peers:
            peer.close()
        self.assert_alive()


class Small(Case):
    ARGS = ("-m", "8")

    def test_idle_connections_make_room_oldest_first(self):
        peers = [self.server.connect() for _ in range(20)]
        for _ in range(20):
            self.assert_alive()
        stats = self.server.stats()
        self.assertLessEqual(stats["open"], 8)
        self.assertGreaterEqual(stats["evicted"], 12)
        peers[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        for peer in peers:
            peer.close()


class Addresses(unittest.TestCase):
    def run_failing(self, *args):
        result = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, timeout=20,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 78, result.stderr)
        return result.stderr.splitlines()[-1]

    def reaches(self, server, host):
        try:
            return status_of(server.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", host)) == 200
        except OSError:
            return False

    def test_listens_where_it_was_told_and_nowhere_else(self):
        for args, v4, other, v6 in ((("-l", "127.0.0.1"), True, False, False),
                                    (("-l", "::1"), False, False, True),
                                    (("-l", "127.0.0.2", "-l", "::1"), False, True, True),
                                    (("-l", "0.0.0.0"), True, True, False),
                                    (("-l", "::"), False, False, True),
                                    ((), True, True, True)):
            server = Server(*args)
            try:
                reached = tuple(self.reaches(server, host)
                                for host in ("127.0.0.1", "127.0.0.2", "::1"))
                self.assertEqual(reached, (v4, other, v6), args)
            finally:
                server.close()

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for args in (("-p", port), ("-p", port, "-l", "127.0.0.1")):
                why = self.run_failing(*args)
                self.assertIn(f"port {port} ", why)
                self.assertIn("in use", why)

    def test_an_address_that_is_none_or_not_ours(self):
        self.assertIn("localhost", self.run_failing("-l", "localhost"))
        self.assertIn("192.0.2.1", self.run_failing("-l", "192.0.2.1"))

    def test_a_missing_family_is_left_out_of_the_default_only(self):
        rule = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; "
        probe = subprocess.run(["unshare", "-Urn", "sh", "-c", rule], capture_output=True,
                               check=False)
        if probe.returncode != 0:
            self.skipTest("no network namespaces here")
        default = subprocess.run(["unshare", "-Urn", "sh", "-c", rule + PROGRAM],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=20, check=False)
        self.assertEqual(default.returncode, 0, default.stderr)
        self.assertIn("listening", default.stdout)
        told = subprocess.run(["unshare", "-Urn", "sh", "-c", rule + PROGRAM + " -l ::1"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(told.returncode, 78, told.stderr)


if __name__ == "__main__":
    unittest.main()
