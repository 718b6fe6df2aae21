"""Faults of names."""

import contextlib
import json
import time

import net
import shim
from drill import Result, check, fault, suite
from gwbotd import Gwbotd, Sim
from peer_gateway import NO_API
from play import Outage, heal, shard, until

NAME = "gateway.drill"  # in no other name server
HERE_ALONE = ["127.0.0.1"]
BEAT = {"heartbeat": 1000, "rate": 20}


class Front(net.TlsRelay):
    """gwsim under a name; notes when each client spoke."""

    def __init__(self, sim, **options):
        self.spoke = {}
        super().__init__(sim, f"DNS:{NAME}", **options)

    slow = 0  # seconds of each way to the server

    def up(self, data, link):
        time.sleep(self.slow)
        self.spoke.setdefault(link.number, []).append(time.monotonic())
        return data

    def gaps(self, number):
        """Between what a client said: beats, after the login."""
        times = self.spoke[number][3:]
        return [b - a for a, b in zip(times, times[1:])]


@contextlib.contextmanager
def named(names, sim_options=None, **settings):
    """A gwbotd that knows its gateway by name only, and resumes by name, too."""
    with Sim(tls=True, **(sim_options or BEAT)) as sim, Front(sim) as front, \
            Gwbotd(sim, discord__gateway=f"wss://{NAME}:{front.port}", **settings) as bot:
        bot.front = front
        yield sim, bot
        check(bot.process.poll() is None, "gwbotd ended with", bot.process.returncode)
        check(bot.stop() == 0, "gwbotd did not stop as asked")


def loop_gap(bot):
    """The longest turn of the loop so far, in seconds."""
    status = json.loads(bot.ctl("--json", "status").stdout)
    return status["loop"]["turn_max_seconds"]


def silence(servers, seconds):
    """One shard beats while the names of the other are not answered."""
    options = {"shards": 2, "max_concurrency": 2, **BEAT, "rate": 5}
    with net.Names(HERE_ALONE, servers) as names, \
            named(names, options, discord__shards=2) as (sim, bot):
        bot.start().wait_ready(count=2)
        names.answer = "silent"
        began = time.monotonic()
        lost = 0
        while time.monotonic() - began < seconds:
            # Whenever it comes back by the address of old, it falls again.
            if shard(bot, 1)["connected"]:
                sim.do("rst shard=1")
                lost += 1
            check(bot.get("/livez")[0] == 200, "the loop does not answer")
            check(shard(bot, 0)["connected"], "the other shard fell")
            time.sleep(0.5)
        gap = loop_gap(bot)
        check(gap < 0.020, "a turn of", gap)
        check(lost > 0 and names.asked[-1] > began, "nobody asked for a name")
        gaps = max((bot.front.gaps(n) for n in bot.front.spoke), key=len)
        check(len(gaps) >= seconds - 2, "only", len(gaps), "beats")
        late = max(abs(gap - 1) for gap in gaps)
        check(late < 0.3, "a beat late by", late)  # the relay's own delays included
        fell = bot.events("shard_state", shard=0, **{"from": "ready"})
        check(not fell, "the other shard fell:", fell)
        names.answer = HERE_ALONE
        when, _ = bot.wait_event("shard_state", 40, lost + 1, to="ready", shard=1)
        check(sim.totals()["identifies"] == 2, "an IDENTIFY was spent")
        return gap, late, max(0.0, when - began - seconds), lost


@fault("D01", "resolver silent for 30 s, 1 and 3 servers", limit=120, alone=True, net=True)
def silent_resolver():
    figures, heal_time = [], 0
    for servers, seconds in ((1, 30), (3, 30)):
        gap, late, took, _ = silence(servers, seconds)
        heal_time = max(heal_time, took)
        figures.append(f"{servers}: longest turn {gap * 1000:.1f} ms, beats within "
                       f"{late * 1000:.0f} ms")
    with net.Names(HERE_ALONE) as names, named(names) as (sim, bot):
        bot.start().wait_ready()
        names.answer = "silent"
        bot.front.slow = 0.3  # a line on which it takes its time to connect
        with Outage(bot, "closed") as outage:
            sim.do("rst")
        took = outage.over(12)
        figures.append(f"resumed by the address of old after {took:.1f} s")
    return Result(heal_time, "; ".join(figures))


@fault("D02", "NXDOMAIN, SERVFAIL, REFUSED", net=True, limit=90)
def refusing_resolver():
    took = []
    for answer in ("nxdomain", "servfail", "refused"):
        # From the start: nothing is known, so it waits and says why.
        with net.Names(answer) as names, named(names) as (sim, bot):
            bot.start().wait_event("shard_state", to="backing off", count=3)
            check("looked up" in shard(bot)["reason"], shard(bot)["reason"])
            check(bot.health()[0] == 503, "health", bot.health())
            check(len(bot.events("shard_state", to="connecting")) < 6, "a hot loop")
            names.answer = HERE_ALONE
            bot.wait_ready()
            # Later: the last good address serves, and that is said.
            names.answer = answer
            with Outage(bot, "closed") as outage:
                sim.do("rst")
            took.append(outage.over())
            check(bot.events("lookup_failed_old_answer_used"), "the old address is not told")
            check(sim.totals()["identifies"] == 1, "an IDENTIFY was spent")
    suite("conformance", "test_resolver",
          "Namespace.test_the_last_good_answer_serves_when_the_next_lookup_fails")
    return Result(max(took), "by the last good address; from the start: backoff and reason")


@fault("D03", "empty answer, or only a family without route", net=True)
def empty_answer():
    took = []
    for answer in ([], ["2001:db8::1"], ["192.0.2.1"]):
        with net.Names(HERE_ALONE) as names, named(names) as (sim, bot):
            bot.start().wait_ready()
            check(bot.stop() == 0, "did not stop")
            names.answer = answer
            bot.start().wait_event("shard_state", to="backing off", count=2)
            check(shard(bot)["reason"] and bot.health()[0] == 503, "not told")
            names.answer = HERE_ALONE
            began = time.monotonic()
            when, _ = bot.wait_ready()
            check(shard(bot)["identifies"] == 0, "an IDENTIFY was spent")
            took.append(when - began)
    return Result(max(took), "nothing, IPv6 and IPv4 without a route")


@fault("D04", "200 addresses in the answer", net=True)
def many_addresses():
    addresses = [f"127.1.0.{i + 1}" for i in range(200)]
    with net.Names(addresses) as names, Sim(tls=True, **BEAT) as sim, \
            Front(sim, address="127.0.0.1") as front, \
            Gwbotd(sim, discord__gateway=f"wss://{NAME}:{front.port}") as bot:
        bot.start().wait_event("shard_state", to="backing off")
        tried = {event["reason"].split(":")[0] for _, event in bot.events("address_failed")}
        tried.add(shard(bot)["reason"].split(":")[0])
        check(len(tried) == 16, len(tried), "addresses tried in one attempt")
        # Each of them can be used, the last one too.
        last = shard(bot)["reason"].split("to ")[1].split(":")[0]
        with Front(sim, address=last, port=front.port):
            bot.wait_ready()
            check(shard(bot)["identifies"] == 1, "IDENTIFYs without a connection")
            took = heal(bot, lambda: sim.do("rst"))
            check(bot.stop() == 0, "did not stop as asked")
        return Result(took, f"16 of 200 kept and tried, connected at {last}, the 16th")


@fault("D05", "answer after the attempt was cancelled", net=True)
def late_answer():
    suite("conformance", "test_resolver",
          "Numeric.test_a_cancelled_lookup_is_not_answered")
    with net.Names(HERE_ALONE) as names, \
            named(names, gateway__connect_timeout="1s") as (sim, bot):
        bot.start().wait_ready()
        check(bot.stop() == 0, "did not stop")
        names.delay = 2.5
        before, asked = len(bot.front.times), len(names.asked)
        ready, _ = bot.start().wait_ready()
        over = [event for _, event in bot.events("shard_state", to="connecting")]
        time.sleep(3)  # what else was asked for is answered by now
        check(over[-1]["attempts"] > 1, "no attempt was over before its answer")
        check(len(bot.front.times) == before + 1, "connections",
              len(bot.front.times) - before)
        check((shard(bot)["identifies"], shard(bot)["resumed"]) == (0, 1), "not resumed")
        return Result(figure=f"{over[-1]['attempts'] - 1} attempts over before their answer, "
                      f"{len(names.asked) - asked} questions, 1 connection")


@fault("D06", "stop while the resolver hangs", net=True)
def stop_while_resolving():
    took = []
    for servers in (1, 3):
        with net.Names("silent", servers) as names, Sim(tls=True) as sim, \
                Gwbotd(sim, discord__gateway=f"wss://{NAME}:1") as bot:
            bot.start().wait_event("shard_state", to="connecting")
            until(lambda: names.asked, "a question")
            began = time.monotonic()
            check(bot.stop() == 0, "exit", bot.process.returncode)
            took.append(time.monotonic() - began)
    check(max(took) <= 2, "stopped after", took)
    return Result(figure=f"exit 0 after {max(took) * 1000:.0f} ms")


HOSTILE = {
    "another scheme": "https://127.0.0.1:{port}",
    "no scheme": "127.0.0.1:{port}",
    "a file": "file:///etc/passwd",
    "port 0": "wss://127.0.0.1:0",
    "port 65536": "wss://127.0.0.1:65536",
    "a user": "wss://user@127.0.0.1:{port}",
    "a user like a host": "wss://gateway.discord.gg@127.0.0.1:{port}",
    "4 kB": "wss://" + "a" * 4096 + ":{port}",
    "a long path": "wss://127.0.0.1:{port}/" + "p" * 4096,
    "a NUL": "wss://127.0.0.1:{port}/\\u0000",
    "line ends": "wss://127.0.0.1:{port}/\\r\\nHost: evil",
    "a blank": "wss://127.0.0.1 :{port}",
    "a backslash": "wss://127.0.0.1:{port}\\\\.discord.gg",
    "an unrelated domain": "wss://evil.example:{port}",
    "a domain with ours at its end": "wss://evildiscord.gg:{port}",
    "a domain with ours at its begin": "wss://gateway.discord.gg.evil.example:{port}",
    "a private address": "wss://10.0.0.1:{port}",
    "an address of the cloud": "ws://169.254.169.254/latest",
    "nothing": "",
}


@fault("D07", "hostile resume_gateway_url", limit=90)
def hostile_resume_url():
    took = []
    with Sim(tls=True, **BEAT) as sim, Gwbotd(sim) as bot, net.Peer(lambda *_: None) as trap:
        bot.start().wait_ready()
        for text in HOSTILE.values():
            session, = sim.sessions()
            before = len(bot.events("resume_url_refused"))
            sim.do('raw {"op":0,"t":"READY","s":%d,"d":{"v":10,"user":{"id":"1","username":"x"},'
                   '"guilds":[],"session_id":"%s","resume_gateway_url":"%s"}}'
                   % (session["last_sent"], session["id"],
                      text.replace("{port}", str(trap.port))))
            sim.do("beat")
            until(lambda: sim.sessions()[0]["heartbeats"] > session["heartbeats"], "read")
            with Outage(bot, "reset") as outage:
                sim.do("rst")
            took.append(outage.over())
            # What is no text of a URL's length is not even kept: told when it came.
            told = [event for _, event in bot.events("resume_url_refused")[before:]]
            check(len(told) == (1 if text else 0), text[:60], "told", told)
            for event in told:
                unfit = "NUL" if "\\u0000" in text else "longer" if len(text) > 1000 else ""
                check(unfit in event["reason"], text[:60], "told", event)
            check(shard(bot)["host"] == "127.0.0.1", "resumed at", shard(bot)["host"])
            # And by a new process, from what was stored.
            check(bot.stop() == 0, "did not stop as asked")
            began = time.monotonic()
            when, _ = bot.start().wait_ready()
            took.append(when - began)
            now = shard(bot)
            check((now["identifies"], now["resumed"]) == (0, 1), "not resumed:", text[:60])
            check(now["host"] == "127.0.0.1", "resumed at", now["host"])
        check(not trap.times, len(trap.times), "connects to where it led")
        check(bot.stop() == 0, "did not stop as asked")
        return Result(max(took), f"{len(HOSTILE)}/{len(HOSTILE)} cases resumed at the general "
                      "host, 0 connects elsewhere")


@fault("D08", "address of a name turns private", net=True)
def private_address():
    net.run("ip", "addr", "add", "198.51.100.7/32", "dev", "lo")
    net.run("ip", "addr", "add", "10.0.0.7/32", "dev", "lo")
    stolen = []

    def steal(sock, _):
        # What a stranger there has: any certificate but the right one.
        with net.own_context(sim, "DNS:other.drill").wrap_socket(
                sock, server_side=True) as secure:
            stolen.append(secure.recv(4096))

    took = 0
    for address in ("10.0.0.7", "127.0.0.1"):
        with net.Names(["198.51.100.7"]) as names, Sim(tls=True, **BEAT) as sim, \
                Front(sim, address="198.51.100.7") as front, \
                Gwbotd(sim, discord__gateway=f"wss://{NAME}:{front.port}") as bot, \
                net.Peer(steal, address=address, port=front.port) as thief:
            bot.start().wait_ready()
            names.answer = [address]
            with Outage(bot, "closed") as outage:
                sim.do("rst")
            until(lambda: len(thief.times) > 1, "attempts")
            outage.is_told("wrong name")
            names.answer = ["198.51.100.7"]
            took = max(took, outage.over())
            check(bot.stop() == 0, "did not stop as asked")
    check(not stolen, "said to a stranger:", stolen)
    # Without TLS nobody proves anything: a name of this host has to be of this host.
    with net.Names(["198.51.100.7"]), \
            net.Peer(lambda *_: None, address="198.51.100.7") as thief, \
            Gwbotd(env=NO_API, discord__gateway=f"ws://localhost:{thief.port}") as bot:
        bot.start().wait_event("shard_state", to="backing off", count=3)
        check("not on this host" in shard(bot)["reason"], shard(bot)["reason"])
        check(not thief.times, len(thief.times), "connects without TLS")
        check(bot.stop() == 0, "did not stop as asked")
    return Result(took, "not a byte was said there: its certificate is not the gateway's")


@fault("D09", "threads cannot be made", net=True)
def no_threads():
    with net.Names(HERE_ALONE) as names, named(names) as (sim, bot):
        block = bot.dir / "no-threads"
        shim.preload(bot, "threads")
        bot.env["DRILL_NO_THREADS"] = str(block)
        block.touch()
        bot.start().wait_event("shard_state", to="backing off", count=3)
        check("no thread" in shard(bot)["reason"], shard(bot)["reason"])
        check(bot.get("/livez")[0] == 200 and bot.health()[0] == 503, "health")
        check(loop_gap(bot) < 0.1, "a turn of", loop_gap(bot))
        block.unlink()
        began = time.monotonic()
        when, _ = bot.wait_ready()
        check(shard(bot)["identifies"] == 1, "IDENTIFYs without a connection")
        # And in the middle of a life, where all threads there were may have ended.
        block.touch()
        with Outage(bot, "closed") as outage:
            sim.do("rst")
        block.unlink()
        return Result(max(when - began, outage.over()),
                      "retried; the reason is in log and snapshot")
