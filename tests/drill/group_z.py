"""Compression faults."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time
import zlib

import shim
from drill import HERE, Result, check, fault, unit
from peer_gateway import (BINARY, CONT, IDENTIFY, NO_API, ZSTD_BLOCK_MAX, ZSTD_MAGIC, Gateway,
                          Plain, Zlib, Zstd, bot_at, frame, peak_kb, peer_live, play_plan,
                          reasons, refuses, rss_kb, shard, survives, table, zstd_block)
from gwbotd import Gwbotd
from play import heal

MIB = 1024 * 1024
SUFFIX = b"\x00\x00\xff\xff"
EVENT = b'{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"%s"}}'
TEXT = EVENT % b"the quick brown fox jumps over the lazy dog"

DAMAGED = ["stream is damaged", "JSON"]


def binary(data):
    return frame(BINARY, data)


def damaged(compress, damage):
    """damage(link) sends a damaged stream; more comes behind it, as it would."""
    def play():
        with peer_live(heartbeat=300, discord__compress=compress) as (gateway, bot):
            link = gateway.link
            gateway.seq = 2

            def send():
                # What the client has hung up on cannot be sent.
                with contextlib.suppress(OSError), link.lock:
                    damage(link)
                    for _ in range(50):
                        link.say(TEXT)
            refuses(gateway, bot, send, {4000}, DAMAGED)
            survives(gateway, bot)
    return play


def zlib_cut(link):
    packed = link.codec.pack(TEXT)
    link.send(binary(packed[:len(packed) // 2] + SUFFIX))


def zlib_wrong_adler(link):
    stream = link.codec.stream
    packed = stream.compress(TEXT) + stream.flush(zlib.Z_FINISH)
    link.codec = Zlib()
    link.send(binary(packed[:-1] + bytes([packed[-1] ^ 1])))


def zlib_flipped(link):
    packed = bytearray(link.codec.pack(TEXT))
    packed[0] |= 0x06  # the type of its block; elsewhere it might spell another letter
    link.send(binary(bytes(packed)))


def zlib_anew(link):
    link.codec = Zlib()  # a second header in the middle of the stream
    link.say(TEXT)


def zstd_cut(link):
    packed = link.codec.pack(TEXT)
    link.send(binary(packed[:len(packed) // 2]))


@fault("Z01", "damaged streams")
def damaged_streams():
    result = table({
        "zlib, cut in a symbol": damaged("zlib-stream", zlib_cut),
        "zlib, wrong Adler": damaged("zlib-stream", zlib_wrong_adler),
        "zlib, no sync flush": damaged("zlib-stream", lambda link: link.send(
            binary(link.codec.pack(TEXT)[:-4]))),
        "zlib, a bit flipped": damaged("zlib-stream", zlib_flipped),
        "zlib, begun anew": damaged("zlib-stream", zlib_anew),
        "zlib, noise": damaged("zlib-stream", lambda link: link.send(
            binary(b"\xfe\xed" * 50 + SUFFIX))),
        "zstd, cut": damaged("zstd-stream", zstd_cut),
        "zstd, reserved block": damaged("zstd-stream", lambda link: link.send(
            binary(zstd_block(3, 5, b"12345")))),
        "zstd, block too large": damaged("zstd-stream", lambda link: link.send(
            binary(zstd_block(0, ZSTD_BLOCK_MAX + 1, b"x")))),
        "zstd, begun anew": damaged("zstd-stream", lambda link: link.send(
            binary(Zstd().pack(TEXT)))),
        "zstd, noise": damaged("zstd-stream", lambda link: link.send(binary(b"\xff" * 64))),
    }, play_plan)
    unit("test_inflate_damage", "damage_never_crashes_and_mostly_shows")
    return result


class StaleStream(Gateway):
    """Goes on with the first connection's stream in the second one."""

    def make_codec(self, link, asked):
        if len(self.links) == 1 and asked != "none":
            return self.link.codec
        return super().make_codec(link, asked)


@fault("Z02", "a reconnect begins with a fresh stream")
def fresh_stream():
    def fresh(compress):
        def play():
            with peer_live(discord__compress=compress) as (gateway, bot):
                for _ in range(3):
                    gateway.dispatch(20)
                    survives(gateway, bot)
                    heal(bot, gateway.link.hang_up)
                survives(gateway, bot)
                check({link.asked for link in gateway.links} == {compress}, "it fell back")
        return play

    def stale(compress):
        # The mutation, played from outside: what would be right for an inflater that was
        # not reset has to be damage to this one.
        def play():
            with StaleStream() as gateway, Gwbotd(
                    env=NO_API, discord__gateway=gateway.url,
                    discord__compress=compress) as bot:
                clock = shim.Clock(bot)
                bot.start().wait_ready()
                gateway.dispatch(20)
                heal(bot, gateway.link.hang_up)
                check(gateway.links[1].closed_with == 4000, gateway.links[1].closed_with)
                check([link.asked for link in gateway.links] == [compress, compress, "none"],
                      [link.asked for link in gateway.links])
                survives(gateway, bot)
                (_, told), = bot.events("compression_given_up")
                check(told["asked"] == compress and told["for_s"] == 3600, told)
                # What made it fail may have passed: the next connection after the time.
                heal(bot, gateway.link.hang_up)
                check(gateway.link.asked == "none", gateway.link.asked)
                heal(bot, lambda: clock.move(boot=3600 * 10**9))
                check(gateway.link.asked == compress, gateway.link.asked)
                survives(gateway, bot)
                check(len(bot.events("compression_given_up")) == 1, "told again")
                check(gateway.errors == [] and bot.stop() == 0, gateway.errors)
        return play
    result = table({f"{compress}, {play.__name__}": play(compress)
                    for compress in ("zlib-stream", "zstd-stream") for play in (fresh, stale)},
                   play_plan)
    unit("test_inflate_damage", "a_context_does_not_serve_a_second_connection")
    return result


@fault("Z03", "bombs, and a stream without end in one frame", limit=90)
def bombs():
    peaks, rests = [], []

    def bomb(compress, send):
        def play():
            with peer_live(heartbeat=10000, discord__compress=compress) as (gateway, bot):
                def pour():
                    with contextlib.suppress(OSError), gateway.link.lock:
                        send(gateway.link)
                refuses(gateway, bot, pour, {4000}, ["larger than 64 MiB"])
                peaks.append(peak_kb(bot))
                survives(gateway, bot)
                rests.append(rss_kb(bot))
        return play

    def zlib_bomb(link):
        stream = link.codec.stream
        parts = [stream.compress(b'{"op":0,"d":"')]
        parts += [stream.compress(b"x" * MIB) for _ in range(200)]
        link.send(binary(b"".join(parts) + stream.flush(zlib.Z_SYNC_FLUSH)))

    def zlib_endless(link):
        stream = link.codec.stream
        again = [stream.compress(b"x" * MIB) + stream.flush(zlib.Z_FULL_FLUSH)
                 for _ in range(2)][1]  # the same bytes from the second on
        link.send(frame(BINARY, b"", form=64, announce=60 * MIB))
        for _ in range(60 * MIB // len(again)):
            if link.closed_with:  # a peer that goes on has its close frame reset away
                return
            link.send(again)

    def zstd_bomb(link):
        run = zstd_block(1, ZSTD_BLOCK_MAX, b"x")
        link.send(binary(zstd_block(0, 4, b'{"a"') + run * 2000))

    def zstd_endless(link):
        run = zstd_block(1, ZSTD_BLOCK_MAX, b"x")
        link.send(frame(BINARY, b"", fin=False))
        while not link.closed_with:
            link.send(frame(CONT, run * 10, fin=False))
    result = table({"zlib": bomb("zlib-stream", zlib_bomb),
                    "zlib without end": bomb("zlib-stream", zlib_endless),
                    "zstd": bomb("zstd-stream", zstd_bomb),
                    "zstd without end": bomb("zstd-stream", zstd_endless)}, play_plan, workers=2)
    check(max(peaks) < 160 * 1024, "resident at most, kB:", peaks)
    check(max(rests) < 32 * 1024, "resident afterwards, kB:", rests)
    return Result(figure=f"{result.figure}; RSS at most {max(peaks) // 1024} MiB, "
                         f"{max(rests) // 1024} MiB afterwards")


class OddFrames(Gateway):
    """The second connection's stream has this head, where it is compressed."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def make_codec(self, link, asked):
        codec = super().make_codec(link, asked)
        if len(self.links) == 1 and asked != "none":
            codec.head = self.head
        return codec


@fault("Z04", "zstd frames that ask for too much")
def zstd_frames():
    skip = bytes.fromhex("502a4d18") + (5).to_bytes(4, "little") + b"skip!"

    def head(head, works):
        def play():
            with OddFrames(head) as gateway, bot_at(gateway) as bot:
                heal(bot, gateway.link.hang_up)
                asked = [link.asked for link in gateway.links]
                check(asked == ["zstd-stream"] * 2 + ([] if works else ["none"]), asked)
                survives(gateway, bot)
                check(peak_kb(bot) < 32 * 1024, f"RSS {peak_kb(bot)} kB")
        return play

    def bad_checksum():
        with OddFrames(ZSTD_MAGIC + b"\x04\x40") as gateway, bot_at(gateway) as bot:
            heal(bot, gateway.link.hang_up)
            survives(gateway, bot)
            link = gateway.link
            heal(bot, lambda: link.send(binary(
                zstd_block(0, len(TEXT), TEXT, last=True) + b"\xde\xad\xbe\xef")))
            check(link.closed_with == 4000, link.closed_with)
            check("damaged" in reasons(bot)[-1], reasons(bot))

    def only_skippable():
        with OddFrames(ZSTD_MAGIC + b"\x00\x40") as gateway, bot_at(gateway) as bot:
            link = gateway.link
            last = zstd_block(0, len(TEXT), TEXT, last=True)
            link.send(binary(last))  # ends the frame, so that another may begin
            gateway.seq = 2
            refuses(gateway, bot, lambda: link.send(binary(skip)), {4000}, DAMAGED)
    return table({
        "window 2^31": head(ZSTD_MAGIC + b"\x00\xa8", False),
        "window 2^41": head(ZSTD_MAGIC + b"\x00\xf8", False),
        "window 2^27": head(ZSTD_MAGIC + b"\x00\x88", False),
        "window 2^23": head(ZSTD_MAGIC + b"\x00\x68", True),
        "content of 2^62 bytes":
            head(ZSTD_MAGIC + b"\xe0" + (1 << 62).to_bytes(8, "little"), False),
        "dictionary": head(ZSTD_MAGIC + b"\x01\x40\x07", False),
        "reserved bit": head(ZSTD_MAGIC + b"\x08\x40", False),
        "wrong magic": head(b"\x28\xb5\x2f\xfc\x00\x40", False),
        "skippable frame in front": head(skip + ZSTD_MAGIC + b"\x00\x40", True),
        "skippable frame alone": only_skippable,
        "bad checksum": bad_checksum,
    }, play_plan)


class Stubborn(Gateway):
    """Compresses as it likes where compression is asked for."""

    def __init__(self, codec):
        super().__init__()
        self.other = codec

    def make_codec(self, link, asked):
        return self.other() if asked != "none" else Plain()


class Unasked(Gateway):
    """Compresses the first two connections though nobody asked for it."""

    def make_codec(self, link, asked):
        return Zlib() if len(self.links) < 2 else Plain()


@fault("Z05", "the server's codec is not what was asked for")
def other_codec():
    def ignored(compress):
        def play():
            with Stubborn(Plain) as gateway, bot_at(gateway, discord__compress=compress) as bot:
                check(len(bot.events("compression_ignored")) == 1, "not told")
                survives(gateway, bot)
                check(len(gateway.links) == 1, "it took", len(gateway.links), "connections")
        return play

    def other(compress, codec):
        def play():
            with Stubborn(codec) as gateway, bot_at(gateway, discord__compress=compress) as bot:
                survives(gateway, bot)
                check([link.asked for link in gateway.links] == [compress, "none"],
                      [link.asked for link in gateway.links])
                check(gateway.ops() == [IDENTIFY], gateway.ops())
                heal(bot, gateway.link.hang_up)
                check(gateway.link.asked == "none", "it asked again")
        return play

    def unasked():
        with Unasked() as gateway, bot_at(gateway, discord__compress="none") as bot:
            survives(gateway, bot)
            check(gateway.ops() == [IDENTIFY], gateway.ops())
    return table({
        "plain for zlib": ignored("zlib-stream"), "plain for zstd": ignored("zstd-stream"),
        "zstd for zlib": other("zlib-stream", Zstd), "zlib for zstd": other("zstd-stream", Zlib),
        "zlib for none": unasked,
    }, play_plan)


@fault("Z06", "two messages in one frame, one message over many")
def message_borders():
    def two_in_one(compress):
        def play():
            with peer_live(discord__compress=compress) as (gateway, bot):
                pack = gateway.link.codec.pack
                third = TEXT.replace(b'"s":2', b'"s":3')
                with gateway.link.lock:
                    gateway.link.send(binary(pack(TEXT) + pack(third)))
                gateway.seq = 3
                survives(gateway, bot)
                state = shard(bot)
                check((state["seq_gaps"], state["dispatches"]) == (0, 4), state)
        return play

    def asked_in_company(compress):
        """A beat is asked for, with an event behind it, in the buffer of a large one."""
        def play():
            with peer_live(heartbeat=60000, discord__compress=compress) as (gateway, bot):
                pack = gateway.link.codec.pack
                third = TEXT.replace(b'"s":2', b'"s":3')
                with gateway.link.lock:
                    gateway.link.send(binary(pack(EVENT % (b"x" * 5_000_000))))
                    gateway.link.send(binary(pack(b'{"op":1,"d":null}' * 3 + third)))
                gateway.wait(lambda: len(gateway.link.beats) == 3, "three beats")
                gateway.seq = 3
                survives(gateway, bot)
                check(shard(bot)["seq_gaps"] == 0, "it was lost")
        return play

    def many_frames(compress):
        def play():
            with peer_live(discord__compress=compress) as (gateway, bot):
                with gateway.link.lock:
                    packed = gateway.link.codec.pack(EVENT % os.urandom(20000).hex().encode())
                    cut = [packed[i:i + 100] for i in range(0, len(packed), 100)]
                    out = frame(BINARY, b"", fin=False)
                    out += b"".join(frame(CONT, part, fin=False) for part in cut)
                    gateway.link.send(out + frame(CONT, b""))
                gateway.seq = 2
                survives(gateway, bot)
                check(shard(bot)["seq_gaps"] == 0, "it was lost")
        return play

    def over_messages():
        # zlib: what ends a payload is a message that ends with the flush.
        with peer_live(discord__compress="zlib-stream") as (gateway, bot):
            with gateway.link.lock:
                packed = gateway.link.codec.pack(TEXT)
                for part in (packed[:1], packed[1:20], packed[20:-2], packed[-2:]):
                    gateway.link.send(binary(part))
                    time.sleep(0.05)
            gateway.seq = 2
            survives(gateway, bot)
            check(shard(bot)["seq_gaps"] == 0, "it was lost")

    def suffix_inside():
        # A flush in the middle of a message ends nothing.
        with peer_live(discord__compress="zlib-stream") as (gateway, bot):
            stream = gateway.link.codec.stream
            with gateway.link.lock:
                packed = stream.compress(TEXT[:30]) + stream.flush(zlib.Z_SYNC_FLUSH)
                packed += stream.compress(TEXT[30:]) + stream.flush(zlib.Z_SYNC_FLUSH)
                gateway.link.send(binary(packed))
            gateway.seq = 2
            survives(gateway, bot)
            check(shard(bot)["seq_gaps"] == 0, "it was lost")
    plans = {f"{compress}, {play.__name__}": play(compress)
             for compress in ("zlib-stream", "zstd-stream")
             for play in (two_in_one, asked_in_company, many_frames)}
    plans["one over several messages"] = over_messages
    plans["the suffix inside a message"] = suffix_inside
    return table(plans, play_plan)


@fault("Z07", "each allocation of the decompressors fails", limit=90)
def no_memory():
    with tempfile.TemporaryDirectory(prefix="gwbot-shim-") as folder:
        shim = str(pathlib.Path(folder) / "shim_alloc.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, str(HERE / "shim_alloc.c")],
                       check=True)

        def session(compress, **env):
            """A session with a long payload and a reconnect; the asked compressions."""
            with Gateway() as gateway, \
                    bot_at(gateway, discord__compress=compress,
                           env={"LD_PRELOAD": shim, **env}) as bot:
                packed = EVENT % (b"x" * 300000)
                gateway.link.say(packed)
                gateway.seq = 2
                survives_or_heals(gateway, bot)
                heal(bot, gateway.link.hang_up)
                survives_or_heals(gateway, bot)
                whys = [event.get("reason", "") for _, event in bot.events("shard_state")]
            return [link.asked for link in gateway.links], whys

        def failing(compress, number, on):
            def play():
                env = {"SHIM_FAIL": str(number), **({"SHIM_ON": "1"} if on else {})}
                asked, whys = session(compress, **env)
                check(len(asked) in (2, 3), "connections", asked)
                check(any("no memory" in why for why in whys), "the log does not say why:", whys)
            return play
        plans = {}
        for compress in ("zlib-stream", "zstd-stream"):
            count = pathlib.Path(folder) / compress
            session(compress, SHIM_FAIL="0", SHIM_COUNT=str(count))
            total = int(count.read_text())
            check(total >= 2, "the shim saw", total, "allocations of", compress)
            plans.update((f"{compress}, {number} of {total}{', on' if on else ''}",
                          failing(compress, number, on))
                         for number in range(1, total + 1) for on in (False, True))
        return table(plans, play_plan)


def survives_or_heals(gateway, bot):
    """Where the failure hits here it costs the connection, which heals by itself."""
    bot.wait_health(200)
    gateway.dispatch()
    bot.wait_health(200)
