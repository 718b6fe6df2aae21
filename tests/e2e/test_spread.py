"""Shards that fall together come back spread; one that falls alone comes at once."""

import unittest

from gwbotd import Gwbotd, Sim

SHARDS = 16


ALONE = 3


def waits(bot):
    """next_try_s of all who backed off but the one that has fallen before: it has more
    to wait for."""
    return [event["next_try_s"] for _, event in bot.events("shard_state", to="backing off")
            if event["shard"] != ALONE]


class Spread(unittest.TestCase):
    def test_by_how_many_are_down(self):
        with Sim(shards=SHARDS, max_concurrency=16) as sim, \
                Gwbotd(sim, discord__shards=SHARDS) as bot:
            bot.start().wait_ready(count=SHARDS)
            sim.do(f"rst shard={ALONE}")
            bot.wait_ready(count=SHARDS + 1)
            self.assertEqual([], bot.events("shard_state", to="backing off"))

            sim.do("rst")
            bot.wait_ready(count=2 * SHARDS + 1)
            spread = waits(bot)
            self.assertGreaterEqual(len(spread), SHARDS - 3)
            self.assertLessEqual(max(spread), 0.05 * (SHARDS - 1))
            self.assertEqual(SHARDS, sim.totals()["identifies"])
            self.assertEqual(0, bot.stop())

            bot.start().wait_ready(count=SHARDS)
            self.assertEqual(SHARDS - 1, len(waits(bot)))
            self.assertEqual(SHARDS, sim.totals()["identifies"])
            self.assertEqual([], sim.totals()["client_error_texts"])
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
