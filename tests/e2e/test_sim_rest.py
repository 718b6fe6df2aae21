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

    def test_replies_that_cannot_be(self):
        path = f"/channels/{self.place}/messages"
        joined = self.sim.do("join announce")["message_id"]
        for target, code in ((joined, "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE"),
                             ("1", "REPLIES_UNKNOWN_MESSAGE")):
            body = {"content": "x", "message_reference": {"message_id": target}}
            data = self.refused(400, 50035, "POST", path, body)
            self.assertEqual(data["errors"]["message_reference"]["_errors"][0]["code"],
                             code)
        body["message_reference"]["fail_if_not_exists"] = False
        status, data = self.call("POST", path, body)
        self.assertEqual((status, data["type"]), (200, 0))

    def test_embeds(self):
        embeds = [{"title": "t", "description": "d"}]
        status, data = self.post(embeds=embeds)
        self.assertEqual((status, data["embeds"], data["content"]), (200, embeds, ""))
        data = self.refused(400, 50035, "POST", f"/channels/{self.place}/messages",
                            {"embeds": embeds * 11})
        self.assertIn("embeds", data["errors"])


def slash(name, description="says so", **more):
    return {"name": name, "description": description, **more}


class AppCommands(Quiet):
    def setUp(self):
        super().setUp()
        self.all = f"/applications/{self.me}/commands"
        self.here = f"/applications/{self.me}/guilds/{self.guild['id']}/commands"

    def test_whole_sets(self):
        self.assertEqual(self.call("GET", self.all), (200, []))
        text = {"name": "text", "description": "what", "type": 3, "required": False}
        status, made = self.call("PUT", self.all,
                                 [slash("ping"), slash("say", options=[text])])
        self.assertEqual(status, 200)
        self.assertEqual([c["name"] for c in made], ["ping", "say"])
        self.assertEqual({c["application_id"] for c in made}, {self.me})
        self.assertNotIn("required", made[1]["options"][0])
        self.assertEqual(self.call("GET", self.all), (200, made))
        self.assertEqual(self.call("GET", self.here), (200, []))
        status, again = self.call("PUT", self.all, [slash("say", "other"), slash("new")])
        self.assertEqual(again[0]["id"], made[1]["id"])
        self.assertNotEqual(again[0]["version"], made[1]["version"])
        self.assertEqual(self.call("GET", self.all), (200, again))
        status, same = self.call("PUT", self.all, [slash("say", "other"), slash("new")])
        self.assertEqual(same, again)
        status, own = self.call("PUT", self.here, [slash("ping")])
        self.assertEqual(own[0]["guild_id"], self.guild["id"])
        self.assertEqual(self.call("PUT", self.all, []), (200, []))

    def test_what_is_refused_and_where(self):
        option = {"name": "text", "description": "what", "type": 3}
        bad = {
            "0.name": [slash("Ping"), slash(""), slash("a b"), slash("x" * 33),
                       {"description": "x"}],
            "0.description": [slash("a", ""), slash("a", "x" * 101), {"name": "a"}],
            "0.type": [slash("a", type=4)],
            "0.options": [slash("a", options=[option] * 26)],
            "0.options.1.name": [slash("a", options=[option, option])],
            "0.options.0.type": [slash("a", options=[{**option, "type": 12}])],
            "0.options.1": [slash("a", options=[
                option, {**option, "name": "b", "required": True}])],
            "0.options.0.choices": [slash("a", options=[
                {**option, "choices": [{"name": "x", "value": "y"}] * 26}])],
        }
        for path, commands in bad.items():
            for command in commands:
                with self.subTest(path=path, command=command):
                    data = self.refused(400, 50035, "PUT", self.all, [command])
                    at = data["errors"]
                    for key in path.split("."):
                        at = at[key]
                    self.assertTrue(at["_errors"][0]["code"])
        data = self.refused(400, 50035, "PUT", self.all, [slash("a"), slash("a")])
        self.assertIn("1", data["errors"])
        self.refused(400, 50035, "PUT", self.all, {"name": "a"})
        self.refused(400, 30032, "PUT", self.all, [slash(f"a{i}") for i in range(101)])
        self.refused(403, 20012, "PUT", "/applications/1/commands", [slash("a")])
        self.refused(404, 10004, "GET", f"/applications/{self.me}/guilds/1/commands")
        self.assertEqual(self.sim.rest("GET", self.all, token=None)[0], 401)
        status, headers, _ = self.sim.rest("DELETE", self.all)
        self.assertEqual((status, headers["allow"]), (405, "GET, PUT"))
        self.assertEqual(self.call("GET", self.all), (200, []), "nothing was kept")

    def test_100_commands_are_allowed(self):
        status, made = self.call("PUT", self.all, [slash(f"a{i}") for i in range(100)])
        self.assertEqual((status, len(made)), (200, 100))


class Interactions(Quiet):
    def setUp(self):
        super().setUp()
        options = [{"name": "text", "description": "what", "type": 3},
                   {"name": "count", "description": "how often", "type": 4}]
        self.call("PUT", f"/applications/{self.me}/commands",
                  [slash("ping"), slash("say", options=options),
                   slash("must", options=[{**options[0], "required": True}])])

    def ask(self, line):
        """An interaction: its facts with the dispatch and the paths of its answers."""
        told = self.sim.do("interact " + line)
        told["d"] = self.gateway.until("INTERACTION_CREATE")["d"]
        told["callback"] = f"/interactions/{told['interaction_id']}/{told['token']}/callback"
        told["hook"] = f"/webhooks/{self.me}/{told['token']}"
        told["original"] = told["hook"] + "/messages/@original"
        return told

    def free(self, method, path, body=None):
        """A call without Authorization."""
        status, _, data = self.sim.rest(method, path, body, token=None)
        return status, data

    def denied(self, status, code, method, path, body=None):
        got, data = self.free(method, path, body)
        self.assertEqual((got, data["code"]), (status, code), data)

    def test_what_the_bot_is_told(self):
        d = self.ask("user=@moss_8 roles=admin say text=two words count=3")["d"]
        self.assertEqual((d["type"], d["version"]), (2, 1))
        self.assertEqual(d["data"]["name"], "say")
        self.assertEqual(d["data"]["options"],
                         [{"name": "text", "type": 3, "value": "two words"},
                          {"name": "count", "type": 4, "value": 3}])
        self.assertEqual(d["member"]["user"]["username"], "moss_8")
        self.assertTrue(int(d["member"]["permissions"]) & 8)
        self.assertEqual(d["guild_id"], self.guild["id"])
        self.assertEqual(d["channel"]["id"], self.place)
        d = self.ask("user=@moss_8 roles=none ping")["d"]
        self.assertNotIn("options", d["data"])
        self.assertFalse(int(d["member"]["permissions"]) & 8)

    def test_answer_for_all(self):
        told = self.ask("ping")
        body = {"type": 4, "data": {"content": "pong <@&1>"}}
        self.assertEqual(self.free("POST", told["callback"], body), (204, b""))
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((seen["type"], seen["content"]), (20, "pong <@&1>"))
        self.assertEqual(seen["interaction_metadata"]["id"], told["interaction_id"])
        self.assertEqual(seen["guild_id"], self.guild["id"])
        self.assertEqual(seen["mention_roles"], [], "answers notify no roles")
        self.assertEqual(self.free("GET", told["original"])[1]["id"], seen["id"])
        self.denied(400, 40060, "POST", told["callback"], body)
        status, data = self.free("PATCH", told["original"], {"content": "PONG"})
        self.assertEqual((status, data["content"]), (200, "PONG"))
        self.assertEqual(self.gateway.until("MESSAGE_UPDATE")["d"]["content"], "PONG")
        status, data = self.free("POST", told["hook"], {"content": "more"})
        self.assertEqual((status, data["content"]), (200, "more"))
        self.assertEqual(data["message_reference"]["message_id"], seen["id"])
        self.assertEqual(self.free("DELETE", f"{told['hook']}/messages/{data['id']}")[0],
                         204)
        self.assertEqual(self.free("DELETE", told["original"])[0], 204)
        self.gateway.until("MESSAGE_DELETE")
        self.denied(404, 10008, "GET", told["original"])

    def test_deferred_and_for_one(self):
        other = self.connect(intents=ALL & ~DIRECT)
        told = self.ask("ping")
        status, data = self.free("POST", told["callback"] + "?with_response=true",
                                 {"type": 5, "data": {"flags": 64}})
        self.assertEqual(status, 200)
        self.assertEqual(data["interaction"]["id"], told["interaction_id"])
        self.assertTrue(data["interaction"]["response_message_loading"])
        self.assertEqual(data["resource"]["message"]["flags"], 64 | 128)
        seen = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((seen["flags"], seen["content"]), (64 | 128, ""))
        self.assertNotIn("guild_id", seen)
        self.assertNotIn("member", seen)
        self.free("PATCH", told["original"], {"content": "done"})
        seen = self.gateway.until("MESSAGE_UPDATE")["d"]
        self.assertEqual((seen["flags"], seen["content"]), (64, "done"))
        self.refused(404, 10008, "GET", f"/channels/{self.place}/messages/{seen['id']}")
        self.sim.do("say end")
        self.assertEqual(other.until("MESSAGE_CREATE")["d"]["content"], "end",
                         "only the asker sees the answer")

    def test_too_late_and_unknown(self):
        body = {"type": 4, "data": {"content": "x"}}
        told = self.ask("age=4s ping")
        self.denied(404, 10062, "POST", told["callback"], body)
        self.denied(404, 10015, "PATCH", told["original"], {"content": "x"})
        self.denied(404, 10062, "POST", "/interactions/1/nothing/callback", body)
        self.denied(404, 10015, "POST", f"/webhooks/{self.me}/nothing", {"content": "x"})
        told = self.ask("ping")
        self.denied(404, 10062, "POST", told["callback"].replace(
            told["interaction_id"], "1"), body)
        self.denied(400, 50035, "POST", told["callback"], {"type": 1})
        self.denied(400, 50006, "POST", told["callback"], {"type": 4, "data": {}})
        self.denied(400, 50035, "POST", told["callback"],
                    {"type": 4, "data": {"content": "x" * 2001}})
        self.assertEqual(self.free("POST", told["callback"], body)[0], 204,
                         "refused answers leave it open")

    def test_outside_the_global_limit(self):
        told = self.ask("ping")
        self.free("POST", told["callback"], {"type": 4, "data": {"content": "x"}})
        for _ in range(60):
            self.assertEqual(self.free("GET", told["original"])[0], 200)

    def test_commands_that_cannot_be_used(self):
        for line in ("nothing", "", "say word", "say count=x", "must", "age=x ping",
                     "user=nobody ping"):
            with self.subTest(line=line):
                answer = self.sim.ask("interact " + line)
                self.assertFalse(answer["ok"])
                self.assertTrue(answer["error"])


class Paging(Quiet):
    def setUp(self):
        super().setUp()
        self.path = "/channels/%s/messages" % (int(self.guild["id"]) + 5)
        self.sim.do("say channel=5 quiet count=7 x")
        self.sim.do("say channel=5 age=20d count=2 old")

    def ids(self, query):
        status, list_ = self.call("GET", self.path + query)
        self.assertEqual(status, 200, list_)
        return [int(message["id"]) for message in list_]

    def test_windows(self):
        every = self.ids("")
        self.assertEqual((len(every), every), (9, sorted(every, reverse=True)))
        self.assertEqual(self.ids("?limit=2"), every[:2])
        self.assertEqual(self.ids(f"?before={every[2]}&limit=3"), every[3:6])
        self.assertEqual(self.ids(f"?after={every[5]}&limit=2"), every[3:5],
                         "those that follow it, newest first")
        self.assertEqual(self.ids(f"?after={every[0]}"), [])
        self.assertEqual(self.ids(f"?around={every[4]}&limit=3"), every[3:6])
        self.assertEqual(self.ids(f"?around={every[0]}&limit=2"), every[:2])
        for query in ("?limit=0", "?limit=101", f"?before={every[0]}&after={every[1]}"):
            self.refused(400, 50035, "GET", self.path + query)

    def test_bulk_delete(self):
        every = [str(i) for i in self.ids("")]
        path = self.path + "/bulk-delete"
        self.refused(400, 50016, "POST", path, {"messages": every[:1]})
        self.refused(400, 50016, "POST", path, {"messages": every * 12})
        self.refused(400, 50035, "POST", path, {"messages": [every[0], every[0]]})
        self.refused(400, 50035, "POST", path, {"messages": ["x", "y"]})
        self.refused(400, 50034, "POST", path, {"messages": [every[0], every[8]]})
        self.assertEqual(len(self.ids("")), 9, "one bad id fails all")
        self.assertEqual(self.call("POST", path, {"messages": every[:3]})[0], 204)
        self.assertEqual(self.gateway.until("MESSAGE_DELETE_BULK")["d"]["ids"], every[:3])
        self.assertEqual(self.call("DELETE", f"{self.path}/{every[8]}")[0], 204)
        self.assertEqual([str(i) for i in self.ids("")], every[3:8])


class Pins(Quiet):
    def test_pins(self):
        said = [self.sim.do(f"say quiet m{i}")["message_id"] for i in range(3)]
        pins = f"/channels/{self.place}/messages/pins"
        for message in said:
            self.assertEqual(self.call("PUT", f"{pins}/{message}"), (204, b""))
        self.gateway.until("CHANNEL_PINS_UPDATE")
        self.assertTrue(self.gateway.until("MESSAGE_UPDATE")["d"]["pinned"])
        told = self.gateway.until("MESSAGE_CREATE")["d"]
        self.assertEqual((told["type"], told["message_reference"]["message_id"]),
                         (6, said[0]))
        status, page = self.call("GET", pins + "?limit=2")
        self.assertEqual((status, page["has_more"]), (200, True))
        self.assertEqual([i["message"]["id"] for i in page["items"]], said[:0:-1])
        self.assertTrue(all(i["message"]["pinned"] for i in page["items"]))
        before = page["items"][1]["pinned_at"].replace("+", "%2B")
        status, page = self.call("GET", f"{pins}?before={before}")
        self.assertEqual([i["message"]["id"] for i in page["items"]], said[:1])
        self.assertFalse(page["has_more"])
        self.assertEqual(self.call("DELETE", f"{pins}/{said[1]}")[0], 204)
        status, old = self.call("GET", f"/channels/{self.place}/pins")
        self.assertEqual([m["id"] for m in old], [said[2], said[0]])
        self.refused(404, 10008, "PUT", f"{pins}/1")
        self.refused(400, 50035, "GET", pins + "?limit=51")
        self.refused(400, 50035, "GET", pins + "?before=yesterday")

    def test_as_many_as_there_may_be(self):
        said = self.sim.do("say quiet pinned count=249 x")
        one = self.sim.do("say quiet one")["message_id"]
        two = self.sim.do("say quiet two")["message_id"]
        pins = f"/channels/{self.place}/messages/pins"
        self.assertEqual(self.call("PUT", f"{pins}/{one}")[0], 204)
        self.refused(400, 30003, "PUT", f"{pins}/{two}")
        self.assertEqual(self.call("DELETE", f"{pins}/{said['message_id']}")[0], 204)
        self.assertEqual(self.call("PUT", f"{pins}/{two}")[0], 204)


class Threads(Quiet):
    """Threads 64 and 65 are active, 66 and 67 archived, 68 also locked, 69 locked."""

    def thread(self, number):
        return str(int(self.guild["id"]) + number)

    def archived(self, number):
        status, data = self.call("GET", f"/channels/{self.thread(number)}")
        self.assertEqual((status, data["type"]), (200, 11))
        return data["thread_metadata"]["archived"]

    def test_lists(self):
        active = {self.thread(n) for n in (64, 65, 69)}
        self.assertEqual({t["id"] for t in self.guild["threads"]}, active)
        status, data = self.call("GET", f"/guilds/{self.guild['id']}/threads/active")
        self.assertEqual({t["id"] for t in data["threads"]}, active)
        path = f"/channels/{self.place}/threads/archived/public"
        status, data = self.call("GET", path + "?limit=2")
        self.assertEqual([t["id"] for t in data["threads"]],
                         [self.thread(68), self.thread(67)])
        self.assertTrue(data["has_more"])
        last = data["threads"][1]["thread_metadata"]["archive_timestamp"]
        status, data = self.call("GET", f"{path}?before={last.replace('+', '%2B')}")
        self.assertEqual([t["id"] for t in data["threads"]], [self.thread(66)])
        self.assertFalse(data["has_more"])
        self.assertEqual(data["threads"][0]["parent_id"], self.place)
        self.refused(400, 50035, "GET", path + "?limit=1")
        self.refused(400, 50035, "GET", path + "?before=x")
        self.refused(404, 10003, "GET", "/channels/1")
        self.refused(404, 10004, "GET", "/guilds/1/threads/active")

    def test_writing_unarchives(self):
        self.assertTrue(self.archived(66))
        status, said = self.post(self.thread(66), content="hello again")
        self.assertEqual(status, 200)
        seen = self.gateway.until("THREAD_UPDATE")["d"]
        self.assertFalse(seen["thread_metadata"]["archived"])
        self.assertEqual(self.gateway.until("MESSAGE_CREATE")["d"]["channel_type"], 11)
        self.assertFalse(self.archived(66))
        status, data = self.call("GET", f"/channels/{self.thread(66)}")
        self.assertEqual(data["last_message_id"], said["id"])
        self.refused(400, 50083, "POST", f"/channels/{self.thread(68)}/messages",
                     {"content": "x"})

    def test_archived_ones_are_only_read(self):
        message = self.sim.do(f"say quiet channel={self.thread(67)} x")["message_id"]
        path = f"/channels/{self.thread(67)}/messages"
        self.assertEqual(self.call("GET", path)[0], 200)
        self.refused(400, 50083, "DELETE", f"{path}/{message}")
        self.refused(400, 50083, "PUT", f"{path}/{message}/reactions/%E2%9C%85/@me")
        self.refused(400, 50083, "PUT", f"{path}/pins/{message}")
        self.refused(400, 50083, "POST", path + "/bulk-delete", {"messages": ["1", "2"]})
        self.refused(400, 50083, "PATCH", f"/channels/{self.thread(67)}",
                     {"auto_archive_duration": 60})
        status, data = self.call("PATCH", f"/channels/{self.thread(67)}",
                                 {"archived": False, "auto_archive_duration": 60})
        self.assertEqual(status, 200)
        self.assertEqual(data["thread_metadata"]["auto_archive_duration"], 60)
        self.assertEqual(self.call("DELETE", f"{path}/{message}")[0], 204)

    def test_changes(self):
        path = f"/channels/{self.thread(64)}"
        status, data = self.call("PATCH", path, {"archived": True, "locked": True})
        self.assertEqual(status, 200)
        self.assertTrue(data["thread_metadata"]["archived"])
        self.assertTrue(data["thread_metadata"]["locked"])
        self.assertEqual(self.gateway.until("THREAD_UPDATE")["d"], data)
        self.refused(400, 50083, "POST", path + "/messages", {"content": "x"})
        for body in ({"archived": 1}, {"auto_archive_duration": 5}, {"topic": "x"}):
            self.refused(400, 50035, "PATCH", path, body)
        self.refused(403, 50013, "PATCH", f"/channels/{self.place}", {"archived": True})

    def test_locked_ones_are_for_moderators(self):
        self.sim.do(f"right {self.thread(69)} manage_threads off")
        self.refused(403, 160005, "POST", f"/channels/{self.thread(69)}/messages",
                     {"content": "x"})
        self.sim.do("right all manage_threads off")
        self.refused(403, 50013, "PATCH", f"/channels/{self.thread(68)}",
                     {"archived": False})
        self.refused(403, 50013, "PATCH", f"/channels/{self.thread(64)}",
                     {"archived": True})
        self.assertEqual(self.call("PATCH", f"/channels/{self.thread(66)}",
                                   {"archived": False})[0], 200)


class Rights(Quiet):
    def setUp(self):
        super().setUp()
        self.path = f"/channels/{self.place}/messages"
        self.theirs = self.sim.do("say quiet theirs")["message_id"]
        self.mine = self.post(content="mine")[1]["id"]

    def test_view(self):
        self.sim.do("right 2 view off")
        for method, path, body in (
                ("GET", self.path, None), ("POST", self.path, {"content": "x"}),
                ("GET", f"{self.path}/{self.mine}", None),
                ("DELETE", f"{self.path}/{self.mine}", None),
                ("GET", f"/channels/{self.place}", None),
                ("GET", f"{self.path}/pins", None),
                ("POST", f"/channels/{int(self.guild['id']) + 64}/messages",
                 {"content": "in a thread of it"})):
            self.refused(403, 50001, method, path, body)
        self.assertEqual(self.post(str(int(self.place) + 1), content="x")[0], 200)
        status, data = self.call("GET", f"/guilds/{self.guild['id']}/threads/active")
        self.assertEqual({t["parent_id"] for t in data["threads"]},
                         {str(int(self.guild["id"]) + 4)})
        self.sim.do("right 2 view on")
        self.assertEqual(self.call("GET", self.path)[0], 200)

    def test_each_right(self):
        emoji = f"{self.path}/{self.theirs}/reactions/%E2%9C%85/@me"
        thread = f"/channels/{int(self.guild['id']) + 64}/messages"
        for right, method, path, body in (
                ("send", "POST", self.path, {"content": "x"}),
                ("send", "POST", f"/channels/{self.place}/typing", None),
                ("send_in_threads", "POST", thread, {"content": "x"}),
                ("history", "GET", f"{self.path}/{self.mine}", None),
                ("history", "PUT", emoji, None),
                ("react", "PUT", emoji, None),
                ("manage_messages", "DELETE", f"{self.path}/{self.theirs}", None),
                ("manage_messages", "POST", self.path + "/bulk-delete",
                 {"messages": ["1", "2"]}),
                ("pin", "PUT", f"{self.path}/pins/{self.mine}", None),
                ("pin", "DELETE", f"{self.path}/pins/{self.mine}", None)):
            with self.subTest(right=right, path=path):
                self.sim.do(f"right all {right} off")
                self.refused(403, 50013, method, path, body)
                self.sim.do(f"right all {right} on")
        self.sim.do("right all manage_messages off")
        self.assertEqual(self.call("DELETE", f"{self.path}/{self.mine}")[0], 204,
                         "its own message is no matter of that right")

    def test_without_history_there_is_nothing(self):
        self.sim.do(f"right {self.place} history off")
        self.assertEqual(self.call("GET", self.path), (200, []))
        self.assertEqual(self.call("GET", f"{self.path}/pins")[1]["items"], [])
        self.refused(400, 160002, "POST", self.path,
                     {"content": "x", "message_reference": {"message_id": self.theirs}})
        self.sim.do("calm")
        self.assertTrue(self.call("GET", self.path)[1])

    def test_wrong_words(self):
        for line in ("right", "right 2 view", "right 2 fly on", "right 99 view on",
                     "right all view maybe"):
            self.assertFalse(self.sim.ask(line)["ok"], line)


class Lookups(Quiet):
    def test_guild_and_people(self):
        path = f"/guilds/{self.guild['id']}"
        status, guild = self.call("GET", path)
        self.assertEqual((status, guild["owner_id"]), (200, self.guild["owner_id"]))
        self.assertEqual(self.call("GET", path + "/roles"), (200, self.guild["roles"]))
        status, channels = self.call("GET", path + "/channels")
        self.assertEqual([c["id"] for c in channels],
                         [c["id"] for c in self.guild["channels"]])
        status, user = self.call("GET", f"/users/{guild['owner_id']}")
        self.assertEqual(user["id"], guild["owner_id"])
        status, member = self.call("GET", f"{path}/members/{guild['owner_id']}")
        self.assertEqual(member["user"], user)
        self.assertTrue(self.call("GET", f"/users/{self.me}")[1]["bot"])
        self.refused(404, 10013, "GET", "/users/1")
        self.refused(404, 10007, "GET", path + "/members/1")
        self.refused(404, 10004, "GET", "/guilds/1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
