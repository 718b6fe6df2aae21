"""The health server beside nginx's stub_status, in turns, on this machine: ./dev bench probe

Both close after each answer, as gwbotd always does; nginx with connections kept alive is
printed too, since that is what it is good at.  Figures are ratios of one run.
"""

import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))

from gwbotd import Gwbotd, Sim, free_port  # noqa: E402 - the path is set above

ROUNDS = 5
SECONDS = 3
CONNECTIONS = 16


class Nginx:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gwbot-nginx-")
        folder = pathlib.Path(self.folder.name)
        self.port = free_port()
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n"
            f"fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
            f"server {{ listen 127.0.0.1:{self.port}; location /healthz {{ stub_status; }} }} }}\n")
        self.process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")])

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.folder.cleanup()


def requests_a_second(port, close):
    headers = ["-H", "Connection: close"] if close else []
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *headers,
                           f"http://127.0.0.1:{port}/healthz"],
                          capture_output=True, text=True, check=True, timeout=60)
    return float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1))


def main():
    nginx = Nginx()
    try:
        with Sim(rate=1) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
            bot.start().wait_ready()
            time.sleep(1)
            rows = [(requests_a_second(bot.port, True), requests_a_second(nginx.port, True),
                     requests_a_second(nginx.port, False)) for _ in range(ROUNDS)]
    finally:
        nginx.close()
    ours, theirs, kept = (statistics.median(column) for column in zip(*rows))
    ratio = statistics.median(a / b for a, b, _ in rows)
    print(f"requests/s, median of {ROUNDS} rounds: gwbotd /healthz {ours:.0f}, nginx stub_status {theirs:.0f} "
          f"(kept alive: {kept:.0f}); gwbotd / nginx {ratio:.2f}")


if __name__ == "__main__":
    main()
