"""gwsim itself: what it plays must be what Discord does, and every fault must be one."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from sim import BIN, TOKEN, Sim  # noqa: E402
from wsclient import Closed, Gateway, Refused, Socket  # noqa: E402

OTHER_TOKEN = TOKEN[:-4] + "WXYZ"
GUILDS, MESSAGES, CONTENT, PRESENCES = 1, 512, 32768, 256

# Identifies follow each other closely here; the tests of the limit set it themselves.
QUICK = ("--identify-window", "0")


def upgrade_raw(sim, path="/?v=10&encoding=json"):
    """A plain TCP connection with the upgrade sent and nothing read."""
    raw = socket.create_connection(("127.0.0.1", sim.port), 10)
    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
                "Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n".encode())
    return raw


def silent(raw, seconds):
    """True where nothing, not even an end, comes in this time."""
    raw.settimeout(seconds)
    try:
        raw.recv(1)
        return False
    except TimeoutError:
        return True


class CommandLine(unittest.TestCase):
    def run_sim(self, *args):
        return subprocess.run([BIN / "gwsim", *args], capture_output=True, text=True,
                              timeout=20)

    def test_help_and_version(self):
        page = self.run_sim("--help")
        self.assertEqual(page.returncode, 0)
        for word in ("--control", "--big-guild", "NOT imitate", "--ready-fd"):
            self.assertIn(word, page.stdout)
        self.assertRegex(self.run_sim("--version").stdout, r"^gwsim \d+\.\d+\.\d+\n$")

    def test_bad_arguments_are_usage_errors(self):
        for args in (["--port", "70000"], ["--port", "x"], ["--nothing"], ["word"],
                     ["--heartbeat", "0"], ["--rate", "-1"], ["--rate", "nan"], ["--tls"],
                     ["--token", ""], ["--buffer", "1"]):
            with self.subTest(args=args):
                done = self.run_sim(*args)
                self.assertEqual(done.returncode, 64)
                self.assertTrue(done.stderr.startswith("gwsim: "), done.stderr)

    def test_only_loopback(self):
        done = self.run_sim("--host", "0.0.0.0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no loopback", done.stderr)

    def test_taken_port(self):
        with Sim() as sim:
            done = self.run_sim("--port", str(sim.port))
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot listen", done.stderr)

    def test_ready_fd_gets_the_line_too(self):
        read, write = os.pipe()
        process = subprocess.Popen([BIN / "gwsim", "--ready-fd", str(write)],
                                   stdout=subprocess.PIPE, pass_fds=[write])
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            line = pipe.readline()
        self.assertEqual(line, process.stdout.readline())
        ready = json.loads(line)
        self.assertEqual(ready["pid"], process.pid)
        self.assertEqual(ready["api_base"], f"http://127.0.0.1:{ready['port']}/api/v10")
        self.assertIsNone(ready["control"])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 0)
        process.stdout.close()

    def test_both_families_on_one_port(self):
        with Sim("--host", "localhost") as sim:
            for address in ("127.0.0.1", "::1"):
                socket.create_connection((address, sim.port), 5).close()

    def test_idle_exit(self):
        sim = Sim("--idle-exit", "0.4")
        gateway = Gateway(sim.gateway)
        gateway.until(10)
        time.sleep(0.8)
        self.assertIsNone(sim.process.poll(), "a client is connected")
        gateway.close()
        self.assertEqual(sim.process.wait(5), 0)
        sim.stop()

    def test_second_one_on_a_live_control_socket(self):
        with Sim() as sim:
            mode = stat.S_IMODE(os.stat(sim.socket_path).st_mode)
            self.assertEqual(mode, 0o600)
            done = self.run_sim("--control", sim.socket_path)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another gwsim", done.stderr)
            self.assertTrue(sim.do("stats")["ok"])
            path = sim.socket_path
            sim.do("quit")
            self.assertEqual(sim.process.wait(10), 0)
            self.assertFalse(os.path.exists(path))

    def test_stale_control_socket_is_replaced_and_a_file_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "control")
            left = socket.socket(socket.AF_UNIX)
            left.bind(path)
            left.close()
            process = subprocess.Popen([BIN / "gwsim", "--control", path],
                                       stdout=subprocess.PIPE)
            self.assertTrue(process.stdout.readline())
            process.terminate()
            self.assertEqual(process.wait(10), 0)
            process.stdout.close()
            pathlib.Path(path).write_text("precious")
            self.assertEqual(self.run_sim("--control", path).returncode, 1)
            self.assertEqual(pathlib.Path(path).read_text(), "precious")


class Protocol(unittest.TestCase):
    """What a well-behaved client sees."""

    def test_hello_ready_and_guilds(self):
        with Sim("--guilds", 5, "--heartbeat", 45678, "--rate", 0) as sim, \
                Gateway(sim.gateway) as gateway:
            hello = gateway.read()
            self.assertEqual(hello["op"], 10)
            self.assertEqual(hello["d"]["heartbeat_interval"], 45678)
            gateway.identify(TOKEN, shard=[0, 1])
            ready = gateway.read()
            self.assertEqual((ready["t"], ready["s"]), ("READY", 1))
            d = ready["d"]
            self.assertEqual(d["v"], 10)
            self.assertEqual(d["shard"], [0, 1])
            self.assertEqual(d["resume_gateway_url"], sim.gateway)
            self.assertEqual(d["user"]["id"], d["application"]["id"])
            self.assertEqual([set(guild) for guild in d["guilds"]],
                             [{"id", "unavailable"}] * 5)
            guilds = [gateway.until("GUILD_CREATE")["d"] for _ in range(5)]
            self.assertEqual([guild["id"] for guild in guilds],
                             [guild["id"] for guild in d["guilds"]])
            self.assertEqual(gateway.seqs, [1, 2, 3, 4, 5, 6])

    def test_guilds_fall_on_their_shards(self):
        with Sim("--guilds", 7, "--rate", 0, *QUICK) as sim:
            seen = set()
            for shard in range(3):
                with Gateway(sim.gateway) as gateway:
                    for guild in gateway.ready(TOKEN, shard=[shard, 3])["guilds"]:
                        self.assertEqual((int(guild["id"]) >> 22) % 3, shard)
                        seen.add(guild["id"])
            self.assertEqual(len(seen), 7)

    def test_without_the_guilds_intent_there_are_no_guilds(self):
        with Sim("--rate", 200) as sim, Gateway(sim.gateway) as gateway:
            gateway.ready(TOKEN, intents=MESSAGES)
            names = {gateway.read()["t"] for _ in range(30)}
            self.assertEqual(names, {"MESSAGE_CREATE"})

    def test_events_follow_the_intents(self):
        cases = {GUILDS | MESSAGES: {"MESSAGE_CREATE", "CHANNEL_UPDATE"},
                 PRESENCES: {"PRESENCE_UPDATE"}, 1024: {"MESSAGE_REACTION_ADD"},
                 2048: {"TYPING_START"}}
        with Sim("--rate", 300, *QUICK) as sim:
            for intents, allowed in cases.items():
                with self.subTest(intents=intents), Gateway(sim.gateway) as gateway:
                    gateway.ready(TOKEN, intents=intents)
                    names = [gateway.read()["t"] for _ in range(60)]
                    self.assertLessEqual(set(names) - {"GUILD_CREATE"}, allowed)
                    gateway.close(1000)

    def test_content_needs_its_intent(self):
        with Sim("--rate", 0, *QUICK) as sim:
            with Gateway(sim.gateway) as blind, Gateway(sim.gateway) as seeing:
                user = blind.ready(TOKEN, intents=MESSAGES)["user"]["id"]
                seeing.ready(TOKEN, intents=MESSAGES | CONTENT)
                sim.do("message héllo \"wörld\" @moss_1")
                self.assertEqual(blind.until("MESSAGE_CREATE")["d"]["content"], "")
                d = seeing.until("MESSAGE_CREATE")["d"]
                self.assertEqual(d["content"], "héllo \"wörld\"")
                self.assertEqual(d["author"]["username"], "moss_1")
                self.assertNotIn("user", d["member"])
                # A mention of the bot uncovers it.
                sim.do(f"message <@{user}> look")
                self.assertEqual(blind.until("MESSAGE_CREATE")["d"]["content"],
                                 f"<@{user}> look")

    def test_messages_have_real_size_and_odd_characters(self):
        with Sim("--rate", 500) as sim, Gateway(sim.gateway) as gateway:
            gateway.ready(TOKEN, intents=MESSAGES | CONTENT)
            texts = []
            ids = set()
            for _ in range(200):
                payload = gateway.until("MESSAGE_CREATE")
                size = len(json.dumps(payload, ensure_ascii=False).encode())
                self.assertGreater(size, 900)
                self.assertLess(size, 2500)
                texts.append(payload["d"]["content"])
                ids.add(payload["d"]["id"])
            self.assertEqual(len(ids), 200)
            everything = "".join(texts)
            for piece in ('"', "\\", "\n", "😀", "日本語"):
                self.assertIn(piece, everything)

    def test_same_seed_same_play(self):
        def play(seed):
            with Sim("--seed", seed, "--rate", 300) as sim, \
                    Gateway(sim.gateway) as gateway:
                gateway.ready(TOKEN, intents=MESSAGES | CONTENT)
                return [gateway.until("MESSAGE_CREATE")["d"]["content"]
                        for _ in range(10)]
        self.assertEqual(play(5), play(5))
        self.assertNotEqual(play(5), play(6))

    def test_heartbeats_are_acknowledged(self):
        with Sim("--rate", 0) as sim, Gateway(sim.gateway) as gateway:
            gateway.until(10)
            gateway.beat(None)
            self.assertEqual(gateway.read()["op"], 11)
            gateway.identify(TOKEN)
            gateway.until("READY")
            gateway.beat(1)
            gateway.until(11)
            session = sim.sessions()[0]
            self.assertEqual(session["last_heartbeat_d"], 1)
            self.assertEqual(session["heartbeat_seqs"], [1])

    def test_members_come_back_as_a_dispatch(self):
        with Sim("--rate", 0, *QUICK) as sim, Gateway(sim.gateway) as gateway:
            ready = gateway.ready(TOKEN, intents=GUILDS | 2)
            guild, user = ready["guilds"][0]["id"], ready["user"]["id"]
            gateway.send(8, {"guild_id": guild, "user_ids": [user, "1"], "limit": 0,
                             "nonce": "probe-1"})
            d = gateway.until("GUILD_MEMBERS_CHUNK")["d"]
            self.assertEqual([one["user"]["id"] for one in d["members"]], [user])
            self.assertEqual((d["not_found"], d["nonce"]), (["1"], "probe-1"))
            gateway.send(8, {"guild_id": guild, "query": "moss_1", "limit": 3})
            d = gateway.until("GUILD_MEMBERS_CHUNK")["d"]
            self.assertEqual(len(d["members"]), 3)
            everyone = {"guild_id": guild, "query": "", "limit": 0}
            gateway.send(8, everyone)
            self.assertEqual(
                len(gateway.until("GUILD_MEMBERS_CHUNK")["d"]["members"]), 201)
            gateway.send(8, everyone)
            limited = gateway.until("RATE_LIMITED")["d"]
            self.assertEqual(limited["opcode"], 8)
            self.assertGreater(limited["retry_after"], 25)

    def test_each_compression(self):
        with Sim("--rate", 300, "--guilds", 20, *QUICK) as sim:
            for compress in ("", "zlib-stream", "zstd-stream"):
                with self.subTest(compress=compress), \
                        Gateway(sim.gateway, compress) as gateway:
                    gateway.ready(TOKEN)
                    for _ in range(20):
                        gateway.until("GUILD_CREATE")
                    while len(gateway.seqs) < 300:
                        gateway.read()
                    self.assertEqual(gateway.seqs, list(range(1, 301)))
                    self.assertEqual(sim.sessions()[0]["compress"], compress or "none")
                    gateway.close(1000)

    def test_big_guild(self):
        with Sim("--big-guild", 2000000) as sim, \
                Gateway(sim.gateway, "zlib-stream") as gateway:
            gateway.ready(TOKEN)
            sizes = [len(json.dumps(gateway.until("GUILD_CREATE"))) for _ in range(3)]
            self.assertGreater(max(sizes), 2000000)
            self.assertLess(min(sizes), 20000)

    def test_zstd_window(self):
        with Sim() as sim:
            client = Socket(sim.gateway + "/?v=10&encoding=json&compress=zstd-stream")
            _, data, _ = client.message()
            # Magic, no content size, no checksum, window of 2^18: as Discord's own.
            self.assertEqual(data[:6], bytes.fromhex("28b52ffd0040"))
            client.close()

    def test_ping_is_answered(self):
        with Sim() as sim:
            client = Socket(sim.gateway + "/?v=10&encoding=json")
            client.frame()
            client.send(b"are you there", 9)
            self.assertEqual(client.frame(), (True, 10, b"are you there"))
            client.close()

    def test_fragmented_sends_are_joined(self):
        with Sim() as sim, Gateway(sim.gateway) as gateway:
            gateway.until(10)
            gateway.socket.send(b'{"op":1', 1, fin=False)
            gateway.socket.send(b"", 9)
            gateway.socket.send(b',"d":null}', 0)
            gateway.until(11)

    def test_upgrades_that_cannot_be(self):
        with Sim() as sim:
            for path, status in (("/?v=10&encoding=etf", 400), ("/elsewhere", 404),
                                 ("/?v=10&encoding=json&compress=lzma", 400)):
                with self.subTest(path=path), self.assertRaises(Refused) as caught:
                    Socket(sim.gateway + path)
                self.assertEqual(caught.exception.status, status)


class Sessions(unittest.TestCase):
    """Resume, replay and the end of sessions."""

    def start(self, sim, compress="", **more):
        gateway = Gateway(sim.gateway, compress)
        gateway.ready(TOKEN, **more)
        return gateway

    def resume(self, sim, old, seq=None, compress=""):
        gateway = Gateway(sim.gateway, compress)
        gateway.until(10)
        gateway.resume(TOKEN, old.session_id, old.seq if seq is None else seq)
        return gateway

    def test_replay_has_no_hole(self):
        with Sim("--rate", 400) as sim:
            for how in ("drop", "rst", "close 4000"):
                for compress in ("", "zlib-stream", "zstd-stream"):
                    with self.subTest(how=how, compress=compress):
                        self.replay(sim, how, compress)

    def replay(self, sim, how, compress):
        gateway = Gateway(sim.gateway, compress)
        gateway.until(10)
        if self.session:
            gateway.resume(TOKEN, *self.session)
        else:
            gateway.identify(TOKEN)
            gateway.until("READY")
            self.session = (gateway.session_id, gateway.seq)
        while len(gateway.seqs) < 50:
            gateway.read()
        sim.do(how)
        gateway.closed()
        gateway.close()
        seen = gateway.seqs
        before = sim.sessions()[0]["seq"]
        sim.wait_for(lambda stats: stats["sessions"][0]["seq"] > before + 40,
                     "events while away")
        again = Gateway(sim.gateway, compress)
        again.until(10)
        again.resume(TOKEN, self.session[0], seen[-1])
        again.until("RESUMED")
        more = seen + again.seqs
        self.assertEqual(more, list(range(more[0], more[0] + len(more))))
        self.assertGreater(len(again.seqs), 40)
        self.session = (self.session[0], again.seq)
        again.close()

    def setUp(self):
        self.session = None

    def test_replay_is_byte_for_byte_what_was_sent(self):
        with Sim("--rate", 0) as sim:
            gateway = self.start(sim, intents=MESSAGES | CONTENT)
            sim.do("flood 300")
            first = [gateway.read() for _ in range(300)]
            self.assertEqual(len({one["d"]["id"] for one in first}), 300)
            gateway.close()
            again = self.resume(sim, gateway, seq=1)
            self.assertEqual([again.read() for _ in range(300)], first)
            again.close()

    def test_client_close_codes(self):
        with Sim("--rate", 0, *QUICK) as sim:
            for code, lives in ((1000, False), (1001, False), (4000, True), (None, True)):
                with self.subTest(code=code):
                    gateway = self.start(sim)
                    gateway.close(code)
                    again = self.resume(sim, gateway)
                    if lives:
                        again.until("RESUMED")
                        again.close(1000)
                    else:
                        self.assertEqual(again.until(9)["d"], False)
                        again.close()

    def test_unknown_killed_and_expired_sessions(self):
        with Sim("--rate", 0, "--session-ttl", "0.3", *QUICK) as sim:
            gateway = self.start(sim)
            self.assertEqual(sim.do("kill-session")["affected"], 1)
            gateway.close()
            again = self.resume(sim, gateway)
            self.assertIs(again.until(9)["d"], False)
            # The same connection may identify now.
            again.identify(TOKEN)
            again.until("READY")
            again.close()
            sim.wait_for(lambda stats: not stats["sessions"], "expiry")
            last = self.resume(sim, again)
            self.assertIs(last.until(9)["d"], False)
            last.close()
            nobody = Gateway(sim.gateway)
            nobody.until(10)
            nobody.resume(TOKEN, "0" * 32, 3)
            self.assertIs(nobody.until(9)["d"], False)
            nobody.close()

    def test_too_old_is_op_9_and_future_is_4007(self):
        with Sim("--rate", 0, "--buffer", "100", *QUICK) as sim:
            gateway = self.start(sim)
            gateway.close()
            again = self.resume(sim, gateway, seq=10000)
            self.assertEqual(again.closed(), 4007)
            again.close()
            gateway = self.start(sim)
            gateway.until("GUILD_CREATE")
            gateway.close()
            sim.wait_for(lambda stats: all(not one["connected"]
                                           for one in stats["sessions"]), "detached")
            sim.do("flood 500")
            sim.wait_for(lambda stats: any(one["oldest_kept"] > 300
                                           for one in stats["sessions"]), "overrun")
            again = self.resume(sim, gateway)
            self.assertIs(again.until(9)["d"], False)
            again.close()

    def test_newer_connection_takes_the_session(self):
        with Sim("--rate", 0) as sim:
            old = self.start(sim)
            again = self.resume(sim, old)
            again.until("RESUMED")
            self.assertEqual(old.closed(), 4000)
            again.beat()
            again.until(11)
            old.close()
            again.close()

    def test_slow_reader_is_dropped_and_memory_stays_bounded(self):
        with Sim("--rate", 20000, "--buffer", "1000") as sim:
            gateway = self.start(sim)
            stats = sim.wait_for(
                lambda stats: not stats["sessions"][0]["connected"], "dropped", 30)
            self.assertIn("too slowly", stats["totals"]["client_error_texts"][-1])
            session = stats["sessions"][0]
            self.assertLessEqual(session["seq"] - session["oldest_kept"], 1000)
            gateway.close()

    def test_publishing_reaches_only_the_shard_of_the_guild(self):
        with Sim("--rate", 0, "--guilds", 4, *QUICK) as sim:
            shards = [Gateway(sim.gateway) for _ in range(2)]
            for number, gateway in enumerate(shards):
                gateway.ready(TOKEN, intents=MESSAGES, shard=[number, 2])
            answer = sim.do("message shard=1 only for one")
            self.assertEqual((int(answer["channel_id"]) >> 22) % 2, 1)
            self.assertEqual(shards[1].until("MESSAGE_CREATE")["d"]["id"],
                             answer["message_id"])
            shards[0].beat()
            self.assertEqual(shards[0].read()["op"], 11)
            for gateway in shards:
                gateway.close()


class Strictness(unittest.TestCase):
    """Each way in which Discord closes on a client."""

    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("--rate", 0, "--guilds", 3, *QUICK)

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def connect(self, ready=True):
        gateway = Gateway(self.sim.gateway)
        self.addCleanup(gateway.close)
        if ready:
            gateway.ready(TOKEN)
        else:
            gateway.until(10)
        return gateway

    def raw_identify(self, **changes):
        d = {"token": TOKEN, "intents": 513, "properties": {"os": "a", "browser": "b",
                                                            "device": "c"}}
        d.update(changes)
        return {key: value for key, value in d.items() if value is not None}

    def test_4001(self):
        for op, d in ((5, None), (12, None), (99, {}), (3, {"status": "online"}),
                      (4, {"guild_id": "1"})):
            with self.subTest(op=op):
                gateway = self.connect()
                gateway.send(op, d)
                self.assertEqual(gateway.closed(), 4001)

    def test_4001_ends_the_session(self):
        gateway = self.connect()
        gateway.send(99, None)
        gateway.closed()
        again = self.connect(ready=False)
        again.resume(TOKEN, gateway.session_id, gateway.seq)
        self.assertIs(again.until(9)["d"], False)

    def test_4002_payloads(self):
        for text in (b"{", b"[]", b'"x"', b"", b"{}", b'{"op":"1"}', b'{"op":1.5}',
                     b'{"op":-1}', b'{"op":1,"d":null} x', b'{"op":1,"d":"7"}',
                     b'{"op":1,"d":1.5}', b'{"op":1,"d":-3}', b'{"op":1}',
                     b'{"op":1,"d":null,"x":"\xff"}', b'{"op":1,\x00"d":null}',
                     b'{"op":1,"d":null,"x":"' + b"a" * 4080 + b'"}',
                     b"[" * 4000):
            with self.subTest(text=text[:40]):
                gateway = self.connect()
                gateway.socket.send(text)
                self.assertEqual(gateway.closed(), 4002)

    def test_4096_bytes_are_allowed(self):
        gateway = self.connect()
        head, tail = b'{"op":1,"d":null,"x":"', b'"}'
        text = head + b"a" * (4096 - len(head) - len(tail)) + tail
        gateway.socket.send(text)
        gateway.until(11)

    def test_4002_frames(self):
        gateway = self.connect()
        gateway.socket.send(b'{"op":1,"d":null}', 2)
        self.assertEqual(gateway.closed(), 4002)
        gateway = self.connect()
        gateway.socket.send(b'{"op":1,"d":null}', mask=False)
        self.assertEqual(gateway.closed(), 4002)
        gateway = self.connect()
        gateway.socket.send(b"x" * 3000, fin=False)
        gateway.socket.send(b"x" * 3000, 0)
        self.assertEqual(gateway.closed(), 4002)

    def test_1002_frames(self):
        for payload in (b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x09\x80\0\0\0\0",
                        b"\x80\x80\0\0\0\0", b"\x89\xfe\x01\0\0\0\0\0"):
            with self.subTest(payload=payload):
                gateway = self.connect()
                gateway.socket.raw.sendall(payload)
                self.assertEqual(gateway.closed(), 1002)

    def test_4003(self):
        presence = {"since": None, "activities": [], "status": "online", "afk": False}
        gateway = self.connect(ready=False)
        gateway.send(3, presence)
        self.assertEqual(gateway.closed(), 4003)
        # The same after the session was invalidated.
        gateway = self.connect()
        self.sim.do("invalid false")
        gateway.until(9)
        gateway.send(3, presence)
        self.assertEqual(gateway.closed(), 4003)

    def test_4004(self):
        for token in ("x", "a.b.c", "Bot " + TOKEN, "", TOKEN + "\n", TOKEN + ".x"):
            with self.subTest(token=token):
                gateway = self.connect(ready=False)
                gateway.identify(token)
                self.assertEqual(gateway.closed(), 4004)

    def test_4005(self):
        gateway = self.connect()
        gateway.identify(TOKEN)
        self.assertEqual(gateway.closed(), 4005)
        again = self.connect()
        again.resume(TOKEN, again.session_id, 1)
        self.assertEqual(again.closed(), 4005)

    def test_4008_after_120_sends(self):
        gateway = self.connect()
        for _ in range(119):
            gateway.beat()
        for _ in range(119):
            gateway.until(11)
        gateway.beat()
        self.assertEqual(gateway.closed(), 4008)

    def test_4010(self):
        for shard in ([1, 1], [0, 0], [-1, 2], ["0", "1"], [0], [0, 1, 2], 0, [0.5, 1]):
            with self.subTest(shard=shard):
                gateway = self.connect(ready=False)
                gateway.identify(TOKEN, shard=shard)
                self.assertEqual(gateway.closed(), 4010)

    def test_4012(self):
        for query in ("v=9", "v=6", "v=11", "v="):
            with self.subTest(query=query):
                client = Socket(self.sim.gateway + "/?encoding=json&" + query)
                with self.assertRaises(Closed) as caught:
                    while True:
                        client.message()
                self.assertEqual(caught.exception.code, 4012)
                client.close()

    def test_4013(self):
        for intents in (1 << 17, 1 << 40, -1, "513", None):
            with self.subTest(intents=intents):
                gateway = self.connect(ready=False)
                gateway.send(2, self.raw_identify(intents=intents))
                self.assertEqual(gateway.closed(), 4013)

    def test_identify_without_its_fields(self):
        for changes in ({"token": None}, {"properties": None}, {"large_threshold": 9}):
            with self.subTest(changes=changes):
                gateway = self.connect(ready=False)
                gateway.send(2, self.raw_identify(**changes))
                self.assertEqual(gateway.closed(), 4002)

    def test_errors_are_counted_with_their_text(self):
        before = self.sim.totals()["client_errors"]
        gateway = self.connect()
        gateway.send(99, None)
        gateway.closed()
        totals = self.sim.totals()
        self.assertEqual(totals["client_errors"], before + 1)
        self.assertEqual(totals["client_error_texts"][-1], "4001 Unknown opcode.")

    def test_a_seq_never_sent_is_noticed(self):
        gateway = self.connect()
        gateway.beat(999)
        gateway.until(11)
        self.assertIn("above the last seq", self.sim.totals()["client_error_texts"][-1])


class Limits(unittest.TestCase):
    def connect(self, sim, **more):
        gateway = Gateway(sim.gateway)
        self.addCleanup(gateway.close)
        gateway.until(10)
        gateway.identify(TOKEN, **more)
        return gateway

    def test_4014(self):
        with Sim("--privileged", 0) as sim:
            self.assertEqual(self.connect(sim, intents=CONTENT).closed(), 4014)

    def test_4011(self):
        with Sim("--guilds", 2501) as sim:
            self.assertEqual(self.connect(sim, shard=[0, 1]).closed(), 4011)
            self.connect(sim, shard=[0, 2]).until("READY")

    def test_own_token_only(self):
        with Sim("--token", OTHER_TOKEN) as sim:
            self.assertEqual(self.connect(sim).closed(), 4004)
            self.assertEqual(sim.rest("GET", "/users/@me")[0], 401)
            self.assertEqual(sim.rest("GET", "/users/@me", token=OTHER_TOKEN)[0], 200)

    def test_4009_without_identify(self):
        with Sim("--identify-within", "0.3") as sim:
            start = time.monotonic()
            gateway = Gateway(sim.gateway)
            self.addCleanup(gateway.close)
            self.assertEqual(gateway.closed(), 4009)
            self.assertGreater(time.monotonic() - start, 0.25)

    def test_missed_heartbeats_close_and_leave_the_session(self):
        with Sim("--heartbeat", 400, "--rate", 0) as sim:
            start = time.monotonic()
            gateway = self.connect(sim)
            gateway.until("READY")
            self.assertEqual(gateway.closed(), 4000)
            self.assertGreater(time.monotonic() - start, 0.55)
            self.assertLess(time.monotonic() - start, 5)
            again = Gateway(sim.gateway)
            again.until(10)
            again.resume(TOKEN, gateway.session_id, gateway.seq)
            again.until("RESUMED")
            again.close()

    def test_identifies_of_one_key_need_a_window_between(self):
        with Sim("--identify-window", 700, "--max-concurrency", 2) as sim:
            self.connect(sim, shard=[0, 3]).until("READY")
            # Another key is free, the same key is not, and is spent all the same.
            self.connect(sim, shard=[1, 3]).until("READY")
            self.assertIs(self.connect(sim, shard=[2, 3]).until(9)["d"], False)
            limit = sim.rest("GET", "/gateway/bot")[2]["session_start_limit"]
            self.assertEqual(limit["remaining"], 997)
            self.assertEqual(limit["max_concurrency"], 2)
            time.sleep(0.75)
            self.connect(sim, shard=[2, 3]).until("READY")

    def test_spent_budget_resets_the_token(self):
        with Sim("--session-limit", 50, "--remaining", 1, *QUICK) as sim:
            first = self.connect(sim)
            first.until("READY")
            limit = sim.rest("GET", "/gateway/bot")[2]["session_start_limit"]
            self.assertEqual((limit["remaining"], limit["total"]), (0, 50))
            self.assertEqual(self.connect(sim).closed(), 4004)
            self.assertEqual(first.closed(), 4004)
            self.assertEqual(sim.rest("GET", "/gateway/bot")[0], 401)
            self.assertTrue(sim.totals()["token_reset"])
            self.assertEqual(sim.sessions(), [])

    def test_budget_starts_anew(self):
        with Sim(*QUICK) as sim:
            sim.do("budget 0 300")
            limit = sim.rest("GET", "/gateway/bot")[2]["session_start_limit"]
            self.assertEqual(limit["remaining"], 0)
            self.assertLessEqual(limit["reset_after"], 300)
            time.sleep(0.35)
            limit = sim.rest("GET", "/gateway/bot")[2]["session_start_limit"]
            self.assertEqual(limit["remaining"], 1000)


class Cdn(unittest.TestCase):
    """Emoji, and what a CDN does wrong."""

    def setUp(self):
        self.sim = Sim("--rate", 0)
        self.addCleanup(self.sim.stop)

    def get(self, path, method="GET"):
        url = urllib.parse.urlsplit(self.sim.api_base)
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def test_every_number_is_a_png_of_its_own(self):
        status, headers, body = self.get("/emojis/1.png")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
        self.assertEqual(body[:16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
        self.assertEqual(self.get("/emojis/1.png?size=96")[2], body)
        self.assertNotEqual(self.get("/emojis/2.png")[2], body)
        self.assertEqual(self.get("/emojis/99999999999999999999.png")[0], 200)

    def test_other_names_and_methods(self):
        for name, status in (("1.gif", 415), ("1", 415), ("x.png", 404), ("", 404),
                             ("123456789012345678901.png", 404)):
            self.assertEqual(self.get(f"/emojis/{name}")[0], status, name)
        self.assertEqual(self.get("/emojis/1.png", "POST")[0], 405)

    def test_faults(self):
        whole = self.get("/emojis/1.png")[2]
        for fault, status in (("404", 404), ("500", 500), ("302", 302)):
            self.sim.do(f"cdn {fault} 1")
            got, headers, _ = self.get("/emojis/1.png")
            self.assertEqual(got, status)
            self.assertEqual("Location" in headers, status == 302)
        self.sim.do("cdn large 1")
        self.assertGreater(len(self.get("/emojis/1.png")[2]), 2_000_000)
        self.sim.do("cdn html 1")
        self.assertEqual(self.get("/emojis/1.png")[1]["Content-Type"], "text/html")
        self.sim.do("cdn damaged 1")
        self.assertEqual(sum(a != b for a, b in zip(self.get("/emojis/1.png")[2], whole)), 1)
        self.sim.do("cdn bomb 1")
        _, headers, body = self.get("/emojis/1.png")
        self.assertEqual(headers["Content-Encoding"], "deflate")
        self.assertEqual(len(zlib.decompress(body)), 50_000_000)
        self.sim.do("cdn drop")
        for _ in range(2):
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.get("/emojis/1.png")
        self.sim.do("cdn off")
        self.assertEqual(self.get("/emojis/1.png")[2], whole)
        self.sim.do("cdn 500")
        self.sim.do("calm")
        self.assertEqual(self.get("/emojis/1.png")[0], 200)


class Rest(unittest.TestCase):
    def setUp(self):
        self.sim = Sim("--rate", 0)
        self.addCleanup(self.sim.stop)
        self.gateway = Gateway(self.sim.gateway)
        self.addCleanup(self.gateway.close)
        ready = self.gateway.ready(TOKEN, intents=MESSAGES | 1024 | 2048)
        self.me = ready["user"]["id"]
        self.channel = str(int(ready["guilds"][0]["id"]) | 2)
        self.path = f"/channels/{self.channel}/messages"

    def post(self, **body):
        return self.sim.rest("POST", self.path, body)

    def test_who_and_where(self):
        self.assertEqual(self.sim.rest("GET", "/gateway", token=None)[2],
                         {"url": self.sim.gateway})
        status, _, bot = self.sim.rest("GET", "/gateway/bot")
        self.assertEqual((status, bot["shards"]), (200, 1))
        self.assertEqual(bot["session_start_limit"]["remaining"], 999)
        self.assertEqual(self.sim.rest("GET", "/users/@me")[2]["id"], self.me)
        self.assertEqual(self.sim.rest("GET", "/users/%40me")[0], 200)
        self.assertEqual(self.sim.rest("GET", "/applications/@me")[2]["id"], self.me)

    def test_refusals(self):
        self.assertEqual(self.sim.rest("GET", "/gateway/bot", token=None)[0], 401)
        status, _, body = self.sim.rest("GET", "/users/@me", token="no")
        self.assertEqual((status, body), (401, {"message": "401: Unauthorized",
                                                "code": 0}))
        self.assertEqual(self.sim.rest("GET", "/nothing")[0], 404)
        status, fields, _ = self.sim.rest("DELETE", self.path)
        self.assertEqual((status, fields["allow"]), (405, "GET, POST"))
        self.assertEqual(self.sim.rest("GET", "/channels/1/messages")[2]["code"], 10003)
        self.assertEqual(self.sim.rest("GET", self.path + "/123")[2]["code"], 10008)
        status, _, body = self.sim.rest("GET", "/users/@me", headers={"User-Agent": ""})
        self.assertEqual((status, body["code"]), (403, 40333))

    def test_message_life(self):
        status, fields, made = self.post(content="hällo 🌍")
        self.assertEqual(status, 200)
        self.assertEqual(fields["x-ratelimit-remaining"], "4")
        self.assertEqual(made["content"], "hällo 🌍")
        self.assertNotIn("guild_id", made)
        told = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((told["id"], told["author"]["id"]), (made["id"], self.me))
        self.assertIn("guild_id", told)
        one = f"{self.path}/{made['id']}"
        self.assertEqual(self.sim.rest("GET", one)[2]["content"], "hällo 🌍")
        edited = self.sim.rest("PATCH", one, {"content": "new"})[2]
        self.assertIsNotNone(edited["edited_timestamp"])
        self.assertEqual(self.gateway.until("MESSAGE_UPDATE")["d"]["content"], "new")
        emoji = f"{one}/reactions/%E2%9C%85/@me"
        self.assertEqual(self.sim.rest("PUT", emoji)[0], 204)
        added = self.gateway.until("MESSAGE_REACTION_ADD")["d"]
        self.assertEqual((added["emoji"], added["user_id"]),
                         ({"name": "✅", "id": None}, self.me))
        time.sleep(0.26)
        self.assertEqual(self.sim.rest("DELETE", emoji)[0], 204)
        self.gateway.until("MESSAGE_REACTION_REMOVE")
        self.assertEqual(self.sim.rest("DELETE", one)[0], 204)
        self.assertEqual(self.gateway.until("MESSAGE_DELETE")["d"]["id"], made["id"])
        self.assertEqual(self.sim.rest("GET", one)[2]["code"], 10008)

    def test_unknown_emoji(self):
        made = self.post(content="x")[2]
        for emoji in ("thumbsup", "a:1"):
            status, _, body = self.sim.rest(
                "PUT", f"{self.path}/{made['id']}/reactions/{emoji}/@me")
            self.assertEqual((status, body["code"]), (400, 10014))
            time.sleep(0.26)
        self.assertEqual(self.sim.rest(
            "PUT", f"{self.path}/{made['id']}/reactions/ok:123456789012345678/@me")[0], 204)

    def test_bodies(self):
        for body, code in (({}, 50006), ({"content": ""}, 50006),
                           ({"content": "x" * 2001}, 50035), ({"content": 5}, 50035),
                           ({"content": "x", "nonce": "n" * 26}, 50035)):
            self.sim.do("rest off")
            status, _, answer = self.sim.rest("POST", self.path, body)
            if status == 429:
                time.sleep(answer["retry_after"])
                status, _, answer = self.sim.rest("POST", self.path, body)
            self.assertEqual((status, answer["code"]), (400, code), body)
        other = str(int(self.channel) + 1)
        status, _, answer = self.sim.rest("POST", f"/channels/{other}/messages", b"{",)
        self.assertEqual((status, answer["code"]), (400, 50035))
        self.assertEqual(self.sim.rest(
            "POST", f"/channels/{other}/messages", {"content": "é" * 2000})[0], 200)

    def test_nonce_stops_duplicates(self):
        first = self.post(content="one", nonce="n1", enforce_nonce=True)[2]
        second = self.post(content="two", nonce="n1", enforce_nonce=True)[2]
        third = self.post(content="three", nonce="n1")[2]
        self.assertEqual((first["id"], first["nonce"]), (second["id"], "n1"))
        self.assertEqual(second["content"], "one")
        self.assertNotEqual(first["id"], third["id"])
        self.assertEqual(self.post(content="4", nonce=17)[2]["nonce"], 17)
        self.assertEqual(self.sim.totals()["rest_duplicates_stopped"], 1)

    def test_reply(self):
        target = self.sim.do("message what?")["message_id"]
        reply = self.post(content="that", message_reference={"message_id": target})[2]
        self.assertEqual(reply["type"], 19)
        self.assertEqual(reply["referenced_message"]["id"], target)
        gone = {"message_id": "123456789012345678"}
        self.assertEqual(self.post(content="x", message_reference=gone)[0], 400)
        gone["fail_if_not_exists"] = False
        self.assertEqual(self.post(content="x", message_reference=gone)[0], 200)

    def test_lists(self):
        ids = [self.sim.do(f"message number {i}")["message_id"] for i in range(4)]
        got = self.sim.rest("GET", self.path + "?limit=3")[2]
        self.assertEqual([one["id"] for one in got], ids[:0:-1])
        got = self.sim.rest("GET", f"{self.path}?before={ids[1]}")[2]
        self.assertEqual([one["id"] for one in got], ids[:1])
        got = self.sim.rest("GET", f"{self.path}?after={ids[2]}")[2]
        self.assertEqual([one["id"] for one in got], ids[3:])
        self.assertEqual(self.sim.rest("GET", self.path + "?limit=101")[0], 400)
        self.assertEqual(self.sim.rest(
            "POST", self.path + "/bulk-delete", {"messages": ids[:2]})[0], 204)
        self.assertEqual(self.gateway.until("MESSAGE_DELETE_BULK")["d"]["ids"], ids[:2])
        self.assertEqual(self.sim.rest("POST", f"/channels/{self.channel}/typing")[0], 204)
        self.assertEqual(self.gateway.until("TYPING_START")["d"]["user_id"], self.me)

    def test_bucket_is_real(self):
        answers = [self.post(content=str(i)) for i in range(6)]
        self.assertEqual([one[0] for one in answers], [200] * 5 + [429])
        _, fields, body = answers[5]
        self.assertEqual(fields["x-ratelimit-scope"], "user")
        self.assertEqual(fields["x-ratelimit-bucket"], answers[0][1]["x-ratelimit-bucket"])
        self.assertIs(body["global"], False)
        self.assertAlmostEqual(float(fields["x-ratelimit-reset-after"]),
                               body["retry_after"], places=2)
        self.assertLessEqual(body["retry_after"], 5)
        # Another channel has its own.
        other = str(int(self.channel) + 1)
        self.assertEqual(self.sim.rest(
            "POST", f"/channels/{other}/messages", {"content": "x"})[0], 200)

    def test_global_limit(self):
        statuses = [self.sim.rest("GET", "/users/@me") for _ in range(80)]
        limited = [one for one in statuses if one[0] == 429]
        self.assertTrue(limited or statuses[-1][0] == 200)
        for _, fields, body in limited:
            self.assertEqual(fields["x-ratelimit-global"], "true")
            self.assertIs(body["global"], True)

    def raw(self, *pieces, wait=0.0):
        with socket.create_connection(("127.0.0.1", self.sim.port), 10) as link:
            for piece in pieces:
                link.sendall(piece)
                time.sleep(wait)
            link.shutdown(socket.SHUT_WR)
            data = b""
            while chunk := link.recv(65536):
                data += chunk
            return data

    def test_keep_alive_and_pipelining(self):
        one = b"GET /api/v10/gateway HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n"
        data = self.raw(one + one + one)
        self.assertEqual(data.count(b"HTTP/1.1 200 OK"), 3)
        data = self.raw(one.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertIn(b"Connection: close", data)

    def test_byte_by_byte(self):
        one = b"GET /api/v10/gateway HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n"
        data = self.raw(*[bytes([byte]) for byte in one], wait=0.001)
        self.assertIn(b"HTTP/1.1 200 OK", data)

    def test_chunked_body(self):
        head = (f"POST /api/v10{self.path} HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n"
                f"Authorization: Bot {TOKEN}\r\nContent-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n").encode()
        body = b'5;ext=1\r\n{"con\r\nc\r\ntent":"chunk\r\n2\r\n"}\r\n0\r\nX: y\r\n\r\n'
        data = self.raw(head + b"\r\n" + body)
        self.assertIn(b'"content":"chunk"', data)
        data = self.raw(head + b"Content-Length: 3\r\n\r\n" + body)
        self.assertIn(b"HTTP/1.1 400", data)
        self.assertIn(b"HTTP/1.1 400", self.raw(head + b"\r\nzz\r\n"))
        self.assertIn(b"HTTP/1.1 413", self.raw(head + b"\r\nffffff\r\n"))

    def test_requests_that_cannot_be(self):
        for text, status in ((b"nonsense\r\n\r\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 505),
                             (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
                             (b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", 400),
                             (b"GET / HTTP/1.1\r\nX: " + b"y" * 20000, 431),
                             (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
                             (b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413),
                             (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
                             (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501)):
            with self.subTest(text=text[:40]):
                self.assertTrue(self.raw(text).startswith(b"HTTP/1.1 %d " % status))

    def test_expect_continue(self):
        head = (f"POST /api/v10{self.path} HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n"
                f"Authorization: Bot {TOKEN}\r\nContent-Type: application/json\r\n"
                "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n").encode()
        data = self.raw(head, b'{"content":"x"}', wait=0.1)
        self.assertTrue(data.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"))

    def test_fault_statuses(self):
        self.sim.do("rest 429 1 retry_after=2.5 scope=shared")
        status, fields, body = self.sim.rest("GET", "/users/@me")
        self.assertEqual((status, fields["x-ratelimit-scope"]), (429, "shared"))
        self.assertEqual((fields["retry-after"], body["retry_after"]), ("2.5", 2.5))
        self.assertEqual(self.sim.rest("GET", "/users/@me")[0], 200)
        self.sim.do("rest 429 2 html")
        status, fields, body = self.sim.rest("GET", "/users/@me")
        self.assertEqual((status, fields["content-type"]), (429, "text/html"))
        self.assertEqual(fields["retry-after"], "1")
        self.sim.do("rest 429 1 retry_after=absent")
        self.assertNotIn("retry-after", self.sim.rest("GET", "/users/@me")[1])
        self.sim.do("rest 503")
        self.assertEqual([self.sim.rest("GET", "/users/@me")[0] for _ in range(3)],
                         [503] * 3)
        self.sim.do("rest off")
        self.assertEqual(self.sim.rest("GET", "/users/@me")[0], 200)

    def test_answer_lost_but_done(self):
        self.sim.do("rest drop 1")
        with self.assertRaises(Exception):
            self.post(content="lost", nonce="L", enforce_nonce=True)
        told = self.gateway.until("MESSAGE_CREATE")["d"]["id"]
        again = self.post(content="lost", nonce="L", enforce_nonce=True)[2]
        self.assertEqual(again["id"], told)
        self.sim.do("rest stall 1")
        with self.assertRaises(TimeoutError):
            link = socket.create_connection(("127.0.0.1", self.sim.port), 1)
            self.addCleanup(link.close)
            link.sendall(b"GET /api/v10/gateway HTTP/1.1\r\nUser-Agent: t\r\n\r\n")
            link.settimeout(0.3)
            link.recv(1)
        routes = self.sim.totals()["rest_routes"]
        self.assertEqual(routes["POST /channels/{c}/messages"],
                         {"calls": 2, "unanswered": 1, "2xx": 1, "3xx": 0, "4xx": 0,
                          "5xx": 0})


class Commands(unittest.TestCase):
    """Every fault once, seen from the client's side."""

    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("--rate", 50, *QUICK)

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def setUp(self):
        self.sim.do("calm")
        self.sim.do("budget 1000")

    def connect(self, **more):
        gateway = Gateway(self.sim.gateway)
        self.addCleanup(gateway.close)
        gateway.ready(TOKEN, **more)
        return gateway

    def resumes(self, gateway):
        again = Gateway(self.sim.gateway)
        self.addCleanup(again.close)
        again.until(10)
        again.resume(TOKEN, gateway.session_id, gateway.seq)
        again.until("RESUMED")
        self.assertEqual(again.seqs[0], gateway.seq + 1)
        return again

    def test_help_names_what_is_tested(self):
        """A command without a test does not get by."""
        names = {row["name"] for row in self.sim.do("help")["commands"]}
        here = pathlib.Path(__file__).parent
        text = "".join(path.read_text() for path in here.glob("test_sim*.py"))
        for name in sorted(names):
            with self.subTest(command=name):
                self.assertIsNotNone(re.search(rf"\.(do|ask)\(f?['\"]{name}[ '\"]", text))

    def test_wrong_commands_say_why(self):
        for line in ("", "nothing", "close x", "close 99999", "slow fast", "rate x",
                     "rate -1", "flood 0", "invalid maybe", "frame 0", "frame xy",
                     "raw", "send {}", "send x", "cut", "rest 42", "rest 429 x",
                     "upgrade 42", "cdn 42", "cdn", "cdn large x", "split 0", "codec lzma", "tls good", "budget",
                     "big 999999999999", "acks maybe", "freeze 1 2 3 4 5 6 7 8 9",
                     "message", "refuse", "outage"):
            with self.subTest(line=line):
                answer = self.sim.ask(line)
                self.assertFalse(answer["ok"])
                self.assertTrue(answer["error"])

    def test_drop_rst_and_affected(self):
        gateway = self.connect()
        self.assertEqual(self.sim.do("drop shard=3")["affected"], 0)
        self.assertGreaterEqual(self.sim.do("drop")["affected"], 1)
        self.assertIsNone(gateway.closed())
        again = self.resumes(gateway)
        self.sim.do("rst")
        self.assertIsNone(again.closed())
        self.resumes(again)

    def test_close_with_each_kind_of_body(self):
        gateway = self.connect()
        self.sim.do("close 4000 come back later")
        with self.assertRaises(Closed) as caught:
            while True:
                gateway.read()
        self.assertEqual((caught.exception.code, caught.exception.reason),
                         (4000, "come back later"))
        again = self.resumes(gateway)
        self.sim.do("close none")
        self.assertIsNone(again.closed())
        third = self.resumes(again)
        self.sim.do("close short")
        opcode = 0
        while opcode != 8:
            _, opcode, payload = third.socket.frame()
        self.assertEqual(len(payload), 1)
        fourth = self.resumes(third)
        self.sim.do("close 4009")
        self.assertEqual(fourth.closed(), 4009)
        last = Gateway(self.sim.gateway)
        self.addCleanup(last.close)
        last.until(10)
        last.resume(TOKEN, fourth.session_id, fourth.seq)
        self.assertIs(last.until(9)["d"], False)

    def test_freeze_and_thaw(self):
        gateway = self.connect()
        self.sim.do("freeze")
        gateway.beat()
        with self.assertRaises(TimeoutError):
            while True:
                gateway.read(0.3)
        raw = upgrade_raw(self.sim)
        self.assertTrue(silent(raw, 0.2))
        self.sim.do("thaw")
        gateway.until(11)
        self.assertEqual(gateway.seqs, list(range(1, len(gateway.seqs) + 1)))
        raw.settimeout(5)
        self.assertTrue(raw.recv(20).startswith(b"HTTP/1.1 101"))
        raw.close()

    def test_freeze_of_one_shard(self):
        one, two = self.connect(shard=[0, 2]), self.connect(shard=[1, 2])
        self.assertEqual(self.sim.do("freeze shard=0")["affected"], 1)
        one.beat()
        two.beat()
        two.until(11)
        with self.assertRaises(TimeoutError):
            while True:
                one.read(0.3)
        self.assertEqual(self.sim.do("thaw shard=0")["affected"], 1)
        one.until(11)

    def test_blackhole(self):
        gateway = self.connect()
        self.sim.do("blackhole on")
        with self.assertRaises(TimeoutError):
            while True:
                gateway.read(0.3)
        gateway.beat()
        raw = upgrade_raw(self.sim)
        self.assertTrue(silent(raw, 0.3))
        self.sim.do("blackhole off")
        # What they said is lost: they cannot go on.
        self.assertIsNone(gateway.closed())
        raw.settimeout(5)
        with self.assertRaises(ConnectionResetError):
            raw.recv(1)
        raw.close()
        self.resumes(gateway)

    def test_reconnect(self):
        gateway = self.connect()
        self.sim.do("reconnect")
        self.assertIsNone(gateway.until(7)["d"])
        start = time.monotonic()
        self.assertEqual(gateway.closed(), 4000)
        self.assertGreater(time.monotonic() - start, 4)

    def test_invalid_true_and_false(self):
        gateway = self.connect()
        self.sim.do("invalid true")
        self.assertIs(gateway.until(9)["d"], True)
        gateway.resume(TOKEN, gateway.session_id, gateway.seq)
        gateway.until("RESUMED")
        self.sim.do("invalid false")
        self.assertIs(gateway.until(9)["d"], False)
        gateway.resume(TOKEN, gateway.session_id, gateway.seq)
        self.assertIs(gateway.until(9)["d"], False)

    def test_garbage_and_corrupt(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        self.sim.do("garbage 64")
        data = gateway.socket.data
        gateway.socket.raw.settimeout(5)
        while len(data) < 64:
            data += gateway.socket.raw.recv(64 - len(data))
        self.assertEqual(len(data), 64)
        self.sim.do("corrupt")
        self.assertEqual(len(gateway.socket.raw.recv(64)), 64)

    def test_slow(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        self.sim.do("slow 100")
        start = time.monotonic()
        gateway.beat()
        gateway.until(11)
        # The answer has 43 bytes; 10 of them may come at once.
        self.assertGreater(time.monotonic() - start, 0.25)
        self.assertLess(time.monotonic() - start, 5)
        self.sim.do("slow off")

    def test_acks_withheld_while_events_flow(self):
        gateway = self.connect()
        self.sim.do("acks off")
        gateway.beat()
        ops = [gateway.read()["op"] for _ in range(30)]
        self.assertEqual(set(ops), {0})
        self.sim.do("acks on")
        gateway.beat()
        gateway.until(11)

    def test_deaf(self):
        gateway = self.connect()
        self.sim.do("deaf on")
        gateway.beat()
        gateway.until(11)
        gateway.beat()
        self.assertEqual(11, gateway.read()["op"])  # no event before it
        with self.assertRaises(TimeoutError):
            gateway.read(0.3)
        self.sim.do("deaf off")
        gateway.until("MESSAGE_CREATE")

    def test_events_and_rate(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        with self.assertRaises(TimeoutError):
            gateway.read(0.4)
        self.sim.do("rate 1000")
        self.sim.do("events on")
        start = time.monotonic()
        for _ in range(500):
            gateway.read()
        took = time.monotonic() - start
        self.assertGreater(took, 0.3)
        self.assertLess(took, 5)

    def test_info_repeats_the_ready_line(self):
        info = self.sim.do("info")
        self.assertEqual({**self.sim.ready, "ok": True}, info)

    def test_beat(self):
        gateway = self.connect()
        self.sim.do("beat 3")
        for _ in range(3):
            self.assertEqual(gateway.until(1)["op"], 1)

    def test_refuse_resume(self):
        gateway = self.connect()
        self.sim.do("drop")
        gateway.closed()
        self.sim.do("refuse-resume on")
        with Gateway(self.sim.gateway) as again:
            again.until(10)
            again.resume(TOKEN, gateway.session_id, gateway.seq)
            self.assertIs(again.until(9)["d"], False)
        self.sim.do("refuse-resume silent")
        with Gateway(self.sim.gateway) as again:
            again.until(10)
            again.resume(TOKEN, gateway.session_id, gateway.seq)
            with self.assertRaises(TimeoutError):
                again.read(0.3)
            again.beat(None)
            again.until(11)
        self.sim.do("refuse-resume off")
        self.resumes(gateway)

    def test_no_hello(self):
        self.sim.do("no-hello on")
        with Gateway(self.sim.gateway) as gateway:
            with self.assertRaises(TimeoutError):
                gateway.read(0.3)
            self.sim.do("no-hello off")
            self.assertEqual(gateway.read()["op"], 10)

    def test_no_ready(self):
        before = self.sim.totals()["session_starts_remaining"]
        self.sim.do("no-ready on")
        with Gateway(self.sim.gateway) as gateway:
            gateway.until(10)
            gateway.identify(TOKEN)
            with self.assertRaises(TimeoutError):
                gateway.read(0.3)
            gateway.beat(None)
            gateway.until(11)
        self.assertEqual(self.sim.totals()["session_starts_remaining"], before - 1)
        self.sim.do("no-ready off")

    def test_upgrade(self):
        for status in (302, 429, 502, 520):
            with self.subTest(status=status):
                self.sim.do(f"upgrade {status} 7")
                with self.assertRaises(Refused) as caught:
                    Gateway(self.sim.gateway)
                self.assertEqual(caught.exception.status, status)
                self.assertEqual(caught.exception.headers["retry-after"], "7")
        self.sim.do("upgrade off")
        self.connect()

    def test_refuse(self):
        gateway = self.connect()
        self.sim.do("refuse on")
        with self.assertRaises(ConnectionRefusedError):
            Gateway(self.sim.gateway)
        gateway.beat()
        gateway.until(11)
        self.sim.do("refuse off")
        self.resumes(gateway)

    def test_flood_arrives_whole(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        before = gateway.seq
        self.sim.do("flood 30000")
        while gateway.seq < before + 30000:
            gateway.read()
        self.assertEqual(gateway.seqs, list(range(1, before + 30001)))

    def test_flood_while_away_is_replayed(self):
        gateway = self.connect()
        gateway.close()
        self.sim.do("flood 5000")
        again = self.resumes(gateway)
        self.assertGreaterEqual(len(again.seqs), 5000)
        self.assertEqual(again.seqs, list(range(again.seqs[0], again.seq + 1)))

    def test_big_in_fragments(self):
        gateway = self.connect()
        self.sim.do("events off")
        self.sim.do("split 1024")
        self.sim.do("big 3000000")
        payload = gateway.until("GUILD_CREATE")
        while len(json.dumps(payload)) < 3000000:
            payload = gateway.until("GUILD_CREATE")
        self.assertGreater(gateway.fragments, 2900)
        self.sim.do("split off")
        gateway.beat()
        gateway.until(11)
        self.assertEqual(gateway.fragments, 1)

    def test_outage(self):
        gateway = self.connect()
        for _ in range(3):
            gateway.until("GUILD_CREATE")
        self.sim.do("outage on")
        for _ in range(3):
            self.assertIs(gateway.until("GUILD_DELETE")["d"]["unavailable"], True)
        self.sim.do("outage off")
        for _ in range(3):
            gateway.until("GUILD_CREATE")

    def test_send_is_replayed_and_raw_is_not(self):
        gateway = self.connect()
        self.sim.do("raw {\"op\":99,\"unknown\":[1,2]}")
        self.assertEqual(gateway.until(99)["unknown"], [1, 2])
        self.sim.do('send {"x":{"d":1},"d" : {"x":"ü\\u0000","n":12345678901234567890},'
                    '"t":"GWSIM_TEST"}')
        sent = gateway.until("GWSIM_TEST")
        self.assertEqual(sent["d"], {"x": "ü\0", "n": 12345678901234567890})
        gateway.close()
        again = Gateway(self.sim.gateway)
        self.addCleanup(again.close)
        again.until(10)
        again.resume(TOKEN, gateway.session_id, sent["s"] - 1)
        self.assertEqual(again.read(), sent)

    def test_names_of_events_are_escaped(self):
        gateway = self.connect()
        for name in ("TAB\there", 'QUOTED "X"', "BACK\\SLASH", "LINE\nEND", "\x01", "\ud83d\ude80"):
            with self.subTest(name):
                self.sim.do("send " + json.dumps({"t": name, "d": {"n": 1}}))
                expected = name.encode("utf-16", "surrogatepass").decode("utf-16")
                self.assertEqual(gateway.until(expected)["d"], {"n": 1})

    def test_frame(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        self.sim.do("frame 8900")
        self.assertEqual(gateway.socket.frame(), (True, 9, b""))
        # A masked frame, which a server must not send.
        self.sim.do("frame 818100000000ff")
        with self.assertRaises(ValueError):
            gateway.socket.frame()

    def test_codec(self):
        self.sim.do("codec zlib-stream")
        client = Socket(self.sim.gateway + "/?v=10&encoding=json")
        opcode, data, _ = client.message()
        self.assertEqual((opcode, data[:1]), (2, b"\x78"))
        client.close()
        self.sim.do("codec plain")
        client = Socket(self.sim.gateway + "/?v=10&encoding=json&compress=zlib-stream")
        opcode, data, _ = client.message()
        self.assertEqual((opcode, json.loads(data)["op"]), (1, 10))
        client.close()
        self.sim.do("codec asked")

    def test_cut(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        self.sim.do("cut 20")
        gateway.beat()
        data = gateway.socket.data
        gateway.socket.raw.settimeout(5)
        while chunk := gateway.socket.raw.recv(100):
            data += chunk
        self.assertEqual(len(data), 20)
        for size in (1, 50, 129, 140):
            self.sim.do(f"cut {size} next")
            raw = upgrade_raw(self.sim)
            raw.settimeout(5)
            data = b""
            while chunk := raw.recv(100):
                data += chunk
            raw.close()
            self.assertEqual(len(data), size)
        self.connect()

    def test_tls_needs_tls(self):
        self.assertEqual(self.sim.ask("tls good")["error"], "not started with --tls")

    def test_control_is_for_rude_clients_too(self):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(self.sim.socket_path)
            raw.sendall(b"stats\r\nhelp\nst")
            raw.sendall(b"ats")
            raw.sendall(b"\n\x00\xff\n")
            raw.shutdown(socket.SHUT_WR)
            data = b""
            while chunk := raw.recv(65536):
                data += chunk
        answers = [json.loads(line) for line in data.splitlines()]
        self.assertEqual([one["ok"] for one in answers], [True, True, True, False])

    def test_stats_tell_what_was_acknowledged(self):
        gateway = self.connect()
        self.sim.do("events off")
        gateway.beat()
        gateway.until(11)
        last = gateway.seq
        gateway.close()
        again = self.resumes(gateway)
        again.beat()
        again.until(11)
        one = [one for one in self.sim.sessions() if one["id"] == gateway.session_id][0]
        self.assertEqual(one["resume_seqs"], [last])
        self.assertTrue(one["resume_seqs_all_sent"])
        self.assertEqual(one["last_heartbeat_d"], again.seq)
        self.assertEqual((one["identifies"], one["resumes"]), (1, 1))
        self.assertTrue(one["connected"])


class Tls(unittest.TestCase):
    def test_made_ca_is_good_for_all_names_and_kept(self):
        with Sim("--host", "localhost", tls=True) as sim:
            self.assertTrue(sim.gateway.startswith("wss://"))
            for name in ("localhost", "127.0.0.1", "[::1]"):
                with Gateway(f"wss://{name}:{sim.port}", ca_file=sim.ca_file) as gateway:
                    self.assertEqual(gateway.read()["op"], 10)
            self.assertEqual(sim.rest("GET", "/users/@me")[0], 200)
            folder = os.path.dirname(sim.ca_file)
            key = os.path.join(folder, "ca.key")
            self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
            first = pathlib.Path(sim.ca_file).read_bytes()
            second = subprocess.Popen([BIN / "gwsim", "--tls", "--tls-dir", folder],
                                      stdout=subprocess.PIPE)
            ready = json.loads(second.stdout.readline())
            self.assertEqual(pathlib.Path(sim.ca_file).read_bytes(), first)
            with Gateway(ready["gateway"], ca_file=sim.ca_file) as gateway:
                self.assertEqual(gateway.read()["op"], 10)
            second.terminate()
            self.assertEqual(second.wait(10), 0)
            second.stdout.close()

    def test_records_are_as_small_as_asked_for(self):
        with Sim("--rate", 0, "--big-guild", 50000, "--tls-record", 600, tls=True) as sim, \
                socket.create_connection(("127.0.0.1", sim.port), 10) as raw:
            wire, come, go = bytearray(), ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = ssl.create_default_context(cafile=sim.ca_file).wrap_bio(come, go, server_hostname="localhost")

            def until_done(step):
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        raw.sendall(go.read())
                        data = raw.recv(65536)
                        self.assertTrue(data, "closed")
                        wire.extend(data)
                        come.write(data)

            until_done(tls.do_handshake)
            wire.clear()  # whole: the server waits for our last word before it goes on
            identify = json.dumps({"op": 2, "d": {"token": TOKEN, "intents": 1, "properties": {}}}).encode()
            tls.write(b"GET /?v=10&encoding=json HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            tls.write(bytes([0x81, 0x80 | 126]) + len(identify).to_bytes(2, "big") + bytes(4) + identify)
            size = 0
            while size < 50000:
                size += len(until_done(lambda: tls.read(65536)))
            records = []
            while len(wire) >= 5:
                records.append(int.from_bytes(wire[3:5], "big"))
                del wire[:5 + records[-1]]
            self.assertGreater(len(records), 50000 // 600)
            self.assertLessEqual(max(records), 600 + 17)  # the kind of what is in it, and the tag

    def test_new_keys(self):
        with Sim("--rate", 0, tls=True) as sim, Gateway(sim.gateway, ca_file=sim.ca_file) as gateway:
            gateway.ready(TOKEN)
            for _ in range(3):
                sim.do("rekey")
                sim.do("flood 10")
                seen = len(gateway.seqs)
                while len(gateway.seqs) < seen + 10:
                    gateway.read()
                gateway.beat()
                gateway.until(11)
        with Sim("--rate", 0) as sim, Gateway(sim.gateway) as gateway:
            gateway.ready(TOKEN)
            self.assertIn("no TLS 1.3", sim.ask("rekey")["error"])

    def test_session_with_compression_and_flood(self):
        with Sim("--rate", 0, tls=True) as sim:
            gateway = Gateway(sim.gateway, "zstd-stream", sim.ca_file)
            gateway.ready(TOKEN)
            sim.do("flood 5000")
            while len(gateway.seqs) < 5004:
                gateway.read()
            sim.do("drop")
            self.assertIsNone(gateway.closed())
            again = Gateway(sim.gateway, "zstd-stream", sim.ca_file)
            again.until(10)
            again.resume(TOKEN, gateway.session_id, gateway.seq)
            again.until("RESUMED")
            sim.do("corrupt")
            self.assertIsNone(again.closed())
            gateway.close()
            again.close()

    def test_bad_certificates_are_bad_in_their_way(self):
        reasons = {"bad-name": "mismatch", "ip-only": "mismatch",
                   "expired": "expired", "not-yet": "not yet valid",
                   "self-signed": "self-signed", "other-ca": "unable to get local issuer",
                   "tls11": ""}
        with Sim(tls=True) as sim:
            for kind, reason in reasons.items():
                with self.subTest(kind=kind):
                    sim.do(f"tls {kind}")
                    with self.assertRaises(Exception) as caught:
                        Gateway(sim.gateway, ca_file=sim.ca_file)
                    self.assertIn(reason, str(caught.exception))
            sim.do("tls good")
            with Gateway(sim.gateway, ca_file=sim.ca_file) as gateway:
                self.assertEqual(gateway.read()["op"], 10)

    def test_plain_text_to_a_tls_port(self):
        with Sim(tls=True) as sim:
            raw = upgrade_raw(sim)
            raw.settimeout(5)
            try:
                while raw.recv(1000):
                    pass
            except ConnectionResetError:
                pass
            raw.close()
            with Gateway(sim.gateway, ca_file=sim.ca_file) as gateway:
                gateway.until(10)


class Load(unittest.TestCase):
    def test_control_answers_while_a_flood_runs(self):
        with Sim("--rate", 0) as sim:
            gateway = Gateway(sim.gateway)
            gateway.ready(TOKEN)
            for _ in range(3):
                gateway.until("GUILD_CREATE")
            stop = threading.Event()

            def drain():
                gateway.socket.raw.settimeout(0.2)
                while not stop.is_set():
                    try:
                        if not gateway.socket.raw.recv(1 << 20):
                            return
                    except TimeoutError:
                        pass

            reader = threading.Thread(target=drain)
            reader.start()
            sim.do("flood 200000")
            slowest = 0.0
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                start = time.monotonic()
                sent = sim.sessions()[0]["last_sent"]
                slowest = max(slowest, time.monotonic() - start)
                if sent >= 200004:
                    break
            stop.set()
            reader.join()
            gateway.close()
            self.assertGreaterEqual(sent, 200004)
            self.assertLess(slowest, 2)

    def test_many_connections_at_once(self):
        with Sim("--rate", 1, "--guilds", 64, "--max-concurrency", 64) as sim:
            gateways = [Gateway(sim.gateway) for _ in range(64)]
            for shard, gateway in enumerate(gateways):
                gateway.until(10)
                gateway.identify(TOKEN, shard=[shard, 64])
            for gateway in gateways:
                gateway.until("GUILD_CREATE")
            self.assertEqual(sim.totals()["gateway_connections_open"], 64)
            self.assertEqual(sim.do("drop")["affected"], 64)
            for gateway in gateways:
                self.assertIsNone(gateway.closed())
                gateway.close()


if __name__ == "__main__":
    unittest.main()
