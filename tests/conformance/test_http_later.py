"""The health server: queries, and answers that come later, to clients of every kind."""
import contextlib
import socket
import struct
import threading
import time
import unittest

from test_http import Case, exchange, status_of


def request(path, method="GET", *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


class Queries(Case):
    def ask(self, query):
        """How many arguments there were, whether some are missing, and the value of q."""
        status, _, body = self.server.get("/later?" + query)
        self.assertEqual(status, 200)
        count, cut, value = body.split(b" ", 2)
        return int(count), cut == b"1", value

    def test_values_are_decoded_once(self):
        for query, value in (
                ("q=plain", b"plain"),
                ("q=", b""),
                ("q", b""),
                ("q=a=b", b"a=b"),
                ("q=%41%2f%26%3d%3F%23", b"A/&=?#"),
                ("q=%2541", b"%41"),
                ("q=https%3A%2F%2Fx%2F..%2Fy", b"https://x/../y"),
                ("q=//x/../y/./z", b"//x/../y/./z"),
                ("q=a+b", b"a b"),
                ("q=%FF%09%01", b"\xff\t\x01"),
                ("q=ended%0aHost:%20y", b"ended"),
                ("q=ended%0d%0aHost:%20y", b"ended")):
            with self.subTest(query=query):
                self.assertEqual(self.ask(query)[2], value)

    def test_arguments_are_counted_and_held_at_a_limit(self):
        self.assertEqual(self.ask("q=1")[:2], (1, False))
        self.assertEqual(self.ask("a&b=2&q=1")[:2], (3, False))
        self.assertEqual(self.ask("q=1" + "&a" * 15)[:2], (16, False))
        self.assertEqual(self.ask("q=1" + "&a" * 16)[:2], (16, True))
        self.assertEqual(self.ask("q=" + "x" * 1022), (1, False, b"x" * 1022))
        self.assertEqual(self.ask("q=1&r=" + "x" * 1100)[:2], (1, True))

    def test_what_is_no_percent_code_is_refused(self):
        for query in (b"q=%", b"q=%4", b"q=%zz", b"q=%00", b"q=%4z", b"%%=q"):
            with self.subTest(query=query):
                answer = self.server.raw(b"GET /later?" + query + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(status_of(answer), (0, 400, 403))
        self.assert_alive()

    def test_a_query_does_not_change_what_a_probe_answers(self):
        for query in ("?", "?x", "?verbose=1&x=" + "y" * 3000, "?a=/../b", "?%41=%42"):
            self.assertEqual(self.server.get("/healthz" + query)[0], 200, query)


class Conditions(Case):
    def test_who_has_the_same_gets_304_without_a_body(self):
        for sent, status in (('"tag"', 304), ('W/"tag"', 304), ('"x", "tag"', 304),
                             ('"other"', 200), ("tag", 200), ('"' + "x" * 200 + '"', 200)):
            got, answer, body = self.server.get("/later?q=1", **{"If-None-Match": sent})
            self.assertEqual(got, status, sent)
            self.assertEqual(answer.headers["ETag"], '"tag"')
            self.assertEqual(answer.headers["Cache-Control"], "public, max-age=60")
            self.assertEqual(body, b"" if status == 304 else b"1 0 1")


class Later(Case):
    def begin(self, data=request("/later")):
        peer = self.server.connect()
        self.addCleanup(peer.close)
        open_before = self.server.stats()["requests"]
        peer.sendall(data)
        return peer, open_before

    def give(self, expected="answered"):
        deadline = time.monotonic() + 10
        while (said := self.server.tell("later")) == "none" and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(said, expected)

    def read(self, peer):
        return exchange(peer, b"")

    def test_the_answer_comes_when_it_is_given(self):
        peer, _ = self.begin()
        peer.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            peer.recv(1)
        peer.settimeout(10)
        self.assert_alive()
        self.give()
        answer = self.read(peer)
        self.assertEqual(status_of(answer), 200)
        self.assertTrue(answer.endswith(b"\r\n\r\nlate"), answer)

    def test_head_gets_the_length_and_no_body(self):
        peer, _ = self.begin(request("/later", "HEAD"))
        self.give()
        answer = self.read(peer)
        self.assertIn(b"Content-Length: 4\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_a_condition_is_remembered(self):
        peer, _ = self.begin(request("/later", "GET", 'If-None-Match: "late"'))
        self.give()
        answer = self.read(peer)
        self.assertEqual(status_of(answer), 304)
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_other_methods_are_refused_at_once(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            answer = self.server.raw(request("/later", method))
            self.assertEqual(status_of(answer), 405, method)
            self.assertIn(b"Allow: GET, HEAD\r\n", answer)
        self.assertEqual(self.server.tell("later"), "none")

    def test_a_client_that_went_is_not_missed(self):
        peer, _ = self.begin()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.1)
        peer.close()
        deadline = time.monotonic() + 5
        while self.server.stats()["open"] > 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.server.stats()["open"], 0)
        self.give("gone")
        self.assert_alive()

    def test_a_client_that_only_listens_any_more_gets_its_answer(self):
        peer, _ = self.begin()
        peer.shutdown(socket.SHUT_WR)
        self.assert_cheap(1)
        self.give()
        self.assertTrue(self.read(peer).endswith(b"late"))

    def test_a_client_that_closed_costs_nothing(self):
        peer, _ = self.begin()
        peer.close()
        self.assert_cheap(1)
        self.give()
        self.assert_alive()
        self.assertEqual(self.server.stats()["open"], 0)

    def test_the_server_may_end_before_the_answer_is_given(self):
        for _ in range(5):
            self.begin()

    def test_a_large_answer_that_came_late_is_whole(self):
        self.server.tell("strict=0 stopping=0 pad=1100000 shard=1:7:1:1:-1:1:x")
        for pause in (0, 0.001):
            peer, _ = self.begin()
            self.give()
            got = b""
            while chunk := peer.recv(16384):
                got += chunk
                time.sleep(pause)
            self.assertEqual(len(got.split(b"\r\n\r\n", 1)[1]), 1_100_004)

    def test_an_answer_larger_than_any_ends_the_connection(self):
        self.server.tell("strict=0 stopping=0 pad=4300000 shard=1:7:1:1:-1:1:x")
        peer, _ = self.begin()
        self.give()
        self.assertEqual(self.read(peer), b"")
        self.server.tell("strict=0 stopping=0 shard=1:7:1:1:-1:1:x")
        self.assert_alive()

    def test_who_pipelines_and_waits_costs_nothing(self):
        peer, _ = self.begin(request("/later") * 20)
        self.assert_cheap(2)
        self.give()
        self.assertEqual(self.read(peer).count(b"HTTP/1.1 "), 1)

    def test_an_upgrade_is_not_made_to_wait(self):
        peer, _ = self.begin(request("/later", "GET", "Upgrade: websocket", "Connection: Upgrade",
                                     "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"))
        self.assertEqual(status_of(self.read(peer)), 503)
        self.assertEqual(self.server.tell("later"), "none")


class Many(Case):
    ARGS = ("-m", "40")

    def test_half_of_the_places_stay_free_for_probes(self):
        answers = []

        def ask():
            with contextlib.suppress(ConnectionError):
                answers.append(status_of(self.server.raw(request("/later"))))

        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
            time.sleep(0.01)
        for _ in range(20):
            self.assert_alive()
        for _ in range(20):
            self.assertEqual(self.server.tell("later"), "answered")
        for thread in threads:
            thread.join(10)
        self.assertEqual(self.server.tell("later"), "none")
        self.assertEqual((answers.count(200), answers.count(503)), (20, 40))
        stats = self.server.stats()
        self.assertEqual((stats["open"], stats["refused"]), (0, 0))


class Forgotten(Case):
    def test_an_answer_that_never_comes_ends_the_connection(self):
        peer = self.server.connect(timeout=40)
        began = time.monotonic()
        self.assertEqual(exchange(peer, request("/later")), b"")
        self.assertAlmostEqual(time.monotonic() - began, 30, delta=3)
        peer.close()
        self.assertEqual(self.server.tell("later"), "gone")


if __name__ == "__main__":
    unittest.main()
