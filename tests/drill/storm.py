#!/usr/bin/env python3
"""Connections that are reset at random for minutes: all heal, none by an IDENTIFY.

    storm.py [SECONDS] [SHARDS]     default: 300 s, 100 connections

One gwbotd over TLS; twice a second some of its connections get a TCP reset (the
seed is printed and may be given as GWBOT_SEED).  At the end every shard must be ready,
every loss healed by RESUME, no sequence missing, and no IDENTIFY spent beyond the first
one of each shard.  Prints the median and the worst healing time.
"""

import os
import pathlib
import random
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from gwbotd import Gwbotd, Sim  # noqa: E402

# Times a second that some of the connections are reset: one, two, or a tenth of them.
RATE = 2


def check(condition, *words):
    if not condition:
        sys.exit("storm: " + " ".join(str(word) for word in words))


def heals(bot):
    """Seconds from each loss to the next READY of the same shard, by the log."""
    lost, found = {}, []
    for when, event in bot.events("shard_state"):
        if event["from"] == "ready":
            lost[event["shard"]] = when
        elif event["to"] == "ready" and event["shard"] in lost:
            found.append(when - lost.pop(event["shard"]))
    return found, lost


def wait_all_ready(bot, shards, timeout):
    deadline = time.monotonic() + timeout
    while True:
        found = bot.snapshot()["shards"]
        ready = sum(shard["connected"] for shard in found)
        if ready == shards:
            return found
        check(time.monotonic() < deadline, f"only {ready} of {shards} are ready")
        time.sleep(0.2)


def storm(sim, bot, dice, seconds, shards):
    """Resets for so long; how many."""
    resets = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(dice.expovariate(RATE))
        for shard in dice.sample(range(shards), dice.choice((1, 1, 1, 2, shards // 10))):
            sim.ask(f"rst shard={shard}")
            resets += 1
    return resets


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300
    shards = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seed = int(os.environ.get("GWBOT_SEED", time.time_ns() % 1000000))
    dice = random.Random(seed)
    with Sim(tls=True, heartbeat=5000, rate=2, shards=shards, max_concurrency=shards,
             buffer=2000) as sim, \
            Gwbotd(sim, discord__shards=shards, env={"LOG_LEVEL": "info"}) as bot:
        bot.start().wait_ready()
        before = wait_all_ready(bot, shards, 120)
        resets = storm(sim, bot, dice, seconds, shards)
        time.sleep(1)
        after = wait_all_ready(bot, shards, 90)  # the longest backoff is a minute
        found, open_ = heals(bot)
        check(not open_, "never healed:", sorted(open_))
        spent = sum(shard["identifies"] for shard in after) - shards
        gaps = sum(shard["seq_gaps"] for shard in after)
        check(spent == 0, spent, "IDENTIFYs were spent where RESUME was possible")
        check(gaps == 0, gaps, "gaps in sequences")
        check(bot.process.poll() is None, "gwbotd ended")
        resumed = sum(shard["resumed"] for shard in after) - \
            sum(shard["resumed"] for shard in before)
        check(resumed >= len(found) > 0, resumed, "resumed,", len(found), "healed")
        found.sort()
        print(f"{shards} connections, {seconds:.0f} s, {resets} resets (seed {seed}): "
              f"{len(found)} losses, all healed by RESUME, 0 IDENTIFY, 0 gaps; "
              f"median {statistics.median(found) * 1000:.0f} ms, "
              f"p99 {found[int(len(found) * 0.99)] * 1000:.0f} ms, "
              f"worst {found[-1] * 1000:.0f} ms")
        check(bot.stop() == 0, "gwbotd did not stop as asked")


if __name__ == "__main__":
    main()
