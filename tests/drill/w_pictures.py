"""Hostile pictures, and hosts of pictures."""

import pathlib
import random
import struct
import subprocess
import time
import zlib

import net
from cdn import Cdn, answer, png
from drill import Result, check, fault, suite, unit
from emoji_bot import path_of
from gwbotd import BIN, Gwbotd, Sim
from play import rss, shard, status


@fault("W07", "URLs of other hosts in disguise")
def disguised_urls():
    unit("test_emoji_ask", "any_other_url_is_refused",
         "a_byte_more_or_less_anywhere_in_the_host_is_another_host",
         "a_nul_byte_does_not_end_the_check",
         "without_a_configured_host_nothing_may_be_fetched")
    return suite("e2e", "test_emoji",
                 "Refusals.test_a_bad_url_is_400_and_nobody_is_connected_to")


@fault("W08", "an allowed host answers with a redirect")
def redirected_picture():
    return suite("e2e", "test_emoji",
                 "Upstream.test_its_own_status_is_passed_on_and_no_redirect_followed")


@fault("W09", "an allowed host is slow, endless, too large, or no image", limit=90)
def bad_host():
    return suite("e2e", "test_emoji", "Upstream.test_what_is_no_image_is_415",
                 "Upstream.test_more_than_two_million_bytes_are_413",
                 "Upstream.test_no_whole_answer_is_502",
                 "Upstream.test_a_slow_host_is_504_after_8_s_and_its_place_is_free_again")


@fault("W10", "1,000 pictures at once, of one URL and of as many", limit=150, alone=True)
def picture_storm():
    return suite("e2e", "test_emoji_load",
                 "Many.test_a_thousand_at_once_share_fetches_and_delay_no_heartbeat",
                 "Many.test_memory_has_a_limit")


@fault("W11", "a name server that leads into this net", net=True, limit=90)
def lying_resolver():
    good, inside = "93.184.216.34", "127.0.0.1"
    net.run("ip", "addr", "add", f"{good}/32", "dev", "lo")
    reached = []
    with net.Names([inside]) as names, Sim() as sim, \
            net.Peer(lambda *_: reached.append("inside"), address=inside) as trap, \
            net.Peer(lambda *_: reached.append("good"), address=good, port=trap.port), \
            Gwbotd(sim, emoji__hosts=f"emoji.drill:{trap.port}") as bot:
        bot.start().wait_ready()

        def ask(number):
            code = bot.get(path_of(f"https://emoji.drill:{trap.port}/emojis/{number}.png"),
                           timeout=20)[0]
            check(code == 502, "answered", code)
        cases = ([inside], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"],
                 ["192.168.0.1", inside], ["0.0.0.0"], [])
        for number, addresses in enumerate(cases):
            names.answer = addresses
            ask(number)
        check(not reached, "connected to", reached)
        # An address that may be, and another one to whoever asks a second time.
        names.answer = [good]
        real = names.reply

        def turning(query, room):
            data = real(query, room)
            kind = struct.unpack(">H", query[query.index(b"\0", 12) + 1:][:2])[0]
            if kind == 1:
                names.answer = [inside]
            return data
        names.reply = turning
        ask(100)
        check(reached == ["good"], "what was checked is not what was connected to:", reached)
        ask(101)
        check(reached == ["good"], "connected to", reached)
        check(bot.stop() == 0)
    suite("e2e", "test_emoji", "Names.test_a_name_that_leads_into_this_net_is_not_connected_to")
    return Result(figure=f"{len(cases)} answers refused with 0 connects; of one that turns, the "
                         "checked address was connected to")


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def hostile_images():
    whole = png()
    head, rest = whole[:33], whole[33:]
    frame = b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) \
        + b"\x02\x02\x44\x01\x00"
    gif = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    bomb = zlib.compress(bytes(60_000_000), 9)
    chance = random.Random(12)
    images = {
        "cut in the middle": whole[:len(whole) // 2],
        "65,535 by 65,535": head[:16] + b"\0\0\xff\xff" * 2 + head[24:29]
        + struct.pack(">I", zlib.crc32(head[12:16] + b"\0\0\xff\xff" * 2 + head[24:29])) + rest,
        "a wrong checksum": whole[:29] + b"\0\0\0\0" + whole[33:],
        "a bomb of text": head + chunk(b"zTXt", b"x\0\0" + bomb) + rest,
        "a bomb of a profile": head + chunk(b"iCCP", b"x\0\0" + bomb) + rest,
        "a bomb of pixels": head + chunk(b"IDAT", bomb) + chunk(b"IEND", b""),
        "40,000 frames of APNG": head + chunk(b"acTL", struct.pack(">II", 1000000, 0))
        + chunk(b"fcTL", bytes(26)) * 40000 + rest,
        "80,000 frames of GIF": gif + frame * 80000 + b"\x3b",
        "a GIF that is a page too": b"GIF89a/*<script>*/=1;" + bytes(400),
        "a PNG with a page behind it": whole + b"<html><script>alert(1)</script>",
        "half a WebP": b"RIFF\xff\xff\xff\x7fWEBPVP8L" + bytes(100),
    }
    for number in range(20):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        images[f"damaged, {number}"] = bytes(damaged)
    return images


@fault("W12", "hostile images", limit=150)
def image_bombs():
    images = hostile_images()
    kinds = {b"GIF8": "image/gif", b"RIFF": "image/webp"}

    def play(name, connection):
        data = list(images.values())[int(name.split(".")[0])]
        connection.sendall(answer(data, "200 OK", kinds.get(data[:4], "image/png")))
        return True
    codes, slowest = {}, 0
    with Sim(rate=20, heartbeat=500) as sim, Cdn(script=play) as cdn, \
            Gwbotd(sim, emoji__hosts=cdn.host) as bot:
        bot.start().wait_ready()
        before = rss(bot)
        for number, name in enumerate(images):
            began = time.monotonic()
            code, _, body = bot.get(path_of(cdn.url(f"{number}.png")), timeout=30)
            slowest = max(slowest, time.monotonic() - began)
            check(code in (200, 413, 415), name, "gave", code, body[:100])
            check(code != 200 or (body[:8] == b"\x89PNG\r\n\x1a\n" and b"<script" not in body),
                  name, "came through")
            check(code != 200 or not name.startswith(("65", "cut", "half")), name, "was taken")
            codes[code] = codes.get(code, 0) + 1
        grown = (rss(bot) - before) / 1024
        late = status(bot)["heartbeat_lateness"]["max_seconds"]
        now = shard(bot)
        check((now["reconnects"], now["zombies"]) == (0, 0), now)
        check(grown < 8192 and slowest < 12, "RSS grew by", grown, "kB, slowest", slowest)
        check(bot.stop() == 0)
    unit("test_sandbox", "memory_has_a_limit", "cpu_time_has_a_limit")
    corpus = pathlib.Path(__file__).parent.parent / "fuzz" / "corpus" / "image"
    done = subprocess.run([str(BIN / "tests" / "fuzz_image"), str(corpus)], check=False,
                          capture_output=True, timeout=60)
    check(done.returncode == 0, "the corpus:", done.stderr[-500:])
    return Result(figure=f"{len(images)} images: " + ", ".join(
        f"{n} x {code}" for code, n in sorted(codes.items()))
        + f", slowest {slowest:.1f} s; daemon RSS {grown:+.0f} kB, beats at most "
        f"{late * 1000:.0f} ms late")


@fault("W13", "the helper tries what it may not")
def caged_helper():
    return unit("test_sandbox", "reading_writing_memory_and_the_end_are_allowed",
                "everything_else_kills", "memory_has_a_limit", "cpu_time_has_a_limit")


@fault("W14", "the helper answers garbage, or more than was asked", limit=90)
def lying_helper():
    unit("test_emoji_ask", "what_the_helper_answers_must_begin_as_the_png_that_was_asked_for")
    return suite("e2e", "test_emoji_load",
                 "Helpers.test_a_helper_that_does_anything_else_costs_one_request")
