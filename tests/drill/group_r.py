"""REST faults: an API of our own before gwbotd, with gwsim's gateway behind it."""

import contextlib
import json
import pathlib
import socket
import sys
import time
from email.utils import formatdate

from drill import Result, check, fault, suite
from gwbotd import BIN, TOKEN, Gwbotd, Sim

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))

from api_peer import Api, limited, whole  # noqa: E402  (the path is set above)

LIMITS = {"total": 1000, "remaining": 900, "reset_after": 3600000, "max_concurrency": 1}


def rest(*cases):
    return suite("conformance", "test_rest", *cases)


@contextlib.contextmanager
def behind(faults, name="localhost"):
    """Yields (api, bot): /gateway/bot answers with the faults in turn, then well."""
    with Sim() as sim:
        good = whole(200, {}, {"url": sim.gateway, "shards": 1, "session_start_limit": LIMITS})

        def answer(request):
            if len(api.requests) > len(faults):
                return good
            bad = faults[len(api.requests) - 1]
            return bad(request, good) if callable(bad) else bad
        with Api(answer) as api, Gwbotd(env={"DISCORD_API_BASE": api.base.replace(
                "127.0.0.1", name)}) as bot:
            yield api, bot


def survive(faults, timeout=30, told=True):
    """One life that begins with the faults; the instants of the requests, and the heal."""
    with behind(faults) as (api, bot):
        began = time.monotonic()
        bot.start()
        when, _ = bot.wait_ready(timeout)
        if told:
            check(bot.events("gateway_not_found") or bot.events("rest_retry"),
                  "nothing was said of the fault")
        check(bot.snapshot()["shards"][0]["identifies"] == 1, "more than one IDENTIFY")
        for request in api.requests:
            check(request.headers["Authorization"] == "Bot " + TOKEN, "a call without token")
        check(bot.stop() == 0, "it did not stop as asked")
        return [request.when for request in api.requests], when - began, bot


def peak_kb(bot):
    with open(f"/proc/{bot.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def gaps(times):
    return [after - before for before, after in zip(times, times[1:])]


@fault("R01", "429 with every kind of Retry-After", limit=200)
def retry_after():
    date = lambda *_: limited(formatdate(time.time() + 3, usegmt=True))  # noqa: E731
    cases = ((limited("2"), 2), (limited("1.5"), 1.5), (limited("0"), 0), (limited(), 1),
             (limited("-9"), 1), (date, 2), (limited("9", {"retry_after": 1.25}), 1.25))
    for bad, least in cases:
        times, _, _ = survive([bad])
        check(len(times) == 2, "asked", len(times), "times")
        check(least <= times[1] - times[0] < least + 4, "asked again after",
              times[1] - times[0], "instead of", least)
    with behind([limited("9999999999999999999999")]) as (api, bot):
        bot.start().wait_event("gateway_not_found")
        time.sleep(4)
        check(len(api.requests) == 1, "a huge Retry-After was not waited for")
        shard = bot.snapshot()["shards"][0]
        check("429" in shard["reason"] or "rate limited" in shard["reason"], shard)
        check(bot.stop() == 0, "it did not stop as asked")
    rest("Limits.test_each_kind_of_retry_after", "Limits.test_a_huge_wait_is_told_at_once_and_capped",
         "Limits.test_a_date_is_taken_from_the_answers_own_clock")
    return Result(figure=f"{len(cases) + 1} kinds through gwbotd, 16 through its client")


@fault("R02", "429 global, and 429 of Cloudflare with HTML", limit=200)
def limited_for_all():
    for bad, least in ((limited("1", {"retry_after": 1.5, "global": True}), 1.5),
                       (limited("2", html="<html>error code: 1015</html>"), 2)):
        times, heal, _ = survive([bad])
        check(least <= gaps(times)[0] < least + 4, gaps(times))
    rest("Limits.test_a_global_limit_makes_all_wait_but_interactions",
         "Limits.test_cloudflare_stops_all")
    return Result(heal=heal, figure="all routes wait: 3 kinds of global, 4 of Cloudflare")


@fault("R03", "bucket headers change mid-way", limit=200)
def bucket_change():
    rest("Limits.test_a_bucket_that_changes_is_followed",
         "Limits.test_nothing_left_waits_for_the_reset",
         "Limits.test_hostile_headers_are_bounded")
    return Result(figure="followed; the client alone shows it: gwbotd calls one route")


@fault("R04", "500, 502, 503, 504, then well", limit=200)
def server_errors():
    times, heal, _ = survive([(status, {}, {}) for status in (500, 502, 503, 504)], 60)
    check(len(times) == 5, "asked", len(times), "times")
    check(min(gaps(times)) >= 0.25, "repeated without a pause", gaps(times))
    rest("Repeats.test_failures_of_the_server_then_well", "Repeats.test_without_end_they_end")
    return Result(heal=heal, figure=f"{len(times)} requests")


@fault("R05", "401 once", limit=60)
def unauthorized():
    with behind([(401, {}, {"message": "401: Unauthorized", "code": 0})]) as (api, bot):
        bot.start()
        check(bot.wait_exit() == 77, "exit", bot.process.returncode)
        check(len(api.requests) == 1, "asked", len(api.requests), "times")
        check(len(bot.events("refused_by_discord")) == 1, "said more than once, or not at all")
        check("discord.token" in bot.events("refused_by_discord")[0][1]["reason"], "no remedy")
    rest("Token.test_one_401_stops_everything", "Token.test_half_a_401_is_one")
    return Result(figure="1 request, exit 77")


@fault("R06", "204 and 304 without length", limit=90)
def no_content():
    def stay(status):
        def answer(request, _):
            request.raw.write(b"HTTP/1.1 %d X\r\nVia: x\r\n\r\n" % status)
            request.raw.flush()
            time.sleep(6)
        return answer
    for status in (204, 304, 204):
        times, heal, _ = survive([stay(status)])
        check(gaps(times)[0] < 4, "it waited for a body:", gaps(times))
    rest("Hostile.test_204_and_304_without_length_are_complete_at_once")
    return Result(heal=heal, figure="3/3 complete at once")


@fault("R07", "a body that stalls half way", limit=90)
def stalled_body():
    def stall(request, good):
        request.raw.write(good[:-9])
        request.raw.flush()
        time.sleep(20)
    times, heal, bot = survive([stall], 40)
    check(7 < gaps(times)[0] < 14, "the deadline of 8 s was not kept:", gaps(times))
    reason = bot.events("gateway_not_found")[0][1]["reason"]
    check("timed out" in reason, reason)
    rest("Hostile.test_a_body_that_stalls_ends_at_its_deadline")
    return heal


@fault("R08", "answers cut at every byte", limit=300)
def cuts():
    cut = lambda size: lambda request, good: good[:size]  # noqa: E731
    # In the status, the headers, behind them, and in the body.
    for part in ([0, 9, 14], [60, -1]):
        times, heal, _ = survive([cut(size) for size in part], 60)
        check(len(times) == len(part) + 1, "asked", len(times), "times")
    rest("Hostile.test_answers_cut_at_every_byte", "Hostile.test_chunks_cut_at_every_byte")
    return Result(heal=heal, figure="one end for each cut")


@fault("R09", "100 Continue first, and a storm of 1xx", limit=120)
def interim_answers():
    def storm(request, _):
        for _ in range(3000):
            request.raw.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50)
    for bad in (lambda request, good: b"HTTP/1.1 100 Continue\r\n\r\n" + good, storm):
        _, heal, bot = survive([bad])
        check(heal < 15, "it hung for", heal)
    rest("Hostile.test_interim_answers_are_errors")
    return heal


def with_headers(headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    return lambda request, good: good.replace(b"\r\n", b"\r\n" + lines, 1)


@fault("R10", "headers of 15 kB, of 20 kB, and 300 of them", limit=120)
def large_headers():
    for headers in ({"X-Long": "v" * 14_500}, {f"X-Many-{i}": "v" for i in range(300)}):
        times, _, _ = survive([with_headers(headers)], told=False)
        check(len(times) == 1, "it was not taken")
    times, heal, bot = survive([with_headers({"X-Long": "v" * 20_000})] * 3)
    check(len(times) == 4, "asked", len(times), "times")
    rest("Hostile.test_headers_up_to_their_limit_and_beyond")
    return Result(heal=heal, figure="15 kB and 300 work, 20 kB is an error")


@fault("R11", "a header whose name is a prefix of a known one", limit=120)
def prefix_header():
    for name in ("X-A", "Retry", "V"):
        _, heal, _ = survive([with_headers({name: "v"})] * 3, told=False)
        check(heal < 20, name, "held it up for", heal)
    return heal


@fault("R12", "a body of 100 MB, chunks without end or sense", limit=200)
def endless_body():
    large = b"x" * 50_000

    def endless(head, piece):
        def answer(request, _):
            request.raw.write(head)
            for _ in range(2000):
                request.raw.write(piece)
        return answer
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    faults = [endless(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", large),
              endless(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", large),
              endless(chunked, b"c350\r\n" + large + b"\r\n"),
              chunked + b"ffffffff\r\nabc\r\n" + b"x" * 9000, chunked + b"zz\r\n"]
    with behind([]) as (_, bot):
        bot.start().wait_ready()
        plain = peak_kb(bot)
        check(bot.stop() == 0, "it did not stop as asked")
    with behind(faults) as (api, bot):
        began = time.monotonic()
        bot.start()
        when, _ = bot.wait_ready(90)
        check(len(api.requests) == len(faults) + 1, "asked", len(api.requests), "times")
        peak = peak_kb(bot)
        check(bot.stop() == 0, "it did not stop as asked")
    rest("Hostile.test_a_body_without_end_costs_no_memory",
         "Hostile.test_sizes_and_codings_without_sense")
    # The address checker alone keeps tens of MB freed.
    room = 80_000 if b"__asan_init" in (BIN / "gwbotd").read_bytes() else 4_000
    check(peak < plain + room, "peak of", peak, "kB; without a fault", plain)
    return Result(heal=when - began,
                  figure=f"{(peak - plain) / 1000:+.1f} MB of memory at the peak")


@fault("R13", "redirects 301, 302, 307, 308", limit=200)
def redirects():
    with Api(lambda request: (200, {}, {"url": "ws://127.0.0.1:1"})) as thief:
        for status in (301, 302, 307, 308):
            target = {"Location": f"http://127.0.0.1:{thief.port}/api/v10/gateway/bot"}
            _, heal, bot = survive([(status, target, b"")])
            reason = bot.events("gateway_not_found")[0][1]["reason"]
            check(str(status) in reason, reason)
        check(not thief.requests, "followed:", thief.requests)
    rest("Token.test_redirects_are_not_followed")
    return Result(heal=heal, figure="0 requests elsewhere")


@fault("R14", "the answer of a POST is lost", limit=120)
def lost_answer():
    rest("Repeats.test_a_message_whose_answer_is_lost_is_made_once",
         "Repeats.test_what_is_not_safe_goes_once", "Repeats.test_nonces_of_the_caller_stay")
    return Result(figure="6 ways to lose it, 0 duplicates; the client alone shows it")


@fault("R15", "gateway/bot unreachable at start, the session known", limit=120)
def unreachable():
    heals = []
    with Sim() as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        check(bot.stop() == 0, "it did not stop as asked")
        with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as silent:
            closed.bind(("127.0.0.1", 0))  # refuses
            for base in (closed, silent):
                port = base.getsockname()[1]
                bot.env["DISCORD_API_BASE"] = f"http://127.0.0.1:{port}/api/v10"
                began = time.monotonic()
                when, _ = bot.start().wait_ready(10)
                heals.append(when - began)
                shard = bot.snapshot()["shards"][0]
                check((shard["identifies"], shard["resumed"]) == (0, 1), shard)
                check(bot.stop() == 0, "it did not stop as asked")
    return Result(heal=max(heals), figure="resumed, refused and silent API alike")


@fault("R16", "JSON of wrong types, none, HTML", limit=200)
def senseless_answers():
    bodies = (b"", b"<html>maintenance</html>", b"null", b"[]", b'{"url":5}', b'{"url":"ws://',
              b'{"url":"http://127.0.0.1/"}', json.dumps({"url": "x" * 3000}).encode())
    for body in bodies:
        _, heal, bot = survive([(200, {}, body)])
        reason = bot.events("gateway_not_found")[0][1]["reason"]
        check("JSON" in reason or "no ws or wss URL" in reason, body[:20], reason)
    rest("Gateway.test_answers_that_make_no_sense_are_errors_in_words")
    return Result(heal=heal, figure=f"{len(bodies)} bodies, each with a cause")
