#!/usr/bin/env python3
"""What the compiler and the linker have put into the programs against those who break in:
tests/hardening.py FOLDER lists it, and fails where something is missing."""

import pathlib
import platform
import re
import subprocess
import sys

# Compiled with it, but the compiler proves all its copies to be in bounds, or they go
# through loops: no call of the C library is left that has a checking twin.
NOT_THERE = {("gwbot-emoji", "fortified")}

PROGRAMS = ("gwbotd", "gwctl", "gwsim", "gwbot-emoji")


def readelf(*words):
    return subprocess.run(["readelf", "--wide", *map(str, words)], capture_output=True,
                          text=True, check=True).stdout


MARKS = {"x86_64": "endbr64", "aarch64": "paciasp"}  # CET; pointer authentication


def has_branch_protection(path):
    """Not by the ELF note: the linker leaves it out, since Debian's crt1.o has none."""
    code = subprocess.run(["objdump", "-d", "-j", ".text", str(path)], capture_output=True,
                          text=True, check=True).stdout
    # Functions that others can call begin with it; what is linked in before main has none.
    return code.count(MARKS[platform.machine()]) > 4


def features(path):
    """Name of each feature -> whether the program has it."""
    header, segments = readelf("-h", path), readelf("-l", path)
    dynamic, symbols = readelf("-d", path), readelf("--dyn-syms", path)
    found = {
        "PIE": "DYN (Position-Independent" in header and "(FLAGS_1)" in dynamic and "PIE" in dynamic,
        "RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": bool(re.search(r"\bNOW\b", dynamic)),
        "no executable stack": bool(re.search(r"GNU_STACK\s.*\sRW\s", segments)),
        "no text relocations": "TEXTREL" not in dynamic,
        "no RPATH": "(RPATH)" not in dynamic and "(RUNPATH)" not in dynamic,
        "stack protector": "__stack_chk_fail" in symbols,
        "fortified": bool(re.search(r"__\w+_chk@", symbols)),
    }
    if platform.machine() in MARKS:
        found["branch protection"] = has_branch_protection(path)
    return {name: there for name, there in found.items() if (path.name, name) not in NOT_THERE}


def main():
    folder = pathlib.Path(sys.argv[1])
    missing = []
    for program in PROGRAMS:
        found = features(folder / program)
        print(f"{program}: {', '.join(name for name, there in found.items() if there)}")
        missing += [f"{program}: {name}" for name, there in found.items() if not there]
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
