"""What a process has of memory, as the kernel counts it; for tests and the benchmark."""

import pathlib


def rollup_kb(pid):
    """(resident, private) of one process."""
    found = {"Rss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in found:
            found[name] += int(value.split()[0])
    return found["Rss"], found["Private_Clean"] + found["Private_Dirty"]


def memory_kb(pid):
    """(resident, private, peak): what gwbot-spawner has of its own is private, too."""
    resident, private = rollup_kb(pid)
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        private += rollup_kb(child)[1]
    peak = next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmHWM"))
    return resident, private, peak
