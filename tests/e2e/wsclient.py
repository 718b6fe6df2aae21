"""A small websocket client for tests: blocking, with deadlines, and rude on request."""

import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import socket
import ssl
import struct
import time
import zlib
from urllib.parse import urlsplit

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The peer ended the connection; code is None without a close frame."""

    def __init__(self, code=None, reason=""):
        super().__init__(f"closed: code {code} {reason!r}")
        self.code = code
        self.reason = reason


class Refused(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status, headers):
        super().__init__(f"upgrade refused: {status}")
        self.status = status
        self.headers = headers


class Zstd:
    """One zstd stream through the shared library; Python 3.11 brings no module."""

    class Buffer(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t),
                    ("at", ctypes.c_size_t)]

    def __init__(self):
        lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
        lib.ZSTD_createDStream.restype = ctypes.c_void_p
        lib.ZSTD_decompressStream.restype = ctypes.c_size_t
        lib.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.c_void_p,
                                              ctypes.c_void_p]
        lib.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
        self.lib = lib
        self.stream = lib.ZSTD_createDStream()

    def decompress(self, data):
        source = ctypes.create_string_buffer(data, len(data))
        given = self.Buffer(ctypes.addressof(source), len(data), 0)
        room = ctypes.create_string_buffer(1 << 16)
        out = []
        while True:
            to = self.Buffer(ctypes.addressof(room), len(room), 0)
            code = self.lib.ZSTD_decompressStream(
                self.stream, ctypes.byref(to), ctypes.byref(given))
            if self.lib.ZSTD_isError(ctypes.c_size_t(code)):
                raise ValueError("zstd stream is broken")
            out.append(room.raw[:to.at])
            if given.at == given.size and to.at < to.size:
                return b"".join(out)

    def close(self):
        if self.stream:
            self.lib.ZSTD_freeDStream(self.stream)
            self.stream = None


class Socket:
    """Frames over TCP or TLS."""

    def __init__(self, url, ca_file=None, timeout=10.0, headers=""):
        parts = urlsplit(url)
        self.timeout = timeout
        self.data = b""
        self.raw = socket.create_connection((parts.hostname, parts.port), timeout)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "wss":
            context = ssl.create_default_context(cafile=ca_file)
            self.raw = context.wrap_socket(self.raw, server_hostname=parts.hostname)
        try:
            self._upgrade(parts, headers)
        except BaseException:
            self.raw.close()
            raise

    def _upgrade(self, parts, headers):
        key = base64.b64encode(os.urandom(16))
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        self.raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key.decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode())
        while b"\r\n\r\n" not in self.data:
            self._more(time.monotonic() + self.timeout)
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        fields = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
        if status != 101:
            raise Refused(status, fields)
        wanted = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if fields.get("sec-websocket-accept") != wanted:
            raise ValueError("wrong Sec-WebSocket-Accept")

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no bytes in time")
        self.raw.settimeout(left)
        try:
            chunk = self.raw.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Closed(None, str(error)) from error
        if not chunk:
            raise Closed()
        self.data += chunk

    def _take(self, size, deadline):
        while len(self.data) < size:
            self._more(deadline)
        part, self.data = self.data[:size], self.data[size:]
        return part

    def frame(self, timeout=None):
        """One frame: fin, opcode, payload."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.data) < 2:
            self._more(deadline)
        length = self.data[1] & 0x7F
        if self.data[1] & 0x80:
            raise ValueError("a server must not mask")
        extra = {126: 2, 127: 8}.get(length, 0)
        while len(self.data) < 2 + extra:
            self._more(deadline)
        if extra:
            length = int.from_bytes(self.data[2:2 + extra], "big")
        while len(self.data) < 2 + extra + length:
            self._more(deadline)
        head = self._take(2 + extra, deadline)
        return bool(head[0] & 0x80), head[0] & 0x0F, self._take(length, deadline)

    def message(self, timeout=None):
        """One whole message: opcode, bytes, number of fragments."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        parts, first = [], None
        while True:
            fin, opcode, payload = self.frame(deadline - time.monotonic())
            if opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else None
                raise Closed(code, payload[2:].decode())
            if opcode == 9:
                self.send(payload, 10)
                continue
            if opcode == 10:
                continue
            first = opcode if first is None else first
            parts.append(payload)
            if fin:
                return first, b"".join(parts), len(parts)

    def send(self, payload, opcode=1, fin=True, mask=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        flag = 0x80 if mask else 0
        if len(payload) < 126:
            head += bytes([flag | len(payload)])
        elif len(payload) < 65536:
            head += bytes([flag | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", len(payload))
        if mask:
            key = os.urandom(4)
            stream = (key * (len(payload) // 4 + 1))[:len(payload)]
            masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
            head += key
            payload = masked.to_bytes(len(payload), "big")
        self.raw.sendall(head + payload)

    def close(self, code=None):
        """Ends the connection: with a close frame where a code is given."""
        try:
            if code is not None:
                self.send(struct.pack(">H", code), 8)
                self.raw.settimeout(2)
                while self.raw.recv(65536):
                    pass
        except OSError:
            pass
        self.raw.close()


class Gateway:
    """A connection that speaks Discord's payloads; it beats only when told."""

    def __init__(self, url, compress="", ca_file=None, version="10", timeout=10.0,
                 encoding="json"):
        query = f"/?v={version}&encoding={encoding}"
        if compress:
            query += f"&compress={compress}"
        self.socket = Socket(url.rstrip("/") + query, ca_file, timeout)
        self.compress = compress
        self.inflate = zlib.decompressobj() if compress == "zlib-stream" else None
        self.zstd = Zstd() if compress == "zstd-stream" else None
        self.seq = None
        self.seqs = []
        self.session_id = None
        self.fragments = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def read(self, timeout=None):
        """The next payload, of any opcode."""
        opcode, data, self.fragments = self.socket.message(timeout)
        if self.compress:
            assert opcode == 2, opcode
        if self.inflate:
            assert data.endswith(b"\x00\x00\xff\xff"), data[-8:]
            data = self.inflate.decompress(data)
        elif self.zstd:
            data = self.zstd.decompress(data)
        else:
            assert opcode == 1, opcode
        payload = json.loads(data)
        if payload["op"] == 0:
            self.seq = payload["s"]
            self.seqs.append(payload["s"])
            if payload["t"] == "READY":
                self.session_id = payload["d"]["session_id"]
        return payload

    def until(self, name, timeout=10.0):
        """Reads on until a dispatch with this name, or an opcode, has come."""
        deadline = time.monotonic() + timeout
        while True:
            payload = self.read(max(0.001, deadline - time.monotonic()))
            if payload["op"] == name or (payload["op"] == 0 and payload["t"] == name):
                return payload

    def closed(self, timeout=10.0):
        """Reads on until the end and returns the close code."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.read(max(0.001, deadline - time.monotonic()))
        except Closed as end:
            return end.code

    def send(self, op, d):
        self.socket.send(json.dumps({"op": op, "d": d}).encode())

    def beat(self, d=-1):
        self.send(1, self.seq if d == -1 else d)

    def identify(self, token, intents=34305, shard=None, **more):
        d = {"token": token, "intents": intents,
             "properties": {"os": "linux", "browser": "test", "device": "test"}}
        if shard is not None:
            d["shard"] = shard
        self.send(2, {**d, **more})

    def resume(self, token, session_id, seq):
        self.session_id = session_id
        self.send(6, {"token": token, "session_id": session_id, "seq": seq})

    def ready(self, token, **more):
        """HELLO, IDENTIFY, READY; returns READY's d."""
        hello = self.until(10)
        assert hello["d"]["heartbeat_interval"] > 0
        self.identify(token, **more)
        return self.until("READY")["d"]

    def close(self, code=None):
        self.socket.close(code)
        if self.zstd:
            self.zstd.close()
