# SPDX-License-Identifier: GPL-2.0
"""Seeded bugs: how tools/rig/mutants/*.list are read and applied.  No I/O but reading.

A list has one record a mutant, with empty lines between them:

  name: one line about the bug
  hazard: what goes wrong with it
  kill: LAYER [TEST]            a layer that must notice; may be repeated
  quick: yes                    part of the sample that `make test` runs
  equivalent: why no test can notice it; then it is expected to survive
  @ FILE [FUNCTION]
  -line to remove
  +line to add
   line of context

A hunk has no line numbers.  Its old lines must be there exactly once, in the
definition of the function or macro if one is named, and their indentation does not
matter: that survives what else changes in the file.
"""
import hashlib
import re
from collections import namedtuple

Hunk = namedtuple("Hunk", "file function old new")
Kill = namedtuple("Kill", "layer test")
FIELDS = ("hazard", "kill", "quick", "equivalent")
LAYERS = ("kunit-um", "kunit-x86_64", "selftests")


class ListError(Exception):
    """The list is wrong; the text says where and why."""


class Mutant:
    def __init__(self, name, what):
        self.name, self.what, self.hazard, self.equivalent = name, what, "", ""
        self.kills, self.hunks, self.quick = [], [], False

    def set(self, field, text):
        if field == "kill":
            layer, _, test = text.partition(" ")
            self.kills.append(Kill(layer, test.strip()))
        elif field == "quick":
            self.quick = text == "yes"
        else:
            setattr(self, field, text)

    def check(self):
        """What is wrong with the record, or None."""
        if not re.fullmatch(r"[a-z0-9-]+", self.name):
            return "a name has small letters, digits and dashes"
        if not self.hazard or not self.kills or not self.hunks:
            return "hazard, kill or @ is missing"
        for kill in self.kills:
            if kill.layer not in LAYERS:
                return f"no layer {kill.layer}: {', '.join(LAYERS)}"
            if (kill.layer == "selftests") != bool(kill.test):
                return "a kill by selftests, and only that, names the test"
        if self.quick and self.kills[0].layer != "kunit-um":
            return "quick is for a mutant whose first kill is kunit-um"
        if any(hunk.old == hunk.new or not hunk.old for hunk in self.hunks):
            return "a hunk has to change lines that are there"
        return None

    def digest(self):
        return hashlib.sha256(repr((self.hunks, self.equivalent)).encode()).hexdigest()[:16]


def parse(text, where):
    """The mutants of one list."""
    mutants, current, hunk = [], None, None
    for number, line in enumerate(text.splitlines() + [""], 1):
        at = f"{where}:{number}"
        if not line.strip():
            if current and current.check():
                raise ListError(f"{at}: {current.name}: {current.check()}")
            current, hunk = None, None
        elif line.startswith("#"):
            continue
        elif line.startswith("@ ") and current:
            file, _, function = line[2:].strip().partition(" ")
            hunk = Hunk(file, function, [], [])
            current.hunks.append(hunk)
        elif hunk and line[0] in "-+ ":
            hunk.old.extend([line[1:]] * (line[0] != "+"))
            hunk.new.extend([line[1:]] * (line[0] != "-"))
        else:
            field, colon, value = line.partition(": ")
            if not colon or hunk or (current and field not in FIELDS):
                raise ListError(f"{at}: not a line of a record: {line}")
            if not current:
                current = Mutant(field, value.strip())
                mutants.append(current)
            else:
                current.set(field, value.strip())
    return mutants


def load(folder):
    """All the mutants of all lists, by name."""
    mutants = {}
    for path in sorted(folder.glob("*.list")):
        for mutant in parse(path.read_text(), path.name):
            if mutant.name in mutants:
                raise ListError(f"{path.name}: {mutant.name} is there twice")
            mutants[mutant.name] = mutant
    if not mutants:
        raise ListError(f"no mutants in {folder}")
    return mutants


def scope(lines, name):
    """First and last line, exclusive, of the definition of a function or a variable."""
    if not name:
        return 0, len(lines)
    define = re.compile(rf"\w(?:.*\W)?{re.escape(name)}(?:\(| = \{{)|{re.escape(name)}\(")
    for start in (i for i, line in enumerate(lines) if define.match(line)):
        for i in range(start, len(lines)):
            if lines[i].endswith(";"):
                break
            if lines[i].endswith("{"):
                return start, next(j for j in range(i, len(lines)) if lines[j].startswith("}")) + 1
    return 0, 0


def replace(text, hunk):
    """The text with one hunk applied."""
    lines, old = text.split("\n"), [line.strip() for line in hunk.old]
    first, end = scope(lines, hunk.function)
    found = [i for i in range(first, end - len(old) + 1)
             if [line.strip() for line in lines[i:i + len(old)]] == old]
    if len(found) != 1:
        raise ListError(f"{hunk.file}{' ' + hunk.function if hunk.function else ''}: "
                        f"{len(found)} places look like '{hunk.old[0].strip()}'")
    lines[found[0]:found[0] + len(old)] = hunk.new
    return "\n".join(lines)


def apply(mutant, files):
    """The files that a mutant changes; @files is a function from path to text."""
    changed = {}
    for hunk in mutant.hunks:
        changed[hunk.file] = replace(changed.get(hunk.file) or files(hunk.file), hunk)
    return changed
