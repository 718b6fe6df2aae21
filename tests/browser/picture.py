#!/usr/bin/env python3
"""Makes docs/terminal.png anew: gwctl explain in a terminal, while the gateway is frozen.

GWBOT_BIN=build/release python3 -B tests/browser/picture.py   (./dev setup brings what it needs)
"""

import html
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from gwbotd import BIN, Gwbotd  # noqa: E402
from terminal import Terminal  # noqa: E402

COLUMNS, ROWS = 84, 24
WIDTH = 9 * COLUMNS + 60
TARGET = HERE.parents[1] / "docs" / "terminal.png"
COLOURS = {31: "#e06c75", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2"}
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #1e2127; width: {width}px }}
pre {{ margin: 0; padding: 18px 22px; color: #d7dae0; font: 15px/1.4 "DejaVu Sans Mono", monospace }}
</style><pre>{text}</pre>"""


def css(style):
    """A style of the screen, which is the parameters of SGR."""
    found = []
    for number in map(int, re.findall(r"\d+", style)):
        if number == 1:
            found.append("font-weight: bold")
        elif number == 2:
            found.append("opacity: 0.65")
        elif number in COLOURS:
            found.append(f"color: {COLOURS[number]}")
    return "; ".join(found)


def as_html(screen):
    lines = []
    for row, line in enumerate(screen.lines):
        lines.append("".join(
            f'<span style="{css(screen.style_at(row, column))}">{html.escape(char)}</span>'
            for column, char in enumerate(line)))
    return "\n".join(lines).rstrip()


def shell(bot):
    env = {**bot.env, "PATH": f"{BIN}:{os.environ['PATH']}", "GWCTL_SOCKET": str(bot.socket),
           "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PS1": "$ "}
    return Terminal(["/bin/bash", "--noprofile", "--norc", "--noediting"], env, COLUMNS, ROWS)


def shoot(text):
    """Over HTTP, since the browser's driver wants a status."""
    page = PAGE.format(text=text, width=WIDTH).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        orders = [{"do": "open", "url": f"http://127.0.0.1:{server.server_address[1]}/",
                   "width": WIDTH, "height": 200},
                  {"do": "shot", "path": str(TARGET)}]
        done = subprocess.run(["node", HERE / "driver.mjs"], check=True, text=True,
                              stdout=subprocess.PIPE, timeout=60,
                              input="".join(json.dumps(order) + "\n" for order in orders))
        server.shutdown()
    print(done.stdout)


def main():
    with Gwbotd(watchdog__keepalive="2s", watchdog__stall="20s", watchdog__disconnect_grace="20s") as bot:
        bot.start("--sim").wait_ready()
        time.sleep(6)  # a latency is known
        with shell(bot) as terminal:
            for command in ("gwctl sim freeze", "gwctl wait down", "gwctl explain"):
                terminal.wait_line("$")
                terminal.type(command + "\n")
                terminal.settle(1)
                terminal.wait_line("$")
            text = as_html(terminal.screen)
    shoot(text)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
