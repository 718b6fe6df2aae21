"""gwctl events against a gateway: dispatches in order, changes of state, floods, restarts."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from gwbotd import BIN, TOKEN, Gwbotd, Leak, Sim


class Follower:
    """`gwctl --json events -f`, read line by line."""

    def __init__(self, bot, *arguments):
        self.process = subprocess.Popen(
            [str(BIN / "gwctl"), "-s", str(bot.socket), "--json", "events", "-f", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.events = []
        self.fresh = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def read(self):
        with self.process.stdout as lines:
            for line in lines:
                with self.fresh:
                    self.events.append(line)
                    self.fresh.notify_all()

    def all(self):
        with self.fresh:
            lines = list(self.events)
        if TOKEN in "".join(lines):
            raise Leak("in events")
        return [json.loads(line) for line in lines]

    def wait(self, kind, timeout=20, **fields):
        """The first event of a type whose fields fit."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.all():
                if event["type"] == kind and all(event["fields"].get(name) == value
                                                 for name, value in fields.items()):
                    return event
            with self.fresh:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no event {kind} {fields}:\n" + "".join(self.events)[-4000:])
                self.fresh.wait(min(left, 0.2))

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


class Raw:
    """A follower that reads when it is told to."""

    def __init__(self, bot, *params):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(bot.socket))
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "events",
                                        "params": ["--follow", *params]}).encode() + b"\n")
        self.lines = self.socket.makefile("rb")
        self.answer = json.loads(self.lines.readline())

    def event(self):
        return json.loads(self.lines.readline())["params"]

    def close(self):
        self.lines.close()
        self.socket.close()


def resident(bot):
    with open(f"/proc/{bot.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Dispatches(unittest.TestCase):
    def test_every_dispatch_with_its_name_and_sequence(self):
        with Sim(rate=150, heartbeat=1000) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            with Follower(bot, "--type", "dispatch.*") as follower:
                follower.wait("dispatch.MESSAGE_CREATE")
                sim.do("events off")
                for number in range(300):
                    sim.do(f'send {{"t":"GWBOT_TEST_{number % 7}","d":{{"n":{number}}}}}')
                    if number % 50 == 0:
                        sim.do("message hello")
                sim.do('send {"t":"GWBOT_LAST","d":{}}')
                follower.wait("dispatch.GWBOT_LAST")
                events = follower.all()
                self.assertEqual(130, follower.interrupt())
            seqs = [event["fields"]["seq"] for event in events]
            self.assertEqual(list(range(seqs[0], seqs[-1] + 1)), seqs)
            self.assertEqual(bot.snapshot()["shards"][0]["seq"], seqs[-1])
            self.assertEqual({0}, {event["shard"] for event in events})
            sent = [event["type"] for event in events if event["type"].startswith("dispatch.GWBOT_TEST")]
            self.assertEqual([f"dispatch.GWBOT_TEST_{number % 7}" for number in range(300)], sent)
            self.assertEqual(len('{"n":299}'), [event for event in events
                                                if event["type"] in sent][-1]["fields"]["size_bytes"])
            # They are not kept.
            history = json.loads(bot.ctl("--json", "events", "-n", "1000").stdout)["events"]
            self.assertEqual([], [event for event in history if event["type"].startswith("dispatch")])
            self.assertEqual(0, bot.stop())

    def test_names_that_are_none_cannot_do_harm(self):
        with Sim(rate=1, heartbeat=1000) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            with Follower(bot) as follower:
                follower.wait("shard.ready")
                sim.do("events off")
                sim.do('raw {"op":0,"t":"A\\u001b[31m B","d":{}}')
                sim.do('raw {"op":0,"t":"%s","d":{}}' % ("X" * 500))
                sim.do('send {"t":"GWBOT_LAST","d":{}}')
                follower.wait("dispatch.GWBOT_LAST")
                events = follower.all()[-3:]
            types = [event["type"] for event in events]
            self.assertEqual((None, "no sequence, 2 bytes"), (events[0]["fields"]["seq"], events[0]["text"]))
            self.assertRegex(types[0], r"^dispatch\.A[?A-Za-z0-9_]+B$")
            self.assertRegex(types[1], r"^dispatch\.X{40,60}$")
            self.assertEqual(0, bot.stop())

    def test_a_flood_and_a_follower_that_does_not_read(self):
        # The checkers read this flood in a second or two, behind which the answers to beats come.
        with Sim(rate=1, heartbeat=2000, shards=2, max_concurrency=2) as sim, \
                Gwbotd(sim, discord__shards=2, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready(count=2)
            sim.do("events off")
            deaf = [Raw(bot, "--type=dispatch.*", "--shard=0") for _ in range(3)]
            before = bot.snapshot()["shards"][0]["seq"]
            bot.ctl("status")
            memory = resident(bot)
            for _ in range(5):
                sim.do("flood 20000 shard=0")
                self.assertEqual(0, bot.ctl("status").returncode)
                self.assertEqual(200, bot.get("/livez")[0])
            seq = before
            deadline = time.monotonic() + 30
            while seq < before + 100000 and time.monotonic() < deadline:
                seq = bot.snapshot()["shards"][0]["seq"]
            self.assertEqual(before + 100000, seq)
            # Three queues, and what the checkers keep of freed memory.
            self.assertLess(resident(bot) - memory, 64 << 20)
            sim.do('send {"t":"GWBOT_LAST","d":{}}')
            for raw in deaf:
                self.check_stream(raw, before + 1, seq)
                raw.close()
            late = self.lateness(bot)
            deadline = time.monotonic() + 10
            while late["count"] <= 2 and time.monotonic() < deadline:  # a quick build is done before
                time.sleep(0.05)
                late = self.lateness(bot)
            self.assertGreater(late["count"], 2)
            self.assertLess(late["p99_seconds"], 0.5)
            self.assertEqual(0, sum(shard["reconnects"] for shard in bot.snapshot()["shards"]))
            self.assertEqual(0, bot.stop())

    @staticmethod
    def lateness(bot):
        return json.loads(bot.ctl("--json", "status").stdout)["heartbeat_lateness"]

    def check_stream(self, raw, first, last):
        """Delivered and told as dropped are what was sent, each in its place."""
        expected = first
        delivered = dropped = 0
        while True:
            event = raw.event()
            if event["type"] == "feed.dropped":
                dropped += event["fields"]["dropped"]
                expected += event["fields"]["dropped"]
                if expected > last + 1:
                    break  # the last one was lost as well
                continue
            self.assertEqual(expected, event["fields"]["seq"])
            if event["type"] == "dispatch.GWBOT_LAST":
                break
            delivered += 1
            expected += 1
        self.assertGreater(dropped, 10000)
        self.assertIn(delivered + dropped, (last - first + 1, last - first + 2))
        self.assertIn(expected, (last + 1, last + 2))


class Changes(unittest.TestCase):
    def test_what_happens_to_a_shard_is_told(self):
        with Sim(rate=5, heartbeat=400) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            with Follower(bot, "-n", "1000") as follower:
                for kind in ("daemon.starting", "gateway.found", "shard.waiting", "shard.connecting",
                             "shard.opened", "identify.sent", "shard.identifying", "shard.ready"):
                    self.assertEqual("info", follower.wait(kind)["level"])
                sim.do("close 4000")
                lost = follower.wait("shard.lost", code=4000, cause="closed")
                self.assertEqual(("warning", 0), (lost["level"], lost["shard"]))
                self.assertIn("4000", lost["text"])
                resumed = follower.wait("shard.resumed")
                follower.wait("dispatch.RESUMED")
                sim.do("reconnect")
                self.assertIn("op 7", follower.wait("shard.op7")["text"])
                bot.wait_ready(count=3)
                sim.do("invalid false")
                self.assertIn("op 9", follower.wait("shard.op9")["text"])
                bot.wait_ready(count=4)
                sim.do("acks off")
                sim.do("events off")
                self.assertIn("zombie", follower.wait("shard.zombie")["text"])
                sim.do("calm")
                sim.do("refuse on")
                sim.do("drop")
                self.assertGreaterEqual(follower.wait("shard.failed")["fields"]["next_try_s"] or 0, 0)
                numbers = [event["number"] for event in follower.all() if event["number"]]
                self.assertEqual(list(range(1, len(numbers) + 1)), numbers)
                self.assertGreater(resumed["number"], lost["number"])
            self.assertEqual(0, bot.stop())

    def test_log_and_feed_tell_the_same(self):
        with Sim(rate=5, heartbeat=1000) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            sim.do("close 4009")
            bot.wait_ready(count=2)
            history = json.loads(bot.ctl("--json", "events", "-n", "1000", "--shard", "0").stdout)["events"]
            changes = [event["fields"] for event in history
                       if event["type"].startswith("shard.") and "to" in event["fields"]]
            logged = [event for _, event in bot.events("shard_state")]
            self.assertEqual([(event["from"], event["to"]) for event in logged],
                             [(fields["from"], fields["to"]) for fields in changes])
            self.assertEqual(0, bot.stop())

    def test_the_configuration_and_who_asked(self):
        with Sim(rate=1, heartbeat=1000) as sim, Gwbotd(sim) as bot:
            file = bot.dir / "gwbot.conf"
            file.write_text("")
            bot.env["GWBOT_CONFIG"] = str(file)
            bot.start().wait_ready()
            with Follower(bot, "--type", "c*") as follower:
                file.write_text('watchdog: { keepalive = "33s"; };\nhttp: { port = 18; };\n')
                self.assertEqual(0, bot.ctl("reload").returncode)
                command = follower.wait("control.command", command="reload")
                self.assertEqual(os.getuid(), command["fields"]["uid"])
                follower.wait("config.reloaded")
                file.write_text("watchdog: { keepalive = 'x';")
                bot.process.send_signal(signal.SIGHUP)
                self.assertEqual("error", follower.wait("config.refused")["level"])
                self.assertIn("gwbot.conf:1", follower.wait("config.message")["text"])
            self.assertEqual(0, bot.stop())

    def test_the_watchdog_has_the_last_word(self):
        with Sim(rate=5, heartbeat=60000) as sim, \
                Gwbotd(sim, watchdog__keepalive="1", watchdog__stall="2s") as bot:
            bot.start().wait_ready()
            with Follower(bot, "--type", "!dispatch.*") as follower:
                follower.wait("shard.ready")
                sim.do("freeze")
                self.assertEqual("error", follower.wait("watchdog.zombie")["level"])
                follower.wait("daemon.stopping", exit_status=1)
                follower.wait("gwctl.lost")
            self.assertEqual(1, bot.wait_exit())

    def test_following_survives_kill_9_and_a_restart(self):
        with Sim(rate=20, heartbeat=1000) as sim, Gwbotd(sim) as bot:
            bot.start().wait_ready()
            with Follower(bot, "-n", "0") as follower:
                follower.wait("dispatch.MESSAGE_CREATE")
                bot.kill()
                follower.wait("gwctl.lost")
                self.assertIsNone(follower.process.poll())
                bot.start().wait_ready()
                back = follower.wait("gwctl.back")
                self.assertIn(f"pid {bot.process.pid}", back["text"])
                # All that the new process has told meanwhile, and what comes.
                follower.wait("daemon.starting", pid=bot.process.pid)
                follower.wait("shard.resumed")
                count = len(follower.all())
                deadline = time.monotonic() + 20
                while not [event for event in follower.all()[count:]
                           if event["type"] == "dispatch.MESSAGE_CREATE"]:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                numbers = [event["number"] for event in follower.all() if event["number"]]
                self.assertEqual(list(range(1, len(numbers) + 1)), numbers)
                self.assertEqual(130, follower.interrupt())
            self.assertEqual(0, bot.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
