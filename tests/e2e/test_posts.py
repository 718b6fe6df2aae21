"""Jobs that speak to Discord, and the log channel, through the real programs."""

import json
import signal
import time
import unittest

from test_faults import until
from test_jobs import Running as Base

OVER = "ended by a change of the configuration"


class Running(Base):
    def setUp(self):
        super().setUp()
        said = self.sim.do("say quiet start")
        self.place, self.guild = said["channel_id"], int(said["guild_id"])

    def here(self, number):
        """The id of a channel or thread of the server."""
        return str(self.guild + number)

    def begin(self, action, keys, **more):
        self.start(self.text(action, keys), **more)

    def text(self, action, keys):
        return f'jobs = ( {{ name = "j"; action = "{action}"; at = "04:44"; {keys} }} );'

    def post(self, keys):
        self.begin("post", f'channel = "{self.place}"; {keys}')

    def run_job(self, good=True):
        """Runs it and waits for its end; its result."""
        before = self.jobs()["j"]["runs"]
        self.ask("job", "run", "j")
        return self.wait_job(before, good)["last_result"]

    def wait_job(self, before, good, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            job = self.jobs()["j"]
            if job["runs"] > before and not job["running"]:
                self.assertEqual(good, job["last_good"], job)
                return job
            self.assertLess(time.monotonic(), deadline, job)
            time.sleep(0.05)

    def call(self, method, path):
        while True:
            status, headers, data = self.sim.rest(method, path)
            if status != 429:
                return status, data
            time.sleep(float(headers["retry-after"]) / 4)

    def messages(self, channel=None):
        """Of a channel, oldest first."""
        status, found = self.call("GET", f"/channels/{channel or self.place}/messages?limit=100")
        self.assertEqual(200, status, found)
        return found[::-1]

    def posted(self, channel=None):
        return [message for message in self.messages(channel) if message["author"].get("bot")]

    def calls(self, method, part):
        return [call for call in self.sim.do("calls 200")["calls"]
                if call["method"] == method and part in call["path"]]


class Posts(Running):
    def test_text_file_and_program_are_one_message(self):
        file = self.bot.dir / "words.txt"
        file.write_text("from a file in {channel}\n")
        self.post(f'text = "hello from {{bot}}"; file = "{file}"; '
                  'program = [ "/bin/echo", "out: *5* <@&809500672000000011> @everyone" ]; '
                  'ping_roles = [ "809500672000000011" ];')
        self.assertEqual("posted 1 message", self.run_job())
        message = self.posted()[0]
        self.assertEqual(f"hello from gwbot\nfrom a file in <#{self.place}>\n"
                         "out: *5* <\u200b@&809500672000000011> @everyone", message["content"])
        self.assertEqual(([], False), (message["mention_roles"], message["mention_everyone"]))
        body = self.calls("POST", "/messages")[-1]["body"]
        self.assertEqual({"parse": [], "roles": ["809500672000000011"], "replied_user": False},
                         body["allowed_mentions"])

        # A reload reads the file anew; one with a mistake is refused, and the old stays.
        file.write_text("second {date}\n")
        self.ask("reload")
        self.run_job()
        self.assertIn("\nsecond 20", self.posted()[1]["content"])
        file.write_text("third {user}\n")
        done = self.bot.ctl("reload")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("{user} is no placeholder here", done.stdout + done.stderr)
        self.run_job()
        self.assertIn("\nsecond 20", self.posted()[2]["content"])

    def test_roles_are_notified_only_when_named(self):
        role = self.here(11)
        self.post(f'text = "<@&{role}> <@&{self.here(12)}> @everyone"; ping_roles = [ "{role}" ];')
        self.run_job()
        body = self.calls("POST", "/messages")[-1]["body"]
        self.assertEqual([role], body["allowed_mentions"]["roles"])
        self.assertEqual([], body["allowed_mentions"]["parse"])

    def test_long_texts_go_in_order_and_are_cut(self):
        line = "x" * 99 + "\n"
        file = self.bot.dir / "long.txt"
        file.write_text("".join(f"{n:03d}" + line[3:] for n in range(50)))
        self.post(f'file = "{file}"; embed = "{{\\"title\\":\\"{{version}}\\"}}";')
        self.assertEqual("posted 3 messages", self.run_job())
        found = self.posted()
        self.assertEqual(["000", "020", "040"], [message["content"][:3] for message in found])
        self.assertTrue(all(len(message["content"]) <= 2000 for message in found))
        self.assertEqual([["dev"], [], []], [[part["title"] for part in m["embeds"]] for m in found])
        file.write_text(line * 120)
        self.ask("reload")
        self.assertEqual("posted 5 messages, the text is cut", self.run_job())
        self.assertEqual("\u2026", self.posted()[-1]["content"][-1])

    def test_programs_that_fail_post_nothing(self):
        self.post('program = [ "/bin/sh", "-c", "echo half; exit 3" ];')
        self.assertEqual("exit status 3", self.run_job(good=False))
        self.assertEqual([], self.posted())
        self.bot.stop()
        self.post('program = [ "/bin/true" ];')
        self.assertEqual("the text is empty: nothing is posted", self.run_job(good=False))

    def test_refusals_say_what_is_missing(self):
        self.post('text = "x";')
        self.sim.do("right all send off")
        self.assertIn("give it Send Messages", self.run_job(good=False))
        self.sim.do("right all view off")
        self.assertIn("give it View Channel", self.run_job(good=False))
        self.sim.do("right all view on")
        self.sim.do("right all send on")
        self.sim.do("rest 503 1")
        self.assertEqual("posted 1 message", self.run_job())
        self.sim.do("rest 429 1 retry_after=0.2 scope=user")
        self.assertEqual("posted 1 message", self.run_job())
        self.assertEqual(2, len(self.posted()))
        self.write(self.text("post", 'channel = "999999999999999999"; text = "x";'))
        self.ask("reload")
        self.assertIn("there is no such channel", self.run_job(good=False))

    def test_a_run_under_way_does_not_hold_up_the_stop(self):
        self.post('text = "x";')
        self.sim.do("rest stall")
        self.ask("job", "run", "j")
        begun = time.monotonic()
        self.assertEqual(0, self.bot.stop(signal.SIGTERM))
        self.assertLess(time.monotonic() - begun, 5)


class Cleanup(Running):
    def test_old_ones_go_and_pinned_and_young_ones_stay(self):
        other = self.here(4)
        self.sim.do("say age=20d count=3 ancient")
        self.sim.do("say age=2d count=120 old")
        self.sim.do("say age=2d pinned kept")
        self.sim.do("say channel=4 age=3d count=2 elsewhere")
        self.begin("cleanup", f'channels = [ "{self.place}", "{other}" ];')
        self.assertEqual("deleted 125 messages in 2 channels, kept 1 pinned", self.run_job())
        self.assertEqual(["start", "kept"], sorted((m["content"] for m in self.messages()), reverse=True))
        self.assertEqual([], self.messages(other))
        bulks = self.calls("POST", "bulk-delete")
        self.assertTrue(all(2 <= len(call["body"]["messages"]) <= 100 for call in bulks))
        self.assertEqual(122, sum(len(call["body"]["messages"]) for call in bulks))
        self.assertEqual({204}, {call["status"] for call in bulks})
        self.assertEqual("deleted 0 messages in 2 channels, kept 1 pinned", self.run_job())

    def test_missing_rights_and_channels_are_told(self):
        self.sim.do("say age=2d count=3 old")
        self.sim.do("right all manage_messages off")
        self.begin("cleanup", f'channels = [ "{self.place}" ];')
        said = self.run_job(good=False)
        self.assertIn("deleted 0 messages in 1 channel, kept 0 pinned, 3 failed: ", said)
        self.assertIn("give it Manage Messages", said)
        self.assertEqual(1, len(self.calls("POST", "bulk-delete")))
        self.sim.do("right all manage_messages on")
        self.sim.do("rest 503 1")
        self.assertEqual("deleted 3 messages in 1 channel, kept 0 pinned", self.run_job())
        self.write(self.text("cleanup", 'channels = [ "999999999999999999" ];'))
        self.ask("reload")
        self.assertIn("there is no such channel", self.run_job(good=False))

    def test_a_reload_ends_what_it_takes_away(self):
        """One by one and held to Discord's limit, it would go on for many seconds."""
        self.sim.do("say age=20d count=200 ancient")
        other = self.here(4)
        for change in (f'channels = [ "{other}" ];', None):
            with self.subTest(change):
                self.begin("cleanup", f'channels = [ "{self.place}" ];')
                self.ask("job", "run", "j")
                begun = len(self.calls("DELETE", "/messages/"))
                until(lambda b=begun: len(self.calls("DELETE", "/messages/")) > b, "a deletion")
                self.write(self.text("cleanup", change) if change else "jobs = ();")
                self.ask("reload")
                _, event = self.bot.wait_event("job_done")
                self.assertRegex(event["result"], rf"^deleted \d+ messages? in 1 channel, kept 0 pinned; {OVER}$")
                if change:
                    self.assertEqual("deleted 0 messages in 1 channel, kept 0 pinned", self.run_job())
                self.bot.stop()
        # One that stays as it is goes on.
        self.sim.do("say channel=4 age=20d count=12 ancient")
        self.begin("cleanup", f'channels = [ "{other}" ];')
        self.ask("job", "run", "j")
        self.ask("reload")
        self.assertEqual("deleted 12 messages in 1 channel, kept 0 pinned", self.wait_job(0, True)["last_result"])

    def limit(self, method, part):
        """Has each call answered with 429 and a long wait; such a call waits then."""
        before = len(self.limited(method, part))
        self.sim.do("rest 429 retry_after=12")
        until(lambda: len(self.limited(method, part)) > before, "a call that Discord put off", 30)

    def limited(self, method, part):
        return [call for call in self.calls(method, part) if call["status"] == 429]

    def reload_without(self):
        """Takes the job away; what its run said, which must not wait for its call."""
        begun = time.monotonic()
        self.write("jobs = ();")
        self.ask("reload")
        _, event = self.bot.wait_event("job_done")
        self.assertLess(time.monotonic() - begun, 8)
        self.sim.do("rest off")
        return event["result"]

    def test_what_waits_for_a_limit_does_not_go_out_after_a_reload(self):
        self.sim.do("say age=20d count=60 ancient")
        self.begin("cleanup", f'channels = [ "{self.place}" ];')
        self.ask("job", "run", "j")
        until(lambda: self.calls("DELETE", "/messages/"), "a deletion")
        self.limit("DELETE", "/messages/")
        said = self.reload_without()
        gone = len([call for call in self.calls("DELETE", "/messages/") if call["status"] == 204])
        self.assertRegex(said, rf"^deleted {gone} messages? in 1 channel, kept 0 pinned; {OVER}$")

    def test_a_post_that_waits_for_a_limit_when_a_reload_comes_is_not_sent(self):
        self.post('text = "x";')
        self.sim.do("rest 429 retry_after=12")
        self.ask("job", "run", "j")
        until(lambda: self.limited("POST", "/messages"), "a post that Discord put off")
        self.assertEqual(f"{OVER}: nothing is posted", self.reload_without())
        # It would stand before the next one.
        self.write(self.text("post", f'channel = "{self.place}"; text = "y";'))
        self.ask("reload")
        self.run_job()
        self.assertEqual(["y"], [message["content"] for message in self.posted()])

    def test_another_schedule_ends_no_run(self):
        self.sim.do("say age=20d count=12 ancient")
        keys = f'channels = [ "{self.place}" ];'
        self.begin("cleanup", keys)
        self.ask("job", "run", "j")
        self.write(self.text("cleanup", keys + ' zone = "Asia/Tokyo"; jitter = "1min";').replace("04:44", "05:55"))
        self.ask("reload")
        self.assertEqual("deleted 12 messages in 1 channel, kept 0 pinned", self.wait_job(0, True)["last_result"])

    def last_good(self):
        """The time of the job's last good run."""
        return [line for line in self.bot.get("/metrics")[2].decode().splitlines()
                if line.startswith("gwbotd_job_last_success")]

    def test_a_run_that_a_reload_cuts_short_is_neither_good_nor_failed(self):
        self.begin("cleanup", f'channels = [ "{self.place}" ];')
        self.run_job()
        before, good = self.jobs()["j"], self.last_good()
        self.sim.do("rest 429 retry_after=12")
        self.ask("job", "run", "j")
        until(lambda: self.limited("GET", "/messages"), "a call that Discord put off")
        self.write(self.text("cleanup", f'channels = [ "{self.here(4)}" ];'))
        self.ask("reload")
        after = self.wait_job(before["runs"], True)
        self.assertEqual(f"deleted 0 messages in 1 channel, kept 0 pinned; {OVER}", after["last_result"])
        self.assertEqual(before["failures"], after["failures"])
        self.assertEqual(good, self.last_good())

    def test_a_post_that_a_reload_takes_away_before_it_began_is_not_sent(self):
        gate = self.bot.dir / "gate"
        self.post(f'program = [ "/bin/sh", "-c", "until test -e {gate}; do sleep 0.05; done; echo late" ];')
        self.ask("job", "run", "j")
        self.write("jobs = ();")
        self.ask("reload")
        gate.touch()
        _, event = self.bot.wait_event("job_done")
        self.assertEqual(f"{OVER}: nothing is posted", event["result"])
        self.assertEqual([], self.posted())

    def test_a_channel_whose_history_is_closed_is_not_taken_for_an_empty_one(self):
        """Discord answers with 200 and no message then."""
        self.sim.do("say age=2d count=3 old")
        self.sim.do("right all history off")
        self.begin("cleanup", f'channels = [ "{self.place}", "{self.here(4)}" ];')
        said = self.run_job(good=False)
        self.assertIn("deleted 0 messages in 2 channels, kept 0 pinned: ", said)
        self.assertIn("give it Read Message History", said)
        self.assertEqual(2, len(self.calls("GET", "/messages?")))  # it went on with the other one
        self.sim.do("right all history on")
        self.assertEqual("deleted 3 messages in 2 channels, kept 0 pinned", self.run_job())
        # The last message is one that is young, then one that is gone.
        self.assertEqual("deleted 0 messages in 2 channels, kept 0 pinned", self.run_job())
        for message in self.messages():
            self.call("DELETE", f"/channels/{self.place}/messages/{message['id']}")
        self.assertEqual("deleted 0 messages in 2 channels, kept 0 pinned", self.run_job())
        self.assertEqual([403, 200, 404], [call["status"] for call in self.calls("GET", f"{self.place}/messages/")])


class Threads(Running):
    def test_idle_ones_are_opened_and_touched(self):
        self.begin("keepalive-threads", f'channels = [ "{self.place}" ]; text = "beat {{bot}}";')
        self.assertEqual("touched 3 threads, skipped 0, 1 locked", self.run_job())
        for number in (64, 66, 67):
            self.assertEqual(["beat gwbot"], [m["content"] for m in self.posted(self.here(number))])
            status, thread = self.call("GET", f"/channels/{self.here(number)}")
            self.assertFalse(thread["thread_metadata"]["archived"])
        self.assertEqual([], self.posted(self.here(68)))
        self.assertEqual("touched 0 threads, skipped 3, 1 locked", self.run_job())

    def test_a_reload_ends_what_it_takes_away(self):
        self.begin("keepalive-threads", f'channels = [ "{self.place}" ];')
        self.sim.do("rest 429 retry_after=0.2")
        self.ask("job", "run", "j")
        self.write("jobs = ();")
        self.ask("reload")
        _, event = self.bot.wait_event("job_done")
        self.sim.do("rest off")
        self.assertEqual(f"touched 0 threads, skipped 0; {OVER}", event["result"])
        self.assertEqual([], [call for call in self.calls("GET", "") if call["status"] == 200
                              and call["path"].endswith(self.place)])

    def test_single_threads_and_what_is_wrong_with_them(self):
        wrong = ["999999999999999999", self.place]
        self.sim.do("right 66 send_in_threads off")
        self.begin("keepalive-threads",
                   f'threads = {json.dumps([self.here(65), self.here(66), *wrong])};')
        said = self.run_job(good=False)
        self.assertIn("touched 1 thread, skipped 0, 1 no thread, 1 not found, 1 without the right: ", said)
        self.assertEqual(["This thread is kept open."],
                         [m["content"] for m in self.posted(self.here(65))])


class Missed(Running):
    def test_a_start_makes_up_once_for_what_came_meanwhile(self):
        def job(name, more=""):
            return f'{{ name = "{name}"; action = "exec"; {self.shell("echo x")}; cron = "* * * * *"; {more} }}'

        self.start(f"""jobs = ( {job("once")}, {job("skip", 'missed = "skip";')},
            {{ name = "rhythm"; action = "exec"; {self.shell("echo x")}; every = "1min"; }} );""")
        self.bot.kill()
        minute = int(time.time() // 60)
        # The clock of the host is no test's to set: the next minute has to come.
        while int(time.time() // 60) == minute:
            time.sleep(0.2)
        begun = time.time()
        self.bot.start().wait_event("job_started", job="once")
        self.bot.wait_event("job_missed", job="skip")
        self.bot.wait_event("job_done", job="once")
        jobs = self.jobs()
        if time.time() // 60 == begun // 60:
            self.assertEqual([1, 0, 0], [jobs[name]["runs"] for name in ("once", "skip", "rhythm")])
            self.assertEqual([0, 1, 0], [jobs[name]["missed"] for name in ("once", "skip", "rhythm")])


class LogChannel(Running):
    def listen(self, text):
        self.bot.env["LOG_CHANNEL_ID"] = self.place
        self.start(text)

    def wait_told(self, part, count=1, timeout=20):
        deadline = time.monotonic() + timeout
        while True:
            told = [line for m in self.posted() for line in m["content"].split("\n")]
            found = [line for line in told if part in line.replace("\\", "")]
            if len(found) >= count:
                return told
            self.assertLess(time.monotonic(), deadline, told)
            time.sleep(0.1)

    def test_start_probes_jobs_and_reloads_are_told_once(self):
        flag = self.bot.dir / "flag"
        flag.touch()
        config = f"""probes = ( {{ name = "flag"; kind = "command"; {self.shell(f"test -e {flag}")};
            interval = 1; fail_after = 1; }} );
            jobs = ( {{ name = "j"; action = "exec"; at = "04:44"; {self.shell("exit 4")}; }} );"""
        self.listen(config)
        self.wait_told("has started, profile dev: a new session")
        self.wait_told("probe flag is up, was unknown")
        flag.unlink()
        self.wait_told("probe flag is down, was up: exit status 1")
        for _ in range(3):
            self.run_job(good=False)
        told = self.wait_told("job j failed: exit status 4")
        self.assertLess(len([line for line in told if "job j failed" in line]), 3)
        self.write("nonsense")
        self.bot.ctl("reload")
        self.wait_told("the configuration has errors")
        body = self.calls("POST", "/messages")[-1]["body"]
        self.assertEqual({"parse": [], "replied_user": False}, body["allowed_mentions"])

        # Without one nothing is told.
        del self.bot.env["LOG_CHANNEL_ID"]
        self.assertEqual(0, self.bot.stop())
        sent = len(self.calls("POST", "/messages"))
        self.start(config)
        self.run_job(good=False)
        self.assertEqual(sent, len(self.calls("POST", "/messages")))

    def test_what_it_may_not_do_is_logged_once_and_told_nowhere(self):
        self.sim.do("right all send off")
        self.listen(self.text("exec", self.shell("exit 4")))
        said = self.bot.wait_event("log_channel_failed")[1]
        self.assertIn("give it Send Messages", said["reason"])
        self.run_job(good=False)
        self.assertEqual(1, len(self.bot.events("log_channel_failed")))
        self.assertEqual(1, len(self.calls("POST", "/messages")))
        self.assertEqual(200, self.bot.health()[0])

    def test_a_verdict_is_told_before_the_end(self):
        self.listen('watchdog: { disconnect_grace = "1s"; keepalive = "1s"; };')
        self.wait_told("has started")
        self.sim.do("upgrade 503")
        self.sim.do("drop")
        self.assertEqual(1, self.bot.wait_exit(60))
        self.wait_told("the process ends: not connected for")

    def test_an_api_that_stalls_holds_nothing_up(self):
        self.listen(self.text("exec", self.shell("exit 4")))
        self.wait_told("has started")
        self.sim.do("rest stall")
        self.run_job(good=False)
        self.assertEqual(200, self.bot.health()[0])
        begun = time.monotonic()
        self.assertEqual(0, self.bot.stop())
        self.assertLess(time.monotonic() - begun, 5)


if __name__ == "__main__":
    unittest.main()
