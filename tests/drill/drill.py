#!/usr/bin/env python3
"""The fault drill: every fault of the catalogue against the real programs, on loopback.

    drill.py            all faults          drill.py N01 P    some, or a whole group
    drill.py --list     what there is       drill.py --jobs K faults at a time
    drill.py --json FILE                    what was shown, for a table

A fault is a function in group_X.py under @fault(ID, TITLE).  It plays the fault, checks
what has to hold, and returns the seconds until the session was healed, or a Result with
another figure.  Whatever it raises is the reason why the fault was not survived.  Each
runs in a process of its own with a limit in time, so that one that hangs costs only
itself.
"""

import argparse
import concurrent.futures
import dataclasses
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "e2e"))

import gwbotd  # noqa: E402  (the path is set above)

# How many rows each group of the catalogue has: N01 to N23 and so on.
CATALOGUE = {
    "N": ("network", 23), "T": ("TLS", 15), "D": ("DNS", 9), "P": ("protocol", 30),
    "Z": ("compression", 7), "R": ("REST", 16), "S": ("state and disk", 15),
    "C": ("control socket", 14), "H": ("HTTP", 14), "F": ("configuration", 8),
    "K": ("signals and time", 13), "X": ("resource exhaustion", 12), "W": ("security", 22),
}
# Scenarios mostly wait: more of them at a time than there are processors.
JOBS = 6


@dataclasses.dataclass
class Result:
    """What a fault has shown: healing time in seconds, or a figure in words, or both."""
    heal: float = None
    figure: str = ""


@dataclasses.dataclass
class Fault:
    number: str
    title: str
    function: object
    limit: float  # seconds in all
    alone: bool  # measures time so finely that nothing may run beside it
    net: bool = False  # played in a network of its own (see net.py)
    cannot: str = ""  # why it cannot be played, instead of a function


FAULTS = {}


def fault(number, title, limit=60, alone=False, net=False):
    """Registers a function as the scenario of one row of the catalogue."""
    def register(function):
        if number in FAULTS:
            raise ValueError(f"{number} is there twice")
        FAULTS[number] = Fault(number, title, function, limit, alone, net)
        return function
    return register


def cannot(number, title, why):
    """A row that cannot be played on this kind of machine, and why."""
    FAULTS[number] = Fault(number, title, None, 0, False, cannot=why)


def check(condition, *words):
    """As assert, but not optimised away, and with figures."""
    if not condition:
        raise AssertionError(" ".join(str(word) for word in words))


def unit(program, *cases, timeout=60):
    """A row whose proof is a program of tests/unit; cases: names that must be among its own."""
    path = pathlib.Path(os.environ["GWBOT_TEST_BIN"]) / program
    run = subprocess.run([str(path)], capture_output=True, text=True, timeout=timeout, check=False)
    said = run.stdout + run.stderr
    check(run.returncode == 0, f"{program} failed:\n{said[-2000:]}")
    for case in cases:
        check(f"[       OK ] {case}\n" in said, f"{program} has no case {case} that passes")
    return Result(figure=f"unit: {program}" + (f", {len(cases)} cases" if cases else ""))


def suite(folder, module, *cases, timeout=280):
    """A row whose proof is one or some cases (Class.test_x) of tests/FOLDER/MODULE.py."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-B", "-m", "unittest", "-v",
         *(f"{module}.{case}" for case in cases)],
        cwd=HERE.parent / folder, capture_output=True, text=True, timeout=timeout, check=False)
    check(run.returncode == 0 and "skipped" not in run.stderr,
          f"{module} failed:\n{run.stderr[-3000:]}")
    return Result(figure=f"{module}: {', '.join(cases)}")


def load():
    for group in CATALOGUE:
        importlib.import_module(f"group_{group.lower()}")


def play(number):
    """In the child: one fault; one line of JSON on the real stdout."""
    began = time.monotonic()
    answer = {"fault": number, "survived": False}
    # Its calls come at some time after READY: a fault would hit them instead, now and then.
    gwbotd.Gwbotd.defaults = {"slash__register": "false"}
    try:
        if FAULTS[number].net:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        outcome = FAULTS[number].function()
        if not isinstance(outcome, Result):
            outcome = Result(heal=outcome)
        answer.update(survived=True, heal=outcome.heal, figure=outcome.figure)
    except BaseException as error:  # whatever it is, it is the reason
        answer["why"] = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    answer["took"] = round(time.monotonic() - began, 2)
    print("\n" + json.dumps(answer), flush=True)
    os._exit(0)  # threads that still read a log do not matter


def run_apart(item):
    """In the parent: plays one fault in a process group of its own; its answer."""
    apart = ["unshare", "--user", "--map-root-user", "--net", "--mount"] if item.net else []
    command = [*apart, sys.executable, "-W", "ignore", "-B", str(HERE / "drill.py"),
               "--one", item.number]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        out, err = process.communicate(timeout=item.limit)
    except subprocess.TimeoutExpired:
        out, err = "", f"not over after {item.limit} s"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    lines = out.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        answer = {"survived": False, "why": err.strip()[-400:] or "ended without an answer"}
    answer.setdefault("took", round(time.monotonic() - began, 2))
    answer["detail"] = err
    return item, answer


def show(item, answer):
    if answer["survived"]:
        heal = answer.get("heal")
        words = f"healed after {heal:7.3f} s" if heal is not None else "survived"
        figure = answer.get("figure")
        print(f"{item.number}  ok    {item.title}: {words}" + (f"; {figure}" if figure else ""),
              flush=True)
        return
    print(f"{item.number}  FAIL  {item.title}: {answer['why']}", flush=True)
    print("".join(f"      | {line}\n" for line in answer["detail"].strip().splitlines()[-25:]),
          end="", flush=True)


def chosen(words):
    if not words:
        return sorted(FAULTS)
    known = []
    for word in words:
        hits = [number for number in sorted(FAULTS) if number.startswith(word.upper())]
        if not hits:
            sys.exit(f"drill: there is no fault {word}; --list names them")
        known += hits
    return sorted(set(known))


def report(path, numbers, answers, seconds):
    """Everything that was shown, as one JSON document."""
    commit = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty",
                             "--abbrev=12"], capture_output=True, text=True, check=False)
    rows = []
    for number in numbers:
        item, answer = FAULTS[number], answers.get(number)
        rows.append({"id": number, "group": CATALOGUE[number[0]][0], "title": item.title})
        if answer is None:
            rows[-1].update(verdict="not played", why=item.cannot)
        else:
            rows[-1].update(verdict="survived" if answer["survived"] else "failed",
                            heal_seconds=answer.get("heal"), figure=answer.get("figure", ""),
                            took_seconds=answer["took"])
            if not answer["survived"]:
                rows[-1]["why"] = answer["why"]
    document = {
        "verb": "drill", "commit": commit.stdout.strip() or None,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "duration_seconds": round(seconds, 1), "processors": os.cpu_count(),
        "survived": sum(answer["survived"] for answer in answers.values()),
        "played": len(answers), "catalogue": sum(count for _, count in CATALOGUE.values()),
        "heal_median_seconds": None, "heal_worst_seconds": None, "rows": rows}
    heals = sorted(answer["heal"] for answer in answers.values()
                   if answer.get("heal") is not None)
    if heals:
        document.update(heal_median_seconds=round(heals[len(heals) // 2], 3),
                        heal_worst_seconds=round(heals[-1], 3))
    pathlib.Path(path).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n",
                                  encoding="utf-8")


def run_all(numbers, jobs):
    items = [FAULTS[number] for number in numbers if FAULTS[number].function]
    answers = {}

    def take(pair):
        answers[pair[0].number] = pair[1]
        show(*pair)

    # Those that may take long begin first, so that none is left over at the end.
    beside = sorted((item for item in items if not item.alone), key=lambda item: -item.limit)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in concurrent.futures.as_completed(
                [pool.submit(run_apart, item) for item in beside]):
            take(future.result())
    for item in items:
        if item.alone:
            take(run_apart(item))
    return answers


def main():
    words = argparse.ArgumentParser(description="plays the faults of the catalogue")
    words.add_argument("faults", nargs="*", metavar="ID", help="e.g. N01, or a group: N")
    words.add_argument("--list", action="store_true", help="names them and plays nothing")
    words.add_argument("--jobs", type=int, default=JOBS, help="faults at a time")
    words.add_argument("--json", metavar="FILE", help="writes what was shown into a file")
    words.add_argument("--one", help=argparse.SUPPRESS)
    args = words.parse_args()
    for name in ("GWBOT_BIN", "GWBOT_TEST_BIN"):
        if name not in os.environ:
            sys.exit(f"drill: {name} names no folder; ./dev drill sets it")
    load()
    if args.one:
        play(args.one)
    numbers = chosen(args.faults)
    if args.list:
        for number in numbers:
            print(f"{number}  {FAULTS[number].title}")
        return 0
    began = time.monotonic()
    answers = run_all(numbers, args.jobs)
    for number in numbers:
        if FAULTS[number].cannot:
            print(f"{number}  --    {FAULTS[number].title}: not played: {FAULTS[number].cannot}")
    if args.json:
        report(args.json, numbers, answers, time.monotonic() - began)
    survived = sum(answer["survived"] for answer in answers.values())
    heals = sorted(answer["heal"] for answer in answers.values()
                   if answer.get("heal") is not None)
    if heals:
        print(f"healing time: median {heals[len(heals) // 2]:.3f} s, worst {heals[-1]:.3f} s")
    print(f"{survived}/{len(answers)} faults survived in {time.monotonic() - began:.0f} s")
    return 0 if survived == len(answers) else 1


if __name__ == "__main__":
    # Under its own name, so that the groups register in this very module.
    sys.modules["drill"] = sys.modules["__main__"]
    sys.exit(main())
