"""The measurements.  Each returns plain rows for results.json; nothing is tried twice."""

import contextlib
import json
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import time

from clients import (JS_PEERS, MODES, OWN, PEERS, PYTHON, Gwbotd, Live, Sim, Unsupported, cpu_s, load_client, memory_kb,
                     say, switches)

COUNTS = {"none": 400000, "zlib-stream": 100000, "zstd-stream": 150000}
PEER_COUNT = 20000

# Our own programs differ by less than a machine's mood does from one round to the next.
ROUNDS, FEW_ROUNDS = 7, 3


def spread(values):
    """Median, least and most."""
    return [statistics.median(values), min(values), max(values)]


# ---- flat out ----

def flat(quick):
    """CPU and speed of every program in turns, each round in the same order."""
    rows, reasons = {}, {}
    for turn in range(1 if quick else ROUNDS):
        programs = OWN + PEERS if turn < FEW_ROUNDS else OWN
        for tls in ((True,) if quick else (False, True)):
            for mode in MODES:
                for name in programs:
                    if (name, mode) in reasons:
                        continue
                    count = COUNTS[mode] if name in OWN else PEER_COUNT
                    try:
                        with Live(name, mode, tls) as live:
                            got = live.flat_out(count // 4 if quick and name in OWN else count)
                    except Unsupported as why:
                        reasons[name, mode] = str(why)
                        continue
                    rows.setdefault((mode, tls, name), []).append(got)
                    say(f"  round {turn + 1} {mode} {'tls' if tls else 'plain'} {name}: "
                        f"{got['cpu_s'] / got['count'] * 1e6:.2f} CPU-s/M")
    return {"rows": [{"mode": mode, "tls": tls, "program": name, "rounds": len(got), "count": got[0]["count"],
                      "ratio": got[0]["ratio"], "bytes": got[0]["bytes"] / got[0]["count"],
                      "cpu_s_per_million": spread([g["cpu_s"] / g["count"] * 1e6 for g in got]),
                      "events_per_s": spread([g["count"] / g["wall_s"] for g in got])}
                     for (mode, tls, name), got in rows.items()],
            "cannot": [{"program": name, "mode": mode, "reason": why} for (name, mode), why in reasons.items()]}


# ---- in small records ----

RECORD = 4096  # bytes of TLS: what Cloudflare says that its servers send, in front of Discord's


def records(quick):
    """Flat out over TLS whose records are small: the CPU of our own three programs in turns."""
    rows = []
    for mode in ("none",) if quick else MODES:
        took = {name: [] for name in OWN}
        for _ in range(1 if quick else FEW_ROUNDS):
            for name in OWN:
                with Live(name, mode, True, {"tls_record": RECORD}) as live:
                    got = live.flat_out(COUNTS[mode] // 2)
                took[name].append(got["cpu_s"] / got["count"] * 1e6)
        rows.append({"mode": mode, "record": RECORD, "us_per_event": {name: spread(took[name]) for name in OWN}})
        say(f"  {mode}: " + ", ".join(f"{name} {statistics.median(took[name]):.2f} us" for name in OWN))
    return rows


# ---- the worst legal payloads ----

WORST = {"mixed": ("mixed", 40000), "tiny": ("tiny", 400000), "deep": ("deep", 1000),
         "s behind 64 KB of d": ("late", 1500), "guild of 5 MB": ("guild", 20), "one-byte frames": ("mixed", 2000)}


def worst(quick):
    """CPU per byte of JSON, of gwbotd over TLS."""
    rows = []
    for mode in ("none", "zstd-stream") if quick else MODES:
        for what, (mix, count) in WORST.items():
            with Live("gwbotd", mode, True) as live:
                if what == "one-byte frames":
                    live.sim.do("split 1")
                got = live.flat_out(count // 2 if quick else count, mix)
            rows.append({"mode": mode, "what": what, "ns_per_byte": got["cpu_s"] / got["bytes"] * 1e9,
                         "ns_per_wire_byte": got["cpu_s"] / got["bytes"] * got["ratio"] * 1e9,
                         "us_per_event": got["cpu_s"] / got["count"] * 1e6, "ratio": got["ratio"]})
            say(f"  {mode} {what}: {rows[-1]['ns_per_byte']:.2f} ns/B")
    return rows


# ---- at a fixed rate ----

def at_rate(quick):
    """Side by side, each with its own gwsim: microseconds of CPU an event."""
    rows = []
    seconds = 2 if quick else 4
    for mode in ("zstd-stream",) if quick else MODES:
        for rate in (200, 2000, 20000):
            took = {name: [] for name in OWN}
            for _ in range(1 if quick else FEW_ROUNDS):
                with contextlib.ExitStack() as stack:
                    lives = [stack.enter_context(Live(name, mode, True)) for name in OWN]
                    for live in lives:
                        live.prepare(rate * (seconds + 1))
                    for live in lives:
                        live.sim.do(f"release {rate}")
                    time.sleep(0.5)
                    before = [cpu_s(live.program.pid) for live in lives]
                    began = time.monotonic()
                    time.sleep(seconds)
                    passed = time.monotonic() - began
                    for live, was in zip(lives, before):
                        took[live.name].append((cpu_s(live.program.pid) - was) / passed / rate * 1e6)
            rows.append({"mode": mode, "rate": rate, "us_per_event": {name: spread(took[name]) for name in OWN}})
            say(f"  {mode} {rate}/s: " + ", ".join(f"{name} {statistics.median(took[name]):.1f} us" for name in OWN))
    return rows


# ---- memory ----

def memory(quick):
    """Resident, private and peak kB at rest over TLS, with 1 and with 50 guilds."""
    rows = []
    for guilds in (1, 50):
        for name in ("gwbotd", "floor") + PEERS:
            mode = "none" if name in ("discord.js", "eris") else "zlib-stream"
            with Live(name, mode, True, {"guilds": guilds}) as live:
                time.sleep(0.5 if quick else 2)
                resident, private, peak = memory_kb(live.program.pid)
            rows.append({"program": name, "mode": mode, "guilds": guilds, "resident_kb": resident,
                         "private_kb": private, "peak_kb": peak})
            say(f"  {name}, {guilds} guilds: {resident} kB resident, {private} private")
    with Live("gwbotd", "zlib-stream", True, {"guilds": 50}, watchdog__keepalive=5) as live:
        live.prepare(20, "guild")
        live.sim.do("release")
        time.sleep(0.5)
        live.settle()
        time.sleep(7)  # a check of the watchdog gives back what lies free
        resident, private, peak = memory_kb(live.program.pid)
    rows.append({"program": "gwbotd after 20 guilds of 5 MB", "mode": "zlib-stream", "guilds": 50,
                 "resident_kb": resident, "private_kb": private, "peak_kb": peak})
    return rows


# ---- start, stop, gwctl ----

def listens(bot, began):
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", bot.port)) == 0:
                return time.monotonic() - began
        time.sleep(0.0002)


def life(quick):
    """Milliseconds over TLS: start to listening and READY, stop, restart to RESUMED; gwctl status."""
    took = {"listening": [], "ready": [], "stop": [], "resumed": [], "gwctl_status": []}
    for _ in range(3 if quick else 10):
        with Sim(tls=True, rate=0, guilds=1) as sim, \
                Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            for what in ("ready", "resumed"):
                began = time.monotonic()
                bot.start()
                took["listening"].append(listens(bot, began))
                when, _ = bot.wait_ready()
                took[what].append(when - began)
                if what == "resumed":
                    for _ in range(5):
                        began = time.monotonic()
                        assert bot.ctl("status").returncode == 0
                        took["gwctl_status"].append(time.monotonic() - began)
                began = time.monotonic()
                assert bot.stop(signal.SIGTERM) == 0
                took["stop"].append(time.monotonic() - began)
            stats = sim.totals()
            assert stats["identifies"] == 1, stats
    rows = {what: spread([t * 1000 for t in times]) for what, times in took.items()}
    say("  ms: " + ", ".join(f"{what} {row[0]:.1f}" for what, row in rows.items()))
    return rows


# ---- under flood ----

ENDLESS = 1_000_000_000  # events: a quarter of an hour of them
QUANTILES = ("p50", "p99", "p999", "max")


def wait_connected(bot, shards, timeout=90):
    deadline = time.monotonic() + timeout
    while json.loads(bot.ctl("--json", "status").stdout)["gateway"]["connected"] != shards:
        assert time.monotonic() < deadline, "not all shards connect"
        time.sleep(0.2)


def waited_ms(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks.iterdir()) / 1e6


def flood(mode, seconds):
    """Heartbeats of 100 shards, and 1,000 probes a second, while one shard is flooded."""
    with Sim(tls=True, heartbeat=1000, rate=0, shards=100, max_concurrency=100) as sim, \
            Gwbotd(sim, discord__shards=100, env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}) as bot:
        bot.start().wait_ready()
        wait_connected(bot, 100)
        pid = bot.process.pid
        before, cpu, kept = bot.snapshot()["shards"][0]["dispatches"], cpu_s(pid), waited_ms(pid)
        began = time.monotonic()
        sim.do(f"flood {ENDLESS} shard=0")
        probes = load_client(bot.port, 1000, seconds)
        passed = time.monotonic() - began
        status = json.loads(bot.ctl("--json", "status").stdout)
        shards = bot.snapshot()["shards"]
        late = status["heartbeat_lateness"]
        return {"events_per_s": (shards[0]["dispatches"] - before) / passed,
                "cpu_share": (cpu_s(pid) - cpu) / passed, "kept_from_running_ms": waited_ms(pid) - kept,
                "beats": late["count"], "reconnects": sum(s["reconnects"] for s in shards),
                "late_ms": {key: late[f"{key}_seconds"] * 1000 for key in QUANTILES},
                "probes_failed": probes["failed"], "probe_ms": {key: probes[f"{key}_ms"] for key in QUANTILES}}


def flooded(quick):
    """Medians of some floods; beats, reconnects and failed probes of all."""
    rows = []
    for mode in ("zstd-stream",) if quick else ("none", "zstd-stream"):
        got = [flood(mode, 4 if quick else 15) for _ in range(1 if quick else FEW_ROUNDS)]
        rows.append({"mode": mode, "rounds": len(got)}
                    | {key: statistics.median(one[key] for one in got)
                       for key in ("events_per_s", "cpu_share", "kept_from_running_ms")}
                    | {key: sum(one[key] for one in got) for key in ("beats", "reconnects", "probes_failed")}
                    | {what: {key: statistics.median(one[what][key] for one in got) for key in QUANTILES}
                       for what in ("late_ms", "probe_ms")})
        say(f"  {mode}: {rows[-1]['events_per_s']:.0f} events/s, beats late p99.9 "
            + ", ".join(f"{one['late_ms']['p999']:.2f}" for one in got) + " ms, probes p99 "
            + ", ".join(f"{one['probe_ms']['p99']:.2f}" for one in got) + " ms")
    return rows


# ---- shards and idle ----

def shards(quick):
    """What each further shard costs: private memory and wake-ups, at rest over TLS."""
    rows = []
    for mode in ("zlib-stream",) if quick else MODES:
        found = {}
        for count in (1, 500):
            with Sim(tls=True, heartbeat=41250, rate=0, shards=count, max_concurrency=count) as sim, \
                    Gwbotd(sim, discord__shards=count, watchdog__keepalive=5,
                           env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}) as bot:
                began = time.monotonic()
                bot.start().wait_ready()
                wait_connected(bot, count)
                ready = time.monotonic() - began
                time.sleep(6)  # a check of the watchdog gives back what lies free
                pid, seconds = bot.process.pid, 5 if quick else 10
                before, cpu = switches(pid), cpu_s(pid)
                time.sleep(seconds)
                found[count] = {"wakeups_per_s": (switches(pid) - before) / seconds,
                                "cpu_ms_per_s": (cpu_s(pid) - cpu) / seconds * 1000, "ready_s": ready,
                                "memory": memory_kb(pid)}
        one, many = found[1], found[500]
        rows.append({"mode": mode, "private_kb_per_shard": (many["memory"][1] - one["memory"][1]) / 499,
                     "wakeups_per_shard_s": (many["wakeups_per_s"] - one["wakeups_per_s"]) / 499,
                     "resident_kb_500": many["memory"][0], "ready_s_500": many["ready_s"],
                     "wakeups_per_s_500": many["wakeups_per_s"], "cpu_ms_per_s_500": many["cpu_ms_per_s"]})
        say(f"  {mode}: {rows[-1]['private_kb_per_shard']:.1f} kB private a shard")
    return rows


def idle(quick):
    """Wake-ups of a process at rest, and what strace counts in as long a time."""
    seconds = 8 if quick else 60
    with Live("gwbotd", "zlib-stream", True, {"guilds": 1}) as live:
        pid = live.program.pid
        time.sleep(1)
        before, cpu = switches(pid), cpu_s(pid)
        time.sleep(seconds)
        rows = {"seconds": seconds, "wakeups": switches(pid) - before, "cpu_ms": (cpu_s(pid) - cpu) * 1000,
                "strace": None}
        if shutil.which("strace"):
            done = subprocess.run(["timeout", "-s", "INT", str(seconds), "strace", "-c", "-f", "-p", str(pid)],
                                  capture_output=True, text=True, check=False, timeout=seconds + 30)
            rows["strace"] = [line for line in done.stderr.splitlines() if "attached" not in line and "detached" not in line]
    say(f"  {rows['wakeups']} wake-ups in {seconds} s")
    return rows


ALL = {"flat": flat, "records": records, "worst": worst, "rate": at_rate, "memory": memory, "life": life, "flooded": flooded,
       "shards": shards, "idle": idle}
