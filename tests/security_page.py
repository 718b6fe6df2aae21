#!/usr/bin/env python3
"""Each test that docs/security.md names exists: tests/security_page.py."""

import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "security.md"

# `e2e/test_x.py::test_y`, or a file or folder alone.
NAMED = re.compile(r"`([a-z0-9_]+(?:/[a-z0-9_.]*)?(?:\.py|\.c|/))(?:::([a-z0-9_]+))?`")


def problems(page):
    """What is named and not there, and claims that name nothing."""
    named = NAMED.findall(page)
    for file, name in named:
        path = TESTS / file
        if not path.exists():
            yield f"there is no tests/{file}"
        elif name and not re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")):
            yield f"tests/{file} has no {name}"
    claims = page.split("## Claims")[1].split("\n## ")[0]
    for line in claims.splitlines():
        if line.startswith("|") and not line.startswith(("|---", "| claim")) and not NAMED.search(line.rsplit("|", 2)[1]):
            yield f"a claim without a test: {line[:80]}"
    if len(named) < 40:
        yield f"{len(named)} tests are named: is the form another by now?"


def main():
    page = PAGE.read_text(encoding="utf-8")
    # It must notice both.
    made = "| x | `e2e/nowhere.py::test_x` |"
    assert list(problems(page + made)) and list(problems(page.replace("## Claims", "## Claims\n| x | y |", 1)))
    found = list(problems(page))
    print("\n".join(found) or f"{len(NAMED.findall(page))} tests are named, and are there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
