#!/usr/bin/env python3
"""Hours of work with a random fault a minute: does it grow, lose, or get slow?

    soak.py HOURS [--json FILE] [--seed N] [--every SECONDS]

One gwbotd against gwsim over TLS: 20 dispatches a second, one HTTP and one control
request a second, a fault a minute out of FAULTS.  Each 10 s it is measured.  At the end
memory must not have grown after the warm-up (least squares), no descriptor or thread may
be left over, no event missing, no answer wrong, no IDENTIFY spent where RESUME was
possible.  Ends with 1 where one of LIMITS is broken.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.path.insert(0, str(HERE))

import figures_file  # noqa: E402
from gwbotd import Gwbotd, Sim  # noqa: E402

RATE = 20  # dispatches a second
SAMPLE_S = 10
TELL_EVERY = 60  # samples
LATE_S = 1.0  # an answer that takes longer is late
HEAL_S = 120  # after the end of a fault: the backoff of many goes up to a minute

# What is said to gwsim, for how long, what ends it, and how many IDENTIFYs it may cost.
Fault = collections.namedtuple("Fault", "name begin lasts end identifies")


def lasting(name, begin, lasts):
    return Fault(name, begin, lasts, "calm", 0)


FAULTS = [
    *(Fault(words, words, 0, None, 0) for words in (
        "drop", "rst", "reconnect", "invalid true", "garbage 4096", "corrupt", "close 4000",
        "close 4002", "close 1000", "close none", "flood 20000", "big 1000000", "cut 9",
        "beat 50", "message !uptime")),
    Fault("invalid false", "invalid false", 0, None, 1),
    Fault("close 4009", "close 4009", 0, None, 1),
    lasting("freeze", "freeze", 16),
    lasting("acks off", "acks off", 12),
    lasting("slow", "slow 2000", 8),
    lasting("split", "split 7", 10),
    lasting("outage", "outage on", 10),
    Fault("no hello", ("no-hello on", "rst"), 12, "calm", 0),
    Fault("refuse-resume silent", ("refuse-resume silent", "rst"), 14, "calm", 0),
    Fault("upgrade 503", ("upgrade 503", "rst"), 8, "calm", 0),
    Fault("refused", ("refuse on", "rst"), 8, "calm", 0),
    Fault("rest 503", ("rest 503", "message !ping"), 8, "calm", 0),
    Fault("reload", signal.SIGHUP, 0, None, 0),
    Fault("gwctl reconnect", ["reconnect"], 0, None, 0),
]

LIMITS = {  # figure: the most that it may be
    "growth_rss_kb": 256, "growth_private_kb": 256, "fds_delta": 0, "threads_delta": 0,
    "turn_max_ms": 100, "wrong_http": 0, "wrong_control": 0, "lost": 0, "unhealed": 0,
    "identifies_beyond": 0, "exits": 0,
}


def slope(points):
    """Least squares of (x, y)."""
    count = len(points)
    if count < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0


class Soak:
    """One run: what was seen of it so far."""

    def __init__(self, sim, bot, seed, every):
        self.sim, self.bot, self.every = sim, bot, every
        self.dice = random.Random(seed)
        self.began = time.monotonic()
        self.samples = []
        self.faults = collections.Counter()
        self.allowed = 0  # IDENTIFYs that faults may cost
        self.took = {"http": [], "control": []}
        self.wrong = {"http": [], "control": []}
        self.unhealed = []
        self.bag = []
        self.playing = None
        self.ends_at = self.healed_by = None

    @property
    def now(self):
        return time.monotonic() - self.began

    # ---- faults ----

    def begin_fault(self):
        """Each once in random order, then all again."""
        if not self.bag:
            self.bag = self.dice.sample(FAULTS, len(FAULTS))
        fault = self.bag.pop()
        self.faults[fault.name] += 1
        self.allowed += fault.identifies
        if isinstance(fault.begin, signal.Signals):
            self.bot.process.send_signal(fault.begin)
        elif isinstance(fault.begin, list):
            self.bot.ctl(*fault.begin)
        else:
            lines = [fault.begin] if isinstance(fault.begin, str) else fault.begin
            for line in lines:
                self.sim.ask(line)
        self.playing = fault
        self.ends_at = self.now + fault.lasts

    def end_fault(self):
        if self.playing.end:
            self.sim.ask(self.playing.end)
            self.sim.ask(f"rate {RATE}")
            self.sim.ask("events on")
        self.healed_by = self.now + HEAL_S

    def heal(self, ready):
        if self.playing and self.ends_at is not None and self.now >= self.ends_at:
            self.ends_at = None
            self.end_fault()
        elif self.playing and self.ends_at is None and (ready or self.now > self.healed_by):
            if not ready:
                self.unhealed.append((self.playing.name, round(self.now)))
            self.playing = None

    # ---- questions ----

    def timed(self, kind, ask):
        asked = time.monotonic()
        try:
            answer, fault = ask(), None
        except (OSError, ValueError, AssertionError, KeyError) as error:
            answer, fault = None, f"{type(error).__name__}: {error}"
        self.took[kind].append(time.monotonic() - asked)
        if fault:
            self.wrong[kind].append((round(self.now), self.playing and self.playing.name, fault))
        return answer

    def ask_http(self):
        status, body = self.bot.health()
        if (status == 200) != bool(body["connected"]) or status not in (200, 503):
            raise ValueError(f"{status} with {body}")

    def ask_control(self):
        done = self.bot.ctl("--json", "status")
        if done.returncode != 0:
            raise ValueError(f"gwctl ended with {done.returncode}: {done.stderr}")
        answer = json.loads(done.stdout)
        loop = answer["loop"]
        return answer["shards"][0]["ready"], {
            "turn_max_ms": loop["turn_max_seconds"] * 1000,
            "timer_lag_max_ms": (loop["timer_lags"]["max_seconds"] or 0) * 1000,
            "beat_late_max_ms": (answer["heartbeat_lateness"]["max_seconds"] or 0) * 1000}

    # ---- measuring ----

    def sample(self, lags):
        base = pathlib.Path(f"/proc/{self.bot.process.pid}")
        sizes = {line.split(":")[0]: int(line.split()[1])
                 for line in (base / "smaps_rollup").read_text().splitlines()[1:]}
        self.samples.append({
            "at": round(self.now, 1), "rss_kb": sizes["Rss"],
            "private_kb": sizes["Private_Clean"] + sizes["Private_Dirty"],
            "fds": len(os.listdir(base / "fd")), "threads": len(os.listdir(base / "task")),
            **{name: round(value, 2) for name, value in lags.items()}})
        if len(self.samples) % TELL_EVERY == 0:
            print(f"{self.now / 3600:.2f} h, {sum(self.faults.values())} faults: "
                  f"{self.samples[-1]}", flush=True)
        with self.bot.fresh:  # hours of it would fill this process
            self.bot.lines = self.bot.lines[-200:]

    def run(self, seconds):
        next_fault, next_sample, tick = self.every, SAMPLE_S, 0
        ready, lags = True, {}
        last_fault = seconds - min(HEAL_S, seconds / 4)
        while self.now < seconds and self.bot.process.poll() is None:
            tick += 1
            time.sleep(max(0, tick - self.now))
            self.timed("http", self.ask_http)
            answer = self.timed("control", self.ask_control)
            ready, lags = answer or (False, lags)
            self.heal(ready)
            if self.now >= next_fault and not self.playing and self.now < last_fault:
                next_fault = self.now + self.dice.uniform(0.7, 1.3) * self.every
                self.begin_fault()
            if self.now >= next_sample:
                next_sample += SAMPLE_S
                self.sample(lags)
            tick = max(tick, int(self.now))

    # ---- the end ----

    def lost(self):
        """Events that gwsim sent in this session and the bot never saw, plus the gaps seen."""
        self.sim.ask("calm")
        self.sim.ask("events off")
        deadline = time.monotonic() + 30
        while True:
            shard = self.bot.snapshot()["shards"][0]
            last = max(session["last_sent"] for session in self.sim.sessions())
            if shard["seq"] == last or time.monotonic() > deadline:
                return last - shard["seq"] + shard["seq_gaps"], shard
            time.sleep(0.2)

    def figures(self, warm_up):
        measured = [row for row in self.samples if row["at"] >= warm_up]
        hours = (measured[-1]["at"] - measured[0]["at"]) / 3600
        told = {"hours": round(self.now / 3600, 3), "measured_hours": round(hours, 3)}
        for name in ("rss", "private"):
            by = slope([(row["at"] / 3600, row[f"{name}_kb"]) for row in measured])
            told[f"slope_{name}_kb_per_hour"] = round(by, 1)
            told[f"growth_{name}_kb"] = round(by * hours, 1)
            told[f"last_{name}_kb"] = measured[-1][f"{name}_kb"]
        span = max(1, len(measured) // 3)
        for name in ("fds", "threads"):
            told[f"{name}_delta"] = min(row[name] for row in measured[-span:]) - \
                min(row[name] for row in measured[:span])
        for name in ("turn_max_ms", "timer_lag_max_ms", "beat_late_max_ms"):
            told[name] = max(row.get(name, 0) for row in self.samples)
        for kind in ("http", "control"):
            took = sorted(self.took[kind])
            told[f"asked_{kind}"] = len(took)
            told[f"wrong_{kind}"] = len(self.wrong[kind])
            told[f"late_{kind}"] = sum(one > LATE_S for one in took)
            told[f"median_ms_{kind}"] = round(statistics.median(took) * 1000, 2)
            told[f"p99_ms_{kind}"] = round(took[int(len(took) * 0.99)] * 1000, 2)
        told["faults"] = sum(self.faults.values())
        told["unhealed"] = len(self.unhealed)
        return told


def report(figures, detail):
    broken = {name: (figures[name], most) for name, most in LIMITS.items()
              if figures[name] > most}
    for name, value in figures.items():
        print(f"  {name:28} {value}" + ("   BROKEN" if name in broken else ""))
    for name, found in detail.items():
        if found:
            print(f"  {name}: {found}")
    return broken


def main():
    words = argparse.ArgumentParser(description="hours with a fault a minute")
    words.add_argument("hours", type=float, nargs="?", default=1.0)
    words.add_argument("--json", help="writes the figures there")
    words.add_argument("--seed", type=int, default=int(os.environ.get("GWBOT_SEED", 20240610)))
    words.add_argument("--every", type=float, default=60, help="seconds from fault to fault")
    args = words.parse_args()
    seconds = args.hours * 3600
    commit = figures_file.commit()
    with Sim(tls=True, heartbeat=5000, rate=RATE, buffer=50000) as sim, \
            Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
        bot.start().wait_ready()
        soak = Soak(sim, bot, args.seed, args.every)
        soak.run(seconds)
        ended = bot.process.poll()
        lost, shard = soak.lost() if ended is None else (0, None)
        figures = soak.figures(min(3600, seconds / 3))
        spent = sim.totals()["identifies"] - 1
        figures.update(lost=lost, identifies=spent + 1, identifies_beyond=spent - soak.allowed,
                       exits=int(ended is not None), seed=args.seed)
        if shard:
            figures.update(dispatches=shard["dispatches"], resumed=shard["resumed"])
            figures["exits"] += bot.stop() != 0
        else:
            print(f"soak: gwbotd ended with {ended}:\n{bot.output[-3000:]}")
    detail = {"faults_by_kind": dict(soak.faults), "unhealed_faults": soak.unhealed,
              "wrong_http_answers": soak.wrong["http"][:20],
              "wrong_control_answers": soak.wrong["control"][:20]}
    broken = report(figures, detail)
    figures_file.write(args.json, "soak", commit=commit, **figures, **detail,
                       broken=sorted(broken), samples=soak.samples)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
