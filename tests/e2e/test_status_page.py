"""Who sees how much of /status: http.status_page, and the headers of proxies."""

import http.client
import unittest

from gwbotd import Gwbotd, Sim

PAGES = ("/status", "/status/live")


class StatusPage(unittest.TestCase):
    def setUp(self):
        self.sim = Sim()
        self.addCleanup(self.sim.stop)
        self.bot = Gwbotd(self.sim, bot__name="Pilot", bot__version="2.4")
        self.addCleanup(self.bot.close)

    def get(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.bot.port, timeout=5)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def extent(self, **headers):
        """"full", "brief" or "off": the same of the page and its live part."""
        found = set()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        for path in PAGES:
            status, body = self.get(path, names)
            if status == 404:
                found.add("off")
                continue
            self.assertEqual(200, status)
            for word in ("Pilot", "2.4", "ready"):
                self.assertIn(word, body)
            full = "Shard 0" in body
            for word in ("Watchdog", "IDENTIFY", "· process", "127.0.0.1", "profile"):
                if not full:
                    self.assertNotIn(word, body)
            found.add("full" if full else "brief")
        self.assertEqual(1, len(found), found)
        return found.pop()

    def set(self, word):
        path = self.bot.dir / "gwbot.conf"
        path.write_text(f'http = {{ status_page = "{word}"; }};\n', encoding="utf-8")
        done = self.bot.ctl("reload")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_extents(self):
        path = self.bot.dir / "gwbot.conf"
        path.write_text("", encoding="utf-8")
        self.bot.env["GWBOT_CONFIG"] = str(path)
        self.bot.start().wait_ready()
        # auto: who comes from this host sees all of it, unless he comes for another.
        self.assertEqual("full", self.extent())
        self.assertEqual("brief", self.extent(X_Forwarded_For="8.8.8.8"))
        self.assertEqual("brief", self.extent(X_Forwarded_For="127.0.0.1"))
        self.assertEqual("brief", self.extent(Forwarded="for=8.8.8.8;proto=https"))
        self.assertEqual("brief", self.extent(forwarded="for=unknown"))
        self.assertEqual("brief", self.extent(X_Real_IP="8.8.8.8"))
        self.assertEqual("brief", self.extent(Via="1.1 proxy"))
        self.assertEqual("full", self.extent(X_Other="8.8.8.8"))
        # Without a restart.
        self.set("brief")
        self.assertEqual("brief", self.extent())
        self.set("off")
        self.assertEqual("off", self.extent())
        self.assertEqual(200, self.bot.get("/healthz")[0])
        self.set("full")
        self.assertEqual("full", self.extent(X_Forwarded_For="8.8.8.8"))
        self.set("auto")
        self.assertEqual("full", self.extent())
        self.assertEqual(0, self.bot.stop())


if __name__ == "__main__":
    unittest.main()
