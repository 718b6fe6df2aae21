"""An API on loopback that a test writes: every request is one call of a function.

The function gets a Request and returns what to send: (status, headers, body), bytes as
they are (the connection is closed behind them), or None: closed without an answer.  It
may also write to request.raw by itself.
"""
import contextlib
import dataclasses
import http.server
import json
import ssl
import threading
import time


@dataclasses.dataclass
class Request:
    when: float
    method: str
    path: str
    headers: object
    body: bytes
    raw: object = dataclasses.field(repr=False)
    nth: int = 1  # of this method and path

    @property
    def json(self):
        return json.loads(self.body)


class Api:
    """With `with`; base is what the client is to be told."""

    def __init__(self, answer, certificate=None, host="127.0.0.1"):
        self.answer = answer
        self.requests = []
        self.lock = threading.Lock()
        self.open = self.open_most = 0
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def __getattr__(self, name):
                if name.startswith("do_"):
                    return lambda: api.serve(self)
                raise AttributeError(name)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass

        self.server = Server((host, 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            context.set_alpn_protocols(["h2", "http/1.1"])
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
            scheme, host = "https", "localhost"
        self.port = self.server.server_address[1]
        self.base = f"{scheme}://{host}:{self.port}/api/v10"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def serve(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(time.monotonic(), handler.command,
                          handler.path.removeprefix("/api/v10"), handler.headers,
                          handler.rfile.read(length), handler.wfile)
        handler.close_connection = True
        with self.lock:
            request.nth = 1 + len(self.to(request.path, request.method))
            self.requests.append(request)
            self.open += 1
            self.open_most = max(self.open, self.open_most)
        answer = None
        with contextlib.suppress(OSError):
            answer = self.answer(request)
        with self.lock:
            self.open -= 1  # before the client can know that it is over
        if answer is not None:
            with contextlib.suppress(OSError):
                handler.wfile.write(answer if isinstance(answer, bytes) else whole(*answer))

    def to(self, path, method=None):
        """The requests to a path."""
        return [request for request in self.requests if request.path == path and
                method in (None, request.method)]


def whole(status, headers=None, body=b""):
    """An answer as bytes.  Header values of None are left out; Via is there unless so."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    fields = {"Via": "1.1 google", "Content-Type": "application/json",
              "Content-Length": len(body), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()
                    if value is not None)
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


def ok(body=None, **headers):
    return 200, {name.replace("_", "-"): value for name, value in headers.items()}, body or {}


def limited(retry_after=None, body=None, html=None, **headers):
    """A 429.  retry_after: the header; body: a dict, or the whole text with html."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if retry_after is not None:
        fields["Retry-After"] = retry_after
    if html:
        fields["Content-Type"] = "text/html"
    return 429, fields, html or ({} if body is None else body)
