"""A real Prometheus scrapes gwbotd: rules, dashboard, and which alerts fire in a fault.

The rules are the shipped ones; only their patience is cut, so that minutes pass in
seconds.
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from gwbotd import Gwbotd, Sim, free_port

TREE = pathlib.Path(__file__).resolve().parents[2]
RULES = TREE / "conf" / "prometheus" / "gwbot.rules.yml"
PLAYED = TREE / "tests" / "prometheus" / "gwbot.rules.test.yml"
DASHBOARD = TREE / "conf" / "grafana" / "gwbot.json"
DEADLINE = 60



def wait_for(what, condition, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {what} within {seconds} s")


class Prometheus:
    """A server of its own folder and port, which scrapes these ports of this host."""

    def __init__(self, ports, rules, every="1s"):
        self.folder = tempfile.TemporaryDirectory(prefix="gwbot-prometheus-")
        folder = pathlib.Path(self.folder.name)
        self.port = free_port()
        targets = [f"127.0.0.1:{port}" for port in ports]
        (folder / "rules.yml").write_text(rules)
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {every}, scrape_timeout: {every}, evaluation_interval: {every}}}\n"
            f"rule_files: [{folder}/rules.yml]\n"
            "scrape_configs:\n"
            f"  - {{job_name: gwbot, static_configs: [{{targets: {targets}}}]}}\n")
        self.log = open(folder / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdout=self.log, stderr=self.log)
        wait_for("Prometheus", self.is_ready)

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def is_ready(self):
        try:
            self.get("/api/v1/status/runtimeinfo")
            return True
        except OSError:
            return False

    def query(self, expression):
        return self.get("/api/v1/query", query=expression)["result"]

    def alerts(self, state="firing"):
        return {alert["labels"]["alertname"] for alert in self.get("/api/v1/alerts")["alerts"]
                if alert["state"] == state}


def queries_of(dashboard):
    """Every expression of the dashboard, with its variables as Grafana fills them in."""
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    found += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    return [expr.replace("$instance", ".*").replace("$__rate_interval", "10s").replace("[15m]", "[10s]")
            for expr in found]


def hurried(rules):
    """The rules with their patience of minutes as seconds."""
    return re.sub(r"for: (\d+)m", r"for: \1s", rules)


class Rules(unittest.TestCase):
    def test_promtool_finds_nothing_to_say(self):
        for command in (["check", "rules", RULES], ["test", "rules", PLAYED]):
            done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False,
                                  cwd=PLAYED.parent)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_is_played_and_explained(self):
        names = re.findall(r"- alert: (\w+)", RULES.read_text())
        pages = (TREE / "docs" / "monitoring.md").read_text()
        played = PLAYED.read_text()
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertIn(f"name: {name}\n", played)
            self.assertIn(f"### {name}\n", pages)


class Scraped(unittest.TestCase):
    """One healthy daemon, then the same with a frozen gateway."""

    def setUp(self):
        self.assertTrue(shutil.which("prometheus"), "Debian's package prometheus is missing")
        self.sim = Sim(heartbeat=500)
        self.addCleanup(self.sim.stop)
        self.bot = Gwbotd(self.sim, watchdog__keepalive="2s", watchdog__stall="600s",
                          watchdog__disconnect_grace="600s")
        self.addCleanup(self.bot.close)
        self.bot.start().wait_ready()
        self.prometheus = Prometheus([self.bot.port], hurried(RULES.read_text()))
        self.addCleanup(self.prometheus.close)

    def test_dashboard_and_alerts(self):
        prometheus = self.prometheus
        wait_for("scrapes", lambda: prometheus.query("count_over_time(up[1m]) > 4"))
        queries = queries_of(json.loads(DASHBOARD.read_text()))
        self.assertGreater(len(queries), 30)
        for query in queries:
            answer = wait_for(query, lambda q=query: prometheus.query(q), 20) \
                if " > 0" not in query else prometheus.query(query)
            self.assertIsInstance(answer, list)
        self.assertEqual(prometheus.alerts(), set())

        self.sim.do("freeze")
        wait_for("alert of a shard that is down",
                 lambda: {"GwbotShardDown"} <= prometheus.alerts())
        # Of a fault of the gateway alone, nothing else may cry.
        self.assertLessEqual(prometheus.alerts(), {"GwbotShardDown", "GwbotReconnectStorm", "GwbotZombies"})
        self.sim.do("thaw")
        wait_for("end of the alert", lambda: "GwbotShardDown" not in prometheus.alerts())
        self.bot.kill()
        wait_for("alert of a daemon that is gone", lambda: "GwbotDown" in prometheus.alerts())


if __name__ == "__main__":
    unittest.main()
