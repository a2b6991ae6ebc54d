# SPDX-License-Identifier: GPL-2.0
"""Who measured what: the host's half of a result's identity.

The guest's half (uname, command line, module parameters) comes from the booted
guest itself.  Nothing here guesses: a fact that cannot be read is an error, as
a number without an identity is worth nothing.
"""
import hashlib
import os
import shlex
import subprocess
from pathlib import Path

from result import ResultError


def run(*argv):
    # Inside `make run` the flags of that make are none of the kernel's make.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=env,
                              stdin=subprocess.DEVNULL).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise ResultError(f"no identity: {' '.join(map(str, argv))}: {why[-1] if why else error}")


def git(tree, *argv):
    return run("git", "-c", "safe.directory=*", "-C", str(tree), *argv)


def commit_of(tree, what):
    """HEAD of the repository whose top is @tree itself, not some folder above."""
    if not (Path(tree) / ".git").exists():
        raise ResultError(f"no identity: {what} {tree} is not a git tree")
    return git(tree, "rev-parse", "--verify", "HEAD")


def tree_of(linux):
    """What is built there, whatever its history; no evidence for anything if it is not committed."""
    edited = git(linux, "status", "--porcelain", "--untracked-files=no")
    return git(linux, "rev-parse", "HEAD^{tree}") + ("-dirty" if edited else "")


def sha256(path):
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ResultError(f"no identity: cannot read {path}: {error.strerror}; run make first")


def base_version(linux):
    """The version the tree gives itself; no patch of the series changes it."""
    return run("make", "-s", "--no-print-directory", "-C", str(linux), "kernelversion")


def sha256_of_all(paths):
    """One hash of the names and contents of files; folders and machines don't matter."""
    whole = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        whole.update(f"{path.name} {sha256(path)}\n".encode())
    return whole.hexdigest()


def command(target, *knobs):
    """What the user typed, as far as it matters."""
    chosen = [(knob, os.environ[knob]) for knob in knobs if os.environ.get(knob)]
    return " ".join([*(f"{knob}={shlex.quote(value)}" for knob, value in chosen), target])


def sources(top):
    return {"project": commit_of(top, "the project"), "dirty": bool(git(top, "status", "--porcelain"))}


def host(top, linux, kernel, initrd, qemu, **how):
    """The facts that must be equal for a run to be resumed."""
    return {
        **sources(top),
        "tree_commit": commit_of(linux, "the patched kernel"),
        "tree": tree_of(linux),
        "base": base_version(linux),
        "kernel_sha256": sha256(kernel),
        "initrd_sha256": sha256(initrd),
        "qemu": run(qemu, "--version").splitlines()[0],
        **how,
    }


def lab(top, simulator_sha256, **what):
    """The same for the simulator, whose results are the same on every machine."""
    return {
        **sources(top),
        "evict_sha256": sha256(Path(top) / "arch/x86/kvm/mmu/evict.h"),
        "simulator_sha256": simulator_sha256,
        **what,
    }
