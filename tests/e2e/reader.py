"""discord.js beside gwbotd on one gwsim: what it sees, as that library understood it."""

import json
import os
import pathlib
import subprocess
import threading
import time

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "discordjs" / "reader.mjs"


class Reader:
    """One client with a session of its own; use it in a with statement."""

    def __init__(self, sim, token):
        base = sim.api_base.rsplit("/", 1)[0]  # discord.js adds the version itself
        self.process = subprocess.Popen(
            ["node", str(PROGRAM), base], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "GWBOT_READER_TOKEN": token})
        self.seen, self.answers = [], []
        self.fresh = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.user = self.wait("clientReady", timeout=60)["user"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Logs out and checks that nothing went wrong on the way."""
        self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.thread.join(10)
        self.process.stdout.close()
        complaints = [line for line in self.seen if line["event"] in ("error", "warn")]
        if status != 0 or complaints:
            raise AssertionError(f"discord.js ended with {status}: {complaints}")

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            with self.fresh:
                (self.seen if "event" in told else self.answers).append(told)
                self.fresh.notify_all()
        with self.fresh:
            self.fresh.notify_all()

    def _until(self, find, timeout, what):
        deadline = time.monotonic() + timeout
        with self.fresh:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError(f"not seen: {what}; but {self.seen[-10:]}")
                self.fresh.wait(min(left, 1))
            return found

    def wait(self, event, timeout=20, **fields):
        """The first thing it saw that fits; waits for it."""
        def find():
            for line in self.seen:
                if line["event"] == event and all(
                        line.get(name) == value for name, value in fields.items()):
                    return line
            return None
        return self._until(find, timeout, (event, fields))

    def ask(self, verb, **more):
        """One question to its REST manager."""
        self.process.stdin.write(json.dumps({"do": verb, **more}) + "\n")
        self.process.stdin.flush()
        told = self._until(lambda: self.answers.pop(0) if self.answers else None, 30, verb)
        if "error" in told:
            raise AssertionError(told["error"])
        return told["answer"]
