"""Protocol faults, second part: payloads and frames that no gateway should send."""

import contextlib
import os

from drill import Result, check, fault
from peer_gateway import (BINARY, CONT, IDENTIFY, PING, PONG, RESUME, SESSION, TEXT, Gateway,
                          bot_at, frame, peak_kb, peer_live, play_plan, refuses, shard,
                          survives, table)
from play import heal

MIB = 1024 * 1024


# ---- P14 ----

def seq_case(value, expected, gaps):
    """After READY (1) and an event (2), an event with this s; then the session is lost."""
    def play():
        with peer_live(heartbeat=500) as (gateway, bot):
            gateway.dispatch()
            member = b"" if value is None else b',"s":' + value
            gateway.link.say(b'{"op":0,"t":"MESSAGE_CREATE"' + member + b',"d":{}}')
            beats = len(gateway.link.beats)
            gateway.wait(lambda: len(gateway.link.beats) > beats + 1, "two beats")
            state = shard(bot)
            check((state["seq"], state["seq_gaps"]) == (expected, gaps),
                  "stored", state["seq"], "gaps", state["seq_gaps"])
            check(gateway.link.beats[-1][1] == expected, "beat told", gateway.link.beats[-1])
            logged = bot.events("sequence_gap")
            check(len(logged) == gaps, "gaps logged:", logged)
            gateway.seq = max(gateway.seq, expected)
            heal(bot, gateway.link.hang_up)
            check(gateway.logins[-1][3]["seq"] == expected, "resumed from", gateway.logins[-1][3])
    return play


@fault("P14", "sequences that cannot be")
def sequences():
    cases = {
        "next": (b"3", 3, 0), "gap": (b"10", 10, 1), "repeat": (b"2", 2, 0),
        "fall": (b"1", 2, 0), "zero": (b"0", 2, 0), "negative": (b"-5", 2, 0),
        "missing": (None, 2, 0), "null": (b"null", 2, 0), "string": (b'"3"', 2, 0),
        "fraction": (b"3.0", 2, 0), "exponent": (b"3e0", 2, 0), "true": (b"true", 2, 0),
        "list": (b"[3]", 2, 0), "2^63": (b"9223372036854775808", 2, 0),
        "30 digits": (b"9" * 30, 2, 0), "2^31 + 1": (b"2147483649", 2147483649, 1),
        # What a double cannot hold is far beyond what any session reaches.
        "2^53 + 1": (b"9007199254740993", 2, 0),
        "2^63 - 1": (b"9223372036854775807", 2, 0),
    }
    return table({name: seq_case(*case) for name, case in cases.items()}, play_plan)


# ---- P15, P16 ----

@fault("P15", "what nobody knows, and nesting 10,000 deep")
def unknown():
    deep = 10000
    harmless = {
        "op 99": b'{"op":99,"d":null}',
        "op -1": b'{"op":-1,"d":null}',
        "op 2^70": b'{"op":1180591620717411303424,"d":null}',
        "op a string": b'{"op":"0","d":null}',
        "no op": b'{"d":null,"s":77,"t":"X"}',
        "empty object": b"{}",
        "event": b'{"op":0,"t":"NOBODY_KNOWS_THIS_EVENT","s":2,"d":{"x":1}}',
        "no t": b'{"op":0,"s":2,"d":{}}',
        "t a number": b'{"op":0,"t":5,"s":2,"d":{}}',
        "t of 100 kB": b'{"op":0,"t":"' + b"T" * 100000 + b'","s":2,"d":{}}',
        "no d": b'{"op":0,"t":"MESSAGE_CREATE","s":2}',
        "d a number": b'{"op":0,"t":"MESSAGE_CREATE","s":2,"d":1}',
        "fields": b'{"x":[1,{"y":[]}],"op":0,"zz":null,"t":"MESSAGE_CREATE","s":2,"d":{},"w":1}',
        "any order": b'{"d":{"op":7,"s":99},"s":2,"t":"MESSAGE_CREATE","op":0}',
        "lists 10,000 deep": b'{"op":0,"t":"X","s":2,"d":' + b"[" * deep + b"]" * deep + b"}",
        "objects 10,000 deep":
            b'{"op":0,"t":"X","s":2,"d":' + b'{"a":' * deep + b"1" + b"}" * deep + b"}",
    }
    deeper = 1000000

    def ignored(payload):
        def play():
            with peer_live() as (gateway, bot):
                gateway.link.say(payload)
                gateway.seq = 2
                survives(gateway, bot)
        return play

    def too_deep():
        with peer_live() as (gateway, bot):
            payload = b'{"op":0,"t":"X","s":2,"d":' + b"[" * deeper + b"]" * deeper + b"}"
            refuses(gateway, bot, lambda: gateway.link.say(payload), {4000}, ["nested too deep"])
    # Of an event that nobody looks into only the front is read.
    harmless["1,000,000 deep, unread"] = (
        b'{"t":"X","s":2,"op":0,"d":' + b'{"a":' * deeper + b"1" + b"}" * deeper + b"}")
    plans = {name: ignored(payload) for name, payload in harmless.items()}
    plans["1,000,000 deep"] = too_deep
    return table(plans, play_plan)


def event_with(content, name=b"MESSAGE_CREATE"):
    return b'{"t":"' + name + b'","s":2,"op":0,"d":{"content":"' + content + b'"}}'


class BadEvent(Gateway):
    """Its second event cannot be read, now or replayed."""

    def replay(self, link, after):
        if after < 2:
            link.say(b'{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"cut":')


@fault("P16", "payloads that are no JSON", limit=90)
def no_json():
    # gwbotd looks into interactions, so they go through the full pass before.
    read = b"INTERACTION_CREATE"
    whole = event_with(b"x", read)
    damaged = {
        "no JSON": b"hello", "empty": b"", "truncated": whole[:-2], "half": whole[:40],
        "BOM": b"\xef\xbb\xbf" + whole, "NUL in front": b"\x00" + whole,
        "NUL behind": whole + b"\x00", "NUL inside": event_with(b"a\x00b", read),
        "line feed in a string": event_with(b"a\nb", read), "more behind": whole + b"x",
        "a list": b"[" + whole + b"]", "a number": b"1", "null": b"null",
        "single quotes": whole.replace(b'"', b"'"), "comma at the end": whole[:-1] + b",}",
        "NaN": whole.replace(b'"x"', b"NaN"), "bad escape": event_with(b"\\x41", read),
        "half an escape": event_with(b"\\u12", read), "leading zero": whole.replace(b'"x"', b"01"),
        "op 11": b'{"op":11,"d":01}',
    }
    # Nobody looks into these: what shows without a walk through them is refused all the same.
    unread = event_with(b"x", b"TYPING_START")
    damaged.update({
        "unread, truncated": unread[:-2], "unread, half": unread[:40], "unread, more behind": unread + b"x",
        "unread, NUL behind": unread + b"\x00", "unread, in a list": b"[" + unread + b"]",
        "unread, NUL inside": event_with(b"a\x00b", b"TYPING_START"),
        "unread, line feed in a string": event_with(b"a\nb", b"TYPING_START"),
        "unread, one brace short": unread[:-1], "unread, no name": unread.replace(b'"TYPING_START"', b"TYPING"),
    })
    # And this is what such an event may hide: it is counted, its sequence is stored, and that is all.
    hidden = {
        "bad escape": event_with(b"\\x41", b"TYPING_START"), "NaN": unread.replace(b'"x"', b"NaN"),
        "leading zero": unread.replace(b'"x"', b"01"), "a list that does not end": unread.replace(b'"x"', b"["),
    }
    not_utf8 = {
        "a byte alone": b"\xff", "overlong": b"\xc0\xaf", "a surrogate": b"\xed\xa0\x80",
        "past the end": b"\xf4\x90\x80\x80", "cut": b"\xe2\x82",
    }
    tolerated = {
        "lone surrogate": event_with(b"\\ud800"), "surrogates the wrong way":
            event_with(b"\\udc00\\ud800"), "U+0000": event_with(b"a\\u0000b"),
        "same key twice": b'{"t":"A","t":"MESSAGE_CREATE","s":1,"s":2,"op":7,"op":0,"d":1,"d":{}}',
        "two": whole + whole.replace(b'"s":2', b'"s":1'),
        "white space": b" \t\r\n" + whole + b"\n ",
    }

    def damaged_json(payload):
        def play():
            with peer_live() as (gateway, bot):
                gateway.seq = 2  # what stands in front of the damage is heard
                refuses(gateway, bot, lambda: gateway.link.say(payload), {4000}, ["JSON"])
        return play

    def bad_text(content, codec):
        def play():
            # In a text frame it is the websocket that is broken: 1007 (RFC 6455 8.1).
            with peer_live(discord__compress=codec) as (gateway, bot):
                refuses(gateway, bot, lambda: gateway.link.say(event_with(content)),
                        {1007} if codec == "none" else {4000}, ["UTF-8", "JSON"])
        return play

    def fine(payload):
        def play():
            with peer_live() as (gateway, bot):
                gateway.link.say(payload)
                gateway.seq = 2
                survives(gateway, bot)
        return play

    def three_in_a_row():
        with BadEvent() as gateway, bot_at(gateway) as bot:
            gateway.seq = 2
            heal(bot, lambda: gateway.replay(gateway.link, 1), resumes=False)
            check(gateway.ops() == [IDENTIFY, RESUME, RESUME, IDENTIFY], gateway.ops())
            survives(gateway, bot)
    plans = {name: damaged_json(payload) for name, payload in damaged.items()}
    for codec in ("none", "zlib-stream", "zstd-stream"):
        plans.update((f"{name}, {codec}", bad_text(content, codec))
                     for name, content in not_utf8.items())
    plans.update((name, fine(payload)) for name, payload in tolerated.items())
    plans.update((f"{name}, unread", fine(payload)) for name, payload in hidden.items())
    plans["the same one three times"] = three_in_a_row
    return table(plans, play_plan)


# ---- P17 to P20 ----

def pour(link, data):
    """Sends until the client hangs up."""
    with contextlib.suppress(OSError):
        link.send(data)


@fault("P17", "a message of 64 MB and one of 2^62 bytes", limit=90)
def too_large():
    peaks = {}

    def announced(size):
        def play():
            with peer_live() as (gateway, bot):
                head = frame(TEXT, b"", form=64, announce=size)
                refuses(gateway, bot, lambda: pour(gateway.link, head + b"x" * MIB), {1002, 1009},
                        ["size limit", "length with its top bit"])
                peaks[size] = peak_kb(bot)
        return play

    def in_pieces():
        with peer_live(discord__compress="none") as (gateway, bot):
            def send():
                with gateway.link.lock:  # no ACK between the pieces
                    pour(gateway.link, frame(TEXT, b'{"op":0,"d":"', fin=False))
                    for _ in range(66):
                        pour(gateway.link, frame(CONT, b"x" * MIB, fin=False))
            refuses(gateway, bot, send, {4000, 1009}, ["size limit", "larger than 64 MiB"])
            peaks["pieces"] = peak_kb(bot)

    def just_fits():
        with peer_live(heartbeat=10000) as (gateway, bot):
            gateway.link.say(event_with(b"x" * (60 * MIB)))
            gateway.seq = 2
            survives(gateway, bot)
            peaks["60 MiB"] = peak_kb(bot)
    result = table({"2^62": announced(1 << 62), "2^63": announced(1 << 63),
                    "64 MiB + 1": announced(64 * MIB + 1), "in pieces": in_pieces,
                    "60 MiB is read": just_fits}, play_plan, workers=2)
    check(max(peaks.values()) < 160 * 1024, "resident at most, kB:", peaks)
    check(peaks[1 << 62] < 32 * 1024, "resident at most, kB:", peaks)
    return Result(figure=f"{result.figure}; RSS at most {max(peaks.values()) // 1024} MiB, "
                         f"{peaks[1 << 62] // 1024} MiB where it is announced")


@fault("P18", "a message in 10,000 fragments of 0 and of 1 bytes")
def fragments():
    def cut(codec, size):
        def play():
            with peer_live(discord__compress=codec) as (gateway, bot):
                link = gateway.link
                link.lock.acquire()
                data = link.codec.pack(event_with(os.urandom(5000).hex().encode()))
                parts = [data[i:i + 1] for i in range(len(data) - 1)] if size else []
                parts += [b""] * (10000 if not size else 0)
                out = frame(link.codec.opcode, b"", fin=False)
                out += b"".join(frame(CONT, part, fin=False) for part in parts)
                rest = data[len(data) - 1:] if size else data
                link.send(out + frame(PING, b"between") + frame(CONT, rest))
                link.lock.release()
                gateway.seq = 2
                survives(gateway, bot)
                check(shard(bot)["seq_gaps"] == 0, "the message was lost")
                gateway.wait(lambda: link.pongs == 1, "the answer to the ping between")
        return play
    return table({f"{codec}, {size} bytes": cut(codec, size)
                  for codec in ("none", "zlib-stream", "zstd-stream") for size in (0, 1)},
                 play_plan)


@fault("P19", "frames against RFC 6455")
def bad_frames():
    text = event_with(b"x")
    cases = {
        "masked": frame(TEXT, text, mask=b"\x01\x02\x03\x04"),
        "masked ping": frame(PING, b"", mask=b"\x01\x02\x03\x04"),
        "control of 126 bytes": frame(PING, b"x" * 126),
        "ping in fragments": frame(PING, b"x", fin=False),
        "pong in fragments": frame(PONG, b"x", fin=False),
        "close in fragments": frame(8, b"\x0f\xa0", fin=False),
        "continuation of nothing": frame(CONT, b"x"),
        "message inside a message": frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
        "length not the shortest": frame(TEXT, b"x", form=16),
        "garbage": bytes(range(240, 256)) * 16,
    }
    cases.update((f"RSV {rsv}", frame(TEXT, text, rsv=rsv)) for rsv in range(1, 8))
    cases.update((f"opcode {op}", frame(op, b"x")) for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15))

    def refused(data):
        def play():
            with peer_live() as (gateway, bot):
                refuses(gateway, bot, lambda: gateway.link.send(data), {1002},
                        ["broke the protocol"])
        return play
    return table({name: refused(data) for name, data in cases.items()}, play_plan)


@fault("P20", "text and binary mixed")
def mixed():
    def wrong_kind(codec):
        def play():
            with peer_live(discord__compress=codec) as (gateway, bot):
                refuses(gateway, bot, lambda: gateway.link.send(frame(TEXT, event_with(b"x"))),
                        {4000, 1007}, ["text", "damaged"])
        return play

    def binary_where_none_is_agreed():
        with peer_live(discord__compress="none") as (gateway, bot):
            refuses(gateway, bot, lambda: gateway.link.send(frame(BINARY, b"\x78\x9c\x01\x02")),
                    {4000}, ["JSON"])

    def plain_binary():
        # JSON it is all the same: nothing was agreed that could make it something else.
        with peer_live(discord__compress="none") as (gateway, bot):
            gateway.link.send(frame(BINARY, event_with(b"x")))
            gateway.seq = 2
            survives(gateway, bot)
    return table({"text in a zlib stream": wrong_kind("zlib-stream"),
                  "text in a zstd stream": wrong_kind("zstd-stream"),
                  "compressed where none is agreed": binary_where_none_is_agreed,
                  "JSON in a binary frame": plain_binary}, play_plan)


# ---- P22, P23 ----

class OddReady(Gateway):
    def __init__(self, **members):
        super().__init__()
        self.members = members

    def ready(self):
        ready = super().ready() | self.members
        return {key: value for key, value in ready.items() if value is not ...}


@fault("P22", "READY without session_id, resume URL or user", limit=90)
def poor_ready():
    def play(_name, case):
        members, resumable, warns = case
        with OddReady(**members) as gateway, bot_at(gateway) as bot:
            check(bot.health()[0] == 200, "not healthy with such a READY")
            if warns:
                bot.wait_event(warns, timeout=5)
            told = [event["event"] for name in ("ready_incomplete", "resume_url_refused")
                    for _, event in bot.events(name)]
            check(told == [warns] * bool(warns), "warnings:", told)
            heal(bot, gateway.link.hang_up, resumes=resumable)
            check(gateway.ops() == [IDENTIFY, RESUME if resumable else IDENTIFY], gateway.ops())
            survives(gateway, bot)
    return table({
        "no session_id": ({"session_id": ...}, False, "ready_incomplete"),
        "session_id null": ({"session_id": None}, False, "ready_incomplete"),
        "session_id a number": ({"session_id": 5}, False, "ready_incomplete"),
        "session_id empty": ({"session_id": ""}, False, "ready_incomplete"),
        "session_id of 1 MB": ({"session_id": "x" * MIB}, False, "ready_incomplete"),
        "no resume URL": ({"resume_gateway_url": ...}, True, "ready_incomplete"),
        "resume URL a list": ({"resume_gateway_url": []}, True, "resume_url_refused"),
        "no user": ({"user": ...}, True, ""),
        "user null": ({"user": None}, True, ""),
        "nothing but the session": ({"user": ..., "guilds": ..., "v": ...}, True, ""),
        "guilds a string": ({"guilds": "many"}, True, ""),
    }, play, workers=6)


class Unordered(Gateway):
    """RESUMED comes before what was missed, and dispatches before READY."""

    def login(self, link, op, data):
        if op == IDENTIFY:
            link.event(1, "GUILD_CREATE")
            link.event(2)
            self.seq, self.kept = 2, []
            link.event(3, "READY", self.ready())
            self.seq = 3
            return
        missed = list(range(data["seq"] + 1, data["seq"] + 4))
        link.event(missed[-1] + 1, "RESUMED", {})
        for seq in missed:
            link.event(seq)
        self.seq = missed[-1] + 1


@fault("P23", "RESUMED before the replay, dispatches before READY")
def unordered():
    with Unordered() as gateway, bot_at(gateway) as bot:
        check(shard(bot)["seq"] == 3, shard(bot)["seq"])
        took = heal(bot, gateway.link.hang_up)
        survives(gateway, bot)
        check(gateway.logins[-1][3] == {"token": gateway.logins[0][3]["token"],
                                        "session_id": SESSION, "seq": 3}, "another RESUME")
        check(bot.health()[0] == 200, "not healthy")
        # Orders and answers before HELLO, READY twice, RESUMED without a RESUME.
        for payload in ({"op": 11}, {"op": 1, "d": None},
                        {"op": 0, "t": "RESUMED", "s": gateway.seq + 1, "d": {}},
                        {"op": 0, "t": "READY", "s": gateway.seq + 2, "d": gateway.ready()},
                        {"op": 10, "d": {"heartbeat_interval": 5}}):
            gateway.link.say(payload)
        gateway.seq += 2
        survives(gateway, bot)
        return took
