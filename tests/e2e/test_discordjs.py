"""discord.js as an independent reader: of gwsim, and of what gwbotd does there."""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import sim as gwsim  # noqa: E402
from gwbotd import Gwbotd, Sim  # noqa: E402
from reader import Reader  # noqa: E402

INTENTS = '"GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT"'
NOBODY = {"users": [], "roles": [], "everyone": False}


def pings(message):
    """Whom it notifies; whom it replies to is told apart."""
    return {name: message["pings"][name] for name in NOBODY}


class OfGwsim(unittest.TestCase):
    """What gwsim plays is what Discord's most used library understands."""

    @classmethod
    def setUpClass(cls):
        cls.sim = gwsim.Sim("--rate", "0", "--identify-window", "0")
        cls.addClassCleanup(cls.sim.stop)
        cls.reader = Reader(cls.sim, gwsim.TOKEN)
        cls.addClassCleanup(cls.reader.close)

    def call(self, method, path, body=None, token=gwsim.TOKEN):
        status, _, data = self.sim.rest(method, path, body, token=token)
        self.assertIn(status, (200, 204), data)
        return data

    def test_messages_and_reactions(self):
        said = self.sim.do("say user=owner roles=admin hello")
        seen = self.reader.wait("messageCreate", id=said["message_id"])
        self.assertEqual((seen["content"], seen["author"], seen["bot"], seen["system"]),
                         ("hello", said["author_id"], False, False))
        self.assertTrue(seen["administrator"])
        path = f"/channels/{said['channel_id']}/messages"
        self.call("PUT", f"{path}/{said['message_id']}/reactions/%E2%9C%85/@me")
        seen = self.reader.wait("messageReactionAdd", message=said["message_id"])
        self.assertEqual((seen["emoji"], seen["user"]), ("✅", self.reader.user))
        reply = self.call("POST", path, {
            "content": f"<@{said['author_id']}> @everyone",
            "allowed_mentions": {"parse": []},
            "message_reference": {"message_id": said["message_id"]}})
        seen = self.reader.wait("messageCreate", id=reply["id"])
        self.assertEqual(seen["reference"], said["message_id"])
        self.assertEqual(pings(seen), NOBODY)
        loud = self.call("POST", path, {"content": f"<@{said['author_id']}> @everyone"})
        seen = self.reader.wait("messageCreate", id=loud["id"])
        self.assertEqual(pings(seen), {"users": [said["author_id"]], "roles": [],
                                       "everyone": True})
        self.call("DELETE", f"{path}/{loud['id']}")
        self.reader.wait("messageDelete", id=loud["id"])

    def test_people_that_are_none(self):
        said = self.sim.do("say webhook=123456789012345678 news")
        seen = self.reader.wait("messageCreate", id=said["message_id"])
        self.assertEqual((seen["webhook"], seen["bot"]), ("123456789012345678", True))
        said = self.sim.do("join user=moss_8 announce")
        self.reader.wait("guildMemberAdd", user=said["author_id"])
        seen = self.reader.wait("messageCreate", id=said["message_id"])
        self.assertEqual((seen["type"], seen["system"]), (7, True))
        said = self.sim.do("say frist")
        self.sim.do(f"say edit={said['message_id']} first")
        seen = self.reader.wait("messageUpdate", id=said["message_id"])
        self.assertEqual((seen["content"], seen["edited"]), ("first", True))

    def test_slash_commands(self):
        app = self.reader.user
        self.call("PUT", f"/applications/{app}/commands", [
            {"name": "say", "description": "says so", "default_member_permissions": "8",
             "options": [{"name": "text", "description": "what", "type": 3}]}])
        command, = self.reader.ask("commands")
        self.assertEqual((command["name"], command["description"], command["permissions"]),
                         ("say", "says so", ["Administrator"]))
        self.assertEqual(command["options"], [{"name": "text", "description": "what",
                                               "type": 3, "required": False}])
        used = self.sim.do("interact user=owner say text=two words")
        seen = self.reader.wait("interactionCreate", id=used["interaction_id"])
        self.assertEqual((seen["command"], seen["slash"], seen["administrator"]),
                         ("say", True, True))
        self.assertEqual(seen["options"], [{"name": "text", "type": 3,
                                            "value": "two words"}])
        self.call("POST", f"/interactions/{used['interaction_id']}/{used['token']}/callback",
                  {"type": 5}, token=None)
        thinking = self.reader.wait("messageCreate", interaction=used["interaction_id"])
        self.assertEqual((thinking["loading"], thinking["asker"]), (True, used["user_id"]))
        self.call("PATCH", f"/webhooks/{app}/{used['token']}/messages/@original",
                  {"content": "done"}, token=None)
        done = self.reader.wait("messageUpdate", id=thinking["id"])
        self.assertEqual((done["content"], done["loading"], done["type"]),
                         ("done", False, 20))

    def test_what_only_the_asker_sees(self):
        app = self.reader.user
        guild = self.sim.do("say x")["guild_id"]
        self.call("PUT", f"/applications/{app}/guilds/{guild}/commands",
                  [{"name": "secret", "description": "x"}])
        self.assertEqual([(c["name"], c["guild"])
                          for c in self.reader.ask("commands", guild=guild)],
                         [("secret", guild)])
        used = self.sim.do("interact secret")
        self.call("POST", f"/interactions/{used['interaction_id']}/{used['token']}/callback",
                  {"type": 4, "data": {"content": "psst", "flags": 64}}, token=None)
        last = self.sim.do("say afterwards")
        self.reader.wait("messageCreate", id=last["message_id"])
        self.assertNotIn("psst", [line.get("content") for line in self.reader.seen])

    def test_pins_and_threads(self):
        said = self.sim.do("say channel=3 pinned keep this")
        self.assertEqual(self.reader.ask("pins", channel=said["channel_id"]),
                         [said["message_id"]])
        self.assertTrue(self.reader.ask("message", channel=said["channel_id"],
                                        id=said["message_id"])["pinned"])
        place = self.sim.do("say quiet x")["channel_id"]
        threads = {t["name"]: t for t in self.reader.ask("threads", channel=place)}
        self.assertFalse(threads["Hilfe 🆘"]["archived"])
        self.assertTrue(threads["Regeln 🔒"]["locked"])
        archived = threads["Sommerfest"]
        self.assertTrue(archived["archived"])
        self.call("POST", f"/channels/{archived['id']}/messages", {"content": "hello"})
        self.reader.wait("messageCreate", channel=archived["id"])


class OfGwbotd(unittest.TestCase):
    """gwbotd and discord.js as two sessions of one bot: what it does there is seen."""

    def setUp(self):
        self.sim = Sim(rate=0, heartbeat=1000, identify_window=0)
        self.addCleanup(self.sim.stop)
        self.reader = Reader(self.sim, gwsim.TOKEN)
        self.addCleanup(self.reader.close)
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)

    def start(self, text=""):
        file = self.bot.dir / "gwbot.conf"
        file.write_text(f"discord: {{ intents = {INTENTS}; }};\n" + text)
        file.chmod(0o640)
        self.bot.env["GWBOT_CONFIG"] = str(file)
        self.bot.start().wait_ready()

    def reply_to(self, said):
        """What the bot wrote back, as discord.js saw it: it must notify nobody."""
        seen = self.reader.wait("messageCreate", reference=said["message_id"],
                                author=self.reader.user)
        self.assertEqual(pings(seen), NOBODY)
        self.assertEqual((seen["type"], seen["channel"]), (19, said["channel_id"]))
        return seen

    def commands(self, wanted):
        """The registered commands by name, once all that are wanted are there."""
        deadline = time.monotonic() + 20
        while True:
            found = {command["name"]: command for command in self.reader.ask("commands")}
            if wanted <= set(found):
                return found
            self.assertLess(time.monotonic(), deadline, f"{found}\n{self.bot.output[-2000:]}")
            time.sleep(0.1)

    def public_answer(self, used):
        """The answer to a slash command once it says something; for all to see."""
        first = self.reader.wait("messageCreate", interaction=used["interaction_id"])
        if first["loading"]:
            first = self.reader.wait("messageUpdate", id=first["id"], loading=False)
        self.assertEqual((first["type"], first["author"], first["asker"], first["ephemeral"]),
                         (20, self.reader.user, used["user_id"], False))
        self.assertEqual(pings(first), NOBODY)
        return first

    def test_ping_gets_a_reaction(self):
        self.start()
        said = self.sim.do("say user=moss_8 roles=none !ping")
        seen = self.reader.wait("messageReactionAdd", message=said["message_id"])
        self.assertEqual((seen["emoji"], seen["user"]), ("\U0001f3d3", self.reader.user))

    def test_health_is_told_to_an_admin(self):
        self.start()
        said = self.sim.do("say user=moss_8 roles=admin !health")
        seen = self.reply_to(said)
        self.assertRegex(seen["content"],
                         r" connected \| Latency: .* \| Uptime: \d\d:\d\d:\d\d \| ")

    def test_a_reply_of_ones_own_pings_nobody(self):
        self.start('commands = ( { name = "rules"; reply = "Be kind, @everyone! {args}"; } );')
        said = self.sim.do("say user=moss_8 roles=none !rules <@&809500672000000032>")
        self.assertIn("Be kind", self.reply_to(said)["content"])

    def test_who_is_no_person_gets_nothing(self):
        self.start()
        for line in ("say bot !ping", "say webhook=123456789012345678 !ping",
                     "say user=moss_8 type=6 !ping"):
            self.sim.do(line)
        edited = self.sim.do("say user=moss_8 hello")
        self.sim.do(f"say edit={edited['message_id']} !ping")
        last = self.sim.do("say user=moss_8 roles=none !ping")
        self.reader.wait("messageReactionAdd", message=last["message_id"])
        self.assertEqual([line["message"] for line in self.reader.seen
                          if line["event"] == "messageReactionAdd"], [last["message_id"]])

    def test_registered_commands(self):
        self.start('commands = ( { name = "rules"; reply = "Be kind. {args}"; '
                   'help = "what is allowed here"; } );')
        found = self.commands({"ping", "health", "reboot", "rules"})
        self.assertEqual(found["rules"]["description"], "what is allowed here")
        self.assertEqual([(o["name"], o["type"], o["required"])
                          for o in found["rules"]["options"]], [("text", 3, False)])
        self.assertTrue(all(c["type"] == 1 and c["description"] for c in found.values()))

    def test_a_slash_command_answers_for_all(self):
        self.start('commands = ( { name = "rules"; reply = "Be kind, @everyone! {args}"; } );')
        self.commands({"rules"})
        used = self.sim.do("interact user=moss_8 roles=none rules text=please <@&1>")
        self.reader.wait("interactionCreate", id=used["interaction_id"], command="rules")
        content = self.public_answer(used)["content"]
        self.assertIn("Be kind", content)
        self.assertIn("please", content)


if __name__ == "__main__":
    unittest.main(verbosity=2)
