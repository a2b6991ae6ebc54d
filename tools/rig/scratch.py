# SPDX-License-Identifier: GPL-2.0
"""Work trees to build other commits or changed files in, so that build/linux and what was built of it stay as they are.

A scratch tree is a folder of build/ that the scripts of the rig take for BUILD: with a linux, kunit-um, kernel-kasan and
so on of its own, which the next one who takes it goes on with.
"""
import fcntl
import itertools
import shutil
import socket
import subprocess


class Scratch:
    """BUILD/NAME: a work tree at some commit, and the files in it that were changed."""

    def __init__(self, build, name):
        self.top, self.source, self.tree = build / name, build / "linux", build / name / "linux"
        self.originals = {}

    def git(self, where, *args):
        return subprocess.run(["git", "-c", "safe.directory=*", "-C", where, *args], check=True, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout

    def lock(self):
        """Nobody else gets it until we end.  False if somebody else has it."""
        self.top.mkdir(parents=True, exist_ok=True)
        self.locked = open(self.top / "lock", "w")
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def look(self):
        """What the source is now, without a tree of its own."""
        self.commit, self.id = self.git(self.source, "rev-parse", "HEAD", "HEAD^{tree}").split()

    def open(self):
        """Check that out; files that don't differ keep their time stamps."""
        with open(self.source.parent / "scratch.lock", "w") as lock:
            # Git is not fond of two who add a work tree.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.check_out()

    def check_out(self):
        self.git(self.source, "worktree", "prune")
        if not (self.tree / ".git").exists():
            shutil.rmtree(self.tree, ignore_errors=True)
            self.git(self.source, "worktree", "add", "-q", "--force", "--detach", self.tree, self.commit)
        else:
            self.git(self.tree, "checkout", "-q", "--force", "--detach", self.commit)

    def read(self, file):
        """A file as it is in the source, empty if there is none."""
        if file not in self.originals:
            known = self.git(self.source, "ls-tree", "--name-only", self.commit, file)
            self.originals[file] = self.git(self.source, "show", f"{self.commit}:{file}") if known else ""
        return self.originals[file]

    def put(self, changed):
        """The original tree but for the files in @changed."""
        for file, text in {**self.originals, **changed}.items():
            path = self.tree / file
            if text and path.read_text() != text:
                path.write_text(text)


def take_free(build, kind):
    """The first one of this kind and machine that nobody else has, with what the source is now."""
    for number in itertools.count(1):
        scratch = Scratch(build, f"{kind}-{socket.gethostname()}-{number}")
        if scratch.lock():
            scratch.look()
            scratch.open()
            return scratch
