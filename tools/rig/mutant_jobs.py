# SPDX-License-Identifier: GPL-2.0
"""Trials of mutants as jobs of an engine, see jobs.py: one line each,

  LAYER MUTANT DIGEST [TEST...; TEST...]

where "-" is no mutant, i.e. the control of the layer.  A worker takes a scratch tree
that nobody else of its machine has, and keeps what was built there for the next one.
"""
import json
import os
import sys
from pathlib import Path

import jobs
import ktap
import mutant_layers
import mutants
import scratch
from mutant_run import Cell, Driver, control_of, demand

RIG = Path(__file__).resolve().parent
# As many trials a chunk: the first one of a worker may have to build all.
CHUNK = 6


def line_of(cell):
    words = [cell.layer.name, cell.mutant.name if cell.mutant else "-", cell.mutant.digest() if cell.mutant else "-"]
    return " ".join([*words, "; ".join(cell.tests)]).strip()


def cell_of(line, layers, everyone):
    layer, name, digest, tests = (line.split(" ", 3) + [""])[:4]
    mutant = everyone.get(name)
    if layer not in layers or (name != "-" and (not mutant or mutant.digest() != digest)):
        raise jobs.JobError(f"no such mutant here, or it has changed: {line}")
    return Cell(layers[layer], mutant, tests.split("; ") if tests else [])


def lines_of(cells, known):
    """The trials that are not @known yet, the control of each layer first."""
    todo = [cell for layer, some in cells.items() if some for cell in [control_of(layer, some), *some]]
    return [line_of(cell) for cell in todo if cell.key not in known]


def run(record, cells):
    """All that is left, by the engine; then the controls must have passed."""
    lines, engine = lines_of(cells, record.cells), jobs.Engine(chunk=CHUNK)
    if lines:
        folder = jobs.folder_for(record.dir, lines, [RIG / "run-mutants", "--worker", record.dir.resolve()], engine.chunk)
        for line in jobs.run(folder, engine, "trials"):
            record.add(json.loads(line))
    for layer in [layer for layer in cells if cells[layer]]:
        demand(record, control_of(layer, cells[layer]), record.dir / "mutants-*")


class Sink:
    """What a driver takes for a run, with logs of its own."""

    def __init__(self, folder):
        self.dir, self.cells = folder, {}
        (folder / "logs").mkdir(parents=True, exist_ok=True)

    def add(self, cell):
        self.cells[cell["key"]] = cell


def work(folder, build, everyone):
    """Trials from stdin, a line of JSON for each to stdout."""
    lines = sys.stdin.read().splitlines()
    # Workers are what runs at the same time; compilers share what a task was given.
    os.environ["JOBS"] = os.environ.get("SLURM_CPUS_PER_TASK") or "1"
    tree = scratch.take_free(build, "mutants")
    programs = sorted({test.split()[0] for line in lines for test in line.split(" ", 3)[3:] for test in test.split("; ")})
    layers = {layer.name: layer for layer in mutant_layers.all_of(tree, build / "selftests", programs)}
    cells = [cell_of(line, layers, everyone) for line in lines]
    sink = Sink(Path(folder) / tree.top.name)
    for layer in {cell.layer for cell in cells}:
        layer.prepare()
    Driver(sink, tree, ktap.Kernel(build / "linux")).try_all(cells)
    for cell in cells:
        print(json.dumps(sink.cells[cell.key]))
