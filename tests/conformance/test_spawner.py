"""What a process can still start behind hardening_forbid_programs(), by trying; and what
its spawner starts for it."""

import os
import pathlib
import subprocess
import unittest

FOLDER = pathlib.Path(os.environ["GWBOT_TEST_BIN"])
CHECKED = b"__asan_init" in (FOLDER / "spawner_client").read_bytes()


def client(*words, **keywords):
    done = subprocess.run([FOLDER / "spawner_client", *words], capture_output=True, text=True,
                          timeout=30, check=True, **keywords)
    lines = done.stdout.splitlines()
    lines.remove(f"apart {int(words[0] != 'alone')}")
    return lines


class Forbidden(unittest.TestCase):
    def test_no_way_leads_to_a_program(self):
        said = dict(line.rsplit(" ", 1) for line in client("try", "/bin/true"))
        # A thread is none: that works, and it is held as the others are.
        self.assertEqual("done", said.pop("pthread_create"))
        # The leak checker is a process beside the one that it looks at.
        processes = said.pop("fork")
        self.assertEqual("done" if CHECKED else "EPERM", processes)
        if CHECKED:
            said.pop("system")  # a child of its own fails to exec then, and system() has run
        self.assertEqual({"EPERM"}, set(said.values()), said)
        self.assertLessEqual({"execve", "execveat", "posix_spawn", "thread execv"}, said.keys())


class Spawner(unittest.TestCase):
    def test_it_starts_what_it_is_told_may_start(self):
        lines = client("run", "nothing", "/bin/sh", "-c", "echo $# $0 $1; exit 3", "a b", "c")
        self.assertEqual(["1 a b c", "status 3"] * 2, lines)

    def test_what_it_does_not_know_is_refused_until_it_learns(self):
        self.assertEqual(["spawner EACCES", "status 0"], client("run", "true", "/bin/true"))

    def test_why_a_program_does_not_start_is_told(self):
        self.assertEqual(["spawner ENOENT"] * 2, client("run", "x", "/no/such/program"))
        self.assertEqual(["spawner EACCES"] * 2, client("run", "x", "/etc/passwd"))
        many = ["/bin/true", *["word"] * 300]
        self.assertEqual(["spawner E2BIG"] * 2, client("run", "x", *many))
        long = ["/bin/true", "w" * 70000]
        self.assertEqual(["spawner E2BIG"] * 2, client("run", "x", *long))

    def test_a_program_has_nothing_of_ours(self):
        reading, writing = os.pipe()
        script = ("ls /proc/$$/fd; tr '\\0' '\\n' </proc/$$/environ; readlink /proc/$$/fd/0; "
                  "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo own session")
        given = {"pass_fds": (reading, writing), "env": {**os.environ, "SECRET": "of ours"}}
        try:
            lines = client("run", "x", "/bin/dash", "-c", script, **given)
            status = client("run", "x", "/bin/cat", "/proc/self/status", **given)
        finally:
            os.close(reading)
            os.close(writing)
        self.assertEqual(
            ["0", "1", "2", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             "LANG=C.UTF-8", "/dev/null", "own session", "status 0"] * 2, lines)
        held = [line.split()[1] for line in status if line.startswith(("SigBlk", "SigIgn"))]
        self.assertEqual(["0" * 16] * 4, held)

    def test_a_kernel_that_cannot_do_it_still_has_its_programs(self):
        lines = client("alone", "nothing", "/bin/sh", "-c", "echo $0; exit 3", "a b")
        self.assertEqual(["a b", "status 3"] * 2, lines)
        self.assertEqual(["spawner ENOENT"] * 2, client("alone", "x", "/no/such/program"))


if __name__ == "__main__":
    unittest.main()
