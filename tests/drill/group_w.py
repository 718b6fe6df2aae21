"""Hostile peers, callers and neighbours; hostile pictures are in w_pictures.py."""

import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "conformance"))

import net
import w_pictures  # noqa: F401  for the rows that it registers
from api_peer import Api, whole
from drill import Result, check, fault, suite, unit
from gwbotd import BIN, TOKEN, Gwbotd, Sim
from play import Control, http, live, rss, shard, status, until
from test_bot import ADMIN, ROLE

PATHS = ("/", "/ready", "/health", "/healthz", "/healthz?verbose", "/livez", "/readyz?verbose",
         "/startupz", "/metrics", "/status", "/emoji-pad")
READS = (("status",), ("snapshot",), ("shards",), ("latency",), ("explain",), ("events",),
         ("thresholds",), ("metrics",), ("probes",), ("jobs",), ("config",), ("config", "diff"),
         ("doctor",), ("version",), ("health",), ("check",), ("log",), ("help",))


# ---- the token, the log ----

@fault("W01", "the token in whatever can be read from outside", limit=90)
def canary():
    with live(sim_options={"rate": 50, "heartbeat": 500}) as (sim, bot):
        seen = []
        path = bot.dir / "gwbot.conf"
        path.write_text('jobs = ( { name = "look"; action = "exec"; every = "1d"; command = '
                        '[ "/bin/sh", "-c", "env; cat /proc/$PPID/environ '
                        '/proc/$PPID/cmdline" ]; } );\n')
        path.chmod(0o640)
        check(bot.stop() == 0)
        bot.env["GWBOT_CONFIG"] = str(path)
        bot.start().wait_ready()
        sim.do(f"close 4000 {TOKEN}")
        bot.wait_ready(count=2)
        for page in PATHS:
            seen.append(http(bot, f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))
        for words in READS:
            for more in ((), ("--json",)):
                done = bot.ctl(*more, *words)
                seen.append((done.stdout + done.stderr).encode())
        ran = bot.ctl("--json", "job", "run", "look", "--wait")
        check(ran.returncode == 0, ran)
        seen += [ran.stdout.encode(), bot.ctl("--json", "jobs").stdout.encode()]
        seen.append(subprocess.run([str(BIN / "gwbotd"), "--print-config"], env=bot.env,
                                   capture_output=True, check=True).stdout)
        for name in ("cmdline", "environ", "status", "limits", "maps"):
            seen.append(pathlib.Path(f"/proc/{bot.process.pid}/{name}").read_bytes())
        bot.process.send_signal(signal.SIGUSR1)
        bot.wait_event("status")
        seen += [each.read_bytes() for each in (bot.dir / "state").iterdir()]
        seen.append(bot.output.encode())
        for text in seen:
            at = text.find(TOKEN.encode())
            check(at < 0 and TOKEN.encode().hex().encode() not in text,
                  "in", text[max(0, at - 200):at])
        size = sum(map(len, seen)) / 1e6
    suite("e2e", "test_faults", "Secrets.test_a_close_reason_that_quotes_the_token_is_masked",
          "Secrets.test_the_token_is_refused_on_the_command_line_and_never_echoed")
    return Result(figure=f"0 hits in {size:.1f} MB of log, HTTP, control, /proc, state, children")


FORGED = ("x\nlevel=error event=forged", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe\u2066",
          "\x00\x7f\x9b31m", "\u2028{\"event\":\"forged\"}\u2029", '"}\n{"event":"forged"}')


@fault("W02", "line ends, escape sequences and bidi marks in what peers say")
def log_injection():
    unit("test_log", "values_are_escaped_in_both_forms", "a_nul_byte_ends_nothing",
         "long_lines_are_cut_and_stay_json")
    unit("test_notes")
    suite("e2e", "test_feed", "Dispatches.test_names_that_are_none_cannot_do_harm")
    lines = 0
    for form in ("json", "logfmt"):
        # A shard for each: one alone would soon wait longer between its connections.
        count = len(FORGED)
        with Sim(rate=0, heartbeat=500, shards=count, max_concurrency=count) as sim, \
                Gwbotd(sim, discord__shards=count, env={"GWBOT_LOG_FORMAT": form}) as bot:
            bot.start().wait_control()
            until(lambda: status(bot)["gateway"]["connected"] == count, "ready")
            for number, text in enumerate(FORGED):
                told = json.dumps(text)
                sim.do(f'raw {{"op":0,"s":null,"t":{told},"d":{{}}}}')
                sim.do('send {"t":"GUILD_CREATE","d":{"id":"77","name":%s,"owner_id":"1",'
                       '"roles":[],"members":[],"channels":[]}}' % told)
                sim.do('send {"t":"MESSAGE_CREATE","d":{"id":"%d","channel_id":"5","type":0,'
                       '"content":"!health","author":{"id":"6","username":%s}}}'
                       % (random.getrandbits(50), told))
                # A reason is UTF-8, or the close frame is none; a surrogate is not.
                reason = text.encode("utf-8", "replace")[:120]
                body = struct.pack(">H", 4000) + reason
                sim.do("frame 88%02x%s shard=%d" % (len(body), body.hex(), number))
                until(lambda n=number: shard(bot, n)["resumed"] == 1, "a resume")
            check(bot.stop() == 0)
            until(lambda: "stopped" in bot.output, "its last line")
            for line in bot.output.split("\n"):
                lines += 1
                if form == "json":
                    check(json.loads(line)["event"] != "forged", line)
                else:
                    bare = re.sub(r'"(\\.|[^"\\])*"', "", line)
                    check(" event=" in bare and "forged" not in bare, line)
                check(not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]",
                                    line), repr(line))
    return Result(figure=f"{len(FORGED)} texts in 4 places, both forms: {lines} lines, each one "
                         "record without a control character")


@fault("W03", "a core dump")
def core_dump():
    with Sim() as sim, Gwbotd(sim) as bot:
        bot.wrapper = ["sh", "-c", f'cd {bot.dir} && ulimit -c unlimited && exec "$@"', "sh"]
        bot.start().wait_ready()
        limits = pathlib.Path(f"/proc/{bot.process.pid}/limits").read_text()
        check(re.search(r"Max core file size +[01] +[01] ", limits), "cores are allowed:", limits)
        bot.process.send_signal(signal.SIGABRT)
        check(bot.wait_exit() == -signal.SIGABRT, "ended with", bot.process.returncode)
        cores = [path for path in bot.dir.iterdir() if "core" in path.name]
        check(not cores, "left", cores)
        began = time.monotonic()
        when, _ = bot.start().wait_ready()
        check(shard(bot)["identifies"] == 0)
        check(bot.stop() == 0)
    suite("e2e", "test_hardening", "Process.test_every_thread_is_held")
    return Result(heal=when - began, figure="no core file although the shell allows it; the "
                                            "token's pages are marked as not to be dumped")


# ---- rights of the process ----

@fault("W04", "started as root")
def as_root():
    if os.geteuid() == 0:
        with live() as (_, bot):
            check("runs as root" in bot.ctl("doctor").stdout, "doctor does not warn")
        suite("e2e", "test_hardening", "User.test_root_becomes_another_user",
              "User.test_who_cannot_says_why")
    suite("e2e", "test_units", "Units.test_they_are_as_tight_as_promised")
    return Result(figure="doctor warns, --user becomes another, the unit has a user of its own")


@fault("W05", "rights after the start")
def rights():
    return suite("e2e", "test_hardening", "Process.test_every_thread_is_held",
                 "User.test_root_becomes_another_user",
                 "Process.test_a_program_cannot_do_what_it_never_needs")


@fault("W06", "the unit's hardening")
def unit_score():
    return suite("e2e", "test_units", "Units.test_they_are_as_tight_as_promised",
                 "Units.test_systemd_has_nothing_to_say_of_them")


# ---- who may do what ----

WRITES = {"reconnect": [[], ["--fresh"], ["0"]], "reboot": [[]], "stop": [[]], "reload": [[]],
          "job": [["run", "x"]], "sim": [["freeze"]], "log": [["debug"], ["reset"]],
          "thresholds": [["set", "stall", "10min"], ["reset"]]}
ASKS = ("status", "health", "snapshot", "shards", "latency", "explain", "events", "thresholds",
        "metrics", "probes", "jobs", "config", "log", "doctor", "version", "help")


@fault("W15", "each method of the control socket by each kind of caller")
def authority():
    cells = 0
    with live() as (_, bot):
        with Control(bot) as peer:
            known = set(peer.ask("hello", {"access": "read"})["result"]["capabilities"])
            named = set(WRITES) | set(ASKS)
            check(known - {"hello"} <= named, "methods that this table does not know:",
                  known - named)
            for method in ASKS:
                reply = peer.ask(method)
                check("result" in reply, "a reader may not ask", method, reply)
                cells += 1
            for method, forms in WRITES.items():
                for params in forms:
                    reply = peer.ask(method, params)
                    check(reply.get("error", {}).get("data", {}).get("code") == "read_only",
                          "a reader was not refused", method, params, reply)
                    cells += 1
            text = json.dumps(peer.ask("config"))
            check(TOKEN not in text and "discord.token" in text, "the configuration", text[:200])
        check(not bot.events("control_command"), "what was refused was done")
        check(shard(bot)["reconnects"] == 0 and bot.process.poll() is None)
        with Control(bot) as peer:
            for method, forms in WRITES.items():
                if method in ("reboot", "stop"):
                    continue
                for params in forms[:1]:
                    reply = peer.ask(method, params)
                    # What is refused for its content is on record all the same.
                    _, event = bot.wait_event("control_command", command=method)
                    check(event["uid"] == os.getuid() and event["pid"] == os.getpid(), event)
                    check("sim" != method or "error" in reply, "sim without --sim:", reply)
                    cells += 1
            peer.ask("log", ["reset"])
            until(lambda: shard(bot)["connected"], "ready")
    return Result(figure=f"{cells} cells: readers refused, writers on record with uid and pid")


@fault("W16", "people who are no admins, and what only looks like one", limit=120)
def chat_authority():
    unit("test_bot", "admins_are_known_by_id_by_role_and_by_right",
         "a_crowd_is_refused_a_bounded_number_of_times")
    unit("test_incoming", "what_is_no_command_is_left_alone")
    with Sim(rate=0, identify_window=0, heartbeat=1000) as sim, \
            Gwbotd(sim) as bot:
        path = bot.dir / "gwbot.conf"
        path.write_text('discord: { intents = "GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT"; };\n'
                        f'bot: {{ admins = [ "{ADMIN}" ]; admin_roles = [ "{ROLE}" ]; }};\n')
        path.chmod(0o640)
        bot.env["GWBOT_CONFIG"] = str(path)
        bot.start().wait_ready()
        said = sim.do("say user=moss_8 roles=none hello")
        # Ids tell when, and what is old is not done.
        number = (int(time.time() * 1000) - 1420070400000) << 22

        def message(author, member=None, guild=True, **more):
            nonlocal number
            number += 1
            event = {"id": str(number), "channel_id": said["channel_id"], "type": 0,
                     "content": "!reboot", "author": {"username": "x", **author},
                     "guild_id": said.get("guild_id", "1"), **more}
            if not guild:
                del event["guild_id"]
            if member is not None:
                event["member"] = member
            sim.do("send " + json.dumps({"t": "MESSAGE_CREATE", "d": event}))
        stranger = {"id": said["author_id"]}
        cases = {
            "a stranger": lambda: message(stranger, {"roles": []}),
            "who has the admin's id as a role": lambda: message(stranger, {"roles": [ADMIN]}),
            "whose id is the admins' role": lambda: message({"id": ROLE}, {"roles": []}),
            "who is named as the admin": lambda: message({"id": "1", "username": ADMIN},
                                                         {"roles": [], "nick": ADMIN}),
            "who mentions the admin": lambda: message(
                stranger, {"roles": []}, mentions=[{"id": ADMIN, "username": "a"}],
                mention_roles=[ROLE]),
            "a bot with the admin's id": lambda: message({"id": ADMIN, "bot": True},
                                                         {"roles": [ROLE]}),
            "a webhook with the admin's id": lambda: message({"id": ADMIN}, webhook_id=ADMIN),
            "a role that begins as the admins'": lambda: message(stranger,
                                                                 {"roles": [ROLE + "0"]}),
            "a direct message": lambda: message(stranger, guild=False),
            "a role in a direct message": lambda: message(stranger, {"roles": [ROLE]},
                                                          guild=False),
            "an edited message": lambda: sim.do(f"say edit={said['message_id']} !reboot"),
        }
        for name, act in cases.items():
            act()
            sim.do("beat")
            seq = sim.sessions()[0]["last_sent"]
            until(lambda s=seq: shard(bot)["seq"] >= s, "read")
            time.sleep(0.15)
            check(not bot.events("stopping"), name, "rebooted it")
            check(not [event for _, event in bot.events("chat_command", command="reboot")
                       if event["result"] == "answered"], name, "was answered")
        time.sleep(1.2)
        check(bot.process.poll() is None, "it ended with", bot.process.returncode)
        message({"id": ADMIN}, {"roles": []})  # and the real one is
        check(bot.wait_exit() == 0, "ended with", bot.process.returncode)
    suite("e2e", "test_bot", "Commands.test_what_is_no_request_of_a_person",
          "Commands.test_nobody_is_refused_once_and_then_not_answered")
    return Result(figure=f"{len(cases)} kinds of callers refused, the admin heard")


@fault("W17", "links and strange folders in the place of state and socket")
def links():
    suite("conformance", "test_control", "File.test_w17_links_and_open_folders_are_refused",
          "File.test_w17_a_stranger_s_folder_is_refused", "File.test_what_is_no_socket_stays")
    suite("e2e", "test_faults", "Disk.test_a_folder_that_is_a_link_or_open_to_all_is_not_used")
    # Somebody turns the state folder into a link and back while it starts and runs.
    with Sim(rate=50, identify_window=0) as sim, Gwbotd(sim) as bot:
        state, precious = bot.dir / "state", bot.dir / "precious"
        precious.mkdir(mode=0o700)
        kept = precious / "shard-0-of-1.session"
        kept.write_text("precious")
        over = threading.Event()

        def race():
            while not over.is_set():
                for act in (lambda: state.rename(bot.dir / "aside"),
                            lambda: state.symlink_to(precious), state.unlink,
                            lambda: (bot.dir / "aside").rename(state)):
                    try:
                        act()
                    except OSError:
                        pass
        state.mkdir(mode=0o700)
        thread = threading.Thread(target=race)
        thread.start()
        try:
            for _ in range(15):
                bot.start().wait_ready()
                time.sleep(0.1)
                check(bot.stop() == 0)
        finally:
            over.set()
            thread.join()
        check(kept.read_text() == "precious" and len(list(precious.iterdir())) == 1,
              "written through the link:", list(precious.iterdir()))
    return Result(figure="15 starts beside a race of links: nothing was written through one")


@fault("W18", "metrics: hostile names, and very many of them", limit=90)
def metric_labels():
    unit("test_metrics", "values_are_exact_and_labels_escaped",
         "labelled_families_have_every_series")
    hostile = 'x"} 1\ngwbotd_up{a="\\'
    with live(sim_options={"rate": 0, "heartbeat": 500}, bot__name="n") as (sim, bot):
        before = bot.get("/metrics")[2].decode()
        for number in range(2000):
            sim.do(f'send {{"t":"GWBOT_{number}","d":{{}}}}')
        for number in range(50):
            sim.do('send %s' % json.dumps({"t": hostile + str(number), "d": {"name": hostile}}))
        sim.do("close 4000 " + hostile.replace("\n", " "))
        bot.wait_ready(count=2)
        for path in ("/" + "z" * 50, '/x"}', "/%0a"):
            http(bot, f"GET {path} HTTP/1.1\r\nHost: {hostile.splitlines()[0]}\r\n\r\n".encode())
        text = bot.get("/metrics")[2].decode()
        series = [line for line in text.splitlines() if line and line[0] != "#"]
        old = [line for line in before.splitlines() if line and line[0] != "#"]
        for line in series:
            check(re.fullmatch(r'[a-z_0-9]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+0-9.eInfNa]+',
                               line), line)
        check("GWBOT_19" not in text and hostile[:4] not in text, "names became labels")
        grown = len(series) - len(old)
        check(grown < 100, grown, "new series")
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                  capture_output=True, check=False)
            check("error" not in done.stderr.lower(), done.stderr)
    return Result(figure=f"2,050 names: {len(series)} series, {grown} more than before")


@fault("W19", "hostile names on the status page", limit=120)
def status_page():
    unit("test_page", "texts_from_outside_are_never_markup")
    unit("test_health", "text_of_a_peer_cannot_break_the_document")
    return suite("e2e", "test_page", "Page.test_document", "Page.test_sizes_schemes_and_axe")


@fault("W20", "what helpers and probes get of the environment", limit=120)
def inherited():
    suite("e2e", "test_jobs", "Probes.test_a_program_gets_nothing_of_ours")
    suite("e2e", "test_notify", "Trouble.test_no_program_that_gwbotd_starts_gets_it")
    return suite("e2e", "test_emoji_load",
                 "Helpers.test_a_helper_that_does_anything_else_costs_one_request")


@fault("W21", "one address takes all that HTTP has, slowly and for long", limit=60)
def brute_force():
    with live(sim_options={"rate": 20, "heartbeat": 500}) as (_, bot):
        over = threading.Event()

        def attack():
            peers = []
            while not over.is_set():
                if len(peers) >= 400:
                    peers.pop(0).close()
                one = socket.socket()
                one.bind(("127.0.0.2", 0))
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", bot.port))
                peers.append(one)
                for each in peers[-3:]:
                    try:
                        each.send(b"GET /livez HT")
                    except OSError:
                        pass
                over.wait(0.001)
            for one in peers:
                one.close()
        threads = [threading.Thread(target=attack) for _ in range(3)]
        for thread in threads:
            thread.start()
        took = []
        try:
            time.sleep(1)
            # One that is slow itself keeps its place: the attacker's go first.
            with socket.create_connection(("127.0.0.1", bot.port), 10) as slow:
                slow.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
                for _ in range(100):
                    began = time.monotonic()
                    check(bot.get("/healthz")[0] == 200)
                    took.append(time.monotonic() - began)
                    time.sleep(0.03)
                slow.sendall(b"\r\n")
                check(slow.recv(4096).startswith(b"HTTP/1.1 200"), "the slow one lost its place")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        now = shard(bot)
        check((now["reconnects"], now["zombies"]) == (0, 0), now)
        took.sort()
        check(took[-1] < 1, "a probe of another address took", took[-1])
    return Result(figure=f"100 probes of another address: median {took[50] * 1000:.1f} ms, worst "
                         f"{took[-1] * 1000:.1f} ms")


# ---- the gateway itself ----

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def noise(chance):
    """Bytes that a hostile gateway says behind its upgrade."""
    def frame(op, body):
        size = len(body)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
        return bytes([op]) + length + body
    body = chance.randbytes(chance.randrange(600))
    hello = frame(0x81, b'{"op":10,"d":{"heartbeat_interval":1000}}')
    ready = (b'{"op":0,"s":1,"t":"READY","d":{"v":10,"session_id":"%s","user":{"id":"1"},'
             b'"guilds":[]}}' % (b"a" * chance.randrange(40)))
    damaged = bytearray(ready)
    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return chance.choice((
        lambda: body,
        lambda: hello + body,
        lambda: hello + frame(0x81, body[:500]),
        lambda: hello + frame(0x82, body[:500]),
        lambda: hello + frame(0x81, bytes(damaged)),
        lambda: hello + frame(0x81, ready) + frame(0x81, bytes(damaged)) + body,
        lambda: hello + frame(0x82, b"\x28\xb5\x2f\xfd" + body[:400]),
        lambda: hello + frame(0x88, body[:120]),
        lambda: bytes([chance.randrange(256), 0x7f]) + chance.randbytes(8) + body,
    ))()


@fault("W22", "a gateway that is hostile throughout, over TLS", limit=120)
def hostile_gateway():
    heard, said = [], [0]
    chance = random.Random(22)
    with Sim(tls=True) as sim:
        right, wrong = net.own_context(sim), net.own_context(sim, "DNS:other.drill")

        def serve(context, keep):
            def play(sock, _):
                with context.wrap_socket(sock, server_side=True) as secure:
                    secure.settimeout(2)
                    head = net.read_head(secure)
                    keep.append(head)
                    found = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
                    if not found:
                        return
                    accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())
                    secure.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept
                                   + b"\r\n\r\n" + noise(chance))
                    said[0] += 1
                    while secure.recv(65536):
                        pass
            return play
        # A certificate that is not the gateway's: not a byte is said to it.
        with net.Peer(serve(wrong, heard)) as thief, Gwbotd(
                sim, discord__gateway=f"wss://127.0.0.1:{thief.port}") as bot:
            bot.start().wait_event("shard_state", to="backing off", count=3)
            check(len(thief.times) >= 3 and not heard, "said before it was checked:", heard)
            check(bot.stop() == 0)
        heads = []
        with net.Peer(serve(right, heads)) as hostile, Api(lambda _: whole(200, {}, {
                "url": f"wss://127.0.0.1:{hostile.port}", "shards": 64, "session_start_limit": {
                    "total": 10**6, "remaining": 10**6, "reset_after": 3600000,
                    "max_concurrency": 64}})) as api:
            bots = [Gwbotd(sim, discord__shards="64", discord__compress=codec,
                           env={"LOG_LEVEL": "info", "DISCORD_API_BASE": api.base})
                    for codec in ("none", "zlib-stream", "zstd-stream")]
            try:
                for bot in bots:
                    bot.start().wait_event("listening")
                time.sleep(8)
                first = max(rss(bot) for bot in bots)
                time.sleep(25)
                for bot in bots:
                    check(bot.process.poll() is None, "ended with", bot.process.returncode)
                    check(bot.get("/livez")[0] == 200)
                    check(TOKEN not in bot.output)
                last = max(rss(bot) for bot in bots)
                for bot in bots:
                    check(bot.stop() == 0, "did not stop as asked")
            finally:
                for bot in bots:
                    bot.close()
        check(said[0] >= 300, "only", said[0], "connections")
        check(not any(TOKEN.encode() in head for head in heads), "the token in an upgrade")
        check(last - first < 16 << 20, "RSS grew by", last - first)
    return Result(figure=f"{said[0]} connections of noise, RSS at most {last / 1e6:.1f} MB; "
                         "not a byte before the certificate was checked")
