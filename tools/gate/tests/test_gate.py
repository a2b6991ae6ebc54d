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
hang)	sleep 600 & wait ;;
odd)	echo "remark: odd" ;;
two)	[ "$1" != checkpatch ] || { echo "error: not nice"; exit 1; } ;;
esac
"""


class Gate(Repository):
    def setUp(self):
        super().setUp()
        self.asked = self.top / "asked"
        self.fake = self.write(self.top / "fake", FAKE, 0o755)

    def patch(self, content):
        return self.commit(GOOD.replace("something", content), file=f"{content}\n")

    def run_gate(self, **env):
        return subprocess.run([GATE / "run-gate"], capture_output=True, text=True, stdin=subprocess.DEVNULL, env={
            **os.environ, "BUILD": str(self.top / "build"), "OUT": str(self.out), "CHECK_COMMIT": str(self.fake),
            "ASKED": str(self.asked), "ENGINE": "", "JOBS": "", "RUN": "", "GATE": "", "CHECK_LIMIT": "",
            "ONLY": "message checkpatch", **env})

    def test_table_and_memory(self):
        self.patch("one")
        self.patch("two")
        done = self.run_gate()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^message +- +ok +ok +\d+$")
        self.assertRegex(done.stdout, r"(?m)^checkpatch +- +ok +RED +\d+$")
        self.assertIn("RED  checkpatch 02: error: not nice", done.stdout)
        self.assertIn("3 green, 2 without a need, 1 red; 0 proofs good, 0 bad, 7 missing; 0 min", done.stdout)
        self.assertIn("mutants: none for this tree yet: make mutants", done.stdout)
        self.assertTrue((next(self.out.iterdir()) / "logs/message-01.kept").exists())
        asked = self.asked.read_text()
        self.assertEqual(len(asked.splitlines()), 6)
        self.assertEqual(self.run_gate().returncode, 1)
        self.assertEqual(self.asked.read_text(), asked, "what is known is not tried again")

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
