"""What the scenarios of the drill have in common."""

import contextlib
import time

from drill import check
from gwbotd import Gwbotd, Sim


@contextlib.contextmanager
def live(tls=True, sim_options=None, **settings):
    """A gwsim and a gwbotd with a session that is ready: yields (sim, bot)."""
    with Sim(tls=tls, **(sim_options or {})) as sim, Gwbotd(sim, **settings) as bot:
        bot.start().wait_ready()
        yield sim, bot
        check(bot.process.poll() is None, "gwbotd ended with", bot.process.returncode)
        check(bot.stop() == 0, "gwbotd did not stop as asked")


def heal(bot, act, timeout=30, resumes=True):
    """Seconds from act() until the session was ready again; by RESUME where resumes."""
    before = bot.snapshot()["shards"][0]
    seen = len(bot.events("shard_state", to="ready"))
    began = time.monotonic()
    act()
    when, _ = bot.wait_ready(timeout, count=seen + 1)
    after = bot.snapshot()["shards"][0]
    if resumes:
        check(after["identifies"] == before["identifies"], "an IDENTIFY was spent")
        check(after["resumed"] > before["resumed"], "it was not resumed")
    return when - began
