# SPDX-License-Identifier: GPL-2.0
"""The gate on a tree of a few files: its table, and what it remembers."""
import json
import os
import subprocess
import time
import unittest

from repository import GATE, GOOD, Repository

# Fails on the second patch, has nothing to do on the base, and tells what it was asked.
FAKE = """#!/bin/sh
echo "$1 $(git -C "$BUILD/linux" log -1 --format=%s)" | tee -a "$ASKED"
touch "$STEM.kept"
case "$(cat "$BUILD/linux/file")" in
base)	exit 4 ;;
two)	[ "$1" != checkpatch ] || [ -e "$MENDED" ] || { echo "error: not nice"; exit 1; } ;;
hang)	sleep 600 & wait ;;
odd)	echo "remark: odd" ;;
esac
"""


class Gate(Repository):
    def setUp(self):
        super().setUp()
        self.asked, self.mended = self.top / "asked", self.top / "mended"
        self.fake = self.write(self.top / "fake", FAKE, 0o755)

    def patch(self, content):
        return self.commit(GOOD.replace("something", content), file=f"{content}\n")

    def run_gate(self, **env):
        self.asked.unlink(missing_ok=True)
        return subprocess.run([GATE / "run-gate"], capture_output=True, text=True, stdin=subprocess.DEVNULL, env={
            **os.environ, "BUILD": str(self.top / "build"), "OUT": str(self.out), "CHECK_COMMIT": str(self.fake),
            "ASKED": str(self.asked), "MENDED": str(self.mended), "ENGINE": "", "JOBS": "", "RUN": "", "GATE": "",
            "CHECK_LIMIT": "", "ONLY": "message checkpatch", **env})

    def tried(self):
        return sorted(self.asked.read_text().splitlines()) if self.asked.exists() else []

    def results(self):
        return [json.loads(path.read_text()) for path in self.out.glob("gate-*/gate.json")]

    def test_table(self):
        self.patch("one")
        tree = self.patch("two")
        done = self.run_gate()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^message +- +ok +ok +\d+$")
        self.assertRegex(done.stdout, r"(?m)^checkpatch +- +ok +RED +\d+$")
        self.assertRegex(done.stdout, r"RED  checkpatch 02: error: not nice  .*/logs/checkpatch-02.log")
        self.assertIn("3 green, 2 without a need, 1 red; 0 proofs good, 0 bad, 7 missing; 0 min", done.stdout)
        self.assertIn("mutants: none for this tree yet: make mutants", done.stdout)
        self.assertEqual(len(self.tried()), 6)
        run = next(self.out.iterdir())
        self.assertEqual((run / "table.txt").read_text(), done.stdout)
        self.assertTrue((run / "logs/message-01.kept").exists())
        about = self.results()[0]["identity"]
        self.assertEqual((about["tree"], about["base"], about["mode"]), (tree, "7.3.4", "full"))
        self.assertIn(about["compilers"]["gcc"], done.stdout)
        self.assertRegex(done.stdout, r"^gate-\w+-\w+: project [0-9a-f]{12}( \(dirty\))?, Linux 7.3.4 \(tree " + tree[:12])

    def test_memory(self):
        """What is known is not tried again, but for what was red, and the base for it."""
        self.patch("one")
        self.patch("two")
        self.run_gate()
        self.assertEqual(self.run_gate().returncode, 1)
        self.assertEqual(self.tried(), ["checkpatch KVM: x86/mmu: Do two", "checkpatch Linux"])
        self.mended.touch()
        done = self.run_gate()
        self.assertEqual((done.returncode, len(self.tried())), (0, 2), done.stdout)
        self.assertRegex(done.stdout, r"(?m)^checkpatch +- +ok +ok +\d+$")
        self.assertEqual(self.run_gate().returncode, 0)
        self.assertEqual(self.run_gate(ONLY="message").returncode, 0)
        self.assertEqual(self.tried(), [])
        self.assertEqual(len(self.results()), 1)

    def test_other_checks_are_another_run(self):
        self.patch("one")
        self.run_gate()
        self.write(self.fake, FAKE + "\n", 0o755)
        self.run_gate()
        self.assertEqual((len(self.tried()), len(self.results())), (4, 2))
        self.write(self.top / "bin/sparse", "#!/bin/sh\necho another\n", 0o755)
        self.run_gate(PATH=f"{self.top}/bin:{os.environ['PATH']}")
        self.assertEqual((len(self.tried()), len(self.results())), (4, 3))

    def test_a_check_that_hangs(self):
        self.patch("hang")
        began = time.time()
        done = self.run_gate(CHECK_LIMIT="1", ONLY="message")
        self.assertEqual(done.returncode, 1)
        self.assertIn("RED  message 01: hung: stopped after 1 s", done.stdout)
        self.assertLess(time.time() - began, 60)

    def test_remarks(self):
        self.patch("odd")
        self.commit(GOOD, other="file")
        done = self.run_gate()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nremark  message 01 02: odd\n", done.stdout)

    def test_quick_tries_the_last_patches(self):
        self.patch("one")
        self.patch("three")
        done = self.run_gate(GATE="quick", ONLY="modules message")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^message +- +ok +ok +\d+$")
        self.assertRegex(done.stdout, r"(?m)^modules +- +ok +\d+$")
        # Nobody compiles the last one.
        self.commit(GOOD, {"MAINTAINERS": "me", "tools/a.c": "x", "Documentation/a.rst": "x"})
        self.assertRegex(self.run_gate(GATE="quick", ONLY="modules").stdout, r"(?m)^modules +- +ok +ok +\d+$")

    def test_estimate(self):
        self.patch("one")
        self.run_of("gate-1/gate.json", cells=[{"check": "message", "seconds": 1200}, {"check": "message", "seconds": 0}])
        said = self.run_gate(ONLY="message", JOBS="2").stderr
        self.assertIn("1 checks of 1 patches, 2 of 2 trials to go, about 10 min", said)
        self.assertIn("0 of 2 trials to go, about 0 min", self.run_gate(ONLY="message").stderr)
        # Nobody has measured this one.
        self.assertIn("about 6 min", self.run_gate(ONLY="selftests", JOBS="1").stderr)

    def test_bad_proofs_are_red(self):
        tree = self.patch("one")
        mutants = {"tree": tree, "summary": "1 survived", "states": {"a": "survived"}}
        for mode in ("full", "quick"):
            self.run_of("mutants-1/mutants.json", **mutants)
            done = self.run_gate(GATE=mode)
            self.assertEqual(done.returncode, 1, mode)
            self.assertIn("\nRED  mutants: mutants-1: 1 survived\n", done.stdout)
            self.assertIn("0 red; 0 proofs good, 1 bad, 6 missing", done.stdout)
        self.run_of("mutants-1/mutants.json", **{**mutants, "states": {"a": "killed"}})
        done = self.run_gate()
        self.assertEqual(done.returncode, 0)
        self.assertIn("0 red; 1 proofs good, 0 bad, 6 missing", done.stdout)

    def test_bad_words(self):
        self.patch("one")
        for env, text in (({"GATE": "slow"}, "GATE=slow: full or quick"), ({"ONLY": "x"}, "no such check: x")):
            done = self.run_gate(**env)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
