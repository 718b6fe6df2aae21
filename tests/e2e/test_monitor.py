"""gwctl's commands for monitoring against a real daemon, and that daemon's own HTTP."""

import json
import os
import subprocess
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Sim

STABLE = ("gwbotd_build_info", "gwbotd_config_", "gwbotd_watchdog_threshold", "gwbotd_identify_",
          "process_start_time", "process_max_fds", "gwbotd_shard_identifies")


class Case(unittest.TestCase):
    def bot(self, *args, **env):
        bot = Gwbotd()
        self.addCleanup(bot.close)
        bot.env.update(env)
        bot.start(*args)
        return bot

    def wait(self, bot, condition, timeout="30s"):
        done = bot.ctl("wait", condition, "--timeout", timeout, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


class Truth(Case):
    """gwctl health and GET /healthz say the same."""

    def same(self, bot, state, status):
        """Compares both; ages go on between the two, so a second may tick over."""
        for _ in range(20):
            done = bot.ctl("--json", "health")
            http_status, body = bot.health()
            health = json.loads(done.stdout)
            same_latency = (health["latency_seconds"] is None) == (body["latency_s"] is None)
            if same_latency and (health["state"], health["reasons"]) == (body["state"], body["reasons"]):
                break
        self.assertEqual((health["state"], body["state"]), (state, state))
        self.assertEqual(health["reasons"], body["reasons"])
        self.assertEqual((health["http_status"], http_status), (status, status))
        self.assertEqual(done.returncode, {200: 0, 206: 8, 503: 9}[status])
        for mine, theirs in (("connected", "connected"), ("shards_total", "shards_total"),
                             ("shards_connected", "shards_connected"), ("stall_seconds", "stall_after_sec"),
                             ("keepalive_seconds", "keepalive_sec"), ("bot_version", "version"),
                             ("disconnect_grace_seconds", "disconnect_grace_sec"), ("profile", "env"),
                             ("name", "bot"), ("strict_probe", "strict_probe"),
                             ("identifies_left", "identifies_left"), ("identify_reserve", "identify_reserve")):
            self.assertEqual(health[mine], body[theirs], mine)
        for mine, theirs in (("last_event_age_seconds", "age_seconds"), ("latency_seconds", "latency_s"),
                             ("disconnect_age_seconds", "disconnect_age"),
                             ("last_ready_age_seconds", "last_ready_age")):
            self.assertEqual(health[mine] is None, body[theirs] is None, mine)
            if health[mine] is not None:
                self.assertAlmostEqual(health[mine], body[theirs], delta=6, msg=mine)
        self.assertEqual([shard["shard"] for shard in health["shards"]], [shard["id"] for shard in body["shards"]])
        self.assertEqual([shard["reason"] for shard in health["shards"]],
                         [shard["reason"] for shard in body["shards"]])
        for row in health["paths"]:
            self.assertEqual(bot.get(row["path"])[0], row["status"], row)
        return health

    def test_ready_reconnecting_and_stopping(self):
        bot = self.bot("--sim")
        self.wait(bot, "ready")
        self.same(bot, "ready", 200)
        self.assertTrue(bot.ctl("check").stdout.startswith("OK - 1 of 1 shard ready"))
        self.assertEqual(bot.ctl("sim", "refuse", "on").returncode, 0)
        self.assertEqual(bot.ctl("reconnect").returncode, 0)
        self.wait(bot, "state=reconnecting")
        health = self.same(bot, "reconnecting", 503)
        self.assertEqual(len(health["reasons"]), 1)
        check = bot.ctl("check")
        self.assertEqual(check.returncode, 2)
        self.assertIn("0 of 1 shard ready", check.stdout)
        gone = subprocess.Popen([str(BIN / "gwctl"), "-s", str(bot.socket), "wait", "gone"],
                                stdout=subprocess.PIPE, text=True)
        self.assertEqual(bot.stop(), 0)
        self.assertTrue(gone.communicate(timeout=30)[0].startswith("gone "))
        self.assertEqual(gone.returncode, 0)
        self.assertEqual(bot.ctl("check").returncode, 3)

    def test_starting_and_strict_probes(self):
        bot = self.bot(GWBOT_GATEWAY="ws://127.0.0.1:1", STRICT_PROBE="1")
        self.wait(bot, "state=starting")
        self.assertIs(self.same(bot, "starting", 503)["strict_probe"], True)

    def test_degraded(self):
        # Silent for longer than the limit, and no heartbeat is answered.
        with Sim(rate=0, heartbeat=60000) as sim, Gwbotd(sim) as bot:
            sim.do("acks off")
            bot.start("--set", "watchdog.stall=100ms", "--set", "watchdog.keepalive=1h")
            self.wait(bot, "state=degraded")
            self.same(bot, "degraded", 206)
            done = bot.ctl("check", "--warn-age", "1h", "--crit-age", "2h")
            self.assertEqual(done.returncode, 1)
            self.assertIn("degraded: shard 0: no event for", done.stdout)


class Metrics(Case):
    def test_the_text_is_that_of_http(self):
        bot = self.bot("--sim")
        self.wait(bot, "ready")
        mine = bot.ctl("metrics").stdout
        theirs = bot.get("/metrics")[2].decode()

        def series(text):
            return [line.rsplit(" ", 1)[0] if not line.startswith("#") else line for line in text.split("\n")]

        def stable(text):
            return [line for line in text.split("\n") if line.startswith(STABLE)]
        self.assertEqual(series(mine), series(theirs))
        self.assertEqual(stable(mine), stable(theirs))
        self.assertGreater(len(stable(mine)), 10)


class Doctor(Case):
    def findings(self, bot, status):
        done = bot.ctl("--json", "doctor")
        self.assertEqual((done.returncode, done.stderr), (status, ""), done.stdout)
        return {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}

    def test_a_daemon_with_the_built_in_gateway(self):
        bot = self.bot("--sim")
        self.wait(bot, "ready")
        found = self.findings(bot, 0)
        for check in ("versions", "socket", "daemon", "profile", "config", "changes", "overrides", "watchdog",
                      "token", "state", "gateway", "identify", "api", "tls", "http", "files", "memory", "loop",
                      "log", "core"):
            if check not in ("memory", "files"):  # this host's own
                self.assertEqual(found[check]["level"], "ok", found[check])
        self.assertEqual(found["http"]["text"].split(",")[0], f"port {bot.port}")
        self.assertEqual(found["supervisor"]["level"], "warn")
        self.assertEqual(found["user"]["level"], "warn" if os.geteuid() == 0 else "ok")

    def test_what_is_on_disk_and_what_runs(self):
        bot = Gwbotd()
        self.addCleanup(bot.close)
        file = bot.dir / "gwbot.conf"
        file.write_text("log: { level = \"info\"; };\n")
        bot.env["GWBOT_CONFIG"] = str(file)
        bot.start("--sim")
        self.wait(bot, "ready")
        self.assertEqual(self.findings(bot, 0)["config"]["text"], f"{file}, no warnings")
        file.write_text("bot: { name = \"other\"; };\n")
        self.assertEqual(self.findings(bot, 0)["changes"]["text"], "1 setting differs on disk from what runs")
        self.assertEqual(bot.ctl("reload").returncode, 0)
        self.assertEqual(self.findings(bot, 0)["changes"]["level"], "ok")
        file.write_text("loop: { limit = \"20s\"; };\n")
        self.assertEqual(bot.ctl("reload").returncode, 0)
        self.assertEqual(self.findings(bot, 0)["changes"]["text"], "1 setting waits for a restart")
        file.write_text("http: { prot = 1; };\n")
        self.assertEqual(bot.ctl("reload").returncode, 1)
        found = self.findings(bot, 1)
        self.assertEqual(found["config"]["level"], "fail")
        self.assertIn("1 error: gwbotd would not start again", found["config"]["text"])
        file.write_text("")
        self.assertIn("the last reload was refused", self.findings(bot, 0)["config"]["text"])

    def test_a_state_folder_that_cannot_be_used_and_a_token_in_the_file(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            (bot.dir / "plain").write_text("")
            (bot.dir / "gwbot.conf").write_text(f'discord: {{ token = "{TOKEN}"; }};\n')
            (bot.dir / "gwbot.conf").chmod(0o600)
            del bot.env["DISCORD_TOKEN"]
            bot.env.update(GWBOT_CONFIG=str(bot.dir / "gwbot.conf"), GWBOT_STATE_DIR=str(bot.dir / "plain"))
            bot.start()
            self.wait(bot, "ready")
            found = self.findings(bot, 1)
            self.assertEqual(found["state"]["level"], "fail")
            self.assertIn("plain cannot be used as the state folder", found["state"]["text"])
            self.assertEqual(found["token"]["level"], "warn")
            self.assertIn("gwbot.conf:1", found["token"]["text"])
            self.assertEqual(found["api"]["level"], "ok")


class Environment(Case):
    def test_the_place_where_it_runs(self):
        for env, text in (({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "Kubernetes"),
                          ({"RENDER": "true"}, "Render"), ({"NOTIFY_SOCKET": "@none"}, "systemd")):
            bot = self.bot("--sim", **env)
            self.wait(bot, "shard=0:ready")
            shown = bot.ctl("doctor").stdout
            self.assertRegex(shown, rf"(?m)^ok +supervisor +{text}")
            bot.stop()


if __name__ == "__main__":
    unittest.main(verbosity=1)
