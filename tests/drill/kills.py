#!/usr/bin/env python3
"""A storm of kills: SIGKILL at random moments and inside the calls of the state store.

    kills.py [N] [--json FILE] [--seed N]     default: 1000 kills

gwsim sends events all the time.  The daemon is gwbotd_witness: gwbotd with one more
consumer, which writes each dispatch that it is handed into a file (witness.c), so that
what was consumed is known though nobody had the time to say so.  Each life is ended by
one of WAYS; the next one resumes.  At the end the file is compared with what gwsim sent:
nothing may be missing, and what came twice must bear the same sequence.  Ends with 1
where anything was lost, or an IDENTIFY was spent.
"""

import argparse
import collections
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.path.insert(0, str(HERE))

import figures_file  # noqa: E402
import shim  # noqa: E402
from gwbotd import BIN, Gwbotd, Sim  # noqa: E402

EVENTS_PER_S = 300
LIFE_S = 1.4  # a life that the shim does not end: its syncs come once a second
TELL_EVERY = 50

# How often each is taken, in 20.
WAYS = {"random": 8, "call": 4, "sync": 2, "store": 6}
WITHOUT_STORES = {"random": 11, "call": 6, "sync": 3}


class Storm:
    """One folder, one session, many lives."""

    def __init__(self, sim, bot, seed):
        self.sim, self.bot = sim, bot
        self.dice = random.Random(seed)
        self.ways = WAYS if shim.can_step() else WITHOUT_STORES
        self.witness = bot.dir / "witness"
        self.names = bot.dir / "calls"
        bot.program = BIN / "tests" / "gwbotd_witness"
        bot.env.update(GWBOT_WITNESS=str(self.witness), LOG_LEVEL="info")
        self.kills = collections.Counter()
        self.inside = collections.Counter()  # by the name of the call
        self.odd = []
        self.calls = self.stores = self.fds = 0
        self.files = []

    # ---- lives ----

    def live(self, **rules):
        """A life that the shim ends, or we do after a while; True where the shim did."""
        self.bot.start()
        try:
            status = self.bot.wait_exit(rules.pop("seconds", LIFE_S))
        except subprocess.TimeoutExpired:
            self.bot.kill()
            return False
        if status != -signal.SIGKILL:
            self.odd.append(f"ended with {status}: {self.bot.output[-500:]}")
        return True

    def kill_random(self):
        self.bot.start()
        time.sleep(self.dice.uniform(0, 0.5))
        if self.bot.process.poll() is not None:
            self.odd.append(f"ended with {self.bot.process.returncode}: {self.bot.output[-500:]}")
        self.bot.kill()
        return None

    def kill_at(self, names, at):
        self.names.unlink(missing_ok=True)
        act = self.dice.choice(["kill", "kill-after", f"kill-in {self.dice.randrange(300)}"])
        shim.preload(self.bot, "calls", calls=names, folder=self.bot.dir / "state", at=at,
                     act=act, count=self.names)
        died = self.live()
        shim.without(self.bot)
        return self.names.read_text().split()[-1] if died else None

    def kill_call(self):
        return self.kill_at("*", self.dice.randint(1, self.calls))

    def kill_sync(self):
        return self.kill_at("fdatasync,fsync", self.dice.randint(1, 4))

    def kill_store(self):
        at = self.dice.randint(1, self.stores)
        shim.preload(self.bot, "stores", folder=self.bot.dir / "state", at=at)
        died = self.live()
        shim.without(self.bot)
        return "store into the mapped record" if died else None

    def learn(self):
        """The first life, with its IDENTIFY; then how many calls a life does that resumes."""
        self.bot.start().wait_ready()
        self.bot.snapshot()
        self.fds = shim.open_files(self.bot)
        self.bot.stop()
        self.files = self.left()
        shim.preload(self.bot, "calls", calls="*", folder=self.bot.dir / "state",
                     count=self.names)
        self.bot.start().wait_ready()
        self.bot.kill()
        shim.without(self.bot)
        self.calls = len(self.names.read_text().split())
        self.stores = 60 + EVENTS_PER_S // 2

    def one(self):
        way, = self.dice.choices(list(self.ways), self.ways.values())
        inside = getattr(self, f"kill_{way}")()
        self.kills[way if inside or way == "random" else "random"] += 1
        if inside:
            self.inside[inside] += 1

    def left(self):
        return sorted(path.name for path in (self.bot.dir / "state").iterdir())

    # ---- what came of it ----

    def finish(self):
        """The last life takes what is left; all that gwsim sent must be there then."""
        self.bot.start().wait_ready()
        self.sim.do("events off")
        deadline = time.monotonic() + 30
        session, = self.sim.sessions()
        while self.bot.snapshot()["shards"][0]["seq"] != session["last_sent"] and \
                time.monotonic() < deadline:
            time.sleep(0.1)
            session, = self.sim.sessions()
        shard = self.bot.snapshot()["shards"][0]
        if self.left() != self.files:
            self.odd.append(f"files were left: {self.left()}, not {self.files}")
        while shim.open_files(self.bot) > self.fds and time.monotonic() < deadline:
            time.sleep(0.1)  # a sync has one of its own
        if shim.open_files(self.bot) > self.fds:
            self.odd.append(f"{shim.open_files(self.bot)} descriptors, not {self.fds}")
        if self.bot.stop() != 0:
            self.odd.append("did not stop as asked")
        return session, shard

    def count(self, session):
        lines = [line.split() for line in self.witness.read_text().splitlines()]
        seen, kinds = collections.Counter(), {}
        for seq, kind in lines:
            seen[int(seq)] += 1
            if kinds.setdefault(int(seq), kind) != kind:
                self.odd.append(f"sequence {seq} is {kind} and {kinds[int(seq)]}")
        sent = session["last_sent"]
        lost = [seq for seq in range(1, sent + 1) if seq not in seen]
        beyond = [seq for seq in seen if not 1 <= seq <= sent]
        if beyond:
            self.odd.append(f"sequences that were never sent: {beyond[:10]}")
        return {"sent": sent, "lost": len(lost), "lost_first": lost[:10],
                "duplicated": sum(seen.values()) - len(seen), "most_times": max(seen.values())}


def storm(kills, seed, told=print):
    """Plays them; the figures, and what was odd."""
    with Sim(tls=True, rate=EVENTS_PER_S, heartbeat=1000, buffer=20000) as sim, \
            Gwbotd(sim) as bot:
        play = Storm(sim, bot, seed)
        play.learn()
        began = time.monotonic()
        for number in range(1, kills + 1):
            play.one()
            if number % TELL_EVERY == 0:
                told(f"{number} kills, {sum(play.inside.values())} inside the store, "
                     f"{time.monotonic() - began:.0f} s, {len(play.odd)} odd", flush=True)
        took = time.monotonic() - began
        session, shard = play.finish()
        figures = {"kills": kills, "kills_by_way": dict(play.kills),
                   "inside_store": sum(play.inside.values()),
                   "inside_by_call": dict(play.inside), **play.count(session)}
        totals = sim.totals()
        figures.update(identifies=totals["identifies"], resumed=totals["resumed"],
                       seq_gaps=shard["seq_gaps"], seconds=round(took, 1), seed=seed)
        # A kill in the middle of a handshake looks like that from the other side.
        play.odd += [text for text in totals["client_error_texts"]
                     if not text.startswith("TLS handshake failed")]
        if not session["resume_seqs_all_sent"]:
            play.odd.append("a RESUME from what was never sent")
        return figures, play.odd


def main():
    words = argparse.ArgumentParser(description="kills gwbotd at the worst moments")
    words.add_argument("kills", type=int, nargs="?", default=1000)
    words.add_argument("--json", help="writes the figures there")
    words.add_argument("--seed", type=int, default=int(os.environ.get("GWBOT_SEED", 20240611)))
    args = words.parse_args()
    commit = figures_file.commit()
    figures, odd = storm(args.kills, args.seed)
    figures_file.write(args.json, "kills", commit=commit, **figures, odd=odd[:50])
    print(f"{figures['kills']} kills in {figures['seconds']:.0f} s (seed {figures['seed']}), "
          f"{figures['inside_store']} inside the store: {figures['inside_by_call']}")
    print(f"{figures['sent']} events sent: {figures['lost']} lost, {figures['duplicated']} twice, "
          f"under the same sequence; {figures['identifies']} IDENTIFY, "
          f"{figures['resumed']} resumed")
    for line in odd[:20]:
        print("kills:", line)
    good = figures["lost"] == 0 and figures["identifies"] == 1 and not odd
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
