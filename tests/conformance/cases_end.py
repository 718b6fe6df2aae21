"""Cases: our own close, lost lines, stalls, peers that do not read."""

import socket
import threading
import time

from cases import add, case
from peer import BINARY, CONT, PING, PONG, TEXT, close_frame, frame


@case("end")
def close_that_is_answered(t):
    conn = t.open()
    t.command("close", 4000, "see you")
    assert conn.expect_close(4000) == "see you"
    conn.send(close_frame(4000))
    conn.expect_end()
    t.expect_nothing_more()


@case("end")
def close_that_is_not_answered(t):
    conn = t.open(tls=None)
    began = time.monotonic()
    t.command("close", 4900)
    conn.expect_close(4900)
    conn.expect_end()
    assert time.monotonic() - began < 1, "our sending side is shut at once"
    try:
        while True:  # until the client's descriptor is gone: RST
            conn.send(b"x")
            time.sleep(0.05)
    except OSError:
        pass
    assert 1.5 < time.monotonic() - began < 4, "the client lingers for 2 s"
    t.expect_nothing_more(0)


def flood(conn, stop):
    try:
        while not stop.is_set():
            conn.send(frame(BINARY, b"f" * 16000) * 4)
    except OSError:
        pass


@case("end")
def close_under_a_flood(t):
    conn = t.open(tls=None, close=4000)
    stop = threading.Event()
    sender = threading.Thread(target=flood, args=(conn, stop))
    sender.start()
    try:
        t.expect("closing")
        assert conn.expect_close(4000) == "from inside", "the close frame arrives all the same"
        conn.expect_end()
    finally:
        stop.set()
        sender.join()
    t.expect_nothing_more(0)


@case("end")
def close_from_inside_a_piece(t):
    conn = t.open(close=4001)
    conn.send(frame(TEXT, b"one", fin=False) + frame(CONT, b"two") + frame(TEXT, b"three"))
    t.expect("closing")
    conn.expect_close(4001)
    t.expect_nothing_more()


@case("end")
def close_with_a_reason_too_long(t):
    conn = t.open()
    t.command("close", 4000, "r" * 200)
    assert conn.expect_close(4000) == "r" * 123


def fill_queue(t):
    """Sends until the kernel takes no more; returns how many messages of 100 kB."""
    for count in range(1, 100):
        t.command("bulk", 1, 100000)
        t.expect("queued")
        t.command("unsent")
        if t.expect("unsent")["bytes"] > 800000:
            return count
    raise AssertionError("the kernel took all: nothing is tested")


@case("end")
def close_with_a_full_queue(t):
    """Room is kept for the close frame; whoever reads at last finds it at the end."""
    conn = t.open(tls=None)
    fill_queue(t)
    t.command("close", 4000, "full")
    assert conn.expect_close(4000) == "full"


@case("end")
def close_before_it_is_open(t):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    t.command("close", 4000)
    conn.expect_end()
    t.expect_nothing_more()


@case("end")
def abort(t):
    conn = t.open()
    t.command("abort")
    conn.expect_end()
    assert conn.data == b"", "no close frame"
    t.expect_nothing_more()


def lost(t, last_words=b"", ending="finish", text="closed by the peer", **options):
    conn = t.open(**options)
    conn.send(last_words)
    getattr(conn, ending)()
    t.expect_end("lost", text, step="open", code=1005)


add("end", "fin", lost, tls=None)
add("end", "fin_without_close_notify", lost)
add("end", "fin_inside_a_header", lost, frame(TEXT, b"x" * 300)[:2])
add("end", "fin_inside_a_payload", lost, frame(BINARY, b"x" * 300)[:200])
add("end", "fin_inside_a_message", lost, frame(BINARY, fin=False))
add("end", "reset", lost, ending="reset", text="reset", tls=None)


@case("end")
def close_notify_and_fin(t):
    conn = t.open()
    conn.send(frame(TEXT, b"last words"))
    conn.sock.settimeout(0.2)
    try:
        conn.sock.unwrap()
    except OSError:
        pass
    conn.close()
    t.expect_message(b"last words")
    t.expect_end("lost", step="open")


@case("end")
def message_that_stalls(t):
    conn = t.open(message_ms=500)
    conn.send(frame(TEXT, b"ok"))
    t.expect_message(b"ok")
    began = time.monotonic()
    conn.send(frame(TEXT, b"half", announce=8))
    end = t.expect_end("timeout", "not finished", step="open")
    assert 0.3 < end["at"] - began < 3


@case("end")
def header_that_stalls(t):
    conn = t.open(message_ms=500)
    conn.send(frame(TEXT, b"x" * 300)[:1])
    t.expect_end("timeout", "not finished", step="open")


@case("end")
def message_that_drips(t):
    """A byte now and then, and pings between, do not move the deadline."""
    conn = t.open(message_ms=700)
    began = time.monotonic()
    conn.send(frame(TEXT, b"x", fin=False))
    ended = None
    for i in range(100):
        try:
            conn.send(frame(CONT, b"x", fin=False) + (frame(PING) if i % 5 == 0 else b""))
        except OSError:
            break
        time.sleep(0.05)
        if ended := next((e for e in drain(t) if e["event"] == "end"), None):
            break
    ended = ended or t.expect("end")
    assert ended["cause"] == "timeout", ended
    assert 0.5 < ended["at"] - began < 3


def drain(t):
    while not t.events.empty():
        yield t.events.get()


@case("end")
def silence_between_messages_is_allowed(t):
    conn = t.open(message_ms=200)
    conn.send(frame(TEXT, b"a", fin=False) + frame(CONT, b"b"))
    t.expect_message(b"ab")
    t.expect_nothing_more(0.6)
    conn.send(frame(TEXT, b"c"))
    t.expect_message(b"c")


def late_reader(t, tls):
    """More than the kernel takes is queued, and the peer reads it only later, in many
    steps as small segments keep the sender's buffer small: whoever loses the wish to write
    in one of them waits for ever."""
    t.listen(segment=536)
    conn = t.open(tls=tls)
    count = fill_queue(t)
    conn.send(frame(PING, b"now both ways"))
    t.expect("control")
    for _ in range(count):
        conn.expect_frame(TEXT, b"x" * 100000)
    conn.expect_frame(PONG, b"now both ways")
    t.command("text", "and on it goes")
    conn.expect_frame(TEXT, b"and on it goes")


add("end", "late_reader", late_reader, "good")
add("end", "late_reader_plain", late_reader, None)


@case("end")
def one_who_never_reads(t):
    t.open(tls=None)
    t.command("bulk", 200, 100000)
    t.expect("full")
    t.expect_end("internal", "send queue", step="open")
