"""A WebSocket server made by hand, byte by byte, and the driver of ws_client.

Standard library only.  The server says whatever a case wants said, right or wrong; it
checks what the client sends: masked, whole, with a right upgrade request.
"""

import base64
import hashlib
import json
import os
import queue
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

WAIT = 20  # seconds until a case is given up; a loaded machine is slow


# ---- certificates ----------------------------------------------------------------------

CA_CONFIG = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
"""


class Certificates:
    """A certificate authority in a folder, and leaves for every case."""

    def __init__(self, folder):
        self.folder = folder
        self.key = os.path.join(folder, "key.pem")
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.ca = self.authority("ca")
        self.other_ca = self.authority("other")
        open(os.path.join(folder, "empty.pem"), "w").close()
        self.empty = os.path.join(folder, "empty.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def authority(self, name):
        path = os.path.join(self.folder, name + ".pem")
        self.openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=Test " + name,
                     "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE", "-out", path)
        return path

    def leaf(self, name, names=None, start=None, end=None, ca="ca"):
        """A certificate with these subject alternative names; returns its path."""
        path = os.path.join(self.folder, name + ".pem")
        work = os.path.join(self.folder, name + ".work")
        os.mkdir(work)
        open(os.path.join(work, "index.txt"), "w").close()
        config = os.path.join(work, "ca.cnf")
        with open(config, "w") as file:
            file.write(CA_CONFIG.format(folder=work))
        request = os.path.join(work, "request.pem")
        extra = ["-addext", "subjectAltName=" + names] if names else []
        self.openssl("req", "-new", "-key", self.key, "-subj", "/CN=gateway.test",
                     "-out", request, *extra)
        self.openssl("ca", "-batch", "-config", config, "-notext",
                     "-cert", os.path.join(self.folder, ca + ".pem"), "-keyfile", self.key,
                     "-in", request, "-out", path,
                     "-startdate", start or "20200101000000Z", "-enddate", end or "20491231000000Z")
        shutil.rmtree(work)
        return path

    def self_signed(self):
        path = os.path.join(self.folder, "self.pem")
        self.openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=gateway.test",
                     "-days", "30", "-addext", "subjectAltName=DNS:gateway.test",
                     "-addext", "basicConstraints=critical,CA:FALSE", "-out", path)
        return path

    def context(self, path, low=None, high=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, self.key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        if low:
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            context.minimum_version = low
        if high:
            context.maximum_version = high
        return context


# ---- frames ----------------------------------------------------------------------------

def frame(opcode, payload=b"", fin=True, rsv=0, mask=None, form=None, announce=None):
    """A frame as a server sends it, or as it must not: form 7, 16 or 64 is the length's."""
    size = len(payload) if announce is None else announce
    form = form or (7 if size < 126 else 16 if size < 65536 else 64)
    masked = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([masked | size])
    elif form == 16:
        head += bytes([masked | 126]) + struct.pack(">H", size)
    else:
        head += bytes([masked | 127]) + struct.pack(">Q", size)
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        head += mask
    return head + payload


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class Conn:
    """The server's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""
        self.request = None
        self.headers = {}

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        """Reads some more; False at the end of the stream."""
        try:
            more = self.sock.recv(65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            more = b""
        self.data += more
        return more != b""

    def exactly(self, size):
        while len(self.data) < size:
            if not self.fill():
                raise AssertionError(f"stream ended, {size - len(self.data)} bytes short")
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def read_request(self):
        while b"\r\n\r\n" not in self.data:
            if not self.fill():
                raise AssertionError("no whole request came")
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        self.request, *lines = head.decode().split("\r\n")
        self.headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        return self

    def answer(self, accept=None, status="HTTP/1.1 101 Switching Protocols", extra=(),
               upgrade="Upgrade: websocket", connection="Connection: Upgrade", glued=b""):
        if accept is None:
            accept = "Sec-WebSocket-Accept: " + accept_of(self.headers["sec-websocket-key"])
        lines = [status, upgrade, connection, accept, *extra]
        self.send("\r\n".join(x for x in lines if x).encode() + b"\r\n\r\n" + glued)

    def upgrade(self, **arguments):
        self.read_request()
        self.answer(**arguments)
        return self

    def frame(self):
        """The client's next frame: (opcode, payload); it must be whole and masked."""
        first, second = self.exactly(2)
        size = second & 0x7F
        assert first & 0xF0 == 0x80, f"FIN alone expected, first byte {first:#x}"
        assert second & 0x80, "the client's frame is not masked"
        if size == 126:
            size = struct.unpack(">H", self.exactly(2))[0]
            assert size > 125
        elif size == 127:
            size = struct.unpack(">Q", self.exactly(8))[0]
            assert size > 65535
        mask = self.exactly(4)
        payload = self.exactly(size)
        pad = mask * (size // 4 + 1)
        plain = (int.from_bytes(payload, "big") ^ int.from_bytes(pad[:size], "big"))
        return first & 0xF, plain.to_bytes(size, "big")

    def expect_frame(self, opcode, payload=None):
        got_opcode, got = self.frame()
        assert got_opcode == opcode, f"opcode {got_opcode}, expected {opcode}"
        assert payload is None or got == payload, f"payload {got[:60]!r}"
        return got

    def expect_close(self, code):
        """The client's close frame, whatever else came before it."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                break
        got = struct.unpack(">H", payload[:2])[0] if payload else None
        assert got == code, f"close code {got}, expected {code}"
        return payload[2:].decode()

    def expect_end(self):
        while self.fill():
            pass

    def finish(self):
        """FIN, without a close frame and without a close_notify."""
        self.raw().shutdown(socket.SHUT_WR)

    def raw(self):
        return socket.socket(fileno=os.dup(self.sock.fileno()))

    def reset(self):
        """RST."""
        raw = socket.socket(fileno=self.sock.detach())
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()

    def close(self):
        self.sock.close()


# ---- the client program ----------------------------------------------------------------

class Client:
    """One running ws_client: commands in, events out, sorted by connection."""

    def __init__(self, binary, wrap=(), env=None):
        self.process = subprocess.Popen(
            [*wrap, binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.lock = threading.Lock()
        self.queues = {}
        self.errors = ""
        self.readers = [threading.Thread(target=self.read_events, daemon=True),
                        threading.Thread(target=self.read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def queue(self, name):
        with self.lock:
            return self.queues.setdefault(name, queue.Queue())

    def read_events(self):
        for line in self.process.stdout:
            event = json.loads(line)
            event["at"] = time.monotonic()
            self.queue(event["id"]).put(event)

    def read_errors(self):
        self.errors = self.process.stderr.read()

    def command(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def stop(self):
        """Ends it; the exit status, and what it wrote to stderr."""
        try:
            self.command("quit")
        except BrokenPipeError:
            pass
        status = self.process.wait(WAIT)
        for reader in self.readers:
            reader.join(WAIT)
        return status, self.errors


class Case:
    """What one case has at hand: a listener, connections, the client's events."""

    def __init__(self, name, client, certificates, contexts):
        self.name = name
        self.client = client
        self.certificates = certificates
        self.contexts = contexts
        self.events = client.queue(name)
        self.listener = None
        self.conns = []

    def listen(self, family=socket.AF_INET, address="127.0.0.1", backlog=8, segment=0):
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        if segment:
            self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.listener.bind((address, 0))
        self.listener.listen(backlog)
        self.listener.settimeout(WAIT)
        return self.listener.getsockname()[1]

    def connect(self, tls=True, **options):
        """Has the client connect to our listener."""
        if not self.listener:
            self.listen()
        options.setdefault("port", self.listener.getsockname()[1])
        if tls:
            options.setdefault("ca", self.certificates.ca)
        words = [f"{key}={value}" for key, value in options.items()]
        self.client.command(f"connect {self.name} {' '.join(words)}")

    def accept_raw(self):
        sock, _ = self.listener.accept()
        sock.settimeout(WAIT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conns.append(sock)
        return sock

    def accept(self, tls="good"):
        sock = self.accept_raw()
        if tls:
            sock = self.contexts[tls].wrap_socket(sock, server_side=True,
                                                  suppress_ragged_eofs=True)
            self.conns.append(sock)
        return Conn(sock)

    def open(self, tls="good", **options):
        """A connection past its upgrade."""
        self.connect(tls=bool(tls), **options)
        conn = self.accept(tls).upgrade()
        self.expect("open")
        return conn

    def command(self, verb, *arguments):
        self.client.command(" ".join([verb, self.name, *map(str, arguments)]))

    def expect(self, kind, **values):
        """The next event, which must be of this kind and have these values."""
        event = self.events.get(timeout=WAIT)
        assert event["event"] == kind, f"{kind} expected, got {event}"
        for key, value in values.items():
            assert event[key] == value, f"{key}={value!r} expected, got {event}"
        return event

    def expect_message(self, payload, **values):
        digest = hashlib.sha1(payload).hexdigest()
        return self.expect("message", size=len(payload), sha1=digest, **values)

    def expect_end(self, cause, text=None, **values):
        event = self.expect("end", cause=cause, **values)
        assert event["text"], "an end without a text"
        assert text is None or text in event["text"], event["text"]
        return event

    def expect_nothing_more(self, seconds=0.05):
        try:
            event = self.events.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"nothing expected, got {event}")

    def done(self):
        for conn in self.conns:
            conn.close()
        if self.listener:
            self.listener.close()
