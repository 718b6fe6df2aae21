"""Faults of the host around gwbotd: disk, names, API, signals, restarts.

Each test is a row of the drill: state folders nobody can use, a resolver or an API that
is silent, a stop in every state, a budget that is spent.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim


def rest_calls(sim):
    """How often /gateway/bot was asked for."""
    routes = sim.totals()["rest_routes"]
    return sum(row["calls"] for name, row in routes.items() if "gateway/bot" in name)


def until(check, what, timeout=10):
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in time: {what}")
        time.sleep(0.02)


def shard(bot, index=0):
    return bot.snapshot()["shards"][index]


def open_files(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


@contextlib.contextmanager
def silent_listener(family, address, port=0):
    """Takes connections as the kernel does, and says nothing."""
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
        yield listener.getsockname()[1]


def can_unshare():
    return subprocess.run(["unshare", "-Urm", "true"], check=False,
                          capture_output=True).returncode == 0


def in_own_mounts(commands):
    """A wrapper that runs the program after these shell commands, in its own mounts."""
    return ["unshare", "-Urm", "sh", "-c", commands + ' && exec "$@"', "sh"]


class Api(unittest.TestCase):
    def test_retry_after_of_the_api_is_waited_for(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            sim.do("rest 429 retry_after=1.5")
            bot.start().wait_event("gateway_not_found")
            time.sleep(0.8)
            self.assertEqual(1, rest_calls(sim))
            sim.do("rest off")
            when, _ = bot.wait_ready()
            self.assertGreater(when - bot.events("gateway_not_found")[0][0], 1.4)
            self.assertEqual(2, rest_calls(sim))
            self.assertEqual(0, bot.stop())

    def test_a_stored_session_is_resumed_without_the_api(self):
        for fault in ("rest stall", "rest 503"):
            with self.subTest(fault), Sim() as sim, Gwbotd(sim) as bot:
                bot.start().wait_ready()
                self.assertEqual(0, bot.stop())
                before = rest_calls(sim)
                sim.do(fault)
                bot.start().wait_ready(timeout=5)
                self.assertEqual((0, 1), (shard(bot)["identifies"], shard(bot)["resumed"]))
                self.assertEqual(before, rest_calls(sim))
                self.assertEqual(0, bot.stop())

    def test_a_spent_budget_is_waited_for_and_told_once(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            sim.do("budget 0 2500")
            for _ in range(2):
                bot.start()
                _, event = bot.wait_event("identify_budget_spent")
                self.assertLessEqual(event["next_in_s"], 2.6)
                self.assertIn("budget", shard(bot)["reason"])
                self.assertEqual(503, bot.health()[0])
                self.assertEqual(0, bot.stop())
            self.assertEqual(0, sim.totals()["identifies"])
            bot.start().wait_ready()
            self.assertLessEqual(len(bot.events("identify_budget_spent")), 1)
            self.assertEqual(1, sim.totals()["identifies"])
            self.assertEqual([], sim.totals()["client_error_texts"])

    def test_urls_with_a_slash_at_their_end_work(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.env["DISCORD_API_BASE"] = sim.api_base + "/"
            bot.start().wait_ready()
            self.assertEqual(0, bot.stop())
            self.assertEqual({"2xx": 1}, {
                key: value for row in sim.totals()["rest_routes"].values()
                for key, value in row.items() if key.endswith("xx") and value})
        with Sim() as sim, Gwbotd(sim, discord__gateway=sim.gateway + "/some/path/") as bot:
            bot.start().wait_ready()
            self.assertLessEqual(rest_calls(sim), 1)  # for the limits, before IDENTIFY
            self.assertEqual(0, bot.stop())


class Names(unittest.TestCase):
    HOSTS = "127.0.0.1 localhost\n::1 localhost\n"

    def bot(self, sim, **settings):
        bot = Gwbotd(sim, **settings)
        (bot.dir / "hosts").write_text(self.HOSTS)
        bot.wrapper = in_own_mounts(f"mount --bind {bot.dir}/hosts /etc/hosts")
        bot.env["DISCORD_API_BASE"] = sim.api_base.replace("127.0.0.1", "localhost")
        return bot

    def setUp(self):
        if not can_unshare():
            self.skipTest("no private namespaces here")

    def test_a_dead_first_address_costs_no_session(self):
        with Sim(tls=True) as sim, self.bot(sim) as bot:
            bot.start().wait_ready(timeout=5)
            self.assertEqual(0, bot.stop())

    def test_a_silent_first_address_is_passed_over(self):
        with Sim(tls=True) as sim, \
                silent_listener(socket.AF_INET6, "::1", sim.port), \
                self.bot(sim) as bot:
            bot.env["DISCORD_API_BASE"] = sim.api_base
            bot.arguments.append(f"--set=discord.gateway=wss://localhost:{sim.port}")
            bot.start().wait_ready(timeout=9)
            self.assertEqual(1, shard(bot)["attempts"])
            self.assertEqual(0, bot.stop())


class Disk(unittest.TestCase):
    def test_what_stands_in_a_files_place_costs_persistence_only(self):
        def fifo(path):
            os.mkfifo(path)

        def link(path):
            path.symlink_to("/dev/null")

        kinds = [(name, make)
                 for name in ("lock", "identify.ledger", "shard-0-of-1.session")
                 for make in (fifo, link, pathlib.Path.mkdir)]
        with Sim(identify_window=0) as sim:
            for name, make in kinds:
                with self.subTest(f"{make.__name__} {name}"), Gwbotd(sim) as bot:
                    state = bot.dir / "state"
                    state.mkdir(mode=0o700)
                    make(state / name)
                    bot.start().wait_ready(timeout=10)
                    # A fifo can be locked as well as a file.
                    told = 0 if name == "lock" and make is fifo else 1
                    self.assertEqual(told, len(bot.events("state_not_durable")))
                    self.assertEqual(0, bot.stop())

    def test_one_unusable_file_does_not_cost_the_others(self):
        with Sim(identify_window=0) as sim, Gwbotd(sim) as bot:
            state = bot.dir / "state"
            state.mkdir(mode=0o700)
            (state / "shard-0-of-1.session").mkdir()
            for left in (949, 948):  # the ledger counts over the restart
                bot.start().wait_ready(timeout=20)
                (_, event), = bot.events("identify")
                self.assertEqual(left, event["left_today"])
                self.assertEqual(0, bot.stop())

    def test_a_folder_that_is_a_link_or_open_to_all_is_not_used(self):
        for mode in ("link", "open"):
            with self.subTest(mode), Sim() as sim, Gwbotd(sim) as bot:
                real = bot.dir / "real"
                real.mkdir(mode=0o700)
                if mode == "link":
                    (bot.dir / "state").symlink_to(real)
                else:
                    (bot.dir / "state").mkdir()
                    (bot.dir / "state").chmod(0o777)
                bot.start().wait_ready()
                self.assertEqual(1, len(bot.events("state_not_durable")))
                self.assertEqual(0, bot.stop())
                self.assertEqual([], list((bot.dir / "state").iterdir()))

    def test_a_full_and_a_read_only_disk_cost_persistence_only(self):
        if not can_unshare():
            self.skipTest("no private namespaces here")
        for option in ("size=4k", "ro"):
            with self.subTest(option), Sim() as sim, Gwbotd(sim) as bot:
                (bot.dir / "state").mkdir(mode=0o700)
                bot.wrapper = in_own_mounts(
                    f"mount -t tmpfs -o mode=700,{option} none {bot.dir}/state")
                bot.start().wait_ready()
                self.assertEqual(1, len(bot.events("state_not_durable")))
                self.assertEqual(200, bot.health()[0])
                self.assertEqual(0, bot.stop())

    def test_another_shard_count_discards_the_sessions_and_says_so(self):
        with Sim(max_concurrency=2, shards=2, identify_window=0) as sim, \
                Gwbotd(sim) as bot:
            ledger = bot.dir / "state" / "identify.ledger"
            bot.start().wait_ready()
            self.assertEqual(0, bot.stop())
            ledger.unlink()  # nor wait for its spacing
            bot.start("--set=discord.shards=2").wait_ready(count=2)
            self.assertEqual(1, len(bot.events("session_discarded")))
            self.assertEqual(["shard-0-of-2.session", "shard-1-of-2.session"], sorted(
                path.name for path in (bot.dir / "state").glob("shard-*")))
            self.assertEqual(0, bot.stop())
            ledger.unlink()
            bot.start("--set=discord.shards=1").wait_ready()
            self.assertEqual((1, 0), (shard(bot)["identifies"], shard(bot)["resumes"]))
            self.assertEqual(0, bot.stop())

    def test_a_damaged_ledger_neither_crashes_nor_blocks(self):
        head = b"GWBL" + (1).to_bytes(4, "little")
        damages = {
            "noise": os.urandom(8016),
            "short": b"GW",
            "numbers": head + b"\xff" * 32,
            "times": head + (0).to_bytes(4, "little") + (2).to_bytes(4, "little")
                     + (0).to_bytes(8, "little") + (1 << 63).to_bytes(8, "little"),
        }
        for name, content in damages.items():
            with self.subTest(name), Sim() as sim, Gwbotd(sim) as bot:
                (bot.dir / "state").mkdir(mode=0o700)
                (bot.dir / "state" / "identify.ledger").write_bytes(content)
                bot.start().wait_ready(timeout=9)
                self.assertEqual(0, bot.stop())


class Signals(unittest.TestCase):
    def stops(self, bot):
        began = time.monotonic()
        self.assertEqual(0, bot.stop(), bot.output[-3000:])
        self.assertLess(time.monotonic() - began, 2)

    def test_a_stop_in_each_state_is_quick_and_keeps_the_session(self):
        faults = {
            "hello": "no-hello on",
            "resume": "refuse-resume silent",
            "upgrade or tls": "freeze",
            "refused": "refuse on",
            "backoff": "upgrade 503",
        }
        with Sim(tls=True) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            self.assertEqual(0, bot.stop())
            for state, fault in faults.items():
                with self.subTest(state):
                    sim.do(fault)
                    bot.start().wait_event("shard_state", to="connecting")
                    time.sleep(0.3)
                    self.stops(bot)
                    sim.do("calm")
                    sim.do("thaw")
            bot.start().wait_ready()
            self.assertEqual((0, 1), (shard(bot)["identifies"], shard(bot)["resumed"]))
            self.stops(bot)

    def test_a_stop_right_after_a_login_waits_for_the_disk_and_no_timer(self):
        with Sim(rate=300) as sim, Gwbotd(sim) as bot:
            for _ in range(3):
                bot.start().wait_ready()
                self.stops(bot)
                (asked, _), = bot.events("stopping")
                ended, _ = bot.wait_event("stopped")
                self.assertLess(ended - asked, 0.7)

    def test_a_stop_before_a_first_session_is_quick(self):
        faults = {"rest": "rest stall", "identify": "no-ready on", "slot": "budget 0 60000"}
        for state, fault in faults.items():
            with self.subTest(state), Sim() as sim, Gwbotd(sim) as bot:
                sim.do(fault)
                bot.start().wait_event("shard_state", **{"from": "idle"})
                time.sleep(0.3)
                self.stops(bot)

    def test_a_stop_while_names_are_not_answered_is_quick(self):
        if not can_unshare():
            self.skipTest("no private namespaces here")
        with Sim() as sim, Gwbotd(sim) as bot:
            (bot.dir / "resolv.conf").write_text(
                "nameserver 127.0.0.9\noptions timeout:20 attempts:3\n")
            bot.wrapper = in_own_mounts(
                f"mount --bind {bot.dir}/resolv.conf /etc/resolv.conf")
            bot.env["DISCORD_API_BASE"] = "https://api.name.test/api/v10"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                try:
                    silent.bind(("127.0.0.9", 53))
                except OSError:
                    self.skipTest("port 53 is taken or not ours")
                bot.start().wait_event("shard_state", **{"from": "idle"})
                time.sleep(0.3)
                self.assertEqual(200, bot.get("/livez")[0])
                self.stops(bot)

    def test_a_stop_at_once_after_the_start(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            for _ in range(3):
                bot.start().wait_event("starting")
                self.stops(bot)

    def test_a_storm_of_reloads_leaves_the_watchdog_on_time(self):
        with Sim() as sim, Gwbotd(sim, watchdog__keepalive="1s", watchdog__stall="9s",
                                  watchdog__disconnect_grace="1500ms") as bot:
            bot.start().wait_ready()
            sim.do("refuse on")
            sim.do("rst")
            deadline = time.monotonic() + 6
            while bot.process.poll() is None and time.monotonic() < deadline:
                bot.process.send_signal(signal.SIGHUP)
                time.sleep(0.05)
            self.assertEqual(1, bot.wait_exit(1))

    def test_a_shorter_keepalive_counts_from_the_reload(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            file = bot.dir / "gwbot.conf"
            file.write_text('watchdog: { disconnect_grace = "500ms"; keepalive = "5min"; };\n')
            bot.env["GWBOT_CONFIG"] = str(file)
            bot.start().wait_ready()
            sim.do("refuse on")
            sim.do("rst")
            bot.wait_event("shard_state", **{"from": "ready"})
            file.write_text('watchdog: { disconnect_grace = "500ms"; keepalive = "1s"; };\n')
            bot.process.send_signal(signal.SIGHUP)
            self.assertEqual(1, bot.wait_exit(4))

    def test_a_process_that_was_stopped_for_3_s_keeps_its_session(self):
        with Sim(heartbeat=1000, rate=20) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            bot.process.send_signal(signal.SIGSTOP)
            time.sleep(3)
            bot.process.send_signal(signal.SIGCONT)
            before = shard(bot)["dispatches"]
            until(lambda: shard(bot)["dispatches"] > before + 20, "events after the stop")
            until(lambda: bot.health()[0] == 200, "health")
            self.assertEqual((1, 0), (shard(bot)["identifies"], shard(bot)["seq_gaps"]))
            self.assertEqual(0, bot.stop())


class Restarts(unittest.TestCase):
    def test_restarts_in_a_row_resume_and_leave_nothing_behind(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            files = sorted(path.name for path in bot.dir.rglob("*"))
            opened = open_files(bot.process)
            began = time.monotonic()
            count = 0
            while count < 300 and time.monotonic() - began < 1.5:
                bot.kill() if count % 2 else bot.stop()
                bot.start().wait_ready()
                count += 1
            self.assertGreater(count, 2)
            self.assertEqual(files, sorted(path.name for path in bot.dir.rglob("*")))
            until(lambda: open_files(bot.process) <= opened, "descriptors closed")
            self.assertEqual((1, count),
                             (sim.totals()["identifies"], sim.totals()["resumed"]))

    def test_reconnects_leave_no_descriptor_behind(self):
        with Sim(tls=True, max_concurrency=8, shards=8) as sim, \
                Gwbotd(sim, discord__shards=8) as bot:
            bot.start().wait_ready(count=8)
            time.sleep(0.3)
            opened = open_files(bot.process)
            for fault in ("drop", "rst"):
                done = len(bot.events("shard_state", to="ready"))
                sim.do(fault)
                bot.wait_ready(count=done + 8)
            until(lambda: open_files(bot.process) <= opened, "descriptors closed")
            self.assertEqual(8, sim.totals()["identifies"])
            self.assertEqual(0, bot.stop())


class Shards(unittest.TestCase):
    def test_three_shards_have_their_own_sessions_and_spaced_identifies(self):
        with Sim(shards=3) as sim, Gwbotd(sim, discord__shards=3) as bot:
            bot.start().wait_ready(count=3)
            times = [when for when, _ in bot.events("identify")]
            self.assertEqual(3, len(times))
            for before, after in zip(times, times[1:]):
                self.assertGreaterEqual(after - before, 4.95)
            stats = sim.do("stats")
            self.assertEqual([], stats["totals"]["client_error_texts"])
            self.assertEqual({(0, 3), (1, 3), (2, 3)}, {
                (row["shard"], row["shard_count"]) for row in stats["sessions"]})
            self.assertEqual(0, bot.stop())
            self.assertEqual(3, len(list((bot.dir / "state").glob("shard-*-of-3.session"))))
            bot.start().wait_ready(count=3)
            self.assertEqual(3, sim.totals()["resumed"])
            self.assertEqual(3, sim.totals()["identifies"])
            self.assertEqual([0, 0, 0],
                             [row["identifies"] for row in bot.snapshot()["shards"]])


class Secrets(unittest.TestCase):
    def test_a_close_reason_that_quotes_the_token_is_masked(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            sim.do(f"close 4000 {TOKEN}")
            bot.wait_ready(count=2)
            sim.do("upgrade 503")
            sim.do(f"close 4000 x {TOKEN}")
            bot.wait_event("shard_state", to="backing off")
            bot.get("/healthz")
            for command in ("status", "snapshot"):
                bot.ctl(command)
                bot.ctl("--json", command)
            bot.process.send_signal(signal.SIGUSR1)
            bot.wait_event("status")
            self.assertNotIn(TOKEN, bot.output)
            sim.do(f"close 4004 {TOKEN}")
            self.assertEqual(0, bot.stop())
            self.assertNotIn(TOKEN, bot.output)

    def test_the_token_is_refused_on_the_command_line_and_never_echoed(self):
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:9/api/v10"}) as bot:
            for words in ([f"--set=discord.token={TOKEN}"], [f"--token={TOKEN}"], [TOKEN]):
                bot.start(*words)
                self.assertIn(bot.wait_exit(), (64, 78))
                time.sleep(0.05)
                self.assertNotIn(TOKEN, bot.output)
            done = subprocess.run([str(BIN / "gwbotd"), "--print-config"], env=bot.env,
                                  capture_output=True, text=True, check=False, timeout=10)
            self.assertEqual(0, done.returncode)
            self.assertNotIn(TOKEN, done.stdout + done.stderr)

    def test_closed_standard_descriptors_are_never_reused(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.wrapper = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
            bot.start()
            until(lambda: bot.socket.exists(), "the control socket")
            until(lambda: bot.ctl("status").returncode == 0 and shard(bot)["connected"],
                  "ready")
            for number in (0, 1, 2):
                self.assertEqual("/dev/null",
                                 os.readlink(f"/proc/{bot.process.pid}/fd/{number}"))
            self.assertEqual(0, bot.stop())


class SimChild(unittest.TestCase):
    def test_a_second_start_refuses_and_a_stale_socket_is_replaced(self):
        with Gwbotd(env={"DISCORD_TOKEN": ""}) as bot, \
                Gwbotd(env={"DISCORD_TOKEN": ""}) as other:
            bot.start("--sim").wait_ready()
            other.env["GWBOT_STATE_DIR"] = bot.env["GWBOT_STATE_DIR"]
            self.assertEqual(78, other.start("--sim").wait_exit())
            self.assertEqual(200, bot.health()[0])
            self.assertEqual(0, bot.stop())
            path = bot.dir / "state" / "sim.sock"
            until(lambda: not path.exists(), "gwsim has gone")
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(path))
            (bot.dir / "state" / "identify.ledger").unlink()
            bot.start("--sim").wait_ready()
            self.assertEqual(0, bot.stop())

    def test_a_stop_does_not_wait_for_a_gwsim_that_hangs(self):
        with Gwbotd(env={"DISCORD_TOKEN": ""}) as bot:
            bot.start("--sim").wait_ready()
            with socket.socket(socket.AF_UNIX) as control:
                control.connect(str(bot.dir / "state" / "sim.sock"))
                control.sendall(b"info\n")
                pid = json.loads(control.recv(4096))["pid"]
            os.kill(pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                self.assertEqual(0, bot.stop())
                self.assertLess(time.monotonic() - began, 2)
            finally:
                os.kill(pid, signal.SIGKILL)

    def test_what_cannot_work_is_said(self):
        with Gwbotd(env={"DISCORD_TOKEN": ""}) as bot:
            bot.env["GWBOT_STATE_DIR"] = str(bot.dir / ("d" * 100))
            self.assertEqual(78, bot.start("--sim").wait_exit())
            until(lambda: "107 bytes" in bot.output, "why")
            program = bot.dir / "gwbotd"
            program.write_bytes((BIN / "gwbotd").read_bytes())
            program.chmod(0o700)
            bot.env["GWBOT_STATE_DIR"] = str(bot.dir / "state")
            bot.wrapper = ["sh", "-c", f'shift; exec {program} "$@"', "sh"]
            self.assertEqual(70, bot.start("--sim").wait_exit())
            until(lambda: "gwsim" in bot.output, "why")


if __name__ == "__main__":
    unittest.main(verbosity=2)
