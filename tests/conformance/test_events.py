"""The feed of events over the control socket: followers of every kind, and gwctl events."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import time
import unittest

from test_control import DEADLINE, GWCTL, Case, FakeDaemon, ask, hello_of, read_all, request, wait_for

FOLLOWERS = 48
FAST = ("-e", "20000,1000")  # 200,000 dispatches a second
SLOW = ("-e", "2000,10")     # 2,000 a second


class Follower:
    """A connection that follows, as lines of JSON."""

    def __init__(self, daemon, *params):
        self.peer = daemon.connect()
        self.peer.sendall(request("events", params=["--follow", *params]))
        self.file = self.peer.makefile("rb")
        self.answer = json.loads(self.file.readline())

    def event(self):
        message = json.loads(self.file.readline())
        assert message["jsonrpc"] == "2.0" and message["method"] == "event", message
        return message["params"]

    def until(self, kind):
        """All events up to the first of this type, that one included."""
        events = [self.event()]
        while events[-1]["type"] != kind:
            events.append(self.event())
        return events

    def close(self):
        self.file.close()
        self.peer.close()


class EventsCase(Case):
    def follow(self, daemon, *params):
        follower = Follower(daemon, *params)
        self.addCleanup(follower.close)
        return follower

    def burst(self, daemon, wait=True):
        count = daemon.text().count("event=burst_done")
        daemon.process.send_signal(signal.SIGUSR1)
        if wait:
            wait_for(lambda: daemon.text().count("event=burst_done") > count, "the burst")

    def check_stream(self, events, sent):
        """What came and what is told as dropped is what was sent, each in its place."""
        last = dropped = 0
        for event in events:
            if event["type"] == "feed.dropped":
                self.assertGreater(event["fields"]["dropped"], 0)
                self.assertIn(str(event["fields"]["dropped"]), event["text"])
                dropped += event["fields"]["dropped"]
                last += event["fields"]["dropped"]
            elif event["type"] == "dispatch.MESSAGE_CREATE":
                last += 1
                self.assertEqual(event["fields"]["seq"], last)
        self.assertEqual(last, sent)
        return dropped


class Answers(EventsCase):
    """Without following: the history."""

    def test_the_last_changes_newest_last(self):
        daemon = self.start("two")
        with daemon.connect() as peer:
            self.assertEqual(ask(peer, "events")["result"]["events"], [])
            for shard in (0, 1, 1):
                ask(peer, "reconnect", params=[shard])
            answer = ask(peer, "events")["result"]
            self.assertFalse(answer["following"])
            events = answer["events"]
            self.assertEqual([event["number"] for event in events], [1, 2, 3])
            self.assertEqual({event["type"] for event in events}, {"control.command"})
            self.assertEqual({event["level"] for event in events}, {"info"})
            self.assertEqual(events[1]["fields"]["args"], "1")
            self.assertEqual(events[1]["fields"]["pid"], os.getpid())
            self.assertEqual(events[1]["text"], f"reconnect 1, by uid {os.getuid()}, pid {os.getpid()}")
            self.assertIsNone(events[1]["shard"])
            for params, numbers in ((["--last=2"], [2, 3]), (["--last", "0"], []), ({"last": 1}, [3]),
                                    (["--type=control.*"], [1, 2, 3]), (["--type=CONTROL.COMMAND"], [1, 2, 3]),
                                    (["--type=!control.*"], []), (["--type=shard.*"], []),
                                    (["--shard=0"], []), ({"shard": "0-1", "last": "5"}, []),
                                    ({"follow": False}, [1, 2, 3])):
                events = ask(peer, "events", params=params)["result"]["events"]
                self.assertEqual([event["number"] for event in events], numbers, params)

    def test_twenty_by_default_and_a_thousand_at_most(self):
        daemon = self.start()
        with daemon.connect() as peer:
            file = peer.makefile("rb")
            peer.sendall(request("reconnect") * 1010)
            for _ in range(1010):
                file.readline()
            for params, first in (([], 991), (["--last=1000"], 11)):
                peer.sendall(request("events", params=params))
                events = json.loads(file.readline())["result"]["events"]
                self.assertEqual([event["number"] for event in events], list(range(first, 1011)))
            file.close()

    def test_arguments_that_do_not_fit(self):
        with self.start("two").connect() as peer:
            for params, number in ((["--last=1001"], -32602), (["--last=x"], -32602), (["--last=-1"], -32602),
                                   (["--last=18446744073709551617"], -32602), (["--last="], -32602),
                                   (["--type="], -32602), (["--type=" + "x" * 66], -32602),
                                   (["--shard=x"], -32602), (["--shard=2"], -32000), (["--shard=0-7"], -32000),
                                   (["--follow=1"], -32602), (["--since=1"], -32602), (["x"], -32602)):
                error = ask(peer, "events", params=params)["error"]
                self.assertEqual(error["code"], number, params)
                self.assertEqual(ask(peer, "events", params=["--follow", *params])["error"]["code"], number)
            # Nobody to answer: nothing is followed, and the connection goes on.
            peer.sendall(b'{"jsonrpc":"2.0","method":"events","params":["--follow"]}\n')
            self.assertIn("result", ask(peer, "version"))

    def test_plain_text_has_a_line_an_event(self):
        daemon = self.start(args=SLOW)
        with daemon.connect() as peer:
            ask(peer, "reconnect")
            peer.sendall(b"events\n")
            peer.shutdown(socket.SHUT_WR)
            text = read_all(peer).decode()
        self.assertRegex(text, r"(?m)^events\.0: \d{4}-\S+Z info control\.command reconnect")
        self.assertTrue(text.endswith("\n\n"))
        with daemon.connect() as peer:  # as echo 'events --follow' | socat does it
            peer.sendall(b"events --follow --last 1")
            peer.shutdown(socket.SHUT_WR)
            file = peer.makefile("rb")
            while line := file.readline().strip():
                self.assertRegex(line, rb"^[a-z0-9._]+: .")
            self.burst(daemon, wait=False)
            for seq in range(1, 2001):
                self.assertRegex(file.readline().decode(),
                                 rf"^event: \S+Z info shard 0 dispatch\.MESSAGE_CREATE seq {seq}, 15 bytes\n$")
            self.assertRegex(file.readline(), rb"^event: \S+Z warning host\.slept the host slept for 35 s")
            file.close()


class Followers(EventsCase):
    def test_history_then_all_that_happens_in_order(self):
        daemon = self.start(args=SLOW)
        with daemon.connect() as peer:
            ask(peer, "reconnect")
        follower = self.follow(daemon)
        result = follower.answer["result"]
        self.assertTrue(result["following"])
        self.assertEqual([event["number"] for event in result["events"]], [1])
        self.burst(daemon, wait=False)
        events = follower.until("host.slept")
        self.assertEqual(self.check_stream(events, 2000), 0)
        self.assertEqual(len(events), 2001)
        event = events[0]
        self.assertEqual((event["number"], event["level"], event["shard"]), (None, "info", 0))
        self.assertEqual(event["fields"], {"seq": 1, "size_bytes": 15})
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(events[-1]["number"], 2)

    def test_a_follower_gets_what_it_asked_for(self):
        daemon = self.start("two", args=SLOW)
        some = self.follow(daemon, "--type=!dispatch.*")
        other = self.follow(daemon, "--shard=1")
        most = self.follow(daemon, "--type=message_*")
        self.burst(daemon, wait=False)
        self.assertEqual([most.event()["fields"]["seq"] for _ in range(2000)], list(range(1, 2001)))
        self.assertEqual(some.event()["type"], "host.slept")
        other.peer.setblocking(False)
        self.assertRaises(BlockingIOError, other.peer.recv, 1)

    def test_a_reader_that_does_not_read_holds_nobody_up_and_is_told(self):
        daemon = self.start(args=FAST)
        follower = self.follow(daemon)
        before = self.memory(daemon)
        sent = 0
        for _ in range(5):
            self.burst(daemon, wait=False)
            with daemon.connect() as peer:
                began = time.monotonic()
                self.assertIn("result", ask(peer, "status"))
                self.assertLess(time.monotonic() - began, 2)
            wait_for(lambda: daemon.text().count("event=burst_done") > sent, "the burst")
            sent += 1
        # A queue, what the kernel holds, and what its checkers keep of freed memory.
        self.assertLess(self.memory(daemon) - before, 40 << 20)
        last = dropped = bursts = 0
        while bursts < 5:
            event = follower.event()
            if event["type"] == "feed.dropped":
                dropped += event["fields"]["dropped"]
                last += event["fields"]["dropped"]
            elif event["type"] == "host.slept":
                bursts += 1
            else:
                self.assertEqual(event["fields"]["seq"], last % 20000 + 1)
                last += 1
        self.assertGreater(dropped, 50000)
        self.assertEqual(last, 5 * 20000)
        # It is as good as new.
        self.burst(daemon, wait=False)
        self.check_stream(follower.until("host.slept"), 20000)

    def memory(self, daemon):
        with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_a_follower_that_reads_nothing_is_hung_up_on_in_the_end(self):
        daemon = self.start(args=(*FAST, "-f", "1500"))
        deaf = self.follow(daemon)
        idle = self.follow(daemon, "--type=config.*")
        self.burst(daemon)
        time.sleep(0.5)
        with daemon.connect() as peer:
            self.assertIn("result", ask(peer, "status"))
        time.sleep(2.5)
        data = read_all(deaf.peer)
        self.assertGreater(len(data), 10000)
        self.assertLess(data.count(b"\n"), 20000)
        # Who has nothing to read is not slow.
        idle.peer.setblocking(False)
        self.assertRaises(BlockingIOError, idle.peer.recv, 1)

    def test_a_hundred_followers_never_lock_a_new_client_out(self):
        daemon = self.start(args=FAST)
        followers = [Follower(daemon) for _ in range(100)]
        for follower in followers:
            self.addCleanup(follower.close)
        following = [follower for follower in followers if "result" in follower.answer]
        busy = [follower.answer["error"] for follower in followers if "error" in follower.answer]
        self.assertEqual(len(following), FOLLOWERS)
        self.assertEqual({error["code"] for error in busy}, {-32002})
        self.assertIn(f"{FOLLOWERS} clients follow", busy[0]["message"])
        self.burst(daemon)
        for _ in range(30):
            with daemon.connect() as peer:
                self.assertIn("result", ask(peer, "status"))
                self.assertIn("result", ask(peer, "events"))
        # Nobody has read a thing: after a while one of them goes for who would read.
        time.sleep(11)
        late = self.follow(daemon)
        self.assertIn("result", late.answer)
        ended = 0
        for follower in following:
            follower.peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while part := follower.peer.recv(1 << 20):
                    self.assertTrue(part)
                ended += 1
        self.assertEqual(ended, 1)
        # One that ends makes room.
        following[0].close()
        following[1].close()
        time.sleep(0.2)
        self.assertIn("result", self.follow(daemon).answer)

    def test_garbage_from_a_follower_changes_nothing(self):
        daemon = self.start(args=SLOW)
        follower = self.follow(daemon)
        follower.peer.sendall(b"\0{nonsense" * 100 + b"\n" + request("status"))
        self.burst(daemon, wait=False)
        self.assertEqual(self.check_stream(follower.until("host.slept"), 2000), 0)

    def test_followers_that_vanish(self):
        daemon = self.start(args=SLOW)
        watcher = self.follow(daemon)
        self.burst(daemon, wait=False)
        for i in range(60):
            follower = Follower(daemon, "--last=1000")
            if i % 3 == 1:
                follower.event()
            if i % 2:
                follower.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            follower.close()
        self.assertEqual(self.check_stream(watcher.until("host.slept"), 2000), 0)
        self.assertEqual(daemon.stop(), 0)

    def test_an_end_of_the_daemon_ends_the_stream(self):
        daemon = self.start()
        follower = self.follow(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(follower.file.read(), b"")

    def test_nothing_to_tell_costs_nothing(self):
        daemon = self.start()
        followers = [self.follow(daemon) for _ in range(10)]
        before = daemon.cpu_seconds()
        time.sleep(1)
        self.assertLess(daemon.cpu_seconds() - before, 0.2)
        self.assertEqual(len(followers), 10)


class Gwctl(EventsCase):
    """gwctl events."""

    def popen(self, *args, **members):
        process = subprocess.Popen(
            [GWCTL, "-s", os.path.join(self.folder, "control.sock"), *args],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
               "stdin": subprocess.DEVNULL, "env": {**os.environ, "TZ": "XXX-02:30"}, **members})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdout, process.stderr):
            if stream:
                self.addCleanup(stream.close)
        return process

    def test_lines_for_people(self):
        daemon = self.start(args=SLOW)
        self.assertEqual(self.gwctl("events").stdout, "nothing has happened that fits\n")
        self.gwctl("reconnect", "0")
        line = self.gwctl("events", "-n", "1").stdout
        self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{3}  info     control    reconnect 0, by uid \d+, pid \d+\n$")
        process = self.popen("events", "--follow", "-n1")
        self.assertIn("reconnect 0", process.stdout.readline())
        self.burst(daemon, wait=False)
        for seq in (1, 2, 3):
            self.assertRegex(process.stdout.readline(),
                             rf"^\d\d:\d\d:\d\d\.\d{{3}}  info     shard 0    MESSAGE_CREATE  seq {seq}, 15 bytes\n$")

    def test_times_are_those_of_the_place(self):
        self.start()
        self.gwctl("reconnect")
        utc = json.loads(self.gwctl("events", "--json").stdout)["events"][0]["time"]
        for zone, minutes in (("XXX-02:30", 150), ("XXX00", 0), ("XXX23", -23 * 60)):
            lines = self.gwctl("events", env={"TZ": zone}).stdout.split("\n")
            hours, minute, rest = utc[11:23].split(":")
            total = int(hours) * 60 + int(minute) + minutes
            self.assertEqual(lines[-2][:12], f"{total // 60 % 24:02}:{total % 60:02}:{rest}", zone)

    def test_the_day_is_told_where_it_changes_and_nothing_steers_a_terminal(self):
        def event(when, **members):
            return {"number": 1, "time": when, "level": "info", "type": "shard.ready", "shard": 0,
                    "text": "ready", "fields": {}, **members}
        events = [event("2021-03-04T23:59:59.999Z"), event("2021-03-05T00:00:00.000Z", level="warning", shard=499),
                  event("2021-03-05T00:00:00.001Z", type="watchdog.late", shard=None, text="a\u001b[31mb"),
                  event("nonsense\u0007", level=7, type=None, shard="x", text=None), {}]

        def answer(line):
            message = json.loads(line)
            if message["method"] == "hello":
                return hello_of("1.9.0", [1, 1], ["events"])(line)
            result = {"schema": "gwctl/1", "command": "events", "events": events}
            return (json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n").encode()
        fake = FakeDaemon(os.path.join(self.folder, "control.sock"), answer)
        self.addCleanup(fake.close)
        run = self.gwctl("events", env={"TZ": "UTC"})
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout, "2021-03-04\n"
                         "23:59:59.999  info     shard 0    ready\n"
                         "2021-03-05\n"
                         "00:00:00.000  warning  shard 499  ready\n"
                         "00:00:00.001  info     watchdog   a\ufffd[31mb\n"
                         "nonsense\ufffd     -        -\n"
                         "-             -        -\n")

    def test_ctrl_c_on_a_terminal(self):
        self.start()
        self.gwctl("reconnect")
        pid, shown = pty.fork()
        if pid == 0:
            os.execve(GWCTL, [GWCTL, "-s", os.path.join(self.folder, "control.sock"), "events", "-f"],
                      {**os.environ, "TERM": "dumb"})
        text = b""
        while b"reconnect" not in text:
            text += os.read(shown, 4096)
        os.write(shown, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)
        os.close(shown)

    def test_json_is_one_object_a_line_in_utc(self):
        daemon = self.start(args=SLOW)
        self.gwctl("reconnect")
        document = json.loads(self.gwctl("events", "--json").stdout)
        self.assertEqual((document["schema"], document["command"]), ("gwctl/1", "events"))
        self.assertEqual(len(document["events"]), 1)
        process = self.popen("events", "-f", "--json")
        first = json.loads(process.stdout.readline())
        self.burst(daemon, wait=False)
        events = [first] + [json.loads(process.stdout.readline()) for _ in range(2001)]
        for event in events:
            self.assertEqual(list(event)[:2], ["schema", "command"])
            self.assertEqual((event["schema"], event["command"]), ("gwctl/1", "events"))
            self.assertTrue(event["time"].endswith("Z"))
        self.assertEqual(first["type"], "control.command")
        self.assertEqual(self.check_stream(events, 2000), 0)
        self.assertEqual(events[-1]["type"], "host.slept")

    def interrupt(self, process):
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=DEADLINE), 130)
        self.assertLess(time.monotonic() - began, 5)

    def test_an_interrupt_ends_it_with_130(self):
        daemon = self.start(args=FAST)
        self.gwctl("reconnect")
        process = self.popen("events", "-f")
        self.assertIn("reconnect", process.stdout.readline())
        self.interrupt(process)
        self.assertEqual(process.stderr.read(), "")
        # Also while it waits for a reader of its output.
        process = self.popen("events", "-f")
        self.assertIn("reconnect", process.stdout.readline())
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, 4096)
        self.burst(daemon)
        time.sleep(0.3)
        self.interrupt(process)

    def test_an_interrupt_ends_it_while_the_daemon_is_away(self):
        daemon = self.start()
        self.gwctl("reconnect")
        process = self.popen("events", "-f")
        self.assertIn("reconnect", process.stdout.readline())
        daemon.stop()
        self.assertIn("the connection to gwbotd is lost", process.stdout.readline())
        self.interrupt(process)

    def test_a_reader_that_went_ends_it_quietly(self):
        self.start()
        self.gwctl("reconnect")
        process = self.popen("events", "-f")
        self.assertIn("reconnect", process.stdout.readline())
        process.stdout.close()  # nothing happens, and it ends all the same
        self.assertEqual(process.wait(timeout=DEADLINE), 0)
        self.assertEqual(process.stderr.read(), "")

    def test_an_output_that_is_full_is_an_error_that_is_told(self):
        self.start()
        self.gwctl("reconnect")
        with open("/dev/full", "w", encoding="ascii") as full:
            run = subprocess.run([GWCTL, "-s", self.daemons[0].path, "events", "-f"], stdout=full,
                                 stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("cannot write the output", run.stderr)

    def test_it_survives_the_daemon(self):
        daemon = self.start()
        self.gwctl("reconnect")
        process = self.popen("events", "-f", "--json", "--type=!dispatch.*")
        self.assertEqual(json.loads(process.stdout.readline())["number"], 1)
        daemon.process.kill()
        daemon.process.wait()
        lost = json.loads(process.stdout.readline())
        self.assertEqual((lost["type"], lost["level"], lost["number"]), ("gwctl.lost", "warning", None))
        self.assertIsNone(process.poll())
        again = self.start()
        back = json.loads(process.stdout.readline())
        self.assertEqual(back["type"], "gwctl.back")
        self.assertIn(f"to a new process (pid {again.process.pid})", back["text"])
        self.gwctl("reconnect")
        self.assertEqual(json.loads(process.stdout.readline())["number"], 1)
        self.interrupt(process)

    def test_a_connection_that_was_too_slow_goes_on_where_it_was(self):
        daemon = self.start(args=(*FAST, "-f", "1000"))
        self.gwctl("reconnect")
        process = self.popen("events", "-f", "--json")
        self.assertEqual(json.loads(process.stdout.readline())["number"], 1)
        process.send_signal(signal.SIGSTOP)
        self.burst(daemon)
        time.sleep(2.5)
        self.gwctl("reconnect")
        process.send_signal(signal.SIGCONT)
        events = [json.loads(process.stdout.readline())]
        while events[-1]["number"] != 3:
            events.append(json.loads(process.stdout.readline()))
        types = [event["type"] for event in events]
        self.assertLess(types.index("gwctl.lost"), types.index("gwctl.back"))
        self.assertIn("to the same process", events[types.index("gwctl.back")]["text"])
        self.assertEqual([event["number"] for event in events if event["number"]], [2, 3])
        self.interrupt(process)

    def test_the_timeout_is_for_the_first_answer(self):
        daemon = self.start()
        os.kill(daemon.process.pid, signal.SIGSTOP)
        run = self.gwctl("--timeout", "300ms", "events", "-f")
        self.assertEqual((run.returncode, run.stdout), (5, ""))
        os.kill(daemon.process.pid, signal.SIGCONT)
        process = self.popen("--timeout", "5s", "events", "-f")
        time.sleep(0.5)
        self.gwctl("reconnect")
        self.assertIn("reconnect", process.stdout.readline())
        self.interrupt(process)

    def test_failures(self):
        self.assertEqual(self.gwctl("events", "-f").returncode, 3)
        self.assertEqual(self.gwctl("events", "-f", "--watch").returncode, 2)
        self.assertEqual(self.gwctl("status", "-f").returncode, 2)
        self.assertEqual(self.gwctl("events", "x").returncode, 2)
        self.start()
        for args, status in ((["-n", "x"], 2), (["--shard", "9"], 1), (["--type="], 2)):
            for follow in ([], ["-f"]):
                run = self.gwctl("events", *follow, *args)
                self.assertEqual((run.returncode, run.stdout), (status, ""), (follow, args))
                self.assertTrue(run.stderr.startswith("gwctl: "), run.stderr)

    def test_a_daemon_without_events_is_an_old_one(self):
        fake = FakeDaemon(os.path.join(self.folder, "control.sock"),
                          hello_of("0.0.9", [1, 1], ["status"]))
        self.addCleanup(fake.close)
        run = self.gwctl("events", "-f")
        self.assertEqual(run.returncode, 6, run.stderr)

    def test_colours_on_a_terminal_only(self):
        daemon = self.start(args=("-e", "1,1"))
        shown, slave = pty.openpty()
        process = subprocess.Popen([GWCTL, "-s", daemon.path, "events", "-f"], stdout=slave, stdin=slave,
                                   env={"PATH": os.environ["PATH"], "TERM": "xterm"})
        os.close(slave)
        self.burst(daemon)
        text = b""
        while b"slept" not in text:
            text += os.read(shown, 4096)
        self.assertRegex(text, rb"\x1b\[33mwarning\x1b\[0m")
        self.interrupt(process)
        os.close(shown)
        process = self.popen("events", "-f")
        self.assertNotIn("\033", process.stdout.readline())


if __name__ == "__main__":
    unittest.main(verbosity=1)
