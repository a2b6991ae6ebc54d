# SPDX-License-Identifier: GPL-2.0
"""What the cells of a regression run mean: worse than base, known, or news.

A cell is the outcome of one test in one configuration, a kernel (base, or the
patched one with a policy) with npt and pool.  A patched cell is compared with
the base's in the same npt and pool, by its outcome and by how many of its cases
passed; the ledger says what the base is known to
do and why.  That excuses no patched cell, except where the base is known to
fail now and then: such a test tells nothing by failing.
"""
from collections import namedtuple
from fnmatch import fnmatchcase

import tables
from result import ResultError

Config = namedtuple("Config", "kernel npt pool")
Entry = namedtuple("Entry", "test configs outcome sometimes reason")

KERNELS, NPTS, POOLS = ("base", "fifo", "clock"), ("0", "1"), ("all", "64")
CONFIGS = [Config(k, n, p) for n in NPTS for p in POOLS for k in KERNELS]
# How bad an outcome is.  A test that fails where it used to hang is another
# failure than the known one: equal ranks are worse unless they are the same.
RANK = {"ok": 0, "skip": 1, "fail": 2, "time": 2, "crash": 3}
SHOWN = {"ok": "ok", "skip": "skip", "fail": "FAIL", "time": "time", "crash": "CRASH"}


def name_of(config):
    return f"{config.kernel}-npt{config.npt}-{config.pool}"


def base_of(config):
    return config._replace(kernel="base")


def outcome_of(status):
    """What an exit status of timeout(1) says about the test."""
    return {0: "ok", 4: "skip", 124: "time", 137: "time"}.get(status, "fail")


def lines_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def read_ledger(text):
    entries = []
    for number, line in lines_of(text):
        words = line.split(None, 3)
        outcome = words[2].removesuffix("?") if len(words) == 4 else "ok"
        if outcome not in RANK or outcome == "ok":
            raise ResultError(f"ledger, line {number}: want TEST CONFIGURATIONS OUTCOME[?] REASON: {line}")
        entries.append(Entry(*words[:2], outcome, words[2] != outcome, words[3]))
    return entries


def read_settings(text):
    """{test: (seconds, arguments)}; the default is under "*"."""
    settings = {}
    for number, line in lines_of(text):
        words = line.split("#")[0].split(None, 2)
        if len(words) < 2 or not words[1].isdigit() or words[0] in settings:
            raise ResultError(f"settings, line {number}: want TEST SECONDS [ARGUMENT...]: {line}")
        settings[words[0]] = (int(words[1]), words[2].strip() if len(words) > 2 else "")
    if "*" not in settings:
        raise ResultError("settings: no default limit (*)")
    return settings


def is_worse(patched, base):
    if patched == "ok" or patched == base:
        return False
    return RANK[patched] >= RANK[base]


class Judgement:
    """@cells: {(test, config): {"outcome": ...}}, those that were measured."""

    def __init__(self, cells, ledger):
        self.cells, self.ledger = cells, ledger
        self.worse, self.fewer, self.unlisted, self.gone, self.unpaired = [], [], [], [], []
        for key, cell in cells.items():
            (self.look_at_base if key[1].kernel == "base" else self.compare)(key, cell["outcome"])

    def entries_for(self, key):
        """The ledger's lines about the base of a cell."""
        where = name_of(key[1]).partition("-")[2]
        return [e for e in self.ledger if fnmatchcase(key[0], e.test) and fnmatchcase(where, e.configs)]

    def look_at_base(self, key, outcome):
        entries = self.entries_for(key)
        if outcome != "ok" and outcome not in [e.outcome for e in entries]:
            self.unlisted.append(key)
        self.gone += [(key, e) for e in entries if e.outcome != outcome and not e.sometimes]

    def compare(self, key, outcome):
        base = self.cells.get((key[0], base_of(key[1])))
        if not base:
            self.unpaired.append(key)
        elif all(is_worse(outcome, known) for known in {base["outcome"], *self.sometimes(key)}):
            self.worse.append(key)
        elif outcome == base["outcome"] and self.cells[key].get("passed", 0) < base.get("passed", 0) and not self.sometimes(key):
            self.worse.append(key)
            self.fewer.append(key)

    def sometimes(self, key):
        """What the base does now and then, though maybe not in this run."""
        return {e.outcome for e in self.entries_for(key) if e.sometimes}

    def shown(self, key):
        """A cell of the table; one that is worse than base stands out."""
        cell = self.cells.get(key)
        if not cell:
            return "-"
        outcome = cell["outcome"]
        if key in self.fewer:
            return "fewer!"
        if key in self.worse:
            return SHOWN[outcome] + "!"
        base = self.cells.get((key[0], base_of(key[1])), cell)["outcome"]
        listed = outcome in [e.outcome for e in self.entries_for(key)]
        if RANK[outcome] > RANK["skip"] and listed and (base == outcome or outcome in self.sometimes(key)):
            return "known"
        return SHOWN[outcome]

    def told(self):
        """The cells as a result has them."""
        return [{**cell, "config": name_of(key[1]), "shown": self.shown(key)} for key, cell in self.cells.items()]

    def remarks(self):
        say = lambda key: f"{key[0]} in {name_of(key[1])}"
        is_so = lambda key: self.cells[key]["outcome"]
        passed = lambda key: f" ({self.cells[key].get('passed', 0)} cases passed)" if self.fewer else ""
        told = lambda key: is_so(key) + passed(key)
        yield from (f"worse than base: {say(k)}: {told(k)}, base: {told((k[0], base_of(k[1])))}; "
                    f"log: {self.cells[k]['log']}" for k in self.worse)
        yield from (f"not compared, the base's cell is missing: {say(k)}" for k in self.unpaired)
        yield from (f"not in the ledger: {say(k)}: {is_so(k)}; log: {self.cells[k]['log']}" for k in self.unlisted)
        yield from (f"no longer happens: {say(k)} is {is_so(k)}, the ledger has {e.outcome} ({e.reason})"
                    for k, e in self.gone)


def caption(result):
    ident, host = result["identity"], result["identity"]["host"]
    return (f"{ident['run_id']}: project {host['project'][:12]}{' (dirty)' if host['dirty'] else ''}, "
            f"Linux {host['base']} (tree {host['tree'][:12]}) against its base ({host['base_commit'][:12]})\n"
            f"{host['accel'].upper()}, {host['qemu']}, CPU {host['cpu']}, smp {host['smp']}; "
            f"{len(host['matrix']['tests'])} tests\n")


def counts(result):
    """Head and rows: how many tests of a configuration are what."""
    cells = result["cells"]
    words = sorted({cell["shown"] for cell in cells})
    rows = []
    for config in result["identity"]["host"]["matrix"]["configs"]:
        mine = [cell for cell in cells if cell["config"] == config]
        shown = [cell["shown"] for cell in mine]
        rows.append([config, *(str(shown.count(word)) for word in words), str(sum(cell["seconds"] for cell in mine))])
    return ["configuration", *words, "seconds"], rows


def worse(result):
    return [cell for cell in result["cells"] if cell["shown"].endswith("!")]


def goal(result):
    names = [f"{cell['test']} in {cell['config']} ({cell['outcome']})" for cell in worse(result)]
    return f"goal {'MISSED' if names else 'met'}: no cell is worse than base" + (f": {', '.join(names)}" if names else "")


NOTES = """\
base: the kernel without the series; npt: two-dimensional paging for the guests of the tests; 64: their pool, all: KVM's own
known: fails on base, too, see tools/rig/regress.ledger; !: worse than base in the same npt and pool; fewer!: of
its cases passed
"""


def render(result, markdown=False):
    """What is missing is shown as such."""
    table, matrix = tables.markdown_table if markdown else tables.text_table, result["identity"]["host"]["matrix"]
    shown = {(cell["test"], cell["config"]): cell["shown"] for cell in result["cells"]}
    rows = [[test, *(shown.get((test, config), "-") for config in matrix["configs"])] for test in matrix["tests"]]
    head = ["test", *(" ".join(reversed(name.split("-", 1))) for name in matrix["configs"])]
    return "\n".join([caption(result), table(head, rows), table(*counts(result)), goal(result) + "\n", NOTES])
