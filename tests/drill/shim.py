"""Faults of the C library under gwbotd: shim_*.c, compiled when first wanted."""

import os
import pathlib
import platform
import struct
import subprocess

from drill import check

HERE = pathlib.Path(__file__).resolve().parent
YEAR_NS = 365 * 86400 * 10**9


def preload(bot, name, **rules):
    """Has the bot started with shim_NAME.c; rules become SHIM_CALLS and so on."""
    library = bot.dir / f"shim_{name}.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", str(library),
                        str(HERE / f"shim_{name}.c"), "-ldl"], check=True)
    without(bot)
    bot.env["LD_PRELOAD"] = str(library)
    for key, value in rules.items():
        bot.env["SHIM_" + key.upper()] = str(value)


def without(bot):
    """Has the bot started without any shim again."""
    for key in [key for key in bot.env if key == "LD_PRELOAD" or key.startswith("SHIM_")]:
        del bot.env[key]


def can_step():
    """shim_stores.c uses the trap flag of this processor."""
    return platform.machine() == "x86_64"


class Clock:
    """The clocks of a bot, to be moved while it runs."""

    def __init__(self, bot):
        self.file = bot.dir / "clock"
        self.real = self.boot = 0
        self.move()
        preload(bot, "clock", clock=self.file)

    def move(self, real=0, boot=0):
        """Moves wall time and BOOTTIME by so many nanoseconds."""
        self.real += real
        self.boot += boot
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("<qq", self.real, self.boot))


class Mounts:
    """Mounts of their own, in which a bot can be started as often as wanted."""

    def __init__(self, commands):
        self.process = subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", f"{commands} && echo made && exec sleep 600"],
            stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline() == "made\n", "no private mounts:", commands)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def wrapper(self):
        return ["nsenter", "-t", str(self.process.pid), "-U", "-m", "--preserve-credentials",
                "--"]

    def path(self, path):
        """Where it is seen from outside."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{path}")


def open_files(bot):
    return len(os.listdir(f"/proc/{bot.process.pid}/fd"))
