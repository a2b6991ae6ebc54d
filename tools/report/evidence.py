# SPDX-License-Identifier: GPL-2.0
"""What the long runs have said about a tree, and under which id.

They take hours, so nobody starts them from here: whoever mails a series wants to
know which of them there are for the tree that is mailed, and whether all went well.
A run of a part proves nothing, nor does one of a tree that was not committed.
"""
import functools
import json
import re
from collections import namedtuple

import identity
import regress
from result import ResultError

# Suites of the kernel; others are about the tools, and skip what a machine lacks.
OF_KERNEL = ("kunit", "selftests", "upstream")
# Rounds of a soak: fewer say little about what happens once in a while.
ROUNDS = 10
# What can change without a change of what the tests test.
UNTESTED = (":!Documentation", ":!MAINTAINERS")

# @path: None if there is no such run; @ok: did all go well, None without a run;
# @wanted: is it missed if there is none?
Proof = namedtuple("Proof", "name text path ok wanted")
# A run of a kind, about the tree: what it tells, and whether of all that is to be tried.
Seen = namedtuple("Seen", "path text whole ok")


@functools.cache
def same_code(linux, old, new):
    """Does a run of the tree @old say something about @new, too?"""
    if not re.fullmatch("[0-9a-f]{40,64}", old):
        return False
    try:
        if old != new:
            identity.git(linux, "diff", "--quiet", "--no-ext-diff", old, new, "--", ".", *UNTESTED)
    except ResultError:
        # They differ, or nobody has the old one any more.
        return False
    return True


def newest(paths):
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def is_of_kernel(suite):
    return suite["suite"].partition("-")[0] in OF_KERNEL


def on(kernel):
    return lambda run: run["kernel"] == kernel


def having(*suites):
    """Have they all run?  An edit may have had a part of them run."""
    return lambda run: {suite["suite"] for suite in run["suites"]} >= set(suites)


def passed(run):
    return bool(run["suites"]) and all(not suite["failed"] and (suite["passed"] or not is_of_kernel(suite))
                                       for suite in run["suites"])


def calm(run):
    return bool(run["rounds"]) and all(row["verdict"] == "pass" for row in run["rounds"])


def long_enough(run):
    """To fail, one round is enough."""
    return len(run["rounds"]) >= ROUNDS or not calm(run)


def killed(run):
    return bool(run["states"]) and set(run["states"].values()) <= {"killed", "equivalent"}


def all_tests(run):
    """... of upstream, in all configurations."""
    host = run["identity"]["host"]
    return not host.get("sample") and {*host["matrix"]["configs"]} >= {*map(regress.name_of, regress.CONFIGS)}


def none_worse(run):
    return not regress.worse(run)


NUMBERS = "reference traces"
TESTS = "test-*/tests.json"
POLICIES, MODULES = ("selftests-fifo", "selftests-clock"), "selftests-modules"
# Of the files that match @pattern, which are @of this kind, which of those tried all, and which of those are @good.
Kind = namedtuple("Kind", "name pattern command good whole of wanted", defaults=[lambda run: True, lambda run: True, True])
KINDS = [
    Kind("selftests, KASAN and lockdep", TESTS, "make kselftest", passed, having(*POLICIES), on("kasan")),
    Kind("selftests, KCSAN", TESTS, "make kselftest CONFIG=kcsan", passed, having(*POLICIES), on("kcsan")),
    Kind("selftests, KVM as modules", TESTS, "make kselftest CONFIG=modules", passed, having(MODULES), on("modules")),
    Kind("selftests, again and again", "soak-*/soak.json", "make soak", calm, long_enough),
    Kind("upstream's tests", "regress-*/result.json", "make regress", none_worse, all_tests),
    # It is in no package, so not everybody has it.
    Kind("kvm-unit-tests", "kut-*/result.json", "make regress KUT=/path", none_worse, all_tests, wanted=False),
    Kind("mutants", "mutants-*/mutants.json", "make mutants", killed, lambda run: not run.get("sample")),
    # Whoever reads the numbers judges them.
    Kind(NUMBERS, "run-*/result.json", "make run", lambda run: True),
]


def tree_of(run):
    return run.get("tree") or run["identity"].get("sources", run["identity"]["host"])["tree"]


def tell(run):
    worse = f", {len(regress.worse(run))} worse than base" if run.get("kind") == "regress" else ""
    return run.get("summary") or f"{len(run['cells'])} cells{worse}"


def look(path, kind, linux, tree):
    """What a file says of @kind about @tree; None if nothing, or if it is damaged."""
    try:
        run = json.loads(path.read_text())
        if kind.of(run) and same_code(linux, tree_of(run), tree):
            return Seen(path, f"{path.parent.name}: {tell(run)}", kind.whole(run), kind.good(run))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def proof_of(kind, out, linux, tree):
    """By the newest run that is whole."""
    seen = [one for one in (look(path, kind, linux, tree) for path in newest(out.glob(kind.pattern))) if one]
    for one in seen:
        if one.whole:
            return Proof(kind.name, one.text, one.path, one.ok, kind.wanted)
    part = f" ({seen[0].text}: but a part)" if seen else ""
    return Proof(kind.name, f"none for this tree yet: {kind.command}{part}", None, None, kind.wanted)


def of(out, linux, tree):
    """A proof of each kind about @tree, which is one of the repository @linux."""
    return [proof_of(kind, out, linux, tree) for kind in KINDS]
