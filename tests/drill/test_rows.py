#!/usr/bin/env python3
"""The drill has every row of the catalogue, and every case that a row names is there."""

import ast
import functools
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import drill  # noqa: E402  (the path is set above)

# Functions that name cases, and what they stand for where that is fixed.
NAMING = {"unit": (), "suite": (), "rest": ("conformance", "test_rest")}


def proofs():
    """(place, function, words) of each call that names cases of a suite."""
    for path in sorted(HERE.glob("*.py")):
        if path.name in ("drill.py", pathlib.Path(__file__).name):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                    and node.func.id in NAMING:
                words = [word.value for word in node.args if isinstance(word, ast.Constant)]
                if len(words) == len(node.args):  # others pass on what they were given
                    yield f"{path.name}:{node.lineno}", node.func.id, words


@functools.cache
def cases_of(path):
    """Class.test_x of a file; also those that it makes of the scenes of its program."""
    classes = [node for node in ast.parse(path.read_text(encoding="utf-8")).body
               if isinstance(node, ast.ClassDef)]
    cases = {f"{node.name}.{part.name}" for node in classes for part in node.body
             if isinstance(part, ast.FunctionDef)}
    program = path.with_name(path.stem.replace("test_", "") + "_client.c")
    if "setattr(" in path.read_text(encoding="utf-8") and program.exists():
        words = set(re.findall(r"\w+", program.read_text(encoding="utf-8")))
        cases |= {f"{node.name}.test_{word}" for node in classes for word in words}
    return cases


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.modules["drill"] = drill
        drill.load()

    def test_each_row_of_the_catalogue_is_played_or_says_why_not(self):
        wanted = {f"{group}{row:02}" for group, (_, count) in drill.CATALOGUE.items()
                  for row in range(1, count + 1)}
        self.assertEqual(198, len(wanted))
        self.assertEqual(wanted, set(drill.FAULTS))
        for item in drill.FAULTS.values():
            self.assertTrue(item.title)
            self.assertNotEqual(item.function is None, item.cannot == "", item.number)

    def test_each_case_that_a_row_names_is_there(self):
        found = list(proofs())
        self.assertGreater(len(found), 20)
        for place, name, words in found:
            words = [*NAMING[name], *words]
            with self.subTest(place):
                if name == "unit":
                    text = (HERE.parent / "unit" / f"{words[0]}.c").read_text(encoding="utf-8")
                    for case in words[1:]:
                        self.assertRegex(text, rf"(?m)^{re.escape(case)}\(void \*\*")
                else:
                    known = cases_of(HERE.parent / words[0] / f"{words[1]}.py")
                    self.assertTrue(words[2:], "no case is named")
                    self.assertLessEqual(set(words[2:]), known)


if __name__ == "__main__":
    unittest.main()
