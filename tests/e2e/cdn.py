"""A CDN for /emoji-pad: every byte by hand, and a count of who asked for what."""

import collections
import contextlib
import re
import socket
import struct
import threading
import time
import zlib


def png(width=8, height=8, colour=(255, 0, 0, 255), border=2):
    """A rectangle of one colour with a transparent border, as PNG."""
    clear = bytes(4) * (width + 2 * border)
    row = bytes(4) * border + bytes(colour) * width + bytes(4) * border
    raw = b"".join(b"\0" + line for line in
                   [clear] * border + [row] * height + [clear] * border)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width + 2 * border, height + 2 * border, 8, 6, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
            chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def answer(body, status="200 OK", kind="image/png", *more):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join([*lines, *more, "", ""]).encode() + body


class Cdn:
    """Serves PNG files of any number; script(name, connection) plays what else it likes
    and returns True when it did."""

    def __init__(self, script=None, host="127.0.0.1", delay=0.0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, 0), family=family, backlog=128)
        self.port = self.socket.getsockname()[1]
        self.script, self.delay = script, delay
        self.lock = threading.Lock()
        self.connects = 0
        self.open = self.most_open = 0
        self.asked = collections.Counter()
        self.heads = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def url(self, name):
        return f"http://{self.host}/emojis/{name}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with self.lock:
                    self.connects += 1
                    self.open += 1
                    self.most_open = max(self.most_open, self.open)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with contextlib.suppress(OSError), connection:
                connection.settimeout(30)
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    head += piece
                found = re.match(rb"GET /emojis/(\S+) ", head)
                name = found.group(1).decode() if found else ""
                with self.lock:
                    self.asked[name] += 1
                    self.heads.append(head.decode())
                if self.script and self.script(name, connection):
                    return
                time.sleep(self.delay)
                connection.sendall(answer(png()))
        finally:
            with self.lock:
                self.open -= 1
