# SPDX-License-Identifier: GPL-2.0
"""The numbers of a cover letter: those of the tree that is mailed, in mail's width, or none."""
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

    def cover(self, *args):
        return subprocess.run([HERE.parent / "cover", *args], capture_output=True, text=True)

    def run_of(self, name, kind, tree, **about):
        (self.out / name).mkdir()
        (self.out / name / kind).write_text(json.dumps({"tree": tree, **about}))

    def test_numbers_of_the_tree(self):
        done = self.cover(REFERENCE, self.tree, self.out)
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
        self.run_of("mutants-1", "mutants.json", self.tree, summary="5 killed", states={})
        said = self.cover(REFERENCE, self.tree, self.out).stdout
        self.assertLessEqual(max(map(len, said.splitlines())), 75)
        self.assertTrue(said.endswith(MATRIX), said)

    def test_none_of_another_tree(self):
        done = self.cover(REFERENCE, "0" * 40, self.out)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("another tree", done.stderr)

    def test_usage(self):
        self.assertEqual(self.cover(REFERENCE).stderr, "usage: cover RESULT.json TREE OUT\n")


if __name__ == "__main__":
    unittest.main()
