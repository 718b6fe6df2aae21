"""Faults of the control socket."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from drill import Result, check, fault, suite
from gwbotd import Gwbotd, Sim
from play import Control, cpu_share, live, longest_turn, shard, until
from test_feed import Follower

NOBODY = 65534


@fault("C01", "half a request, then silence")
def half_a_request():
    return suite("conformance", "test_control", "Peers.test_c01_half_a_request_and_silence",
                 "Peers.test_c01_dripping_bytes_do_not_extend_the_time")


@fault("C02", "1 MB without a line end, NUL, broken and deep JSON")
def no_requests():
    return suite("conformance", "test_control", "Peers.test_c02_lines_that_are_no_requests",
                 "Peers.test_c02_a_request_of_64_kib_is_one")


@fault("C03", "send and half-close at once, 50 times")
def half_close():
    with live() as (_, bot):
        answered = 0
        for turn in range(50):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(10)
                peer.connect(str(bot.socket))
                peer.sendall(b"status" if turn % 2 else b"status\n")
                peer.shutdown(socket.SHUT_WR)
                text = b"".join(iter(lambda p=peer: p.recv(65536), b""))
            answered += b"daemon.state: ready\n" in text
        check(answered == 50, "only", answered, "of 50 were answered")
    suite("conformance", "test_control", "Peers.test_c03_half_close_waits_for_a_late_answer")
    return Result(figure="50/50 answered")


@fault("C04", "clients that vanish in the middle of an answer")
def vanishing():
    return suite("conformance", "test_control", "Peers.test_c04_clients_that_vanish")


@fault("C05", "a follower of the events that is stopped", limit=90)
def stopped_follower():
    with live(sim_options={"rate": 1, "heartbeat": 500}) as (sim, bot):
        sim.do("events off")
        with Follower(bot, "--type=dispatch.*") as follower:
            until(lambda: sim.do('send {"t":"GWBOT_FIRST","d":{}}') and follower.all(),
                  "a follower")
            follower.process.send_signal(signal.SIGSTOP)
            before = shard(bot)
            for _ in range(3):
                sim.do("flood 20000")
            until(lambda: shard(bot)["seq"] >= before["seq"] + 60000, "all events", 30)
            check(bot.get("/livez")[0] == 200)
            idle = cpu_share(bot, 1)
            turn = longest_turn(bot)
            follower.process.send_signal(signal.SIGCONT)
            # Until its queue has room, what comes is counted and not kept.
            until(lambda: sim.do('send {"t":"GWBOT_LAST","d":{}}') and any(
                event["type"] == "dispatch.GWBOT_LAST" for event in follower.all()), "the last")
            events = follower.all()
            follower.interrupt()
        dropped = sum(event["fields"]["dropped"] for event in events
                      if event["type"] == "feed.dropped")
        got = [event["fields"]["seq"] for event in events if event["type"] != "feed.dropped"]
        check(dropped > 0 and len(got) + dropped == got[-1] - got[0] + 1, len(got), "got,",
              dropped, "told as dropped of", got[-1] - got[0] + 1)
        now = shard(bot)
        check((now["reconnects"], now["zombies"], now["seq_gaps"]) == (0, 0, 0), now)
        check(turn < 0.1, "a turn of", turn)
        check(idle < 0.2, "CPU for a reader that does not read:", idle)
    suite("conformance", "test_events",
          "Followers.test_a_reader_that_does_not_read_holds_nobody_up_and_is_told")
    return Result(figure=f"longest turn {turn * 1000:.1f} ms beside 60,000 events that nobody "
                         f"read; {len(got)} got, {dropped} told as dropped")


@fault("C06", "200 clients at once")
def many_clients():
    return suite("conformance", "test_control",
                 "Peers.test_c06_idle_clients_never_lock_a_new_one_out",
                 "Peers.test_c06_clients_that_are_served_are_not_dropped")


# Asks for a reconnect as whoever runs it; what it says of it is its exit status.
STRANGER = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
try:
    peer.connect(sys.argv[1])
except PermissionError:
    sys.exit(13)
peer.sendall(b"reconnect\\n")
peer.shutdown(socket.SHUT_WR)
sys.exit(0 if b"shards: 1" in peer.recv(65536) else 1)
"""


def as_user(bot, group):
    """The exit status of STRANGER as a user without rights in that group."""
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", sys.executable,
         "-c", STRANGER, str(bot.socket)], check=False, timeout=20).returncode


@fault("C07", "a stranger, a member of the group, and one who may only read")
def strangers():
    with live() as (_, bot):
        figure = "readers are held to reading"
        if os.geteuid() == 0:
            bot.dir.chmod(0o711)
            check(as_user(bot, NOBODY) == 13, "the kernel did not refuse a stranger")
            check(not bot.events("control_command"), "a stranger was heard")
            check(as_user(bot, bot.socket.stat().st_gid) == 0, "a member was refused")
            _, event = bot.wait_event("control_command", command="reconnect")
            check(event["uid"] == NOBODY, "logged as", event)
            bot.wait_ready(count=2)
            figure = "the kernel refuses a stranger, a member's uid is logged, " + figure
        done = len(bot.events("control_command"))
        with Control(bot) as peer:
            check(peer.ask("hello", {"access": "read"})["result"]["access"] == "read")
            answer = peer.ask("reconnect")
            check(answer["error"]["data"]["code"] == "read_only", answer)
        check(len(bot.events("control_command")) == done, "what was refused was done")
    suite("conformance", "test_control", "Protocol.test_whoever_asks_to_only_read_is_held_to_it",
          "Peers.test_c07_writes_are_logged_with_the_caller")
    return Result(figure=figure)


@fault("C08", "a stale socket file; a live daemon behind it")
def stale_socket():
    with live() as (sim, bot):
        bot.kill()
        check(bot.socket.exists(), "nothing is stale")
        began = time.monotonic()
        bot.start().wait_ready()
        took = time.monotonic() - began
        check(bot.ctl("status").returncode == 0, "not replaced")
        with Gwbotd(sim) as other:  # a state folder of its own
            other.env["GWBOT_CONTROL_SOCKET"] = str(bot.socket)
            check(other.start().wait_exit() == 78, "ended with", other.process.returncode)
            until(lambda: "another gwbotd" in other.output, "why")
        check(bot.ctl("status").returncode == 0, "the first one lost its socket")
    suite("conformance", "test_control", "File.test_c08_a_live_daemon_keeps_its_path")
    return Result(heal=took, figure="replaced; a second one refused with 78")


@fault("C09", "the socket is removed under the daemon")
def removed_socket():
    with live() as (_, bot):
        began = time.monotonic()
        bot.socket.unlink()
        asked = bot.ctl("status")
        check(asked.returncode in (0, 3), asked)
        check(asked.returncode == 0 or "systemctl status" in asked.stderr, asked.stderr)
        until(lambda: bot.ctl("status").returncode == 0, "the socket")
        took = time.monotonic() - began
        bot.wait_event("control_socket_recreated")
    suite("conformance", "test_control", "File.test_c09_a_removed_folder_comes_back",
          "Gwctl.test_3_not_running")
    return Result(figure=f"there again after {took:.1f} s, and said")


@fault("C10", "a path of 108 bytes; a folder that is missing")
def impossible_path():
    with Sim() as sim:
        for make, words in ((lambda d: d / ("s" * (107 - len(str(d)))), "107"),
                            (lambda d: d / "no" / "such" / "c.sock", "no/such"),
                            (lambda d: d / "file" / "c.sock", "file")):
            with Gwbotd(sim) as bot:
                (bot.dir / "file").touch()
                path = make(bot.dir)
                bot.env["GWBOT_CONTROL_SOCKET"] = str(path)
                check(bot.start().wait_exit() == 78, path, "ended with", bot.process.returncode)
                until(lambda b=bot, w=words: w in b.output, f"{words} in the error")
                check(not bot.events("shard_state"), "it began before it knew")
    suite("conformance", "test_control", "File.test_c10_the_longest_path_and_one_more_byte",
          "File.test_c10_folders_that_cannot_be_used")
    return Result(figure="exit 78 with the limit or the folder, before it connects")


@fault("C11", "gwctl newer or older than the daemon")
def version_skew():
    return suite("conformance", "test_control", "Gwctl.test_6_c11_version_skew",
                 "Gwctl.test_6_c11_a_daemon_without_the_command",
                 "Gwctl.test_members_of_a_newer_daemon_are_passed_over",
                 "Protocol.test_hello_refuses_a_range_that_does_not_meet")


@fault("C12", "the daemon stands still while gwctl waits")
def standing_still():
    with live() as (_, bot):
        bot.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        done = bot.ctl("--timeout", "500ms", "status")
        took = time.monotonic() - began
        bot.process.send_signal(signal.SIGCONT)
        check(done.returncode == 5 and done.stderr, "ended with", done.returncode, done.stderr)
        check(took < 3, "took", took)
        check(bot.ctl("status").returncode == 0)
    return Result(figure=f"exit 5 after {took:.2f} s")


@fault("C13", "a reboot is asked for 10 times at once")
def ten_reboots():
    with Sim() as sim, Gwbotd(sim) as bot:
        bot.start().wait_ready()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            done = list(pool.map(lambda _: bot.ctl("reboot").returncode, range(10)))
        check(0 in done, "nobody was answered:", done)
        check(bot.wait_exit() == 0, "ended with", bot.process.returncode)
        check(len(bot.events("stopping")) == 1, "stopped more than once")
        began = time.monotonic()
        when, _ = bot.start().wait_ready()
        time.sleep(1)
        check(bot.process.poll() is None, "a second restart was left over")
        now = shard(bot)
        check((now["identifies"], now["resumed"]) == (0, 1), now)
        check(bot.stop() == 0)
    return Result(heal=when - began, figure=f"one restart, {done.count(0)} of 10 answered with 0")


@fault("C14", "no descriptor is left at an accept")
def no_descriptor():
    with live(sim_options={"heartbeat": 500}) as (sim, bot):
        free = len(os.listdir(f"/proc/{bot.process.pid}/fd"))
        limit = (free + 3, 65536)
        subprocess.run(["prlimit", f"--pid={bot.process.pid}", f"--nofile={limit[0]}:"],
                       check=True)
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    one.connect(str(bot.socket))
            time.sleep(0.5)
            share = cpu_share(bot, 2)
            check(share < 0.2, "it spins:", share)
            check(bot.get("/livez")[0] == 200, "HTTP is deaf")
        began = time.monotonic()
        until(lambda: bot.ctl("status").returncode == 0, "answers after the shortage")
        took = time.monotonic() - began
        now = shard(bot)
        check((now["reconnects"], now["zombies"]) == (0, 0), now)
        subprocess.run(["prlimit", f"--pid={bot.process.pid}", "--nofile=1024:"], check=True)
    suite("conformance", "test_control", "Peers.test_c14_out_of_descriptors_without_spinning")
    return Result(figure=f"CPU {share:.1%} without descriptors, answered {took:.2f} s after")
