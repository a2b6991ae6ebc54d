# SPDX-License-Identifier: GPL-2.0
"""A kernel tree of a few files, and the scripts that are tried on it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
GATE = Path(__file__).resolve().parents[1]
TOP = GATE.parents[1]
AUTHOR = "A. Developer <dev@kernel.org>"
GOOD = "KVM: x86/mmu: Do something\n\nIt is useful.\n\nSigned-off-by: " + AUTHOR


class Repository(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gate-test-")
        self.addCleanup(self.folder.cleanup)
        self.top = Path(self.folder.name)
        self.linux, self.out = self.top / "build/linux", self.top / "out"
        self.linux.mkdir(parents=True)
        self.git("init", "-q", "-b", "evict")
        self.commit("Linux", file="base\n", Makefile="kernelversion:\n\t@echo 7.3.4\n")
        self.git("branch", "base")

    def git(self, *args, email="dev@kernel.org"):
        return subprocess.run(["git", "-C", self.linux, "-c", "user.name=A. Developer", "-c", f"user.email={email}", *args],
                              check=True, capture_output=True, text=True).stdout

    def write(self, path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def commit(self, message, files={}, email="dev@kernel.org", **more):
        """With these files; returns the tree."""
        for name, text in {**files, **more}.items():
            self.write(self.linux / name, text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, email=email)
        return self.git("rev-parse", "HEAD^{tree}").strip()

    def run_of(self, name, **about):
        """A result in out/."""
        self.write(self.out / name, json.dumps(about))

    def expect(self, done, code, said):
        """How a script ended, and something that it said."""
        text = done.stdout + done.stderr
        self.assertEqual((done.returncode, said in text), (code, True), text)

    def check(self, name, commit="evict", **env):
        """check-commit."""
        return subprocess.run([GATE / "check-commit", name, commit], capture_output=True, text=True,
                              env={**os.environ, "BUILD": str(self.top / "build"), "TOP": str(TOP), "STEM": "", **env})
