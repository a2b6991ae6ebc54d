# SPDX-License-Identifier: GPL-2.0
"""What the long runs have said about a tree, and under which id.

They take hours, so nobody starts them from here: whoever mails a series wants to
know which of them there are for the very tree that is mailed.
"""
import json
from collections import namedtuple

import regress

# @path: None if there is no such run.
Proof = namedtuple("Proof", "name text path")


def newest(paths):
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def on(kernel, *suites):
    """Have they all run on that kernel?  An edit may have had a part of them run."""
    return lambda whole: whole["kernel"] == kernel and {suite["suite"] for suite in whole["suites"]} >= set(suites)


def tree_of(path, counts):
    """What a run is about, or None, also if it does not count."""
    try:
        whole = json.loads(path.read_text())
        if not counts(whole):
            return None
        return whole.get("tree") or whole["identity"].get("sources", whole["identity"]["host"])["tree"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def tell(path):
    whole = json.loads(path.read_text())
    worse = f", {len(regress.worse(whole))} worse than base" if whole.get("kind") == "regress" else ""
    return whole.get("summary") or f"{len(whole['cells'])} cells{worse}"


NUMBERS = "reference traces"
POLICIES = ("selftests-fifo", "selftests-clock")
# @counts: whether what matches @pattern is a proof of that kind.
Kind = namedtuple("Kind", "name pattern command counts", defaults=[lambda whole: True])
KINDS = [
    Kind("selftests, KASAN and lockdep", "test-*/tests.json", "make kselftest", on("kasan", *POLICIES)),
    Kind("selftests, KCSAN", "test-*/tests.json", "make kselftest CONFIG=kcsan", on("kcsan", *POLICIES)),
    Kind("selftests, KVM as modules", "test-*/tests.json", "make kselftest CONFIG=modules", on("modules", "selftests-modules")),
    Kind("selftests, again and again", "soak-*/soak.json", "make soak"),
    Kind("upstream's tests", "regress-*/result.json", "make regress"),
    # What make test tries of the mutants proves nothing about the others.
    Kind("mutants", "mutants-*/mutants.json", "make mutants", lambda whole: not whole.get("sample")),
    Kind(NUMBERS, "run-*/result.json", "make run"),
]


def of(out, tree):
    """A proof of each kind, of the newest run about @tree."""
    proofs = []
    for kind in KINDS:
        path = next((path for path in newest(out.glob(kind.pattern)) if tree_of(path, kind.counts) == tree), None)
        text = f"{path.parent.name}: {tell(path)}" if path else f"none for this tree yet: {kind.command}"
        proofs.append(Proof(kind.name, text, path))
    return proofs
