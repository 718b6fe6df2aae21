"""Cases: data, ping and pong, protocol errors, UTF-8, close frames of the peer."""

import ssl

from cases import add, case
from peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame

# ---- data ------------------------------------------------------------------------------


def echo(t, size, opcode=TEXT):
    conn = t.open(echo=1)
    payload = bytes(b"abcdefghijklmnopqrstuvwxyz"[i % 26] for i in range(size))
    conn.send(frame(opcode, payload))
    t.expect_message(payload, binary=opcode == BINARY)
    conn.expect_frame(TEXT, payload)


for length in (0, 1, 125, 126, 127, 65535, 65536, 1_000_000):
    add("data", f"echo_{length}", echo, length)
add("data", "echo_binary", echo, 300, BINARY)


@case("data")
def fragments(t):
    conn = t.open()
    conn.send(frame(TEXT, b"one ", fin=False) + frame(CONT, b"two ", fin=False))
    conn.send(frame(CONT, b"three"))
    t.expect_message(b"one two three")


@case("data")
def fragments_that_are_empty(t):
    conn = t.open()
    conn.send(frame(TEXT, fin=False) + frame(CONT, b"x", fin=False) + frame(CONT, fin=False)
              + frame(CONT))
    t.expect_message(b"x")
    conn.send(frame(BINARY, fin=False) + frame(CONT))
    t.expect_message(b"", binary=True)


@case("data")
def fragments_by_the_ten_thousand(t):
    conn = t.open()
    whole = b"".join(frame(CONT, b"y" * (i % 2), fin=False) for i in range(9998))
    conn.send(frame(TEXT, b"y", fin=False) + whole + frame(CONT, b"y"))
    t.expect_message(b"y" * 5001)


@case("data")
def pings_between_fragments(t):
    conn = t.open()
    conn.send(frame(TEXT, b"a", fin=False) + frame(PING, b"1") + frame(CONT, b"b", fin=False))
    conn.send(frame(PONG) + frame(PING, b"2") + frame(CONT, b"c"))
    for _ in range(3):
        t.expect("control")
    t.expect_message(b"abc")
    conn.expect_frame(PONG, b"1")
    conn.expect_frame(PONG, b"2")


@case("data")
def a_byte_a_record(t):
    conn = t.open()
    for byte in frame(TEXT, b"z" * 200):
        conn.send(bytes([byte]))
    t.expect_message(b"z" * 200)


@case("data")
def two_in_one_record(t):
    conn = t.open()
    conn.send(frame(TEXT, b"first") + frame(BINARY, b"second"))
    t.expect_message(b"first", pieces=1)
    t.expect_message(b"second", binary=True)


@case("data")
def bytes_are_counted(t):
    conn = t.open()
    conn.send(frame(TEXT, b"x" * 100))
    before = t.expect_message(b"x" * 100)["bytes_in"]
    conn.send(frame(TEXT, b"x" * 200))
    t.expect_message(b"x" * 200, bytes_in=before + 204)


@case("data")
def glued_to_the_upgrade(t):
    t.connect()
    conn = t.accept().read_request()
    conn.answer(glued=frame(TEXT, b"early") + frame(PING, b"p"))
    t.expect("open")
    t.expect_message(b"early")
    t.expect("control")
    conn.expect_frame(PONG, b"p")


@case("data")
def glued_to_the_upgrade_in_part(t):
    t.connect()
    conn = t.accept().read_request()
    whole = frame(TEXT, b"half and half")
    conn.answer(glued=whole[:7])
    t.expect("open")
    conn.send(whole[7:])
    t.expect_message(b"half and half")


def burst_then_silence(t, tls):
    conn = t.open(tls=tls)
    payload = b"b" * 65536
    conn.send(b"".join(frame(BINARY, payload) for _ in range(64)))
    for _ in range(64):
        t.expect_message(payload)


add("data", "burst_then_silence", burst_then_silence, "good")
add("data", "burst_then_silence_plain", burst_then_silence, None)


def burst_left_by_a_turn(t):
    """poll sees nothing of what was received and not decoded yet.

    The loop stands still until the burst has arrived; then a turn receives 64 KiB and
    decodes one slice of them, and the others are left.  Needs the client with the small
    turn, and for itself: some rounds go by until the kernel's window is open.
    """
    conn = t.open()
    burst = frame(BINARY, b"b" * 69990)
    for _ in range(20):
        t.command("stall", 30)
        for at in range(0, len(burst), 5000):  # a record each
            conn.send(burst[at:at + 5000])
        t.expect_message(b"b" * 69990)


@case("data")
def many_small_ones(t):
    conn = t.open()
    conn.send(b"".join(frame(TEXT, b"%d" % i) for i in range(2000)))
    for i in range(2000):
        t.expect_message(b"%d" % i)


@case("data")
def exactly_the_limit(t):
    conn = t.open(max=1000)
    conn.send(frame(TEXT, b"x" * 400, fin=False) + frame(CONT, b"x" * 600))
    t.expect_message(b"x" * 1000)


# ---- ping and pong ---------------------------------------------------------------------

def ping(t, payload):
    conn = t.open()
    conn.send(frame(PING, payload))
    t.expect("control")
    conn.expect_frame(PONG, payload)


add("ping", "ping_empty", ping, b"")
add("ping", "ping_125", ping, bytes(range(125)))


@case("ping")
def pong_unasked(t):
    conn = t.open()
    conn.send(frame(PONG, b"hello") + frame(TEXT, b"after"))
    t.expect("control")
    t.expect_message(b"after")


@case("ping")
def ten_pings_in_one_segment(t):
    conn = t.open()
    conn.send(b"".join(frame(PING, b"%d" % i) for i in range(10)))
    for i in range(10):
        conn.expect_frame(PONG, b"%d" % i)


@case("ping")
def pings_of_one_who_does_not_read(t):
    conn = t.open(tls=None)
    flood = frame(PING, b"p" * 125) * 512
    try:
        for _ in range(4000):
            conn.send(flood)
    except OSError:
        pass
    while (event := t.events.get(timeout=20))["event"] == "control":
        pass
    assert event["cause"] == "internal" and "does not read" in event["text"], event


# ---- protocol errors -------------------------------------------------------------------

def refused(t, data, code=1002, text=None, **options):
    """These bytes end the connection, with this code in our close frame."""
    conn = t.open(**options)
    conn.send(data)
    reason = conn.expect_close(code)
    end = t.expect_end("protocol", text, step="open", code=1005)
    assert reason and reason in end["text"]
    conn.expect_end()


BEGUN = frame(TEXT, b"begun", fin=False)

for bit in (1, 2, 4):
    add("error", f"rsv_{bit}", refused, frame(TEXT, b"x", rsv=bit), text="reserved bits")
add("error", "rsv_of_a_continuation", refused, BEGUN + frame(CONT, b"x", rsv=4))
add("error", "rsv_of_a_ping", refused, frame(PING, rsv=1))
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    add("error", f"opcode_{opcode}", refused, frame(opcode, b"x"), text="reserved opcode")
add("error", "masked_text", refused, frame(TEXT, b"hi", mask=b"\1\2\3\4"), text="masked")
add("error", "masked_ping", refused, frame(PING, b"", mask=b"\0\0\0\0"), text="masked")
add("error", "ping_of_126", refused, frame(PING, b"p" * 126), text="too long")
add("error", "close_of_126", refused, close_frame(1000, b"r" * 124), text="too long")
add("error", "ping_in_64_bits", refused, frame(PING, b"p", form=64), text="too long")
add("error", "ping_in_fragments", refused, frame(PING, b"p", fin=False), text="fragmented")
add("error", "close_in_fragments", refused, frame(CLOSE, fin=False), text="fragmented")
add("error", "continuation_first", refused, frame(CONT, b"x"), text="continuation")
add("error", "text_inside_text", refused, BEGUN + frame(TEXT, b"x"), text="inside")
add("error", "binary_inside_text", refused, BEGUN + frame(BINARY, b"x"), text="inside")
add("error", "100_in_16_bits", refused, frame(TEXT, b"x" * 100, form=16), text="shortest")
add("error", "125_in_16_bits", refused, frame(TEXT, b"x" * 125, form=16), text="shortest")
add("error", "100_in_64_bits", refused, frame(TEXT, b"x" * 100, form=64), text="shortest")
add("error", "65535_in_64_bits", refused, frame(TEXT, form=64, announce=65535), text="shortest")
add("error", "top_bit_of_64", refused, frame(TEXT, form=64, announce=1 << 63), text="top bit")
add("error", "half_a_terabyte", refused, frame(TEXT, announce=0x7fffffffff), 1009, "size limit")
add("error", "two_to_the_62", refused, frame(BINARY, announce=1 << 62), 1009, "size limit")
add("error", "one_over_the_limit", refused, frame(TEXT, b"x" * 1001), 1009, max=1000)
add("error", "one_over_in_fragments", refused,
    frame(TEXT, b"x" * 1000, fin=False) + frame(CONT, b"x"), 1009, max=1000)
add("error", "plain_socket_too", refused, frame(3), tls=None)


@case("error")
def continuation_after_the_end(t):
    conn = t.open()
    conn.send(BEGUN + frame(CONT) + frame(CONT))
    t.expect_message(b"begun")
    t.expect_end("protocol", "continuation")
    conn.expect_close(1002)


@case("error")
def refused_at_the_second_byte(t):
    conn = t.open()
    conn.send(frame(TEXT, mask=b"\1\2\3\4")[:2])
    conn.expect_close(1002)
    t.expect_end("protocol", "masked")


# ---- UTF-8 -----------------------------------------------------------------------------

@case("utf8")
def good_text_of_every_length(t):
    conn = t.open(echo=1)
    text = "a\u00e9\u20ac\U0001d11e\U0010ffff\ufffd\ue000\ud7ff".encode()
    conn.send(frame(TEXT, text))
    t.expect_message(text)
    conn.expect_frame(TEXT, text)


@case("utf8")
def a_character_cut_by_frames_and_records(t):
    conn = t.open()
    text = "\U0001d11e".encode()
    conn.send(frame(TEXT, text[:1], fin=False))
    conn.send(frame(PING) + frame(CONT, text[1:3], fin=False))
    conn.send(frame(CONT, text[3:]))
    t.expect("control")
    t.expect_message(text)


add("utf8", "bad_first_byte", refused, frame(TEXT, b"ok \xff"), 1007, "UTF-8")
add("utf8", "overlong", refused, frame(TEXT, b"\xc0\xaf"), 1007, "UTF-8")
add("utf8", "surrogate", refused, frame(TEXT, b"\xed\xa0\x80"), 1007, "UTF-8")
add("utf8", "above_the_last", refused, frame(TEXT, b"\xf4\x90\x80\x80"), 1007, "UTF-8")
add("utf8", "ends_inside_a_character", refused, frame(TEXT, b"euro \xe2\x82"), 1007, "inside")
add("utf8", "bad_before_the_message_ends", refused, frame(TEXT, b"\x80", fin=False), 1007)
add("utf8", "bad_in_a_long_frame_under_way", refused,
    frame(TEXT, b"x" * 100 + b"\xfe", announce=5000), 1007)


@case("utf8")
def binary_may_be_anything(t):
    conn = t.open()
    conn.send(frame(BINARY, bytes(range(256))))
    t.expect_message(bytes(range(256)), binary=True)


# ---- close frames of the peer ----------------------------------------------------------

def closed(t, code, reason=b"", behind=b""):
    """A right close frame: reported as it is, and answered with its code."""
    conn = t.open()
    conn.send(close_frame(code, reason) + behind)
    end = t.expect_end("closed", code=1005 if code is None else code)
    if reason:
        assert reason.decode()[:80] in end["text"], end["text"]
    conn.expect_close(code)
    conn.expect_end()
    t.expect_nothing_more(0)


for number in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
               3000, 3999, 4000, 4004, 4014, 4999):
    add("close", f"allowed_{number}", closed, number)
for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
    add("close", f"forbidden_{number}", refused, close_frame(number), text="close code")
add("close", "without_a_code", closed, None)
add("close", "of_one_byte", refused, frame(CLOSE, b"\x03"), text="one byte")
add("close", "with_a_reason", closed, 4008, b"Rate limited.")
add("close", "with_the_longest_reason", closed, 4000, b"r" * 123)
add("close", "with_a_reason_not_utf8", refused, close_frame(4000, b"\xc3("), 1007, "UTF-8")
add("close", "with_a_reason_cut", refused, close_frame(4000, b"\xe2\x82"), 1007, "UTF-8")
add("close", "with_data_behind", closed, 4000, b"", frame(TEXT, b"late") + b"\xff" * 5000)


@case("close")
def inside_a_message(t):
    conn = t.open()
    conn.send(BEGUN + close_frame(4000))
    t.expect_end("closed", code=4000)
    conn.expect_close(4000)


@case("close")
def then_the_peer_hangs_up_at_once(t):
    conn = t.open()
    conn.send(frame(TEXT, b"last") + close_frame(4009))
    conn.finish()
    t.expect_message(b"last")
    t.expect_end("closed", code=4009)


@case("close")
def with_close_notify_and_fin(t):
    conn = t.open()
    conn.send(close_frame(4001))
    try:
        conn.sock.unwrap()
    except (ssl.SSLError, OSError):
        pass
    t.expect_end("closed", code=4001)
