"""Resources that are used up."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import shim
from cdn import Cdn
from drill import Result, check, fault, suite
from emoji_bot import path_of
from gwbotd import Gwbotd, Sim
from peer_gateway import IDENTIFY, Gateway, bot_at
from play import (Outage, clients, cpu_share, falls, heal, live, longest_turn, rss, shard, status,
                  until)


@fault("X01", "64 descriptors under 100 HTTP clients; EMFILE at each accept", limit=60)
def few_descriptors():
    with Sim(rate=20, heartbeat=1000) as sim, Gwbotd(sim) as bot:
        out_of_files = bot.dir / "out"
        shim.preload(bot, "calls", calls="accept4", act="errno 24", **{"if": out_of_files})
        bot.wrapper = ["prlimit", "--nofile=64:64"]
        bot.start().wait_ready()
        with clients(bot, 100):
            limited = cpu_share(bot, 2)
            healed = heal(bot, lambda: sim.do("rst"))  # and gwctl answers before and after
        until(lambda: bot.get("/livez")[0] == 200, "HTTP again")
        out_of_files.touch()
        with clients(bot, 20):
            refused = cpu_share(bot, 2)
            sim.do("rst")
            bot.wait_ready(count=3)
        out_of_files.unlink()
        until(lambda: bot.get("/livez")[0] == 200, "HTTP again")
        now = shard(bot)
        check((now["identifies"], now["zombies"]) == (1, 0), now)
        check(limited < 0.2 and refused < 0.2, "CPU", limited, refused)
        check(bot.stop() == 0)
    return Result(heal=healed, figure=f"CPU {limited:.1%} under 100 clients, {refused:.1%} with "
                                      "EMFILE at each accept")


@fault("X02", "no descriptor for the gateway: each socket() fails")
def no_sockets():
    with Sim(rate=20, heartbeat=500) as sim, Gwbotd(sim) as bot:
        out = bot.dir / "out"
        shim.preload(bot, "calls", calls="socket", act="errno 24", **{"if": out})
        bot.start().wait_ready()
        with Outage(bot, "") as outage:
            out.touch()
            sim.do("rst")
        outage.is_told("oo many open files")
        tries = len(bot.events("shard_state", to="connecting"))
        share = cpu_share(bot, 3)
        tries = len(bot.events("shard_state", to="connecting")) - tries
        check(tries <= 12 and share < 0.2, tries, "tries in 3 s, CPU", share)
        out.unlink()
        began = time.monotonic()
        outage.over()
        healed = time.monotonic() - began
        check(bot.stop() == 0)
    return Result(heal=healed, figure=f"{tries} tries in 3 s, the reason in snapshot and log")


# ---- memory ----

def allocations(sim, objects, number, on=False, **settings):
    """One life with a failing allocation of these objects: its exit, and how many they asked for."""
    with Gwbotd(sim, env={"LOG_LEVEL": "info"}, **settings) as bot:
        count = bot.dir / "count"
        shim.preload(bot, "alloc", objects=objects, fail=number, count=count,
                     **({"on": 1} if on else {}))
        bot.start()
        ended = None
        with contextlib.suppress(OSError, AssertionError, ValueError, KeyError,
                                 subprocess.TimeoutExpired):
            until(lambda: bot.process.poll() is not None or
                  bot.events("shard_state", to="ready"), "a life", 10)
            if bot.process.poll() is None:
                bot.get("/healthz")
                bot.get("/metrics")
                bot.ctl("status", timeout=5)
                sim.ask("rst")
                until(lambda: bot.process.poll() is not None or
                      len(bot.events("shard_state", to="ready")) > 1, "a resume", 10)
                bot.process.send_signal(signal.SIGHUP)
                time.sleep(0.1)
        ended = bot.process.poll()
        if ended is None:
            ended = bot.stop()
        asked = int(count.read_text()) if count.exists() else 0
        # The next one knows nothing of it: one session, ready.
        shim.without(bot)
        bot.start().wait_ready()
        check(bot.health()[0] == 200, "not well after it")
        resumed = shard(bot)["resumed"]
        check(bot.stop() == 0)
    return ended, asked, resumed


def sample(objects, points, allowed):
    """Plays some failing allocations out of all; the exits and how many there are."""
    ends, resumed = {}, 0
    with Sim(tls=True, rate=20, heartbeat=500, identify_window=0) as sim:
        ended, total, _ = allocations(sim, objects, 0)
        check(ended == 0 and total >= points, "without a failure: exit", ended, total)
        for point in range(points):
            number = 1 + point * (total - 1) // (points - 1)
            ended, _, again = allocations(sim, objects, number)
            check(ended in allowed, "allocation", number, "of", total, "ended it with", ended)
            ends[ended] = ends.get(ended, 0) + 1
            resumed += again
    return total, ends, resumed


@fault("X03", "allocations of gwbotd itself fail, some out of all", limit=170)
def own_allocations():
    # 70: what no life is possible without.
    total, ends, _ = sample("/gwbotd", 20, {0, 70, 78, 1})
    return Result(figure=f"20 of {total} in a whole life: exits "
                         + ", ".join(f"{n} x {code}" for code, n in sorted(ends.items())))


@fault("X04", "allocations of libwebsockets and OpenSSL fail, some out of all", limit=170)
def library_allocations():
    # The library may crash; the restart may not be the worse for it.
    allowed = {0, 1, 70, 78, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS}
    total, ends, _ = sample("/libwebsockets.so,/libssl.so,/libcrypto.so", 20, allowed)
    crashes = sum(n for code, n in ends.items() if code < 0)
    return Result(figure=f"20 of {total}: {crashes} crashes, the next process ready each time; "
                         + ", ".join(f"{n} x {code}" for code, n in sorted(ends.items())))


@fault("X05", "no more address space in the middle of a life", limit=90)
def no_address_space():
    ends, worst = [], 0
    with Gateway() as gateway, bot_at(gateway, discord__compress="none") as bot:
        for _ in range(3):
            gateway.dispatch(5)
            until(lambda: shard(bot)["seq"] == gateway.seq, "events")
            text = pathlib.Path(f"/proc/{bot.process.pid}/status").read_text(encoding="ascii")
            size = int(re.search(r"VmSize:\s+(\d+)", text)[1]) * 1024
            subprocess.run(["prlimit", f"--pid={bot.process.pid}", f"--as={size + (1 << 16)}:"],
                           check=True)
            # A payload that needs more room than there is.
            with contextlib.suppress(OSError):
                gateway.link.say({"t": "GWBOT_BIG", "s": gateway.seq, "op": 0,
                                  "d": {"x": "x" * 12_000_000}})
            time.sleep(1)
            ended = bot.process.poll()
            check(ended in (None, 70), "ended with", ended)
            ends.append(f"exit {ended}")
            if ended is None:
                check(bot.get("/livez")[0] == 200, "the loop does not answer")
                check(falls(bot), "there was room for it")
                ends[-1] = f"lived: {falls(bot)[0][1]['reason']}"
                bot.kill()
            began = time.monotonic()
            when, _ = bot.start().wait_ready()
            worst = max(worst, when - began)
            now = shard(bot)
            check((now["identifies"], now["resumed"]) == (0, 1), "not resumed:", now)
        check(gateway.ops().count(IDENTIFY) == 1, gateway.ops())
    return Result(heal=worst, figure=", ".join(ends) + "; the next process resumes")


# ---- threads, the log, the standard descriptors ----

@fault("X06", "threads cannot be made")
def no_threads():
    with Sim(rate=20, heartbeat=500) as sim, Cdn() as cdn, \
            Gwbotd(sim, emoji__hosts=cdn.host, discord__gateway=sim.gateway) as bot:
        block = bot.dir / "no-threads"
        path = bot.dir / "gwbot.conf"
        path.write_text('probes = ( { name = "p"; kind = "command"; command = [ "/bin/true" ]; '
                        'interval = 1; fail_after = 1; } );\n')
        path.chmod(0o640)
        bot.env["GWBOT_CONFIG"] = str(path)
        shim.preload(bot, "threads")
        bot.env["DRILL_NO_THREADS"] = str(block)
        block.touch()
        bot.start()
        time.sleep(3)
        check(bot.process.poll() is None, "ended with", bot.process.returncode)
        check(bot.get("/livez")[0] == 200 and bot.ctl("status").returncode == 0)
        picture = bot.get(path_of(cdn.url("1.png")), timeout=20)[0]
        check(picture >= 500, "a picture without threads:", picture)
        turn = longest_turn(bot)
        check(turn < 0.1, "a turn of", turn)
        block.unlink()
        began = time.monotonic()
        until(lambda: shard(bot)["connected"], "ready", 30)
        healed = time.monotonic() - began
        until(lambda: bot.get(path_of(cdn.url("1.png")), timeout=20)[0] == 200, "a picture", 20)
        bot.wait_event("probe_changed", state="up")
        check(bot.stop() == 0)
    return Result(heal=healed, figure=f"loop and control answer, a picture is {picture}; "
                                      "all is well when there are threads again")


@fault("X07", "the log's pipe is full and nobody reads it", limit=60)
def full_log():
    with Sim(rate=50, heartbeat=500) as sim, Gwbotd(sim) as bot:
        fifo = bot.dir / "log"
        os.mkfifo(fifo)
        bot.wrapper = ["sh", "-c", f'exec "$@" 2>{fifo}', "sh"]
        with open(fifo, "r+b", buffering=0) as reader:
            os.set_blocking(reader.fileno(), False)
            bot.start()
            until(lambda: bot.socket.exists() and shard(bot)["connected"], "ready")
            for _ in range(700):  # each is a line at debug
                check(bot.get("/livez")[0] == 200)
            check(len(reader.read(1 << 20)) > 60000, "the pipe was not full")
            for _ in range(700):
                check(bot.get("/livez")[0] == 200)
            beats = shard(bot)["heartbeats"]
            time.sleep(3)
            now = shard(bot)
            check(5 <= now["heartbeats"] - beats <= 8, now["heartbeats"] - beats, "beats in 3 s")
            turn = longest_turn(bot)
            check(turn < 0.1, "the longest turn took", turn)
            reader.read(1 << 20)
            bot.get("/livez")
            text = reader.read(1 << 20).decode()
            check('"event":"log_dropped","lines":' in text, "the drops were not told:", text[:300])
            check(bot.stop() == 0)
    return Result(figure=f"longest turn {turn * 1000:.1f} ms, drops told")


@fault("X08", "standard descriptors closed at the start")
def closed_descriptors():
    return suite("e2e", "test_faults", "Secrets.test_closed_standard_descriptors_are_never_reused")


@fault("X09", "the entropy call fails; /dev is empty")
def no_entropy():
    ends = []
    with Sim(tls=True, rate=20, heartbeat=500, identify_window=0) as sim:
        with Gwbotd(sim) as bot:
            shim.preload(bot, "calls", calls="getrandom,getentropy", act="errno 38",
                         count=bot.dir / "count")
            bot.start()
            until(lambda: bot.process.poll() is not None or
                  bot.events("shard_state", to="ready"), "an end or a session")
            check((bot.dir / "count").exists(), "nobody asked for entropy")
            ends.append(bot.process.poll())
            check(ends[-1] in (None, 70, 78), "ended with", ends[-1])
            if ends[-1] is None:
                healed = heal(bot, lambda: sim.do("rst"))
                check(bot.stop() == 0)
        for what in ("rm /dev/null", "rm /dev/null /dev/urandom /dev/random"):
            with Gwbotd(sim) as bot:
                bot.wrapper = ["unshare", "-Urm", "sh", "-c",
                               'mount -t tmpfs none /dev && exec "$@"', "sh"] if "urandom" in what else [
                    "unshare", "-Urm", "sh", "-c",
                    "mkdir -p $0/dev && mount -t tmpfs none $0/dev && "
                    "touch $0/dev/urandom && mount --bind /dev/urandom $0/dev/urandom && "
                    'mount --move $0/dev /dev && exec "$@"', str(bot.dir)]
                bot.start()
                until(lambda b=bot: b.process.poll() is not None or
                      b.events("shard_state", to="ready"), "an end or a session")
                ends.append(bot.process.poll())
                check(ends[-1] in (None, 70, 78), what, "ended with", ends[-1])
                if ends[-1] is None:
                    check(bot.health()[0] == 200)
                    check(bot.stop() == 0)
                else:
                    until(lambda b=bot: b.output.strip(), f"{what}: why")
    return Result(heal=healed if ends[0] is None else None, figure="no entropy call, no /dev/null,"
                  " an empty /dev: " + ", ".join("lives" if end is None else f"exit {end}"
                                                for end in ends))


# ---- many, and little time ----

@fault("X10", "500 shards in one process", limit=170, alone=True)
def five_hundred():
    count = 500
    with Sim(tls=True, heartbeat=1000, rate=1, shards=count, max_concurrency=count) as sim, \
            Gwbotd(sim, discord__shards=count, env={"LOG_LEVEL": "info"}) as bot:
        bot.start().wait_event("listening")
        before = rss(bot)
        bot.wait_ready()
        until(lambda: status(bot)["gateway"]["connected"] == count, "all of them", 60)
        time.sleep(8)
        each = (rss(bot) - before) / 1024 / count
        late = status(bot)["heartbeat_lateness"]
        check(late["count"] > count * 5, late)
        # With 500 handshakes at once among them, and whatever else this machine does.
        check(late["p99_seconds"] < 0.25, late)
        check(each < 120, each, "kB a shard")
        shards = bot.snapshot()["shards"]
        check(sum(one["reconnects"] for one in shards) == 0, "some fell")
        check(sim.totals()["identifies"] == count)
        check(bot.stop() == 0)
    return Result(figure=f"{each:.0f} kB a shard over TLS, beats late by p99 "
                         f"{late['p99_seconds'] * 1000:.1f} ms, max "
                         f"{late['max_seconds'] * 1000:.1f} ms")


@fault("X11", "helper programs that die, hang or flood", limit=120)
def bad_helpers():
    suite("e2e", "test_emoji_load", "Helpers.test_a_helper_that_does_anything_else_costs_one_request",
          "Helpers.test_it_may_be_stopped_while_a_helper_runs")
    with Sim(rate=20, heartbeat=500) as sim, Gwbotd(sim) as bot:
        path = bot.dir / "gwbot.conf"
        groups = {"dies": "kill -9 $$", "hangs": "trap '' TERM; sleep 1000",
                  "floods": "exec cat /dev/zero", "forks": "sleep 1000 & exit 1"}
        path.write_text("probes = (" + ",".join(
            f'{{ name = "{name}"; kind = "command"; command = [ "/bin/sh", "-c", "{script}" ]; '
            'interval = 1; timeout = "500ms"; fail_after = 1; }'
            for name, script in groups.items()) + ");\n")
        path.chmod(0o640)
        bot.env["GWBOT_CONFIG"] = str(path)
        bot.start().wait_ready()
        before = rss(bot)
        for name in groups:
            bot.wait_event("probe_changed", probe=name, state="down")
        time.sleep(5)
        grown = (rss(bot) - before) / 1024
        late = status(bot)["heartbeat_lateness"]["max_seconds"]
        now = shard(bot)
        check((now["reconnects"], now["zombies"], now["seq_gaps"]) == (0, 0, 0), now)
        check(grown < 2048, "RSS grew by", grown, "kB")
        check(late < 0.5, "a beat was late by", late)
        check(bot.stop() == 0)
    return Result(figure=f"each costs its own run; RSS {grown:+.0f} kB, beats at most "
                         f"{late * 1000:.0f} ms late")


@fault("X12", "other programs take the processors for half a minute", limit=90, alone=True)
def busy_machine():
    seconds = 30
    with live(sim_options={"rate": 50, "heartbeat": 1000}, watchdog__keepalive="500ms",
              watchdog__stall="5s", watchdog__disconnect_grace="5s",
              loop__limit="5s") as (sim, bot):
        os.setpriority(os.PRIO_PROCESS, bot.process.pid, 10)
        hogs = [subprocess.Popen([sys.executable, "-c",
                                  f"import time\nend = time.time() + {seconds + 10}\n"
                                  "while time.time() < end: pass"])
                for _ in range(4 * os.cpu_count())]
        try:
            time.sleep(seconds)
            late = status(bot)["heartbeat_lateness"]
            check(bot.process.poll() is None, "it ended with", bot.process.returncode)
            check(bot.get("/livez", timeout=5)[0] == 200)
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()
        goal = sim.sessions()[0]["last_sent"]
        healed = until(lambda: shard(bot)["seq"] >= goal, "all events")
        now = shard(bot)
        check((now["identifies"], now["zombies"], now["seq_gaps"]) == (1, 0, 0), now)
        check(late["count"] >= seconds - 10, late)
        check(not bot.events("watchdog_exit") and "loop_stuck_exit" not in bot.output)
    return Result(heal=healed, figure=f"{4 * os.cpu_count()} hogs beside nice 10: beats late by "
                  f"p99 {late['p99_seconds'] * 1000:.0f} ms, max "
                  f"{late['max_seconds'] * 1000:.0f} ms, no exit, no reconnect")
