"""gwbotd as a maker of padded emoji, and what its answers are looked at with."""

import subprocess
import urllib.parse

from gwbotd import Gwbotd


def path_of(url, **more):
    return "/emoji-pad?" + urllib.parse.urlencode({"u": url, **more})


def size_of(body):
    assert body[:8] == b"\x89PNG\r\n\x1a\n", body[:80]
    return int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big")


def pixels_of(body):
    return subprocess.run(["convert", "png:-", "-depth", "8", "rgba:-"], input=body,
                          stdout=subprocess.PIPE, check=True).stdout


def find(document, name):
    """The member with this name, however deep."""
    if isinstance(document, dict):
        return document[name] if name in document else next(
            (found for value in document.values() if (found := find(value, name))), None)
    return None


def metric(bot, name):
    body = bot.get("/metrics")[2].decode()
    for line in body.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


class Bot(Gwbotd):
    """gwbotd without a gateway that matters, which may fetch from these hosts."""

    def __init__(self, sim, *hosts, **settings):
        super().__init__(sim, emoji__hosts=",".join(hosts), **settings)

    def pad(self, url, timeout=30, **more):
        return self.get(path_of(url, **more), timeout=timeout)
