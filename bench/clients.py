"""What is measured: gwbotd, the floor, the peers, each with a gwsim of its own."""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))

from gwbotd import BIN, Gwbotd, Sim  # noqa: E402 - the path is set above
from memory import memory_kb  # noqa: E402
from report import JS_PEERS, PEERS  # noqa: E402,F401 - for those who import this one

MODES = ("none", "zlib-stream", "zstd-stream")
PYTHON = "/usr/bin/python3"  # Debian's, which has its packages
OWN = ("gwbotd", "floor", "loop")


class Unsupported(Exception):
    """A peer that cannot do this, and why."""


def cpu_s(pid):
    """User and system time of all threads that live, in seconds, by the scheduler's own clock."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:  # it has just ended
            pass
    return total / 1e9


def switches(pid):
    """How often its threads went to sleep by themselves: each ended with a wake-up."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            lines = (task / "status").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return total


class Program:
    """The floor or a peer; gwbotd itself looks the same from outside."""

    def __init__(self, name, mode, sim, **settings):
        self.bot = None
        if name == "gwbotd":
            self.bot = Gwbotd(sim, env={"LOG_LEVEL": "info", "GWBOT_COMPRESS": mode}, **settings)
            self.bot.start().wait_ready()
            self.pid = self.bot.process.pid
            return
        env = dict(os.environ)
        if name in ("floor", "loop"):
            command = [str(BIN / "bench" / "floor"), "localhost", str(sim.port), mode, sim.ca_file or "-"]
            command += ["loop"] if name == "loop" else []
        else:
            command = [PYTHON, "-W", "ignore", str(HERE / "peers" / "peer.py")] if name == "discord.py" else \
                ["node", str(HERE / "peers" / "peer.mjs"), name]
            command += [mode, sim.api_base, sim.gateway]
            if sim.ca_file:
                env |= {"NODE_EXTRA_CA_CERTS": sim.ca_file, "SSL_CERT_FILE": sim.ca_file}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        self.pid = self.process.pid
        first = self.process.stdout.readline().strip()
        if first != "READY":
            self.close()
            if first.startswith("UNSUPPORTED "):
                raise Unsupported(first.partition(" ")[2])
            raise RuntimeError(f"{name} {mode}: does not get ready: {first}")

    def close(self):
        if self.bot:
            self.bot.close()
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def finish(self):
        """Ends it; the last sequence number that it saw, and the gaps that it knows of."""
        if self.bot:
            shard = self.bot.snapshot()["shards"][0]
            self.bot.close()
            return shard["seq"], shard["seq_gaps"] + shard["reconnects"]
        self.process.terminate()
        words = self.process.stdout.read().split()
        self.process.wait(20)
        self.process.stdout.close()
        count, seq = int(words[-2]), int(words[-1])
        return seq, seq - count


class Live:
    """A gwsim and a program that has read its guilds; with as it."""

    def __init__(self, name, mode, tls, sim_options=None, **settings):
        self.name, self.mode = name, mode
        self.sim = Sim(tls=tls, rate=0, heartbeat=41250, **(sim_options or {}))
        try:
            self.program = Program(name, mode, self.sim, **settings)
            self.sim.wait_for(lambda stats: stats["sessions"] and all(
                session["last_sent"] == session["seq"] > 0 for session in stats["sessions"]), "guilds sent", 60)
            self.settle()
        except BaseException:
            self.sim.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.close()
        self.sim.stop()

    def settle(self, quiet=0.3, timeout=120):
        """Waits until it has done no work for a while; returns its CPU time then."""
        deadline = time.monotonic() + timeout
        last, since = cpu_s(self.program.pid), time.monotonic()
        while time.monotonic() - since < quiet:
            time.sleep(0.02)
            now = cpu_s(self.program.pid)
            if now - last > 0.002:
                since = time.monotonic()
            if now != last:
                last = now
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not come to rest")
        return last

    def prepare(self, count, mix="mixed"):
        made = self.sim.do(f"prepare {count} {mix}")
        packed = made["payload_bytes"] / made["wire_bytes"] > 1.5
        if mix == "mixed" and packed != (self.mode != "none"):
            raise Unsupported("does not ask for this compression")
        self.settle(0.2)
        return made

    def flat_out(self, count, mix="mixed", quiet=0.3):
        """Sends count prepared events; CPU and time that it took to read them all."""
        made = self.prepare(count, mix)
        pid = self.program.pid
        before, began = cpu_s(pid), time.monotonic()
        self.sim.do("release")
        busy, last = began, before
        while time.monotonic() - busy < quiet:
            time.sleep(0.005)
            now = cpu_s(pid)
            # The last instant at which it worked for a fifth of the time.
            if now - last > 0.001:
                busy = time.monotonic()
            last = now
        seq, lost = self.program.finish()
        if seq != made["last_seq"] or lost != 0:
            raise RuntimeError(f"{self.name} {self.mode}: saw {seq} of {made['last_seq']}, {lost} lost")
        return {"cpu_s": last - before, "wall_s": busy - began, "count": count,
                "bytes": made["payload_bytes"], "ratio": made["payload_bytes"] / made["wire_bytes"]}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def load_client(port, rate, seconds):
    """Probes at an even rate, due whatever becomes of those before."""
    done = subprocess.run([str(BIN / "tests" / "load_client"), str(port), "/healthz", str(rate), str(seconds)],
                          capture_output=True, text=True, check=True, timeout=seconds + 60)
    return json.loads(done.stdout)
