# SPDX-License-Identifier: GPL-2.0
"""A run of mutants: what it has recorded, and how builds and guests follow each other."""
import json
import sys
import time

import mutant_layers
import mutants
from child import Interrupts, say
from result import write_whole

CONTROL = "(no mutant)"


class Cell:
    """One mutant, or none, in one layer."""

    def __init__(self, layer, mutant, tests):
        self.layer, self.mutant, self.tests = layer, mutant, tests
        self.name = mutant.name if mutant else CONTROL
        self.key = " ".join([self.name, layer.name, mutant.digest() if mutant else "", *tests])
        self.child = None

    def start(self, out, scratch):
        """Apply and build.  Returns the outcome if that already is one."""
        self.began, self.running = time.time(), False
        self.stem = self.stem_in(out)
        try:
            changed = mutants.apply(self.mutant, scratch.read) if self.mutant else {}
        except mutants.ListError as error:
            return mutant_layers.Outcome("no-apply", str(error))
        scratch.put(changed)
        self.child = self.layer.build(self.stem, self.tests)
        return None

    def stem_in(self, out):
        return out / "logs" / "-".join([self.name.strip("()").replace(" ", "-"), self.layer.name])

    def go_on(self):
        """From a build that has ended to the run, if there is one."""
        after = self.child.code == 0 and self.layer.run(self.stem, self.tests)
        self.child, self.running = after or self.child, True
        return bool(after)

    def record(self, outcome):
        return {"key": self.key, "mutant": self.name, "layer": self.layer.name, "tests": self.tests,
                "verdict": outcome.verdict, "killer": outcome.killer,
                "seconds": round(time.time() - self.began if self.child else 0, 1)}


def control_of(layer, cells):
    """The layer without a mutant, all the tests of the @cells."""
    return Cell(layer, None, list(dict.fromkeys(test for cell in cells for test in cell.tests)))


def demand(run, control, where):
    """A control that fails makes all verdicts of the layer void."""
    found = run.cells[control.key]
    if found["verdict"] != "survived":
        sys.exit(f"error: {control.layer.name} fails without any mutant ({found['killer']}), so nothing it "
                 f"says about mutants counts; logs: {control.stem_in(where)}.*")


class Run:
    """out/<id>: what it is about, and the cells it has so far."""

    def __init__(self, out, tree, name=None):
        number = 1
        while not name:
            name = f"mutants-{time.strftime('%Y%m%d', time.gmtime())}-{tree[:8]}-{number}"
            name, number = ("" if (out / name).exists() else name), number + 1
        self.dir, self.cells = out / name, {}
        (self.dir / "logs").mkdir(parents=True, exist_ok=True)
        about = self.dir / "tree"
        if about.exists() and about.read_text() != tree:
            sys.exit(f"error: RUN={name} is about another tree: choose another RUN")
        about.write_text(tree)
        path = self.dir / "cells.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            cell = json.loads(line)
            # What was no verdict deserves another try.
            if cell["verdict"] in ("killed", "survived"):
                self.cells[cell["key"]] = cell

    def add(self, cell):
        self.cells[cell["key"]] = cell
        write_whole(self.dir / "cells.jsonl", "".join(json.dumps(c) + "\n" for c in self.cells.values()))


class Driver:
    def __init__(self, run, scratch, kernel):
        self.run, self.scratch, self.kernel = run, scratch, kernel
        self.interrupts, self.active, self.spent = Interrupts(), [], {}

    def finish(self, cell, outcome):
        self.run.add(cell.record(outcome))
        done = self.run.cells[cell.key]
        self.spent.setdefault(cell.layer.name, []).append(done["seconds"])
        say(f"{cell.layer.name}: {cell.name}: {outcome.verdict}{', ' if outcome.killer else ''}"
            f"{outcome.killer} ({done['seconds']:.0f} s; {self.left()})")

    def left(self):
        """An estimate by what the cells of a layer have taken so far."""
        mean = lambda layer: (sum(self.spent[layer.name]) / len(self.spent[layer.name])
                              if layer.name in self.spent else layer.seconds)
        seconds = sum(mean(cell.layer) for cell in self.waiting)
        return f"{len(self.waiting)} to go, about {seconds / 60:.0f} min"

    def end_of(self, cell):
        outcome = cell.layer.judge(cell.stem, cell.child, self.kernel)
        cell.child.stop()
        self.finish(cell, outcome)

    def try_all(self, cells):
        """One build, and beside it the run of what was built before."""
        self.waiting, built, ran = list(cells), None, None
        try:
            while self.waiting or built or ran:
                self.interrupts.check()
                if not built and self.waiting:
                    built = self.waiting.pop(0)
                    self.active.append(built)
                    outcome = built.start(self.run.dir, self.scratch)
                    if outcome:
                        self.finish(built, outcome)
                        built = None
                if built and not ran and built.child.ended():
                    if built.go_on():
                        ran = built
                    else:
                        self.end_of(built)
                    built = None
                if ran and ran.child.ended():
                    self.end_of(ran)
                    ran = None
                time.sleep(0.05)
        finally:
            for cell in self.active:
                if cell.child:
                    cell.child.stop()
            self.scratch.put({})

    def try_layer(self, layer, cells):
        """The control comes first."""
        control = control_of(layer, cells)
        todo = [cell for cell in cells if cell.key not in self.run.cells]
        if not todo:
            return
        layer.prepare()
        if self.run.cells.get(control.key, {}).get("verdict") != "survived":
            self.try_all([control])
            self.spent.clear()
            demand(self.run, control, self.run.dir)
        self.try_all(todo)
