"""Network faults."""

from drill import fault
from play import heal, live


@fault("N01", "TCP reset while beating")
def tcp_reset():
    with live() as (sim, bot):
        return heal(bot, lambda: sim.do("rst"))
