"""Do the tests notice when a rule is broken?   ./dev mutate [PATTERN]

Builds a copy of the tree without checkers, breaks one rule of mutants.py at a time, and runs the
tests that the row names: a mutant is killed where one fails, and has survived where all pass.
PATTERN: rows whose file or text contains it; --check: only whether each row still fits the tree.
"""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from mutants import MUTANTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutation"
SOURCE = WORK / "source"
BUILD = WORK / "build"
LEAST = 0.95
SIMULATE = ["--seeds", "60", "--jobs", "2"]


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def copy_tree():
    """What git knows, as it is on disk; what is the same keeps its time, so nothing is built twice."""
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT).stdout.split("\0")
    wanted = {name for name in names if name and (ROOT / name).is_file()}
    for name in sorted(wanted):
        source, target = ROOT / name, SOURCE / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for path in SOURCE.rglob("*"):
        if path.is_file() and str(path.relative_to(SOURCE)) not in wanted:
            path.unlink()


def targets_of(patterns):
    known = {path.stem.removeprefix("test_") for path in (SOURCE / "tests" / "unit").glob("test_*.c")}
    known.add("text_scan_16")  # the same for processors that are less wide than this one may be
    names = []
    for pattern in patterns.split():
        if pattern == "simulate":
            names.append("simulate")
            continue
        found = sorted(fnmatch.filter(known, pattern))
        if not found and "*" not in pattern:
            sys.exit(f"mutate: there is no tests/unit/test_{pattern}.c")
        names += [f"test_{name}" for name in found]
    return list(dict.fromkeys(names))


def build(targets):
    return run(["cmake", "--build", str(BUILD), "--target", *targets, "--", "-j", str(os.cpu_count() or 1)])


def first_failure(targets):
    """The test that notices, or None."""
    for name in targets:
        command = [str(BUILD / "tests" / name)] + (SIMULATE if name == "simulate" else [])
        try:
            if run(command, timeout=120).returncode != 0:
                return name
        except subprocess.TimeoutExpired:
            return f"{name} (for ever)"
    return None


def check():
    """Every row still fits the tree: nothing is built."""
    wrong = [f"{file}: stands there {count} times: {before}" for file, before, _, _ in MUTANTS
             if (count := (ROOT / file).read_text().count(before)) != 1]
    print("\n".join(wrong) or f"{len(MUTANTS)} rows fit")
    sys.exit(1 if wrong else 0)


def try_mutant(file, before, after, patterns):
    path = SOURCE / file
    text = path.read_text()
    count = text.count(before)
    if count != 1:
        return "stale", f"stands there {count} times"
    targets = targets_of(patterns)
    path.write_text(text.replace(before, after, 1))
    try:
        built = build(targets)
        if built.returncode != 0:
            error = re.search(r"error: .*", built.stdout + built.stderr)
            return "unbuilt", error.group(0) if error else "does not build"
        killer = first_failure(targets)
        return ("killed", killer) if killer else ("survived", "")
    finally:
        path.write_text(text)


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    if pattern == "--check":
        check()
    chosen = [row for row in MUTANTS if pattern in row[0] or pattern in row[1]]
    copy_tree()
    configured = run(["cmake", "-S", str(SOURCE), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None",
                      "-DGWBOT_WERROR=OFF", "-DCMAKE_C_FLAGS=-O1"])
    if configured.returncode != 0:
        sys.exit(configured.stderr)
    everything = list(dict.fromkeys(name for row in chosen for name in targets_of(row[3])))
    built = build(everything)
    if built.returncode != 0:
        sys.exit(built.stdout[-2000:] + built.stderr)
    noisy = first_failure(everything)
    if noisy:
        sys.exit(f"mutate: {noisy} fails without any mutant")
    began = time.monotonic()
    counts = {"killed": 0, "survived": 0, "stale": 0, "unbuilt": 0}
    for number, row in enumerate(chosen, 1):
        verdict, detail = try_mutant(*row)
        counts[verdict] += 1
        shown = " ".join(row[1].split())[:70]
        print(f"{number:3} {verdict:8} {row[0].rsplit('/', 1)[-1]}: {shown}{'  <- ' + detail if detail else ''}", flush=True)
    total = counts["killed"] + counts["survived"]
    score = counts["killed"] / total if total else 0
    print(f"\n{counts['killed']} of {total} killed ({score:.1%}) in {time.monotonic() - began:.0f} s; "
          f"{counts['stale']} rows are stale, {counts['unbuilt']} do not build")
    (WORK / "result.json").write_text(json.dumps({**counts, "total": total, "score": score}) + "\n")
    sys.exit(0 if score >= LEAST and counts["stale"] + counts["unbuilt"] == 0 else 1)


if __name__ == "__main__":
    main()
