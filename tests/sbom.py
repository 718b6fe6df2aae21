#!/usr/bin/env python3
"""The bill of materials beside the programs: tests/sbom.py FOLDER SCRIPT CMAKE.

It has what SPDX 2.3 wants of a document, names every library that the programs need, and
comes out the same each time."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FOLDER, SCRIPT, CMAKE = (pathlib.Path(word) for word in sys.argv[1:4])
PROGRAMS = ("gwbotd", "gwctl", "gwsim", "gwbot-emoji")

# SPDX 2.3, JSON schema: "required" of the document, of a package, of a relationship.
DOCUMENT = ("SPDXID", "creationInfo", "dataLicense", "name", "spdxVersion", "documentNamespace")
PACKAGE = ("SPDXID", "downloadLocation", "name")
RELATIONSHIP = ("spdxElementId", "relatedSpdxElement", "relationshipType")
LICENCES = {"GPL-3.0-or-later", "MIT", "Apache-2.0", "LGPL-2.1-or-later", "LGPL-2.1-only", "Zlib",
            "BSD-3-Clause", "GPL-2.0-only", "libpng-2.0", "GCC-exception-3.1"}


def needed(program):
    text = subprocess.run(["readelf", "--wide", "-d", FOLDER / program], capture_output=True,
                          text=True, check=True).stdout
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", text))


class Bill(unittest.TestCase):
    def setUp(self):
        self.bill = json.loads((FOLDER / "gwbot.spdx.json").read_text())
        self.packages = {package["SPDXID"]: package for package in self.bill["packages"]}

    def test_it_has_what_the_specification_asks_for(self):
        for name in DOCUMENT:
            self.assertTrue(self.bill[name], name)
        self.assertEqual(("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"),
                         tuple(self.bill[name] for name in ("spdxVersion", "dataLicense", "SPDXID")))
        self.assertRegex(self.bill["documentNamespace"], r"^https://[^#\s]+$")
        info = self.bill["creationInfo"]
        self.assertRegex(info["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for creator in info["creators"]:
            self.assertRegex(creator, r"^(Tool|Organization|Person): \S")
        self.assertEqual(len(self.bill["packages"]), len(self.packages), "an id twice")
        for package in self.packages.values():
            for name in PACKAGE:
                self.assertTrue(package[name], name)
            self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertRegex(package["versionInfo"], r"^\d+(\.\d+)+$")
            words = re.split(r" (?:OR|AND|WITH) ", package["licenseDeclared"])
            self.assertLessEqual(set(words), LICENCES)
        ends = {"SPDXRef-DOCUMENT", *self.packages}
        for relation in self.bill["relationships"]:
            self.assertEqual(set(RELATIONSHIP), set(relation))
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, ends)

    def test_it_names_every_library_of_every_program(self):
        for program in PROGRAMS:
            linked = {relation["relatedSpdxElement"] for relation in self.bill["relationships"]
                      if relation["relationshipType"] == "DYNAMIC_LINK"
                      and relation["spdxElementId"] == f"SPDXRef-program-{program}"}
            named = {word for name in linked for word in self.packages[name]["comment"].split()}
            self.assertTrue(needed(program))
            self.assertLessEqual(needed(program), named, program)

    def write(self, versions, epoch=None, programs=PROGRAMS):
        env = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
        if epoch:
            env["SOURCE_DATE_EPOCH"] = epoch
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "bill"
            done = subprocess.run(
                [CMAKE, "-DVERSION=1.2.3", "-DREADELF=readelf", f"-DOUT={out}",
                 "-DPROGRAMS=" + ";".join(str(FOLDER / name) for name in programs),
                 "-DVERSIONS=" + ";".join(versions), "-P", SCRIPT],
                env=env, capture_output=True, text=True, check=False)
            return done, out.read_bytes() if out.exists() else b""

    def versions(self):
        return [f"{package['name']}={package['versionInfo']}" for package in self.bill["packages"]]

    def test_the_same_build_makes_the_same_bytes(self):
        one, two = (self.write(self.versions(), "1700000000")[1] for _ in range(2))
        self.assertEqual(one, two)
        self.assertIn(b'"2023-11-14T22:13:20Z"', one)
        self.assertNotEqual(one, self.write(self.versions(), "1700000001")[1])
        self.assertIn(b'"1970-01-01T00:00:00Z"', self.write(self.versions())[1])

    def test_a_library_without_a_version_stops_the_build(self):
        done, _ = self.write([each for each in self.versions() if not each.startswith("openssl=")])
        self.assertNotEqual(0, done.returncode)
        self.assertIn("no version of openssl", done.stderr)

    def test_a_library_without_a_row_stops_the_build(self):
        done, _ = self.write(self.versions(), programs=["/bin/ls"])  # libselinux
        self.assertNotEqual(0, done.returncode)
        self.assertIn("has no row for it", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
