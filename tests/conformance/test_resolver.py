"""Names: with a hosts file, and with name servers that refuse or keep silent."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(os.path.join(
    os.environ.get("GWBOT_TEST_BIN", "build/dev/tests"), "resolver_client"))

# Answers each A question with 200 addresses (by TCP, for which it sets TC by UDP), each
# AAAA question with none, and questions for "gone." not any more after the first.
DNS_SERVER = r"""
import socket, struct, sys, threading
mode = sys.argv[1]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 53))
tcp = socket.create_server(("127.0.0.1", 53))
seen = set()
def answer(query, stream):
    name_end = query.index(b"\0", 12)
    name, kind = query[12:name_end + 1], struct.unpack(">H", query[name_end + 1:name_end + 3])[0]
    question = query[12:name_end + 5]
    def head(flags, count): return query[:2] + struct.pack(">HHHHH", 0x8180 | flags, 1, count, 0, 0)
    if mode == "nxdomain": return head(3, 0) + question
    if mode == "servfail": return head(2, 0) + question
    if mode == "refused": return head(5, 0) + question
    if mode == "once":
        if (name, kind) in seen: return head(3, 0) + question
        seen.add((name, kind))
        count = 1 if kind == 1 else 0
    else:
        count = 200 if kind == 1 else 0
        if count and not stream: return head(0x0200, 0) + question
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + bytes([10, 0, i // 250, i % 250 + 1])
                       for i in range(count))
    return head(0, count) + question + records
def serve_tcp():
    while True:
        peer, _ = tcp.accept()
        with peer:
            while True:
                size = peer.recv(2)
                if len(size) < 2: break
                data = answer(peer.recv(struct.unpack(">H", size)[0]), True)
                peer.sendall(struct.pack(">H", len(data)) + data)
threading.Thread(target=serve_tcp, daemon=True).start()
print("up", flush=True)
while True:
    query, client = udp.recvfrom(4096)
    if mode != "silent": udp.sendto(answer(query, False), client)
"""


def parse(output):
    lines = [json.loads(line) for line in output.splitlines()]
    return lines[:-1], lines[-1]["gap_ms"]


def run(*args, timeout=40):
    result = subprocess.run([PROGRAM, *args], capture_output=True, text=True,
                            timeout=timeout, check=False)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return parse(result.stdout)


class Numeric(unittest.TestCase):
    def test_numbers_are_answered_in_the_next_turn(self):
        for host, address in (("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"),
                              ("fe80::1%lo", "fe80::1%lo"),
                              ("2001:db8:0:0:0:0:0:1", "2001:db8::1")):
            (answer,), _ = run(host)
            self.assertIsNone(answer["error"])
            self.assertEqual(answer["addresses"], [address])
            self.assertLess(answer["took_ms"], 50)

    def test_what_is_no_name(self):
        for host in ("", "a b", "a/b", "user@host", "n" * 254, "[::1", "[]"):
            (answer,), _ = run(host)
            self.assertEqual(answer["error"], "not a host name")
            self.assertEqual(answer["addresses"], [])

    def test_a_cancelled_lookup_is_not_answered(self):
        answers, _ = run("-c", "-t", "300", "localhost", "+127.0.0.1", "+::1")
        self.assertEqual(answers, [])


class Namespace(unittest.TestCase):
    """A private /etc with its own hosts and resolv.conf, and only a loopback device."""

    def inside(self, *args, hosts="", mode="silent", resolv="nameserver 127.0.0.1\n"):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("hosts", hosts), ("resolv.conf", resolv),
                               ("nsswitch.conf", "hosts: files dns\n"),
                               ("dns.py", DNS_SERVER)):
                with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                    file.write(text)
            # nscd and resolvconf's link target would lead out of the namespace.
            script = (
                "set -e; ip link set lo up; "
                f"for f in hosts resolv.conf nsswitch.conf; do "
                f"mount --bind {folder}/$f $(readlink -f /etc/$f); done; "
                f"{sys.executable} {folder}/dns.py {mode} > {folder}/up & server=$!; "
                f"until [ -s {folder}/up ]; do sleep 0.05; done; "
                f"status=0; {PROGRAM} \"$@\" || status=$?; kill $server; exit $status")
            result = subprocess.run(
                ["unshare", "-Urmn", "sh", "-c", script, "sh", *args], capture_output=True,
                text=True, timeout=60, check=False)
        if "unshare" in result.stderr or "mount" in result.stderr:
            self.skipTest("no namespaces here: " + result.stderr.strip())
        self.assertEqual(result.returncode, 0, result.stderr)
        return parse(result.stdout)

    def test_a_silent_name_server_does_not_hold_the_loop_up(self):
        for resolv in ("nameserver 127.0.0.1\n",
                       "".join(f"nameserver 127.0.0.{i}\n" for i in (1, 2, 3))):
            # A second program with nothing but the timer shows what the machine adds.
            with subprocess.Popen([PROGRAM, "-c", "-t", "2500"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as control:
                answers, gap = self.inside("-d", "2500", "silent.example.", resolv=resolv)
                _, idle_gap = parse(control.communicate(timeout=20)[0])
            print(f"{self.id()}: largest gap {gap} ms, without lookup {idle_gap} ms, "
                  f"answered after {answers[0]['took_ms']} ms", file=sys.stderr)
            self.assertEqual(answers[0]["error"], "timed out")
            self.assertAlmostEqual(answers[0]["took_ms"], 2500, delta=100)
            self.assertLess(gap, 20 + idle_gap)

    def test_many_silent_lookups_leave_numbers_and_hosts_answered(self):
        names = [f"+n{i}.example." for i in range(30)]
        answers, gap = self.inside("-d", "1500", *names, "+127.0.0.1", "+::1")
        by_name = {a["name"]: a for a in answers}
        self.assertEqual(len(by_name), 32)
        self.assertLess(by_name["127.0.0.1"]["took_ms"], 100)
        self.assertLess(by_name["::1"]["took_ms"], 100)
        for name in names:
            self.assertEqual(by_name[name[1:]]["error"], "timed out")
            self.assertLess(by_name[name[1:]]["took_ms"], 1700)
        self.assertLess(gap, 100)

    def test_the_program_ends_while_a_lookup_hangs(self):
        answers, _ = self.inside("-t", "300", "silent.example.")
        self.assertEqual(answers, [])

    def test_refusals_are_told_in_words(self):
        for mode in ("nxdomain", "servfail", "refused"):
            answers, _ = self.inside("-d", "8000", "x.example.", mode=mode)
            self.assertIsNotNone(answers[0]["error"])
            self.assertNotEqual(answers[0]["error"], "timed out")
            self.assertEqual(answers[0]["addresses"], [])

    def test_of_200_addresses_16_are_kept(self):
        answers, _ = self.inside("-d", "8000", "many.example.", mode="many")
        self.assertIsNone(answers[0]["error"])
        self.assertEqual(len(set(answers[0]["addresses"])), 16)
        for address in answers[0]["addresses"]:
            self.assertTrue(address.startswith("10.0."), address)

    def test_the_last_good_answer_serves_when_the_next_lookup_fails(self):
        answers, _ = self.inside("-d", "8000", "once.example.", "once.example.",
                                 "other.example.", "once.example.", mode="once")
        for answer in answers:
            self.assertIsNone(answer["error"])
            self.assertEqual(answer["addresses"], ["10.0.0.1"])

    def test_the_families_take_turns(self):
        hosts = "".join(f"127.0.0.{i} both\n" for i in (1, 2, 3)) + "::1 both\nfd00::2 both\n"
        answers, _ = self.inside("both", hosts=hosts)
        families = [":" in address for address in answers[0]["addresses"]]
        self.assertEqual(len(families), 5)
        self.assertEqual(families[:4] in ([True, False] * 2, [False, True] * 2), True,
                         answers[0]["addresses"])
        self.assertFalse(families[4])


if __name__ == "__main__":
    unittest.main()
