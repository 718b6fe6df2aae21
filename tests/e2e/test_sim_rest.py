"""gwsim's REST and the people in it: what bots ask, and what Discord answers."""

import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from sim import TOKEN, Sim  # noqa: E402
from wsclient import Gateway  # noqa: E402

GUILDS, MEMBERS, MESSAGES, REACTIONS = 1, 2, 512, 1024
DIRECT, CONTENT = 4096, 32768
ALL = GUILDS | MEMBERS | MESSAGES | REACTIONS | DIRECT | CONTENT
DAY = 86400


class Quiet(unittest.TestCase):
    """A gwsim where nothing happens by itself, and a client that sees everything."""

    def setUp(self):
        self.sim = Sim("--rate", "0", "--identify-window", "0")
        self.addCleanup(self.sim.stop)
        self.gateway = self.connect(intents=ALL)
        self.guild = self.gateway.until("GUILD_CREATE")["d"]
        self.place = self.sim.do("say quiet start")["channel_id"]

    def connect(self, **more):
        gateway = Gateway(self.sim.gateway)
        self.addCleanup(gateway.close)
        self.me = gateway.ready(TOKEN, **more)["user"]["id"]
        return gateway

    def call(self, method, path, body=None, **more):
        """One call, again while the bucket is empty; status and body."""
        while True:
            status, headers, data = self.sim.rest(method, path, body, **more)
            if status != 429:
                return status, data
            time.sleep(float(headers["retry-after"]) / 4)

    def refused(self, status, code, method, path, body=None, **more):
        got, data = self.call(method, path, body, **more)
        self.assertEqual((got, data["code"]), (status, code), data)
        return data

    def post(self, channel=None, **body):
        return self.call("POST", f"/channels/{channel or self.place}/messages", body)

    def nothing_came(self, name, until="MESSAGE_CREATE"):
        """True where no dispatch of that name comes before a message of now."""
        self.sim.do("say end of it")
        while True:
            payload = self.gateway.read()
            if payload["op"] == 0 and payload["t"] == name:
                return False
            if payload["op"] == 0 and payload["t"] == until:
                return True


class People(Quiet):
    def test_say_as_anyone(self):
        roles = {role["name"]: role for role in self.guild["roles"]}
        leader = next(role for role in self.guild["roles"]
                      if int(role["permissions"]) & 8)
        self.assertEqual(roles["Leitung"], leader)
        said = self.sim.do("say user=owner roles=admin hello, world")
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual(seen["content"], "hello, world")
        self.assertEqual(seen["author"]["id"], self.guild["owner_id"])
        self.assertEqual(said["author_id"], self.guild["owner_id"])
        self.assertEqual(seen["member"]["roles"], [leader["id"]])
        self.assertNotIn("bot", seen["author"])
        self.sim.do("say user=@moss_8 roles=none channel=3 type=6 -- bot x")
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((seen["content"], seen["type"]), ("bot x", 6))
        self.assertEqual(seen["member"]["roles"], [])
        self.assertEqual(int(seen["channel_id"]), int(self.guild["id"]) + 3)

    def test_say_as_what_is_no_person(self):
        self.sim.do("say bot beep")
        self.assertTrue(self.gateway.until("MESSAGE_CREATE")["d"]["author"]["bot"])
        self.sim.do("say webhook=123456789012345678 reply=last news")
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual(seen["webhook_id"], "123456789012345678")
        self.assertEqual(seen["author"]["id"], "123456789012345678")
        self.assertNotIn("member", seen)
        self.assertEqual(seen["referenced_message"]["content"], "beep")
        self.assertEqual(seen["type"], 19)

    def test_edit(self):
        said = self.sim.do("say frist")
        self.sim.do(f"say edit={said['message_id']} first")
        seen = self.gateway.until("MESSAGE_UPDATE")["d"]
        self.assertEqual((seen["id"], seen["content"]), (said["message_id"], "first"))
        self.assertTrue(seen["edited_timestamp"])

    def test_old_messages_are_there_and_not_told(self):
        said = self.sim.do("say age=15d count=3 long ago")
        born = (int(said["message_id"]) >> 22) / 1000 + 1420070400
        self.assertAlmostEqual(time.time() - born, 15 * DAY, delta=60)
        self.assertTrue(self.nothing_came("MESSAGE_UPDATE"))
        status, list_ = self.call("GET", f"/channels/{self.place}/messages")
        self.assertEqual(status, 200)
        self.assertEqual(sum(m["content"] == "long ago" for m in list_), 3)
        self.assertEqual(len({m["id"] for m in list_}), len(list_))

    def test_join(self):
        self.sim.do("join user=moss_8 announce")
        seen = self.gateway.until("GUILD_MEMBER_ADD")["d"]
        self.assertEqual(seen["user"]["username"], "moss_8")
        self.assertEqual((seen["guild_id"], seen["roles"]), (self.guild["id"], []))
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((seen["type"], seen["content"]), (7, ""))
        self.assertEqual(seen["author"]["username"], "moss_8")

    def test_wrong_words(self):
        for line in ("say user=nobody x", "say roles=king x", "say type=x y",
                     "say guild=99 x", "say channel=99 x", "say age=12y x",
                     "say edit=1 x", "say count=0 x", "join me", "calls 0",
                     "calls 1 2"):
            with self.subTest(line=line):
                answer = self.sim.ask(line)
                self.assertFalse(answer["ok"])
                self.assertTrue(answer["error"])

    def test_calls_are_told_whole(self):
        before = self.sim.do("calls")["total"]
        self.post(content="one")
        self.sim.rest("POST", f"/channels/{self.place}/messages", "no json")
        told = self.sim.do("calls 2")
        self.assertEqual(told["total"], before + 2)
        self.assertEqual([(c["method"], c["status"]) for c in told["calls"]],
                         [("POST", 200), ("POST", 400)])
        self.assertEqual(told["calls"][0]["body"], {"content": "one"})
        self.assertEqual(told["calls"][1]["body"], "no json")
        self.assertTrue(told["calls"][0]["path"].endswith("/messages"))


class Mentions(Quiet):
    def notified(self, content, **body):
        status, data = self.post(content=content, **body)
        self.assertEqual(status, 200, data)
        return ({user["id"] for user in data["mentions"]}, data["mention_roles"],
                data["mention_everyone"])

    def test_whom_a_message_notifies(self):
        user = self.sim.do("say reply me")
        role = self.guild["roles"][1]["id"]
        text = f"<@{user['author_id']}> <@&{role}> @everyone"
        who = {user["author_id"]}
        self.assertEqual(self.notified(text), (who, [role], True))
        nobody = {"allowed_mentions": {"parse": []}}
        self.assertEqual(self.notified(text, **nobody), (set(), [], False))
        one = {"allowed_mentions": {"parse": [], "roles": [role]}}
        self.assertEqual(self.notified(text, **one), (set(), [role], False))
        reply = {"message_reference": {"message_id": user["message_id"]}}
        self.assertEqual(self.notified("x", **reply), (who, [], False))
        self.assertEqual(self.notified("x", **reply, **nobody), (set(), [], False))
        self.refused(400, 50035, "POST", f"/channels/{self.place}/messages",
                     {"content": "x", "allowed_mentions": {"parse": ["users"],
                                                           "users": ["1"]}})

    def test_embeds(self):
        embeds = [{"title": "t", "description": "d"}]
        status, data = self.post(embeds=embeds)
        self.assertEqual((status, data["embeds"], data["content"]), (200, embeds, ""))
        data = self.refused(400, 50035, "POST", f"/channels/{self.place}/messages",
                            {"embeds": embeds * 11})
        self.assertIn("embeds", data["errors"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
