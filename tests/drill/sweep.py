#!/usr/bin/env python3
"""Every call of ours to the C library fails, one after the other, in each phase of a life.

    sweep.py [CALL...] [--phase NAME...] [--json FILE] [--most N] [--jobs J] [--library N]

A counting run says how often gwbotd makes each of CALLS in each of PHASES; then call k
fails, for each k, once and from then on (shim_fail.c).  A point is passed where gwbotd
heals (ready again, answers, no descriptor more than before, nothing of ours left in memory
at its end) or ends with a status of the contract and says why, and where the record that
it leaves is whole and the next start resumes.  Calls that libraries make are only sampled:
a crash there is counted, the next start has to resume all the same.  Ends with 1 where a
point failed.
"""

import argparse
import collections
import concurrent.futures
import faulthandler
import json
import mmap
import os
import pathlib
import queue
import shutil
import signal
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.path.insert(0, str(HERE))

import figures_file  # noqa: E402
import shim  # noqa: E402
from gwbotd import Gwbotd, Sim  # noqa: E402

# As enum call in shim_fail.c.
CALLS = ("malloc", "calloc", "realloc", "strdup", "open", "write", "fsync", "rename",
         "socket", "connect", "accept", "pthread_create")
MEMORY = CALLS[:4]
OURS, LIBRARY = 0, 1

HOLD_S = 0.6  # so long it fails "from then on", where it does not end the process
CHUNK = 20  # points that one bench plays in a row
CHECK_EVERY = 8  # points after which a start without faults has to resume
STOP_S = 10
FAILURES_TOLD = 20

Point = collections.namedtuple("Point", "phase call whose at on")


class Failed(AssertionError):
    """This point was not passed, and why."""


def need(condition, *words):
    if not condition:
        raise Failed(" ".join(str(word) for word in words))


class Block:
    """The memory that shim_fail.c shares with us (struct block there)."""

    NAMES = ("armed", "call", "whose", "at", "on", "dialed", "failed")
    WORDS = len(NAMES) + 2 * len(CALLS) + 1

    def __init__(self, path):
        path.write_bytes(bytes(4 * self.WORDS))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 4 * self.WORDS)

    def read(self, index):
        return struct.unpack_from("<i", self.map, 4 * index)[0]

    def write(self, **values):
        for name, value in values.items():
            struct.pack_into("<i", self.map, 4 * self.NAMES.index(name), value)

    def arm(self, call, whose=OURS, at=0, on=False, dialed=False):
        self.write(armed=0)
        for index in range(2 * len(CALLS)):
            struct.pack_into("<i", self.map, 4 * (len(self.NAMES) + index), 0)
        self.write(call=call, whose=whose, at=at, on=int(on), dialed=int(dialed), failed=0)
        self.write(armed=1)

    def disarm(self):
        self.write(armed=0)

    @property
    def failed(self):
        return self.read(self.NAMES.index("failed"))

    @property
    def held(self):
        return self.read(self.WORDS - 1)

    def seen(self):
        """How often each was called: {(call, whose): count}."""
        return {(name, whose): self.read(len(self.NAMES) + 2 * index + whose)
                for index, name in enumerate(CALLS) for whose in (OURS, LIBRARY)}


class Bench:
    """A gwsim and one gwbotd under the shim, life after life on one state folder."""

    def __init__(self):
        self.sim = Sim(tls=True, rate=0, identify_window=0)
        self.bot = Gwbotd(self.sim, env={"LOG_LEVEL": "info"})
        self.state = self.bot.dir / "state"
        path = self.bot.dir / "block"
        self.block = Block(path)
        shim.preload(self.bot, "fail", block=path)
        self.fds = 0
        self.held = None  # what a life without faults leaves
        self.points = 0  # in this life
        self.stored = False  # a session, by a life that was ready

    def close(self):
        self.block.disarm()
        self.bot.close()
        self.sim.stop()

    @property
    def alive(self):
        return self.bot.process is not None and self.bot.process.poll() is None

    def wait(self, true, seconds):
        """True where it became true, or the process ended."""
        deadline = time.monotonic() + seconds
        while not true():
            if not self.alive:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def ready_count(self):
        return len(self.bot.events("shard_state", to="ready"))

    def start(self):
        self.block.map[4 * (Block.WORDS - 1):] = bytes(4)  # none of the life before
        self.bot.start()

    def live(self):
        """A life without faults, ready; by RESUME where a session was stored."""
        if self.alive:
            return
        self.block.disarm()
        self.start()
        need(self.wait(self.ready_count, 20) and self.alive,
             "a start without faults is not ready:", self.bot.output[-2000:])
        need(not self.bot.events("session_record_unusable") and
             not self.bot.events("identify_ledger_unusable"), "a file of the state is damaged")
        need(not self.stored or self.bot.events("session_found"), "the stored session is lost")
        need(not self.bot.events("session_found") or
             not self.bot.events("shard_state", to="identifying"),
             "the stored session was not resumed")
        self.stored = True
        self.settle()
        self.fds = shim.open_files(self.bot)
        self.points = 0

    def settle(self):
        """Until what a new session sets off is over."""
        def quiet():
            done = self.bot.ctl("--json", "status")
            return done.returncode == 0 and json.loads(done.stdout)["rest"]["in_flight"] == 0
        self.wait(quiet, 5)

    def retire(self):
        """Ends this life as asked, and looks at what it left."""
        if not self.alive:
            return
        self.block.disarm()
        status = self.bot.stop(timeout=STOP_S)
        need(status == 0, "a stop ended with", status)
        if self.held is None:
            self.held = self.block.held
        need(self.block.held <= self.held, self.block.held - self.held,
             "allocations of ours were not freed")

    def healed(self):
        """After a fault that the process has outlived."""
        need(self.wait(self.answers, 15), "it does not answer")
        if not self.alive:
            return
        if not self.fds:
            return  # this life is young
        self.wait(lambda: shim.open_files(self.bot) <= self.fds, 3)
        if self.alive:
            count = shim.open_files(self.bot)
            need(count <= self.fds, "descriptors leak:", self.fds, "were,", count, "are")

    def answers(self):
        try:
            if self.bot.get("/livez", timeout=2)[0] != 200:
                return False
        except (OSError, subprocess.TimeoutExpired):
            return False
        done = self.bot.ctl("--json", "status")
        return done.returncode == 0 and json.loads(done.stdout)["shards"][0]["ready"]

    def ended(self, allowed):
        """The process has ended by itself: in a way that it may?"""
        status = self.bot.process.wait()
        for _ in range(100):
            if self.bot.output:
                break
            time.sleep(0.01)
        need(status >= 0, f"died by signal {-status}:", self.bot.output[-1500:])
        need(status in allowed, "ended with", status, self.bot.output[-1500:])
        need(self.bot.output, "ended with", status, "and without a word")
        return f"exit {status}"


# ---- phases ----

class Phase:
    """One part of a life: act() begins it, is_over() says when it is over."""

    lives_on = True  # it is played in a life that goes on
    again = 25  # points in one life
    allowed = (70,)

    def act(self, bench):
        raise NotImplementedError

    def is_over(self, bench):
        return True


class Start(Phase):
    """From exec to a session that was resumed."""

    lives_on = False
    allowed = (70, 78)

    def act(self, bench):
        bench.start()

    def is_over(self, bench):
        return bench.ready_count() > 0


class Connect(Start):
    """From the first connection on, without a stored session: to READY."""

    def act(self, bench):
        shutil.rmtree(bench.state, ignore_errors=True)
        bench.stored = False
        bench.block.write(dialed=1)
        bench.start()


class Resume(Phase):
    """A connection is reset: to RESUMED."""

    again = 1  # what failed makes the next attempt wait

    def act(self, bench):
        self.before = bench.ready_count()
        bench.sim.do("rst")

    def is_over(self, bench):
        return bench.ready_count() > self.before


class Reload(Phase):
    """SIGHUP: until it is taken or refused."""

    @staticmethod
    def told(bench):
        return len(bench.bot.events("reloaded")) + len(bench.bot.events("reload_refused"))

    def act(self, bench):
        self.before = self.told(bench)
        bench.bot.process.send_signal(signal.SIGHUP)

    def is_over(self, bench):
        return self.told(bench) > self.before


class Probe(Phase):
    """Each page of the health server."""

    again = 1  # buffers that have grown do not grow again

    PATHS = ("/healthz", "/readyz", "/metrics", "/status", "/", "/nothing")

    def act(self, bench):
        for path in self.PATHS:
            try:
                bench.bot.get(path, timeout=1)
            except OSError:
                pass
            except Exception as error:  # http.client has many for an answer that is cut
                if type(error).__module__ != "http.client":
                    raise
            if not bench.alive:
                return


class Control(Phase):
    """Requests of gwctl."""

    REQUESTS = (("status",), ("snapshot",), ("config",), ("events", "--last", "5"), ("metrics",),
                ("explain",), ("doctor",), ("thresholds",))

    def act(self, bench):
        for request in self.REQUESTS:
            bench.bot.ctl("--timeout", "1s", "--json", *request)
            if not bench.alive:
                return


class Stop(Phase):
    """From SIGTERM to the end."""

    again = 1
    allowed = (0, 70)

    def act(self, bench):
        bench.bot.process.send_signal(signal.SIGTERM)

    def is_over(self, bench):
        return not bench.alive


PHASES = {"start": Start, "connect": Connect, "resume": Resume, "reload": Reload,
          "probe": Probe, "control": Control, "stop": Stop}


# ---- points ----

def begin(bench, phase, **armed):
    """Arms the shim and plays the phase as far as it goes in time."""
    if phase.lives_on:
        bench.live()
    else:
        bench.retire()
    bench.block.arm(**armed)
    phase.act(bench)
    over = bench.wait(lambda: phase.is_over(bench), HOLD_S if armed.get("on") else 15)
    if isinstance(phase, Start) and over and bench.alive and not armed.get("on"):
        bench.settle()
    bench.block.disarm()


def count(bench, phase):
    """What a phase calls when nothing fails; the most of two runs."""
    found = collections.Counter()
    for _ in range(2):
        begin(bench, phase, call=len(CALLS))
        for key, number in bench.block.seen().items():
            found[key] = max(found[key], number)
        if bench.alive:
            bench.retire()
    return found


def play(bench, point):
    """What came of one point, in a word; raises Failed."""
    phase = PHASES[point.phase]()
    begin(bench, phase, call=CALLS.index(point.call), whose=point.whose, at=point.at,
          on=point.on)
    reached = bench.block.failed > 0
    if not bench.alive:
        word = bench.ended(phase.allowed)
    else:
        if not phase.lives_on:
            bench.fds = 0
        bench.healed()
        word = "healed" if bench.alive else bench.ended(phase.allowed)
        bench.stored |= bench.alive and not bench.bot.events("state_not_durable")
        bench.points += 1
        if bench.alive and bench.points >= phase.again:
            bench.retire()
    return word if reached else "not reached"


class Sweep:
    """All points of what was chosen, over some benches."""

    def __init__(self, jobs):
        self.benches = queue.Queue()
        self.jobs = jobs
        self.made = []
        self.total = collections.Counter()
        self.passed = collections.Counter()
        self.words = collections.Counter()
        self.library = collections.Counter()
        self.failures = []
        self.noted = []  # what failed under calls of libraries
        self.counts = {}

    def bench(self):
        bench = Bench()
        bench.live()
        bench.retire()
        self.made.append(bench)
        return bench

    def __enter__(self):
        for bench in concurrent.futures.ThreadPoolExecutor(self.jobs).map(
                lambda _: self.bench(), range(self.jobs)):
            self.benches.put(bench)
        return self

    def __exit__(self, *_):
        for bench in self.made:
            bench.close()

    def count(self, phases):
        bench = self.benches.get()
        for name in phases:
            self.counts[name] = count(bench, PHASES[name]())
        self.benches.put(bench)

    def points(self, calls, most):
        chosen = [Point(phase, call, OURS, at, False) for phase, found in self.counts.items()
                  for call in calls for at in range(1, found[call, OURS] + 1)]
        if most and len(chosen) > most:
            chosen = [chosen[index * len(chosen) // most] for index in range(most)]
        return chosen

    def samples(self, calls, most):
        """Calls of the libraries, spread evenly."""
        for phase, found in self.counts.items():
            for call in calls:
                number = found[call, LIBRARY]
                for index in range(min(most, number)):
                    yield Point(phase, call, LIBRARY, 1 + index * number // min(most, number),
                                False)

    # ---- in a thread ----

    def fail(self, where, error):
        self.failures.append((where, f"{type(error).__name__}: {error}"))
        if len(self.failures) <= FAILURES_TOLD:
            print("FAILED", *self.failures[-1], flush=True)

    def one(self, bench, point):
        key = (point.phase, point.call)
        try:
            word = play(bench, point)
        except (Failed, AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            self.fail(point._asdict(), error)
            word = "failed"
        self.words[word] += 1
        if word != "not reached":
            self.total[key] += 1
            self.passed[key] += word != "failed"
        return word

    def sample(self, bench, point):
        """Whatever comes of it, the next start resumes."""
        try:
            word = play(bench, point)
        except Failed as error:
            word = "crashed" if "died by signal" in str(error) else "failed"
            self.noted.append((point._asdict(), str(error)[:300]))
            if bench.alive:
                bench.bot.kill()
        self.library[word] += 1

    def resumes(self, bench, points):
        """After those points, a start without a fault."""
        try:
            bench.live()
            bench.retire()
        except (Failed, AssertionError) as error:
            self.fail({"after": [tuple(point) for point in points]}, error)
            shutil.rmtree(bench.state, ignore_errors=True)
            bench.stored = False
            if bench.alive:
                bench.bot.kill()

    def chunk(self, points):
        bench = self.benches.get()
        try:
            recent = []
            for point in points:
                recent.append(point)
                if point.whose == LIBRARY:
                    self.sample(bench, point)
                    continue
                word = self.one(bench, point)
                if word == "failed" and bench.alive:
                    bench.bot.kill()
                # A process that ended in its k-th call made none after it.
                if word.startswith("exit") and point.call in MEMORY and \
                        bench.block.failed == 1:
                    self.words["once is as from then on"] += 1
                    self.total[point.phase, point.call] += 1
                    self.passed[point.phase, point.call] += 1
                elif word not in ("not reached", "failed"):
                    if self.one(bench, point._replace(on=True)) == "failed" and bench.alive:
                        bench.bot.kill()
                if len(recent) >= CHECK_EVERY or point.call not in MEMORY:
                    self.resumes(bench, recent)
                    recent = []
            self.resumes(bench, recent)
        finally:
            self.benches.put(bench)

    def run(self, points):
        points = list(points)
        chunks = [points[at:at + CHUNK] for at in range(0, len(points), CHUNK)]
        done, began = 0, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for future in concurrent.futures.as_completed(
                    [pool.submit(self.chunk, chunk) for chunk in chunks]):
                future.result()
                done += CHUNK
                if done % (10 * CHUNK) == 0:
                    print(f"  {done} of {len(points)} points, {time.monotonic() - began:.0f} s, "
                          f"{len(self.failures)} failed", flush=True)


def table(sweep, calls):
    print(f"{'':16}" + "".join(f"{phase:>14}" for phase in sweep.counts))
    for call in calls:
        cells = [f"{sweep.passed[phase, call]}/{sweep.total[phase, call]}"
                 if sweep.total[phase, call] else "-" for phase in sweep.counts]
        print(f"{call:16}" + "".join(f"{cell:>14}" for cell in cells))


def main():
    faulthandler.register(signal.SIGUSR1)
    words = argparse.ArgumentParser(description="each call of the C library fails once")
    words.add_argument("calls", nargs="*", metavar="CALL", help=", ".join(CALLS))
    words.add_argument("--phase", action="append", choices=PHASES, help="only in this one")
    words.add_argument("--json", help="writes the figures there")
    words.add_argument("--jobs", type=int, default=4)
    words.add_argument("--most", type=int, default=0, help="so many points, spread evenly")
    words.add_argument("--library", type=int, default=12,
                       help="samples of each call of libraries, each phase")
    args = words.parse_args()
    calls = args.calls or list(CALLS)
    for call in calls:
        if call not in CALLS:
            sys.exit(f"sweep: no call {call}; there are {', '.join(CALLS)}")
    commit, began = figures_file.commit(), time.monotonic()
    with Sweep(args.jobs) as sweep:
        sweep.count(args.phase or PHASES)
        points = sweep.points(calls, args.most)
        told = {phase: {call: found[call, OURS] for call in calls if found[call, OURS]}
                for phase, found in sweep.counts.items()}
        print(f"{len(points)} calls of ours, each once and from then on: {told}", flush=True)
        sweep.run(points)
        sweep.run(sweep.samples(calls, args.library))
    took = time.monotonic() - began
    table(sweep, calls)
    total, passed = sum(sweep.total.values()), sum(sweep.passed.values())
    print(f"{passed}/{total} faults of our calls survived in {took:.0f} s: {dict(sweep.words)}; "
          f"calls of libraries, sampled: {dict(sweep.library)}")
    for where, why in sweep.noted:
        print("library:", where, why.splitlines()[0])
    figures_file.write(
        args.json, "sweep", commit=commit, total=total, passed=passed, seconds=round(took),
        words=dict(sweep.words), library=dict(sweep.library),
        by_call={call: {phase: [sweep.passed[phase, call], sweep.total[phase, call]]
                        for phase in sweep.counts} for call in calls},
        failures=sweep.failures[:100], library_noted=sweep.noted)
    return 1 if sweep.failures else 0


if __name__ == "__main__":
    sys.exit(main())
