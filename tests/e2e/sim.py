"""Starts gwsim and commands it; for tests."""

import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import canary

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("GWBOT_BIN", HERE.parent.parent / "build" / "dev"))

# Three parts like a real token; no bot has it.
TOKEN = "MTAwNjYzMjk2MDAwMDAwMDAwMA.Gtests.not-a-real-token-0123456789abcdefghijk"


class Sim:
    """One gwsim; use it in a with statement."""

    def __init__(self, *args, tls=False, control=True, under=()):
        self.dir = tempfile.mkdtemp(prefix="gwsim-")
        self.socket_path = os.path.join(self.dir, "control")
        self.ca_file = None
        command = [*under, str(BIN / "gwsim"), *map(str, args)]
        if control:
            command += ["--control", self.socket_path]
        if tls:
            command += ["--tls", "--tls-dir", os.path.join(self.dir, "tls")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(10)
            shutil.rmtree(self.dir, ignore_errors=True)
            raise RuntimeError(f"gwsim ended with {self.process.returncode}")
        self.ready = json.loads(line)
        self.port = self.ready["port"]
        self.gateway = self.ready["gateway"]
        self.api_base = self.ready["api_base"]
        self.ca_file = self.ready["ca_file"]
        self.channel = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def stop(self, expect=0):
        """Stops it and checks its exit status, which sanitizers would change."""
        if self.channel:
            self.channel.close()
            self.channel = None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        if status != expect:
            raise RuntimeError(f"gwsim ended with {status}, not {expect}")

    def ask(self, line, timeout=30):
        """One command; the answer as a dict, whatever it says."""
        if not self.channel:
            raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            raw.connect(self.socket_path)
            self.channel = raw.makefile("rwb")
            raw.close()
        self.channel.write(line.encode() + b"\n")
        self.channel.flush()
        answer = self.channel.readline()
        if line.startswith("calls"):
            canary.search("what is sent to Discord's API", answer)
        return json.loads(answer)

    def do(self, line):
        """One command that must succeed."""
        answer = self.ask(line)
        if not answer["ok"]:
            raise RuntimeError(f"{line}: {answer}")
        return answer

    def totals(self):
        return self.do("stats")["totals"]

    def sessions(self):
        return self.do("stats")["sessions"]

    def wait_for(self, check, what, timeout=10.0):
        """Asks stats until check(stats) is true; there is no event to wait for."""
        deadline = time.monotonic() + timeout
        while True:
            stats = self.do("stats")
            if check(stats):
                return stats
            if time.monotonic() > deadline:
                raise AssertionError(f"not in time: {what}: {stats}")
            time.sleep(0.01)

    def rest(self, method, path, body=None, token=TOKEN, headers=None):
        """One REST call: status, headers (lower case), body (parsed where JSON)."""
        fields = {"User-Agent": "DiscordBot (https://example.org, 1)"}
        if token:
            fields["Authorization"] = f"Bot {token}"
        if body is not None:
            fields["Content-Type"] = "application/json"
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        fields.update(headers or {})
        if self.ca_file:
            link = http.client.HTTPSConnection(
                "localhost", self.port, timeout=10,
                context=ssl.create_default_context(cafile=self.ca_file))
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            link.request(method, "/api/v10" + path, body, fields)
            answer = link.getresponse()
            data = answer.read()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            if fields.get("content-type") == "application/json":
                data = json.loads(data)
            return answer.status, fields, data
        finally:
            link.close()
