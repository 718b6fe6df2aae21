"""Commands in messages and greetings, through the real programs."""

import time
import unittest

from gwbotd import Gwbotd, Sim

INTENTS = '"GUILDS, GUILD_MEMBERS, GUILD_MESSAGES, MESSAGE_CONTENT"'
PADDLE = "%F0%9F%8F%93"
ROLE = "987654321098765432"
ADMIN = "987654321098765433"


class Talking(unittest.TestCase):
    """A gwsim where nothing happens by itself, and a gwbotd that listens."""

    intents = INTENTS
    beat = 1000

    def setUp(self):
        self.sim = Sim(rate=0, identify_window=0, heartbeat=self.beat)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.bot = Gwbotd(self.sim, slash__register="false")
        self.addCleanup(self.bot.close)
        self.file = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.file)

    def write(self, text=""):
        self.file.write_text(f"""discord: {{ intents = {self.intents}; }};
bot: {{ name = "gw"; admins = [ "{ADMIN}" ]; admin_roles = [ "{ROLE}" ]; }};
""" + text)
        self.file.chmod(0o640)

    def start(self, text=""):
        self.write(text)
        self.bot.start().wait_ready()
        self.calls_before = self.sim.do("calls")["total"]

    def say(self, words):
        """Somebody writes; who asked, as gwsim tells."""
        return self.sim.do("say " + words)

    def calls(self, method=None, part=""):
        """What gwbotd asked of REST since its start."""
        told = self.sim.do("calls 256")
        new = told["total"] - self.calls_before
        self.assertLessEqual(new, 256)
        return [call for call in (told["calls"][-new:] if new else [])
                if method in (None, call["method"]) and part in call["path"]]

    def wait_calls(self, count, method=None, part=""):
        self.sim.wait_for(lambda _: len(self.calls(method, part)) >= count,
                          f"{count} calls {method} {part}", 15)
        found = self.calls(method, part)
        self.assertEqual(len(found), count, found)
        return found

    def settle(self):
        """Until all that was said before has been looked at and answered."""
        said = self.say("user=moss_8 roles=none !ping")
        path = f"/{said['message_id']}/reactions/"
        self.wait_calls(1, "PUT", path)

    def command(self, count=1, **fields):
        return self.bot.wait_event("chat_command", 15, count, **fields)[1]

    def user(self, name):
        return self.sim.do(f"say user={name} hello")["author_id"]


class Commands(Talking):
    def test_ping_is_a_reaction(self):
        self.start()
        said = self.say("user=moss_8 roles=none !ping")
        call = self.wait_calls(1, "PUT")[0]
        self.assertEqual(call["status"], 204)
        self.assertTrue(call["path"].endswith(
            f"/channels/{said['channel_id']}/messages/{said['message_id']}"
            f"/reactions/{PADDLE}/@me"), call)
        event = self.command(command="ping", result="answered")
        self.assertEqual(event["user"], int(said["author_id"]))
        self.assertEqual(self.calls("POST"), [])
        self.assertEqual(self.calls("DELETE"), [])

    def test_health_is_answered_and_the_request_deleted(self):
        self.start()
        said = self.say(f"user=moss_8 roles={ROLE} !health")
        deleted = self.wait_calls(1, "DELETE")[0]
        self.assertTrue(deleted["path"].endswith(f"/messages/{said['message_id']}"))
        self.assertEqual(deleted["status"], 204)
        post = self.wait_calls(1, "POST")[0]
        body = post["body"]
        self.assertRegex(body["content"],
                         r"^🟢 connected \| Latency: (\d+ ms|not known) \| Uptime: "
                         r"00:\d\d:\d\d \| Last event age: \d+s$")
        self.assertEqual(body["message_reference"]["message_id"], said["message_id"])
        self.assertEqual(body["allowed_mentions"], {"parse": [], "replied_user": False})
        self.say("user=owner roles=none !status")
        self.wait_calls(2, "POST")

    def test_who_is_an_admin(self):
        moss = None
        self.write()
        self.start()
        moss = self.user("moss_8")
        for words in (f"user=moss_8 roles={ROLE}", "user=moss_8 roles=admin",
                      "user=owner roles=none"):
            with self.subTest(words=words):
                count = len(self.calls("POST"))
                self.say(words + " !health")
                post = self.wait_calls(count + 1, "POST")[-1]
                self.assertIn("connected", post["body"]["content"])
        text = self.file.read_text().replace(ADMIN, moss)
        self.file.write_text(text)
        self.assertEqual(self.bot.ctl("reload").returncode, 0)
        count = len(self.calls("POST"))
        self.say("user=moss_8 roles=none !health")
        self.assertIn("connected",
                      self.wait_calls(count + 1, "POST")[-1]["body"]["content"])

    def test_nobody_is_refused_once_and_then_not_answered(self):
        self.start()
        self.say("user=moss_8 roles=mod !health")
        self.say("user=moss_8 roles=mod !reboot")
        self.settle()
        posts = self.wait_calls(1, "POST")
        self.assertEqual(posts[0]["body"]["content"], "Only admins may use this command.")
        self.assertEqual(self.calls("DELETE"), [])
        self.assertIsNone(self.bot.process.poll())
        metrics = self.bot.get("/metrics")[2].decode()
        for line in ('{command="health",result="refused"} 1',
                     '{command="reboot",result="ignored"} 1',
                     '{command="ping",result="answered"} 1'):
            self.assertIn("gwbotd_chat_commands_total" + line, metrics)

    def test_what_is_no_request_of_a_person(self):
        self.start()
        self.say("bot !ping")
        self.say("webhook=123456789012345678 !ping")
        self.say("type=6 !ping")
        self.say("user=me !ping")
        self.say("user=moss_8 ping")
        self.say("user=moss_8 ! ping")
        self.say("user=moss_8 !nothing")
        said = self.say("user=moss_8 quiet words")
        self.say(f"edit={said['message_id']} !ping")
        self.settle()
        self.assertEqual(len(self.calls()), 1, self.calls())

    def test_after_a_resume_the_server_is_asked_for(self):
        self.start()
        self.bot.stop()
        self.bot.start().wait_event("shard_state", 20, to="ready")
        self.assertEqual(self.sim.totals()["identifies"], 1)
        self.say("user=owner roles=none !health")
        self.say("user=owner roles=none !health")
        self.wait_calls(2, "DELETE")
        self.assertEqual(len(self.calls("GET", "/guilds/")), 1)
        for post in self.wait_calls(2, "POST"):
            self.assertIn("connected", post["body"]["content"])

    def test_reboot_resumes(self):
        self.start()
        said = self.say(f"user=moss_8 roles={ROLE} !reboot")
        when, _ = self.bot.wait_event("chat_command", command="reboot")
        self.assertEqual(self.bot.wait_exit(), 0)
        self.assertGreater(time.monotonic() - when, 0.9)
        post = self.wait_calls(1, "POST")[0]
        self.assertEqual(post["body"]["content"], "Rebooting…")
        self.bot.start().wait_ready()
        self.assertEqual(self.sim.totals()["identifies"], 1)
        # The same request once more, as a replay would bring it.
        self.sim.do('send {"op":0,"s":null,"t":"MESSAGE_CREATE","d":{"id":"%s",'
                    '"channel_id":"%s","type":0,"content":"!reboot",'
                    '"author":{"id":"%s","username":"x"},"member":{"roles":["%s"]}}}'
                    % (said["message_id"], said["channel_id"], said["author_id"], ROLE))
        self.settle()
        self.assertIsNone(self.bot.process.poll())
        self.assertEqual(len(self.calls("POST")), 1)

    def test_a_refusal_of_discord_is_told_once(self):
        self.start()
        self.sim.do("right all send off")
        self.say(f"user=moss_8 roles={ROLE} !health")
        self.say(f"user=moss_8 roles={ROLE} !health")
        self.settle()
        self.wait_calls(2, "POST")
        event = self.bot.wait_event("chat_refused")[1]
        self.assertIn("give it Send Messages", event["reason"])
        self.assertEqual(len(self.bot.events("chat_refused")), 1)
        self.assertEqual(self.calls("DELETE"), [])

    def test_an_event_that_comes_twice_is_answered_once(self):
        self.start()
        said = self.say("user=moss_8 !ping")
        self.wait_calls(1, "PUT")
        self.sim.do('send {"op":0,"s":null,"t":"MESSAGE_CREATE","d":{"id":"%s",'
                    '"channel_id":"%s","type":0,"content":"!ping",'
                    '"author":{"id":"%s","username":"x"}}}'
                    % (said["message_id"], said["channel_id"], said["author_id"]))
        self.settle()
        self.assertEqual(len(self.calls("PUT")), 2)


class Custom(Talking):
    def test_each_key(self):
        self.start(f"""commands = (
  {{ name = "hi"; reply = "Hi {{user}}, {{args}} in {{server}}"; ping = true; remove = true; }},
  {{ name = "calm"; reply = "{{user}} {{args}}"; }},
  {{ name = "yes"; reaction = "✅"; roles = [ "{ROLE}" ]; }}
);""")
        said = self.say("user=moss_8 roles=none !hi *you*")
        post = self.wait_calls(1, "POST")[0]["body"]
        self.assertRegex(post["content"],
                         rf"^Hi <@{said['author_id']}>, \\\*you\\\* in \w+")
        self.assertEqual(post["allowed_mentions"],
                         {"parse": [], "users": [said["author_id"]],
                          "replied_user": False})
        self.wait_calls(1, "DELETE", said["message_id"])
        self.say("user=moss_8 roles=none !calm @everyone")
        post = self.wait_calls(2, "POST")[1]
        self.assertEqual(post["body"]["allowed_mentions"],
                         {"parse": [], "replied_user": False})
        self.say(f"user=moss_8 roles={ROLE} !yes")
        self.wait_calls(1, "PUT", "%E2%9C%85")

    def test_a_file_is_read_again_on_reload(self):
        answer = self.bot.dir / "answer"
        answer.write_text("one\n")
        self.start(f'commands = ({{ name = "paper"; file = "{answer}"; }});')
        self.say("user=moss_8 !paper")
        self.assertEqual(self.wait_calls(1, "POST")[0]["body"]["content"], "one")
        answer.write_text("two {bot}\n")
        self.assertEqual(self.bot.ctl("reload").returncode, 0)
        self.say("user=moss_8 !paper")
        self.assertEqual(self.wait_calls(2, "POST")[1]["body"]["content"], "two gw")
        answer.write_text("{nobody}\n")
        self.assertNotEqual(self.bot.ctl("reload").returncode, 0)
        self.say("user=moss_8 !paper")
        self.assertEqual(self.wait_calls(3, "POST")[2]["body"]["content"], "two gw")


class Greetings(Talking):
    def test_who_joins_is_greeted_once(self):
        channel = self.say("hello")["channel_id"]
        self.start(f"""commands = ({{ name = "welcome"; on = "join"; channel = "{channel}";
  reply = "Welcome {{user}}!"; reaction = "👋"; ping = true; }});""")
        self.sim.do("join user=moss_8 announce")
        body = self.wait_calls(1, "POST")[0]["body"]
        user = self.user("moss_8")
        self.assertEqual(body["content"], f"Welcome <@{user}>!")
        self.assertEqual(body["allowed_mentions"]["users"], [user])
        self.assertNotIn("message_reference", body)
        self.wait_calls(1, "PUT", "%F0%9F%91%8B")
        self.sim.do("join user=moss_8")
        self.sim.do("join user=moss_8 guild=1")
        self.settle()
        self.assertEqual(len(self.calls("POST")), 1)
        self.assertEqual(len(self.calls("GET", f"/channels/{channel}")), 1)


class Unheard(Talking):
    intents = '"GUILDS, GUILD_MESSAGES"'

    def test_without_the_intent_doctor_says_so(self):
        self.start('commands = ({ name = "a"; reply = "b"; });')
        done = self.bot.ctl("doctor")
        self.assertRegex(done.stdout, r"(?s)chat.*MESSAGE_CONTENT")


if __name__ == "__main__":
    unittest.main()
