"""Somebody at a shell of the machine: types at a pseudo-terminal, one key after the other."""

import os
import pty
import re
import select
import signal
import time

PROMPT = "ready> "


class Typist:
    """A login shell of a user; completed() is what a line with tabs in it becomes."""

    def __init__(self, machine, user, shell):
        self.shown = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The outer terminal is not of this machine; script makes one that is.
            os.execvp("nsenter", [
                "nsenter", "-t", str(machine.pid), "--all", "--", "env", "-i", "TERM=dumb",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "script", "-qec",
                f"su - {user} -s {shell}", "/dev/null"])
        self.wait(PROMPT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)

    def read(self, seconds):
        """Takes what there is, waiting for it at most so long; False when nothing came."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            raise AssertionError(f"the shell ended: {self.shown[-2000:]}") from None
        if b"\x1b[c" in data:  # "who are you?": a VT100
            os.write(self.fd, b"\x1b[?1;0c")
        self.shown += data.decode("utf-8", "replace")
        return True

    def wait(self, pattern, since=0, timeout=30):
        """The match, in what was shown from there on, without escape codes."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", self.shown[since:]))
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not shown: {pattern!r}\n{self.shown[-2000:]}")
            self.read(0.1)

    def type(self, text):
        """Each tab alone: what follows is typed once the shell has been quiet for a while."""
        for part in re.findall(r"[^\t]*\t|[^\t]+", text):
            os.write(self.fd, part.encode())
            while part.endswith("\t") and self.read(0.7):
                pass

    def completed(self, line):
        """What stands behind the prompt once the line was typed: echo is put before it."""
        since = len(self.shown)
        self.type(line)
        os.write(self.fd, b"\x01echo it is: \r")
        words = self.wait(r"[\r\n]it is: ([^\r\n]*)(?s:.*)" + PROMPT, since)[1]
        return " ".join(words.split())

    def run(self, line):
        """What a line shows when it is run."""
        since = len(self.shown)
        self.type(line + "\r")
        return self.wait(r"\n((?s:.*))" + PROMPT, since)[1].replace("\r", "")
