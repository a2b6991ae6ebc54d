# SPDX-License-Identifier: GPL-2.0
"""The gate on a tree of three files: its table, what it remembers, and what a commit has to say."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

GATE = Path(__file__).resolve().parents[1]
AUTHOR = "A. Developer <dev@example.org>"
GOOD = "KVM: x86/mmu: Do something\n\nIt is useful.\n\nSigned-off-by: " + AUTHOR
# Fails on the second patch, has nothing to do on the base, and tells what it was asked.
FAKE = """#!/bin/sh
echo "$1 $(git -C "$BUILD/linux" log -1 --format=%s)" | tee -a "$ASKED"
case "$(cat "$BUILD/linux/file")" in
base)	exit 4 ;;
two)	[ "$1" != checkpatch ] || { echo "error: not nice"; exit 1; } ;;
esac
"""


class Gate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gate-test-")
        self.addCleanup(self.folder.cleanup)
        self.top = Path(self.folder.name)
        self.linux, self.out, self.asked = self.top / "build/linux", self.top / "out", self.top / "asked"
        self.fake = self.top / "fake"
        self.fake.write_text(FAKE)
        self.fake.chmod(0o755)
        self.linux.mkdir(parents=True)
        self.git("init", "-q", "-b", "evict")
        self.commit("base", "Linux")
        self.git("branch", "base")

    def git(self, *args):
        return subprocess.run(["git", "-C", self.linux, "-c", "user.name=A. Developer", "-c", "user.email=dev@example.org",
                               *args], check=True, capture_output=True, text=True).stdout

    def commit(self, content, message):
        (self.linux / "file").write_text(f"{content}\n")
        self.git("add", "file")
        self.git("commit", "-q", "-m", message)

    def run_gate(self, **env):
        return subprocess.run([GATE / "run-gate"], capture_output=True, text=True, stdin=subprocess.DEVNULL, env={
            **os.environ, "BUILD": str(self.top / "build"), "OUT": str(self.out), "CHECK_COMMIT": str(self.fake),
            "ASKED": str(self.asked), "ENGINE": "", "JOBS": "", "RUN": "", "GATE": "", "ONLY": "message checkpatch", **env})

    def check(self, name, commit="evict"):
        scratch = self.top / "build"
        return subprocess.run([GATE / "check-commit", name, commit], capture_output=True, text=True,
                              env={**os.environ, "BUILD": str(scratch), "TOP": str(GATE.parents[1])})

    def test_table_and_memory(self):
        self.commit("one", GOOD)
        self.commit("two", GOOD)
        done = self.run_gate()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^message +- +ok +ok +\d+$")
        self.assertRegex(done.stdout, r"(?m)^checkpatch +- +ok +RED +\d+$")
        self.assertIn("RED  checkpatch 02: error: not nice", done.stdout)
        self.assertIn("3 green, 2 without a need, 1 red", done.stdout)
        self.assertIn("mutants: none for this tree yet: make mutants", done.stdout)
        asked = self.asked.read_text()
        self.assertEqual(len(asked.splitlines()), 6)
        self.assertEqual(self.run_gate().returncode, 1)
        self.assertEqual(self.asked.read_text(), asked, "what is known is not tried again")

    def test_quick_tries_the_last_patch(self):
        self.commit("one", GOOD)
        self.commit("three", GOOD)
        done = self.run_gate(GATE="quick", ONLY="modules message")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^message +- +ok +ok +\d+$")
        self.assertRegex(done.stdout, r"(?m)^modules +- +ok +\d+$")

    def test_evidence_is_about_this_tree(self):
        self.commit("one", GOOD)
        tree = self.git("rev-parse", "evict^{tree}").strip()
        for name, about in (("mutants-1", tree), ("mutants-2", "0" * 40)):
            (self.out / name).mkdir(parents=True)
            (self.out / name / "mutants.json").write_text(json.dumps({"tree": about, "summary": f"{name} killed"}))
        for name, kernel, suites in (("test-1", "kasan", ["selftests-fifo", "selftests-clock"]), ("test-2", "kasan", ["kunit-um"]),
                                     ("test-3", "kcsan", ["selftests-fifo", "selftests-clock"])):
            (self.out / name).mkdir(parents=True)
            (self.out / name / "tests.json").write_text(json.dumps(
                {"tree": tree, "kernel": kernel, "summary": "9 passed", "suites": [{"suite": suite} for suite in suites]}))
        said = self.run_gate().stdout
        for line in ("mutants: mutants-1: mutants-1 killed", "selftests, KASAN and lockdep: test-1: 9 passed",
                     "selftests, KCSAN: test-3: 9 passed", "selftests, KVM as modules: none for this tree yet: make kselftest"):
            self.assertIn(line, said)

    def test_bad_words(self):
        self.commit("one", GOOD)
        for env, text in (({"GATE": "slow"}, "GATE=slow: full or quick"), ({"ONLY": "x"}, "no such check: x")):
            done = self.run_gate(**env)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
            self.assertIn(text, done.stderr)

    def test_messages(self):
        for message, code, why in (
                (GOOD, 0, ""),
                (GOOD.replace("KVM: x86/mmu: Do", "mm: Do"), 1, "another form"),
                (GOOD.replace("something\n", "something.\n"), 1, "another form"),
                (GOOD.replace("something", "something " * 8 + "else"), 1, "characters"),
                (GOOD.replace(AUTHOR, "B <b@example.org>"), 1, "not signed off by its author"),
                (GOOD.replace("It is useful.\n\n", ""), 1, "no description")):
            with self.subTest(message):
                self.commit(message, message)
                done = self.check("message")
                self.assertEqual((done.returncode, why in done.stdout + done.stderr), (code, True), done.stdout + done.stderr)

    def warn(self, base, log):
        """compare_warnings() of a commit that says @log, where the base said @base."""
        for now, text in (("base", base), ("commit", log)):
            (self.top / now).write_text(text)
        return subprocess.run(["bash", "-c", f"""set -e; . {GATE}/../rig/lib.sh; . {GATE}/build-checks.sh
            CHECK=x; is_base() {{ [ "$NOW" = base ]; }}
            NOW=base; compare_warnings {self.top}/base; NOW=commit; compare_warnings {self.top}/commit"""],
                              capture_output=True, text=True, env={**os.environ, "BUILD": str(self.top)})

    def test_new_warnings(self):
        old = "  CC a.o\na.c:12:5: warning: unused variable 'x' [-Wunused-variable]\n"
        for log, code in ((old, 0), (old.replace("12:5", "40:1"), 0), ("", 0),
                          (old.replace("'x'", "'y'"), 1), (old.replace("a.c", "b.c"), 1),
                          ("../a.h:7:3: error: incompatible types\n", 1),
                          ("./a.c:5:2-9: WARNING: NULL check is not needed\n", 1),
                          ("a.c:5: Warning of nothing\n", 0)):
            with self.subTest(log):
                done = self.warn(old, log)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_nothing_to_check(self):
        self.assertEqual(self.check("message", "base").returncode, 4)
        self.assertEqual(self.check("nonsense").returncode, 1)


if __name__ == "__main__":
    unittest.main()
