"""Faults of state and disk."""

import os
import pathlib
import random
import signal
import struct
import subprocess
import time

import shim
from drill import Result, check, fault, unit
from gwbotd import TOKEN, Gwbotd, Sim
from play import live, shard, status, until

RECORD = "shard-0-of-1.session"
LEDGER = "identify.ledger"


def state(bot):
    return bot.dir / "state"


def resumed(bot):
    """Ready again by RESUME alone, with nothing missing."""
    bot.wait_ready()
    now = shard(bot)
    check((now["identifies"], now["resumed"]) == (0, 1), "it was not resumed:", now)
    check(now["seq_gaps"] == 0, "events are missing:", now["seq_gaps"])
    check(not bot.events("session_record_unusable"), "the record was damaged")


def new_session(bot, timeout=20):
    """Ready by one IDENTIFY, without the wait for the spacing of an earlier one."""
    (state(bot) / LEDGER).unlink(missing_ok=True)
    bot.start().wait_ready(timeout)
    now = shard(bot)
    check((now["identifies"], now["resumes"]) == (1, 0), "not one IDENTIFY:", now)


# ---- kills ----

@fault("S01", "kill -9 at random times", limit=120)
def kill_storm():
    kills, lost, seed = 60, 0, 20240607
    chance = random.Random(seed)
    with Sim(tls=True, rate=300, heartbeat=1000) as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        began = time.monotonic()
        healed = []
        seen = 0
        for _ in range(kills):
            time.sleep(chance.uniform(0, 0.35))
            seen = max(seen, shard(bot)["seq"])
            time.sleep(chance.uniform(0, 0.1))
            bot.kill()
            killed = time.monotonic()
            bot.start().wait_ready()
            healed.append(time.monotonic() - killed)
            (_, found), = bot.events("session_found")
            lost += found["seq"] < seen  # what was seen handed on must be stored
            now = shard(bot)
            lost += now["seq_gaps"]
            check(now["identifies"] == 0, "an IDENTIFY was spent")
            # All from the stored sequence on came once: no hole, nothing twice.
            check(now["dispatches"] == now["seq"] - found["seq"], found, now)
        took = time.monotonic() - began
        sim.do("events off")
        session, = sim.sessions()
        check(session["resume_seqs_all_sent"], "a RESUME from what was never sent")
        check(len(session["resume_seqs"]) == kills, len(session["resume_seqs"]), "resumes")
        until(lambda: shard(bot)["seq"] == sim.sessions()[0]["last_sent"], "all events")
        totals = sim.totals()
        check(totals["identifies"] == 1, totals["identifies"], "identifies")
        check(totals["client_error_texts"] == [], totals["client_error_texts"])
        check(lost == 0, lost, "events lost")
        check(bot.stop() == 0)
    healed.sort()
    return Result(heal=healed[len(healed) // 2],
                  figure=f"{kills} kills in {took:.0f} s, worst {healed[-1]:.2f} s, {lost} of "
                         f"{session['last_sent']} events lost, 1 IDENTIFY, seed {seed}")


def outcome(bot, sim):
    """After a kill, what the record is: "new", "old" (which may be none), or "torn"."""
    shim.without(bot)
    bot.start()
    until(lambda: bot.events("shard_state", to="ready") or
          bot.events("shard_state", to="waiting for an identify slot"), "a decision")
    check(not bot.events("identify_ledger_unusable"), "the ledger was damaged")
    kind = "torn" if bot.events("session_record_unusable") else "none"
    found = bot.events("session_found")
    if found:
        kind = "one"
        bot.wait_ready()
        now = shard(bot)
        check((now["identifies"], now["resumed"]) == (0, 1), "a record that does not resume")
    bot.kill()
    check(sim.totals()["client_error_texts"] == [], sim.totals()["client_error_texts"])
    return kind


def run_shimmed(bot, name, **rules):
    """One life under the shim, ended by it or when all is stored; True where by the shim."""
    shim.preload(bot, name, folder=state(bot), **rules)
    bot.start()
    until(lambda: bot.process.poll() is not None or bot.events("shard_state", to="ready"),
          "a life", 20)
    try:
        status = bot.wait_exit(1.1)  # there is a sync a second
    except subprocess.TimeoutExpired:
        bot.kill()
        return False
    check(status == -signal.SIGKILL, "ended with", status)
    return True


def sweep(sim, name, points, acts=("",), record=None):
    """Lives from an empty folder, or with this record, killed at each of the points."""
    kinds = {"none": 0, "one": 0, "torn": 0}
    died = 0
    for at in points:
        for act in acts:
            with Gwbotd(sim) as bot:
                if record:
                    state(bot).mkdir(mode=0o700)
                    (state(bot) / RECORD).write_bytes(record)
                    sim.do("refuse-resume on")
                rules = {"calls": "*", "act": act} if act else {}
                died += run_shimmed(bot, name, at=at, **rules)
                sim.do("refuse-resume off")
                kinds[outcome(bot, sim)] += 1
    return died, kinds


def counted(sim, name, record=None, **rules):
    """What such a life does when nothing kills it."""
    with Gwbotd(sim) as bot:
        if record:
            state(bot).mkdir(mode=0o700)
            (state(bot) / RECORD).write_bytes(record)
            sim.do("refuse-resume on")
        count = bot.dir / "count"
        run_shimmed(bot, name, count=count, **rules)
        sim.do("refuse-resume off")
        return count.read_bytes()


def killed_at_stores(sim, record):
    stores, = struct.unpack("<Q", counted(sim, "stores", record))
    # With one behind the last: that life ends by itself, all stored.
    points = sorted({1, *range(2, stores + 1, max(stores // 30, 1)), stores + 100})
    died, kinds = sweep(sim, "stores", points, record=record)
    check(died > 20 and kinds["none"] > 0 and kinds["one"] > 0, died, kinds, "of", stores)
    return f"{died} before single stores of {stores}: {kinds}"


@fault("S02", "kill -9 inside each write, sync and rename", limit=400)
def killed_inside():
    unit("test_record_torn", "any_mixture_of_old_and_new_sectors_is_one_of_both",
         "a_write_that_stops_at_any_byte_leaves_one_of_both")
    with Sim(rate=20, identify_window=0) as sim:
        calls = counted(sim, "calls", calls="*").decode().split()
        check("fdatasync" in calls and "openat" in calls, calls)
        died, kinds = sweep(sim, "calls", range(1, len(calls) + 1), ["kill", "kill-after"])
        check(died >= len(calls) and kinds["torn"] == 0, died, "kills at", calls, kinds)
        figure = f"{died} kills around {len(calls)} calls: {kinds}"
        if shim.can_step():
            # A first record that is half written is not believed, and said.
            figure += "; new record, " + killed_at_stores(sim, None)
            with Gwbotd(sim) as bot:
                record = stored_session(sim, bot)
            sim.do("events off")
            # One that replaces another leaves the one or the other, never neither.
            words = killed_at_stores(sim, bytes(record))
            check("'torn': 0" in words, words)
            figure += "; over an old one, " + words
    return Result(figure=figure)


@fault("S03", "a torn record: any subset of sectors old or new")
def torn():
    return unit("test_record_torn", "any_mixture_of_old_and_new_sectors_is_one_of_both",
                "a_write_that_stops_at_any_byte_leaves_one_of_both", "any_flipped_bit_is_noticed")


# ---- what stands in the record ----

NAME_BYTES = 136
SLOT_FIELDS = {"version": (4, 4), "seq": (32, 8), "id": (72, 128), "resume_url": (200, 256),
               "user_id": (456, 24), "user_name": (480, NAME_BYTES)}
SLOT_BYTES = 480 + NAME_BYTES


def checksum(slot):
    value = 2166136261
    for byte in slot[12:SLOT_BYTES]:
        value = (value ^ byte) * 16777619 & 0xffffffff
    value ^= value >> 16
    value = value * 0x85EBCA6B & 0xffffffff
    return value ^ value >> 13


def rewrite(record, **fields):
    """Changes fields of each slot that is whole, under a right checksum."""
    done = 0
    for begin in (0, 1024):
        slot = bytearray(record[begin:begin + SLOT_BYTES])
        if slot[:4] != b"GWBR":
            continue
        check(checksum(slot) == struct.unpack_from("<I", slot, 8)[0], "this is not its layout")
        for name, value in fields.items():
            offset, size = SLOT_FIELDS[name]
            slot[offset:offset + size] = value.ljust(size, b"\0")[:size]
        slot[8:12] = struct.pack("<I", checksum(slot))
        record[begin:begin + SLOT_BYTES] = slot
        done += 1
    check(done > 0, "no slot is whole")
    return record


def stored_session(sim, bot):
    """The bytes of a record that resumes."""
    new_session(bot)
    check(bot.stop() == 0)
    return bytearray((state(bot) / RECORD).read_bytes())


@fault("S04", "record empty, short, long, garbage, of a wrong or a newer version", limit=90)
def not_a_record():
    with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
        good = stored_session(sim, bot)
        noise = random.Random(4).randbytes
        # content, and whether it is worth a warning
        cases = {
            "empty": (b"", 0),
            "short": (bytes(good[:700]), None),  # may hold one whole slot
            "long": (bytes(good) + noise(100000), None),
            "garbage": (noise(4096), 1),
            "all ones": (b"\xff" * 4096, 1),
            "version 0": (bytes(rewrite(bytearray(good), version=struct.pack("<I", 0))), 1),
            "version 2": (bytes(rewrite(bytearray(good), version=struct.pack("<I", 2))), 1),
        }
        for name, (content, warnings) in cases.items():
            (state(bot) / RECORD).write_bytes(content)
            (state(bot) / (RECORD + ".bad")).unlink(missing_ok=True)
            (state(bot) / LEDGER).unlink(missing_ok=True)
            bot.start().wait_ready()
            told = len(bot.events("session_record_unusable"))
            aside = (state(bot) / (RECORD + ".bad")).exists()
            check(warnings in (None, told), name, told, "warnings")
            check(aside == (told == 1), name, "kept aside:", aside)
            if warnings is not None:
                check(shard(bot)["identifies"] == 1, name, "not one IDENTIFY")
            check(bot.stop() == 0, name)
        check(sim.totals()["client_error_texts"] == [])
    return Result(figure=f"{len(cases)} cases")


@fault("S05", "a record with a right checksum and hostile content", limit=90)
def hostile_record():
    unit("test_record", "every_field_is_checked_under_a_right_checksum",
         "a_text_without_its_end_is_refused", "a_hostile_generation_does_not_hide_later_records")
    with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
        good = stored_session(sim, bot)
        cases = {
            "another host": {"resume_url": b"wss://gateway.discord.gg.evil.test"},
            "another scheme": {"resume_url": b"http://127.0.0.1:1/"},
            "an endless URL": {"resume_url": b"w" * 256},
            "a URL with a line end": {"resume_url": b"ws://127.0.0.1/\r\nHost: x"},
            "an endless id": {"id": b"i" * 128},
            "an id with quotes and control characters": {"id": b'a","op":1,"\x1b[2J\n'},
            "a sequence of 2^63-1": {"seq": struct.pack("<q", 2**63 - 1)},
            "a sequence below none": {"seq": struct.pack("<q", -2)},
            "a user that is no number": {"user_id": b"../../etc/passwd"},
            "a name that is no UTF-8": {"user_name": b"\xff\xfe\x80"},
        }
        for name, fields in cases.items():
            (state(bot) / RECORD).write_bytes(rewrite(bytearray(good), **fields))
            (state(bot) / LEDGER).unlink()
            bot.start().wait_ready(10)
            check("evil.test" not in shard(bot)["host"], name, "was believed")
            check(bot.stop() == 0, name)
            check("\x1b" not in bot.output, name, "went into the log")
        check(sim.totals()["client_error_texts"] == [], sim.totals()["client_error_texts"])
    return Result(figure=f"{len(cases)} cases")


@fault("S06", "a record of another token, other intents, another number of shards", limit=60)
def foreign_record():
    with Sim(identify_window=0, shards=2, max_concurrency=2) as sim, Gwbotd(sim) as bot:
        good = stored_session(sim, bot)
        cases = {
            "token": ({"DISCORD_TOKEN": TOKEN[:-4] + "else"}, (), 1),
            "intents": ({}, ("--set=discord.intents=1",), 1),
            "count": ({}, ("--set=discord.shards=2",), 2),
        }
        for name, (env, words, shards) in cases.items():
            (state(bot) / RECORD).write_bytes(good)
            (state(bot) / LEDGER).unlink(missing_ok=True)
            before = dict(bot.env)
            bot.env.update(env)
            bot.start(*words).wait_ready(count=shards)
            check(len(bot.events("session_discarded")) == 1, name, "was not said")
            check([row["resumes"] for row in bot.snapshot()["shards"]] == [0] * shards, name)
            check(bot.stop() == 0, name)
            bot.env = before
        (state(bot) / RECORD).write_bytes(good)
        bot.start()
        resumed(bot)  # the very same record where nothing differs
        check(bot.stop() == 0)
    return Result(figure=f"{len(cases)} cases")


# ---- a disk that is full, or cannot be used ----

def fill(folder):
    """Writes until there is no room left."""
    with open(folder / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    check(os.statvfs(folder).f_bavail == 0, "there is still room")


@fault("S07", "the disk is full at the start, or becomes so", limit=60)
def full_disk():
    with Sim(rate=50, identify_window=0) as sim, Gwbotd(sim) as bot:
        state(bot).mkdir(mode=0o700)
        with shim.Mounts(f"mount -t tmpfs -o mode=700,size=64k none {state(bot)}") as mounts:
            bot.wrapper = mounts.wrapper
            folder = mounts.path(state(bot))
            fill(folder)
            bot.start().wait_ready()
            said = [event["reason"] for _, event in bot.events("state_not_durable")]
            # Once for each file that has no room.
            check(1 <= len(said) == len({reason.split()[0] for reason in said}) <= 2,
                  "it was said as", said)
            check(bot.health()[0] == 200, bot.health())
            check(bot.stop() == 0)
            # Now with room at first.
            (folder / "ballast").unlink()
            bot.start().wait_ready()
            check(not bot.events("state_not_durable"), "there was room")
            fill(folder)
            before = shard(bot)["dispatches"]
            sim.do("reconnect")
            bot.wait_ready(count=2)
            until(lambda: shard(bot)["dispatches"] > before + 60, "events on a full disk")
            check(bot.health()[0] == 200, bot.health())
            bot.kill()
            bot.start()
            resumed(bot)  # its blocks were there before the disk was full
            check(bot.stop() == 0)
    return Result(figure="at the start: runs on without; later: blocks are there, resumed")


@fault("S08", "a state folder or file that cannot be used", limit=120)
def unusable_folder():
    def read_only(bot):
        state(bot).mkdir(mode=0o700)
        bot.wrapper = ["unshare", "-Urm", "sh", "-c",
                       f'mount -t tmpfs -o ro none {state(bot)} && exec "$@"', "sh"]

    def parent_is_a_file(bot):
        (bot.dir / "file").touch()
        bot.env["GWBOT_STATE_DIR"] = str(bot.dir / "file" / "state")

    def of_another_owner(bot):
        if os.geteuid() == 0:
            state(bot).mkdir(mode=0o700)
            os.chown(state(bot), 12345, 12345)
        else:
            bot.env["GWBOT_STATE_DIR"] = "/usr"

    def symlink(bot):
        (bot.dir / "elsewhere").mkdir(mode=0o700)
        state(bot).symlink_to(bot.dir / "elsewhere")

    def file_instead(name, make):
        def place(bot):
            state(bot).mkdir(mode=0o700)
            make(state(bot) / name)
        return place

    cases = {
        "read-only": read_only,
        "its parent is a file": parent_is_a_file,
        "of another owner": of_another_owner,
        "a symlink": symlink,
        "a fifo": lambda bot: os.mkfifo(state(bot)),
        "a file": lambda bot: state(bot).touch(),
        "record: a fifo": file_instead(RECORD, os.mkfifo),
        "record: a folder": file_instead(RECORD, pathlib.Path.mkdir),
        "record: a symlink": file_instead(RECORD, lambda path: path.symlink_to("/dev/zero")),
        "ledger: a fifo": file_instead(LEDGER, os.mkfifo),
        "lock: a symlink": file_instead("lock", lambda path: path.symlink_to("/dev/null")),
    }
    with Sim(identify_window=0) as sim:
        for name, place in cases.items():
            with Gwbotd(sim) as bot:
                place(bot)
                bot.start().wait_ready(10)
                said = [event["reason"] for _, event in bot.events("state_not_durable")]
                check(len(said) == 1 and len(said[0]) > 20, name, "was said as", said)
                check(bot.health()[0] == 200, name)
                check(bot.stop() == 0, name)
        with Gwbotd(sim) as bot:
            bot.env["GWBOT_STATE_DIR"] = str(bot.dir / "new" / "state")
            bot.start().wait_ready()  # a missing one is made
            check(not bot.events("state_not_durable"), "a missing folder was not made")
            check(bot.stop() == 0)
    return Result(figure=f"{len(cases) + 1} cases")


@fault("S09", "EIO from a sync; a sync that takes 30 s", limit=90, alone=True)
def bad_sync():
    with Sim(rate=0, heartbeat=1000) as sim, Gwbotd(sim) as bot:
        failing = bot.dir / "failing"
        shim.preload(bot, "calls", calls="fdatasync", act="errno 5",
                     folder=state(bot), **{"if": failing}, count=bot.dir / "count")
        bot.start().wait_ready()
        until(lambda: bot.events("shard_state", to="ready"), "ready")
        failing.touch()
        sim.do("message x")
        bot.wait_event("state_not_durable")
        calls = len((bot.dir / "count").read_text().split())
        check(calls >= 1, "no sync failed")
        check(bot.health()[0] == 200, bot.health())
        failing.unlink()
        # The kernel forgets a page that it could not write: it has to be written again
        # though nothing more happens.
        bot.wait_event("state_durable", timeout=5)
        check(len(bot.events("state_not_durable")) == 1, "told more than once")
        check(bot.stop() == 0)
    with Sim(rate=50, heartbeat=500) as sim, Gwbotd(sim) as bot:
        stuck = bot.dir / "stuck"
        shim.preload(bot, "calls", calls="fdatasync", act="sleep 30", folder=state(bot),
                     **{"if": stuck}, count=bot.dir / "count")
        bot.start().wait_ready()
        time.sleep(1)
        before = status(bot)["loop"]["turn_max_seconds"]
        beats = sim.totals()["heartbeats"]
        stuck.touch()
        until(lambda: (bot.dir / "count").exists(), "a sync that hangs")
        time.sleep(28)
        loop = status(bot)["loop"]
        beats = sim.totals()["heartbeats"] - beats
        now = shard(bot)
        check((now["zombies"], now["reconnects"], now["seq_gaps"]) == (0, 0, 0), now)
        check(beats >= 28 / 0.5 - 3, "only", beats, "heartbeats in 28 s")
        check(loop["turn_max_seconds"] < 0.02 or loop["turn_max_seconds"] == before, loop)
        asked = time.monotonic()
        check(bot.stop() == 0)
        ended = time.monotonic() - asked
        check(ended <= 2, "a stop took", ended)
    return Result(figure=f"longest turn {loop['turn_max_seconds'] * 1000:.1f} ms beside a sync "
                         f"of 30 s, {beats} heartbeats, stop in {ended:.2f} s")


@fault("S10", "SIGBUS: the record is truncated under the mapping", limit=60)
def truncated():
    with Sim(rate=50, identify_window=0) as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        check((state(bot) / RECORD).stat().st_blocks * 512 >= 4096, "not preallocated")
        os.truncate(state(bot) / RECORD, 0)
        check(bot.wait_exit(5) == 70, "ended with", bot.process.returncode)
        until(lambda: "state folder was cut" in bot.output, "the cause")
        began = time.monotonic()
        (state(bot) / LEDGER).unlink()
        bot.start().wait_ready()
        healed = time.monotonic() - began
        check(shard(bot)["identifies"] == 1)
        check(bot.stop() == 0)
    return Result(heal=healed, figure="exit 70 with its cause, then one IDENTIFY")


# ---- several daemons, several times ----

@fault("S11", "two daemons on one state folder")
def two_daemons():
    with live(sim_options={"rate": 50}) as (sim, bot), Gwbotd(sim) as other:
        before = {path.name: path.read_bytes() for path in state(bot).iterdir()
                  if path.name != RECORD}
        events = shard(bot)["dispatches"]
        other.env["GWBOT_STATE_DIR"] = bot.env["GWBOT_STATE_DIR"]
        began = time.monotonic()
        check(other.start().wait_exit() == 78, "the second ended with",
              other.process.returncode)
        refused = time.monotonic() - began
        until(lambda: "another gwbotd uses this state folder" in other.output, "why")
        check(before == {path.name: path.read_bytes() for path in state(bot).iterdir()
                         if path.name != RECORD}, "the second one wrote")
        until(lambda: shard(bot)["dispatches"] > events + 20, "events at the first")
        now = shard(bot)
        check((now["reconnects"], now["identifies"], now["seq_gaps"]) == (0, 1, 0), now)
        check(sim.totals()["identifies"] == 1)
    return Result(figure=f"refused with 78 after {refused:.2f} s")


@fault("S12", "a session older than Discord keeps it; a wall clock that went back", limit=60)
def old_session():
    with Sim(identify_window=0, session_ttl=1) as sim, Gwbotd(sim) as bot:
        clock = shim.Clock(bot)
        bot.start().wait_ready()
        check(bot.stop() == 0)
        for years in (-1, 2, -1):
            clock.move(real=years * shim.YEAR_NS)
            bot.start()
            resumed(bot)  # the age says nothing: try it
            check(bot.stop() == 0)
        clock.move(real=30 * 86400 * 10**9)
        time.sleep(1.5)
        began = time.monotonic()
        (state(bot) / LEDGER).unlink()
        bot.start().wait_ready()
        healed = time.monotonic() - began
        now = shard(bot)
        check((now["resumes"], now["resumed"], now["identifies"]) == (1, 0, 1), now)
        check(bot.stop() == 0)
    return Result(heal=healed, figure="resumed at -1, +1 and 0 years; gone: op 9, one IDENTIFY")


@fault("S13", "the identify ledger is lost", limit=60)
def ledger_lost():
    with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        check(bot.stop() == 0)
        for path in (RECORD, LEDGER):
            (state(bot) / path).unlink()
        # Discord says that the day's budget is spent: nothing else knows it now.
        sim.do("budget 0 3000")
        asked = sim.totals()["rest_calls"]
        bot.start().wait_event("identify_budget_spent")
        check(sim.totals()["rest_calls"] == asked + 1, "REST was not asked")
        check(sim.totals()["identifies"] == 1, "it identified without asking")
        check(bot.stop() == 0)
        (state(bot) / LEDGER).unlink(missing_ok=True)
        sim.do("rest 503")
        bot.start().wait_event("gateway_not_found", count=2)
        check(sim.totals()["identifies"] == 1, "it identified without an answer of REST")
        sim.do("rest off")
        sim.do("budget 900")
        bot.wait_ready(30)
        check(sim.totals()["identifies"] == 2, "not one IDENTIFY")
        check(bot.stop() == 0)
    return Result(figure="REST was asked first; no IDENTIFY before its answer")


@fault("S14", "state that is open to others, or owned by another", limit=60)
def open_to_others():
    cases = 0
    with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
        new_session(bot)
        check(bot.stop() == 0)
        for name in (RECORD, LEDGER):
            (state(bot) / name).chmod(0o666)
        bot.start()
        resumed(bot)
        for name in (RECORD, LEDGER):  # fixed
            check((state(bot) / name).stat().st_mode & 0o777 == 0o600, name, "stays open")
            cases += 1
        check(bot.stop() == 0)
        if os.geteuid() == 0:
            os.chown(state(bot) / RECORD, 12345, 12345)
            (state(bot) / LEDGER).unlink()
            bot.start().wait_ready()
            said, = bot.events("state_not_durable")
            check(RECORD in said[1]["reason"], said)
            check(shard(bot)["resumes"] == 0, "a record of another was believed")
            check(bot.stop() == 0)
            (state(bot) / RECORD).unlink()
            cases += 1
        state(bot).chmod(0o777)
        (state(bot) / LEDGER).unlink(missing_ok=True)
        bot.start().wait_ready()
        check(len(bot.events("state_not_durable")) == 1, "an open folder was not said")
        check(bot.stop() == 0)
        cases += 1
    return Result(figure=f"{cases} cases")


@fault("S15", "restarts in a row", limit=90)
def restarts():
    count = 60
    with Sim(rate=20) as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        time.sleep(0.2)
        files = sorted(str(path) for path in bot.dir.rglob("*"))
        opened = shim.open_files(bot)
        began = time.monotonic()
        for turn in range(count):
            bot.kill() if turn % 2 else check(bot.stop() == 0)
            bot.start()
            resumed(bot)
        took = time.monotonic() - began
        check(files == sorted(str(path) for path in bot.dir.rglob("*")), "files were left")
        until(lambda: shim.open_files(bot) <= opened, "descriptors as before")
        check(sim.totals()["identifies"] == 1 and sim.totals()["resumed"] == count)
        check(sim.sessions()[0]["resume_seqs_all_sent"])
        check(bot.stop() == 0)
    return Result(heal=took / count, figure=f"{count} restarts, files and descriptors as before")
