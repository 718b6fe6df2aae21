"""Runs a program on a terminal of its own and looks at its screen."""

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import canary
from screen import Screen


class Terminal:
    """One program; type(), wait_for(), .screen.  Use it in a with statement."""

    def __init__(self, command, env, columns=80, rows=24):
        self.screen = Screen(columns, rows)
        self.raw = ""
        self.canary = canary.Stream("a terminal")
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(command[0], command, env)
            finally:
                os._exit(127)
        os.set_blocking(self.fd, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _reap(self):
        _, raw = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(raw)

    # ---- the keyboard ----

    def type(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        deadline = time.monotonic() + 20
        while data:
            try:
                data = data[os.write(self.fd, data):]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AssertionError("the program reads nothing") from None
            if data:
                self.read(0.01)

    def resize(self, columns, rows):
        """The window's size; what stood there before is gone in this model."""
        self.screen = Screen(columns, rows)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # ---- the screen ----

    def read(self, seconds):
        """Takes what there is, waiting for it at most so long; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.canary.add(data)
        text = self.decoder.decode(data)
        self.raw += text
        self.screen.feed(text)
        return bool(data)

    def wait_until(self, check, what, timeout=20):
        deadline = time.monotonic() + timeout
        while not check(self.screen):
            if time.monotonic() > deadline or not self.read(0.05):
                if check(self.screen):
                    return
                raise AssertionError(f"not shown: {what}\n{self.picture()}")

    def wait_for(self, text, timeout=20):
        """Until text stands somewhere."""
        self.wait_until(lambda screen: text in screen.text, repr(text), timeout)

    def wait_line(self, text, timeout=20):
        """Until the cursor's line is this one."""
        self.wait_until(lambda screen: screen.line == text.rstrip(), f"the line {text!r}", timeout)

    def settle(self, seconds=0.3):
        """Reads until nothing more has come for so long."""
        last = time.monotonic()
        seen = len(self.raw)
        while time.monotonic() - last < seconds and self.read(0.05):
            if len(self.raw) != seen:
                seen, last = len(self.raw), time.monotonic()

    def wait_exit(self, timeout=20):
        """Its status, with all that it wrote read."""
        deadline = time.monotonic() + timeout
        while self.read(0.05):
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not end\n{self.picture()}")
        self._reap()
        return self.status

    def picture(self):
        edge = "+" + "-" * self.screen.columns + "+"
        rows = [f"|{line:<{self.screen.columns}}|" for line in self.screen.lines]
        return "\n".join([*self.screen.scrolled[-40:], edge, *rows, edge,
                          f"cursor at row {self.screen.row}, column {self.screen.column}"])
