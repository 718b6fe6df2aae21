"""A gateway made by hand, frame by frame: a second peer beside gwsim, written apart from it.

It speaks plain ws:// on loopback, plain JSON, zlib-stream and zstd-stream (frames of raw
blocks, RFC 8878).  A scenario replaces hello() or login(), or says what it wants said
through a Link.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import socket
import sys
import threading
import time
import traceback
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))

from drill import Result, check
from gwbotd import Gwbotd
from peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, Conn, close_frame, frame  # noqa: F401
from play import cpu_seconds, falls, heal, shard, until  # noqa: F401

HELLO, BEAT, ACK, IDENTIFY, RESUME = 10, 1, 11, 2, 6

SESSION = "5e551011" * 4

# No API is needed where the gateway is configured: whoever asks it all the same, fails.
NO_API = {"DISCORD_API_BASE": "http://127.0.0.1:9/api/v10"}

ZSTD_MAGIC = bytes.fromhex("28b52ffd")
ZSTD_BLOCK_MAX = 128 * 1024


def zstd_block(kind, size, content, last=False):
    """kind: 0 raw, 1 run of one byte."""
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


class Plain:
    opcode = TEXT

    def pack(self, data):
        return data


class Zlib:
    opcode = BINARY

    def __init__(self):
        self.stream = zlib.compressobj()

    def pack(self, data):
        return self.stream.compress(data) + self.stream.flush(zlib.Z_SYNC_FLUSH)


class Zstd:
    """One endless frame of raw blocks, window 256 KiB."""
    opcode = BINARY

    def __init__(self, head=b"\x00\x40"):
        self.head = ZSTD_MAGIC + head

    def pack(self, data):
        out, self.head = [self.head], b""
        for at in range(0, len(data), ZSTD_BLOCK_MAX):
            part = data[at:at + ZSTD_BLOCK_MAX]
            out.append(zstd_block(0, len(part), part))
        return b"".join(out)


CODECS = {"none": Plain, "zlib-stream": Zlib, "zstd-stream": Zstd}


class Link(Conn):
    """One connection, past its upgrade."""

    def __init__(self, gateway, sock):
        super().__init__(sock)
        self.gateway = gateway
        self.lock = threading.RLock()
        self.asked = None  # the compression that was asked for
        self.codec = None
        self.beats = []  # (instant, d)
        self.closed_with = None  # the client's close code
        self.pongs = 0
        self.over = False

    def send(self, data):
        with self.lock:
            self.sock.sendall(data)

    def say(self, payload):
        """A payload as it should be: a dict, or its bytes."""
        if isinstance(payload, dict):
            payload = json.dumps(payload).encode()
        with self.lock:
            self.send(frame(self.codec.opcode, self.codec.pack(payload)))

    def event(self, seq, name="MESSAGE_CREATE", data=None):
        self.say({"t": name, "s": seq, "op": 0, "d": data or {"id": str(seq)}})

    def leave(self, *code):
        """Close frame, then FIN."""
        with contextlib.suppress(OSError):
            self.send(close_frame(*code))
            self.finish()

    def hang_up(self):
        """FIN without a close frame."""
        with contextlib.suppress(OSError):
            self.finish()

    def take(self, payload):
        message = json.loads(payload)
        if message["op"] == BEAT:
            self.beats.append((time.monotonic(), message["d"]))
            if self.gateway.acks:
                self.say({"op": ACK})
        else:
            self.gateway.logins.append((time.monotonic(), self, message["op"], message["d"]))
            self.gateway.login(self, message["op"], message["d"])

    def serve(self):
        self.read_request()
        query = self.request.split()[1].partition("?")[2]
        asked = dict(word.split("=") for word in query.split("&")).get("compress", "none")
        self.asked = asked
        self.codec = self.gateway.make_codec(self, asked)
        self.answer()
        self.gateway.add(self)
        self.gateway.hello(self)
        while True:
            opcode, payload = self.frame()
            if opcode == TEXT:
                self.take(payload)
            elif opcode == CLOSE:
                self.closed_with = int.from_bytes(payload[:2], "big") if payload else 1005
                return
            elif opcode != PING:
                self.pongs += 1
            self.gateway.tell()


class Gateway:
    """Listens; serves each connection in a thread of its own."""

    def __init__(self, heartbeat=1000):
        self.heartbeat = heartbeat
        self.acks = True
        self.seq = 0
        self.kept = []  # (seq, payload) to be replayed
        self.links = []
        self.logins = []  # (instant, link, op, d)
        self.errors = []
        self.changed = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for link in self.links:
            link.close()

    # ---- what a scenario may replace ----

    def make_codec(self, _link, asked):
        return CODECS[asked]()

    def hello(self, link):
        link.say({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat}})

    def ready(self):
        return {"v": 10, "session_id": SESSION, "resume_gateway_url": self.url,
                "user": {"id": "80351110224678912", "username": "drill"}, "guilds": []}

    def login(self, link, op, data):
        if op == IDENTIFY:
            self.seq, self.kept = 1, []
            link.event(1, "READY", self.ready())
            return
        check(op == RESUME, "neither IDENTIFY nor RESUME:", op)
        if data["session_id"] != SESSION or data["seq"] > self.seq:
            link.say({"op": 9, "d": False})
            return
        self.replay(link, data["seq"])
        self.seq += 1
        link.event(self.seq, "RESUMED", {"_trace": []})

    def replay(self, link, after):
        for seq, payload in self.kept:
            if seq > after:
                link.say(payload)

    # ---- what it does ----

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(Link(self, sock),), daemon=True).start()

    def serve(self, link):
        try:
            link.serve()
        except (OSError, AssertionError) as error:
            # The client may go at any time; what it must not do is told by words.
            if "stream ended" not in str(error) and not isinstance(error, OSError):
                self.errors.append(str(error))
        except Exception:
            self.errors.append(traceback.format_exc())
        link.over = True
        self.tell()

    def add(self, link):
        self.links.append(link)
        self.tell()

    def tell(self):
        with self.changed:
            self.changed.notify_all()

    def wait(self, true, what, timeout=20):
        with self.changed:
            if not self.changed.wait_for(true, timeout):
                raise AssertionError(f"not in {timeout} s: {what}")

    # ---- what a scenario says and sees ----

    @property
    def link(self):
        return self.links[-1]

    def dispatch(self, count=1):
        """So many events, each with the next sequence."""
        for _ in range(count):
            self.seq += 1
            self.link.event(self.seq)

    def ops(self):
        """IDENTIFY and RESUME in their order."""
        return [op for _, _, op, _ in self.logins]


@contextlib.contextmanager
def bot_at(gateway, ready=True, stops=True, env=None, **settings):
    """A gwbotd at this gateway.  stops: it must be alive at the end and stop as asked."""
    settings.setdefault("discord__gateway", gateway.url)
    with Gwbotd(env={**NO_API, **(env or {})}, **settings) as bot:
        bot.start()
        if ready:
            bot.wait_ready()
        yield bot
        check(gateway.errors == [], "the client broke the protocol:", gateway.errors)
        if stops:
            check(bot.process.poll() is None, "gwbotd ended with", bot.process.returncode)
            check(bot.stop() == 0, "gwbotd did not stop as asked")


@contextlib.contextmanager
def peer_live(heartbeat=1000, **settings):
    """A hand-made gateway and a gwbotd with a session that is ready: yields (gateway, bot)."""
    with Gateway(heartbeat) as gateway, bot_at(gateway, **settings) as bot:
        yield gateway, bot


def survives(gateway, bot):
    """Behind whatever came, an ordinary event arrives on the same connection."""
    links = len(gateway.links)
    gateway.dispatch()
    until(lambda: shard(bot)["seq"] == gateway.seq, "the event behind it")
    check(len(gateway.links) == links, "it reconnected:", reasons(bot))


def refuses(gateway, bot, send, codes, words):
    """What send() says ends the connection with one of these codes, and it resumes."""
    link = gateway.link
    took = heal(bot, send)
    gateway.wait(lambda: link.over, "the end of the connection")
    check(link.closed_with in codes, "closed with", link.closed_with)
    check(any(word in reasons(bot)[0] for word in words), "the log says", reasons(bot))
    check(gateway.ops() == [IDENTIFY, RESUME], gateway.ops())
    return took


def play_plan(_name, plan):
    """For table(): each case is a function by itself."""
    plan()


def reasons(bot):
    """Why the session left ready, each time."""
    return [event.get("reason", "") for _, event in falls(bot)]


def table(cases, act, workers=4):
    """Plays act(name, value) for each case, some at a time; all must hold."""
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {name: pool.submit(act, name, value) for name, value in cases.items()}
        for name, future in futures.items():
            try:
                future.result()
            except Exception as error:
                wrong.append(f"{name}: {error}")
    check(not wrong, f"{len(wrong)} of {len(cases)} cases:\n", "\n".join(wrong))
    return Result(figure=f"{len(cases)}/{len(cases)} cases")


# ---- what a process uses ----

def peak_kb(bot):
    """The largest resident memory so far."""
    text = pathlib.Path(f"/proc/{bot.process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0])


def rss_kb(bot):
    """The resident memory now."""
    text = pathlib.Path(f"/proc/{bot.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])
