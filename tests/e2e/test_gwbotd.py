"""gwbotd against gwsim: from the first HELLO to every way of ending."""

import json
import signal
import time
import unittest

from gwbotd import Gwbotd, Sim, TOKEN


class Connects(unittest.TestCase):
    def test_new_keys_and_small_records_of_tls_cost_nothing(self):
        for size in (512, 4096):
            with self.subTest(size), Sim(tls=True, rate=200, heartbeat=500, tls_record=size) as sim, \
                    Gwbotd(sim) as bot:
                bot.start().wait_ready()
                for _ in range(5):
                    seen = bot.snapshot()["shards"][0]["seq"]
                    sim.do("rekey")
                    sim.do("flood 500")
                    deadline = time.monotonic() + 20
                    while bot.snapshot()["shards"][0]["seq"] <= seen + 500:
                        self.assertLess(time.monotonic(), deadline, "events behind new keys")
                        time.sleep(0.02)
                shard = bot.snapshot()["shards"][0]
                self.assertEqual((0, 0), (shard["seq_gaps"], shard["reconnects"]))
                self.assertEqual(0, bot.stop())

    def test_each_compression_over_tls_gets_ready_and_counts_events(self):
        for compress in ("none", "zlib-stream", "zstd-stream"):
            with self.subTest(compress), Sim(tls=True, rate=200) as sim, \
                    Gwbotd(sim, discord__compress=compress) as bot:
                bot.start().wait_ready()
                body = bot.wait_health(200)
                self.assertTrue(body["ok"] and body["connected"])
                deadline = time.monotonic() + 10
                while bot.snapshot()["shards"][0]["dispatches"] < 300:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                shard = bot.snapshot()["shards"][0]
                self.assertEqual(0, shard["seq_gaps"])
                self.assertEqual(1, shard["identifies"])
                self.assertEqual(0, bot.stop())

    def test_a_guild_of_5_mb_and_pieces_of_any_size_pass(self):
        with Sim(tls=True) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for split in ("1000", "7", "off"):
                sim.do(f"split {split}")
                before = bot.snapshot()["shards"][0]
                sim.do("big 5000000" if split != "7" else "big 50000")
                deadline = time.monotonic() + 20
                while bot.snapshot()["shards"][0]["dispatches"] <= before["dispatches"]:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
            shard = bot.snapshot()["shards"][0]
            self.assertEqual((0, 0), (shard["seq_gaps"], shard["reconnects"]))
            self.assertEqual(200, bot.health()[0])

    def test_latency_is_null_before_the_first_ack_and_small_after_it(self):
        with Sim(heartbeat=1000) as sim, Gwbotd(sim) as bot:
            sim.do("acks off")
            bot.start().wait_ready()
            self.assertIsNone(bot.health()[1]["latency_s"])
            sim.do("acks on")
            deadline = time.monotonic() + 10
            while bot.health()[1]["latency_s"] is None:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            self.assertLess(bot.health()[1]["latency_s"], 1.0)


class Heals(unittest.TestCase):
    def heal(self, fault, **settings):
        """Plays a fault; returns the shard's figures after it was resumed."""
        with Sim(heartbeat=1000, rate=50, tls=True) as sim, Gwbotd(sim, **settings) as bot:
            bot.start().wait_ready()
            sim.do(fault)
            bot.wait_ready(count=2)
            shard = bot.snapshot()["shards"][0]
            self.assertEqual(0, shard["seq_gaps"], fault)
            self.assertEqual([], sim.totals()["client_error_texts"], fault)
            return shard

    def test_recoverable_faults_are_resumed_without_an_identify(self):
        faults = ["drop", "rst", "reconnect", "garbage", "invalid true", "close 1001",
                  "close 1012", "close 4000", "close 4002", "close 4008", "close 4999",
                  "close 1000"]
        for fault in faults:
            with self.subTest(fault):
                shard = self.heal(fault)
                self.assertEqual((1, 1), (shard["identifies"], shard["resumed"]))

    def test_lost_sessions_cost_one_identify(self):
        for fault in ["invalid false", "close 4001", "close 4003", "close 4007",
                      "close 4009"]:
            with self.subTest(fault):
                shard = self.heal(fault)
                self.assertEqual(2, shard["identifies"])

    def test_codes_without_a_cure_end_with_77_and_say_why(self):
        for code in (4004, 4010, 4011, 4012, 4013, 4014):
            with self.subTest(code), Sim() as sim, Gwbotd(sim) as bot:
                bot.start().wait_ready()
                sim.do(f"close {code}")
                self.assertEqual(77, bot.wait_exit())
                (_, event), = bot.events("refused_by_discord")
                self.assertIn(str(code), event["reason"])

    def test_withheld_acks_are_noticed_after_two_intervals_although_events_flow(self):
        with Sim(heartbeat=1000, rate=50) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            sim.do("acks off")
            when, event = bot.wait_event("shard_state", **{"from": "ready"})
            self.assertIn("zombie", event["reason"])
            sim.do("acks on")
            bot.wait_ready(count=2)
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])

    def test_a_demanded_beat_is_answered_and_a_slow_replay_is_whole(self):
        with Sim(heartbeat=2000, rate=500) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for _ in range(3):
                sim.do("beat")
            sim.do("drop")
            bot.wait_ready(count=2)
            shard = bot.snapshot()["shards"][0]
            self.assertEqual((0, 1), (shard["seq_gaps"], shard["identifies"]))
            self.assertGreaterEqual(shard["heartbeats"], 3)

    def test_upgrades_refused_with_a_status_are_retried_with_growing_delays(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            sim.do("upgrade 503")
            bot.start()
            bot.wait_event("shard_state", to="backing off", count=4)
            self.assertEqual(503, bot.health()[0])
            sim.do("upgrade off")
            bot.wait_ready()
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])


class Watchdog(unittest.TestCase):
    quick = {"watchdog__keepalive": "250ms", "watchdog__stall": "6s",
             "watchdog__disconnect_grace": "3s"}

    def test_a_frozen_connection_is_resumed_within_two_intervals(self):
        with Sim(heartbeat=1000, rate=50, tls=True) as sim, \
                Gwbotd(sim, **self.quick) as bot:
            bot.start().wait_ready()
            bot.wait_event("shard_state", to="ready")
            sim.do("freeze")
            frozen = time.monotonic()
            lost, event = bot.wait_event("shard_state", **{"from": "ready"})
            sim.do("thaw")
            resumed, _ = bot.wait_ready(count=2)
            self.assertIn("zombie", event["reason"])
            print(f"\nfrozen at 1 s heartbeats: noticed after {lost - frozen:.2f} s, "
                  f"resumed after {resumed - frozen:.2f} s")
            # Up to one interval to the next beat, one for its answer; and the resume.
            self.assertLess(lost - frozen, 2.3)
            self.assertLess(resumed - frozen, 3.5)
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])

    def test_it_exits_1_at_the_grace_and_not_before(self):
        with Sim(heartbeat=1000, rate=50) as sim, Gwbotd(sim, **self.quick) as bot:
            bot.start().wait_ready()
            sim.do("refuse on")
            sim.do("rst")
            lost, _ = bot.wait_event("shard_state", **{"from": "ready"})
            self.assertEqual(1, bot.wait_exit())
            (judged, event), = bot.events("watchdog_exit")
            print(f"\ngrace of 3 s, checked each 0.25 s: exit 1 after {judged - lost:.2f} s")
            self.assertGreater(judged - lost, 3.0)
            self.assertLess(judged - lost, 3.0 + 1.0)
            self.assertEqual("down", event["verdict"])
            self.assertGreater(event["disconnect_age_s"], 3.0)
            # The session was kept: the next process resumes.
            sim.do("refuse off")
            bot.start().wait_ready()
            shard = bot.snapshot()["shards"][0]
            self.assertEqual((0, 1), (shard["identifies"], shard["resumed"]))

    def test_a_shard_that_never_connects_is_judged_from_the_first_check(self):
        with Sim() as sim, Gwbotd(sim, **self.quick) as bot:
            sim.do("upgrade 503")
            began = time.monotonic()
            bot.start()
            self.assertEqual(1, bot.wait_exit())
            took = time.monotonic() - began
            self.assertGreater(took, 3.2)
            self.assertLess(took, 7)

    def test_a_quiet_server_is_no_zombie(self):
        with Sim(heartbeat=500, rate=0) as sim, \
                Gwbotd(sim, watchdog__keepalive="200ms", watchdog__stall="1s") as bot:
            bot.start().wait_ready()
            deadline = time.monotonic() + 4
            while time.monotonic() < deadline:
                self.assertEqual(200, bot.health()[0])
                time.sleep(0.2)
            self.assertEqual(0, bot.stop())


class Restarts(unittest.TestCase):
    def test_kill_9_twenty_times_loses_nothing_and_identifies_once(self):
        with Sim(heartbeat=2000, rate=200, tls=True) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            for _ in range(20):
                before = bot.snapshot()["shards"][0]["dispatches"]
                deadline = time.monotonic() + 10
                while bot.snapshot()["shards"][0]["dispatches"] < before + 20:
                    self.assertLess(time.monotonic(), deadline)
                bot.kill()
                bot.start().wait_ready()
                shard = bot.snapshot()["shards"][0]
                self.assertEqual((0, 0), (shard["identifies"], shard["seq_gaps"]))
            stats = sim.totals()
            self.assertEqual(1, stats["identifies"])
            self.assertEqual(20, stats["resumes"])
            self.assertEqual([], stats["client_error_texts"])
            session, = sim.sessions()
            self.assertTrue(session["resume_seqs_all_sent"])
            self.assertEqual(20, len(session["resume_seqs"]))

    def test_a_stop_keeps_the_session(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Sim() as sim, Gwbotd(sim) as bot:
                bot.start().wait_ready()
                began = time.monotonic()
                self.assertEqual(0, bot.stop(number))
                self.assertLess(time.monotonic() - began, 2)
                bot.start().wait_ready()
                self.assertEqual(0, bot.snapshot()["shards"][0]["identifies"])

    def test_a_session_that_is_gone_costs_one_identify(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            bot.stop()
            sim.do("kill-session")
            bot.start().wait_ready()
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])

    def test_another_token_or_damaged_record_identifies_and_never_crashes(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            bot.stop()
            bot.env["DISCORD_TOKEN"] = TOKEN[:-4] + "else"
            bot.start().wait_ready()
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])
            bot.stop()
            record, = (bot.dir / "state").glob("shard-*.session")
            record.write_bytes(b"\xff" * record.stat().st_size)
            bot.start().wait_ready()
            self.assertEqual(1, len(bot.events("session_record_unusable")))
            self.assertEqual(1, bot.snapshot()["shards"][0]["identifies"])

    def test_a_second_daemon_on_the_same_folder_refuses_to_start(self):
        with Sim() as sim, Gwbotd(sim) as bot, Gwbotd(sim) as other:
            bot.start().wait_ready()
            other.env["GWBOT_STATE_DIR"] = bot.env["GWBOT_STATE_DIR"]
            self.assertEqual(78, other.start().wait_exit())
            other.env["GWBOT_STATE_DIR"] = str(other.dir / "own")
            other.env["GWBOT_CONTROL_SOCKET"] = bot.env["GWBOT_CONTROL_SOCKET"]
            self.assertEqual(78, other.start().wait_exit())
            self.assertEqual(0, bot.ctl("status").returncode)

    def test_an_unusable_state_folder_costs_persistence_only(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            (bot.dir / "file").write_text("not a folder")
            bot.env["GWBOT_STATE_DIR"] = str(bot.dir / "file" / "state")
            bot.start().wait_ready()
            self.assertEqual(1, len(bot.events("state_not_durable")))
            self.assertEqual(0, bot.stop())


class Refuses(unittest.TestCase):
    def start(self, *arguments, env=None, timeout=15):
        with Gwbotd(env={"DISCORD_API_BASE": "http://127.0.0.1:9/api/v10",
                         **(env or {})}) as bot:
            bot.start(*arguments)
            status = bot.wait_exit(timeout)
            time.sleep(0.1)
            return status, bot.output

    def test_what_cannot_work_ends_with_78_and_one_clear_line(self):
        cases = {
            "no token": ({"DISCORD_TOKEN": ""}, "token"),
            "short token": ({"DISCORD_TOKEN": "x" * 49}, "50"),
            "token with a blank": ({"DISCORD_TOKEN": "x" * 30 + " " + "y" * 30}, "token"),
            "plain http elsewhere": ({"DISCORD_API_BASE": "http://example.com/api"},
                                     "loopback"),
            "no such CA": ({"SSL_CERT_FILE": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"),
            "no such file": ({"GWBOT_CONFIG": "/nonexistent.conf"}, "/nonexistent.conf"),
        }
        for name, (env, word) in cases.items():
            with self.subTest(name):
                status, output = self.start(env=env)
                self.assertEqual(78, status, output)
                self.assertIn(word, output)
                self.assertNotIn("x" * 30, output)

    def test_a_port_in_use_is_named(self):
        import socket
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            status, output = self.start(env={"PORT": str(port)})
            self.assertEqual(78, status)
            self.assertIn(str(port), output)

    def test_wrong_words_end_with_64(self):
        for arguments in (["--nonsense"], ["word"], ["--config"]):
            with self.subTest(arguments):
                status, output = self.start(*arguments)
                self.assertEqual(64, status)
                self.assertIn("--help", output)

    def test_a_bad_environment_value_falls_back_with_one_warning(self):
        with Sim() as sim, Gwbotd(sim, env={"KEEPALIVE_INTERVAL_SEC": "abc"}) as bot:
            bot.start().wait_ready()
            self.assertEqual(1, bot.output.count("KEEPALIVE_INTERVAL_SEC"))
            self.assertEqual(60, bot.health()[1]["keepalive_sec"])

    def test_a_401_from_the_api_ends_with_77_after_one_request(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            sim.do("rest 401")
            bot.start()
            self.assertEqual(77, bot.wait_exit())
            self.assertEqual(0, sim.totals()["identifies"])

    def test_bad_certificates_are_refused_with_a_reason(self):
        for kind in ("bad-name", "expired", "self-signed", "other-ca"):
            with self.subTest(kind), Sim(tls=True) as sim, Gwbotd(sim) as bot:
                sim.do(f"tls {kind}")
                bot.start()
                _, event = bot.wait_event("gateway_not_found")
                self.assertIn("certificate", event["reason"])
                sim.do("tls good")
                bot.wait_ready(timeout=60)


class Serves(unittest.TestCase):
    def test_the_truth_table_of_the_probes(self):
        for strict in ("0", "1"):
            with self.subTest(strict), Sim() as sim, \
                    Gwbotd(sim, env={"STRICT_PROBE": strict}) as bot:
                bot.start().wait_ready()
                up = {path: bot.get(path)[0] for path in
                      ("/", "/ready", "/health", "/healthz", "/livez", "/readyz")}
                self.assertEqual({200}, set(up.values()))
                sim.do("refuse on")
                sim.do("drop")
                bot.wait_health(503)
                deep = 503 if strict == "1" else 200
                for path in ("/", "/ready", "/health"):
                    self.assertEqual(deep, bot.get(path)[0], path)
                self.assertEqual(200, bot.get("/livez")[0])
                self.assertEqual(503, bot.get("/healthz", method="HEAD")[0])
                self.assertEqual(404, bot.get("/nothing")[0])
                status, headers, _ = bot.get("/healthz", method="POST")
                self.assertEqual(405, status)
                self.assertIn("GET", headers.get("Allow", headers.get("allow", "")))

    def test_few_identifies_left_are_206_with_a_reason(self):
        with Sim(remaining=100) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            status, body = bot.health()
            self.assertEqual((206, True), (status, body["connected"]))
            self.assertIn("identify budget low: 49 left today before the reserve of 50", body["reasons"])
            self.assertEqual(200, bot.get("/readyz")[0])

    def test_signals_reload_dump_and_keep_running(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            file = bot.dir / "gwbot.conf"
            file.write_text('watchdog: { stall = "7min"; };\n')
            bot.env["GWBOT_CONFIG"] = str(file)
            bot.start().wait_ready()
            self.assertEqual(420, bot.health()[1]["stall_after_sec"])
            file.write_text('watchdog: { stall = "8min"; };\ngateway: { hello_timeout = "11s"; };\n')
            bot.process.send_signal(signal.SIGHUP)
            bot.wait_event("reloaded")
            self.assertEqual(480, bot.health()[1]["stall_after_sec"])
            self.assertEqual(["gateway.hello_timeout"], [event["option"] for _, event in
                                             bot.events("config_deferred")])
            # What waits for a restart is neither applied nor forgotten nor made up.
            file.write_text('profile = "prod"; watchdog: { stall = "8min"; };\n')
            bot.process.send_signal(signal.SIGHUP)
            bot.wait_event("reloaded", count=2)
            self.assertEqual([
                ("gateway.hello_timeout", True), ("profile", False),
                ("gateway.hello_timeout", True)],
                [(event["option"], "next connection" in event["remedy"])
                 for _, event in bot.events("config_deferred")])
            self.assertEqual("dev", bot.health()[1]["env"])
            file.write_text('watchdog: { stall = "soon"; };\n')
            bot.process.send_signal(signal.SIGHUP)
            bot.wait_event("reload_refused")
            self.assertEqual(480, bot.health()[1]["stall_after_sec"])
            bot.process.send_signal(signal.SIGUSR1)
            bot.wait_event("status")
            self.assertEqual(200, bot.health()[0])

    def test_gwctl_tells_the_same_truth(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            self.assertEqual(3, bot.ctl("status").returncode)
            bot.start().wait_ready()
            for command in ("status", "snapshot", "latency", "thresholds", "version", "help"):
                plain = bot.ctl(command)
                self.assertEqual(0, plain.returncode, plain.stderr)
                self.assertTrue(plain.stdout)
                if command != "help":
                    document = json.loads(bot.ctl("--json", command).stdout)
                    self.assertEqual("gwctl/1", document["schema"])
            self.assertEqual(2, bot.ctl("staus").returncode)

    def test_reboot_answers_exits_0_and_the_next_process_resumes(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            done = bot.ctl("reboot")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(0, bot.wait_exit())
            bot.start().wait_ready()
            self.assertEqual(0, bot.snapshot()["shards"][0]["identifies"])

    def test_sim_is_one_command_and_survives_kill_9(self):
        with Gwbotd(env={"DISCORD_TOKEN": ""}) as bot:
            bot.start("--sim").wait_ready()
            self.assertEqual(0, bot.ctl("sim", "reconnect").returncode)
            bot.wait_ready(count=2)
            bot.kill()
            bot.start("--sim").wait_ready()
            self.assertEqual(0, bot.snapshot()["shards"][0]["identifies"])
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
