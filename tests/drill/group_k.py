"""Faults of signals and time."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import shim
from drill import Result, check, fault, suite, unit
from gwbotd import Gwbotd, Sim
from notify import Notify
from play import heal, live, shard, until

KEEPALIVE = {"watchdog__keepalive": "250ms", "watchdog__stall": "5s",
             "watchdog__disconnect_grace": "5s"}


def stop_in_time(bot, what):
    """SIGTERM; seconds until it ended with 0, which may be 2."""
    began = time.monotonic()
    status = bot.stop()
    took = time.monotonic() - began
    check(status == 0, what, "ended with", status)
    check(took <= 2, what, "took", took)
    return took


# ---- clocks ----

@fault("K01", "the wall clock jumps by a year, both ways, during the run", limit=90)
def wall_clock():
    with Sim(rate=20, heartbeat=500, identify_window=0) as sim, \
            Gwbotd(sim, **KEEPALIVE) as bot:
        clock = shim.Clock(bot)
        bot.start().wait_ready()
        for years in (1, -1, -1, 1):
            beats = shard(bot)["heartbeats"]
            clock.move(real=years * shim.YEAR_NS)
            time.sleep(3)
            now = shard(bot)
            check(5 <= now["heartbeats"] - beats <= 8, now["heartbeats"] - beats, "beats in 3 s")
            check(now["reconnects"] == 0 and now["zombies"] == 0, now)
            check(0 <= now["latency_seconds"] < 1, now)
            check(0 <= now["last_event_age_seconds"] < 2, now)
            check(bot.health()[0] == 200, bot.health())
        # Neither a resume nor the identify gate waits for a clock.
        clock.move(real=shim.YEAR_NS)
        healed = heal(bot, lambda: sim.do("rst"))
        clock.move(real=-2 * shim.YEAR_NS)
        heal(bot, lambda: sim.do("invalid false"), timeout=15, resumes=False)
        check(bot.process.poll() is None and bot.stop() == 0)
    return Result(heal=healed, figure="4 jumps without effect, then a resume, an IDENTIFY")


@fault("K02", "the wall clock is set back in a schedule's minute; the hours of DST", limit=60)
def schedule_and_clock():
    def to_second(at):
        """Moves the wall clock so that its minute is as old as this."""
        now = time.time_ns() + clock.real
        clock.move(real=at * 10**9 - now % (60 * 10**9))
    with Sim(rate=50, heartbeat=500) as sim, Gwbotd(sim) as bot:
        path = bot.dir / "gwbot.conf"
        path.write_text('jobs = ( { name = "tick"; action = "exec"; cron = "* * * * *"; '
                        'command = [ "/bin/true" ]; } );\n')
        path.chmod(0o640)
        bot.env["GWBOT_CONFIG"] = str(path)
        clock = shim.Clock(bot)
        to_second(57)
        bot.start().wait_ready()
        bot.wait_event("job_done", job="tick")
        for _ in range(2):  # the same minute begins twice again
            to_second(0)
            clock.move(real=-2 * 10**9)
            time.sleep(4)
            check(len(bot.events("job_started")) == 1, "it ran twice for one minute")
        clock.move(real=60 * 10**9)
        to_second(58)
        bot.wait_event("job_done", job="tick", count=2)
        time.sleep(1)
        check(len(bot.events("job_started")) == 2, "runs:", len(bot.events("job_started")))
        check(bot.stop() == 0)
    unit("test_schedule", "seams_of_the_calendar", "a_time_is_run_once_when_it_comes",
         "a_clock_that_is_set_back_a_little_runs_nothing_twice",
         "a_clock_that_was_wrong_is_forgotten", "all_that_was_missed_is_one_run_or_none")
    unit("test_zone", "offsets_change_at_the_second_of_the_transition")
    suite("conformance", "test_schedule", "Year.test_the_hours_that_move",
          "Year.test_what_fits_every_hour_follows_the_clock")
    return Result(figure="once for a minute that begins three times; gaps and overlaps: units, "
                         "and a year in six zones beside zoneinfo")


@fault("K03", "the host sleeps for 10 minutes", limit=60)
def host_slept():
    healed = []
    # With checks all the time, the watchdog looks first; with rare ones, the session.
    for settings in (KEEPALIVE, {}):
        with live(sim_options={"rate": 5, "heartbeat": 1000},
                  env={"GWBOT_LOG_FORMAT": "json"}, **settings) as (sim, bot):
            check(bot.stop() == 0)
            clock = shim.Clock(bot)
            bot.start().wait_ready()
            until(lambda: shard(bot)["latency_seconds"] is not None, "a latency")
            ready = len(bot.events("shard_state", to="ready"))
            began = time.monotonic()
            clock.move(boot=600 * 10**9)
            when, _ = bot.wait_ready(count=ready + 1)
            healed.append(when - began)
            (_, slept), = bot.events("host_slept")
            check(599 < slept["seconds"] < 602, slept)
            now = shard(bot)
            check((now["identifies"], now["resumed"], now["seq_gaps"]) == (0, 2, 0), now)
            check(not bot.events("watchdog_exit"), "a false exit")
    return Result(heal=max(healed), figure="resumed twice, no false exit")


@fault("K04", "the process is stopped for 20 s, 4 times the limit of the loop", limit=60)
def stopped():
    with contextlib.ExitStack() as stack:
        pairs = []
        # The connection outlives the stop; the server gives it up meanwhile; nothing has
        # come when the process goes on, since the server (the last one) stood still too.
        for heartbeat in (41250, 2000, 4000):
            sim = stack.enter_context(Sim(rate=5, heartbeat=heartbeat))
            bot = stack.enter_context(Gwbotd(sim, loop__limit="5s", **KEEPALIVE))
            bot.start().wait_ready()
            pairs.append((heartbeat, sim, bot))
        time.sleep(4.5)
        pairs[-1][1].do("events off")
        pairs[-1][1].process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        for _, _, bot in pairs:
            bot.process.send_signal(signal.SIGSTOP)
        time.sleep(20)
        began = time.monotonic()
        for _, _, bot in pairs:
            bot.process.send_signal(signal.SIGCONT)
        time.sleep(1)
        pairs[-1][1].process.send_signal(signal.SIGCONT)
        pairs[-1][1].do("events on")
        healed = []
        for heartbeat, sim, bot in pairs:
            goal = sim.sessions()[0]["last_sent"] + 1
            healed.append(until(lambda b=bot, g=goal: shard(b)["seq"] >= g, "events again")
                          + time.monotonic() - began)
            now = shard(bot)
            check((now["identifies"], now["seq_gaps"]) == (1, 0), heartbeat, now)
            check(now["reconnects"] <= (heartbeat < 41250), heartbeat, now)
            check(bot.health()[0] == 200, bot.health())
            check("loop_stuck" not in bot.output, "the sentinel was fooled")
            check(not bot.events("watchdog_exit"), "the watchdog was fooled")
            check(bot.stop() == 0)
    return Result(heal=max(healed), figure="no false exit, no IDENTIFY")


@fault("K05", "20 s nearly without CPU", limit=60)
def starved():
    # 2 ms of life in each 250: less than 1 % of a processor.
    with live(sim_options={"rate": 20, "heartbeat": 41250}, loop__limit="10s") as (sim, bot):
        before = shard(bot)
        began = time.monotonic()
        while time.monotonic() - began < 20:
            bot.process.send_signal(signal.SIGSTOP)
            time.sleep(0.248)
            bot.process.send_signal(signal.SIGCONT)
            time.sleep(0.002)
            check(bot.process.poll() is None, "it ended with", bot.process.returncode)
        goal = sim.sessions()[0]["last_sent"]
        healed = until(lambda: shard(bot)["seq"] >= goal, "all events")
        now = shard(bot)
        check((now["identifies"], now["reconnects"], now["seq_gaps"]) ==
              (before["identifies"], 0, 0), now)
        check("loop_stuck" not in bot.output, "the sentinel blamed it")
    return Result(heal=healed, figure="no exit, no reconnect")


@fault("K10", "a monotonic counter at 0, just after boot, and near the kernel's end", limit=60)
def counters():
    unit("test_session_walk")
    uptime = int(float(pathlib.Path("/proc/uptime").read_text().split()[0]))
    # Time namespaces take about 146 years.
    starts = {"at 1 s": 1 - uptime, "after 145 years": 145 * 365 * 86400 - uptime}
    for name, offset in starts.items():
        with Sim(rate=20, heartbeat=500) as sim, Gwbotd(sim, **KEEPALIVE) as bot:
            bot.wrapper = ["unshare", "-UrT", "--fork", "--kill-child",
                           f"--boottime={offset}", f"--monotonic={offset}"]
            bot.start().wait_ready()
            time.sleep(1.6)
            sim.do("rst")
            bot.wait_ready(count=2)
            time.sleep(1.6)
            now = shard(bot)
            check(5 <= now["heartbeats"] <= 8, name, now["heartbeats"], "beats")
            check((now["identifies"], now["resumed"], now["zombies"]) == (1, 1, 0), name, now)
            check(0 <= now["last_event_age_seconds"] < 1, name, now)
            check(bot.health()[0] == 200, name)
    return Result(figure=f"{len(starts)} starts")


@fault("K09", "exactly at each threshold")
def thresholds():
    unit("test_watchdog", "each_side_of_each_threshold")
    unit("test_health", "each_state_has_its_row_in_the_truth_table")
    unit("test_session_beat", "silence_for_one_interval_after_a_beat_is_death")
    return unit("test_session_login", "each_step_of_a_login_has_its_deadline")


# ---- signals ----

def states(sim, bot):
    """Name, how to get there, the state that shows it."""
    def silent_gateway():
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        bot.held.append(listener)
        return f"--set=discord.gateway=wss://127.0.0.1:{listener.getsockname()[1]}"

    def hanging_names():
        shim.preload(bot, "calls", calls="getaddrinfo", act="sleep 30")
        return "--set=discord.gateway=wss://gateway.name.test"

    def hanging_disk():
        shim.preload(bot, "calls", calls="fdatasync", act="sleep 30", folder=bot.dir / "state")

    return {
        "DNS": (hanging_names, "connecting"),
        "TLS": (silent_gateway, "connecting"),
        "upgrade": (lambda: sim.do("freeze") and None, "connecting"),
        "hello": (lambda: sim.do("no-hello on") and None, "waiting for hello"),
        "RESUME": (lambda: sim.do("refuse-resume silent") and None, "resuming"),
        "backoff": (lambda: sim.do("upgrade 503") and None, "backing off"),
        "write": (hanging_disk, "ready"),
        "events": (lambda: sim.do("rate 2000") and None, "ready"),
    }


@fault("K06", "SIGTERM in each state", limit=90)
def term_in_each_state():
    took = {}
    with Sim(tls=True, identify_window=0) as sim, Gwbotd(sim) as bot:
        bot.held = []
        bot.start().wait_ready()
        check(bot.stop() == 0)
        for name, (enter, state) in states(sim, bot).items():
            word = enter()
            bot.start(*([word] if word else [])).wait_event("shard_state", to=state)
            time.sleep(0.3)
            took[name] = stop_in_time(bot, name)
            shim.without(bot)
            for command in ("calm", "thaw", "rate 2"):
                sim.do(command)
        bot.start().wait_ready()
        now = shard(bot)
        check((now["identifies"], now["resumed"]) == (0, 1), "the session was lost:", now)
        took["ready"] = stop_in_time(bot, "ready")
        # The states before a first session.
        for name, command in {"REST": "rest stall", "slot": "budget 0 60000",
                              "IDENTIFY": "no-ready on"}.items():
            for path in (bot.dir / "state").iterdir():
                path.unlink()
            sim.do(command)
            bot.start().wait_event("shard_state", **{"from": "idle"})
            time.sleep(0.3)
            took[name] = stop_in_time(bot, name)
            for end in ("calm", "rest off", "budget 1000"):
                sim.do(end)
        for listener in bot.held:
            listener.close()
    worst = max(took, key=took.get)
    return Result(figure=f"{len(took)} states, worst {took[worst]:.2f} s ({worst}), all exit 0")


@fault("K07", "storms of SIGTERM and SIGHUP; SIGPIPE and real-time signals", limit=60)
def storms():
    with live(sim_options={"rate": 20}) as (sim, bot):
        before = shard(bot)
        for _ in range(500):
            bot.process.send_signal(signal.SIGHUP)
        for number in (signal.SIGPIPE, signal.SIGUSR2, signal.SIGRTMIN, signal.SIGRTMIN + 7,
                       signal.SIGRTMAX):
            bot.process.send_signal(number)
            time.sleep(0.05)
            check(bot.process.poll() is None, signal.Signals(number).name
                  if number in iter(signal.Signals) else number, "killed it")
        until(lambda: bot.events("reloaded"), "a reload")
        events = sim.sessions()[0]["last_sent"] + 10
        until(lambda: shard(bot)["seq"] >= events, "events")
        reloads = len(bot.events("reloaded"))
        check(1 <= reloads <= 500, reloads, "reloads")
        now = shard(bot)
        check((now["identifies"], now["reconnects"]) == (before["identifies"], 0), now)
    with live() as (sim, bot):
        began = time.monotonic()
        for _ in range(300):
            with contextlib.suppress(ProcessLookupError):
                os.kill(bot.process.pid, signal.SIGTERM)
        check(bot.wait_exit(5) == 0, "ended with", bot.process.returncode)
        check(time.monotonic() - began <= 2, "took", time.monotonic() - began)
        bot.wait_event("stopped")
        check(len(bot.events("stopping")) == 1, "stopped more than once")
        bot.start().wait_ready()
    return Result(figure=f"500 SIGHUP: {reloads} reloads; 300 SIGTERM: one stop, exit 0")


@fault("K08", "SIGTERM during the start", limit=60)
def term_during_start():
    chance = random.Random(8)
    early = 0
    with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        check(bot.stop() == 0)
        files = {path.name for path in bot.dir.rglob("*")}
        check("control.sock" not in files, "the socket stays")
        for turn in range(60):
            bot.start()
            if turn % 2:
                bot.wait_event("starting")  # its signals are held since before that
            time.sleep(chance.uniform(0, 0.09 if turn % 2 else 0.02))
            status = stop_or_early(bot)
            early += status != 0
            check(turn % 2 == 0 or status == 0, "after its first line it ended with", status)
            left = {path.name for path in bot.dir.rglob("*")} - files
            check(not left, "left behind:", left)
        bot.start().wait_ready()
        check(shard(bot)["identifies"] == 0, "the session was lost")
        check(bot.stop() == 0)
    return Result(figure=f"60 stops, {early} before main(), nothing left behind")


def stop_or_early(bot):
    """Its exit status; killed by the signal only where main() had not begun."""
    status = bot.stop()
    check(status in (0, -signal.SIGTERM), "ended with", status)
    time.sleep(0.02)
    check(status == 0 or bot.output == "", "killed after its first line")
    return status


# ---- the loop ----

@fault("K11", "a handler that blocks: the sentinel names it and ends the process", limit=60)
def stuck_handler():
    limit = 7
    with Sim(rate=20, heartbeat=1000) as sim, \
            Gwbotd(sim, loop__limit=f"{limit}s") as bot, \
            Notify(bot, usec=400_000) as manager:
        stuck = bot.dir / "stuck"
        shim.preload(bot, "calls", calls="accept4", act="sleep 600", **{"if": stuck})
        bot.start().wait_ready()
        check(bot.get("/livez")[0] == 200)
        time.sleep(0.3)
        stuck.touch()
        began = time.monotonic()
        with contextlib.suppress(OSError):
            bot.get("/livez", timeout=3)
            check(False, "/livez was answered by a loop that hangs")
        manager.read()
        check(manager.instants("WATCHDOG"), "the manager was never fed")
        status = bot.wait_exit(limit + 10)
        took = time.monotonic() - began
        fed = [news for _, news in manager.read() if "WATCHDOG" in news]
        check(not fed, "fed by a loop that hangs")
        until(lambda: "loop_stuck_exit" in bot.output, "what was stuck")
        until(lambda: bot.events("stopped"), "the last line")
        lines = [event for name in ("loop_stuck", "loop_stuck_exit") for _, event in bot.events(name)]
        check(status == 1, "ended with", status)
        check(limit - 0.1 <= took < limit + 3, "took", took)
        check(len(lines) == 2, lines)
        for line in lines:
            check(line["handler"] == "endpoint_events", line)
            check((line["shard"], line["state"]) == (0, "ready"), line)
        stuck.unlink()
        shim.without(bot)
        began = time.monotonic()
        bot.start().wait_ready()
        healed = time.monotonic() - began
        check(shard(bot)["identifies"] == 0, "the session was lost")
        page = bot.get("/metrics")[2].decode()
        for line in ('gwbotd_last_exit_info{reason="loop",code="1"} 1',
                     'gwbotd_watchdog_trips_total{reason="loop"} 1'):
            check(f"\n{line}\n" in page, "not told:", line)
        check(bot.stop() == 0)
    return Result(heal=healed, figure=f"named after 5 s, exit 1 after {took:.1f} s (limit {limit})")


@fault("K12", "the notify socket is full, missing or abstract", limit=120)
def notify_socket():
    return suite("e2e", "test_notify", "Trouble.test_a_full_socket_gets_it_later",
                 "Trouble.test_a_missing_or_bad_one_is_said_once",
                 "Phases.test_an_abstract_socket")


@fault("K13", "10,000 timers due at once", alone=True)
def timer_storm():
    program = pathlib.Path(os.environ["GWBOT_TEST_BIN"]) / "loop_client"
    suite("conformance", "test_loop", "Loop.test_ten_thousand_timers",
          "Loop.test_timer_due_again_at_once_starves_nobody")
    run = subprocess.run([str(program), "beats_among_ten_thousand_timers"], text=True,
                         capture_output=True, timeout=30, check=False)
    check(run.returncode == 0, run.stderr)
    return Result(figure=run.stdout.strip())
