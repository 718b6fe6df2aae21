"""Protocol faults, third part: floods, budgets, quiet servers, what comes twice."""

import contextlib
import threading
import time

from drill import Result, check, fault, unit
from gwbotd import Gwbotd, Sim
from peer_gateway import (IDENTIFY, PING, PONG, RESUME, TEXT, Gateway, bot_at, cpu_seconds,
                          frame, peak_kb, peer_live, play_plan, shard, table, until)
from play import heal, live


def probe_times(bot, over, times):
    """Asks /healthz until over; the seconds that each answer took."""
    while not over.is_set():
        began = time.monotonic()
        check(bot.get("/healthz")[0] == 200, "not healthy under load")
        times.append(time.monotonic() - began)
        over.wait(0.02)


@contextlib.contextmanager
def probing(bot):
    """Probes beside what the scenario does: yields the times."""
    over, times = threading.Event(), []
    thread = threading.Thread(target=probe_times, args=(bot, over, times))
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()


def lateness(link, interval):
    """How much later than its interval a heartbeat came at most, in seconds."""
    times = [when for when, _ in link.beats]
    return max((b - a - interval for a, b in zip(times, times[1:])), default=0)


@fault("P21", "a flood of pings and of pongs", limit=90)
def control_flood():
    figures = []
    for name, opcode in (("ping", PING), ("pong", PONG)):
        with peer_live(heartbeat=1000) as (gateway, bot):
            link = gateway.link
            burst = frame(opcode, b"flood") * 200
            before, cpu = peak_kb(bot), cpu_seconds(bot)
            count, end = 0, time.monotonic() + 4
            with probing(bot) as times:
                while time.monotonic() < end:
                    link.send(burst)
                    count += 200
                    # As a peer does that reads the answers.
                    if opcode == PING:
                        gateway.wait(lambda: link.pongs > count - 600, "pongs")
            cpu = cpu_seconds(bot) - cpu
            rate = count / 4
            check(cpu / count < 100e-6, f"{cpu / count * 1e6:.0f} us of CPU for each {name}")
            check(peak_kb(bot) - before < 2048, f"RSS grew by {peak_kb(bot) - before} kB")
            check(max(times) < 0.5, f"a probe took {max(times):.3f} s")
            gateway.wait(lambda: len(link.beats) >= 2, "beats", timeout=5)
            check(lateness(link, 1) < 0.5, f"a beat came {lateness(link, 1):.3f} s late")
            check(shard(bot)["reconnects"] == 0, "it reconnected")
            if opcode == PING:
                check(link.pongs >= count - 600, link.pongs, "pongs for", count)
            idle = cpu_seconds(bot)
            time.sleep(1)
            check(cpu_seconds(bot) - idle < 0.1, "CPU goes on after the flood")
            figures.append(f"{rate:.0f} {name}s/s, {cpu / count * 1e6:.2f} us of CPU each")
    with peer_live(heartbeat=1000) as (gateway, bot):
        # Pings whose answers nobody reads: the queue is bounded, the connection ends.
        link = gateway.link
        link.take = lambda payload: time.sleep(60)
        before = peak_kb(bot)
        link.say({"op": 1, "d": None})  # its answer puts the reader to sleep

        def flood():
            with contextlib.suppress(OSError):
                while not bot.events("shard_state", **{"from": "ready"}):
                    link.send(frame(PING, b"x" * 125) * 500)
        heal(bot, flood)
        check(peak_kb(bot) - before < 4096, f"RSS grew by {peak_kb(bot) - before} kB")
    return Result(figure="; ".join(figures))


class LongReplay(Gateway):
    """A resume repeats 100,000 events of 1 kB, made beforehand: it is not the peer's own
    pace that is measured."""
    COUNT = 100_000

    def __init__(self, heartbeat):
        super().__init__(heartbeat)
        text = '{{"t":"MESSAGE_CREATE","s":{},"op":0,"d":{{"id":"{}","content":"{}"}}}}'
        self.chunks = [
            b"".join(frame(TEXT, text.format(seq, seq, "x" * 1000).encode())
                     for seq in range(first, first + 500))
            for first in range(2, 2 + self.COUNT, 500)]

    def replay(self, link, after):
        check(after == 1, "resumed from", after)
        self.began = time.monotonic()
        for chunk in self.chunks:
            link.send(chunk)
        self.seq = after + self.COUNT


class ReadsMeanwhile(LongReplay):
    """Replays in a thread of its own, so that beats are read and answered meanwhile."""

    def login(self, link, op, data):
        if op == RESUME:
            threading.Thread(target=self.resume, args=(link, op, data), daemon=True).start()
        else:
            super().login(link, op, data)

    def resume(self, link, op, data):
        super().login(link, op, data)


@fault("P24", "a replay of 100,000 events", limit=90, alone=True)
def long_replay():
    with ReadsMeanwhile(heartbeat=100) as gateway, \
            bot_at(gateway, discord__compress="none", env={"LOG_LEVEL": "info"}) as bot:
        before = shard(bot)
        gateway.link.hang_up()
        when, _ = bot.wait_ready(60, count=2)
        took = when - gateway.began
        state = shard(bot)
        check(state["seq"] == gateway.seq, "stored", state["seq"], "of", gateway.seq)
        check(state["dispatches"] - before["dispatches"] == LongReplay.COUNT + 1, state)
        check(state["seq_gaps"] == 0 and state["identifies"] == 1, state)
        link = gateway.link
        late = lateness(link, 0.1)
        check(late < 0.1, f"a beat came {late:.3f} s late")
        meanwhile = [at for at, _ in link.beats if gateway.began < at < when]
        # The first one comes somewhere in the interval, the others not before it is over.
        check(len(meanwhile) >= 0.8 * took / 0.1 - 1, f"{len(meanwhile)} beats in", took)
        return Result(figure=f"{LongReplay.COUNT / took:.0f} events/s, {len(meanwhile)} beats "
                             f"meanwhile, at most {late * 1000:.0f} ms late")


@fault("P25", "no session start is left")
def no_start_left():
    with Sim() as sim, Gwbotd(sim) as bot:
        sim.do("budget 0 6000")
        began = time.monotonic()
        bot.start()
        _, event = bot.wait_event("identify_budget_spent")
        check(4 < event["next_in_s"] < 6.1, event)
        check(bot.health()[0] == 503 and "budget" in shard(bot)["reason"], bot.health())
        bot.kill()
        bot.start()
        _, event = bot.wait_event("identify_budget_spent")
        check(sim.totals()["identifies"] == 0, "an IDENTIFY without budget")
        bot.wait_ready(15)
        took = time.monotonic() - began
        stats = sim.totals()
        check(took > 5.9, f"identified after {took:.2f} s of 6 s")
        check(stats["identifies"] == 1 and stats["client_error_texts"] == [], stats)
        check(bot.stop() == 0, "did not stop as asked")
        return Result(figure=f"held for {took:.1f} s of 6 s, over a kill -9")


@fault("P26", "max_concurrency 1 with 5 shards", limit=100)
def one_bucket():
    with Sim(shards=5) as sim, Gwbotd(sim, discord__shards=5) as bot:
        bot.start().wait_ready(60, count=5)
        times = [when for when, _ in bot.events("identify")]
        gaps = [b - a for a, b in zip(times, times[1:])]
        check(len(times) == 5 and min(gaps) > 5, "spaced by", gaps)
        check(max(gaps) < 6.5, "slower than need be:", gaps)
        stats = sim.totals()
        check(stats["identifies_refused"] == 0 and stats["client_error_texts"] == [], stats)
        check(bot.health()[0] == 200, "not healthy with all shards up")
        check(bot.stop() == 0, "did not stop as asked")
        return Result(figure=f"spaced by {min(gaps):.2f} to {max(gaps):.2f} s")


QUIET = {"heartbeat": 500, "rate": 0}
SHORT = {"watchdog__keepalive": "500ms", "watchdog__stall": "2s",
         "watchdog__disconnect_grace": "2s"}
PROOF = 20  # seconds within which a proof of life has to come


def no_alarm(sim, bot, deaf):
    """Longer than the watchdog's limits without an event of its own: up all the while."""
    if deaf:
        sim.do("deaf on")
    end = time.monotonic() + 7
    while time.monotonic() < end:
        status, body = bot.health()
        check(status == 200 and body["ok"], status, body)
        time.sleep(0.25)
    state = shard(bot)
    check((state["reconnects"], state["zombies"], state["verdict"]) == (0, 0, "ok"), state)
    return state


def deaf_without_probe():
    with live(sim_options=QUIET, **SHORT) as (sim, bot):
        check(no_alarm(sim, bot, True)["last_dispatch_age_seconds"] > 6, "events came")


def quiet_with_probe():
    with live(sim_options=QUIET, gateway__probe_after="1s", **SHORT) as (sim, bot):
        state = no_alarm(sim, bot, False)
        check(state["last_dispatch_age_seconds"] < 3, "no proof of life came")
        check(sim.totals()["client_error_texts"] == [], sim.totals()["client_error_texts"])


def deaf_with_probe():
    with live(sim_options=QUIET, gateway__probe_after="1s", **SHORT) as (sim, bot):
        sim.do("deaf on")
        began = time.monotonic()
        found, event = bot.wait_event("shard_state", PROOF + 10, **{"from": "ready"})
        check("proof of life" in event["reason"], event)
        check(PROOF - 0.5 < found - began < PROOF + 4, f"noticed after {found - began:.2f} s")
        sim.do("deaf off")
        bot.wait_ready(5, count=2)
        check((shard(bot)["identifies"], shard(bot)["resumed"]) == (1, 1), shard(bot))


@fault("P27", "ACKs come, events do not", limit=90)
def quiet():
    return table({"deaf, no probe": deaf_without_probe, "quiet, probed": quiet_with_probe,
                  "deaf, probed": deaf_with_probe}, play_plan)


@fault("P28", "sends beyond 120 a minute are asked for")
def sends_asked():
    # The orders of the operator send nothing; what makes the daemon send is op 1.
    with peer_live(heartbeat=2000) as (gateway, bot):
        link = gateway.link
        began = time.monotonic()
        while time.monotonic() < began + 12:
            for _ in range(20):
                link.say({"op": 1, "d": None})
            time.sleep(0.2)
        sends = len(link.beats) + 1
        check(110 <= sends <= 120, f"{sends} sends in 12 s")
        # After the storm has used up what is ordinary, only the regular beats go out.
        regular = [when for when, _ in link.beats[-4:]]
        gaps = [b - a for a, b in zip(regular, regular[1:])]
        check(all(1.8 < gap < 2.2 for gap in gaps), "beats spaced by", gaps)
        check(shard(bot)["reconnects"] == 0, "it reconnected")
        return Result(figure=f"1200 asked, {sends} sent, beats on time")


class Repeats(Gateway):
    """A resume repeats more than was asked for."""

    def replay(self, link, after):
        for seq in range(max(2, after - 49), after + 1):
            link.event(seq)
        for seq in range(after + 1, after + 11):
            link.event(seq)
            link.event(seq)
        self.seq = after + 10


@fault("P29", "events that come twice after a resume")
def twice():
    with Repeats() as gateway, bot_at(gateway) as bot:
        gateway.dispatch(60)
        until(lambda: shard(bot)["seq"] == 61, "the events")
        told = []
        for _ in range(2):
            heal(bot, gateway.link.hang_up)
            state = shard(bot)
            check(state["seq"] == gateway.seq, "stored", state["seq"], "of", gateway.seq)
            check(state["seq_gaps"] == 0, "gaps", state["seq_gaps"])
            told.append(gateway.logins[-1][3]["seq"])
        check(told == [61, 72], "resumed from", told)
        # What was stored is what was handed on: a killed process asks from there.
        bot.kill()
        bot.start().wait_ready()
        check(gateway.logins[-1][3]["seq"] == 83, "resumed from", gateway.logins[-1][3]["seq"])
        return Result(figure="140 repeats marked by sequence; " + unit(
            "test_session", "the_sequence_moves_forward_only",
            "a_replay_is_handed_on_once_though_it_is_broken_off").figure)


@fault("P30", "20,000 events a second", limit=60, alone=True)
def stream():
    with live(sim_options={"heartbeat": 500, "rate": 2},
              env={"LOG_LEVEL": "info"}) as (sim, bot):
        before, began = shard(bot), time.monotonic()
        with probing(bot) as times:
            sim.do("rate 20000")
            time.sleep(5)
            sim.do("rate 0")
        took = time.monotonic() - began
        sent = sim.sessions()[0]["seq"]
        until(lambda: shard(bot)["seq"] >= sent, "the last event")
        state = shard(bot)
        rate = (state["dispatches"] - before["dispatches"]) / took
        check((state["seq_gaps"], state["reconnects"]) == (0, 0), state)
        check(rate > 15000, f"gwsim sent {rate:.0f} events/s only")
        times.sort()
        p99 = times[int(len(times) * 0.99)]
        check(p99 < 0.1, f"p99 of a probe {p99:.3f} s")
        check(state["acks"] >= 7, state["acks"], "beats answered")
        check(peak_kb(bot) < 32 * 1024, f"RSS {peak_kb(bot)} kB")
        return Result(figure=f"{rate:.0f} events/s, no gap, probe p99 {p99 * 1000:.1f} ms, "
                             f"RSS {peak_kb(bot) // 1024} MiB")
