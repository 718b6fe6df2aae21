"""Dependency probes and scheduled jobs through the real programs."""

import http.server
import json
import os
import pathlib
import re
import signal
import socket
import threading
import time
import unittest

from gwbotd import Gwbotd, Sim, free_port


class Web(http.server.ThreadingHTTPServer):
    """Answers with .status and .body; while .hang is set, not at all."""

    daemon_threads = True

    def __init__(self, address="127.0.0.1"):
        web = self
        self.status, self.body, self.hang = 200, b'{"ok":true}', threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if web.hang.is_set():
                    time.sleep(30)
                self.send_response(web.status)
                self.send_header("Content-Length", str(len(web.body)))
                self.end_headers()
                self.wfile.write(web.body)

            def log_message(self, *_):
                pass

        super().__init__((address, 0), Handler)
        self.url = f"http://{address}:{self.server_port}/health"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


def own_address():
    """An address of this host that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


def alive(mark):
    """Processes whose command line has the mark."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found


class Running(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(heartbeat=1000, rate=0)  # nobody else writes
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)
        self.file = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.file)
        self.mark = f"gwbot-test-{os.getpid()}-{free_port()}"

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o640)

    def start(self, text):
        self.write(text)
        self.bot.start().wait_ready()

    def ask(self, *words, status=0):
        done = self.bot.ctl("--json", *words)
        self.assertEqual((status, ""), (done.returncode, done.stderr), done.stdout)
        return json.loads(done.stdout)

    def probes(self):
        return {probe["name"]: probe for probe in self.ask("probes")["probes"]}

    def jobs(self):
        return {job["name"]: job for job in self.ask("jobs")["jobs"]}

    def wait_probe(self, name, state, count=1):
        return self.bot.wait_event("probe_changed", 30, count, probe=name, state=state)[1]

    def wait_runs(self, name, count):
        deadline = time.monotonic() + 40
        while self.probes()[name]["runs"] < count:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def shell(self, script):
        return f'command = [ "/bin/sh", "-c", "{script}" ]'


class Probes(Running):
    def test_each_kind_goes_up_and_down(self):
        web = Web()
        self.addCleanup(web.end)
        listener = socket.create_server(("127.0.0.1", 0))
        flag = self.bot.dir / "flag"
        flag.touch()
        self.start(f"""probes = (
            {{ name = "web"; kind = "http"; url = "{web.url}"; body = "\\"ok\\":true"; interval = 1; fail_after = 1; }},
            {{ name = "db"; kind = "tcp"; host = "localhost"; port = {listener.getsockname()[1]}; interval = 1;
               required = true; }},
            {{ name = "flag"; kind = "command"; {self.shell(f"echo looking; test -e {flag}")}; interval = 1; }}
        );""")
        for name in ("web", "db", "flag"):
            self.assertEqual("unknown", self.wait_probe(name, "up")["was"])
        self.assertEqual([], self.bot.wait_health(200)["reasons"])

        listener.close()
        web.body = b'{"ok":false}'
        flag.unlink()
        self.assertIn("refused", self.wait_probe("db", "down")["reason"])
        self.assertIn('status 200, and the body has no ""ok":true"', self.wait_probe("web", "down")["reason"])
        self.assertEqual("exit status 1: looking", self.wait_probe("flag", "down")["reason"])
        body = self.bot.wait_health(206)
        self.assertTrue(body["ok"])
        self.assertEqual(["db"], [text.split()[1].rstrip(":") for text in body["reasons"]])
        self.assertEqual({"web", "db", "flag"}, {part["name"] for part in body["components"]})
        self.assertEqual({"down"}, {part["state"] for part in body["components"]})
        self.assertIn('gwbotd_probe_up{probe="db"} 0\n', self.bot.get("/metrics")[2].decode())

        self.assertIn("probe db is down, was up: ", self.bot.ctl("events").stdout)

        web.body, web.status = b'{"ok":true}', 503
        self.bot.wait_event("probe_changed", probe="web", state="down")
        deadline = time.monotonic() + 20
        while self.probes()["web"]["reason"] != "status 503, none of 200 to 299":
            self.assertLess(time.monotonic(), deadline)
        web.status = 200
        flag.touch()
        self.assertEqual("down", self.wait_probe("web", "up", 2)["was"])
        self.wait_probe("flag", "up", 2)

    def test_what_hangs_fails_in_time_and_disturbs_nobody(self):
        web = Web()
        self.addCleanup(web.end)
        web.hang.set()
        # The backlog is full: connections are neither taken nor refused.
        full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(full.close)
        for peer in [socket.socket() for _ in range(8)]:
            self.addCleanup(peer.close)
            peer.setblocking(False)
            peer.connect_ex(full.getsockname())
        self.start(f"""probes = (
            {{ name = "web"; kind = "http"; url = "{web.url}"; interval = 1; timeout = "300ms"; }},
            {{ name = "full"; kind = "tcp"; host = "127.0.0.1"; port = {full.getsockname()[1]}; interval = 1;
               timeout = "300ms"; }},
            {{ name = "sleep"; kind = "command"; interval = 1; timeout = "300ms";
               {self.shell(f"trap '' TERM; (sleep 1000; : {self.mark}) & sleep 1000; : {self.mark}")}; }}
        );""")
        self.assertIn("timed out", self.wait_probe("web", "down")["reason"])
        self.assertIn("no answer in time", self.wait_probe("full", "down")["reason"])
        self.assertIn("killed: not done after 300ms", self.wait_probe("sleep", "down")["reason"])
        for name, probe in self.probes().items():
            self.assertLess(probe["last_duration_seconds"], 10, name)
        self.assertEqual(1, len(self.bot.events("shard_state", to="ready")))
        self.assertEqual(200, self.bot.get("/livez")[0])
        lateness = re.search(r"^gwbotd_heartbeat_lateness_p99_seconds (\S+)$", self.bot.get("/metrics")[2].decode(), re.M)
        self.assertLess(float(lateness[1]), 2)
        self.assertEqual(0, self.bot.stop())
        self.assertEqual([], alive(self.mark))

    def test_a_flapping_probe_changes_only_after_enough_runs(self):
        count = self.bot.dir / "count"
        # Good, bad, good, bad, ...
        script = f"echo >>{count}; test $(($(wc -l <{count}) % 2)) = 1"
        self.start(f"""probes = (
            {{ name = "flap"; kind = "command"; {self.shell(script)}; interval = 1; fail_after = 2; }}
        );""")
        self.wait_probe("flap", "up")
        self.wait_runs("flap", 5)
        self.assertGreaterEqual(self.probes()["flap"]["failures"], 2)
        self.assertEqual(1, len(self.bot.events("probe_changed")))

    def test_a_reload_takes_the_list_or_nothing(self):
        first = '{ name = "one"; kind = "command"; command = [ "/bin/true" ]; }'
        second = '{ name = "two"; kind = "command"; command = [ "/bin/false" ]; fail_after = 1; required = true; }'
        self.start(f"probes = ( {first}, {second} );")
        self.wait_probe("one", "up")
        self.wait_probe("two", "down")
        self.assertEqual("degraded", self.bot.wait_health(206)["state"])
        self.write(f'probes = ( {first}, {{ name = "three"; kind = "udp"; }} );')
        done = self.bot.ctl("reload")
        self.assertEqual(1, done.returncode)
        self.assertIn('kind of a probe = "udp"', done.stderr)
        self.assertEqual({"one", "two"}, set(self.probes()))
        self.write(f"probes = ( {first} );")
        self.assertEqual(["probes.two"], [change["path"] for change in self.ask("reload")["changes"]])
        self.assertEqual({"one"}, set(self.probes()))
        self.assertEqual("up", self.probes()["one"]["state"])  # it went on
        self.bot.wait_health(200)

    def test_as_many_as_there_may_be(self):
        groups = [f'{{ name = "probe-{i}"; kind = "command"; command = [ "/bin/echo", "{"x" * 1000}" ]; }}'
                  for i in range(64)]
        self.start(f"probes = ( {', '.join(groups)} );")
        for i in (0, 31, 63):
            self.wait_probe(f"probe-{i}", "up")
        self.assertEqual(64, len(self.probes()))
        self.assertEqual(64, len(self.bot.wait_health(200)["components"]))
        options = self.ask("config", "probes.*.command")["options"]
        self.assertEqual(64, len(options))
        self.assertEqual("probe-63", self.ask("config", "probes.probe-63.name")["options"][0]["value"])
        self.assertGreater(len(self.ask("config")["options"]), 64 * 8)

    def test_the_operators_hosts_may_be_plain_http_anywhere(self):
        address = own_address()
        if not address:
            self.skipTest("this host has loopback only")
        web = Web(address)
        self.addCleanup(web.end)
        self.start(f'probes = ( {{ name = "web"; kind = "http"; url = "{web.url}"; interval = 1; }} );')
        self.assertEqual("status 200", self.wait_probe("web", "up")["reason"])

    def test_a_program_gets_nothing_of_ours(self):
        out = self.bot.dir / "out"
        script = f"env >{out}; ls /proc/$$/fd | tr '\\\\n' ' ' >>{out}; cat >>{out}; umask >/dev/null"
        self.start(f'probes = ( {{ name = "look"; kind = "command"; {self.shell(script)}; interval = 1; }} );')
        self.wait_probe("look", "up")
        lines = out.read_text().splitlines()
        names = {line.split("=")[0] for line in lines[:-1]}
        self.assertLessEqual(names, {"PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD"})
        self.assertLessEqual({"0", "1", "2"}, set(lines[-1].split()))
        # What the shell itself opens for the redirection may be there.
        self.assertLessEqual(len(lines[-1].split()), 5)


class Jobs(Running):
    def test_a_job_runs_on_its_schedule_and_on_demand(self):
        self.start(f"""jobs = (
            {{ name = "often"; action = "exec"; {self.shell("echo one; echo two")}; every = 10; }},
            {{ name = "bad"; action = "exec"; {self.shell("echo why >&2; exit 7")}; cron = "0 0 1 1 *";
               zone = "Europe/Vienna"; }},
            {{ name = "none"; action = "exec"; command = [ "/nonexistent" ]; at = "03:00"; }}
        );""")
        jobs = self.jobs()
        self.assertEqual(["often", "bad", "none"], list(jobs))
        self.assertEqual("cron 0 0 1 1 *", jobs["bad"]["schedule"])
        self.assertEqual("Europe/Vienna", jobs["bad"]["zone"])
        self.assertRegex(jobs["bad"]["next_local"], r"-01-01 00:00:00 \+01:00$")
        self.assertRegex(jobs["bad"]["next_time"], r"-12-31T23:00:00\.000Z$")
        self.bot.wait_event("job_done", 30, job="often")
        self.assertEqual("one\ntwo\n", self.jobs()["often"]["last_output"])

        done = self.bot.ctl("job", "run", "bad", "--wait")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, r"^bad failed after .*: exit status 7\n  why\n$")
        done = self.bot.ctl("job", "run", "none", "--wait=20s")
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot be started: No such file", done.stdout)
        ended = self.ask("job", "run", "often", "--wait")["ended"]
        self.assertEqual((True, "exit status 0"), (ended["last_good"], ended["last_result"]))

    def test_one_run_at_a_time(self):
        self.start(f"""jobs = ( {{ name = "slow"; action = "exec"; at = "03:00";
            {self.shell(f"sleep 1000; : {self.mark}")}; }} );""")
        self.assertTrue(self.ask("job", "run", "slow")["job"]["running"])
        done = self.bot.ctl("job", "run", "slow")
        self.assertEqual(1, done.returncode)
        self.assertIn('job "slow" runs already', done.stderr)
        done = self.bot.ctl("job", "run", "slow2")
        self.assertEqual(1, done.returncode)
        self.assertIn("there are: slow", done.stderr)
        # A job that is gone ends by itself; the stop kills it, in time.
        self.write("jobs = ();")
        self.ask("reload")
        self.assertEqual({}, self.jobs())
        self.assertEqual([], self.bot.events("job_failed"))
        self.assertTrue(alive(self.mark))
        began = time.monotonic()
        self.assertEqual(0, self.bot.stop(signal.SIGTERM))
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual([], alive(self.mark))

    def test_with_probes_there_is_a_refresh(self):
        self.bot.env["REFRESH_TIMES"] = "04:30"
        self.bot.env["TIMEZONE"] = "Asia/Kolkata"
        self.start("""probes = (
            { name = "good"; kind = "command"; command = [ "/bin/true" ]; interval = 3600; },
            { name = "bad"; kind = "command"; command = [ "/bin/false" ]; interval = 3600; }
        );""")
        job = self.jobs()["refresh"]
        self.assertEqual(("at 04:30", "Asia/Kolkata", True), (job["schedule"], job["zone"], job["standard"]))
        self.assertRegex(job["next_time"], r"T23:00:00\.000Z$")
        # A run that is under way would count as the refresh's own.
        self.wait_runs("good", 1)
        self.wait_runs("bad", 1)
        done = self.bot.ctl("job", "run", "refresh", "--wait")
        self.assertEqual(1, done.returncode)
        self.assertIn("1 of 2 probes failed: bad", done.stdout)
        self.assertIn("  good: OK\n", done.stdout)
        self.assertIn("  bad: ERROR: exit status 1\n", done.stdout)
        self.assertEqual(2, self.probes()["good"]["runs"])
        self.wait_probe("bad", "down")

    def test_a_file_with_a_bad_schedule_is_refused_with_its_line(self):
        self.write('\njobs = (\n{ name = "a"; action = "psot"; cron = "61 * * * *"; }\n);\n')
        self.bot.start()
        self.assertEqual(78, self.bot.wait_exit())
        self.assertIn(f'{self.file}:3:24: error: action of a job = "psot": none of the allowed words', self.bot.output)
        self.assertIn('minute: "61" is none of 0 to 59', self.bot.output)


if __name__ == "__main__":
    unittest.main()
