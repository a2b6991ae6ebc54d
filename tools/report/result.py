# SPDX-License-Identifier: GPL-2.0
"""The one result format of the project: validated when written and when read.

A result is an identity (who measured what, see schema.json) and one object a
cell.  There are kinds of results, which differ in their cells and in what those
are known by: for the reference traces in guests, mode, pool, seed and policy;
for the simulator, the line of the job; for real guests, workload, pool, policy,
repeat, and whether it was traced; for flame graphs, the policy; for upstream's
tests, the test and the configuration.  A file without a full identity, or with a
cell missing that its own matrix asks for, is not a result and yields no table.
"""
import itertools
import json
import os
from collections import namedtuple
from pathlib import Path

import sweep

SCHEMA_VERSION = 1
SCHEMA = json.loads((Path(__file__).parent / "schema.json").read_text())

Key = namedtuple("Key", "mode pool seed policy")
BenchKey = namedtuple("BenchKey", "workload pool policy repeat traced")


class ResultError(Exception):
    """The data is not a valid result; the text says why in one line."""


class Traces:
    """`make run`: a cell is a run of mmu_evict_perf_test."""

    @staticmethod
    def key_of(cell):
        return Key(cell["mode"], cell["pool"], cell["seed"], cell["policy"])

    @staticmethod
    def keys_of(matrix):
        return [Key(*k) for k in itertools.product(matrix["modes"], matrix["pools"],
                                                   matrix["seeds"], matrix["policies"])]

    @staticmethod
    def name_of(key):
        return f"{key.mode}/{key.pool} seed {key.seed} {key.policy}"

    # What must be as the matrix has it.
    common = ("warmup", "accesses", "vcpus")


class Lab:
    """`make lab`: a cell is a job of the simulator."""

    common = ()

    @staticmethod
    def key_of(cell):
        return cell["job"]

    keys_of, name_of = staticmethod(sweep.lines_of), staticmethod(str)


class Bench:
    """`make bench`: a cell is one boot of a real guest.  Pool 0 is KVM's default."""

    common = ()

    @staticmethod
    def key_of(cell):
        return BenchKey(*(cell[field] for field in BenchKey._fields))

    @staticmethod
    def keys_of(matrix):
        """Policies that are compared follow each other, in turns from both ends: A B, B A.
        Nothing is evicted under tdp, and a traced boot tells the causes of faults."""
        keys = []
        for repeat in range(matrix["repeats"]):
            for workload, pool in itertools.product(matrix["workloads"], matrix["pools"]):
                policies = [policy for policy in matrix["policies"] if policy != "tdp" or not pool]
                keys += [BenchKey(workload, pool, policy, repeat, False)
                         for policy in (reversed(policies) if repeat % 2 else policies)]
                keys += [BenchKey(workload, pool, policy, repeat, True)
                         for policy in policies if policy != "tdp"]
        return keys

    @staticmethod
    def name_of(key):
        repeat = f" repeat {key.repeat}" if key.repeat else ""
        return f"{key.workload}/{key.pool or 'default'} {key.policy}{repeat}{' traced' if key.traced else ''}"


class Flame:
    """`make flamegraph`: a cell is the stacks of a boot."""

    common = ()

    @staticmethod
    def key_of(cell):
        return cell["policy"]

    @staticmethod
    def keys_of(matrix):
        return list(matrix["policies"])

    name_of = staticmethod(str)


class Regress:
    """`make regress`: a cell is one of upstream's tests in one configuration."""

    common = ()

    @staticmethod
    def key_of(cell):
        return cell["test"], cell["config"]

    @staticmethod
    def keys_of(matrix):
        return list(itertools.product(matrix["tests"], matrix["configs"]))

    name_of = staticmethod(" in ".join)


KINDS = {"traces": Traces, "lab": Lab, "bench": Bench, "flame": Flame, "regress": Regress}


def kind_of(result):
    """Results that are older than the other kinds don't tell."""
    return result.get("kind", "traces") if isinstance(result, dict) else "traces"


def check(data, definition=None):
    """Raise ResultError unless @data fits the schema (or one of its $defs)."""
    try:
        import jsonschema
    except ImportError:
        raise ResultError("the Python module jsonschema is missing; "
                          "install python3-jsonschema (tools/rig/deps does)")
    schema = SCHEMA
    if definition:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema).iter_errors(data))
    if error:
        where = "/".join(str(step) for step in error.absolute_path) or "top level"
        raise ResultError(f"invalid result, {where}: {error.message[:200]}")


def keys_of(matrix, kind="traces"):
    """Every cell that a matrix asks for."""
    return KINDS[kind].keys_of(matrix)


def name_of(key, kind="traces"):
    return KINDS[kind].name_of(key)


def place_of(cell, matrix, wanted, kind):
    """The key of @cell, or raise: it is not of this matrix, whose keys are @wanted."""
    key, name = KINDS[kind].key_of(cell), KINDS[kind].name_of
    if key not in wanted:
        raise ResultError(f"a cell nobody asked for: {name(key)}")
    for field in KINDS[kind].common:
        if cell[field] != matrix[field]:
            raise ResultError(f"{name(key)}: {field} is {cell[field]}, not {matrix[field]}")
    return key


def check_cell(cell, matrix, kind="traces"):
    """Return the key of @cell, or raise: wrong shape, or not of this matrix."""
    check(cell, f"{kind}_cell")
    return place_of(cell, matrix, set(keys_of(matrix, kind)), kind)


def check_whole(result):
    """A valid result has exactly the cells of its matrix, each once."""
    check(result)
    kind, matrix = kind_of(result), result["identity"]["host"]["matrix"]
    wanted = dict.fromkeys(keys_of(matrix, kind))
    keys = [place_of(cell, matrix, wanted, kind) for cell in result["cells"]]
    there = set(keys)
    missing = [name_of(k, kind) for k in wanted if k not in there]
    if missing:
        raise ResultError(f"{len(missing)} cells missing: {', '.join(missing[:10])}")
    if len(keys) != len(there):
        raise ResultError("a cell is there twice")


def text_of(result):
    """JSON, a line for each cell."""
    head = json.dumps({key: value for key, value in result.items() if key != "cells"}, indent=1)
    cells = ",\n".join(f"  {json.dumps(cell)}" for cell in result["cells"])
    return head.removesuffix("\n}") + f',\n "cells": [\n{cells}\n ]\n}}\n'


def save(result, path):
    check_whole(result)
    write_whole(path, text_of(result))


def load(path, kind=None):
    """@kind: the only one that is of use here."""
    try:
        result = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ResultError(f"cannot read {path}: {error}")
    check_whole(result)
    if kind and kind_of(result) != kind:
        raise ResultError(f"{path} is a result of the kind {kind_of(result)}, not {kind}")
    return result


def write_whole(path, text):
    """A reader sees the old file or the new one, never half of it."""
    part = Path(f"{path}.part")
    with open(part, "w") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    part.replace(path)
