"""Cases: the upgrade, TLS, TCP."""

import re
import socket
import ssl
import time

from cases import add, case
from peer import TEXT, accept_of, frame

# ---- upgrade ---------------------------------------------------------------------------


@case("upgrade")
def request_is_right(t):
    t.connect(path="/?v=10&encoding=json", agent="gwbot/1")
    conn = t.accept().read_request()
    assert conn.request == "GET /?v=10&encoding=json HTTP/1.1", conn.request
    port = t.listener.getsockname()[1]
    assert conn.headers["host"] == f"gateway.test:{port}", conn.headers
    assert conn.headers["upgrade"] == "websocket"
    assert conn.headers["connection"] == "Upgrade"
    assert conn.headers["sec-websocket-version"] == "13"
    assert conn.headers["user-agent"] == "gwbot/1"
    assert re.fullmatch(r"[A-Za-z0-9+/]{22}==", conn.headers["sec-websocket-key"])
    assert "sec-websocket-extensions" not in conn.headers
    assert "origin" not in conn.headers
    conn.answer()
    t.expect("open")


@case("upgrade")
def keys_differ(t):
    keys = set()
    for _ in range(2):
        t.connect(tls=False)
        conn = t.accept(None).read_request()
        keys.add(conn.headers["sec-websocket-key"])
        conn.reset()
        t.expect("end")
    assert len(keys) == 2


def status(t, line, *headers, expect, retry_after=0):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    conn.send("\r\n".join([line, *headers]).encode() + b"\r\nContent-Length: 4\r\n\r\nbody")
    t.expect_end("upgrade", str(expect), status=expect, retry_after=retry_after, step="upgrade")


for number in (100, 103, 200, 301, 302, 400, 401, 403, 404, 426, 500, 502, 503):
    add("upgrade", f"status_{number}", status, f"HTTP/1.1 {number} Words", expect=number)
add("upgrade", "status_429", status, "HTTP/1.1 429 Too Many Requests", "Retry-After: 7",
    expect=429, retry_after=7)
add("upgrade", "retry_after_a_date", status, "HTTP/1.1 503 Busy",
    "retry-after: Fri, 31 Dec 1999 23:59:59 GMT", expect=503)
add("upgrade", "retry_after_too_long", status, "HTTP/1.1 503 Busy", "Retry-After: 99999999999",
    expect=503)
add("upgrade", "status_of_http_1_0", status, "HTTP/1.0 502 Bad Gateway", expect=502)
add("upgrade", "status_without_a_phrase", status, "HTTP/1.1 503", expect=503)


@case("upgrade")
def status_then_hung_up_within_the_headers(t):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    conn.send(b"HTTP/1.1 503 Busy\r\nServer:")
    conn.finish()
    t.expect_end("upgrade", status=503, step="upgrade")


def accepted(t, **answer):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    conn.answer(**answer)
    t.expect("open")
    conn.send(frame(TEXT, b"works"))
    t.expect_message(b"works")


add("upgrade", "upgrade_in_other_case", accepted, upgrade="UPGRADE: WebSocket")
add("upgrade", "connection_as_a_list", accepted, connection="connection: keep-alive, UPGRADE ,x")
add("upgrade", "headers_that_others_choke_on", accepted,
    extra=("X-A: 1", "Acc: 2", "If: 3", "Sec: 4", "X-Empty:", "Via:\t1.1 x \t"))
add("upgrade", "no_phrase", accepted, status="HTTP/1.1 101 ")
add("upgrade", "header_of_almost_8_KiB", accepted, extra=("X: " + "y" * 7900,))


def invalid(t, text, **answer):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    conn.answer(**answer)
    t.expect_end("upgrade", text, step="upgrade")


WRONG = "Sec-WebSocket-Accept: " + accept_of("AAAAAAAAAAAAAAAAAAAAAA==")

add("upgrade", "wrong_accept", invalid, "wrong Sec-WebSocket-Accept", accept=WRONG)
add("upgrade", "no_accept", invalid, "no Sec-WebSocket-Accept", accept="X-No: 1")
add("upgrade", "two_accepts", invalid, "twice", extra=(WRONG,))
add("upgrade", "no_upgrade", invalid, "no Upgrade", upgrade="")
add("upgrade", "other_upgrade", invalid, "another protocol", upgrade="Upgrade: h2c")
add("upgrade", "no_connection", invalid, "no Connection", connection="")
add("upgrade", "connection_without_it", invalid, "no Connection", connection="Connection: close")
add("upgrade", "unasked_extension", invalid, "extension",
    extra=("Sec-WebSocket-Extensions: permessage-deflate",))
add("upgrade", "unasked_protocol", invalid, "subprotocol", extra=("Sec-WebSocket-Protocol: x",))
add("upgrade", "http_1_0", invalid, "another version", status="HTTP/1.0 101 Switching Protocols")
add("upgrade", "http_2", invalid, "not HTTP", status="HTTP/2 101")
add("upgrade", "over_8_KiB", invalid, "8 KiB", extra=("X: " + "y" * 8192,))
add("upgrade", "zero_byte", invalid, "zero byte", extra=("X-Zero: a\0b",))
add("upgrade", "folded_header", invalid, "folded", extra=("X: 1", " folded"))
add("upgrade", "header_without_colon", invalid, "malformed", extra=("nothing",))
add("upgrade", "blank_before_the_colon", invalid, "malformed", extra=("X-A : 1",))
add("upgrade", "bare_line_feed", invalid, "CR LF", extra=("X-A: 1\nX-B: 2",))
add("upgrade", "bare_carriage_return", invalid, "CR LF", extra=("X-A: 1\rX-B: 2",))
add("upgrade", "garbage", invalid, "not HTTP", status="SSH-2.0-OpenSSH_9.2")


@case("upgrade")
def answer_in_drips(t):
    t.connect()
    conn = t.accept().read_request()
    key = conn.headers["sec-websocket-key"]
    text = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_of(key)}\r\n\r\n").encode()
    for byte in text + frame(TEXT, b"x"):
        conn.send(bytes([byte]))
    t.expect("open")
    t.expect_message(b"x")


@case("upgrade")
def drip_too_slow(t):
    t.connect(tls=False, open_ms=800)
    conn = t.accept(None).read_request()
    began = time.monotonic()
    try:
        for byte in b"HTTP/1.1 101 Switching Protocols\r\n" * 10:
            conn.send(bytes([byte]))
            time.sleep(0.05)
            if not t.events.empty():
                break
    except OSError:
        pass
    end = t.expect_end("timeout", "upgrade", step="upgrade")
    assert 0.5 < end["at"] - began < 3, "the deadline is for the whole answer"


@case("upgrade")
def silence_within_open_timeout(t):
    t.connect(open_ms=600)
    t.accept().read_request()
    t.expect_end("timeout", "upgrade", step="upgrade")


@case("upgrade")
def silence_has_a_deadline_of_its_own(t):
    t.connect(tls=False, open_ms=60000)
    t.accept(None).read_request()
    began = time.monotonic()
    end = t.expect_end("timeout", step="upgrade")
    assert 4 < end["at"] - began < 8


@case("upgrade")
def hung_up_instead(t):
    t.connect()
    conn = t.accept().read_request()
    conn.finish()
    t.expect_end("lost", step="upgrade")


@case("upgrade")
def reset_instead(t):
    t.connect(tls=False)
    conn = t.accept(None).read_request()
    conn.reset()
    t.expect_end("lost", "reset", step="upgrade")


def unsendable(t, **options):
    t.connect(tls=False, **options)
    assert "cannot stand in a request" in t.expect("refused")["text"]


add("upgrade", "line_end_in_the_path", unsendable, path="/\rX-Forged:1")
add("upgrade", "line_end_in_the_host", unsendable, host="gateway.test\rX:1")
add("upgrade", "path_without_slash", unsendable, path="gateway")
add("upgrade", "path_too_long", unsendable, path="/" + "x" * 3000 + "y" * 800 + "z" * 300)


# ---- TLS -------------------------------------------------------------------------------

def trusted(t, tls, **options):
    conn = t.open(tls=tls, **options)
    conn.send(frame(TEXT, b"works"))
    t.expect_message(b"works")
    return conn


def distrusted(t, tls, text, **options):
    t.connect(**options)
    try:
        t.accept(tls).fill()
    except (ssl.SSLError, OSError):
        pass
    t.expect_end("tls", text, step="tls")


add("tls", "wildcard", trusted, "good", host="shard.wild.test")
add("tls", "numeric_host", trusted, "ip", host="127.0.0.1")
add("tls", "only_tls_1_2", trusted, "tls12")
add("tls", "only_tls_1_3", trusted, "tls13")
add("tls", "wrong_name", distrusted, "other", "for other.test, second.test")
add("tls", "wrong_name_says_which", distrusted, "other", "no certificate for gateway.test")
add("tls", "wildcard_of_two_labels", distrusted, "good", "wrong name", host="a.b.wild.test")
add("tls", "wildcard_itself", distrusted, "good", "wrong name", host="wild.test")
add("tls", "partial_wildcard", distrusted, "partial", "wrong name", host="gateway.test")
add("tls", "common_name_alone", distrusted, "bare", "no name at all")
add("tls", "address_for_a_name", distrusted, "ip", "for 127.0.0.1, ::1")
add("tls", "name_for_an_address", distrusted, "good", "wrong name", host="127.0.0.1")
add("tls", "expired", distrusted, "expired", "expired on 2021-01-01; check the local clock")
add("tls", "not_yet_valid", distrusted, "future", "before 2048-01-01; check the local clock")
add("tls", "self_signed", distrusted, "self", "self-signed")
add("tls", "unknown_authority", distrusted, "stranger", "unknown authority")
add("tls", "only_tls_1_1", distrusted, "tls11", "protocol")


@case("tls")
def name_and_protocol_are_offered(t):
    conn = trusted(t, "good")
    assert conn.sock.asked_name == "gateway.test"
    assert conn.sock.selected_alpn_protocol() == "http/1.1"
    assert conn.sock.version() == "TLSv1.3"


@case("tls")
def no_name_for_an_address(t):
    conn = trusted(t, "ip", host="127.0.0.1")
    assert conn.sock.asked_name is None


def plain_answer(t, answer, text):
    t.connect()
    sock = t.accept_raw()
    sock.recv(65536)
    sock.sendall(answer)
    t.expect_end("tls", text, step="tls")


add("tls", "plain_http", plain_answer, b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS")
add("tls", "garbage", plain_answer, bytes(range(200)), "TLS handshake failed")


@case("tls")
def silence_in_the_handshake(t):
    t.connect(open_ms=600)
    t.accept_raw()
    t.expect_end("timeout", "TLS handshake", step="tls")


@case("tls")
def silence_has_its_own_deadline(t):
    t.connect(open_ms=60000)
    began = time.monotonic()
    t.accept_raw()
    end = t.expect_end("timeout", step="tls")
    assert 4 < end["at"] - began < 8


@case("tls")
def hung_up_in_the_handshake(t):
    t.connect()
    t.accept_raw().shutdown(socket.SHUT_WR)
    t.expect_end("tls", "closed by the peer", step="tls")


def cut_after(t, size):
    """The server's part of the handshake, and the line goes after size bytes of it."""
    t.connect()
    sock = t.accept_raw()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = t.contexts["good"].wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(sock.recv(65536))
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    sock.sendall(outgoing.read()[:size])
    sock.shutdown(socket.SHUT_WR)
    t.expect_end("tls", step="tls")


for cut in (1, 5, 60, 130, 500):
    add("tls", f"handshake_cut_after_{cut}", cut_after, cut)


@case("tls")
def a_damaged_record_later(t):
    conn = t.open()
    raw = conn.raw()
    raw.send(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
    raw.close()
    t.expect_end("lost", "bad record mac", step="open")


def bad_ca(t, name, text):
    t.connect(ca=getattr(t.certificates, name, name))
    event = t.expect("refused")
    assert text in event["text"], event


add("tls", "ca_file_missing", bad_ca, "/nonexistent/ca.pem", "No such file")
add("tls", "ca_file_empty", bad_ca, "empty", "cannot use the CA certificates")
add("tls", "ca_file_is_a_key", bad_ca, "key", "cannot use the CA certificates")


# ---- TCP -------------------------------------------------------------------------------

@case("tcp")
def refused(t):
    port = t.listen()
    t.listener.close()
    t.listener = None
    t.client.command(f"connect {t.name} port={port}")
    t.expect_end("connect", "Connection refused", step="tcp")


@case("tcp")
def no_answer(t):
    """A full backlog drops the first packet, as a black hole does."""
    port = t.listen(backlog=0)
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        t.conns.append(filler)
    t.connect(open_ms=700)
    end = t.expect_end("connect", "no answer", step="tcp")
    assert str(port) in end["text"]


@case("tcp")
def reset_after_accept(t):
    t.connect(tls=False)
    sock = t.accept_raw()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
    end = t.expect("end")
    assert (end["cause"], end["step"]) in (("lost", "upgrade"), ("connect", "tcp")), end


@case("tcp")
def over_ipv6(t):
    t.listen(socket.AF_INET6, "::1")
    conn = t.open(tls="ip", address="::1", host="::1")
    assert conn.headers["host"].startswith("[::1]:"), conn.headers
    conn.send(frame(TEXT, b"six"))
    t.expect_message(b"six")


def no_address(t, address):
    t.connect(address=address)
    assert t.expect("refused")["text"].startswith("cannot connect to"), address


add("tcp", "a_name_is_no_address", no_address, "localhost")
add("tcp", "nonsense_is_no_address", no_address, "1.2.3.4.5")
