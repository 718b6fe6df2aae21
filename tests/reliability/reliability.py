#!/usr/bin/env python3
"""What gwbotd promises, and the figures behind it: ./dev reliability [NAME...]

Runs the campaigns (all, or the named ones), keeps what they showed in results.json, and
writes README's table and that of docs/reliability.md from it.  --add NAME FILE takes a
file that a campaign wrote before; --report only writes the tables; --check says whether
they are what results.json makes.
"""

import argparse
import dataclasses
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
RESULTS = HERE / "results.json"
TABLES = (ROOT / "README.md", ROOT / "docs/reliability.md")
BEGIN = "<!-- reliability: written by ./dev reliability -->"
END = "<!-- reliability ends -->"


@dataclasses.dataclass
class Campaign:
    promise: str
    command: str  # what repeats it
    figure: object  # of what it wrote: (the figure in words, whether the promise held)
    said: str = ""  # a pattern over its output, where it writes no JSON


def number(value):
    return f"{value:,}"


def drill(told):
    text = (f"{told['survived']} of {told['played']} survived, of {told['catalogue']} in the catalogue; "
            f"healed after {told['heal_median_seconds']:.1f} s (median), {told['heal_worst_seconds']:.0f} s at worst")
    return text, told["survived"] == told["played"]


def kills(told):
    text = (f"{number(told['lost'])} of {number(told['sent'])} events lost over {number(told['kills'])} kills, "
            f"{number(told['inside_store'])} of them inside a store to disk; {told['identifies'] - 1} IDENTIFYs spent, "
            f"{number(told['duplicated'])} events twice under the same sequence")
    return text, told["lost"] == 0 and told["identifies"] == 1


def sweep(told):
    return (f"{number(told['passed'])} of {number(told['total'])} failing calls of ours survived",
            told["passed"] == told["total"])


def fuzz(told):
    targets = len(told["targets"])
    text = (f"{number(told['executions'])} executions of {targets} targets in {told['cpu_s'] / 3600:.1f} CPU hours, "
            f"{len(told['broken'])} broken")
    return text, not told["broken"]


def mutate(told):
    killed, total = int(told["killed"]), int(told["total"])
    return f"{killed} of {total} rules broken on purpose were noticed", killed >= 0.95 * total


def simulate(told):
    text = f"{told['days']} shard-days in virtual time, {told['broken']} broken rules"
    return text, told["broken"] == "0"


def storm(told):
    text = (f"{told['losses']} losses by {told['resets']} resets of {told['shards']} connections, "
            f"all resumed, 0 IDENTIFY, 0 gaps; {told['median']} ms (median), {told['worst']} ms at worst")
    return text, True


def soak(told):
    text = (f"{told['hours']:.1f} h with {told['faults']} faults: {told['slope_private_kb_per_hour']:+.0f} kB/h private, "
            f"{told['fds_delta']:+d} descriptors, {told['threads_delta']:+d} threads, {told['lost']} events lost, "
            f"{told['wrong_http'] + told['wrong_control']} wrong answers")
    return text, not told["broken"]


CAMPAIGNS = {
    "drill": Campaign("Survives each fault of the catalogue", "./dev drill", drill),
    "kills": Campaign("Loses nothing over `kill -9`", "./dev kills 1000", kills),
    "storm": Campaign("Heals without an IDENTIFY", "./dev storm 60 100", storm,
                      r"(?P<shards>\d+) connections, \d+ s, (?P<resets>\d+) resets .*?: (?P<losses>\d+) losses, .*"
                      r"median (?P<median>\d+) ms, .*worst (?P<worst>\d+) ms"),
    "sweep": Campaign("Survives lack of memory, descriptors, disk and threads", "./dev sweep", sweep),
    "fuzz": Campaign("No input crashes it", "./dev fuzz --seconds 300", fuzz),
    "simulate": Campaign("Keeps its rules over a lifetime", "./dev simulate --seeds 200000", simulate,
                         r"\d+ seeds, (?P<days>\d+) shard-days, (?P<steps>\d+) steps, (?P<broken>\d+) broken"),
    "soak": Campaign("Does not grow", "./dev soak 1", soak),
    "mutate": Campaign("Its tests notice a broken rule", "./dev mutate", mutate,
                       r"(?P<killed>\d+) of (?P<total>\d+) killed"),
}

# What a table shows is kept, not each row and sample.
DROPPED = {"rows", "samples", "odd", "failures", "by_call"}


def commit():
    said = subprocess.run(["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def run(name):
    """Plays one campaign: what it wrote, or None where it was not played to its end."""
    campaign = CAMPAIGNS[name]
    path = ROOT / "build" / f"{name}.json"
    path.unlink(missing_ok=True)
    words = campaign.command.split() + ([] if campaign.said else ["--json", str(path)])
    told = {"commit": commit(), "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "processors": os.cpu_count()}
    began = time.monotonic()
    print(f"\n== {campaign.command}", flush=True)
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    output = ""
    for line in child.stdout:
        print(line, end="", flush=True)
        output += line
    child.wait()
    if campaign.said:
        found = re.search(campaign.said, output)
        if child.returncode != 0 or not found:
            return None
        told.update(found.groupdict())
    else:
        try:
            told.update(json.loads(path.read_text()))
        except (OSError, ValueError):
            return None
    return told | {"seconds": round(time.monotonic() - began)}


def keep(results, name, told):
    results[name] = {key: value for key, value in told.items() if key not in DROPPED}
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def table(results):
    lines = ["| promise | figure | repeat it | commit, day |", "|---|---|---|---|"]
    for name, campaign in CAMPAIGNS.items():
        if name not in results:
            lines.append(f"| {campaign.promise} | not measured | `{campaign.command}` | |")
            continue
        told = results[name]
        figure, held = campaign.figure(told)
        lines.append(f"| {campaign.promise} | {figure}{'' if held else ' **(not held)**'} | `{campaign.command}` | "
                     f"{told['commit'][:9]}, {told['date'][:10]} |")
    return "\n".join(lines)


def with_table(text, results):
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        sys.exit("reliability: a file has lost the markers of its table")
    return f"{head}{BEGIN}\n{table(results)}\n{END}{tail}"


def read_results():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def write_tables():
    for path in TABLES:
        path.write_text(with_table(path.read_text(), read_results()))


def stale():
    return [path.name for path in TABLES if path.read_text() != with_table(path.read_text(), read_results())]


def main():
    words = argparse.ArgumentParser(description="the figures behind what gwbotd promises")
    words.add_argument("campaigns", nargs="*", metavar="NAME", help=", ".join(CAMPAIGNS))
    words.add_argument("--add", nargs=2, action="append", metavar=("NAME", "FILE"), default=[],
                       help="takes what a campaign wrote before")
    words.add_argument("--report", action="store_true", help="only writes the tables anew")
    words.add_argument("--check", action="store_true", help="only compares the tables")
    args = words.parse_args()
    for name in args.campaigns + [name for name, _ in args.add]:
        if name not in CAMPAIGNS:
            words.error(f"no campaign {name}; there are {', '.join(CAMPAIGNS)}")
    if args.check:
        for name in stale():
            print(f"{name} is not what results.json makes: ./dev reliability --report")
        return 1 if stale() else 0
    failed = []
    for name, path in args.add:
        keep(read_results(), name, json.loads(pathlib.Path(path).read_text()))
    for name in args.campaigns or ([] if args.report or args.add else CAMPAIGNS):
        told = run(name)
        if told:
            keep(read_results(), name, told)
        else:
            failed.append(name)
    write_tables()
    if failed:
        print(f"reliability: not played to the end, and so not in the table: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
