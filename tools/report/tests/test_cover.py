# SPDX-License-Identifier: GPL-2.0
"""The numbers of a cover letter: those of the code that is mailed, in mail's width, or none."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parents[2] / "results/reference.json"


TESTS = [("kunit-um", "UML"), ("selftests-fifo", "kasan kernel, kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict=fifo, CPUs in parallel"),
         ("selftests-clock", "kasan kernel"), ("rig", "host")]
MATRIX = """
Tests, test-1:

 - kunit-um: 7 passed, 0 failed, 1 skipped; UML
 - selftests-fifo: 7 passed, 0 failed, 1 skipped; kasan kernel,
   kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict=fifo, CPUs in parallel
 - selftests-clock: 7 passed, 0 failed, 1 skipped; kasan kernel
 - mutants: mutants-1: 5 killed
"""


class Cover(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cover-test-")
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.whole = json.loads(REFERENCE.read_text())
        self.tree = self.whole["identity"]["host"]["tree"]

    def cover(self, result, *tree):
        where = [self.out, self.out] if tree else []
        return subprocess.run([HERE.parent / "cover", result, *tree, *where], capture_output=True, text=True)

    def commit(self, name):
        """A repository of one more file; returns its tree."""
        (self.out / name).mkdir(parents=True)
        (self.out / name / "a").write_text(name)
        git = ["git", "-C", self.out, "-c", "user.name=x", "-c", "user.email=x"]
        for argv in (["init", "-q"], ["add", name], ["commit", "-q", "-m", "x"]):
            subprocess.run([*git, *argv], check=True)
        return subprocess.run([*git, "rev-parse", "HEAD^{tree}"], check=True, capture_output=True, text=True).stdout.strip()

    def run_of(self, name, kind, tree, **about):
        (self.out / name).mkdir()
        (self.out / name / kind).write_text(json.dumps({"tree": tree, **about}))

    def test_numbers_of_the_tree(self):
        done = self.cover(REFERENCE, self.tree)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 75)
        self.assertIn(self.whole["identity"]["run_id"], done.stdout)
        for cell in self.whole["cells"]:
            self.assertIn(f"{cell['pf_taken']:,}", done.stdout)
        self.assertNotIn("Tests", done.stdout)
        self.assertIn("cover: mutants: none for this tree yet: make mutants\n", done.stderr)

    def test_matrix_of_the_tree(self):
        suites = [{"suite": s, "configuration": c, "passed": 7, "failed": 0, "skipped": 1} for s, c in TESTS]
        self.run_of("test-1", "tests.json", self.tree, kernel="kasan", summary="9 passed", suites=suites)
        self.run_of("test-2", "tests.json", "0" * 40, kernel="kcsan", summary="of another tree", suites=suites)
        self.run_of("mutants-1", "mutants.json", self.tree, summary="5 killed", states={"a": "killed"})
        said = self.cover(REFERENCE, self.tree).stdout
        self.assertLessEqual(max(map(len, said.splitlines())), 75)
        self.assertTrue(said.endswith(MATRIX), said)

    def test_bad_run(self):
        self.run_of("mutants-1", "mutants.json", self.tree, summary="1 survived", states={"a": "survived"})
        done = self.cover(REFERENCE, self.tree)
        self.assertIn("cover: mutants: NOT GOOD: mutants-1: 1 survived\n", done.stderr)
        self.assertIn(" - mutants: mutants-1: 1 survived\n", done.stdout)

    def test_none_of_another_tree(self):
        done = self.cover(REFERENCE, "0" * 40)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("another tree", done.stderr)

    def test_same_code(self):
        """Other documentation is no other tree, other code is."""
        self.whole["identity"]["host"]["tree"] = self.commit("arch")
        result = self.out / "result.json"
        result.write_text(json.dumps(self.whole))
        for name, code in (("Documentation", 0), ("tools", 1)):
            self.assertEqual(self.cover(result, self.commit(name)).returncode, code, name)

    def test_usage(self):
        self.assertEqual(self.cover(REFERENCE).stderr, "usage: cover RESULT.json TREE OUT LINUX\n")


if __name__ == "__main__":
    unittest.main()
