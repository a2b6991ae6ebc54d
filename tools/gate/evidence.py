# SPDX-License-Identifier: GPL-2.0
"""What the long runs have said about a tree, and under which id.

They take hours, so nobody starts them from here: whoever mails a series wants to
know which of them there are for the very tree that is mailed.
"""
import json
import xml.etree.ElementTree as ET
from collections import namedtuple

Proof = namedtuple("Proof", "name text found")


def newest(paths):
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def tree_of(path):
    """What a run is about, or None."""
    try:
        if path.name == "junit.xml":
            return (path.parent / "tree").read_text().strip()
        whole = json.loads(path.read_text())
        return whole.get("tree") or whole["identity"].get("sources", whole["identity"]["host"])["tree"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def tell_junit(path):
    suites = ET.parse(path).getroot().iter("testsuite")
    count = {name: 0 for name in ("tests", "failures", "errors", "skipped")}
    for suite in suites:
        for name in count:
            count[name] += int(suite.get(name) or 0)
    bad = count["failures"] + count["errors"]
    return f"{count['tests'] - bad - count['skipped']} passed, {bad} failed, {count['skipped']} skipped"


def tell_json(path):
    whole = json.loads(path.read_text())
    return whole.get("summary") or f"{len(whole.get('cells', []))} cells"


KINDS = [
    ("tests", "test-*/junit.xml", tell_junit, "make test"),
    ("upstream's tests", "regress-*/result.json", tell_json, "make regress"),
    ("mutants", "mutants-*/mutants.json", tell_json, "make mutants"),
    ("reference traces", "run-*/result.json", tell_json, "make run"),
]


def of(out, tree):
    """A proof of each kind, of the newest run about @tree."""
    proofs = []
    for name, pattern, tell, command in KINDS:
        path = next((path for path in newest(out.glob(pattern)) if tree_of(path) == tree), None)
        text = f"{path.parent.name}: {tell(path)}" if path else f"none for this tree yet: {command}"
        proofs.append(Proof(name, text, bool(path)))
    return proofs
