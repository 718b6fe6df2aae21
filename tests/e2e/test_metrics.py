"""/metrics of the real gwbotd: what metrics.def promises is there, and promtool has nothing to say.

The queries of gwbot-metrics(7) are tried with promtool as well, and its names are looked up.
"""

import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from gwbotd import BIN, Gwbotd, Sim

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = BIN / "man" / "gwbot-metrics.7"

ROW = re.compile(r'^(ONE|SHARD|PROBE|JOB|OWN)\("(\w+)", (\w+), "([^"]*)", "((?:[^"\\]|\\.)*)",\n(.*)$', re.M)
SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
NUMBER = re.compile(r"-?\d+(\.\d+)?")

# One of each, so that their metrics have samples.
LISTS = """
probes = ( { name = "own"; kind = "command"; command = [ "/bin/true" ]; interval = "1s"; } );
jobs = ( { name = "report"; action = "exec"; every = "3h"; command = [ "/bin/true" ]; } );
"""


class Row:
    def __init__(self, match):
        self.kind, self.name, self.type, _, text, rest = match.groups()
        self.help = text.replace('\\"', '"')
        labels = re.match(r'\s*"([^"]*)", \w+\)$', rest)
        self.labels = {"SHARD": "shard", "PROBE": "probe", "JOB": "job", "ONE": ""}.get(self.kind) if not labels else labels.group(1)
        self.labels = set(filter(None, self.labels.split(", ")))


def rows():
    text = (ROOT / "shared" / "metrics.def").read_text(encoding="utf-8")
    found = [Row(match) for match in ROW.finditer(text)]
    assert len(found) == len(re.findall(r"^[A-Z]+\(", text, re.M)), "a row is not understood"
    return found


def families(text):
    """{name: (help, type, [(sample's name, labels, value)])} of a scrape, in its order."""
    found = {}
    name = None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, told = line.split(" ", 3)
            assert name not in found, f"{name} is there twice"
            found[name] = [told, None, []]
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == name, line
            found[name][1] = line.split(" ")[3]
        else:
            sample, labels, value = SAMPLE.fullmatch(line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert NUMBER.fullmatch(value), line
            assert name in (sample, re.sub("_(bucket|sum|count)$", "", sample)), line
            found[name][2].append((sample, pairs, float(value)))
    return found


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True,
                          timeout=60, check=False)


class Scrape(unittest.TestCase):
    def scrape(self, bot):
        status, headers, body = bot.get("/metrics")
        self.assertEqual((200, "text/plain; version=0.0.4; charset=utf-8"), (status, headers["Content-Type"]))
        return body.decode()

    def compare(self, text, shards):
        found = families(text)
        self.assertEqual([row.name for row in rows()], list(found))
        for row in rows():
            told, kind, samples = found[row.name]
            self.assertEqual((row.help, row.type), (told, kind), row.name)
            # Series are there from the start, whatever has happened.
            self.assertTrue(samples, row.name)
            for sample, pairs, _ in samples:
                expected = row.labels | ({"le"} if sample.endswith("_bucket") else set())
                self.assertEqual(expected, set(pairs), sample)
            if "shard" in row.labels:
                together = shards > 64 and 'shard="all"' in row.help
                self.assertEqual({"all"} if together else {str(shard) for shard in range(shards)},
                                 {pairs["shard"] for _, pairs, _ in samples}, row.name)

    def play(self, shards):
        bot = Gwbotd(discord__shards=shards)
        self.addCleanup(bot.close)
        (bot.dir / "gwbot.conf").write_text(LISTS, encoding="utf-8")
        bot.env["GWBOT_CONFIG"] = str(bot.dir / "gwbot.conf")
        bot.start("--sim")
        bot.wait_event("listening")
        first = self.scrape(bot)
        bot.wait_event("shard_state", to="ready", shard=0)
        second = self.scrape(bot)
        for text in (first, second):
            self.compare(text, shards)
            done = promtool("check", "metrics", text=text)
            self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        found = families(second)
        self.assertIn(("gwbotd_shard_up", {"shard": "0"}, 1.0), found["gwbotd_shard_up"][2])
        for row in rows():
            if row.type == "histogram":
                self.histogram(found[row.name][2], row)
        return found

    def histogram(self, samples, row):
        """Classes grow, and the last one is the count."""
        series = {}
        for sample, pairs, value in samples:
            which = tuple(value for label, value in pairs.items() if label != "le")
            series.setdefault(which, {}).setdefault(sample.removeprefix(row.name), []).append(
                (pairs.get("le"), value))
        for parts in series.values():
            counts = [value for _, value in parts["_bucket"]]
            self.assertEqual(sorted(counts), counts, row.name)
            self.assertEqual("+Inf", parts["_bucket"][-1][0])
            self.assertEqual(parts["_count"][0][1], counts[-1], row.name)

    def test_one_shard(self):
        found = self.play(1)
        states = [(pairs["state"], value) for _, pairs, value in found["gwbotd_shard_state"][2]]
        self.assertEqual([("ready", 1.0)], [state for state in states if state[1] != 0])
        manual = PAGE.read_text(encoding="utf-8")
        self.assertIn("\n.Cm " + " , ".join(state for state, _ in states) + " .\n", manual)

    def test_three_shards(self):
        found = self.play(3)
        started = found["process_start_time_seconds"][2][0][2]
        last = {pairs["shard"]: value for _, pairs, value in found["gwbotd_shard_last_event_timestamp_seconds"][2]}
        self.assertGreaterEqual(last["0"], started - 1)

    def test_many_shards(self):
        """Where families are summed up, and where a shard each comes to megabytes."""
        for shards in (64, 65, 330, 1000):
            with self.subTest(shards=shards), Gwbotd(discord__shards=shards) as bot:
                (bot.dir / "gwbot.conf").write_text(LISTS, encoding="utf-8")
                bot.env["GWBOT_CONFIG"] = str(bot.dir / "gwbot.conf")
                bot.start("--sim")
                bot.wait_event("listening")
                text = self.scrape(bot)
                self.compare(text, shards)
                self.assertLess(len(text), 3 << 20)
                done = promtool("check", "metrics", text=text)
                self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
                # The same through the control socket.
                done = bot.ctl("metrics", timeout=60)
                self.assertEqual(0, done.returncode, done.stderr)
                self.compare(done.stdout, shards)

    def value(self, bot, wanted):
        for line in self.scrape(bot).splitlines():
            if line.startswith(wanted + " "):
                return float(line.split(" ")[-1])
        return self.fail(f"no {wanted}")

    def test_what_is_counted(self):
        with Sim() as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            before = self.value(bot, 'gwbotd_http_requests_total{handler="/healthz",code="200"}')
            bot.get("/healthz")
            bot.get("/nothing")
            self.assertEqual(before + 1, self.value(bot, 'gwbotd_http_requests_total{handler="/healthz",code="200"}'))
            self.assertEqual(1, self.value(bot, 'gwbotd_http_requests_total{handler="other",code="404"}'))
            self.assertEqual(1, self.value(bot, 'gwbotd_rest_requests_total{route="/gateway/bot",code="200"}'))
            self.assertEqual(1, self.value(bot, 'gwbotd_dispatches_total{event="READY"}'))
            bot.ctl("status")
            self.assertEqual(1, self.value(bot, 'gwbotd_control_commands_total{command="status"}'))
            bot.ctl("sim", "status")
            self.assertEqual(1, self.value(bot, 'gwbotd_control_command_failures_total{command="sim"}'))
            self.assertLess(0, self.value(bot, 'gwbotd_log_messages_total{level="info"}'))
            received = self.value(bot, 'gwbotd_shard_received_bytes_total{shard="0"}')
            self.assertTrue(0 < received < self.value(bot, 'gwbotd_shard_inflated_bytes_total{shard="0"}'))
            for code, fault in (("4009", "close 4009"), ("1006", "rst")):
                sim.do(fault)
                bot.wait_event("shard_state", to="ready", count=2 if code == "4009" else 3)
                self.assertEqual(1, self.value(bot, f'gwbotd_shard_disconnects_total{{shard="0",code="{code}"}}'))
            # Bytes of connections that ended stay counted.
            self.assertLess(received, self.value(bot, 'gwbotd_shard_received_bytes_total{shard="0"}'))
            self.assertEqual(0, bot.stop())

    def failures(self, bot):
        return {stage: float(count) for stage, count in re.findall(
            r'^gwbotd_shard_connect_failures_total{shard="0",stage="(\w+)"} (\d+)$', self.scrape(bot), re.M)}

    def wait_failure(self, bot, stage, before):
        deadline = time.monotonic() + 30
        while self.failures(bot)[stage] <= before[stage]:
            self.assertLess(time.monotonic(), deadline, f"no failure at {stage}: {self.failures(bot)}")
            time.sleep(0.1)

    def test_stages_of_failed_attempts(self):
        """Each fault is counted where it lies, and nowhere before it."""
        order = ["tcp", "upgrade", "hello", "auth"]
        with Sim() as sim, Gwbotd(sim, gateway__hello_timeout="1s", gateway__ready_timeout="1s") as bot:
            bot.start().wait_ready()
            self.assertEqual({0.0}, set(self.failures(bot).values()))
            for stage, fault, end in (("auth", "no-ready on", "no-ready off"), ("hello", "no-hello on", "no-hello off"),
                                      ("upgrade", "upgrade 503", "upgrade off"), ("tcp", "refuse on", "refuse off")):
                sim.do("refuse-resume silent" if stage == "auth" else fault)
                sim.do("drop")
                before = self.failures(bot)
                self.wait_failure(bot, stage, before)
                after = self.failures(bot)
                for earlier in order[:order.index(stage)]:
                    self.assertEqual(before[earlier], after[earlier], f"{earlier} at {stage}")
                sim.do("refuse-resume off" if stage == "auth" else end)
            self.assertEqual((0, 0), (self.failures(bot)["dns"], self.failures(bot)["tls"]))

    def last_exit(self, bot):
        line, = re.findall(r"^gwbotd_last_exit_info.*$", self.scrape(bot), re.M)
        return re.findall(r'"(\w+)"', line)

    def test_lives(self):
        """Starts, ends and the watchdog's exits are counted over kill -9 and damage."""
        with Sim() as sim, Gwbotd(sim, watchdog__keepalive="1s", watchdog__stall="2s",
                                  watchdog__disconnect_grace="2s") as bot:
            bot.start().wait_ready()
            self.assertEqual(1, self.value(bot, "gwbotd_starts_total"))
            self.assertEqual(["unknown", "unknown"], self.last_exit(bot))
            bot.kill()
            bot.start().wait_ready()
            self.assertEqual(2, self.value(bot, "gwbotd_starts_total"))
            self.assertEqual(["killed", "unknown"], self.last_exit(bot))
            self.assertEqual(0, bot.stop())
            bot.start().wait_ready()
            self.assertEqual(["stopped", "0"], self.last_exit(bot))
            sim.do("freeze")
            sim.do("refuse on")
            bot.process.wait(60)
            self.assertEqual(1, bot.process.returncode)
            sim.do("thaw")
            sim.do("refuse off")
            bot.start().wait_ready()
            self.assertEqual(["watchdog", "1"], self.last_exit(bot))
            trips = [self.value(bot, f'gwbotd_watchdog_trips_total{{reason="{reason}"}}')
                     for reason in ("stale", "disconnected", "loop")]
            self.assertEqual((1, 0), (sum(trips), trips[2]))
            self.assertEqual(4, self.value(bot, "gwbotd_starts_total"))
            self.assertEqual(0, bot.stop())
            path = bot.dir / "state" / "identify.ledger"
            content = path.read_bytes()
            at = content.index(b"GWBF")  # the first of two slots
            path.write_bytes(content[:at] + b"nonsense" * 192 + content[at + 1536:])
            bot.start().wait_ready()
            bot.wait_event("life_record_unusable")
            self.assertEqual(1, self.value(bot, "gwbotd_starts_total"))
            self.assertEqual(["unknown", "unknown"], self.last_exit(bot))
            self.assertEqual(0, bot.stop())

    def test_the_manual_has_every_metric(self):
        manual = PAGE.read_text(encoding="utf-8")
        names = re.findall(r"^\.It Li (\w+) Pq (\w+)", manual, re.M)
        self.assertEqual([(row.name, row.type) for row in rows()], names)

    def test_no_name_breaks_the_rules(self):
        for row in rows():
            self.assertRegex(row.name, "^(gwbotd|process)_[a-z0-9_]+$")
            self.assertEqual(row.type == "counter", row.name.endswith("_total"), row.name)
            self.assertTrue(row.help.endswith("."), row.name)
            self.assertLessEqual(
                row.labels, {"shard", "state", "kind", "reason", "version", "profile", "probe", "job", "code", "stage",
                             "event", "route", "scope", "handler", "command", "level", "result"}, row.name)


class Rules(unittest.TestCase):
    """What the manual says to Prometheus."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gwbot-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.manual = PAGE.read_text(encoding="utf-8")

    def blocks(self, section):
        text = self.manual.split(f"\n.Sh {section}\n")[1].split("\n.Sh ")[0]
        return re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def known(self, text):
        names = {row.name for row in rows()}
        for name in re.findall(r"\bgwbotd_\w+", text):
            self.assertTrue(name in names or re.sub("_(bucket|sum|count)$", "", name) in names, name)

    def test_every_name_is_a_metric(self):
        before, rest = self.manual.split("\n.Sh METRICS\n")
        self.known(before.replace("gwbotd_...", ""))
        self.known(rest.split("\n.Sh ", 1)[1])

    def test_scrape_configuration(self):
        block, = self.blocks("SCRAPING")
        done = promtool("check", "config", self.write("prometheus.yml", block))
        self.assertEqual(0, done.returncode, done.stderr)

    def test_queries(self):
        blocks = self.blocks("QUERIES")
        self.assertGreaterEqual(len(blocks), 5)
        rules = "groups:\n  - name: queries\n    rules:\n"
        for number, block in enumerate(blocks):
            self.known(block)
            rules += f"      - record: query{number}\n        expr: |\n"
            rules += "".join(f"          {line}\n" for line in block.splitlines())
        done = promtool("check", "rules", self.write("rules.yml", rules))
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    unittest.main()
