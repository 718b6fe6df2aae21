"""Instructions of the hot path for each event, beside the committed figures.

A slow-down shows on a machine whose clock tells nothing.  What is counted is this
project's own code: zlib, zstd and the C library choose theirs by the processor.  Where
that is wide, text is looked at in wider steps than here: callgrind has no AVX-512.

    guard.py GUARD [--update]
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

FIGURES = pathlib.Path(__file__).resolve().parent / "figures.json"
MODES = ("none", "zlib-stream", "zstd-stream", "none read")
MARGIN = 1.08  # compilers of one version, built alike, differ by nothing; small fixes by a few percent


def own_cost(out, program):
    """Instructions within the program's own object, of a callgrind file."""
    names, total, own, skip = {}, 0, False, False
    for line in out.read_text().splitlines():
        found = re.match(r"ob=\((\d+)\)(?: (.*))?$", line)
        if found:
            names.setdefault(found[1], found[2])
            own = names[found[1]] == program
        elif line.startswith("cob="):
            found = re.match(r"cob=\((\d+)\)(?: (.*))?$", line)
            names.setdefault(found[1], found[2])
        elif line.startswith("calls="):
            skip = True  # the next line has what the called one took
        elif re.match(r"[+\-*\d]", line):
            if own and not skip:
                total += int(line.split()[1])
            skip = False
    return total


def count(program, mode):
    """Instructions an event."""
    with tempfile.TemporaryDirectory(prefix="gwbot-guard-") as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=hot_path",
                               f"--callgrind-out-file={out}", program, *mode.split()],
                              capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"guard {mode}: {done.stdout}{done.stderr}")
        events = int(re.match(r"events (\d+)", done.stdout)[1])
        cost = own_cost(out, program)
    if cost == 0:
        raise SystemExit(f"guard {mode}: callgrind counted nothing of {program}")
    return cost / events


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    found = {mode: round(count(program, mode)) for mode in MODES}
    if "--update" in sys.argv:
        FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    wanted = json.loads(FIGURES.read_text())
    slow = [mode for mode in MODES if found[mode] > wanted[mode] * MARGIN]
    for mode in MODES:
        print(f"{mode}: {found[mode]} instructions an event, {wanted[mode]} committed "
              f"({found[mode] / wanted[mode] * 100 - 100:+.1f} %)")
    if slow:
        print(f"The hot path has become slower with {', '.join(slow)}. Find out why; if it is worth it:\n"
              f"    python3 tests/guard/guard.py {sys.argv[1]} --update")
    if any(found[mode] * MARGIN < wanted[mode] for mode in MODES):
        print("It has become quicker: keep that with --update.")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
