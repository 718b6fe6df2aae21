"""What the scenarios of the drill have in common."""

import contextlib
import json
import os
import pathlib
import socket
import time

from drill import check
from gwbotd import Gwbotd, Sim


@contextlib.contextmanager
def live(tls=True, sim_options=None, direct=False, **settings):
    """A gwsim and a gwbotd with a session that is ready: yields (sim, bot).

    direct: the gateway is configured, so that the API is never asked.
    """
    with Sim(tls=tls, **(sim_options or {})) as sim:
        if direct:
            settings.setdefault("discord__gateway", sim.gateway)
        with Gwbotd(sim, **settings) as bot:
            bot.start().wait_ready(count=settings.get("discord__shards", 1))
            yield sim, bot
            check(bot.process.poll() is None, "gwbotd ended with", bot.process.returncode)
            check(bot.stop() == 0, "gwbotd did not stop as asked")


def heal(bot, act, timeout=30, resumes=True):
    """Seconds from act() until the session was ready again; by RESUME where resumes."""
    before = bot.snapshot()["shards"][0]
    seen = len(bot.events("shard_state", to="ready"))
    began = time.monotonic()
    act()
    when, _ = bot.wait_ready(timeout, count=seen + 1)
    after = bot.snapshot()["shards"][0]
    if resumes:
        check(after["identifies"] == before["identifies"], "an IDENTIFY was spent")
        check(after["resumed"] > before["resumed"], "it was not resumed")
    return when - began


def shard(bot, index=0):
    """The snapshot of one shard."""
    return bot.snapshot()["shards"][index]


def until(true, what, timeout=10.0):
    """Asks until it is true; there is no event to wait for.  Seconds that this took."""
    began = time.monotonic()
    while not true():
        check(time.monotonic() < began + timeout, "not in time:", what)
        time.sleep(0.02)
    return time.monotonic() - began


def falls(bot):
    """The log lines that tell the end of a session that was ready."""
    return bot.events("shard_state", **{"from": "ready"})


class Outage:
    """The time in which a fault lasts, seen from outside: what has to be true in it.

    with Outage(bot, "why") as outage: begin the fault in here.  It waits until the
    session has fallen with that word in the reason of its one line, and checks what
    is said of it.  outage.over() then waits until it is resumed.
    """

    def __init__(self, bot, cause, timeout=20):
        self.bot = bot
        self.cause = cause
        self.timeout = timeout
        self.before = shard(bot)
        self.fallen = len(falls(bot))
        self.readies = len(bot.events("shard_state", to="ready"))
        self.began = self.lost = None

    def __enter__(self):
        self.began = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        self.lost, event = self.bot.wait_event(
            "shard_state", self.timeout, self.fallen + 1, **{"from": "ready"})
        check(self.cause in event.get("reason", ""), f"no {self.cause} in", event)

    @property
    def noticed(self):
        """Seconds from its begin until it was noticed."""
        return self.lost - self.began

    def is_told(self, cause=""):
        """While it lasts: the health is 503, the snapshot says not connected and why."""
        until(lambda: not shard(self.bot)["connected"], "not connected")
        status, body = self.bot.health()
        check(status == 503 and not body["connected"], "health says", status, body)
        check(self.bot.get("/livez")[0] == 200, "the loop does not answer")
        now = shard(self.bot)
        check(now["disconnect_age_seconds"] is not None, "no disconnect age")
        check(cause in (now["reason"] or ""), f"no {cause} in the reason", now["reason"])

    def over(self, timeout=30, identifies=0):
        """Waits for the session; seconds since the fault began."""
        when, _ = self.bot.wait_ready(timeout, count=self.readies + 1)
        after = shard(self.bot)
        check(after["identifies"] == self.before["identifies"] + identifies,
              after["identifies"] - self.before["identifies"], "IDENTIFY spent")
        check(identifies or after["resumed"] == self.before["resumed"] + 1, "not resumed")
        check(len(falls(self.bot)) == self.fallen + 1, "told more than once:",
              falls(self.bot))
        check(self.bot.health()[0] == 200, "health stays", self.bot.health())
        return when - self.began


def rss(bot):
    """Bytes of memory that the daemon holds."""
    with open(f"/proc/{bot.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def cpu_seconds(bot):
    """Of processor time that it has had so far."""
    fields = pathlib.Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_share(bot, seconds):
    """What it takes of one processor in the next seconds."""
    before, began = cpu_seconds(bot), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(bot) - before) / (time.monotonic() - began)


def status(bot):
    return json.loads(bot.ctl("--json", "status").stdout)


def longest_turn(bot):
    """Seconds of the longest turn of its loop so far."""
    return status(bot)["loop"]["turn_max_seconds"]


def metric(bot, name):
    """One figure of /metrics."""
    for line in bot.get("/metrics")[2].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    raise AssertionError(f"/metrics has no {name}")


def http(bot, data, timeout=10, source=None):
    """All that comes back for these bytes until the server closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", bot.port), timeout,
                                  source_address=(source, 0) if source else None) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(data)
        with contextlib.suppress(ConnectionError):
            while chunk := peer.recv(65536):
                got += chunk
    return got


class Control:
    """A connection to the control socket, kept."""

    def __init__(self, bot, path=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(path or bot.socket))
        self.lines = self.sock.makefile("rb")
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.sock.close()

    def ask(self, method, params=()):
        """The whole answer, result or error."""
        self.number += 1
        self.sock.sendall(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method,
                                      "params": params}).encode() + b"\n")
        return json.loads(self.lines.readline())


@contextlib.contextmanager
def clients(bot, count, data=b""):
    """So many that connect and say this, and read nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", bot.port))
            if data:
                one.setblocking(True)
                with contextlib.suppress(OSError):
                    one.sendall(data)
        time.sleep(0.5)
        yield
