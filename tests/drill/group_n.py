"""Network faults."""

import contextlib
import random
import statistics
import threading
import time

import net
from drill import Result, check, fault
from gwbotd import Gwbotd, Sim
from play import Console, Outage, heal, live, rss, shard, until

BEAT = {"heartbeat": 1000, "rate": 20}  # gwsim's interval in ms, and events a second


def attempts(bot):
    """When each connect of shard 0 began."""
    return [when for when, _ in bot.events("shard_state", to="connecting")]


# ---- ends and black holes --------------------------------------------------------------

@fault("N01", "TCP reset while beating")
def tcp_reset():
    with live(sim_options=BEAT) as (sim, bot):
        with Outage(bot, "reset") as outage:
            sim.do("rst")
        return outage.over()


@fault("N02", "FIN without close frame")
def fin():
    with live(sim_options=BEAT) as (sim, bot):
        with Outage(bot, "closed") as outage:
            sim.do("drop")
        return outage.over()


def black_hole(**ways):
    """Noticed after at most an interval to the next beat, and one for its answer."""
    with live(sim_options=BEAT, gateway__connect_timeout="2s") as (sim, bot):
        time.sleep(1.2)
        outage = Outage(bot, "zombie")
        with net.dropped(sim.port, **ways):
            with outage:
                pass
            check(outage.noticed < 2.2, "noticed after", outage.noticed)
            outage.is_told("zombie")
        return Result(outage.over(), f"noticed after {outage.noticed:.2f} s of 1 s beats")


@fault("N03", "black hole both ways", net=True)
def black_hole_both():
    return black_hole()


@fault("N04", "black hole towards us", net=True)
def black_hole_to_us():
    return black_hole(from_us=False)


@fault("N05", "beats swallowed while events flow")
def swallowed_beats():
    with live(sim_options=BEAT) as (sim, bot):
        time.sleep(1.2)
        with Outage(bot, "two intervals") as outage:
            sim.do("acks off")
        # One to the next beat, two for the verdict (contract, section 4).
        check(outage.noticed < 3.2, "noticed after", outage.noticed)
        sim.do("acks on")
        return Result(outage.over(), f"noticed after {outage.noticed:.2f} s of 1 s beats")


# ---- connects that fail ----------------------------------------------------------------

BOTH = "127.0.0.1 localhost\n::1 localhost\n"


@contextlib.contextmanager
def named(**settings):
    """A gwsim at both families of localhost, and a bot that knows the name only."""
    with net.hosts(BOTH), Sim(tls=True, host="localhost", **BEAT) as sim, \
            Gwbotd(sim, discord__gateway=f"wss://localhost:{sim.port}", **settings) as bot:
        yield sim, bot
        check(bot.stop() == 0, "gwbotd did not stop as asked")
