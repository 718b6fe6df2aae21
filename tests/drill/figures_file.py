"""What a long run leaves behind: one file of JSON that says what was measured, and on what."""

import json
import os
import pathlib
import subprocess
import time

TREE = pathlib.Path(__file__).resolve().parents[2]


def commit():
    """The commit that the tree stands at, with a + where it has changes."""
    said = subprocess.run(["git", "-C", str(TREE), "describe", "--always", "--abbrev=12",
                           "--dirty=+", "--exclude=*"],
                          capture_output=True, text=True, check=False)
    return os.environ.get("GWBOT_COMMIT") or said.stdout.strip() or "unknown"


def write(path, verb, **figures):
    """Writes them under the commit, the date and the load of the machine, if path is given."""
    if not path:
        return
    told = {"verb": verb, "commit": commit(),
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "processors": os.cpu_count(), "load": os.getloadavg(), **figures}
    pathlib.Path(path).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
