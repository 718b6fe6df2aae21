"""What a scenario does to the network of its own, which @fault(..., net=True) gives it.

It is root there, with a loopback device and nothing else: packets can be dropped by
their port, connections led to another peer, names answered by a server of our own.
"""

import contextlib
import itertools
import os
import pathlib
import select
import selectors
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

OWN_MARK = 1  # of sockets that no diversion applies to
TABLES = itertools.count()


def run(*words):
    """A command that must succeed."""
    subprocess.run(words, check=True, capture_output=True, text=True)


# ---- packets ---------------------------------------------------------------------------

@contextlib.contextmanager
def rules(*lines, kind="filter", hook="output", priority="0"):
    """Rules of the packet filter while this lasts."""
    table = f"drill{next(TABLES)}"
    run("nft", f"add table inet {table}")
    run("nft", f"add chain inet {table} c {{ type {kind} hook {hook} priority {priority}; }}")
    try:
        for line in lines:
            run("nft", f"add rule inet {table} c {line}")
        yield
    finally:
        run("nft", f"delete table inet {table}")


def dropped(port, to_us=True, from_us=True, more=""):
    """A black hole on a port of the server, one way or both."""
    lines = [f"tcp sport {port} {more} drop"] if to_us else []
    lines += [f"tcp dport {port} {more} drop"] if from_us else []
    return rules(*lines)


@contextlib.contextmanager
def diverted(port, other):
    """New connections to a port reach another one instead."""
    with rules(f"meta mark != {OWN_MARK} tcp dport {port} redirect to :{other}",
               kind="nat", priority="-100"):
        yield


# ---- peers -----------------------------------------------------------------------------

def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_head(sock):
    """An HTTP request, up to the end of its head."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(4096)
        if not more:
            break
        data += more
    return data


class Peer:
    """Takes connections and gives each to serve(sock, number) on a thread of its own."""

    def __init__(self, serve, address="127.0.0.1", port=0):
        self.serve = serve
        self.socket = socket.create_server((address, port), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.times = []  # when each connection came
        self.ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.ended.is_set():
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.times.append(time.monotonic())
            threading.Thread(target=self._serve, args=(sock, len(self.times)),
                             daemon=True).start()

    def _serve(self, sock, number):
        with sock, contextlib.suppress(OSError):
            self.serve(sock, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def hold(self, seconds=120):
        """For serve(): says nothing more until the peer ends."""
        self.ended.wait(seconds)


class Relay(Peer):
    """Carries bytes to the server on a port, as they are; subclasses do worse.

    up(data, link) and down(data, link) get what the client and the server send, and
    return what goes on; link has what they keep of a connection.
    """

    def __init__(self, server_port, host="127.0.0.1", marked=True, **options):
        self.target = (host, server_port)
        self.marked = marked
        super().__init__(self._carry, **options)

    def up(self, data, link):
        return data

    def down(self, data, link):
        return data

    def client_end(self, sock, link):
        """The socket to talk to the client over: what is kept of it may begin here."""
        return sock

    def connect(self):
        """A connection to the server, which no diversion applies to."""
        raw = socket.socket()
        if self.marked:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, OWN_MARK)
        raw.connect(self.target)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def _carry(self, sock, number):
        link = Link(number)
        link.client = self.client_end(sock, link)
        link.server = self.connect()
        other = threading.Thread(target=self._pump, daemon=True,
                                 args=(link.server, link.client, self.down, link))
        other.start()
        self._pump(link.client, link.server, self.up, link)
        other.join()
        link.server.close()

    @staticmethod
    def _pump(source, target, change, link):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                data = change(data, link)
                if data:
                    target.sendall(data)
        except (OSError, ValueError):
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Link:
    """One relayed connection."""

    def __init__(self, number):
        self.number = number
        self.client = self.server = None
        self.ups = self.downs = 0


class Delay(Relay):
    """Each way takes a while once lag is set, and no longer than that."""

    lag = 0

    def _later(self, data):
        due = time.monotonic() + self.lag
        return due, data

    def _pump(self, source, target, change, link):
        queue, fresh = [], threading.Condition()

        def write():
            with contextlib.suppress(OSError):
                while True:
                    with fresh:
                        while not queue:
                            fresh.wait()
                        due, data = queue.pop(0)
                    time.sleep(max(0, due - time.monotonic()))
                    if not data:
                        target.shutdown(socket.SHUT_RDWR)
                        return
                    target.sendall(data)

        threading.Thread(target=write, daemon=True).start()
        data = b"first"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with fresh:
                queue.append(self._later(data))
                fresh.notify()


# ---- certificates ----------------------------------------------------------------------

def leaf(sim, names, folder):
    """A certificate and its key in one file, by gwsim's authority, for these names."""
    made = pathlib.Path(tempfile.mkdtemp(dir=folder))
    key, request, cert, extra = (made / name for name in ("key", "request", "cert", "extra"))
    extra.write_text(f"subjectAltName={names}\n")
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-keyout", str(key), "-subj", "/CN=drill", "-out", str(request))
    ca = pathlib.Path(sim.ca_file)
    run("openssl", "x509", "-req", "-in", str(request), "-CA", str(ca),
        "-CAkey", str(ca.with_name("ca.key")), "-set_serial", str(time.time_ns()),
        "-days", "30", "-extfile", str(extra), "-out", str(cert))
    whole = made / "leaf.pem"
    whole.write_bytes(cert.read_bytes() + key.read_bytes())
    return whole


def server_context(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


CONTEXTS = {}


def own_context(sim, names="IP:127.0.0.1"):
    """A server's side of TLS whose certificate is right for gwsim's address; made once."""
    key = (sim.ca_file, names)
    if key not in CONTEXTS:
        with tempfile.TemporaryDirectory(prefix="drill-") as folder:
            CONTEXTS[key] = server_context(leaf(sim, names, folder))
    return CONTEXTS[key]


class TlsRelay(Relay):
    """Ends the client's TLS with a certificate of its own, and starts it anew to gwsim.

    One thread a connection: two must not use one TLS session at a time.
    """

    def __init__(self, sim, names, **options):
        self.context = own_context(sim, names)
        self.to_sim = ssl.create_default_context(cafile=sim.ca_file)
        super().__init__(sim.port, **options)

    def client_end(self, sock, link):
        return self.context.wrap_socket(sock, server_side=True)

    def server_end(self, sock):
        return self.to_sim.wrap_socket(sock, server_hostname="127.0.0.1")

    def between(self, link):
        """Called again and again in the connection's thread; False ends it."""
        return True

    def _carry(self, sock, number):
        link = Link(number)
        link.client = self.client_end(sock, link)
        with link.client, self.connect() as raw:
            link.server = self.server_end(raw)
            ways = ((link.client, link.server, self.up), (link.server, link.client, self.down))
            while self.between(link) and not self.ended.is_set():
                ready, _, _ = select.select([link.client, link.server], [], [], 0.02)
                for source, target, change in ways:
                    if source not in ready and not source.pending():
                        continue
                    data = source.recv(65536)
                    if not data:
                        return
                    data = change(data, link)
                    if data:
                        target.sendall(data)


# ---- names -----------------------------------------------------------------------------

def mount_file(path, text, folder):
    """A file of the system, as this scenario sees it; where it can be written anew."""
    own = pathlib.Path(folder) / path.replace("/", "_")
    own.write_text(text)
    run("mount", "--bind", str(own), os.path.realpath(path))
    return own


class Names:
    """A name server at 127.0.0.1 (and .2, .3): answers what it is told at the moment.

    answer is a list of addresses, or "silent", "nxdomain", "servfail", "refused"; delay
    holds each answer back.
    """

    CODES = {"nxdomain": 3, "servfail": 2, "refused": 5}

    def __init__(self, answer, servers=1, hosts="", delay=0):
        self.answer = answer
        self.delay = delay
        self.asked = []
        self.folder = tempfile.TemporaryDirectory(prefix="drill-")
        addresses = [f"127.0.0.{i + 1}" for i in range(servers)]
        mount_file("/etc/resolv.conf", "".join(f"nameserver {a}\n" for a in addresses),
                   self.folder.name)
        self.hosts_file = mount_file("/etc/hosts", hosts, self.folder.name)
        mount_file("/etc/nsswitch.conf", "hosts: files dns\n", self.folder.name)
        self.selector = selectors.DefaultSelector()
        for address in addresses:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((address, 53))
            self.selector.register(udp, selectors.EVENT_READ, self._udp)
            tcp = socket.create_server((address, 53))
            self.selector.register(tcp, selectors.EVENT_READ, self._tcp)
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"):
            run("umount", os.path.realpath(path))
        self.folder.cleanup()

    def hosts(self, text):
        """Other names from now on."""
        self.hosts_file.write_text(text)

    def _serve(self):
        while not self.ended:
            for key, _ in self.selector.select(0.1):
                threading.Thread(target=key.data, daemon=True,
                                 args=(key.fileobj, *self._take(key))).start()

    @staticmethod
    def _take(key):
        if key.fileobj.type == socket.SOCK_STREAM:
            return (key.fileobj.accept()[0],)
        return key.fileobj.recvfrom(4096)

    def _udp(self, sock, query, client):
        data = self.reply(query, 512)
        if data:
            time.sleep(self.delay)
            sock.sendto(data, client)

    def _tcp(self, _, peer):
        with peer:
            while len(size := peer.recv(2)) == 2:
                data = self.reply(peer.recv(struct.unpack(">H", size)[0]), 65535)
                if not data:
                    time.sleep(60)
                    return
                time.sleep(self.delay)
                peer.sendall(struct.pack(">H", len(data)) + data)

    def reply(self, query, room):
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack(">H", query[end - 4:end - 2])[0]
        self.asked.append(time.monotonic())
        answer = self.answer
        if answer == "silent":
            return None
        code = self.CODES.get(answer, 0) if isinstance(answer, str) else 0
        records = [] if code else [record for address in answer
                                   if (record := self._record(kind, address))]
        flags = 0x8180 | code
        body = b"".join(records)
        if end + len(body) > room:
            flags, records, body = flags | 0x0200, [], b""
        head = query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        return head + query[12:end] + body

    @staticmethod
    def _record(kind, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if kind != (28 if ":" in address else 1):
            return None
        packed = socket.inet_pton(family, address)
        return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(packed)) + packed


@contextlib.contextmanager
def hosts(text):
    """Names by a file of our own, and by nothing else."""
    with Names([], hosts=text) as names:
        yield names
