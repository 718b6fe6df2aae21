"""A service manager's notify socket, for tests."""

import os
import select
import socket
import time

import canary


class Notify:
    """Receives the datagrams of one gwbotd; address is for NOTIFY_SOCKET."""

    def __init__(self, bot, abstract=False, usec=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if abstract:
            self.address = f"@gwbot-test-{os.getpid()}-{id(self)}"
            self.socket.bind("\0" + self.address[1:])
        else:
            self.address = str(bot.dir / "notify")
            self.socket.bind(self.address)
        bot.env["NOTIFY_SOCKET"] = self.address
        if usec is not None:
            bot.env["WATCHDOG_USEC"] = str(usec)
        self.seen = []  # (instant, {name: value}), one a datagram

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, timeout=0.0):
        """Takes what has come, waiting so long for the first of it; those datagrams."""
        fresh = []
        while select.select([self.socket], [], [], 0 if fresh else timeout)[0]:
            text = self.socket.recv(65536).decode()
            canary.search("notes to systemd", text)
            lines = [line.partition("=") for line in text.splitlines()]
            fresh.append((time.monotonic(), {name: value for name, _, value in lines}))
        self.seen += fresh
        return fresh

    def wait(self, name, value="1", timeout=30, after=0):
        """The first datagram from index `after` on that has it; value None: any."""
        deadline = time.monotonic() + timeout
        while True:
            for when, news in self.seen[after:]:
                if name in news and value in (None, news[name]):
                    return when, news
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {name}={value} in {timeout} s: {self.seen}")
            self.read(min(left, 0.5))

    def instants(self, name):
        return [when for when, news in self.seen if name in news]
