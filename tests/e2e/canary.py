"""The token that must never be printed, and the search for it in all that the programs say.

gwbotd.py puts this between the programs and the tests: the log, what gwctl and gwbotd
print, answers over HTTP and the control socket, a terminal's screen, notes to systemd,
bodies sent to Discord, the files and names of the state folder, argv and environment of
the daemon and of its children.  A hit fails the test, whatever that was about.
"""

import atexit
import collections
import json
import os
import pathlib
import socket
import subprocess
import weakref

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.CANARY.token-that-must-never-be-printed-anywhere"
NEEDLE = TOKEN.encode()
MADE_OF = ("gwbotd", "gwctl")

searched = collections.Counter()  # bytes, by where they came from


class Leak(AssertionError):
    """The token was printed."""


def search(where, *pieces):
    """Raises Leak where one of the pieces (str, bytes or None) holds the token."""
    for piece in pieces:
        data = piece.encode("utf-8", "replace") if isinstance(piece, str) else piece or b""
        searched[where] += len(data)
        at = data.find(NEEDLE)
        if at >= 0:
            shown = data[max(0, at - 200):at] + b"<the token>" + data[at + len(NEEDLE):][:200]
            raise Leak(f"the token in {where}: {shown!r}")


class Stream:
    """A search over pieces that may cut the token in two."""

    def __init__(self, where):
        self.where, self.tail = where, b""

    def add(self, data):
        both = self.tail + data
        self.tail = both[-len(NEEDLE):]
        searched[self.where] -= len(both) - len(data)
        search(self.where, both)


# ---- what is left behind, and what others could see ----

def search_folder(path):
    for file in pathlib.Path(path).rglob("*"):
        search("names in the state folder", str(file.relative_to(path)))
        try:
            if file.is_file() and not file.is_symlink():
                search("the state folder", file.read_bytes())
        except OSError:
            continue  # it went, or is nobody's to read


def _family(pid):
    yield pid
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        children = [word for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def search_processes(pid):
    """Of a daemon that has begun, and of all that it has started."""
    for each in _family(pid):
        for name in ("cmdline", "environ", "comm"):
            try:
                data = pathlib.Path(f"/proc/{each}/{name}").read_bytes()
            except OSError:
                continue
            search(f"/proc/PID/{name}", data)


# ---- between the programs and every test ----

def _watch_programs():
    begin = subprocess.CompletedProcess.__init__

    def watched(self, args, returncode, stdout=None, stderr=None):
        begin(self, args, returncode, stdout, stderr)
        words = [args] if isinstance(args, (str, bytes, os.PathLike)) else args
        if any(os.path.basename(os.fspath(word)) in MADE_OF for word in words):
            search("what programs print", stdout, stderr)

    subprocess.CompletedProcess.__init__ = watched


def _is_control(peer):
    try:
        return peer.family == socket.AF_UNIX and str(peer.getpeername()).endswith("control.sock")
    except OSError:
        return False


def _watch_sockets():
    recv, recv_into = socket.socket.recv, socket.socket.recv_into
    streams = weakref.WeakKeyDictionary()

    def note(peer, data):
        if _is_control(peer):
            streams.setdefault(peer, Stream("the control socket")).add(data)

    def watched(self, *words):
        data = recv(self, *words)
        note(self, data)
        return data

    def watched_into(self, buffer, *words):
        size = recv_into(self, buffer, *words)
        note(self, bytes(buffer[:size]))
        return size

    socket.socket.recv, socket.socket.recv_into = watched, watched_into


def _report():
    with open(os.environ["GWBOT_CANARY_REPORT"], "a", encoding="utf-8") as out:
        out.write(json.dumps(dict(searched), sort_keys=True) + "\n")


_watch_programs()
_watch_sockets()
if "GWBOT_CANARY_REPORT" in os.environ:
    atexit.register(_report)
