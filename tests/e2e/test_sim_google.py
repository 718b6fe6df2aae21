"""gwsim as Google, by a client of its own: grants are signed by the program openssl."""

import base64
import http.client
import json
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.parse
from email.utils import parsedate_to_datetime

import sim

EMAIL = "a@gwsim.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
PRIVATE = "1gwsim-private_sheet-0123456789abcdefghijklmn"
PUBLIC = "1gwsim-public_sheet-0123456789abcdefghijklmno"
KEY = "AIza" + "k" * 35
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def encode(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Google(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gwsim-")
        cls.addClassCleanup(folder.cleanup)
        cls.dir = pathlib.Path(folder.name)
        cls.key = cls.dir / "key.pem"
        cls.public = cls.dir / "key.pub"
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                        "-out", cls.key], check=True)
        subprocess.run(["openssl", "pkey", "-in", cls.key, "-pubout", "-out", cls.public], check=True)

    def setUp(self):
        self.sim = sim.Sim()
        self.addCleanup(self.sim.stop)
        self.sim.do(f"google-key {self.public} {EMAIL}")

    def call(self, method, path, body=None, **headers):
        link = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=10)
        try:
            link.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = link.getresponse()
            data = answer.read()
            self.headers = answer.headers
            return answer.status, json.loads(data) if answer.headers["Content-Type"] == "application/json" else data
        finally:
            link.close()

    def grant(self, header=None, damage=False, **claims):
        now = int(time.time())
        claims = {"iss": EMAIL, "scope": SCOPE, "aud": self.sim.api_base.removesuffix("/api/v10") + "/token",
                  "iat": now, "exp": now + 3600, **claims}
        text = encode(header or {"alg": "RS256", "typ": "JWT"}) + "." + encode(claims)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return text + "." + encode(bytes([signature[0] ^ damage]) + signature[1:])

    def ask(self, assertion=None, grant_type=GRANT_TYPE):
        body = urllib.parse.urlencode({"grant_type": grant_type, "assertion": assertion or self.grant()})
        return self.call("POST", "/token", body, Content_Type="application/x-www-form-urlencoded")

    def token(self):
        status, body = self.ask()
        self.assertEqual((200, "Bearer"), (status, body["token_type"]), body)
        return body["access_token"]

    def read(self, tab, sheet=PRIVATE, token=None, key=None):
        path = f"/v4/spreadsheets/{sheet}/values/{urllib.parse.quote(tab, safe='')}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.call("GET", path + (f"?key={key}" if key else ""), **headers)

    def test_a_good_grant_gives_a_token_that_reads(self):
        token = self.token()
        status, body = self.read("'Roster'!1:1", token=token)
        self.assertEqual((200, "Roster!A1:Z1", [["Clan", "Tag", "", "Level"]]), (status, body["range"], body["values"]))
        self.assertEqual((200, "Roster!A1:Z1"), (status, self.read("Roster!1:1", PUBLIC, key=KEY)[1]["range"]))
        self.assertNotIn("values", self.read("'Empty'!1:1", token=token)[1])
        odd = 'It\'\'s 50/50 "fun" & ü'
        self.assertEqual(f"'{odd}'!A1:Z1", self.read(f"'{odd}'!1:1", token=token)[1]["range"])
        self.assertLess(abs(parsedate_to_datetime(self.headers["Date"]).timestamp() - time.time()), 10)

    def test_each_claim_of_a_grant_is_judged(self):
        now = int(time.time())
        for assertion, error, words in [
            (self.grant(damage=True), "invalid_grant", "Invalid JWT Signature."),
            (self.grant(header={"alg": "none", "typ": "JWT"}), "invalid_grant", "RS256"),
            (self.grant(iss="b@c"), "invalid_grant", "account not found"),
            (self.grant(aud="https://oauth2.googleapis.com/token"), "invalid_grant", "audience"),
            (self.grant(iat=now - 7200, exp=now - 3600), "invalid_grant", "short-lived"),
            (self.grant(iat=now + 600, exp=now + 4200), "invalid_grant", "short-lived"),
            (self.grant(exp=now + 7200), "invalid_grant", "short-lived"),
            (self.grant(iat=str(now)), "invalid_grant", "short-lived"),
            (self.grant(scope="https://www.googleapis.com/auth/drive.nothing"), "invalid_scope", ""),
            (self.grant(scope=SCOPE + "x"), "invalid_scope", ""),
            ("x", "invalid_grant", ""),
            ("a.b.c", "invalid_grant", ""),
            (self.grant().replace(".", "=."), "invalid_grant", ""),
        ]:
            status, body = self.ask(assertion)
            self.assertEqual((400, error), (status, body["error"]), body)
            self.assertIn(words, body["error_description"])
        self.assertEqual("unsupported_grant_type", self.ask(grant_type="password")[1]["error"])
        self.assertEqual(200, self.ask(self.grant(scope="openid " + SCOPE))[0])

    def test_who_may_read_what(self):
        token = self.token()
        for answer, status, name in [
            (self.read("'Roster'!1:1"), 403, "PERMISSION_DENIED"),
            (self.read("'Roster'!1:1", token="x"), 401, "UNAUTHENTICATED"),
            (self.read("'Roster'!1:1", key=KEY), 403, "PERMISSION_DENIED"),
            (self.read("'Roster'!1:1", PUBLIC, key="AIza"), 400, "INVALID_ARGUMENT"),
            (self.read("'Roster'!1:1", PUBLIC, key="AIzarevoked" + "k" * 28), 400, "INVALID_ARGUMENT"),
            (self.read("'Other'!1:1", token=token), 400, "INVALID_ARGUMENT"),
            (self.read("'Roster'!A1", token=token), 400, "INVALID_ARGUMENT"),
            (self.read("'Roster'!1:1", "1other", token=token), 404, "NOT_FOUND"),
        ]:
            self.assertEqual((status, name), (answer[0], answer[1]["error"]["status"]), answer)
        self.assertEqual(405, self.call("GET", "/token")[0])
        self.assertEqual(405, self.call("POST", f"/v4/spreadsheets/{PUBLIC}/values/Roster!1:1")[0])
        self.assertEqual(404, self.call("GET", f"/v4/spreadsheets/{PUBLIC}/values/a/b", Authorization="x")[0])

    def test_faults_and_their_end(self):
        token = self.token()
        row = "'Roster'!1:1"
        for line, status in (("sheet 429 1", 429), ("sheet api_off 1", 403), ("sheet 503 1", 503), ("sheet html 1", 200)):
            self.sim.do(line)
            self.assertEqual(status, self.read(row, token=token)[0])
            self.assertEqual("Roster!A1:Z1", self.read(row, token=token)[1]["range"])
        self.sim.do("sheet quote")
        self.assertIn(token, self.read(row, token=token)[1]["error"]["message"])
        self.sim.do("sheet off")
        for line, error in (("token invalid_scope 1", "invalid_scope"), ("token disabled_client 1", "disabled_client")):
            self.sim.do(line)
            self.assertEqual(error, self.ask()[1]["error"])
        self.sim.do("token drop")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.ask()
        self.sim.do("google-clock 9000")
        self.sim.do("token off")
        self.assertIn("short-lived", self.ask()[1]["error_description"])
        self.assertGreater(parsedate_to_datetime(self.headers["Date"]).timestamp(), time.time() + 8000)
        self.sim.do("calm")
        self.sim.do("google-tokens 1")
        short = self.token()
        deadline = time.monotonic() + 20
        while self.read(row, token=short)[0] == 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(200, self.read(row, token=token)[0])
        self.sim.do("google-tokens revoke")
        self.assertEqual(401, self.read(row, token=token)[0])

    def test_wrong_commands_say_why(self):
        for line in ("sheet", "sheet 418", "sheet 403 0", "token", "token 401", "google-key", "google-key /nonexistent a@b",
                     f"google-key {self.key} a@b", "google-clock", "google-clock x", "google-tokens", "google-tokens 0"):
            answer = self.sim.ask(line)
            self.assertFalse(answer["ok"], line)
            self.assertTrue(answer["error"])


if __name__ == "__main__":
    unittest.main()
