"""TLS faults."""

import contextlib
import ctypes
import os
import pathlib
import select
import socket
import ssl
import tempfile
import threading
import time

import net
import shim
from drill import Result, check, fault
from gwbotd import Gwbotd, Sim
from play import Outage, falls, live, rss, shard, until

BEAT = {"heartbeat": 1000, "rate": 20}
YEARS = 20 * 365 * 86400 * 10**9  # ns; longer than any of gwsim's certificates


# ---- certificates that are refused -----------------------------------------------------

def refused(kinds, *words):
    """The session falls, each kind is refused in words, and it is resumed afterwards."""
    took = 0
    for kind in kinds:
        with live(direct=True, sim_options=BEAT) as (sim, bot):
            sim.do(f"tls {kind}")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            bot.wait_event("shard_state", to="backing off")
            for word in words:
                outage.is_told(word)
            check(sim.totals()["resumes"] == 0, "something was said to it")
            sim.do("tls good")
            took = max(took, outage.over())
    return Result(took, f"{len(kinds)}/{len(kinds)} refused: {words[0]}")


@fault("T01", "wrong host name")
def wrong_name():
    return refused(["bad-name"], "wrong name", "gateway.invalid")


@fault("T02", "expired and not yet valid")
def wrong_time():
    return refused(["expired", "not-yet"], "check the local clock", "certificate")


@fault("T03", "self-signed")
def self_signed():
    return refused(["self-signed"], "self-signed")


@fault("T04", "unknown CA")
def unknown_ca():
    return refused(["other-ca"], "unknown authority")


@fault("T05", "IP-only SAN")
def ip_only():
    return refused(["ip-only"], "wrong name", "192.0.2.1")


def diverted_tls(serve, cause, least=2, **settings):
    """While serve(sock, number, sim) answers new connections; (heal, RSS grown, peer)."""
    with live(direct=True, sim_options=BEAT, **settings) as (sim, bot), \
            net.Peer(lambda sock, number: serve(sock, number, sim)) as peer:
        outage = Outage(bot, "reset")
        with net.diverted(sim.port, peer.port):
            with outage:
                sim.do("rst")
            until(lambda: len(peer.times) >= least, "attempts", 20)
            bot.wait_event("shard_state", to="backing off")
            outage.is_told(cause)
        return outage.over(), peer


@fault("T06", "TLS 1.1 only, weak ciphers", net=True)
def weak():
    result = refused(["tls11"], "TLS")
    weak_ciphers = ["aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0"]

    def serve(sock, number, sim):
        context = net.own_context(sim, "IP:127.0.0.1,DNS:weak")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(weak_ciphers[number % len(weak_ciphers)])
        with contextlib.suppress(ssl.SSLError):
            context.wrap_socket(sock, server_side=True)

    took, _ = diverted_tls(serve, "TLS handshake", least=3)
    return Result(max(took, result.heal), "TLS 1.1, anonymous and unencrypted ones refused")


# ---- changes and endings that are fine -------------------------------------------------

class Ending(net.TlsRelay):
    """Ends a connection, when asked to: its TLS in order before, or not."""

    asked = None

    def between(self, link):
        if self.asked is None:
            return True
        notify, self.asked = self.asked, None
        if notify:
            with contextlib.suppress(OSError):  # it hangs up as it answers
                link.client.unwrap()
        return False  # FIN alone


@fault("T07", "certificate changed between reconnects", net=True)
def changed_certificate():
    with live(direct=True, sim_options=BEAT) as (sim, bot):
        old = ssl.get_server_certificate(("127.0.0.1", sim.port))
        with net.TlsRelay(sim, "IP:127.0.0.1,DNS:new.drill") as relay, \
                net.diverted(sim.port, relay.port):
            check(ssl.get_server_certificate(("127.0.0.1", sim.port)) != old, "the same")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            return outage.over()


@fault("T11", "close_notify then FIN; FIN alone", net=True)
def endings():
    took = []
    for notify in (True, False):
        with Sim(tls=True, **BEAT) as sim, Ending(sim, "IP:127.0.0.1") as relay, \
                net.diverted(sim.port, relay.port), \
                Gwbotd(sim, discord__gateway=sim.gateway) as bot:
            bot.start().wait_ready()
            with Outage(bot, "") as outage:
                relay.asked = notify
            took.append(outage.over())
            check(bot.stop() == 0, "did not stop as asked")
    return Result(max(took), "2/2 resumed")


# ---- bytes that are no TLS -------------------------------------------------------------

@fault("T08", "garbage instead of ServerHello", net=True)
def garbage():
    lasted = []

    def serve(sock, number, _):
        sock.recv(4096)
        began = time.monotonic()
        sock.sendall(os.urandom(500) if number % 2 else b"HTTP/1.1 400 Bad Request\r\n\r\n")
        sock.settimeout(15)
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(4096):
                pass
        lasted.append(time.monotonic() - began)

    took, peer = diverted_tls(serve, "TLS", least=4)
    gaps = [b - a for a, b in zip(peer.times, peer.times[1:])]
    check(max(lasted) < 0.5, "failed after", lasted)
    check(gaps[-1] > 0.95, "no backoff:", gaps)
    return Result(took, f"failed within {max(lasted) * 1000:.0f} ms, then backoff")


class HandshakeCutter(net.Relay):
    """Ends each connection after so many bytes of the server, one more each time."""

    def __init__(self, server_port, last):
        self.last = last
        self.lock = threading.Lock()
        self.cuts = 0
        self.on = False
        super().__init__(server_port)

    def client_end(self, sock, link):
        link.cut = None
        with self.lock:
            if self.on:
                link.cut = self.cuts % self.last
                self.cuts += 1
        return sock

    def down(self, data, link):
        link.downs += len(data)
        if link.cut is None or link.downs < link.cut:
            return data
        link.client.sendall(data[:len(data) - (link.downs - link.cut)])
        raise OSError("cut")


@fault("T09", "handshake cut at every byte", net=True, limit=120)
def handshake_cuts():
    # The sweep needs many attempts in little time: many shards, and several lives, as
    # failures in a row make a shard slow.
    count, least = 64, 1000
    options = {"shards": count, "max_concurrency": count, "heartbeat": 5000, "rate": 0}
    with Sim(tls=True, **options) as sim:
        size = handshake_size(sim)
        with HandshakeCutter(sim.port, size) as relay, \
                net.diverted(sim.port, relay.port), \
                Gwbotd(sim, discord__shards=count) as bot:
            bot.start().wait_ready(count=count)
            relay.on = True
            sim.do("rst")
            until(lambda: relay.cuts >= 3 * count, "attempts", 20)
            held, before = rss(bot), relay.cuts
            until(lambda: relay.cuts >= 6 * count, "attempts", 30)
            grown, cuts = rss(bot) - held, relay.cuts - before
            check(grown < 512 * 1024, "grown by", grown, "in", cuts)
            while relay.cuts < max(least, size):
                bot.kill()
                before = relay.cuts
                bot.start()
                until(lambda: relay.cuts - before >= 2 * count, "attempts", 20)
            relay.on = False
            began = time.monotonic()
            until(lambda: bot.snapshot()["total"]["connected"] == count, "healed", 40)
            took = time.monotonic() - began
            check(sim.totals()["identifies"] == count, "an IDENTIFY was spent")
            check(bot.stop() == 0, "did not stop as asked")
        return Result(took, f"{relay.cuts} cuts over all of {size} bytes, {count} shards "
                      f"resumed, {grown // 1024} kB grown in {cuts}")


def handshake_size(sim):
    """Bytes that the server sends until TLS is done."""
    context = ssl.create_default_context(cafile=sim.ca_file)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = context.wrap_bio(into, out, server_hostname="127.0.0.1")
    size = 0
    with socket.create_connection(("127.0.0.1", sim.port)) as raw:
        while True:
            try:
                secure.do_handshake()
                return size
            except ssl.SSLWantReadError:
                raw.sendall(out.read())
                data = raw.recv(65536)
                size += len(data)
                into.write(data)


@fault("T12", "record with a flipped bit mid-session", net=True)
def flipped_bit():
    class Flip(net.Relay):
        armed = threading.Event()

        def down(self, data, link):
            if self.armed.is_set() and len(data) > 20:
                self.armed.clear()
                return data[:-5] + bytes([data[-5] ^ 0x10]) + data[-4:]
            return data

    with Sim(tls=True, **BEAT) as sim, Flip(sim.port) as relay, \
            net.diverted(sim.port, relay.port), Gwbotd(sim) as bot:
        bot.start().wait_ready()
        with Outage(bot, "bad record mac") as outage:
            relay.armed.set()
        took = outage.over()
        check(shard(bot)["seq_gaps"] == 0, "events lost")
        check(bot.stop() == 0, "did not stop as asked")
        return took


# ---- configuration ---------------------------------------------------------------------

def refuses(word, **settings):
    with Sim(tls=True) as sim, Gwbotd(sim, **settings.pop("options", {})) as bot:
        bot.env.update(settings.get("env", {}))
        bot.wrapper = settings.get("wrapper", [])
        bot.dir.chmod(0o777)
        check(bot.start().wait_exit() == 78, "exit", bot.process.returncode, bot.output)
        until(lambda: word in bot.output, f"{word} in {bot.output}", 2)
        check(sim.totals()["connections"] == 0, "it connected")


@fault("T10", "CA file missing, empty or unreadable")
def bad_ca_file():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "empty.pem").touch()
        (folder / "text.pem").write_text("not a certificate\n")
        (folder / "closed.pem").write_text("")
        (folder / "closed.pem").chmod(0)
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] \
            if os.geteuid() == 0 else []
        for path, wrapper in ((folder / "none.pem", []), (folder / "empty.pem", []),
                              (folder / "text.pem", []), (folder, []),
                              (folder / "closed.pem", other)):
            refuses(str(path), env={"SSL_CERT_FILE": str(path)}, wrapper=wrapper)
    return Result(figure="5/5: exit 78 before the first connection, and the file is named")


@fault("T13", "plain ws to a host that is not this one")
def plain_elsewhere():
    for url in ("ws://gateway.discord.gg", "ws://192.0.2.1:80", "ws://localhost.example"):
        refuses("loopback", options={"discord__gateway": url})
    refuses("loopback", env={"DISCORD_API_BASE": "http://example.com/api/v10"})
    return Result(figure="4/4: exit 78")


# ---- what TLS allows a server to do ----------------------------------------------------

WANT_READ = 2  # SSL_ERROR_WANT_READ


class OpenSsl:
    """A server's TLS by OpenSSL itself, for what Python does not offer."""

    def __init__(self, leaf, version):
        lib = self.lib = ctypes.CDLL("libssl.so.3")
        for name in ("TLS_server_method", "SSL_CTX_new", "SSL_new"):
            getattr(lib, name).restype = ctypes.c_void_p
        pointer = ctypes.c_void_p
        self.context = pointer(lib.SSL_CTX_new(pointer(lib.TLS_server_method())))
        path = str(leaf).encode()
        check(lib.SSL_CTX_use_certificate_chain_file(self.context, path) == 1, "leaf")
        check(lib.SSL_CTX_use_PrivateKey_file(self.context, path, 1) == 1, "key")
        # What carries no data must not be waited behind: SSL_CTRL_CLEAR_MODE, AUTO_RETRY.
        lib.SSL_CTX_ctrl(self.context, 78, ctypes.c_long(4), None)
        for command in (123, 124):  # SSL_CTRL_SET_MIN_ and MAX_PROTO_VERSION
            check(lib.SSL_CTX_ctrl(self.context, command, ctypes.c_long(version), None) == 1,
                  "version")

    def accept(self, sock):
        ssl_object = ctypes.c_void_p(self.lib.SSL_new(self.context))
        self.lib.SSL_set_fd(ssl_object, sock.fileno())
        check(self.lib.SSL_accept(ssl_object) == 1, "SSL_accept")
        return ssl_object


class Annoying(net.TlsRelay):
    """Carries bytes, and does what act(lib, ssl) does so many rounds, once it begins."""

    def __init__(self, sim, version, act, rounds):
        self.act, self.rounds, self.done = act, rounds, 0
        self.begin = threading.Event()
        self.folder = tempfile.TemporaryDirectory(prefix="drill-")
        self.openssl = OpenSsl(net.leaf(sim, "IP:127.0.0.1", self.folder.name), version)
        super().__init__(sim, "IP:127.0.0.1")

    def _carry(self, sock, number):
        lib = self.openssl.lib
        secure = self.openssl.accept(sock)
        server = self.server_end(self.connect())
        room = ctypes.create_string_buffer(65536)
        sock.setblocking(True)
        while not self.ended.is_set():
            if self.begin.is_set() and self.done < self.rounds:
                self.done += 1
                self.act(lib, secure)
            ready, _, _ = select.select([sock, server], [], [],
                                        0 if self.done < self.rounds else 0.05)
            if sock in ready:
                size = lib.SSL_read(secure, room, len(room))
                if size <= 0 and lib.SSL_get_error(secure, size) != WANT_READ:
                    break
                server.sendall(room.raw[:max(size, 0)])
            if server in ready or server.pending():
                data = server.recv(65536)
                if not data or lib.SSL_write(secure, data, len(data)) <= 0:
                    break
        server.close()


def key_update(lib, secure):
    for _ in range(50):
        lib.SSL_key_update(secure, 0)
        lib.SSL_do_handshake(secure)


def key_update_asked(lib, secure):
    lib.SSL_key_update(secure, 1)
    lib.SSL_do_handshake(secure)


def tickets(lib, secure):
    for _ in range(12):
        lib.SSL_new_session_ticket(secure)
    lib.SSL_do_handshake(secure)


def renegotiate(lib, secure):
    lib.SSL_renegotiate(secure)
    lib.SSL_do_handshake(secure)


@fault("T14", "KeyUpdate flood, tickets by the dozen, renegotiation", net=True, limit=90)
def annoying():
    figures, took = [], 0
    for name, version, act, rounds in (
            ("KeyUpdates", 0x0304, key_update, 400), ("asked KeyUpdates", 0x0304,
            key_update_asked, 400), ("tickets", 0x0304, tickets, 100),
            ("renegotiation", 0x0303, renegotiate, 1)):
        with Sim(tls=True, **BEAT) as sim, Annoying(sim, version, act, rounds) as relay, \
                net.diverted(sim.port, relay.port), \
                Gwbotd(sim, discord__gateway=sim.gateway) as bot:
            bot.start().wait_ready()
            time.sleep(1.2)
            early, beats = rss(bot), shard(bot)["heartbeats"]
            relay.begin.set()
            until(lambda: relay.done >= rounds, f"all rounds of {name}")
            until(lambda: shard(bot)["heartbeats"] > beats + 1, f"beats after {name}")
            until(lambda: shard(bot)["connected"] and bot.health()[0] == 200, name)
            grown = rss(bot) - early
            check(grown < 1 << 20, name, "grown by", grown)
            check(shard(bot)["identifies"] == 1, "an IDENTIFY was spent")
            check(bot.stop() == 0, "did not stop as asked")
            figures.append(f"{name}: {len(falls(bot)) - 1} reconnects, {grown // 1024} kB")
    return Result(figure="; ".join(figures))


# ---- the clock -------------------------------------------------------------------------

@fault("T15", "local clock years off", limit=90)
def clock_years_off():
    settings = {"watchdog__keepalive": "250ms", "watchdog__stall": "30s",
                "watchdog__disconnect_grace": "5s"}
    with Sim(tls=True, **BEAT) as sim, \
            Gwbotd(sim, discord__gateway=sim.gateway, **settings) as bot:
        clock = shim.Clock(bot)
        bot.start().wait_ready()
        time.sleep(1)
        took = 0
        # Away and back within the grace: resumed.  Beats go by another clock.
        for offset, word in ((YEARS, "expired"), (-YEARS, "not yet valid")):
            clock.move(real=offset)
            time.sleep(1.5)
            check(shard(bot)["connected"], "the live connection fell by the clock")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            bot.wait_event("shard_state", to="backing off")
            outage.is_told(word)
            outage.is_told("clock")
            clock.move(real=-offset)
            took = max(took, outage.over())
            check(bot.stop() == 0, "did not stop")
            bot.start().wait_ready()
        # And for good: it keeps trying until the grace, and ends by nothing else.
        clock.move(real=YEARS)
        sim.do("rst")
        lost, _ = bot.wait_event("shard_state", **{"from": "ready"})
        check(bot.wait_exit(12) == 1, "exit", bot.process.returncode)
        judged, event = bot.wait_event("watchdog_exit")
        check(5 < judged - lost < 6, "exit after", judged - lost)
        check(event["verdict"] == "down", event)
        tries = len(bot.events("shard_state", to="connecting"))
        check(tries >= 3, "only", tries, "attempts")
        clock.move(real=-YEARS)
        bot.start().wait_ready()
        check(shard(bot)["identifies"] == 0, "an IDENTIFY was spent")
        check(bot.stop() == 0, "did not stop as asked")
        return Result(took, f"for good: {tries} attempts, exit 1 after {judged - lost:.2f} s "
                      "of a grace of 5 s, then resumed")
