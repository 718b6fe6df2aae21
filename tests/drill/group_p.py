"""Protocol faults, first part: logins, heartbeats, orders, close codes.

What the rows want of hostile payloads and of load is in p_payloads.py and p_load.py.
"""

import time

import p_load  # noqa: F401  for the rows that it registers
import p_payloads  # noqa: F401
from drill import Result, check, fault, unit
from gwbotd import Gwbotd, Sim
from peer_gateway import (CLOSE, IDENTIFY, RESUME, Gateway, bot_at, frame, peer_live,
                          reasons, shard, survives, table, until)
from play import heal, live



def deadline_kept(bot, state, seconds, count, end_fault=lambda: None):
    """The count-th such step gets no answer, the next one does: given up at the deadline?"""
    began, _ = bot.wait_event("shard_state", to=state, count=count)
    check(bot.health()[0] == 503, "healthy without a session")
    time.sleep(1)
    end_fault()
    given_up, event = bot.wait_event("shard_state", seconds + 10, count, **{"from": state})
    check(f"timed out while {state}" in event["reason"], event)
    check(seconds - 0.1 < given_up - began < seconds + 0.7,
          f"{state} took {given_up - began:.2f} s instead of {seconds} s")
    return given_up - began


class SecondIsMute(Gateway):
    def hello(self, link):
        if len(self.links) != 2:
            super().hello(link)


@fault("P01", "HELLO never comes")
def no_hello():
    with SecondIsMute() as gateway, bot_at(gateway) as bot:
        gateway.link.hang_up()
        took = deadline_kept(bot, "waiting for hello", 10, 2)
        bot.wait_ready(timeout=5, count=2)
        check(gateway.ops() == [IDENTIFY, RESUME], gateway.ops())
        check(gateway.links[1].closed_with == 4000, gateway.links[1].closed_with)
        return Result(figure=f"given up after {took:.2f} s of 10 s, then resumed")


def no_ready(_name, options):
    fault_on, state, resumed = options
    with Sim(tls=True) as sim, Gwbotd(sim) as bot:
        if resumed:
            bot.start().wait_ready()
        sim.do(fault_on)
        if resumed:
            sim.do("rst")
        else:
            bot.start()
        deadline_kept(bot, state, 15, 1, lambda: sim.do("calm"))
        bot.wait_ready(timeout=5, count=2 if resumed else 1)
        check(sim.totals()["identifies"] == (1 if resumed else 2), sim.totals())
        check(bot.stop() == 0, "did not stop as asked")


@fault("P02", "READY or RESUMED never comes")
def no_ready_or_resumed():
    return table({
        "READY": ("no-ready on", "identifying", False),
        "RESUMED": ("refuse-resume silent", "resuming", True),
    }, no_ready)


class OneOddHello(Gateway):
    """The first connection that resumes gets this HELLO, all others a good one."""

    def __init__(self, odd):
        super().__init__()
        self.odd = odd

    def hello(self, link):
        if len(self.links) == 2:
            link.say(b'{"op":10,"d":' + self.odd + b"}")
        else:
            super().hello(link)


def odd_hello(_name, data):
    with OneOddHello(data) as gateway, bot_at(gateway) as bot:
        heal(bot, gateway.link.hang_up)
        check(gateway.links[1].closed_with == 4000, "closed with", gateway.links[1].closed_with)
        check(len(gateway.links) == 3 and gateway.links[1].beats == [], "it was used")
        why = [event["reason"] for _, event in bot.events("shard_state", to="reconnecting")]
        why += [event.get("reason", "") for _, event in
                bot.events("shard_state", **{"from": "waiting for hello"})]
        check(any("heartbeat_interval" in reason for reason in why), "the log says", why)


@fault("P03", "heartbeat_interval that cannot be")
def heartbeat_intervals():
    odd = (b"0", b"-1", b"-41250", b"1", b"99", b"1000000000000", b"99999999999999999999",
           b'"41250"', b"41250.5", b"4e4", b"null", b"true", b"[41250]", b"{}")
    cases = {value.decode(): b'{"heartbeat_interval":' + value + b"}" for value in odd}
    cases.update({"missing": b"{}", "d null": b"null", "d a list": b"[]", "d a number": b"41250"})
    return table(cases, odd_hello)


@fault("P04", "a heartbeat is not answered")
def ack_missing():
    with live(sim_options={"heartbeat": 1000, "rate": 0}) as (sim, bot):
        sim.wait_for(lambda stats: stats["totals"]["heartbeats"] >= 1, "a beat")
        beats = sim.totals()["heartbeats"]
        sim.do("acks off")
        sim.wait_for(lambda stats: stats["totals"]["heartbeats"] > beats, "the next beat")
        sent = time.monotonic()
        found, event = bot.wait_event("shard_state", **{"from": "ready"})
        check("zombie" in event["reason"], event)
        check(found - sent < 1.3, f"noticed after {found - sent:.2f} s")
        sim.do("acks on")
        bot.wait_ready(count=2)
        code = sim.totals()["last_client_close_code"]
        check(code == 4000, "closed with", code)
        state = shard(bot)
        check((state["identifies"], state["resumed"], state["zombies"]) == (1, 1, 1), state)
        return Result(figure=f"noticed {found - sent:.2f} s after the beat of a 1 s interval")


@fault("P05", "ACKs without beats, and a storm of them")
def ack_storm():
    # The first beat comes somewhere in ten minutes: hardly in the second that this takes.
    with peer_live(heartbeat=600000) as (gateway, bot):
        link = gateway.link
        for _ in range(20000):
            link.say({"op": 11})
        survives(gateway, bot)
        state = shard(bot)
        check(link.beats or state["latency_seconds"] is None,
              "a latency without a beat:", state["latency_seconds"])
        check(state["acks"] >= 20000 and state["verdict"] == "ok", state)
    with peer_live(heartbeat=500) as (gateway, bot):
        # Beats that are answered twice: what the second answer says is not measured.
        link, answers = gateway.link, 0
        while len(link.beats) < 4:
            answers += 1
            link.say({"op": 11})
            time.sleep(0.05)
        state = shard(bot)
        check(0 <= state["latency_seconds"] < 0.3, "latency", state["latency_seconds"])
        check((state["reconnects"], state["zombies"]) == (0, 0), state)
    return Result(figure="20000 ACKs without a beat: no latency")


@fault("P06", "op 1 from the server, also 100 at once")
def beats_asked():
    with peer_live(heartbeat=41250) as (gateway, bot):
        link = gateway.link
        at = time.monotonic()
        before = len(link.beats)
        link.say({"op": 1, "d": None})
        gateway.wait(lambda: len(link.beats) > before, "the answer to op 1")
        took = link.beats[-1][0] - at
        check(took < 0.2, f"answered after {took:.3f} s")
        check(link.beats[-1][1] == 1, "it told the sequence", link.beats[-1][1])
        for _ in range(100):
            link.say({"op": 1, "d": None})
        gateway.wait(lambda: len(link.beats) >= before + 100, "the answers to 100")
        for _ in range(400):
            link.say({"op": 1, "d": None})
        gateway.dispatch()
        until(lambda: shard(bot)["seq"] == gateway.seq, "the event behind the storm")
        sends = len(link.beats) + 1  # IDENTIFY
        check(sends <= 111, f"{sends} sends within seconds")
        check(shard(bot)["reconnects"] == 0, "it reconnected")
        return Result(figure=f"answered in {took * 1000:.0f} ms; 501 asked, {sends} sends")


@fault("P07", "op 7, again and again")
def op_7():
    # A session that was up for a while; a younger one counts against hot loops.
    times = []
    with live() as (sim, bot):
        for _ in range(3):
            time.sleep(5.1)
            times.append(heal(bot, lambda: sim.do("reconnect")))
            check("op 7" in reasons(bot)[-1], reasons(bot))
        check(sim.totals()["last_client_close_code"] == 4000, sim.totals())
    check(max(times) < 1, "backoff grew:", times)
    return max(times)


@fault("P08", "op 9, resumable or not")
def op_9():
    def play(_name, resumable):
        with live() as (sim, bot):
            word = "true" if resumable else "false"
            took = heal(bot, lambda: sim.do(f"invalid {word}"), resumes=resumable)
            state = shard(bot)
            # The gate spaces IDENTIFYs by 5.5 s, the first of which went out at the start.
            check(1 <= took < (6 if resumable else 12), f"healed after {took:.2f} s")
            check(state["identifies"] == (1 if resumable else 2), state)
            check(f"op 9, {'may be resumed' if resumable else 'a new one is needed'}" in
                  reasons(bot)[0], reasons(bot))
            stats = sim.totals()
            check(stats["last_client_close_code"] == (4000 if resumable else 1000), stats)
            check(stats["client_error_texts"] == [], stats["client_error_texts"])
    result = table({"true": True, "false": False}, play)
    unit("test_session", "op_9_waits_1_to_5_seconds")
    return result


class AlwaysInvalid(Gateway):
    def login(self, link, op, data):
        if len(self.logins) == 1:
            super().login(link, op, data)
        else:
            link.say({"op": 9, "d": False})


@fault("P09", "op 9 in a loop", limit=90)
def op_9_loop():
    with AlwaysInvalid() as gateway, bot_at(gateway) as bot:
        gateway.link.say({"op": 9, "d": False})
        time.sleep(30)
        check(bot.health()[0] == 503, "healthy without a session")
        times = [when for when, _, op, _ in gateway.logins if op == IDENTIFY]
        gaps = [b - a for a, b in zip(times, times[1:])]
        check(len(times) >= 3, "it does not try any more:", gaps)
        check(min(gaps) > 5, "spaced by", gaps)
        check(len(times) <= 6, f"{len(times)} identifies in 30 s")
        check(set(gateway.ops()) == {IDENTIFY}, gateway.ops())
        unit("test_session_backoff", "a_day_of_failing_identifies_stays_far_below_a_thousand")
        return Result(figure=f"{len(times)} identifies in 30 s, least gap {min(gaps):.1f} s; "
                             "a day of it by unit test")


RESUMES = [1001, 1002, 1003, *range(1007, 1015), 4000, 4002, 4008, 4015, 4999]
# Must not be sent (RFC 6455 7.4.1), yet one peer may: our end answers 1002 and resumes.
FORBIDDEN = [1004, 1005, 1006, 1015, 999, 5000]
RESUMES_ONCE = [1000, 4005]
IDENTIFIES = [4001, 4003, 4006, 4007, 4009]
STOPS = {4004: "token", 4010: "discord.shards", 4011: "discord.shards", 4012: "gwbotd",
         4013: "discord.intents", 4014: "discord.intents"}


def must_resume(gateway, bot, end):
    heal(bot, end)
    check(gateway.ops() == [IDENTIFY, RESUME], gateway.ops())


def must_resume_once(gateway, bot, end):
    """One RESUME; when that fails, whatever the reason, a new session."""
    def once(link, op, data):
        if op == RESUME:
            link.hang_up()
        else:
            Gateway.login(gateway, link, op, data)
    gateway.login = once
    heal(bot, end, resumes=False)
    check(gateway.ops() == [IDENTIFY, RESUME, IDENTIFY], gateway.ops())


def must_identify(gateway, bot, end):
    heal(bot, end, resumes=False)
    check(gateway.ops() == [IDENTIFY, IDENTIFY], gateway.ops())
    check(gateway.logins[1][0] - gateway.logins[0][0] > 5, "the gate was passed too early")


def after_close(end_of, cure):
    def play(_name, code):
        with peer_live() as (gateway, bot):
            cure(gateway, bot, lambda: end_of(gateway.link, code))
            words = reasons(bot)[0]
            number = isinstance(code, int) and code not in FORBIDDEN
            check(str(code) in words if number else words, "the log says", words)
    return play


def must_stop(_name, code):
    with Gateway() as gateway, bot_at(gateway, stops=False) as bot:
        gateway.link.leave(code)
        status = bot.wait_exit(10)
        check(status == 77, "exit status", status)
        (_, event), = bot.events("refused_by_discord")
        why = event["reason"]
        check(str(code) in why and STOPS[code] in why, "neither cause nor remedy:", why)
        time.sleep(0.5)
        check(len(gateway.links) == 1, "it came back")


def close_bytes(link, payload):
    link.send(frame(CLOSE, payload))
    link.hang_up()


def play_close(_name, plan):
    play, code = plan
    play(_name, code)


@fault("P10", "each close code", limit=120)
def close_codes():
    leave = lambda link, code: link.leave(code)
    plans = {str(code): (after_close(leave, must_resume), code) for code in RESUMES + FORBIDDEN}
    plans["none"] = (after_close(lambda link, _: link.leave(), must_resume), None)
    plans["one byte"] = (after_close(lambda link, _: close_bytes(link, b"\x0f"), must_resume), None)
    plans["lost"] = (after_close(lambda link, _: link.hang_up(), must_resume), None)
    plans["reason not UTF-8"] = (
        after_close(lambda link, _: close_bytes(link, b"\x0f\xa0\xff\xfe"), must_resume), None)
    plans.update((str(code), (after_close(leave, must_resume_once), code))
                 for code in RESUMES_ONCE)
    plans.update((str(code), (after_close(leave, must_identify), code)) for code in IDENTIFIES)
    plans.update((str(code), (must_stop, code)) for code in STOPS)
    return table(plans, play_close, workers=8)


@fault("P11", "close codes that are final")
def final_codes():
    # Here in answer to IDENTIFY, where Discord sends them; P10 has them in mid-session.
    def play(_name, code):
        with Gateway() as gateway, bot_at(gateway, ready=False, stops=False) as bot:
            gateway.login = lambda link, op, data: link.leave(code, b"as Discord says")
            check(bot.wait_exit(15) == 77, "exit status", bot.process.returncode)
            (_, event), = bot.events("refused_by_discord")
            why = event["reason"]
            check(str(code) in why and STOPS[code] in why and "as Discord says" in why, why)
            time.sleep(0.5)
            check(gateway.ops() == [IDENTIFY], "it tried again:", gateway.ops())
    return table({str(code): code for code in STOPS}, play)


@fault("P12", "4007 and 4009: the session is gone")
def session_gone():
    def play(_name, code):
        with live() as (sim, bot):
            took = heal(bot, lambda: sim.do(f"close {code}"), resumes=False)
            stats = sim.totals()
            check((stats["identifies"], stats["resumes"]) == (2, 0), stats)
            check(stats["client_error_texts"] == [], stats["client_error_texts"])
            check(took < 9, f"healed after {took:.2f} s")
    return table({"4007": 4007, "4009": 4009}, play)


@fault("P13", "4008: we were too fast")
def too_fast():
    with peer_live(heartbeat=41250) as (gateway, bot):
        took = heal(bot, lambda: gateway.link.leave(4008))
        link = gateway.link
        for _ in range(150):
            link.say({"op": 1, "d": None})
        gateway.dispatch()
        until(lambda: shard(bot)["seq"] == gateway.seq, "the event behind the demands")
        sends = len(link.beats) + 1
        check(40 < sends <= 57, f"{sends} sends after 4008; 110 before it")
        check(shard(bot)["last_close_code"] == 4008, shard(bot))
        return Result(heal=took, figure=f"{sends} sends a minute from then on")
