"""The google-sheet probe through the real programs: gwsim is Google.

gwsim checks each grant with OpenSSL; `openssl` itself is the second, independent judge.
"""

import base64
import http.server
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from gwbotd import BIN, TOKEN as BOT_TOKEN, Gwbotd, Sim

EMAIL = "bot@gwsim-project.iam.gserviceaccount.com"
PRIVATE = "1gwsim-private_sheet-0123456789abcdefghijklmn"
PUBLIC = "1gwsim-public_sheet-0123456789abcdefghijklmno"
API_KEY = "AIzaCanary-0123456789_abcdefghijklmnopq"
ODD = 'It\'s 50/50 "fun" & ü'
TOKEN = "POST /token"
READ = "GET /v4/spreadsheets/{s}/values/{r}"


class Key:
    """An RSA key pair made by openssl."""

    def __init__(self, folder, name, kind=("RSA", "rsa_keygen_bits:2048")):
        self.private_file = folder / f"{name}.pem"
        self.public_file = folder / f"{name}.pub"
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", kind[0], "-pkeyopt", kind[1],
                        "-out", self.private_file], check=True)
        subprocess.run(["openssl", "pkey", "-in", self.private_file, "-pubout", "-out", self.public_file],
                       check=True, stderr=subprocess.DEVNULL)
        self.pem = self.private_file.read_text()

    def pieces(self):
        """Lines of it, as they would stand in a leak."""
        return [line for line in self.pem.splitlines() if not line.startswith("-") and len(line) > 32]


KEYS = {}


def key(name, **kind):
    """Made once for all tests."""
    if name not in KEYS:
        KEYS[name] = Key(pathlib.Path(FOLDER.name), name, **kind)
    return KEYS[name]


FOLDER = tempfile.TemporaryDirectory(prefix="gwbot-keys-")


def tearDownModule():
    FOLDER.cleanup()


class Sheet(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(heartbeat=1000)
        self.sim.__enter__()
        self.addCleanup(self.sim.__exit__, None, None, None)
        self.base = self.sim.api_base.removesuffix("/api/v10")
        self.bot = Gwbotd(self.sim)
        self.addCleanup(self.bot.close)
        self.config = self.bot.dir / "gwbot.conf"
        self.bot.env["GWBOT_CONFIG"] = str(self.config)
        self.file = self.bot.dir / "account.json"
        self.sim.do(f"google-key {key('first').public_file} {EMAIL}")
        self.put_account(key("first"))

    def account(self, pair, **changes):
        account = {"type": "service_account", "project_id": "gwsim-project", "private_key_id": "0123abcd",
                   "private_key": pair.pem, "client_email": EMAIL, "token_uri": self.base + "/token"}
        account.update(changes)
        return json.dumps({name: value for name, value in account.items() if value is not None})

    def put_account(self, pair, text=None, **changes):
        """As a rotation does: a new file in the old one's place."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text if text is not None else self.account(pair, **changes))
        fresh.chmod(0o600)
        fresh.replace(self.file)

    def probe(self, name="sheet", sheet=PRIVATE, worksheet="Roster", key_of=None, more="", interval="1h"):
        where = key_of or f'credentials = "{self.file}";'
        tab = worksheet.replace("\\", "\\\\").replace('"', '\\"')
        return (f'{{ name = "{name}"; kind = "google-sheet"; sheet = "{sheet}"; worksheet = "{tab}"; {where} '
                f'base = "{self.base}"; interval = "{interval}"; fail_after = 1; {more} }}')

    def write(self, *groups):
        self.config.write_text("probes = (\n%s\n);\n" % ",\n".join(groups))
        self.config.chmod(0o640)

    def start(self, *groups):
        self.write(*(groups or (self.probe(),)))
        self.bot.start().wait_ready()

    def probes(self):
        done = self.bot.ctl("--json", "probes")
        self.assertEqual(0, done.returncode, done.stderr)
        return {probe["name"]: probe for probe in json.loads(done.stdout)["probes"]}

    def first(self, name="sheet"):
        """The probe after its first run."""
        deadline = time.monotonic() + 30
        while True:
            probe = self.probes()[name]
            if probe["runs"] > 0:
                return probe
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def refresh(self, name="sheet"):
        """The probe after one more run."""
        self.bot.ctl("job", "run", "refresh", "--wait=30s", timeout=60)
        return self.probes()[name]

    def calls(self, route, kind="calls"):
        return self.sim.totals()["rest_routes"].get(route, {}).get(kind, 0)


class Good(Sheet):
    def test_the_title_of_each_tab_by_each_way(self):
        self.bot.env["GSPREAD_CREDENTIALS"] = self.account(key("first"))
        self.bot.env["SHEET_KEY"] = API_KEY + "\n"
        keyfile = self.bot.dir / "key"
        keyfile.write_text(f"  {API_KEY}\n")
        self.start(
            self.probe("roster"),
            self.probe("empty", worksheet="Empty"),
            self.probe("odd", worksheet=ODD),
            self.probe("variable", key_of='credentials = "env:GSPREAD_CREDENTIALS";'),
            self.probe("by-key", sheet=PUBLIC, worksheet=ODD, key_of=f'api_key = "{keyfile}";'),
            self.probe("by-key-variable", sheet=PUBLIC, key_of='api_key = "env:SHEET_KEY";'))
        wanted = {"roster": "Roster", "empty": "Empty", "odd": ODD, "variable": "Roster", "by-key": ODD,
                  "by-key-variable": "Roster"}
        for name, title in wanted.items():
            probe = self.first(name)
            self.assertEqual((title, "up", "google-sheet"),
                             (probe["reason"], probe["state"], probe["kind"]), name)
        self.assertEqual((4, 6), (self.calls(TOKEN, "2xx"), self.calls(READ, "2xx")))
        # /proc/PID/environ does not show what the variables held.
        environment = pathlib.Path(f"/proc/{self.bot.process.pid}/environ").read_bytes()
        self.assertIn(b"GSPREAD_CREDENTIALS=", environment)
        self.assertNotIn(b"AIza", environment)
        self.assertNotIn(key("first").pieces()[3].encode(), environment)
        # They are there for a reload all the same.
        self.write(self.probe("again", key_of='credentials = "env:GSPREAD_CREDENTIALS";'),
                   self.probe("key-again", sheet=PUBLIC, key_of='api_key = "env:SHEET_KEY";'))
        self.assertEqual(0, self.bot.ctl("reload").returncode)
        self.assertEqual("Roster", self.first("again")["reason"])
        self.assertEqual("Roster", self.first("key-again")["reason"])
        self.assertEqual(0, self.bot.stop())

    def test_a_good_answer_serves_a_minute(self):
        self.start()
        self.assertEqual("Roster", self.first()["reason"])
        done = self.bot.ctl("job", "run", "refresh", "--wait=30s")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r"1 probe good\n  sheet: Roster, read \d+ s ago\n")
        probe = self.probes()["sheet"]
        self.assertRegex(probe["reason"], r"^Roster, read \d+ s ago$")
        self.assertEqual((2, 0, "up"), (probe["runs"], probe["failures"], probe["state"]))
        self.assertEqual((1, 1), (self.calls(TOKEN), self.calls(READ)))

    def test_the_grant_is_one_for_openssl_too(self):
        got = []
        sim = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                got.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(400)
                self.end_headers()
                self.wfile.write(b'{"error":"access_denied"}')

            def log_message(self, *_):
                pass

        web = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{web.server_port}/token"
        self.put_account(key("first"), token_uri=uri)
        self.start()
        self.assertIn("access_denied", self.first()["reason"])
        headers, body = got[0]
        self.assertEqual("application/x-www-form-urlencoded", headers["Content-Type"])
        form = urllib.parse.parse_qs(body.decode())
        self.assertEqual(["urn:ietf:params:oauth:grant-type:jwt-bearer"], form["grant_type"])
        parts = form["assertion"][0].split(".")
        self.assertNotIn("=", form["assertion"][0])
        header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
        self.assertEqual({"alg": "RS256", "typ": "JWT", "kid": "0123abcd"}, json.loads(header))
        claims = json.loads(claims)
        self.assertEqual({"iss": EMAIL, "scope": "https://www.googleapis.com/auth/spreadsheets.readonly",
                          "aud": uri, "iat": claims["iat"], "exp": claims["iat"] + 3600}, claims)
        self.assertLess(abs(claims["iat"] - time.time()), 60)
        (sim.bot.dir / "signed").write_text(".".join(parts[:2]))
        (sim.bot.dir / "signature").write_bytes(signature)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key("first").public_file, "-signature",
                               sim.bot.dir / "signature", sim.bot.dir / "signed"], capture_output=True, text=True)
        self.assertEqual("Verified OK\n", done.stdout, done.stderr)


class Bad(Sheet):
    def test_each_answer_of_google_in_words(self):
        self.sim.do("sheet 403")
        self.start()
        share = f"share the sheet with {EMAIL} (viewer is enough)"
        self.assertEqual((share, "down"), (self.first()["reason"], self.probes()["sheet"]["state"]))
        self.assertIn(f"probe sheet is down, not required: {share}", self.bot.get("/health?verbose")[2].decode())
        cases = [
            ("sheet 403", share),
            ("sheet api_off", "the Sheets API is off in this project, gwsim-project: switch it on in Google's console"),
            ("sheet 404", "there is no spreadsheet with this id: is it deleted? (sheet)"),
            ("sheet 400", "that document is no Google sheet: save the Office file as one"),
            ("sheet 503", "the Sheets API answers 503: trouble at Google, which passes"),
            ("sheet html", "the Sheets API answers 200 without Google's JSON: does a proxy answer in its place?"),
            ("sheet drop", "the Sheets API: closed before an answer"),
            ("sheet 401", "Google refuses the access token, even a new one (401): Request had invalid authentication"),
            ("token invalid_grant", f"Google knows no service account {EMAIL}: was it deleted?"),
            ("token invalid_scope", "Google refuses the right to read sheets (invalid_scope) to the account"),
            ("token unauthorized_client", "Google does not let this account have a token (unauthorized_client)"),
            ("token access_denied", "a policy at Google forbids it (access_denied)"),
            ("token disabled_client", "this service account is disabled: enable it in the console"),
            ("token 502", "the token endpoint answers 502: trouble at Google, which passes"),
            ("token html", "the token endpoint answers 200 without Google's JSON"),
            ("token drop", "the token endpoint: closed before an answer"),
        ]
        for command, words in cases:
            with self.subTest(command):
                self.sim.do("calm")
                self.sim.do(command)
                os.utime(self.file)  # another file: another token
                probe = self.refresh()
                self.assertIn(words, probe["reason"])
                self.assertEqual("down", probe["state"])
        self.sim.do("calm")
        self.assertEqual("Roster", self.refresh()["reason"])
        self.assertEqual(0, self.bot.stop())

    def test_what_is_wrong_in_the_configuration(self):
        revoked = "AIzaRevoked-revoked-0123456789abcdefghi"
        self.bot.env.update(SHEET_KEY=API_KEY, OLD_KEY=revoked, NOT_JSON="hello")
        by_key = 'api_key = "env:SHEET_KEY";'
        self.start(
            self.probe("tab", worksheet="No such tab"),
            self.probe("id", sheet="1wrong"),
            self.probe("private", key_of=by_key),
            self.probe("public-tab", sheet=PUBLIC, worksheet="x", key_of=by_key),
            self.probe("old-key", sheet=PUBLIC, key_of='api_key = "env:OLD_KEY";'),
            self.probe("unset", key_of='credentials = "env:NO_SUCH_VARIABLE";'),
            self.probe("hello", key_of='credentials = "env:NOT_JSON";'),
            self.probe("no-file", key_of='credentials = "/nonexistent/key.json";'),
            self.probe("folder", key_of=f'credentials = "{self.bot.dir}";'))
        for name, words in {
            "tab": 'the sheet has no tab "No such tab": was it renamed? (worksheet)',
            "id": "there is no spreadsheet with this id: is it deleted? (sheet)",
            "private": "the sheet is private: with an API key, share it with anyone who has the link, or use credentials",
            "public-tab": 'the sheet has no tab "x"',
            "old-key": "Google does not know this API key: was it deleted, or has it expired?",
            "unset": "the variable NO_SUCH_VARIABLE is not set",
            "hello": "env:NOT_JSON: it is not the JSON of a key",
            "no-file": "cannot read /nonexistent/key.json: No such file or directory",
            "folder": "not a regular file",
        }.items():
            self.assertIn(words, self.first(name)["reason"], name)

    def test_key_files_that_are_none(self):
        self.put_account(None, text="{")
        self.start()
        self.assertIn("it is not the JSON of a key", self.first()["reason"])
        whole = key("first").pem
        encrypted = subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key("first").private_file, "-passout",
                                    "pass:x", "-v2", "aes128"], check=True, capture_output=True, text=True).stdout
        for changes, words in [
            ({"type": "authorized_user"}, 'it is no service account\'s key ("type" is another)'),
            ({"client_email": None}, 'it has no usable "client_email"'),
            ({"token_uri": "http://oauth2.googleapis.com/token"}, 'its "token_uri" is no https:// URL'),
            ({"private_key": "x"}, 'it has no "private_key" in PEM form'),
            ({"private_key": whole.replace("\n", "\\n")}, "its private_key cannot be read: are its line ends (\\n) lost?"),
            ({"private_key": encrypted}, "its private_key cannot be read"),
            ({"private_key": key("curve", kind=("EC", "ec_paramgen_curve:P-256")).pem}, "its private_key is no RSA key"),
        ]:
            self.put_account(key("first"), **changes)
            self.assertIn(words, self.refresh()["reason"])
        self.assertEqual(0, self.calls(TOKEN))

    def test_a_wrong_clock_is_told_with_its_seconds(self):
        self.sim.do("google-clock 7200")
        self.start()
        found = re.fullmatch(r"the clock of this host is wrong by (\d+) s \(behind Google's\): set it, with NTP",
                             self.first()["reason"])
        self.assertLess(abs(int(found[1]) - 7200), 30)
        self.sim.do("google-clock -7200")
        self.assertRegex(self.refresh()["reason"], r"wrong by (7[12]\d\d) s \(ahead of Google's\)")
        self.sim.do("google-clock 0")
        self.assertEqual("Roster", self.refresh()["reason"])

    def test_the_quota_is_no_failure_and_is_respected(self):
        self.sim.do("sheet 429 1")
        self.start()
        probe = self.first()
        self.assertEqual("Google's quota is used up (429), which says nothing of the sheet; asked again in 60 s",
                         probe["reason"])
        self.assertEqual(("unknown", 1, 0), (probe["state"], probe["runs"], probe["failures"]))
        asked = self.calls(READ)
        probe = self.refresh()
        self.assertRegex(probe["reason"], r"^Google's quota was used up .* asked again in [1-6]\d? s$")
        self.assertEqual(("unknown", 2, 0), (probe["state"], probe["runs"], probe["failures"]))
        self.assertEqual(asked, self.calls(READ))
        self.assertEqual([], self.bot.events("probe_changed"))

    def test_what_hangs_fails_in_time_and_disturbs_nobody(self):
        self.sim.do("sheet stall")
        self.start(self.probe(more='timeout = "1s";'))
        self.assertIn("the Sheets API: timed out while waiting for the answer", self.first()["reason"])
        self.sim.do("token stall")
        os.utime(self.file)
        probe = self.refresh()
        self.assertIn("the token endpoint: timed out while waiting for the answer", probe["reason"])
        self.assertLess(probe["last_duration_seconds"], 10)
        self.assertEqual(1, len(self.bot.events("shard_state", to="ready")))
        # A run under way is cancelled by a reload, and by the end.
        self.write(self.probe(more='timeout = "5min";'))
        self.assertEqual(0, self.bot.ctl("reload").returncode)
        self.sim.wait_for(lambda stats: stats["totals"]["rest_routes"][TOKEN]["unanswered"] >= 2, "the third grant")
        self.assertTrue(self.probes()["sheet"]["running"])
        self.write(self.probe("other", more='timeout = "5min";'))
        self.assertEqual(0, self.bot.ctl("reload").returncode)
        self.sim.wait_for(lambda stats: stats["totals"]["rest_routes"][TOKEN]["unanswered"] >= 3, "the fourth grant")
        began = time.monotonic()
        self.assertEqual(0, self.bot.stop())
        self.assertLess(time.monotonic() - began, 10)


class Tokens(Sheet):
    def test_a_refused_token_is_changed_once(self):
        self.sim.do("sheet 401 1")
        self.start()
        self.assertEqual("Roster", self.first()["reason"])
        self.assertEqual((2, 2), (self.calls(TOKEN, "2xx"), self.calls(READ)))

    def test_one_that_is_refused_twice_is_no_hot_loop(self):
        self.sim.do("sheet 401")
        self.start()
        self.assertIn("even a new one (401)", self.first()["reason"])
        self.assertEqual((2, 2), (self.calls(TOKEN, "2xx"), self.calls(READ)))

    def test_a_rotated_key_is_read_again(self):
        self.sim.do("sheet 403")
        self.start()
        self.first()
        self.refresh()
        self.assertEqual((1, 2), (self.calls(TOKEN), self.calls(READ)))  # one token serves
        self.put_account(key("second"))
        self.assertEqual(f"Google refuses the signature of {EMAIL}: that key was deleted or is damaged; "
                         "make a new one", self.refresh()["reason"])
        self.sim.do(f"google-key {key('second').public_file} {EMAIL}")
        self.sim.do("sheet off")
        self.assertEqual("Roster", self.refresh()["reason"])
        self.assertEqual((3, 2), (self.calls(TOKEN), self.calls(TOKEN, "2xx")))

    def test_a_token_is_renewed_before_its_end(self):
        life = 10
        self.sim.do(f"google-tokens {life}")
        self.sim.do("sheet 403")
        self.start()
        self.first()
        made = time.monotonic()
        self.refresh()
        self.assertEqual(1, self.calls(TOKEN))
        time.sleep(max(0.0, made + 0.8 * life + 0.3 - time.monotonic()))
        # Now it is due, and good for some time: a token endpoint in trouble does no harm.
        self.sim.do("token 503")
        reason = self.refresh()["reason"]
        if time.monotonic() < made + life - 0.5:
            self.assertIn("share the sheet", reason)
        self.assertEqual(2, self.calls(TOKEN))
        self.sim.do("token off")
        self.assertIn("share the sheet", self.refresh()["reason"])
        self.assertEqual(2, self.calls(TOKEN, "2xx"))
        self.refresh()
        self.assertEqual(2, self.calls(TOKEN, "2xx"))


class Secrets(Sheet):
    def memory(self):
        """What the process can write to."""
        with open(f"/proc/{self.bot.process.pid}/maps", encoding="ascii") as maps, \
                open(f"/proc/{self.bot.process.pid}/mem", "rb", 0) as memory:
            for line in maps:
                place, rights = line.split()[:2]
                begin, end = (int(part, 16) for part in place.split("-"))
                if not rights.startswith("rw") or end - begin > 1 << 28:
                    continue  # the shadow of a checker
                try:
                    memory.seek(begin)
                    yield memory.read(end - begin)
                except OSError:
                    pass

    def test_they_are_nowhere(self):
        self.sim.do("sheet quote")
        self.bot.env["SHEET_KEY"] = API_KEY
        self.start(self.probe(), self.probe("by-key", sheet=PUBLIC, key_of='api_key = "env:SHEET_KEY";'))
        for name in ("sheet", "by-key"):
            self.assertIn("Google answers 400: ", self.first(name)["reason"])
            self.assertIn("****", self.probes()[name]["reason"])
        said = [self.bot.get(path)[2].decode() for path in
                ("/", "/health", "/healthz?verbose", "/status", "/metrics", "/readyz?verbose")]
        for words in (["probes"], ["--json", "probes"], ["--json", "status"], ["status"], ["config"], ["health"],
                      ["--json", "config"], ["events"], ["--json", "events"], ["doctor"], ["explain"], ["jobs"],
                      ["--json", "job", "run", "refresh", "--wait"]):
            done = self.bot.ctl(*words)
            said += [done.stdout, done.stderr]
        done = subprocess.run([BIN / "gwbotd", "--print-config"], env=self.bot.env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=True)
        said += [done.stdout, done.stderr]
        self.sim.do("sheet off")
        self.assertEqual("Roster", self.refresh()["reason"])
        pid = pathlib.Path(f"/proc/{self.bot.process.pid}")
        said += [(pid / "environ").read_text(), (pid / "cmdline").read_text()]
        memory = list(self.memory())
        self.assertTrue(any(BOT_TOKEN.encode() in part for part in memory))  # that one is kept
        for piece in key("first").pieces():
            self.assertFalse(any(piece.encode() in part for part in memory), "the private key is in memory")
        self.assertEqual(0, self.bot.stop())
        said.append(self.bot.output)
        self.assertIn("sheet_token_new", self.bot.output)
        self.assertIn(str(self.file), "".join(said))
        for text in said:
            for secret in (API_KEY, "ya29.", "eyJ", "BEGIN PRIVATE", *key("first").pieces()):
                self.assertNotIn(secret, text)

    def check(self, *groups):
        self.write(*groups)
        done = subprocess.run([BIN / "gwbotd", "--check", "--config", self.config], env=self.bot.env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)
        self.assertEqual(78, done.returncode, done.stderr)
        self.assertRegex(done.stderr, rf"^{re.escape(str(self.config))}:2:\d+: error: ")
        return done.stderr

    def test_slips_are_told_with_file_and_line(self):
        both = f'credentials = "{self.file}"; api_key = "/k";'
        pem = key("first").pem.replace("\n", "")
        for group, words in [
            (self.probe(key_of=both), 'probe "sheet" needs one of credentials and api_key, and has both'),
            (self.probe(key_of=" "), 'probe "sheet" needs one of credentials and api_key, and has none'),
            (self.probe(interval="59s"), "interval of a google-sheet is at least 1min, since Google"),
            (self.probe(key_of=f'api_key = "{API_KEY}";'), "neither a whole path nor env:NAME in capitals; the secret "
             "itself is not written here; allowed: a file's whole path, or \"env:NAME\""),
            (self.probe(key_of=f'api_key = "env:{API_KEY}";'), "neither a whole path"),
            (self.probe(key_of=f'credentials = "{pem}";'), "neither a whole path"),
            (self.probe(sheet=f"https://docs.google.com/spreadsheets/d/{PRIVATE}/edit"),
             "a URL or path, and only the id in it is wanted"),
            (self.probe(more='base2 = "x";'), 'a probe has no "base2"; nearest: base'),
            (self.probe().replace("127.0.0.1", "192.0.2.1"), "plain http:// and ws:// are allowed to loopback"),
            (self.probe(more='host = "h";'), "host belongs to kind tcp, and this one is google-sheet"),
        ]:
            with self.subTest(words):
                said = self.check(group)
                self.assertIn(words, said)
                for secret in (API_KEY, *key("first").pieces()):
                    self.assertNotIn(secret[:20], said)


if __name__ == "__main__":
    unittest.main()
