"""Two instances of one bot while one deploy overlaps the next: with a state folder for both, where
the older hands it on, and with one each, where what both do happens once."""

import datetime
import os
import signal
import threading
import time
import unittest

from gwbotd import Gwbotd, Sim
from notify import Notify

INTENTS = '"GUILDS, GUILD_MEMBERS, GUILD_MESSAGES, MESSAGE_CONTENT"'
ADMIN = "987654321098765433"
WAITS = "takeover_waiting"
EVERY = 10  # seconds between two runs of the job


class Pair(unittest.TestCase):
    """A gwsim and instances with a port, a socket and a log of their own."""

    settings = {}

    def setUp(self):
        self.sim = self.enter(Sim(heartbeat=1000, identify_window=0, rate=self.rate))

    rate = 0

    def enter(self, thing):
        self.addCleanup(thing.__exit__, None, None, None)
        return thing.__enter__()

    def instance(self, text="", state=None, **settings):
        bot = self.enter(Gwbotd(self.sim, **{"slash__register": "false", **self.settings, **settings}))
        file = bot.dir / "gwbot.conf"
        file.write_text(f"""discord: {{ intents = {INTENTS}; }};
bot: {{ admins = [ "{ADMIN}" ]; }};
""" + text)
        file.chmod(0o640)
        bot.env["GWBOT_CONFIG"] = str(file)
        if state:
            bot.env["GWBOT_STATE_DIR"] = str(state)
        return bot

    def calls(self, method, part):
        return [call for call in self.sim.do("calls 256")["calls"]
                if call["method"] == method and part in call["path"]]

    def codes(self, bot):
        return {path: bot.get(path)[0] for path in ("/livez", "/startupz", "/readyz", "/healthz", "/")}

    def until(self, check, what, timeout=20):
        deadline = time.monotonic() + timeout
        while not (found := check()):
            if time.monotonic() > deadline:
                self.fail(what() if callable(what) else what)
            time.sleep(0.01)
        return found


class Shared(Pair):
    """One state folder: the newer asks, the older yields."""

    rate = 100
    settings = {"state__takeover": "ask", "watchdog__keepalive": "200ms", "watchdog__stall": "60s",
                "watchdog__disconnect_grace": "1s"}

    def older(self, **settings):
        bot = self.instance(**settings)
        bot.start().wait_ready()
        return bot

    def newer(self, older, **settings):
        return self.instance(state=older.dir / "state", **settings)

    def test_nothing_is_lost_and_nothing_done_twice(self):
        older = self.older()
        newer = self.newer(older)
        said, stop = [], threading.Event()

        def talk():
            while not stop.wait(0.27):  # as often as the API takes reactions
                user = f"moss_{(3 * len(said) + 1) % 200 // 3 * 3 + 1}"  # each has bounds of their own
                said.append(self.sim.do(f"say user={user} roles=none !ping")["message_id"])

        self.sim.do("calls 1")
        talker = threading.Thread(target=talk)
        talker.start()
        self.until(lambda: len(said) > 4, "commands before")
        newer.start().wait_ready()
        until = len(said) + 4
        self.until(lambda: len(said) > until, "commands after")
        stop.set()
        talker.join()

        # Every command got its reaction, by one call; some wait for a limit of the API.
        def reactions():
            found = [call["path"].split("/messages/")[1].split("/")[0]
                     for call in self.calls("PUT", "/reactions/") if call["status"] == 204]
            return found if len(found) >= len(said) else None

        missing = lambda: set(said) - {  # noqa: E731
            call["path"].split("/messages/")[1].split("/")[0] for call in self.calls("PUT", "/reactions/")}
        self.assertEqual(sorted(said), sorted(self.until(
            reactions, lambda: f"not answered: {missing()} of {said}\n{older.output}\n{newer.output}")))

        # The newer began where the older ended, and missed no number since.
        began, ended = older.wait_event("yielding")[0], newer.wait_ready()[0]
        last = older.snapshot()["shards"][0]["seq"]
        self.assertEqual(last, newer.wait_event("session_found")[1]["seq"])
        shard = newer.snapshot()["shards"][0]
        self.assertEqual((0, 1, 0), (shard["identifies"], shard["resumes"], shard["seq_gaps"]))
        self.assertEqual(1, self.sim.totals()["identifies"])
        self.assertLess(ended - began, 5)
        print(f"{len(said)} commands, none lost or doubled; gap {ended - began:.3f} s, "
              f"older yielded in {older.wait_event('yielded')[1]['took_ms']} ms")

        # The older stays, says why, and its watchdog leaves it alone.
        time.sleep(1.5)  # past its grace and some checks
        self.assertEqual({"/livez": 200, "/startupz": 200, "/readyz": 503, "/healthz": 503, "/": 200},
                         self.codes(older))
        body = older.health()[1]
        self.assertEqual("yielded", body["state"])
        self.assertEqual([f"yielded to gwbotd 0.1.0, pid {newer.process.pid} on {os.uname().nodename}"],
                         body["reasons"])
        status = older.ctl("status")
        self.assertIn("yielded", status.stdout)
        self.assertEqual(2, older.ctl("check").returncode)
        for words in (["reconnect"], ["reload"], ["log", "info"]):
            refused = older.ctl(*words)
            self.assertEqual(1, refused.returncode, refused)
            self.assertIn("yielded to gwbotd", refused.stderr)
        older.process.send_signal(signal.SIGHUP)
        older.wait_event("reload_refused")
        self.assertEqual({"/livez": 200, "/startupz": 200, "/readyz": 200, "/healthz": 200, "/": 200},
                         self.codes(newer))
        for bot, acting in ((older, 0), (newer, 1)):
            self.assertIn(f"\ngwbotd_acting {acting}\n", bot.get("/metrics")[2].decode())
        self.assertEqual(0, older.stop())
        self.assertEqual(0, newer.stop())
        self.assertEqual([], [name for name in os.listdir(older.dir / "state") if name == "takeover"])
        self.assertEqual([], self.sim.totals()["client_error_texts"])

    def test_one_that_hangs_is_waited_for_so_long_and_no_longer(self):
        older = self.older()
        newer = self.newer(older, state__takeover_wait="2s")
        older.process.send_signal(signal.SIGSTOP)
        newer.start().wait_event(WAITS)
        self.until(lambda: self.answers(newer), "probes")
        self.assertEqual({"/livez": 200, "/startupz": 503, "/readyz": 503, "/healthz": 503, "/": 200},
                         self.codes(newer))
        body = newer.health()[1]
        self.assertEqual(("waiting", [f"waiting for the older instance to yield {older.dir}/state"]),
                         (body["state"], body["reasons"]))
        self.assertEqual(503, newer.get("/status")[0])
        self.assertEqual(503, newer.get("/metrics")[0])
        self.assertEqual(78, newer.wait_exit())
        self.assertIn("did not yield within state.takeover_wait, 2 s",
                      newer.wait_event("start_failed")[1]["reason"])
        # When it comes to itself nobody asks any more.
        older.process.send_signal(signal.SIGCONT)
        self.until(lambda: older.health()[0] == 200, "the older is well")
        self.assertEqual([], older.events("yielding"))
        # And is asked again.
        newer.start().wait_ready()
        older.wait_event("yielded")
        self.assertEqual(1, self.sim.totals()["identifies"])

    def answers(self, bot):
        try:
            return bot.get("/livez")
        except OSError:
            return None

    def test_one_that_dies_while_it_waits_is_not_yielded_to(self):
        older = self.older()
        newer = self.newer(older)
        older.process.send_signal(signal.SIGSTOP)
        newer.start().wait_event(WAITS)
        request = older.dir / "state" / "takeover"
        self.until(request.exists, "the request")
        self.assertEqual(0o600, request.stat().st_mode & 0o777)
        self.assertIn(f"pid {newer.process.pid} on ", request.read_text())
        newer.kill()
        older.process.send_signal(signal.SIGCONT)
        self.until(lambda: older.health()[0] == 200, "the older is well")
        time.sleep(0.6)  # some checks of its watchdog, which look as well
        self.assertEqual([], older.events("yielding"))
        # A stop asked for while it waits is a stop.
        older.process.send_signal(signal.SIGSTOP)
        newer.start().wait_event(WAITS)
        self.assertEqual(0, newer.stop())
        older.process.send_signal(signal.SIGCONT)

    def test_several_that_ask_come_one_after_the_other(self):
        older = self.older()
        older.process.send_signal(signal.SIGSTOP)
        newer = [self.newer(older).start(), self.newer(older).start()]
        for bot in newer:
            bot.wait_event(WAITS)
        older.process.send_signal(signal.SIGCONT)
        for bot in newer:
            bot.wait_event("takeover_done")
        older.wait_event("yielded")
        states = self.until(
            lambda: (found := sorted(bot.health()[1]["state"] for bot in [older, *newer])) ==
            ["ready", "yielded", "yielded"] and found, "one acts")
        self.assertEqual(["ready", "yielded", "yielded"], states)
        self.assertEqual(1, self.sim.totals()["identifies"])

    def test_one_that_yielded_to_nobody_left_makes_way_for_a_fresh_process(self):
        older = self.older()
        newer = self.newer(older)
        newer.start().wait_ready()
        older.wait_event("yielded")
        newer.kill()
        newer.start().wait_ready()  # its supervisor is quicker than the older's patience
        self.assertIsNone(older.process.poll())
        newer.kill()
        self.assertEqual(1, older.wait_exit())
        older.wait_event("takeover_lost")
        older.start().wait_ready()
        self.assertEqual(1, self.sim.totals()["identifies"])

    def test_the_service_manager_hears_of_readiness_once_it_acts(self):
        older = self.older()
        newer = self.newer(older)
        manager = self.enter(Notify(newer))
        older.process.send_signal(signal.SIGSTOP)
        newer.start().wait_event(WAITS)
        self.until(lambda: self.answers(newer), "probes")
        manager.read(0.3)
        self.assertEqual([], manager.seen)
        older.process.send_signal(signal.SIGCONT)
        manager.wait("READY")
        newer.wait_ready()

    def test_without_the_option_a_second_one_refuses(self):
        older = self.older()
        newer = self.newer(older, state__takeover="refuse")
        newer.start()
        self.assertEqual(78, newer.wait_exit())
        self.assertIn("state.takeover", newer.wait_event("start_failed")[1]["reason"])
        self.assertEqual(200, older.health()[0])


class Apart(Pair):
    """A folder each: both have every event, and what they do of it is seen once."""

    settings = {"slash__register": "true"}

    def text(self, channel):
        return f"""commands = (
  {{ name = "rules"; reply = "Be kind, {{user}}."; }},
  {{ name = "welcome"; on = "join"; channel = "{channel}"; reply = "Welcome {{user}}!"; }}
);
jobs = ( {{ name = "news"; action = "post"; every = "{EVERY}s"; channel = "{channel}"; text = "the news"; }} );
"""

    def seen(self, channel):
        status, _, found = self.sim.rest("GET", f"/channels/{channel}/messages?limit=100")
        self.assertEqual(200, status, found)
        return [message["content"] for message in found[::-1] if message["author"].get("bot")]

    def run_alike(self, bots):
        """Once both ran the job at one time: the times of each, in which it is done."""
        def check():
            times = []
            for bot in bots:
                begun = [event["ts"] for _, event in bot.events("job_started")]
                done = len(bot.events("job_done"))
                times.append({self.round(text) for text in begun[:done]})
            return times if times[0] & times[1] else None
        return check

    @staticmethod
    def round(text):
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        return int(at) // EVERY

    def test_each_effect_is_there_once(self):
        channel = self.sim.do("say quiet start")["channel_id"]
        bots = [self.instance(self.text(channel)) for _ in range(2)]
        for bot in bots:
            bot.start().wait_event("slash_commands")
        self.assertEqual(2, self.sim.totals()["identifies"])
        self.sim.do("say roles=none !ping")
        asked = self.sim.do("say roles=none !rules")
        self.sim.do("join")
        slash = self.sim.do("interact ping")

        # Both acted: two calls each, of which one had an effect.
        for method, part, count in (("PUT", "/reactions/", 2), ("POST", "/messages", 4),
                                    ("POST", "/callback", 2)):
            self.until(lambda m=method, p=part, n=count: len(self.calls(m, p)) >= n, f"{method} {part}")
        bodies = [call["body"] for call in self.calls("POST", "/messages")]
        self.assertTrue(all(body["enforce_nonce"] for body in bodies), bodies)
        self.assertEqual([200, 200, 200, 200],
                         [call["status"] for call in self.calls("POST", "/messages")][:4])
        self.assertEqual(2, len({body["nonce"] for body in bodies[:4]}), bodies)
        said = self.seen(channel)
        self.assertEqual(1, sum(text.startswith("Be kind") for text in said), said)
        self.assertEqual(1, sum(text.startswith("Welcome") for text in said), said)
        self.assertEqual(1, len({call["path"] for call in self.calls("PUT", "/reactions/")}))

        # The slash command: one answer, and the other one is quiet about it.
        self.assertEqual([200, 400], sorted(
            200 if call["status"] < 300 else call["status"]
            for call in self.calls("POST", "/callback")))
        self.until(lambda: any(bot.events("slash_answered_by_another") for bot in bots), "the second")
        for bot in bots:
            self.assertEqual([], bot.events("slash_unanswered"))
            self.assertIn("\ngwbotd_slash_unanswered_total 0\n", bot.get("/metrics")[2].decode())

        # What has its time is posted once each time.
        first, second = self.until(self.run_alike(bots), "both ran the job", 3 * EVERY)
        self.assertEqual(len(first | second), self.seen(channel).count("the news"), (first, second))

        # One that reboots neither takes the other along by a slash command nor comes back to it.
        self.sim.do("interact admin reboot")
        self.until(lambda: sum(len(bot.events("slash_answered_by_another")) for bot in bots) == 2, "two")
        ended, = self.until(lambda: [bot for bot in bots if bot.events("stopping")], "a reboot")
        other, = (bot for bot in bots if bot is not ended)
        self.assertEqual(0, ended.wait_exit())
        ended.start().wait_ready()
        self.assertIsNone(other.process.poll())


if __name__ == "__main__":
    unittest.main()
