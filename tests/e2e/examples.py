"""The examples of the manual pages and of README.md, as they stand there.

An example is a command (with what the page shows of its answer), a piece of text that a
program reads (a configuration, a program in Python), or a session of README.md: commands in
their order, each with what is shown of its answer.
"""

import pathlib
import re
from dataclasses import dataclass

from gwbotd import BIN

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("gwbotd.8", "gwctl.1", "gwbot.conf.5", "gwbot-control.7", "gwbot-metrics.7")
LABEL = re.compile(r"  [A-Z]\S* +\S")


@dataclass(frozen=True)
class Example:
    where: str  # page and line
    kind: str  # command, text, session
    text: str
    answer: str = ""

    @property
    def page(self):
        return self.where.split(":")[0]


def plain(line):
    """A line of mdoc's literal text as a reader sees it."""
    for code, letter in ((r"\(dq", '"'), (r"\e", "\\"), (r"\&", ""), (r"\-", "-"), (r"\ ", " ")):
        line = line.replace(code, letter)
    return line


def is_unfinished(command):
    """Whether the next line belongs to the command, too."""
    document = re.search(r"<<'?(\w+)'?", command)
    if document and "\n" in command:
        return command.split("\n")[-1] != document.group(1)
    if document:
        return True
    return command.rstrip().endswith(("|", "\\", "&&", "||"))


def of_block(where, lines):
    """The examples of one literal block, in their order."""
    if not any(line.startswith(("$ ", "# ")) for line in lines):
        return [Example(where, "text", "\n".join(lines) + "\n")]
    found = []
    command, answer, open_ended = None, [], False
    for line in [*lines, "$ "]:
        if line.startswith(("$ ", "# ")):
            if command:
                found.append(Example(where, "command", command, "\n".join(answer)))
            command, answer = line[2:].strip(), []
            open_ended = is_unfinished(command)
        elif open_ended:
            command = command + "\n" + line if "<<" in command else command.rstrip("\\") + " " + line.strip()
            open_ended = is_unfinished(command)
        else:
            answer.append(line)
    return found


def of_page(name):
    found = []
    block = None
    for number, line in enumerate((BIN / "man" / name).read_text(encoding="utf-8").splitlines(), 1):
        where = f"{name}:{number}"
        if line.startswith(".Bd -literal"):
            block = (where, [])
        elif line == ".Ed" and block:
            found += of_block(*block)
            block = None
        elif block:
            block[1].append(plain(line))
        elif line.startswith((".Dl ", ".D1 ")):
            found += of_block(where, [plain(line[4:])])
    return found


def in_readme(block):
    """Lines such as `gwctl latency [SHARD]      what it does`, a session, or a screen."""
    if block[0][1].startswith("$ "):
        return [Example(f"README.md:{block[0][0]}", "session", "\n".join(line for _, line in block) + "\n")]
    if any(line.startswith("●") for _, line in block):
        return [Example(f"README.md:{block[0][0]}", "text", "\n".join(line for _, line in block) + "\n")]
    found = []
    for number, line in block:
        command = re.sub(r"  +#?.*| +\[[^]]*\]", "", line).strip()
        program, *words = command.split(" ", 1)
        # `gwctl snapshot | thresholds` names two commands; a pipe has a program on its right.
        choices = words[0].split(" | ") if words and program == "gwctl" else words
        found += [Example(f"README.md:{number}", "command", f"{program} {choice}") for choice in choices or [""]]
    return found


def of_readme():
    found = []
    block = []
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, "end"], 1):
        if line.startswith("    "):
            block.append((number, line[4:]))
        elif not line and block:
            block.append((number, ""))
        elif block:
            found += in_readme([(at, text) for at, text in block if text or block[0][1][0] in "●$"])
            block = []
    return [Example(one.where, one.kind, one.text.strip() if one.kind == "command" else one.text.rstrip("\n") + "\n")
            for one in found]


def all_examples():
    return [example for page in PAGES for example in of_page(page)] + of_readme()
