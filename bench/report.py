"""results.json as text: bench/RESULTS.md, and the table in README.md between two markers."""

import pathlib

HERE = pathlib.Path(__file__).resolve().parent
README = HERE.parent / "README.md"
RESULTS = HERE / "RESULTS.md"
JS_PEERS = ("@discordjs/ws", "discord.js", "eris")
PEERS = (*JS_PEERS, "discord.py")
BEGIN, END = "<!-- bench: written by ./dev bench -->", "<!-- bench ends -->"

METHOD = """\
gwsim makes each stream beforehand in the connection's own compression (`prepare`) and then sends it at full speed or at
an even rate (`release`), so that it is not what is measured. All programs take turns, ours in
more rounds than the others, each with a fresh process and a gwsim of its own on loopback; nothing is tried twice, and a
program that misses an event ends the run.
CPU is user and system time of all threads, by the scheduler's clock (/proc/PID/task/*/schedstat), from the release until
the program is at rest, garbage collection included. Events a second count until the last instant (of 5 ms) at which it
worked. Figures are medians, least and most in brackets. `floor` (bench/floor.c) reads, takes the frames apart, inflates
and finds the sequence number, nothing else; `loop` does the same in libwebsockets' bare loop. TCP's receive work falls
on the sender here. Idle wake-ups are voluntary context switches."""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def with_spread(values, digits=2):
    middle, least, most = values
    return f"{middle:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"


def flat_cells(results):
    return {(row["mode"], row["tls"], row["program"]): row for row in results["flat"]["rows"]}


def cpu_of(cells, *key):
    return cells[key]["cpu_s_per_million"][0] if key in cells else None


def verdict(name, value, unit, limit, most=True):
    if value is None:
        return name, "not measured", f"{'at most' if most else 'at least'} {limit}{unit}", "unknown"
    met = value <= limit if most else value >= limit
    return (name, f"{value:.2f}{unit}", f"{'at most' if most else 'at least'} {limit}{unit}",
            "met" if met else "**missed**")


def ratio(a, b):
    return a / b if a is not None and b else None


def flat_targets(cells):
    for mode, limit in (("none", 1.5), ("zlib-stream", 1.3), ("zstd-stream", 1.3)):
        yield verdict(f"CPU over TLS beside the floor, {mode}",
                      ratio(cpu_of(cells, mode, True, "gwbotd"), cpu_of(cells, mode, True, "floor")), " times", limit)
    ours = cpu_of(cells, "zlib-stream", True, "gwbotd")
    packed = [row["cpu_s_per_million"][0] for (mode, tls, program), row in cells.items()
              if mode != "none" and tls and program in JS_PEERS]
    yield verdict("CPU of the best JS peer in its best compressed mode beside gwbotd in zlib-stream",
                  ratio(min(packed), ours) if packed else None, " times", 5, most=False)
    yield verdict("CPU of discord.js beside gwbotd, uncompressed over TLS",
                  ratio(cpu_of(cells, "none", True, "discord.js"), cpu_of(cells, "none", True, "gwbotd")),
                  " times", 15, most=False)
    yield verdict("CPU of discord.py beside gwbotd, uncompressed over TLS",
                  ratio(cpu_of(cells, "none", True, "discord.py"), cpu_of(cells, "none", True, "gwbotd")),
                  " times", 30, most=False)


def other_targets(results):
    for row in results.get("rate", []):
        if row["rate"] == 2000:
            own = row["us_per_event"]
            yield verdict(f"CPU at 2,000 events/s beside the library's bare loop, {row['mode']}",
                          ratio(own["gwbotd"][0], own["loop"][0]), " times", 1.3)
    for row in results.get("flooded", []):
        yield verdict(f"heartbeats late under flood, p99.9, {row['mode']}", row["late_ms"]["p999"], " ms", 5)
        yield verdict(f"/healthz under flood, p99, {row['mode']}", row["probe_ms"]["p99"], " ms", 5)
    for row in results.get("memory", []):
        if row["program"] == "gwbotd" and row["guilds"] == 1:
            yield verdict("resident memory at rest, one TLS session", row["resident_kb"] / 1024, " MB", 9)
            yield verdict("private memory at rest, one TLS session", row["private_kb"] / 1024, " MB", 2.5)
    each = {row["mode"]: row["private_kb_per_shard"] for row in results.get("shards", [])}
    if "none" in each:
        yield verdict("private memory for each further shard, decompressor apart", each["none"], " kB", 60)
        for mode in sorted(each.keys() - {"none"}):
            yield (f"a further shard's decompressor, {mode}", f"{each[mode] - each['none']:.2f} kB", "stated apart", "")
    life = results.get("life")
    for what, text, limit in (("listening", "process start to listening", 20), ("ready", "process start to READY", 100),
                              ("gwctl_status", "`gwctl status`", 10), ("stop", "stop", 50)):
        if life:
            yield verdict(text, life[what][0], " ms", limit)
    for row in results.get("worst", []):
        if row["what"] != "mixed":
            plain = next(r for r in results["worst"] if r["mode"] == row["mode"] and r["what"] == "mixed")
            # Frames of one byte are mostly heads: bytes of the wire are what one pays for.
            wire = row["what"] == "one-byte frames"
            of, key = ("the wire", "ns_per_wire_byte") if wire else ("JSON", "ns_per_byte")
            yield verdict(f"CPU per byte of {of} beside ordinary events: {row['what']}, {row['mode']}",
                          row[key] / plain[key], " times", 10)


def targets(results):
    rows = list(flat_targets(flat_cells(results))) if "flat" in results else []
    return rows + list(other_targets(results))


def flat_section(results):
    cells = flat_cells(results)
    rows = []
    for (mode, tls, program), row in sorted(cells.items(), key=lambda item: (item[0][0], item[0][1])):
        floor = cpu_of(cells, mode, tls, "floor")
        rows.append((mode, "TLS" if tls else "plain", program, with_spread(row["cpu_s_per_million"]),
                     f"{row['cpu_s_per_million'][0] / floor:.2f}" if floor else "",
                     f"{row['events_per_s'][0]:,.0f}", row["rounds"]))
    ratios = {row["mode"]: row["ratio"] for row in results["flat"]["rows"] if row["program"] == "gwbotd"}
    size = results["flat"]["rows"][0]["bytes"]
    text = (f"Events have {size:.0f} bytes; compression packs them " +
            ", ".join(f"{ratios[mode]:.1f} times with {mode}" for mode in ratios if mode != "none") + ".\n\n")
    text += table(("mode", "over", "program", "CPU-s per million events", "x floor", "events/s", "rounds"), rows)
    for row in results["flat"]["cannot"]:
        text += f"\n\nNot run: {row['program']} with {row['mode']}: {row['reason']}."
    return text


def rate_section(results):
    return table(("mode", "events/s", "floor", "loop", "gwbotd", "gwbotd, share of a core", "x loop"),
                 [(row["mode"], f"{row['rate']:,}", *(with_spread(row["us_per_event"][name], 1)
                                                    for name in ("floor", "loop", "gwbotd")),
                   f"{row['us_per_event']['gwbotd'][0] * row['rate'] / 1e4:.2f} %",
                   f"{row['us_per_event']['gwbotd'][0] / row['us_per_event']['loop'][0]:.2f}")
                  for row in results["rate"]])


def records_section(results):
    rows = results["records"]
    return (f"The same with at most {rows[0]['record']:,} bytes in a record of TLS, where gwsim sends 16,384 elsewhere: "
            "microseconds of CPU an event. The floor has OpenSSL read ahead.\n\n"
            + table(("mode", "floor", "loop", "gwbotd", "x floor"),
                    [(row["mode"], *(with_spread(row["us_per_event"][name]) for name in ("floor", "loop", "gwbotd")),
                      f"{row['us_per_event']['gwbotd'][0] / row['us_per_event']['floor'][0]:.2f}") for row in rows]))


def worst_section(results):
    return table(("mode", "payloads", "ns a byte of JSON", "ns a byte of the wire", "us an event", "JSON bytes a wire byte"),
                 [(row["mode"], row["what"], f"{row['ns_per_byte']:.2f}", f"{row['ns_per_wire_byte']:.2f}",
                   f"{row['us_per_event']:.2f}", f"{row['ratio']:.2f}") for row in results["worst"]])


def memory_section(results):
    return table(("program", "mode", "guilds", "resident kB", "private kB", "peak kB"),
                 [(row["program"], row["mode"], row["guilds"], f"{row['resident_kb']:,}", f"{row['private_kb']:,}",
                   f"{row['peak_kb']:,}") for row in results["memory"]])


def life_section(results):
    return table(("what", "ms"), [(what.replace("_", " "), with_spread(row, 1)) for what, row in results["life"].items()])


def flooded_section(results):
    head = ("mode", "events/s", "gwbotd, of a core", "kept from running", "beats", "late p50", "p99", "p99.9", "max",
            "probe p50", "p99", "p99.9", "max", "reconnects", "failed probes")
    rounds = results["flooded"][0].get("rounds", 1)
    return f"Milliseconds; 100 shards, beats of 1 s, 1,000 probes a second; medians of {rounds} floods.\n\n" + table(
        head, [(row["mode"], f"{row['events_per_s']:,.0f}", f"{row['cpu_share'] * 100:.0f} %",
                f"{row['kept_from_running_ms']:.0f}", row["beats"],
                *(f"{row['late_ms'][key]:.2f}" for key in ("p50", "p99", "p999", "max")),
                *(f"{row['probe_ms'][key]:.2f}" for key in ("p50", "p99", "p999", "max")),
                row["reconnects"], row["probes_failed"]) for row in results["flooded"]])


def shards_section(results):
    head = ("mode", "private kB a further shard", "wake-ups/s a further shard", "500 shards: resident kB",
            "ready after s", "wake-ups/s", "CPU ms/s")
    return table(head, [(row["mode"], f"{row['private_kb_per_shard']:.1f}", f"{row['wakeups_per_shard_s']:.3f}",
                         f"{row['resident_kb_500']:,}", f"{row['ready_s_500']:.1f}", f"{row['wakeups_per_s_500']:.1f}",
                         f"{row['cpu_ms_per_s_500']:.1f}") for row in results["shards"]])


def idle_section(results):
    row = results["idle"]
    text = f"{row['wakeups']} wake-ups and {row['cpu_ms']:.1f} ms of CPU in {row['seconds']} s. strace -c, as long:\n\n"
    return text + "\n".join("    " + line for line in row["strace"] or ["strace is not installed"])


SECTIONS = (("flat", "Flat out", flat_section), ("records", "In small records of TLS", records_section),
            ("rate", "At a fixed rate over TLS: us of CPU an event", rate_section),
            ("worst", "The worst legal payloads over TLS", worst_section), ("memory", "Memory at rest over TLS", memory_section),
            ("life", "Start, stop, gwctl", life_section), ("flooded", "Under flood", flooded_section),
            ("shards", "Shards at rest over TLS", shards_section), ("idle", "Idle, one shard over TLS", idle_section))


def text(results):
    """RESULTS.md."""
    meta = results["meta"]
    parts = ["# What was measured", (
        f"{meta['date']}, commit {meta['commit']}, {meta['cores']} cores of {meta['cpu']}, Linux {meta['kernel']}, "
        f"{meta['system']}, {meta['compiler']}, Node {meta['node']}, "
        + ", ".join(f"{name} {version}" for name, version in meta["peers"].items())
        + f". Load of the machine {meta['load_at_start']:.1f} at the start, {meta['load_at_end']:.1f} at the end; "
        f"took {meta['took_s']} s{', quick' if meta['quick'] else ''}."), METHOD]
    parts += ["## Targets", table(("what", "measured", "target", ""), targets(results))]
    for name, title, section in SECTIONS:
        if name in results:
            again = meta.get("again", {}).get(name)
            parts += [f"## {title}", *([f"Measured again: {again['date']}, commit {again['commit']}."] if again else []),
                      section(results)]
    return "\n\n".join(parts) + "\n"


def readme_table(results):
    cells = flat_cells(results)
    programs = [name for name in ("floor", "gwbotd", *PEERS)
                if any(program == name for _, _, program in cells)]
    resident = {row["program"]: row["resident_kb"] for row in results["memory"] if row["guilds"] == 1}
    rows = []
    for name in programs:
        figures = [cpu_of(cells, mode, True, name) for mode in ("none", "zlib-stream", "zstd-stream")]
        rows.append((name, *("" if figure is None else f"{figure:.2f}" for figure in figures),
                     f"{resident[name] / 1024:.0f} MB" if name in resident else ""))
    meta = results["meta"]
    return ("CPU seconds per million events over TLS, and memory at rest:\n\n"
            + table(("", "none", "zlib-stream", "zstd-stream", "resident"), rows)
            + f"\n\n{meta['date'][:10]}, {meta['cpu']}; all figures in [bench/RESULTS.md](bench/RESULTS.md).")


def readme_with(old, results):
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit("README.md has lost the markers of the bench")
    return f"{head}{BEGIN}\n{readme_table(results)}\n{END}{tail}"


def stale(results):
    """Names of the files that are not what the results make."""
    wanted = {RESULTS: text(results), README: readme_with(README.read_text(), results)}
    return [path.name for path, content in wanted.items() if path.read_text() != content]


def write(results):
    RESULTS.write_text(text(results))
    README.write_text(readme_with(README.read_text(), results))
