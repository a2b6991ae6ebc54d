# SPDX-License-Identifier: GPL-2.0
"""What the long runs have said about a tree, and under which id.

They take hours, so nobody starts them from here: whoever mails a series wants to
know which of them there are for the very tree that is mailed.
"""
import json
from collections import namedtuple

Proof = namedtuple("Proof", "name text")


def newest(paths):
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def tree_of(path):
    """What a run is about, or None."""
    try:
        whole = json.loads(path.read_text())
        if whole.get("sample"):
            # What make test tries of the mutants proves nothing about the others.
            return None
        return whole.get("tree") or whole["identity"].get("sources", whole["identity"]["host"])["tree"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def tell(path):
    whole = json.loads(path.read_text())
    return whole.get("summary") or f"{len(whole.get('cells', []))} cells"


KINDS = [
    ("upstream's tests", "regress-*/result.json", "make regress"),
    ("mutants", "mutants-*/mutants.json", "make mutants"),
    ("reference traces", "run-*/result.json", "make run"),
]


def of(out, tree):
    """A proof of each kind, of the newest run about @tree."""
    proofs = []
    for name, pattern, command in KINDS:
        path = next((path for path in newest(out.glob(pattern)) if tree_of(path) == tree), None)
        text = f"{path.parent.name}: {tell(path)}" if path else f"none for this tree yet: {command}"
        proofs.append(Proof(name, text))
    return proofs
