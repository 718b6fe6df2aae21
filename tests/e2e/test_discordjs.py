"""discord.js as an independent reader: of gwsim, and of what gwbotd does there."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import sim as gwsim  # noqa: E402
from reader import Reader  # noqa: E402

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
