"""Network faults."""

import contextlib
import random
import statistics
import threading
import time

import net
from drill import Result, check, fault
from gwbotd import Gwbotd, Sim
from play import Outage, heal, live, rss, shard, until

BEAT = {"heartbeat": 1000, "rate": 20}  # gwsim's interval in ms, and events a second


def attempts(bot):
    """When each connect of shard 0 began."""
    return [when for when, _ in bot.events("shard_state", to="connecting")]


# ---- ends and black holes --------------------------------------------------------------

@fault("N01", "TCP reset while beating")
def tcp_reset():
    with live(sim_options=BEAT) as (sim, bot):
        with Outage(bot, "reset") as outage:
            sim.do("rst")
        return outage.over()


@fault("N02", "FIN without close frame")
def fin():
    with live(sim_options=BEAT) as (sim, bot):
        with Outage(bot, "closed") as outage:
            sim.do("drop")
        return outage.over()


def black_hole(**ways):
    """Noticed after at most an interval to the next beat, and one for its answer."""
    with live(sim_options=BEAT, gateway__connect_timeout="2s") as (sim, bot):
        time.sleep(1.2)
        outage = Outage(bot, "zombie")
        with net.dropped(sim.port, **ways):
            with outage:
                pass
            check(outage.noticed < 2.2, "noticed after", outage.noticed)
            outage.is_told("zombie")
        return Result(outage.over(), f"noticed after {outage.noticed:.2f} s of 1 s beats")


@fault("N03", "black hole both ways", net=True)
def black_hole_both():
    return black_hole()


@fault("N04", "black hole towards us", net=True)
def black_hole_to_us():
    return black_hole(from_us=False)


@fault("N05", "beats swallowed while events flow")
def swallowed_beats():
    with live(sim_options=BEAT) as (sim, bot):
        time.sleep(1.2)
        with Outage(bot, "two intervals") as outage:
            sim.do("acks off")
        # One to the next beat, two for the verdict (contract, section 4).
        check(outage.noticed < 3.2, "noticed after", outage.noticed)
        sim.do("acks on")
        return Result(outage.over(), f"noticed after {outage.noticed:.2f} s of 1 s beats")


# ---- connects that fail ----------------------------------------------------------------

BOTH = "127.0.0.1 localhost\n::1 localhost\n"


@contextlib.contextmanager
def named(**settings):
    """A gwsim at both families of localhost, and a bot that knows the name only."""
    with net.hosts(BOTH), Sim(tls=True, host="localhost", **BEAT) as sim, \
            Gwbotd(sim, discord__gateway=f"wss://localhost:{sim.port}", **settings) as bot:
        yield sim, bot
        check(bot.stop() == 0, "gwbotd did not stop as asked")


@fault("N06", "SYN black hole at connect", net=True)
def syn_black_hole():
    with named(gateway__connect_timeout="5s") as (sim, bot):
        with net.dropped(sim.port, to_us=False):
            bot.start()
            first, event = bot.wait_event("shard_state", to="backing off")
            check("in time" in event["reason"], event)
            gone = first - attempts(bot)[-1]
            check(4 < gone <= 5.1, "given up after", gone)
            check(bot.events("address_failed"), "the next address was not tried")
            status, body = bot.health()
            check(status == 503 and not body["connected"], status, body)
            bot.wait_event("shard_state", to="connecting", count=3)
        when, _ = bot.wait_ready()
        check(shard(bot)["identifies"] == 1, "IDENTIFYs without a connection")
        return Result(when - first, f"given up after {gone:.2f} s with a deadline of 5 s, "
                      f"{len(attempts(bot))} attempts")


@fault("N07", "connection refused more than 1,000 times", limit=120)
def refused():
    count, daemons, seconds = 64, 3, 25
    grown, tries, longest = [], 0, 0.0
    with contextlib.ExitStack() as stack:
        sims = [stack.enter_context(Sim(tls=True, shards=count, max_concurrency=count, **BEAT))
                for _ in range(daemons)]
        bots = [stack.enter_context(Gwbotd(sim, discord__shards=count)) for sim in sims]
        for bot in bots:
            bot.start().wait_ready(count=count)
        for sim in sims:
            sim.do("refuse on")
            sim.do("rst")
        time.sleep(0.6 * seconds)
        early = [rss(bot) for bot in bots]
        time.sleep(0.4 * seconds)
        for bot, before in zip(bots, early):
            grown.append(rss(bot) - before)
            for index in range(count):
                times = [when for when, _ in bot.events(
                    "shard_state", to="connecting", shard=index)][1:]
                tries += len(times)
                # The first is followed at once, the second soon, then a second at least.
                check(all(b - a > 0.95 for a, b in zip(times[2:], times[3:])), times)
        check(tries > 1000, "only", tries, "refusals")
        check(max(grown) < 256 * 1024, "grown by", grown)
        for sim in sims:
            sim.do("refuse off")
        began = time.monotonic()
        for sim, bot in zip(sims, bots):
            # The longest backoff there is takes 60 s.
            when, _ = bot.wait_ready(65, 2 * count)
            longest = max(longest, when - began)
            check(sim.totals()["identifies"] == count, "an IDENTIFY was spent")
            check(bot.stop() == 0, "did not stop as asked")
        return Result(longest, f"{tries} refusals in {seconds} s, "
                      f"{tries * 60 / seconds / count / daemons:.0f} a minute and shard, "
                      f"{max(grown) // 1024} kB grown")


@fault("N08", "first address dead, second alive", net=True)
def first_address_dead():
    with named() as (sim, bot):
        with net.rules(f"ip6 daddr ::1 tcp dport {sim.port} drop"):
            began = time.monotonic()
            ready, _ = bot.start().wait_ready(9)
            check(len(attempts(bot)) == 1, len(attempts(bot)), "attempts")
            check(bot.events("address_failed"), "the dead address was not the first")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            return Result(outage.over(), f"first session after {ready - began:.2f} s")


@fault("N09", "only one family reachable", net=True)
def one_family():
    took = {}
    # Unreachable as routers tell it, and as they do not.
    for verdict in ("reject", "drop"):
        for dead in ("ip daddr 127.0.0.1", "ip6 daddr ::1"):
            with named() as (sim, bot), \
                    net.rules(f"{dead} tcp dport {sim.port} {verdict}"):
                began = time.monotonic()
                ready, _ = bot.start().wait_ready(9)
                check(len(attempts(bot)) == 1, len(attempts(bot)), "attempts")
                took[verdict] = max(took.get(verdict, 0), ready - began)
    return Result(took["drop"], f"refused by a router {took['reject']:.3f} s")


@fault("N10", "no route, then a route again", net=True)
def no_route():
    route = ("local", "127.0.0.0/8", "dev", "lo", "table", "local")
    with live(sim_options=BEAT, gateway__connect_timeout="2s") as (sim, bot):
        time.sleep(1.2)
        with Outage(bot, "zombie") as outage:
            net.run("ip", "route", "del", "local", "127.0.0.1", "dev", "lo", "table", "local")
            net.run("ip", "route", "del", *route)
        until(lambda: "unreachable" in (shard(bot)["reason"] or ""), "the reason")
        away = time.monotonic() - outage.lost
        told = shard(bot)["disconnect_age_seconds"]
        check(abs(told - away) < 0.5, "disconnect age", told, "is not", away)
        net.run("ip", "route", "add", *route)
        back = time.monotonic()
        outage.is_told()
        took = outage.over()
        return Result(took, f"{outage.began + took - back:.2f} s after the route was back")


@fault("N11", "own address changes", net=True)
def own_address_changes():
    def take_address(address):
        net.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
        net.run("ip", "route", "replace", "local", "127.0.0.1", "dev", "lo", "table",
                "local", "proto", "kernel", "scope", "host", "src", address)

    take_address("10.1.1.1")
    with live(sim_options=BEAT, gateway__connect_timeout="2s") as (sim, bot):
        time.sleep(1.2)
        with Outage(bot, "zombie") as outage:
            take_address("10.1.1.2")
            net.run("ip", "addr", "del", "10.1.1.1/32", "dev", "lo")
        return Result(outage.over(), f"noticed after {outage.noticed:.2f} s of 1 s beats")


# ---- peers that are no gateway ---------------------------------------------------------

def hostile(serve, cause, tls=True, timeout="1s", least=2):
    """While serve answers the new connections; (heal, how long each was held)."""
    held = []

    def timed(sock, number):
        began = time.monotonic()
        try:
            serve(sock, number, sim)
            sock.settimeout(20)
            while sock.recv(4096):
                pass
        finally:
            held.append(time.monotonic() - began)

    with live(tls=tls, direct=True, sim_options=BEAT,
              gateway__connect_timeout=timeout) as (sim, bot), net.Peer(timed) as peer:
        outage = Outage(bot, "reset")
        with net.diverted(sim.port, peer.port):
            with outage:
                sim.do("rst")
            until(lambda: len(held) >= least, "attempts", 20)
            bot.wait_event("shard_state", to="backing off")
            outage.is_told(cause)
            told = len(bot.events("shard_state", to="backing off"))
            # The first is followed at once, each other by a wait that is told once.
            check(abs(len(peer.times) - 1 - told) <= 1, told, "of", len(peer.times))
        return outage.over(), held


@fault("N12", "accepts and says nothing", net=True)
def silent_tcp():
    took, held = hostile(lambda *_: None, "in time")
    check(max(held) < 1.2, "held for", held)
    return Result(took, f"{len(held)} attempts, the longest {max(held):.2f} s of 1 s")


def hostile_tls(function, cause, **options):
    """As hostile(), with TLS done and the request for an upgrade read."""
    def serve(sock, number, sim):
        with net.own_context(sim).wrap_socket(sock, server_side=True) as secure:
            net.read_head(secure)
            function(secure)
            secure.settimeout(20)
            while secure.recv(4096):
                pass
    return hostile(serve, cause, **options)


@fault("N13", "TLS done, upgrade never answered", net=True)
def silent_upgrade():
    took, held = hostile_tls(lambda _: None, "in time", least=3)
    check(max(held) < 1.2, "held for", held)
    return Result(took, f"{len(held)}/{len(held)} ended, the longest after "
                  f"{max(held):.2f} s of 1 s")


@fault("N14", "upgrade answer drips 2 bytes/s", net=True)
def dripping_upgrade():
    def drip(sock):
        for at in range(0, 40, 2):
            sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgr"[at:at + 2])
            sock.settimeout(1)
            with contextlib.suppress(TimeoutError):
                if not sock.recv(4096):
                    return
    took, held = hostile_tls(drip, "in time", timeout="3s", least=1)
    # The last may have been open when all was over.
    check(held[0] > 2.5, "held for", held)
    check(max(held) < 3.2, "held for", held)
    return Result(took, f"ended after {max(held):.2f} s of 3 s")


@fault("N22", "redirect at the upgrade", net=True)
def redirect():
    with net.Peer(lambda *_: None) as trap:
        def serve(sock, number, _):
            net.read_head(sock)
            sock.sendall(f"HTTP/1.1 {(301, 302, 307, 308)[number % 4]} Moved\r\n"
                         f"Location: ws://127.0.0.1:{trap.port}/\r\n"
                         "Content-Length: 0\r\n\r\n".encode())
        took, held = hostile(serve, "30", tls=False, least=4)
        check(not trap.times, len(trap.times), "connects to where it led")
        return Result(took, f"0 connects in {len(held)} redirects")


# ---- slow ones -------------------------------------------------------------------------

@fault("N15", "frames drip 1 byte/s", limit=110)
def dripping_frames():
    # Two intervals are longer than the time for a message: its timer ends it.
    with live(sim_options={"heartbeat": 40000, "rate": 0},
              discord__compress="none") as (sim, bot):
        sim.do("slow 1")
        with Outage(bot, "message", 70) as outage:
            sim.do("big 5000")
        check(58 < outage.noticed < 63, "ended after", outage.noticed)
        check(sim.totals()["heartbeats"] >= 1, "no heartbeat meanwhile")
        sim.do("slow off")
        return Result(outage.over(), f"ended after {outage.noticed:.1f} s of 60 s, "
                      f"{sim.totals()['heartbeats']} heartbeats meanwhile")


@fault("N16", "peer stops reading", net=True)
def not_reading():
    class Deaf(net.Relay):
        deaf = threading.Event()
        gateway = None

        def up(self, data, link):
            # The API is asked over the same port: the first upgrade is the one.
            if self.gateway is None and data.startswith(b"GET /?v="):
                self.gateway = link
            while link is self.gateway and self.deaf.is_set() and not self.ended.is_set():
                time.sleep(0.05)
            return data

    # Pings by the million: what they ask for cannot be sent.
    ping = (b"\x89\x7d" + b"p" * 125).hex()
    with Sim(**BEAT) as sim, Deaf(sim.port) as relay, net.diverted(sim.port, relay.port), \
            Gwbotd(sim, discord__gateway=sim.gateway, discord__compress="none") as bot:
        bot.start().wait_ready()
        time.sleep(0.5)
        early = rss(bot)
        most = early
        with Outage(bot, "") as outage:
            relay.deaf.set()
            while bot.events("shard_state", to="ready") and not bot.events(
                    "shard_state", **{"from": "ready"}):
                for _ in range(20):
                    sim.do("frame " + ping * 30)
                most = max(most, rss(bot))
                check(time.monotonic() - outage.began < 8, "not noticed")
        _, event = bot.events("shard_state", **{"from": "ready"})[0]
        relay.deaf.clear()
        check(most - early < 8 << 20, "grown by", most - early)
        took = outage.over()
        check(bot.stop() == 0, "did not stop as asked")
        return Result(took, f"noticed after {outage.noticed:.2f} s ({event['reason'][:60]}), "
                      f"{(most - early) // 1024} kB more at most")


@fault("N17", "latency of 5 s both ways", limit=70)
def latency():
    settings = {"watchdog__keepalive": "500ms", "watchdog__stall": "8s"}
    with Sim(tls=True, heartbeat=11000, rate=4) as sim, \
            net.Delay(sim.port, marked=False) as relay, \
            Gwbotd(sim, discord__gateway=f"wss://127.0.0.1:{relay.port}", **settings) as bot:
        bot.start().wait_ready()
        relay.lag = 5
        until(lambda: 9.9 < (shard(bot)["latency_seconds"] or 0) < 11 and shard(bot)["acks"],
              "a latency of 10 s", 30)
        told = shard(bot)["latency_seconds"]
        check(bot.health()[0] == 200, "health", bot.health())
        check(shard(bot)["verdict"] == "ok", "verdict", shard(bot)["verdict"])
        time.sleep(4)
        after = shard(bot)
        check(after["connected"] and after["attempts"] == 1, "it did not stay up", after)
        check(bot.process.poll() is None, "exit")
        check(bot.stop() == 0, "did not stop as asked")
        return Result(figure=f"latency told: {told:.2f} s, verdict ok, connection kept")


# ---- storms ----------------------------------------------------------------------------

def healing_times(bot):
    """Seconds of each way from ready to ready, over all shards."""
    lost, took = {}, []
    for when, event in bot.events("shard_state"):
        if event["from"] == "ready":
            lost[event["shard"]] = when
        elif event["to"] == "ready" and event["shard"] in lost:
            took.append(when - lost.pop(event["shard"]))
    return took, lost


@fault("N18", "resets at random moments", limit=90)
def random_resets():
    count, resets, seed = 50, 60, 18
    dice = random.Random(seed)
    with live(sim_options={"shards": count, "max_concurrency": count, **BEAT},
              discord__shards=count) as (sim, bot):
        for _ in range(resets):
            sim.do(f"rst shard={dice.randrange(count)}")
            time.sleep(dice.uniform(0, 0.4))
        until(lambda: bot.snapshot()["total"]["connected"] == count, "all connected", 40)
        took, open_ends = healing_times(bot)
        check(not open_ends, "not healed:", open_ends)
        check(sim.totals()["identifies"] == count, "an IDENTIFY was spent")
        check(sim.totals()["client_errors"] == 0, sim.totals()["client_error_texts"])
        check(len(took) > resets / 2, "only", len(took), "falls")
        return Result(max(took), f"{len(took)}/{len(took)} healed over {count} shards, "
                      f"median {statistics.median(took):.3f} s, 0 IDENTIFY, seed {seed}")


@fault("N23", "50 shards dropped at once", limit=90)
def all_at_once():
    count, buckets = 50, 25
    with live(sim_options={"shards": count, "max_concurrency": buckets, **BEAT},
              discord__shards=count) as (sim, bot):
        sim.do("drop")
        bot.wait_ready(30, 2 * count)
        took, _ = healing_times(bot)
        spread = max(took) - min(took)
        times = sorted(when for when, event in bot.events("shard_state", to="connecting")
                       if event["attempts"] == 2)
        crowd = max(sum(start <= when < start + 0.1 for when in times) for start in times)
        check(len(times) == count, len(times), "connects")
        check(spread > 1, "all within", spread)
        check(crowd <= count / 4, crowd, "connects in 100 ms")
        check(sim.totals()["identifies"] == count, "an IDENTIFY was spent")
        # And where nothing can be resumed: by the buckets, which gwsim watches over.
        before = len(bot.events("identify"))
        sim.do("kill-session")
        sim.do("drop")
        bot.wait_ready(60, 3 * count)
        sent = [when for when, _ in bot.events("identify")][before:]
        check(len(sent) == count, len(sent), "IDENTIFYs")
        for start in sent:
            check(sum(start <= when < start + 4.9 for when in sent) <= buckets, "a crowd")
        check(sim.totals()["client_errors"] == 0, sim.totals()["client_error_texts"])
        return Result(max(took), f"resumes spread over {spread:.2f} s, at most {crowd} in "
                      f"100 ms; {count} new sessions in {max(sent) - min(sent):.1f} s at "
                      f"{buckets} a window")


# ---- ends on the way to ready ----------------------------------------------------------

class Cutter(net.Relay):
    """Resets the first connections of a bot as they send their RESUME."""

    armed = 0

    def up(self, data, link):
        link.ups += 1
        if link.ups == 2 and self.armed > 0:
            self.armed -= 1
            net.reset(link.client)
            raise OSError("reset")
        return data


@fault("N19", "reset during our RESUME", net=True)
def reset_while_resuming():
    took = []
    for resets in (1, 2, 1, 2):
        with Sim(heartbeat=1000, rate=0) as sim, Cutter(sim.port) as relay, \
                net.diverted(sim.port, relay.port), \
                Gwbotd(sim, discord__gateway=sim.gateway) as bot:
            bot.start().wait_ready()
            relay.armed = resets
            seq = shard(bot)["seq"]
            took.append(heal(bot, lambda: sim.do("rst")))
            tries = bot.events("shard_state", to="resuming")
            check(len(tries) == resets + 1, len(tries), "RESUMEs")
            check(all(event["seq"] == seq for _, event in tries), "another seq", tries)
            check(sim.totals()["client_errors"] == 0, sim.totals()["client_error_texts"])
            check(bot.stop() == 0, "did not stop as asked")
    return Result(max(took), f"{len(took)}/{len(took)}, with 1 and 2 resets in a row")


class Guillotine(net.Relay):
    """Ends each connection after as many bytes of READY as are next on the list."""

    def __init__(self, port, cuts):
        self.cuts = cuts
        self.lock = threading.Lock()
        self.hello = self.whole = 0
        super().__init__(port)

    def up(self, data, link):
        link.ups += 1
        if link.ups == 2:  # IDENTIFY: what came before is the upgrade and HELLO
            link.hello = link.downs
            with self.lock:
                link.cut = self.cuts.pop() if self.cuts else None
        return data

    def down(self, data, link):
        link.downs += len(data)
        if link.ups < 2:
            return data
        self.hello, self.whole = link.hello, link.downs
        if link.cut is None or link.downs < link.hello + link.cut:
            return data
        over = link.downs - link.hello - link.cut
        link.client.sendall(data[:len(data) - over])
        net.reset(link.client)
        raise OSError("cut")


@fault("N20", "cut between the bytes of READY", limit=90, net=True)
def cut_ready():
    count, rounds = 64, 2
    options = {"heartbeat": 20000, "rate": 0, "guilds": 0, "shards": count,
               "max_concurrency": count}
    with Sim(**options) as sim, Guillotine(sim.port, []) as relay, \
            net.diverted(sim.port, relay.port), \
            Gwbotd(sim, discord__shards=count, discord__compress="none") as bot, \
            Gwbotd(sim, discord__compress="none", discord__shards=count) as first:
        first.start().wait_ready(count=count)
        size = relay.whole - relay.hello - 4  # numbers of shards differ in length
        check(size > 300, "READY of", size, "bytes")
        first.kill()
        sim.do("kill-session")
        cuts = count * rounds
        relay.cuts = [1 + at * (size - 1) // (cuts - 1) for at in range(cuts)]
        time.sleep(5.2)  # gwsim's window of identifies
        began = time.monotonic()
        bot.start()
        when, _ = bot.wait_ready(60, count)
        check(not relay.cuts, "cuts left:", len(relay.cuts))
        readies = len(bot.events("shard_state", to="ready"))
        check(readies == count, readies, "sessions taken as ready")
        spent = sum(row["identifies"] for row in bot.snapshot()["shards"])
        check(spent == cuts + count, spent, "IDENTIFYs counted")
        check(len(bot.events("identify")) == spent, "the gate has counted others")
        left = bot.events("identify")[-1][1]["left_today"]
        check(sim.totals()["client_errors"] == 0, sim.totals()["client_error_texts"])
        check(bot.stop() == 0, "did not stop as asked")
        return Result(figure=f"{cuts}/{cuts} cuts over {size} bytes, each counted: {left} "
                      f"IDENTIFYs left; ready after {when - began:.0f} s")


@fault("N21", "a proxy answers 502, 503, 429 to the upgrade")
def proxy_answers():
    waits, took = [], 0
    for answer, least in (("502", 0), ("503 2", 2), ("429 3", 3)):
        with live(direct=True, sim_options=BEAT) as (sim, bot):
            sim.do(f"upgrade {answer}")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            bot.wait_event("shard_state", to="backing off", count=2)
            outage.is_told(answer[:3])
            times = attempts(bot)[1:]
            gaps = [b - a for a, b in zip(times, times[1:])]
            check(all(gap >= least for gap in gaps), answer, "waits of", gaps)
            check(len(gaps) > 0, "no second attempt")
            waits.append(f"{answer}: {min(gaps):.1f}")
            sim.do("upgrade off")
            took = max(took, outage.over())
    return Result(took, f"least waits in s after {', '.join(waits)}")
