"""Slash commands through the real programs: the list at Discord, and the answers."""

import json
import time
import unittest

from gwbotd import Gwbotd, Sim

EPHEMERAL, LOADING = 64, 128
OWN = {"ping", "health", "reboot"}
RULES = '{ name = "rules"; reply = "Be kind. {args}"; help = "what is allowed here"; }'
SLOW = '{{ name = "db"; kind = "command"; command = [ "/bin/sh", "-c", "{}" ]; interval = {}; timeout = 30; }}'


class Running(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(heartbeat=1000, rate=0)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)
        self.file = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.file)
        self.app = self.sim.rest("GET", "/applications/@me")[2]["id"]
        self.secrets = []
        self.output = ""

    def tearDown(self):
        said = self.output + self.bot.output
        for secret in self.secrets:
            self.assertNotIn(secret, said)

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o640)

    def start(self, text="", registered=3, **fields):
        self.write(text)
        self.bot.start().wait_ready()
        if registered is not None:
            self.bot.wait_event("slash_commands", registered=registered, **fields)

    def restart(self):
        self.output += self.bot.output
        self.bot.start().wait_ready()

    def ctl(self, *words):
        done = self.bot.ctl(*words)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        return done.stdout

    def reload(self, text):
        self.write(text)
        self.ctl("reload")

    # ---- what gwsim saw ----

    def calls(self, method, part):
        return [call for call in self.sim.do("calls 256")["calls"]
                if call["method"] == method and part in call["path"]]

    def puts(self):
        return [[command["name"] for command in call["body"]]
                for call in self.calls("PUT", "/commands") if call["status"] == 200]

    def registered(self, guild=None):
        place = f"/guilds/{guild}" if guild else ""
        status, _, body = self.sim.rest("GET", f"/applications/{self.app}{place}/commands")
        self.assertEqual(200, status, body)
        return {command["name"]: command for command in body}

    def register(self, *names):
        """As another program of this bot does."""
        body = [{"name": name, "description": "another's"} for name in names]
        status, _, body = self.sim.rest("PUT", f"/applications/{self.app}/commands", body)
        self.assertEqual(200, status, body)

    def interact(self, line):
        asked = self.sim.do("interact " + line)
        self.secrets.append(asked["token"])
        return asked

    def answer(self, asked, settled=True, timeout=20):
        """The message of the first answer, once it says something."""
        deadline = time.monotonic() + timeout
        while True:
            status, _, body = self.sim.rest(
                "GET", f"/webhooks/{self.app}/{asked['token']}/messages/@original", token=None)
            if status == 200 and not (settled and body.get("flags", 0) & LOADING):
                return body
            self.assertLess(time.monotonic(), deadline, f"{body}\n{self.bot.output[-3000:]}")
            time.sleep(0.02)

    def use(self, line):
        """Content and flags of the answer, which must be there in Discord's time."""
        began = time.monotonic()
        body = self.answer(self.interact(line))
        self.assertLess(time.monotonic() - began, 3)
        self.assertFalse(body["mentions"] or body.get("mention_roles") or body["mention_everyone"])
        return body["content"], body.get("flags", 0)

    def wait_calls(self, count, method, part):
        deadline = time.monotonic() + 20
        while len(self.calls(method, part)) < count:
            self.assertLess(time.monotonic(), deadline, self.bot.output[-3000:])
            time.sleep(0.02)
        found = self.calls(method, part)
        self.assertEqual(count, len(found))
        return found

    def metric(self, name):
        text = self.bot.get("/metrics")[2].decode()
        return float(next(line for line in text.splitlines() if line.startswith(name)).split()[-1])


class List(Running):
    def test_it_is_put_once_and_again_when_it_changes(self):
        self.start(changed=True)
        self.assertEqual([["ping", "health", "reboot"]], self.puts())
        self.assertEqual(OWN, set(self.registered()))

        # The next process resumes: no READY tells it which application this is.
        self.bot.kill()
        self.restart()
        self.bot.wait_event("slash_commands", registered=3, changed=False)
        self.assertEqual(1, len(self.puts()))
        self.assertEqual(1.0, self.metric("gwbotd_slash_commands_registered"))

        self.reload(f"commands = ( {RULES} );")
        self.bot.wait_event("slash_commands", registered=4, changed=True)
        rules = self.registered()["rules"]
        self.assertEqual("what is allowed here", rules["description"])
        self.assertEqual([("text", 3, False)],
                         [(o["name"], o["type"], o.get("required", False)) for o in rules["options"]])

        # What does not change the list asks nothing.
        gets = len(self.calls("GET", "/commands"))
        self.reload(f'bot: {{ name = "other"; }}; commands = ( {RULES} );')
        self.use("ping")
        self.assertEqual((gets, 2), (len(self.calls("GET", "/commands")), len(self.puts())))

        self.reload("chat: { ping = false; };")
        self.bot.wait_event("slash_commands", 20, registered=2, changed=True)
        self.assertEqual(OWN - {"ping"}, set(self.registered()))
        self.assertIn("slash.registered", self.ctl("--json", "events"))

    def test_the_list_of_another_program_is_replaced_only_if_there_is_one_of_ours(self):
        self.register("theirs")
        off = "chat: { ping = false; health = false; reboot = false; };"
        self.start(off, registered=0, changed=False)
        self.assertEqual({"theirs"}, set(self.registered()))
        self.reload("slash: { register = false; };")
        self.assertIn("slash.register", self.ctl("config"))
        self.assertEqual({"theirs"}, set(self.registered()))
        self.reload("")
        self.bot.wait_event("slash_commands", registered=3, changed=True)
        self.assertEqual(OWN, set(self.registered()))

        # Those of a process before are known again by what they say.
        self.bot.stop()
        self.write(off)
        self.restart()
        self.bot.wait_event("slash_commands", registered=0)
        self.assertEqual({}, self.registered())

    def test_one_server_has_it_and_then_all(self):
        self.start()
        guild = self.sim.do("say start")["guild_id"]
        self.bot.stop()
        self.write(f'slash: {{ guild = "{guild}"; }};')
        self.restart()
        self.bot.wait_event("slash_commands", registered=3, where="one server", changed=True)
        self.assertEqual(OWN, set(self.registered(guild)))
        self.wait_calls(3, "PUT", "/commands")
        self.assertEqual({}, self.registered())
        self.assertEqual("\U0001f3d3 Pong", self.use("ping")[0])

        self.reload("")
        self.bot.wait_event("slash_commands", registered=3, where="all servers", changed=True)
        self.wait_calls(5, "PUT", "/commands")
        self.assertEqual((OWN, {}), (set(self.registered()), self.registered(guild)))

    def test_only_the_process_with_shard_0_keeps_it(self):
        self.bot.env["GWBOT_SHARDS"] = "1-1/2"
        self.start(registered=None)
        self.bot.wait_health(200)
        self.bot.kill()
        self.assertEqual([], self.calls("GET", "/commands"))

        self.bot.env["GWBOT_SHARDS"] = "0-0/2"
        self.restart()
        self.bot.wait_event("slash_commands", registered=3)

    def test_what_the_api_refuses_is_told_once_and_tried_again(self):
        self.start()
        self.sim.do("rest 403 1")
        self.reload(f"commands = ( {RULES} );")
        event = self.bot.wait_event("slash_commands_failed")[1]
        self.assertIn("applications.commands", event["reason"])
        self.assertEqual(60, event["retry_s"])
        self.assertEqual((0.0, 1.0), (self.metric("gwbotd_slash_commands_registered"),
                                      self.metric("gwbotd_slash_commands_failures_total")))
        finding = next(found for found in json.loads(self.bot.ctl("--json", "doctor").stdout)["findings"]
                       if found["check"] == "slash")
        self.assertEqual("warn", finding["level"])
        # A change is a reason to try at once.
        self.reload("chat: { ping = false; };")
        self.bot.wait_event("slash_commands", registered=2)
        self.assertIn("2 commands, as registered", self.bot.ctl("doctor").stdout)

        for count, fault in enumerate(("rest 429 2 retry_after=1", "rest 503 2", "rest drop 1"), 1):
            self.sim.do(fault)
            self.reload(f"commands = ( {RULES} );")
            self.bot.wait_event("slash_commands", 40, count, registered=4)
            self.reload("chat: { ping = false; };")
            self.bot.wait_event("slash_commands", 40, count + 1, registered=2)
        self.assertEqual(1, len(self.bot.events("slash_commands_failed")))
        self.assertEqual(OWN - {"ping"}, set(self.registered()))


class Answers(Running):
    def test_each_command_is_answered_and_seen_by_whom_it_concerns(self):
        self.start(f"""commands = ( {RULES},
            {{ name = "wave"; reaction = "\U0001f44b"; }}, {{ name = "echo"; reply = "{{args}}"; }},
            {{ name = "mine"; reply = "for {{user}}"; private = true; }},
            {{ name = "where"; reply = "{{server}}: {{members}}"; }});""", 8)
        self.assertRegex(self.use("where")[0], r"^\w.*: \d+$")
        self.assertEqual(("\U0001f44b", 0), self.use("wave"))
        self.assertEqual(("Done.", 0), self.use("echo"))  # an empty message is none
        content, flags = self.use("mine")
        self.assertRegex(content, r"^for <@\d+>$")
        self.assertEqual(EPHEMERAL, flags)
        self.assertEqual(("\U0001f3d3 Pong", 0), self.use("ping"))
        self.assertEqual(("Be kind. Please.", 0), self.use("rules text=Please."))
        self.assertEqual(0, self.use("rules")[1])
        content, flags = self.use("user=owner health")
        self.assertRegex(content, r"^\U0001f7e2 connected \| Latency: ")
        self.assertEqual(EPHEMERAL, flags)
        for line in ("user=@moss_8 roles=none health", "user=@moss_8 roles=none reboot"):
            content, flags = self.use(line)
            self.assertNotRegex(content, "connected|Rebooting")
            self.assertEqual(EPHEMERAL, flags)
        content, _ = self.use("rules text=@everyone <@&1> `x`")
        self.assertNotIn("@everyone", content)
        self.assertEqual(0.0, self.metric("gwbotd_slash_unanswered_total"))
        self.assertEqual(11.0, self.metric("gwbotd_slash_uses_total"))
        refused = self.bot.events("slash_command", command="reboot", result="refused")
        self.assertEqual(1, len(refused))
        self.assertIn("/ping, by user ", self.ctl("events"))
        self.assertEqual(11, len(self.calls("POST", "/callback")))

    def test_a_reboot_is_answered_first_and_loses_nothing(self):
        self.start()
        asked = self.interact("admin reboot")
        body = self.answer(asked)
        self.assertIn("Rebooting", body["content"])
        self.assertIsNone(self.bot.process.poll())
        self.assertEqual(0, self.bot.wait_exit())
        self.restart()
        self.bot.wait_event("slash_commands", changed=False)
        self.assertEqual(1, self.bot.snapshot()["shards"][0]["resumes"])
        # The same again: Discord says that it was answered, and nobody reboots.
        self.create(identity=asked["interaction_id"], token=asked["token"])
        deadline = time.monotonic() + 20
        while not (told := self.bot.events("slash_answered_by_another") + self.bot.events("slash_too_old")):
            self.assertLess(time.monotonic(), deadline, self.bot.output[-3000:])
            time.sleep(0.02)
        self.assertEqual([], self.bot.events("slash_unanswered"))
        self.assertEqual(("\U0001f3d3 Pong", 0), self.use("ping"))

    def test_a_slow_probe_has_the_answer_follow(self):
        flag = self.bot.dir / "go"
        script = f"while ! test -e {flag}; do sleep 0.05; done"
        self.start(f"probes = ( {SLOW.format(script, 3600)} );")
        asked = self.interact("admin health")
        early = self.answer(asked, settled=False)
        self.assertEqual(EPHEMERAL | LOADING, early["flags"])
        callback = self.wait_calls(1, "POST", "/callback")[0]["body"]
        self.assertEqual({"type": 5, "data": {"flags": 64}}, callback)
        # Nobody else may have it run, and others are not in its way.
        self.assertEqual(EPHEMERAL, self.use("user=@moss_8 roles=none health")[1])
        self.use("ping")
        flag.touch()
        body = self.answer(asked)
        self.assertRegex(body["content"], "^\U0001f7e2 connected")
        self.assertEqual(EPHEMERAL, body["flags"])
        self.wait_calls(1, "PATCH", "/messages/@original")
        # What was found lasts for the interval.
        self.assertRegex(self.use("admin health")[0], "^\U0001f7e2 connected")
        self.assertEqual(1, len(self.calls("PATCH", "/messages/@original")))

    def test_what_was_taken_back_is_said_so(self):
        self.start(f"slash: {{ register = false; }}; commands = ( {RULES} );", None)
        self.register("ping", "rules", "gone")
        self.assertEqual(("\U0001f3d3 Pong", 0), self.use("ping"))
        content, flags = self.use("gone")
        self.assertIn("do not know this command", content)
        self.assertEqual(EPHEMERAL, flags)
        self.reload("slash: { register = false; };")
        self.assertIn("do not know this command", self.use("rules")[0])
        self.assertEqual([], self.calls("GET", f"/{self.app}/commands"))

    def create(self, made_ms=0, name="reboot", token="a-token-of-a-test", identity=None):
        """INTERACTION_CREATE of that time, as the gateway would replay it."""
        user = {"id": "53908232506183680", "username": "mason", "global_name": None}
        self.secrets.append(token)
        self.sim.do("send " + json.dumps({"t": "INTERACTION_CREATE", "d": {
            "id": identity or str((made_ms - 1420070400000) << 22), "application_id": self.app, "type": 2,
            "token": token, "guild_id": "772904309264089089", "channel_id": "772908445358620702",
            "member": {"user": user, "roles": [], "permissions": "8"},
            "data": {"id": "1", "name": name, "type": 1}}}))

    def test_one_that_is_too_old_or_comes_twice_is_not_done(self):
        self.start()
        now = int(time.time() * 1000)
        self.create(now - 4000)
        self.assertLess(3, self.bot.wait_event("slash_too_old")[1]["age_s"])
        self.assertEqual([], self.calls("POST", "/callback"))
        # Discord does not know this one: who asked was not told, so nothing is done.
        later = int(time.time() * 1000)
        for _ in range(3):
            self.create(later, token="another-token-of-a-test")
        reason = self.bot.wait_event("slash_unanswered")[1]["reason"]
        self.assertIn("(10062)", reason)
        self.use("ping")
        self.assertEqual(2, len(self.calls("POST", "/callback")))
        self.assertEqual(2.0, self.metric("gwbotd_slash_unanswered_total"))
        self.assertEqual([], self.bot.events("stopping"))

    def test_faults_of_the_api_within_the_time(self):
        self.start()
        for count, fault in enumerate(("rest 503 1", "rest 429 1 retry_after=1", "rest drop 1"), 1):
            self.sim.do(fault)
            asked = self.interact("ping")
            self.wait_calls(2 * count, "POST", "/callback")
            self.assertEqual("\U0001f3d3 Pong", self.answer(asked)["content"])
        self.assertEqual([], self.bot.events("slash_unanswered"))
        self.sim.do("rest 429 1 retry_after=30")
        asked = self.interact("ping")
        self.bot.wait_event("slash_unanswered")
        self.assertEqual(404, self.sim.rest(
            "GET", f"/webhooks/{self.app}/{asked['token']}/messages/@original", token=None)[0])
        self.sim.do("rest off")
        self.interact("age=5s ping")
        self.bot.wait_event("slash_unanswered", count=2)
        self.assertEqual(2.0, self.metric("gwbotd_slash_unanswered_total"))

    def test_many_at_once(self):
        self.start()
        asked = [self.interact("ping") for _ in range(100)]
        for one in asked:
            self.assertEqual("\U0001f3d3 Pong", self.answer(one)["content"])
        self.assertEqual(0.0, self.metric("gwbotd_slash_unanswered_total"))
        self.assertEqual(100, len(self.calls("POST", "/callback")))


if __name__ == "__main__":
    unittest.main()
