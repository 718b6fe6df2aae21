#!/usr/bin/env python3
"""Drives the libFuzzer targets and counts: drive.py [--seconds S] [--json FILE] [TARGET...]

Two targets run at a time.  What finds new ways through the code is kept in
build/fuzz/corpus and is where the next run begins.  An input that breaks something is
left in build/fuzz, and fails the run.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build/fuzz"


def targets():
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))


def drive(target, seconds, nice):
    """One target for some seconds: executions, CPU seconds, and the input that broke it."""
    found = BUILD / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    child = subprocess.Popen(
        [BUILD / "tests" / f"fuzz_{target}", f"-max_total_time={seconds}", "-print_final_stats=1",
         "-rss_limit_mb=2048", f"-artifact_prefix={BUILD}/{target}-", found,
         HERE / "corpus" / target],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        preexec_fn=lambda: os.nice(nice))
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    count = re.search(r"number_of_executed_units: (\d+)", said)
    broke = re.search(r"Test unit written to (\S+)", said)
    ok = child.returncode == 0 and broke is None
    if not ok:
        print(said[-4000:], file=sys.stderr)
    return {"target": target, "executions": int(count[1]) if count else 0,
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
            "took_s": round(time.monotonic() - began, 1), "ok": ok,
            "input": pathlib.Path(broke[1]).name if broke else None}


def commit():
    return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True,
                          capture_output=True, check=False).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description="Drives the fuzz targets.")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--json", type=pathlib.Path, help="figures as JSON")
    options = parser.parse_args()
    unknown = set(options.targets) - set(targets())
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(targets())}")
    chosen = options.targets or targets()
    rows = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for row in pool.map(lambda name: drive(name, options.seconds, options.nice), chosen):
            rows.append(row)
            print(f"{row['target']:<12} {row['executions']:>12,} executions "
                  f"{row['cpu_s']:>8,.0f} s of CPU   {'ok' if row['ok'] else row['input']}",
                  flush=True)
    total = sum(row["executions"] for row in rows)
    cpu = sum(row["cpu_s"] for row in rows)
    broken = [row["target"] for row in rows if not row["ok"]]
    print(f"{'all':<12} {total:>12,} executions {cpu:>8,.0f} s of CPU   "
          f"{len(rows) - len(broken)} of {len(rows)} targets hold")
    if options.json:
        options.json.write_text(json.dumps({
            "what": "fuzz", "commit": commit(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "executions": total, "cpu_s": round(cpu), "broken": broken, "targets": rows,
        }, indent=1) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
