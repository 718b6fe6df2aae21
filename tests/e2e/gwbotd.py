"""Starts gwbotd for a test, reads its log, asks it over HTTP and through gwctl.

Nothing here sleeps for luck: every wait is for an event, with a deadline.
"""

import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time

import canary
import sim as gwsim
from canary import TOKEN, Leak  # noqa: F401 - tests take both from here

BIN = pathlib.Path(os.environ.get(
    "GWBOT_BIN", pathlib.Path(__file__).resolve().parents[2] / "build" / "dev")).resolve()



def free_port():
    """Below the ports that outgoing connections take, which would take it meanwhile."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Sim(gwsim.Sim):
    """gwsim with options as keywords: Sim(tls=True, heartbeat=1000, rate=50)."""

    def __init__(self, tls=False, **options):
        words = [word for name, value in options.items()
                 for word in ("--" + name.replace("_", "-"), str(value))]
        super().__init__(*words, tls=tls)


class Gwbotd:
    """One state folder and port; start() and kill() as often as a test wants."""

    defaults = {}  # settings of every one that does not say otherwise

    def __init__(self, sim=None, wrapper=(), **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="gwbot-")
        self.dir = pathlib.Path(self.folder.name)
        self.port = free_port()
        self.socket = self.dir / "control.sock"
        self.wrapper = list(wrapper)
        self.program = BIN / "gwbotd"
        self.process = None
        self.lines = []
        self.leak = None
        self.reader = None
        self.fresh = threading.Condition()
        self.env = {
            "PATH": os.environ["PATH"],
            "DISCORD_TOKEN": TOKEN,
            "PORT": str(self.port),
            "GWBOT_HTTP_LISTEN": "127.0.0.1",
            "GWBOT_LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
            "GWBOT_STATE_DIR": str(self.dir / "state"),
            "GWBOT_CONTROL_SOCKET": str(self.socket),
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        if sim is not None:
            self.env["DISCORD_API_BASE"] = sim.api_base
            if sim.ca_file:
                self.env["SSL_CERT_FILE"] = sim.ca_file
        self.env.update(settings.pop("env", {}))
        self.arguments = [f"--set={path.replace('__', '.')}={value}"
                          for path, value in {**self.defaults, **settings}.items()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it; raises Leak where the token was in what it said or left behind."""
        try:
            if self.process and self.process.poll() is None:
                self.search_processes()
                self.process.kill()
                self.process.wait()
            canary.search_folder(self.dir / "state")
            if self.leak:
                raise self.leak
        finally:
            self.folder.cleanup()

    def search_processes(self):
        """Once it says that it starts, nobody sees the token from outside any more."""
        begun = any('"starting"' in line or "event=starting" in line for _, line in self.lines)
        if begun and not self.wrapper and not any(TOKEN in word for word in self.process.args):
            canary.search_processes(self.process.pid)

    # ---- the process ----

    def start(self, *more):
        if not os.path.exists(self.program):
            raise FileNotFoundError(f"{self.program}: build it first")
        self.process = subprocess.Popen(
            [*self.wrapper, str(self.program), *self.arguments, *more], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with self.fresh:
            self.lines = []
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        return self

    def _read(self, process):
        for raw in process.stderr:
            try:
                canary.search("the log", raw)
            except Leak as leak:  # of this thread; close() raises it
                self.leak = self.leak or leak
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self.fresh:
                if process is self.process:
                    self.lines.append((time.monotonic(), line))
                    self.fresh.notify_all()
        with self.fresh:
            self.fresh.notify_all()

    def wait_exit(self, timeout=15):
        status = self.process.wait(timeout)
        self.reader.join(2)  # its last words; something else may hold the pipe open
        return status

    def stop(self, number=signal.SIGTERM, timeout=20):
        self.search_processes()
        self.process.send_signal(number)
        return self.wait_exit(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def output(self):
        with self.fresh:
            return "\n".join(line for _, line in self.lines)

    # ---- the log ----

    def events(self, name=None, **fields):
        """(instant, event) of each log line that fits."""
        with self.fresh:
            lines = list(self.lines)
        found = []
        for when, line in lines:
            if TOKEN in line:
                raise Leak("the token in the log")
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if name and event.get("event") != name:
                continue
            if all(event.get(key) == value for key, value in fields.items()):
                found.append((when, event))
        return found

    def wait_event(self, name, timeout=20, count=1, **fields):
        """Waits for the count-th such line; returns (instant, event)."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.events(name, **fields)
            if len(found) >= count:
                return found[count - 1]
            with self.fresh:
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None
                if left <= 0 or (ended and not self.fresh.wait(0.5)):
                    found = self.events(name, **fields)
                    if len(found) >= count:
                        return found[count - 1]
                    raise AssertionError(
                        f"no event {name} {fields} number {count} in {timeout} s"
                        f"{' (ended)' if ended else ''}:\n{self.output[-6000:]}")
                self.fresh.wait(min(left, 0.5))

    def wait_ready(self, timeout=30, count=1):
        return self.wait_event("shard_state", timeout, count, to="ready")

    def wait_control(self, timeout=20):
        """Until gwctl can ask: the socket comes behind the lines about HTTP."""
        deadline = time.monotonic() + timeout
        while not self.socket.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no control socket:\n{self.output[-3000:]}")
            time.sleep(0.01)
        return self

    # ---- asking it ----

    def get(self, path, method="GET", timeout=5):
        """(status, headers, body) over HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
            canary.search("answers over HTTP", str(response.headers), body)
            return response.status, dict(response.getheaders()), body
        finally:
            connection.close()

    def health(self, path="/healthz"):
        status, _, body = self.get(path)
        return status, json.loads(body)

    def wait_health(self, wanted, timeout=15):
        deadline = time.monotonic() + timeout
        while True:
            status, body = self.health()
            if status == wanted:
                return body
            if time.monotonic() > deadline:
                raise AssertionError(f"/healthz stays {status}: {body}")
            time.sleep(0.02)

    def ctl(self, *arguments, timeout=20, env=None):
        """CompletedProcess of gwctl."""
        done = subprocess.run(
            [str(BIN / "gwctl"), "-s", str(self.socket), *arguments],
            env={"PATH": os.environ["PATH"], **(env or {})}, timeout=timeout,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done  # canary.py has searched it

    def snapshot(self):
        done = self.ctl("--json", "snapshot")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)
