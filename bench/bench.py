"""The benchmark: ./dev bench [--quick] [--only NAME,... | --again NAME] | --report | --check

Writes bench/results.json, bench/RESULTS.md and the table in README.md.  --report writes
the texts anew from results.json; --check says whether they are what it makes.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import report

HERE = pathlib.Path(__file__).resolve().parent
RESULTS = HERE / "results.json"


def run_text(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE).stdout.strip()


def machine():
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    dirty = "" if not run_text("git", "status", "--porcelain", "--untracked-files=no", "..") else " with changes"
    return {"cores": os.cpu_count(), "cpu": model, "kernel": platform.release(),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "compiler": run_text("gcc", "--version").partition("\n")[0], "node": run_text("node", "--version"),
            "commit": run_text("git", "rev-parse", "--short", "HEAD") + dirty,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}


def measure(quick, only):
    import measures  # needs the programs, which --check does not

    results = {"meta": machine() | {"quick": quick, "load_at_start": os.getloadavg()[0]}}
    lock = json.loads((HERE / "peers" / "package-lock.json").read_text())["packages"]
    results["meta"]["peers"] = {name: lock[f"node_modules/{name}"]["version"] for name in measures.JS_PEERS}
    results["meta"]["peers"]["discord.py"] = run_text(measures.PYTHON, "-c", "import discord; print(discord.__version__)")
    began = time.monotonic()
    for name, function in measures.ALL.items():
        if only and name not in only:
            continue
        print(f"{name} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
        results[name] = function(quick)
    results["meta"]["took_s"] = round(time.monotonic() - began)
    results["meta"]["load_at_end"] = os.getloadavg()[0]
    return results


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("--quick", action="store_true", help="3 minutes at most, and nothing is written")
    parser.add_argument("--only", default="", help="these measurements alone, and nothing is written")
    parser.add_argument("--again", default="", help="this one again; takes its place in the last results, which say so")
    parser.add_argument("--report", action="store_true", help="only write the texts anew")
    parser.add_argument("--check", action="store_true", help="only compare the texts")
    given = parser.parse_args()
    if given.check:
        stale = report.stale(json.loads(RESULTS.read_text()))
        print("\n".join(f"{path} is not what results.json makes: ./dev bench --report" for path in stale))
        return 1 if stale else 0
    if given.report:
        report.write(json.loads(RESULTS.read_text()))
        return 0
    if given.again:
        results = json.loads(RESULTS.read_text())
        fresh = measure(False, [given.again])
        results[given.again] = fresh[given.again]
        results["meta"].setdefault("again", {})[given.again] = {key: fresh["meta"][key] for key in ("date", "commit")}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        report.write(results)
        return 0
    only = [word for word in given.only.split(",") if word]
    results = measure(given.quick, only)
    print(report.text(results))
    if not given.quick and not only:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        report.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
