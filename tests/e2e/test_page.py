"""The status page in a real browser: live, readable, self-contained, harmless.

Debian's Chromium, driven through tests/browser/driver.mjs.
"""

import gzip
import html.parser
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from gwbotd import Gwbotd, Sim

DRIVER = pathlib.Path(__file__).resolve().parents[1] / "browser" / "driver.mjs"
HOSTILE = '<img src=x onerror="document.title=1">\'"&\u202e!'
SIZES = {"desk": (1280, 800), "tablet": (768, 1024), "turned": (642, 390), "phone": (390, 844),
         "small": (320, 640)}
LISTS = """
    probes = ( { name = "db"; kind = "command"; command = [ "/bin/sh", "-c", "echo %s; false" ];
                 required = true; interval = "1s"; fail_after = 1; } );
    jobs = ( { name = "report-of-the-day-that-passed"; action = "exec"; every = "3h"; command = [ "/bin/true" ]; },
             { name = "tidy"; action = "cleanup"; cron = "15,30,45 4 * * 1-5"; zone = "Europe/Vienna";
               channels = [ "809500672000000002" ]; } );
""" % ("no-blank-in-it/" * 12)


class Links(html.parser.HTMLParser):
    """Whatever of a document leads elsewhere."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes
                       if name in ("src", "href", "action", "srcset", "data", "poster")]


class Browser:
    def __init__(self):
        self.process = subprocess.Popen(["node", str(DRIVER)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def do(self, verb, **more):
        self.process.stdin.write(json.dumps({"do": verb, **more}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["ok"]

    def wait(self, selector, pattern, seconds):
        return self.do("wait", selector=selector, pattern=pattern, ms=seconds * 1000)["ms"] / 1000


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def start(self, sim_options=None, config="", **settings):
        self.sim = Sim(**{"heartbeat": 500, "rate": 5, **(sim_options or {})})
        self.addCleanup(self.sim.stop)
        self.bot = Gwbotd(self.sim, **settings)
        self.addCleanup(self.bot.close)
        (self.bot.dir / "gwbot.conf").write_text(config, encoding="utf-8")
        self.bot.env["GWBOT_CONFIG"] = str(self.bot.dir / "gwbot.conf")
        self.bot.start().wait_ready()
        return f"http://127.0.0.1:{self.bot.port}/status"

    def assert_quiet(self, url):
        """No complaint of the browser, and nothing asked for anywhere else."""
        facts = self.browser.do("facts")
        self.assertEqual(facts["complaints"], [])
        for request in facts["requests"]:
            self.assertTrue(request.startswith(url), request)
        self.assertLessEqual(facts["wide"], 0, "the page is wider than the screen")

    def test_sizes_schemes_and_axe(self):
        url = self.start(config=LISTS, bot__name=HOSTILE, discord__shards="3")
        self.assertEqual(0, self.bot.ctl("job", "run", "report-of-the-day-that-passed", "--wait").returncode)
        for name, (width, height) in SIZES.items():
            for dark in (False, True):
                answer = self.browser.do("open", url=url, width=width, height=height, dark=dark)
                self.assertEqual(answer["status"], 200)
                self.browser.wait("#now", "ready", 20)
                self.assertIn(HOSTILE[:10], self.browser.do("text", selector="#now h1"))
                self.assertEqual(self.browser.do("axe"), [], name)
                self.assertEqual(self.browser.do("scrolls"), [], name)
                self.assert_quiet(url)
                if "GWBOT_SHOTS" in os.environ:
                    self.browser.do("shot", path=f"{os.environ['GWBOT_SHOTS']}/{name}-"
                                                 f"{'dark' if dark else 'light'}.png")

    def test_document(self):
        url = self.start(bot__name=HOSTILE)
        status, _, body = self.bot.get("/status")
        body = body.decode()
        self.assertEqual(status, 200)
        self.assertLess(len(gzip.compress(body.encode())), 30 * 1024)
        self.assertNotIn("<img", body)
        links = Links()
        links.feed(body)
        self.assertEqual(set(links.found), {"/metrics", "/health", "/readyz?verbose"})
        answer = self.browser.do("open", url=url)
        policy = answer["headers"]["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(self.bot.get("/status", method="POST")[0], 405)
        self.assertEqual(self.bot.get("/status/", method="GET")[0], 404)

    def test_without_scripts(self):
        lists = """
            probes = ( { name = "db"; kind = "command"; command = [ "/bin/false" ]; required = true;
                         interval = "1s"; fail_after = 1; } );
            jobs = ( { name = "report"; action = "exec"; every = "3h"; command = [ "/bin/true" ]; } );
        """
        url = self.start(config=lists)
        self.bot.wait_health(206)
        self.browser.do("open", url=url, script=False)
        self.assertIn("1 of 1 shard ready", self.browser.do("text", selector="#now"))
        self.assertIn("Shard 0", self.browser.do("text", selector="#shards"))
        self.assertIn("stall", self.browser.do("text", selector="#watchdog"))
        self.assertIn("probe db:", self.browser.do("text", selector="#now"))
        self.assertIn("down for", self.browser.do("text", selector="#probes"))
        self.assertIn("every 3h", self.browser.do("text", selector="#jobs"))
        status, headers, body = self.bot.get("/healthz?verbose")
        self.assertEqual((status, headers["Content-Type"]), (206, "text/plain; charset=utf-8"))
        self.assertIn(b"[-]probe db: ", body)
        self.assertIn(b"/healthz passed: 206, degraded\n", body)

    def test_live(self):
        url = self.start(watchdog__keepalive="2s", watchdog__stall="9s", watchdog__disconnect_grace="30s")
        self.browser.do("open", url=url)
        self.browser.wait("#now", "1 of 1 shard ready", 10)
        self.sim.do("freeze")
        # Two heartbeats of silence make it a zombie; the page must say so within 2 s of that.
        self.bot.wait_event("shard_state", 20, 1, **{"from": "ready"})
        self.assertLess(self.browser.wait("#now", "0 of 1 shard ready", 5), 2)
        self.browser.wait("#watchdog", "the process ends with status 1 in", 5)
        first = self.left()
        self.browser.wait("#watchdog", f"status 1 in {max(first - 3, 0)}", 10)  # it counts down
        self.sim.do("thaw")
        self.bot.wait_ready(30, 2)
        self.assertLess(self.browser.wait("#now", "1 of 1 shard ready", 5), 2)
        self.assertIn("zombie", self.browser.do("text", selector="#events").lower())
        self.assertRegex(self.browser.do("text", selector=".tile"), r"resumes\s+[1-9]")
        self.bot.kill()
        self.browser.wait("#lost", "No answer since", 10)
        self.bot.start().wait_ready()
        deadline = time.monotonic() + 10
        while self.browser.do("text", selector="#lost") is not None:
            self.assertLess(time.monotonic(), deadline, "the page does not see the new process")
        self.browser.wait("#now", "1 of 1 shard ready", 10)

    def left(self):
        text = self.browser.do("text", selector="#watchdog p")
        return int(re.search(r"status 1 in (\d+)", text).group(1))


if __name__ == "__main__":
    unittest.main()
