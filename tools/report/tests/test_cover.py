# SPDX-License-Identifier: GPL-2.0
"""The numbers of a cover letter: those of the tree that is mailed, in mail's width, or none."""
import json
import subprocess
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parents[2] / "results/reference.json"


class Cover(unittest.TestCase):
    def cover(self, *args):
        return subprocess.run([HERE.parent / "cover", *args], capture_output=True, text=True)

    def test_numbers_of_the_tree(self):
        whole = json.loads(REFERENCE.read_text())
        done = self.cover(REFERENCE, whole["identity"]["host"]["tree"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 75)
        self.assertIn(whole["identity"]["run_id"], done.stdout)
        for cell in whole["cells"]:
            self.assertIn(f"{cell['pf_taken']:,}", done.stdout)

    def test_none_of_another_tree(self):
        done = self.cover(REFERENCE, "0" * 40)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("another tree", done.stderr)

    def test_usage(self):
        self.assertEqual(self.cover(REFERENCE).stderr, "usage: cover RESULT.json TREE\n")


if __name__ == "__main__":
    unittest.main()
