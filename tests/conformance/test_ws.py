"""The receive layer (daemon/io/ws.h) against a peer with hand-made frames.

All cases run at once, as connections of one ws_client; unittest then asks for each result.
"""

import concurrent.futures
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

import cases_end  # noqa: F401  (each module registers its cases)
import cases_frames  # noqa: F401
import cases_open  # noqa: F401
from cases import CASES
from peer import TEXT, WAIT, Case, Certificates, Client, frame

BINARY = os.path.join(os.environ["GWBOT_TEST_BIN"], "ws_client")
SMALL_TURN = os.path.join(os.environ["GWBOT_TEST_BIN"], "small_turn_client")
THREADS = 24

# The table of the specification says how many cases each group has at least.
LEAST = {"data": 17, "ping": 4, "error": 25, "utf8": 8, "close": 29, "end": 11,
         "upgrade": 30, "tls": 10, "tcp": 4}

shared = {}
results = {}


def make_contexts(certificates):
    good = certificates.leaf("good", "DNS:gateway.test,DNS:*.wild.test")
    leaves = {
        "good": good,
        "other": certificates.leaf("wrong", "DNS:other.test,DNS:second.test"),
        "partial": certificates.leaf("partial", "DNS:gate*.test"),
        "bare": certificates.leaf("bare"),
        "ip": certificates.leaf("ip", "IP:127.0.0.1,IP:::1"),
        "expired": certificates.leaf("expired", "DNS:gateway.test", end="20210101000000Z"),
        "future": certificates.leaf("future", "DNS:gateway.test", start="20480101000000Z"),
        "self": certificates.self_signed(),
        "stranger": certificates.leaf("stranger", "DNS:gateway.test", ca="other"),
    }
    contexts = {name: certificates.context(path) for name, path in leaves.items()}
    old, new = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
    contexts["tls11"] = certificates.context(good, low=old, high=old)
    contexts["tls12"] = certificates.context(good, high=new)
    contexts["tls13"] = certificates.context(good, low=ssl.TLSVersion.TLSv1_3)
    for context in contexts.values():
        context.sni_callback = remember_name
    return contexts


def remember_name(connection, name, _context):
    connection.asked_name = name


def make_case(name, client):
    return Case(name, client, shared["certificates"], shared["contexts"])


def run(index, function):
    case = make_case(f"c{index}", shared["client"])
    try:
        function(case)
    finally:
        case.done()


def setUpModule():
    shared["folder"] = tempfile.TemporaryDirectory()
    shared["certificates"] = Certificates(shared["folder"].name)
    shared["contexts"] = make_contexts(shared["certificates"])
    shared["client"] = Client(BINARY)
    shared["pool"] = concurrent.futures.ThreadPoolExecutor(THREADS)
    # The slow ones first: they wait for deadlines.
    order = sorted(range(len(CASES)), key=lambda i: CASES[i][0] not in ("end", "tls", "upgrade"))
    for index in order:
        results[index] = shared["pool"].submit(run, index, CASES[index][2])


def tearDownModule():
    shared["pool"].shutdown()
    shared["folder"].cleanup()


class Conformance(unittest.TestCase):
    def test_every_group_is_there(self):
        for group, least in LEAST.items():
            self.assertGreaterEqual(sum(case[0] == group for case in CASES), least, group)

    def test_zz_client_ends_clean(self):
        """No leak, no finding of the checkers, no log line, after all cases."""
        concurrent.futures.wait(results.values())
        self.assertEqual(shared["client"].stop(), (0, ""))

    def test_zz_burst_left_by_a_turn(self):
        """Alone, as it is about moments."""
        concurrent.futures.wait(results.values())
        client = Client(SMALL_TURN)
        case = make_case("a", client)
        try:
            cases_frames.burst_left_by_a_turn(case)
            self.assertEqual(client.stop(), (0, ""))
        finally:
            case.done()

    def test_loop_destroyed_with_live_connections(self):
        client = Client(BINARY)
        case, begun, lingering = (make_case(name, client) for name in "abc")
        try:
            conn = case.open()
            conn.send(frame(TEXT, b"under way", fin=False))
            case.command("bulk", 9, 100000)
            case.expect("queued")
            begun.connect()
            begun.accept_raw()
            lingering.open()
            lingering.command("close", 4000)
            self.assertEqual(client.stop(), (0, ""))
            case.expect_end("internal", "loop ended")
            begun.expect_end("internal", "loop ended")
        finally:
            for each in (case, begun, lingering):
                each.done()


class SystemStore(unittest.TestCase):
    """Whom a client believes that names no file."""

    def believed(self, in_file, in_folder):
        """Which of the leaves of two authorities a client connects to."""
        certificates = shared["certificates"]
        with tempfile.TemporaryDirectory() as folder:
            for path in in_folder:
                shutil.copy(path, folder)
            subprocess.run(["openssl", "rehash", folder], check=True, capture_output=True)
            bundle = os.path.join(folder, "bundle")
            with open(bundle, "w", encoding="ascii") as file:
                for path in in_file:
                    with open(path, encoding="ascii") as one:
                        file.write(one.read())
            client = Client(BINARY, env={"SSL_CERT_FILE": bundle, "SSL_CERT_DIR": folder})
            found = set()
            for leaf in ("good", "stranger"):
                case = Case(leaf, client, certificates, shared["contexts"])
                try:
                    case.connect(ca="system")
                    try:
                        case.accept(leaf).fill()
                        found.add(leaf)
                    except (ssl.SSLError, OSError):
                        case.expect_end("tls", "unknown authority", step="tls")
                finally:
                    case.done()
            self.assertEqual(client.stop(), (0, ""))
        return found

    def test_a_file_alone(self):
        certificates = shared["certificates"]
        self.assertEqual({"good"}, self.believed([certificates.ca], []))
        self.assertEqual({"good", "stranger"},
                         self.believed([certificates.ca, certificates.other_ca], []))

    def test_a_folder_alone(self):
        self.assertEqual({"good"}, self.believed([], [shared["certificates"].ca]))

    def test_a_file_with_more_than_the_folder(self):
        certificates = shared["certificates"]
        self.assertEqual({"good", "stranger"},
                         self.believed([certificates.ca, certificates.other_ca], [certificates.ca]))

    def test_a_folder_with_all_is_asked_alone(self):
        """Seen by giving the file another authority."""
        certificates = shared["certificates"]
        self.assertEqual({"good"}, self.believed([certificates.other_ca], [certificates.ca]))


def test_of(index):
    def test(self):
        results[index].result(timeout=6 * WAIT)
    return test


for number, (group_name, case_name, _) in enumerate(CASES):
    setattr(Conformance, f"test_{group_name}_{case_name}", test_of(number))

if __name__ == "__main__":
    threading.stack_size(512 * 1024)
    unittest.main()
