# SPDX-License-Identifier: GPL-2.0
"""The series on another base: what patches/VERSION changes, and what it must not."""
import subprocess
import unittest

from sandbox import Sandbox, write

MAIL = """From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A <a@b>
Date: Mon, 23 Nov 2026 12:00:00 +0000
Subject: [PATCH] {subject}

Why.

"""
HUNK = """diff --git a/{path} b/{path}
--- a/{path}
+++ b/{path}
@@ -1,2 +1,3 @@
 {above}
+{new}
 {below}
"""
FILE = "arch/x86/kvm/mmu/mmu.c"
OTHER = "other.c"


def hunk(path, above, new, below):
    return HUNK.format(path=path, above=above, new=new, below=below)


class Tree(Sandbox):
    def setUp(self):
        super().setUp()
        subprocess.run(["rm", "-rf", self.top / "build/linux"], check=True)
        self.source = self.top / "source"
        self.kernel("6.12")
        self.patch("series", "0001-add.patch\n")
        self.patch("0001-add.patch", MAIL.format(subject="Add") + hunk(FILE, "a7", "new", "b7") +
                   hunk(OTHER, "c", "other", "d"))

    def kernel(self, version):
        major, minor = version.split(".")
        write(self.source / "Makefile", f"VERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = 1\nEXTRAVERSION =\n")
        write(self.source / FILE, "a6\nb6\n")
        write(self.source / OTHER, "c6\nd\n")

    def patch(self, name, text):
        write(self.top / "patches" / name, text)

    def backport(self):
        self.patch("6.12/base.patch", MAIL.format(subject="Prepare") +
                   f"diff --git a/{OTHER} b/{OTHER}\n--- a/{OTHER}\n+++ b/{OTHER}\n@@ -1,2 +1,2 @@\n-c6\n+c\n d\n")
        self.patch("6.12/0001-add.patch", hunk(FILE, "a6", "new", "b6"))

    def make(self, script="make-tree", **env):
        return self.run_script(script, **{"KSRC": str(self.source), **env})

    def git(self, *argv):
        return subprocess.run(["git", "-C", self.top / "build/linux", *argv], check=True, env=self.env,
                              capture_output=True, text=True).stdout

    def test_base_is_prepared_and_files_are_replaced(self):
        self.backport()
        code, _, err = self.make()
        self.assertEqual(code, 0, err)
        self.assertEqual(self.git("log", "--reverse", "--format=%s", "base..evict"), "Prepare\nAdd\n")
        self.assertEqual(self.git("show", f"evict:{FILE}"), "a6\nnew\nb6\n")
        self.assertEqual(self.git("show", f"evict:{OTHER}"), "c\nother\nd\n")

    def test_without_it_the_patch_does_not_apply(self):
        code, _, err = self.make()
        self.assertEqual(code, 1)
        self.assertIn("0001-add.patch does not apply to Linux 6.12.1", err)

    def test_it_is_for_its_version_only(self):
        self.backport()
        self.kernel("6.13")
        self.assertIn("does not apply to Linux 6.13.1", self.make()[2])

    def test_other_lines_are_refused(self):
        self.backport()
        self.patch("6.12/0001-add.patch", hunk(FILE, "a6", "newer", "b6"))
        code, _, err = self.make()
        self.assertEqual(code, 1)
        self.assertIn("patches/6.12/0001-add.patch does not add the lines that patches/0001-add.patch adds", err)

    def test_patches_are_not_written_from_it(self):
        self.backport()
        self.make()
        code, _, err = self.make("refresh-patches", FORCE="1")
        self.assertEqual(code, 1)
        self.assertIn("patches/ are those of the default base", err)

    def test_unknown_base(self):
        code, _, err = self.make(BASE="6.6")
        self.assertEqual((code, err), (1, "error: no base BASE=6.6: there are 7.3 (default) and 6.12, "
                                          "and KSRC=/path for a kernel tree of yours\n"))

    def test_what_else_there_is_when_7_3_cannot_be_had(self):
        for base, what, offered in (("7.3", "the list of packages", True), ("6.12", "linux-source-6.12", False)):
            write(self.top / "bin/apt-get", "#!/bin/sh\n[ \"$1\" != indextargets ] || echo 'Debian|Debian|main|http://x'\n"
                  "case $* in *update*|*download*) echo 'E: no network'; exit 100;; esac\n", 0o755)
            code, _, err = self.make("fetch-source", BASE=base, CACHE=str(self.top / "cache"),
                                     PATH=f"{self.top}/bin:{self.env['PATH']}")
            self.assertEqual(code, 1)
            self.assertIn(f"cannot get {what}: E: no network (", err)
            self.assertEqual("BASE=6.12 takes Debian 12's own linux-source-6.12 and works out of the box" in err, offered)


if __name__ == "__main__":
    unittest.main()
