"""The HTTP client against servers that behave, and against those that do not."""
import contextlib
import json
import os
import resource
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.path.join(os.environ.get("GWBOT_TEST_BIN", "build/dev/tests"), "fetch_client")


def checksum(data):
    total = 1
    for byte in data:
        total = (total * 31 + byte) % 1000000007
    return total


class Peer:
    """Accepts; each connection is one call of script(connection, head, body)."""

    def __init__(self, script, tls=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, 0), family=family, backlog=64)
        self.port = self.socket.getsockname()[1]
        self.script, self.tls = script, tls
        self.requests = []
        self.done = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(20)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                head, body = read_request(connection)
                self.requests.append((head, body))
                self.script(connection)

    def close(self):
        self.done.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise ValueError("no request")
        data += chunk
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head.decode(), body


class Client:
    def __init__(self, *args, env=None):
        self.process = subprocess.Popen(
            [PROGRAM, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr),
                                       daemon=True)
        self.reader.start()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("fetch_client is gone:\n" + "".join(self.log))
        return json.loads(line)

    def ask(self, url, method="GET", timeout=5000, limit=1_000_000, headers="-", body="-"):
        self.say(f"{timeout} {limit} {method} {url} {headers} {body}")
        return self.hear()

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def close(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        status = self.process.wait(20)
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        if status != 0 or rest:
            raise AssertionError(f"ended with {status}, {rest!r}:\n" + "".join(self.log))


class Case(unittest.TestCase):
    ARGS = ()

    def setUp(self):
        self.client = Client(*self.ARGS)
        self.addCleanup(self.client.close)

    def peer(self, script, **options):
        if isinstance(script, bytes):
            data = script
            script = lambda connection: connection.sendall(data)  # noqa: E731
        peer = Peer(script, **options)
        self.addCleanup(peer.close)
        return peer

    def ask(self, script, path="/", **options):
        peer = self.peer(script)
        return self.client.ask(f"http://127.0.0.1:{peer.port}{path}", **options)

    def assert_body(self, answer, body, status=200):
        self.assertIsNone(answer["error"])
        self.assertEqual((answer["status"], answer["size"]), (status, len(body)))
        self.assertEqual(answer["sum"], checksum(body))

    def assert_error(self, answer, *words, maybe_done=True, within=None):
        self.assertIsNotNone(answer["error"], answer)
        for word in words:
            self.assertIn(word, answer["error"])
        self.assertEqual(answer["maybe_done"], maybe_done, answer)
        if within:
            self.assertLess(answer["took_ms"], within)


class Requests(Case):
    def test_what_is_sent(self):
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        url = f"http://localhost:{peer.port}/api/v10?a=b&c=%20"
        self.assert_body(self.client.ask(url, headers="Authorization=Bot_x|X-A=1"), b"ok")
        head, _ = peer.requests[0]
        lines = head.split("\r\n")
        self.assertEqual(lines[0], "GET /api/v10?a=b&c=%20 HTTP/1.1")
        fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        self.assertEqual(fields["host"], f"localhost:{peer.port}")
        self.assertEqual(fields["authorization"], "Bot_x")
        self.assertEqual(fields["user-agent"], "DiscordBot (gwbot, 0)")
        self.assertEqual(fields["connection"], "close")
        self.assertNotIn("content-length", fields)
        self.assertNotIn("origin", fields)

    def test_bodies_and_methods(self):
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        url = f"http://127.0.0.1:{peer.port}/"
        for method, given, sent in (("POST", "-", b""), ("PUT", "-", b""),
                                    ("PATCH", "x=1", b"x=1"), ("DELETE", "-", b""),
                                    ("POST", "*10", b"z" * 10),
                                    ("POST", "*100000", b"z" * 100_000),
                                    ("POST", "*3000000", b"z" * 3_000_000)):
            self.assert_body(self.client.ask(url, method=method, body=given), b"")
            head, body = peer.requests[-1]
            self.assertTrue(head.startswith(method + " / "))
            self.assertEqual(body, sent)
            self.assertEqual("Content-Length:" in head, method != "DELETE")

    def test_ipv6_and_names(self):
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", host="::1")
        self.assert_body(self.client.ask(f"http://[::1]:{peer.port}/"), b"ok")
        self.assertIn(f"Host: [::1]:{peer.port}\r\n", peer.requests[0][0] + "\r\n")

    def test_what_cannot_be_asked(self):
        for url, method, headers in (("ftp://h/", "GET", "-"), ("http://h/", "BREW", "-"),
                                     ("http://u@127.0.0.1/", "GET", "-"),
                                     ("http://127.0.0.1/", "GET", "A:B=c"),
                                     ("http://127.0.0.1/" + "p" * 2100, "GET", "-"),
                                     ("http://127.0.0.1/", "GET", "A=" + "v" * 3500)):
            answer = self.client.ask(url, method=method, headers=headers)
            self.assert_error(answer, maybe_done=False, within=100)

    def test_plain_http_goes_to_loopback_only(self):
        for host in ("192.0.2.1", "10.0.0.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "0.0.0.0"):
            answer = self.client.ask(f"http://{host}/")
            self.assert_error(answer, "loopback", maybe_done=False, within=100)

    def test_no_proxy_from_the_environment(self):
        proxy = self.peer(b"HTTP/1.1 200 OK\r\n\r\n")
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        address = f"127.0.0.1:{proxy.port}"
        client = Client(env={"http_proxy": address, "HTTP_PROXY": address,
                             "socks_proxy": address, "ALL_PROXY": address})
        self.addCleanup(client.close)
        self.assert_body(client.ask(f"http://127.0.0.1:{peer.port}/"), b"ok")
        self.assertEqual(proxy.requests, [])

    def test_refused_and_cancelled(self):
        self.assert_error(self.client.ask("http://127.0.0.1:1/"), "127.0.0.1",
                          maybe_done=False, within=500)
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.client.say(f"5000 100 GET http://127.0.0.1:{peer.port}/ - -")
        self.client.say("cancel")
        self.assert_body(self.client.ask(f"http://127.0.0.1:{peer.port}/"), b"ok")

    def test_the_client_may_be_freed_from_inside_an_answer(self):
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        slow = self.peer(lambda connection: time.sleep(3))
        for _ in range(5):
            self.client.say(f"9000 100 GET http://127.0.0.1:{slow.port}/ - -")
        self.client.say("free")
        self.assert_body(self.client.ask(f"http://127.0.0.1:{peer.port}/"), b"ok")

    def test_200_at_once(self):
        peer = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        for _ in range(200):
            self.client.say(f"9000 100 GET http://127.0.0.1:{peer.port}/ - -")
        for _ in range(200):
            self.assert_body(self.client.hear(), b"ok")


class Answers(Case):
    def test_the_ways_to_send_a_body(self):
        body = bytes(range(256)) * 300
        sized = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        closed = b"HTTP/1.1 200 OK\r\n\r\n" + body
        old = b"HTTP/1.0 200 OK\r\n\r\n" + body
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 1000]), body[i:i + 1000])
                          for i in range(0, len(body), 1000))
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for data in (sized, closed, old, chunked + chunks + b"0\r\n\r\n"):
            self.assert_body(self.ask(data), body)
        self.assert_body(self.ask(chunked + b"0\r\n\r\n"), b"")
        self.assert_body(self.ask(chunked + b"2\r\nhi\r\n0\r\n\r\n"), b"hi")

    def test_chunks_that_drip(self):
        def drip(connection):
            data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.002)
            time.sleep(3)
        answer = self.ask(drip)
        self.assert_body(answer, b"abc")
        self.assertLess(answer["took_ms"], 2000)

    def test_204_and_304_and_head_are_complete_at_once(self):
        def stay(data):
            def script(connection):
                connection.sendall(data)
                time.sleep(4)
            return script
        for status in (204, 304):
            for more in (b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"):
                for _ in range(3):
                    answer = self.ask(stay(b"HTTP/1.1 %d X\r\n%s\r\n" % (status, more)))
                    self.assert_body(answer, b"", status)
                    self.assertLess(answer["took_ms"], 1000)
        answer = self.ask(stay(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), method="HEAD")
        self.assert_body(answer, b"")
        self.assertLess(answer["took_ms"], 1000)

    def test_wanted_headers(self):
        answer = self.ask(
            b"HTTP/1.1 429 Too Many Requests\r\nX-RateLimit-Bucket: abcd1234\r\n"
            b"Retry-After: 1.5\r\nx-ratelimit-remaining: 0\r\nX-RateLimit-Scope: user\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        self.assert_body(answer, b"{}", 429)
        self.assertEqual(answer["retry-after"], "1.5")
        self.assertEqual(answer["x-ratelimit-bucket"], "abcd1234")
        self.assertEqual(answer["x-ratelimit-remaining"], "0")
        self.assertEqual(answer["content-type"], "application/json")
        answer = self.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertIsNone(answer["retry-after"])
        self.assertIsNone(answer["x-ratelimit-bucket"])

    def test_redirects_are_not_followed(self):
        other = self.peer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        for status in (301, 302, 303, 307, 308):
            answer = self.ask(
                b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d/\r\n"
                b"Content-Length: 0\r\n\r\n" % (status, other.port),
                headers="Authorization=Bot_secret")
            self.assert_body(answer, b"", status)
        self.assertEqual(other.requests, [])

    def test_interim_answers_are_an_error(self):
        def storm(connection):
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        self.assert_error(self.ask(b"HTTP/1.1 100 Continue\r\n\r\n"
                                   b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "100")
        self.assert_error(self.ask(storm), "103", within=2000)

    def test_sizes_and_codings_without_sense(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for data in (chunked + b"zz\r\nabc\r\n", chunked + b"ffffffff\r\nabc\r\n" + b"x" * 9000,
                     chunked + b"fffffffffffffffffff0\r\n" + b"x" * 9000,
                     chunked + b"80000000\r\n" + b"x" * 9000,
                     chunked + b"3\r\nabcdef\r\n0\r\n\r\n", chunked + b"-3\r\nabc\r\n",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
                     b"3\r\nabc\r\n0\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nabc",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
                     b"HTTP/1.1 000 Zero\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n",
                     b"SSH-2.0-OpenSSH\r\n", b"\0\0\0\0", b"\r\n\r\n"):
            self.assert_error(self.ask(data, timeout=2000), within=2500)

    def test_a_body_without_end_stops_at_the_limit(self):
        def endless(head, piece):
            def script(connection):
                connection.sendall(head)
                for _ in range(2000):
                    connection.sendall(piece)
            return script
        before = self.client.rss_kb()
        large = b"x" * 50_000
        for script in (endless(b"HTTP/1.1 200 OK\r\n\r\n", large),
                       endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                               b"c350\r\n" + large + b"\r\n"),
                       endless(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", large)):
            self.assert_error(self.ask(script, limit=100_000), "larger than 100000",
                              within=3000)
        # Of 300 MB that were offered; the address checker alone keeps tens of MB freed.
        self.assertLess(self.client.rss_kb() - before, 80_000)
        at_limit = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" + b"y" * 1001
        self.assert_body(self.ask(at_limit % 1000, limit=1000), b"y" * 1000)
        self.assert_error(self.ask(at_limit % 1001, limit=1000), "larger")

    def test_headers_within_and_beyond_the_limit(self):
        line = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        for extra, fits in ((b"X-Long: " + b"v" * 14_000, True),
                            (b"X-Long: " + b"v" * 20_000, False),
                            (b"\r\n".join(b"X-Many-%d: v" % i for i in range(300)), True),
                            (b"\r\n".join(b"X-Many-%d: v" % i for i in range(3000)), False)):
            answer = self.ask(line + extra + b"\r\n\r\nok")
            if fits:
                self.assert_body(answer, b"ok")
            else:
                self.assert_error(answer, within=2000)

    def test_a_header_named_like_the_begin_of_another_ends(self):
        for name in (b"X-A", b"Acc", b"If", b"Sec", b"Retry", b"Content"):
            answer = self.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + name +
                              b": v\r\n\r\nok", timeout=1000)
            if answer["error"] is None:
                self.assert_body(answer, b"ok")
            self.assertLess(answer["took_ms"], 1500)


class Cuts(Case):
    def sweep(self, data, whole):
        """One end for each prefix; only a whole answer counts as one."""
        def script(connection):
            connection.sendall(data[:len(cut)])
        peer = self.peer(script)
        cut = []
        for size in range(len(data) + 1):
            cut[:] = [0] * size
            answer = self.client.ask(f"http://127.0.0.1:{peer.port}/", timeout=3000)
            if size >= whole:
                self.assertIsNone(answer["error"], (size, answer))
            else:
                self.assert_error(answer, within=2000)

    def test_an_answer_with_a_length_cut_at_each_byte(self):
        data = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Y: z\r\n\r\n123456789"
        self.sweep(data, len(data))

    def test_an_answer_in_chunks_cut_at_each_byte(self):
        data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        self.sweep(data, len(data))

    def test_chunks_cut_in_a_packet_of_their_own(self):
        chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

        def script(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            time.sleep(0.03)
            connection.sendall(chunks[:len(cut)])
            time.sleep(0.03)
        peer = self.peer(script)
        cut = []
        for size in range(len(chunks) + 1):
            cut[:] = [0] * size
            answer = self.client.ask(f"http://127.0.0.1:{peer.port}/", timeout=3000)
            if size == len(chunks):
                self.assert_body(answer, b"abcde")
            else:
                self.assert_error(answer, "whole answer", within=2000)

    def test_resets(self):
        def reset(data):
            def script(connection):
                connection.sendall(data)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
            return script
        for data in (b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"):
            self.assert_error(self.ask(reset(data)), within=2000)

    def test_each_silence_ends_at_the_deadline(self):
        def silent_after(data):
            def script(connection):
                connection.sendall(data)
                time.sleep(9)
            return script
        for data in (b"", b"HTTP/1.1 200 OK\r\nConte",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123",
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                     b"HTTP/1.1 200 OK\r\n\r\nabc"):
            answer = self.ask(silent_after(data), timeout=700)
            self.assert_error(answer, "timed out")
            self.assertAlmostEqual(answer["took_ms"], 700, delta=200)

    def test_a_slow_answer_has_the_whole_of_its_deadline(self):
        def slow(connection):
            time.sleep(6.5)  # the library alone would give up after 5
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.assert_body(self.ask(slow, timeout=9000), b"ok")


def make_certificates(folder):
    """A CA, and leaf certificates for a name, for another, for an address, and expired."""
    def run(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        run("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem",
            "-days", "30", "-subj", f"/CN={name}")
    for name, san, ca, days in (("good", "DNS:localhost", "ca", "30"),
                                ("wrong", "DNS:example.org", "ca", "30"),
                                ("address", "IP:127.0.0.1", "ca", "30"),
                                ("alien", "DNS:localhost", "other", "30"),
                                ("old", "DNS:localhost", "ca", "-1")):
        with open(os.path.join(folder, "san"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={san}\n")
        run("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
            "-CAcreateserial", "-days", days, "-extfile", "san", "-out", f"{name}.pem")


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        make_certificates(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.client = Client("-c", os.path.join(self.folder, "ca.pem"))
        self.addCleanup(self.client.close)
        self.names = []

    def ask(self, certificate, host="localhost", tls=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = os.path.join(self.folder, certificate)
        context.load_cert_chain(path + ".pem", path + ".key")
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.sni_callback = lambda sock, name, ctx: self.names.append(name)
        if tls:
            context.minimum_version = context.maximum_version = tls
        peer = Peer(lambda connection: connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), tls=context)
        self.addCleanup(peer.close)
        return self.client.ask(f"https://{host}:{peer.port}/"), peer

    def test_right_certificates(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            answer, peer = self.ask("good", tls=version)
            self.assertIsNone(answer["error"])
            self.assertEqual(len(peer.requests), 1)
            self.assertEqual(self.names[-1], "localhost")
        answer, _ = self.ask("address", host="127.0.0.1")
        self.assertIsNone(answer["error"])

    def test_wrong_certificates_are_refused_in_words(self):
        for certificate, host, words in (("wrong", "localhost", "ostname mismatch"),
                                         ("good", "127.0.0.1", "mismatch"),
                                         ("address", "localhost", "ostname mismatch"),
                                         ("alien", "localhost", "issuer certificate"),
                                         ("old", "localhost", "expired")):
            answer, peer = self.ask(certificate, host)
            self.assertIn(words, answer["error"])
            self.assertIn(host, answer["error"])
            self.assertFalse(answer["maybe_done"])
            self.assertEqual(peer.requests, [])

    def test_without_the_file_the_systems_store_decides(self):
        client = Client()
        self.addCleanup(client.close)
        self.client, spare = client, self.client
        answer, _ = self.ask("good")
        self.client = spare
        self.assertIn("certificate", answer["error"])

    def test_no_tls_at_all_and_silence(self):
        def plain(connection):
            connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = server.accept()
                        connection.recv(100)
                        plain(connection)
                        connection.close()
            threading.Thread(target=serve, daemon=True).start()
            port = server.getsockname()[1]
            answer = self.client.ask(f"https://localhost:{port}/")
            self.assertIsNotNone(answer["error"])
            self.assertFalse(answer["maybe_done"])
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            answer = self.client.ask(f"https://127.0.0.1:{port}/", timeout=800)
            self.assertIn("timed out", answer["error"])
            self.assertAlmostEqual(answer["took_ms"], 800, delta=200)

    def test_a_ca_file_that_is_none(self):
        for path in (os.path.join(self.folder, "absent.pem"),
                     os.path.join(self.folder, "san"), self.folder):
            result = subprocess.run([PROGRAM, "-c", path], stdin=subprocess.DEVNULL,
                                    capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(result.returncode, 78, result.stderr)
            self.assertIn("CA certificates", result.stderr)


class Addresses(unittest.TestCase):
    """In a namespace with a hosts file of its own."""

    def run_inside(self, hosts, commands, lines, timeout=15):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "hosts"), "w", encoding="ascii") as file:
                file.write(hosts)
            script = (f"mount --bind {folder}/hosts /etc/hosts && ip link set lo up && "
                      f"{commands} exec {PROGRAM}")
            # What it starts in the background ends with it: processes of their own space.
            with subprocess.Popen(["unshare", "-Urmn", "-pf", "--kill-child", "sh", "-c", script],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                try:
                    process.stdin.write(lines)
                    process.stdin.flush()
                    line = process.stdout.readline()
                    process.stdin.close()
                    log = process.stderr.read()
                    process.wait(timeout)
                finally:
                    process.kill()
        if not line:
            if "unshare" in log or "mount" in log:
                self.skipTest("no namespaces here: " + log.strip())
            self.fail(log)
        return json.loads(line)

    def test_the_second_address_is_tried(self):
        server = (f"{sys.executable} -m http.server -b 127.0.0.9 8123 >/dev/null 2>&1 & "
                  "sleep 1; ")
        answer = self.run_inside("127.0.0.8 two\n127.0.0.9 two\n", server,
                                 "5000 1000000 GET http://two:8123/ - -\n")
        self.assertIsNone(answer["error"])
        self.assertEqual(answer["status"], 200)

    def test_a_black_hole_does_not_eat_the_time_of_the_second(self):
        server = (f"{sys.executable} -m http.server -b 127.0.0.9 8123 >/dev/null 2>&1 & "
                  "ip route add blackhole 127.0.0.8/32 table local 2>/dev/null; "
                  "nft add table ip t && nft 'add chain ip t c { type filter hook input "
                  "priority 0; }' && nft add rule ip t c ip daddr 127.0.0.8 drop; sleep 1; ")
        answer = self.run_inside("127.0.0.8 two\n127.0.0.9 two\n", server,
                                 "5000 1000000 GET http://two:8123/ - -\n")
        self.assertIsNone(answer["error"])
        self.assertLess(answer["took_ms"], 3500)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    unittest.main()
