"""That a token in any output fails a test, whatever the test is about: the search is tried
on a gwbotd that is made to say it, at each of its outputs."""

import os
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

import canary
from canary import TOKEN, Leak
from gwbotd import Gwbotd
from notify import Notify
from terminal import Terminal

NOWHERE = {"DISCORD_API_BASE": "http://127.0.0.1:1/api/v10"}


class Found(unittest.TestCase):
    def test_in_the_log(self):
        with self.assertRaises(Leak):
            with Gwbotd(env=NOWHERE, wrapper=["sh", "-c", 'echo "$DISCORD_TOKEN" >&2; exec "$@"', "sh"]) as bot:
                bot.start().wait_event("watchdog")
        self.assertFalse(bot.dir.exists())

    def test_in_the_state_folder(self):
        for name, text in (("note", "x" * 5000 + TOKEN), (f"core.{TOKEN}", "")):
            with self.assertRaises(Leak):
                with Gwbotd(env=NOWHERE) as bot:
                    bot.start().wait_event("watchdog")
                    (bot.dir / "state" / name).write_text(text)

    def test_in_argv_or_environment(self):
        for words in (["-c", "import sys; sys.stdin.read()", TOKEN], ["-c", "import sys; sys.stdin.read()"]):
            env = {**os.environ, "X": "" if TOKEN in words else TOKEN}
            with subprocess.Popen([sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])",
                                   sys.executable, *words], env=env, stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL) as parent:
                try:
                    # The kernel shows neither before exec is through; its child is behind that.
                    children = pathlib.Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
                    while not children.read_text():
                        self.assertIsNone(parent.poll())
                    with self.assertRaises(Leak):
                        canary.search_processes(parent.pid)
                finally:
                    parent.stdin.close()

    def test_in_what_a_program_prints(self):
        with Gwbotd() as bot:
            fake = bot.dir / "gwctl"
            fake.write_text(f"#!/bin/sh\necho '{TOKEN}' >&2\n")
            fake.chmod(0o755)
            with self.assertRaises(Leak):
                subprocess.run([fake], capture_output=True, text=True, check=False)

    def test_on_a_terminal_in_two_pieces(self):
        half = len(TOKEN) // 2
        script = f"printf %s {TOKEN[:half]}; sleep 0.3; printf %s {TOKEN[half:]}"
        with self.assertRaises(Leak), Terminal(["/bin/sh", "-c", script], dict(os.environ)) as terminal:
            terminal.wait_exit()

    def test_over_the_control_socket(self):
        with Gwbotd() as bot, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(bot.socket))
            listener.listen(2)

            def serve():
                for _ in range(2):
                    peer, _ = listener.accept()
                    peer.sendall(b"x" * 10 + TOKEN.encode() + b"\n")
                    peer.close()

            server = threading.Thread(target=serve)
            server.start()
            for read in (lambda peer: peer.recv(1000), lambda peer: peer.makefile("rb").readline()):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(str(bot.socket))
                    with self.assertRaises(Leak):
                        read(peer)
            server.join()

    def test_in_a_note_to_systemd(self):
        with Gwbotd() as bot, Notify(bot) as notify:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(f"STATUS={TOKEN}".encode(), notify.address)
            with self.assertRaises(Leak):
                notify.read(5)


class NotFound(unittest.TestCase):
    def test_a_daemon_that_keeps_it_to_itself_passes(self):
        before = dict(canary.searched)
        with Gwbotd(env=NOWHERE) as bot:
            bot.start().wait_event("watchdog")
            bot.ctl("config")
            bot.get("/healthz")
        fresh = {name for name, size in canary.searched.items() if size > before.get(name, 0)}
        self.assertLessEqual({"the log", "what programs print", "answers over HTTP", "the state folder",
                              "/proc/PID/environ", "/proc/PID/cmdline"}, fresh)


if __name__ == "__main__":
    unittest.main()
