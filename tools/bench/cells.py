# SPDX-License-Identifier: GPL-2.0
"""From what the agent in L1 and the meter have written to the numbers of a cell.

No I/O and no judgement of policies here: every rule that makes a boot worth nothing is in
this file, and each of them ends in a CellError that says what is wrong.
"""
import json
import re
from collections import Counter

import causes
from result import ResultError

# What is told of L1's kernel: so many functions, the dearest.
FUNCTIONS = 30
# A snapshot has these besides KVM's statistics.
CLOCKS = ("tsc_before", "tsc_after", "ns_before", "ns_after")
# Not sums, but what is there at the end of a window.
LEVELS = ("mmu_shadow_pages", "mmu_unsync", "pages_4k", "pages_2m", "pages_1g", "nx_lpage_splits",
          "kib_SecPageTables", "kib_SUnreclaim", "kib_AnonHugePages")
# A snapshot that was disturbed this often is taken for what it is: TRIES of agent.c.
TRIES = 10
# L2's clock may tick while L1 looks at the statistics, a moment after the mark in its trace.
SLACK = 4


class CellError(ResultError):
    """A boot that yields no cell."""


class Workload:
    """A file of workloads/: what it says about itself in its head."""

    def __init__(self, path):
        self.name, head = path.name, path.read_text()
        said = dict(re.findall(r"^# (stands for|windows|control): (.*)$", head, re.M))
        if "stands for" not in said or "windows" not in said:
            raise CellError(f"{path}: no lines `# stands for:` and `# windows:`")
        self.stands_for, self.windows = said["stands for"], said["windows"].split()
        self.control = said.get("control", "").split()

    def marks(self):
        own = [] if self.windows == ["boot"] else self.windows
        return ["boot", "up", "start", *own, "end"]


class Output:
    """The lines of the agent, by their first word.  A snapshot that L2 disturbed was taken once
    more: the last one counts, and @snapshots tells which one of all it is."""

    def __init__(self, text):
        self.marks, self.said, self.console, self.exit, self.trace = [], [], [], None, []
        self.snapshots, taken = [], 0
        for line in text.split("\n"):
            word, _, rest = line.partition(" ")
            if word == "mark":
                name, _, numbers = rest.partition(" ")
                if self.marks and self.marks[-1][0] == name:
                    self.marks[-1:], self.snapshots[-1:] = [], []
                self.snapshots.append(taken)
                taken += 1
                try:
                    self.marks.append((name, json.loads(numbers)))
                except ValueError:
                    raise CellError(f"mark {name} is cut short")
            elif word == "said":
                self.said.append(rest)
            elif word == "console":
                self.console.append(rest)
            elif word == "exit":
                self.exit = int(rest)
            elif word:
                self.trace.append(line)

    def check(self, workload):
        """Raise unless L2 has done all of its work."""
        status = next((line[7:] for line in self.said if line.startswith("status ")), None)
        names = [name for name, _ in self.marks]
        if status != "0":
            last = next((line for line in reversed(self.said + self.console) if line != f"status {status}"), "nothing")
            raise CellError(f"L2 ended with status {status} after the mark {names[-1] if names else 'of nobody'}: {last}")
        for name, before, after in zip(names, [-1, *self.snapshots], self.snapshots):
            if after - before == TRIES:
                raise CellError(f"L2 did not come to rest at the mark {name}")
        if names != workload.marks():
            raise CellError(f"marks {' '.join(names)}, not {' '.join(workload.marks())}")
        if self.exit != 0:
            raise CellError(f"QEMU of L2 ended with {self.exit}")


def difference(before, after):
    """Numbers that grew, in objects of objects of numbers."""
    return {name: difference(before.get(name, {}), value) if isinstance(value, dict) else value - before.get(name, 0)
            for name, value in after.items()}


def counters_of(before, after):
    """What KVM counted meanwhile, and what there is in the end; what is 0 is left out."""
    numbers = {name: value if name in LEVELS else value - before.get(name, 0)
               for name, value in after.items() if name not in CLOCKS}
    return {name: value for name, value in sorted(numbers.items()) if value}


def insns_of(before, after):
    """The meter's line; of the functions those that took most."""
    grown = difference(before, after)
    grown["bins"] = {number: n for number, n in grown["bins"].items() if n}
    grown["functions"] = dict(Counter(grown["functions"]).most_common(FUNCTIONS))
    return grown


def windows_of(workload, output, meter):
    """@meter: its lines, before and after each snapshot; none without an emulator."""
    windows, marks, snapshots = [], output.marks, output.snapshots
    needed = 2 * (snapshots[-1] + 1)
    if meter is not None and len(meter) != needed:
        raise CellError(f"the meter has {len(meter)} lines, {needed} are needed")
    for i, (name, before) in enumerate(marks[:-1]):
        if name not in workload.windows:
            continue
        after = marks[i + 1][1]
        windows.append({
            "name": name, "counters": counters_of(before, after),
            "insns": insns_of(meter[2 * snapshots[i] + 1], meter[2 * snapshots[i + 1]]) if meter is not None else None,
            "ns": after["ns_before"] - before["ns_after"], "causes": None,
        })
    return windows


def add_causes(windows, output):
    """Each fault of a window has one cause, or the trace is not believed."""
    try:
        analysis = causes.analyse(output.trace)
    except causes.TraceError as error:
        raise CellError(str(error))
    for window in windows:
        found = analysis.windows.get(window["name"], Counter())
        total = sum(found[cause] for cause in causes.CAUSES) - found["untaken"]
        taken = window["counters"].get("pf_taken", 0)
        if abs(total - taken) > SLACK:
            raise CellError(f"{window['name']}: {total} faults in the trace, pf_taken is {taken}")
        window["causes"] = {cause: found[cause] for cause in causes.CAUSES}
        window["causes"].update(victims=found["victims"], reshadowed=found["reshadowed"])
    return {"peak": analysis.shadow.peak, "unknown": analysis.unknown}


def benchmarks_of(said):
    """What redis-benchmark and stress-ng say about their work, in the order of it."""
    found = []
    for line in said:
        csv = re.fullmatch(r'"([^"]+)"((?:,"[0-9.]+"){7})', line)
        bogo = re.search(r"\[\d+\] (\S+) +(\d+) +[0-9.]+ +[0-9.]+ +[0-9.]+ +([0-9.]+|nan) +([0-9.]+|nan)", line)
        if csv:
            names = ("rps", "avg_ms", "min_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms")
            found.append({"test": csv[1], **dict(zip(names, map(float, re.findall(r"[0-9.]+", csv[2]))))})
        elif bogo:
            found.append({"test": bogo[1], "bogo_ops": int(bogo[2])})
    return found


def cell_of(key, workload, text, meter, traced):
    """The cell of a boot whose agent wrote @text."""
    output = Output(text)
    output.check(workload)
    windows = windows_of(workload, output, meter)
    cell = {**key._asdict(), "windows": windows, "benchmarks": benchmarks_of(output.said)}
    if traced:
        cell["trace"] = add_causes(windows, output)
    return cell


def meter_lines(text):
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError:
        raise CellError("the meter's file is cut short")
