# SPDX-License-Identifier: GPL-2.0
"""The one result format of the project: validated when written and when read.

A result is an identity (who measured what, see schema.json) and one object a
cell.  A cell is known by its key: mode, pool, seed and policy.  A file without
a full identity, or with a cell missing that its own matrix asks for, is not a
result and yields no table.
"""
import itertools
import json
import os
from collections import namedtuple
from pathlib import Path

SCHEMA_VERSION = 1
SCHEMA = json.loads((Path(__file__).parent / "schema.json").read_text())

Key = namedtuple("Key", "mode pool seed policy")


class ResultError(Exception):
    """The data is not a valid result; the text says why in one line."""


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


def key_of(cell):
    return Key(cell["mode"], cell["pool"], cell["seed"], cell["policy"])


def keys_of(matrix):
    """Every cell that a matrix asks for."""
    return [Key(*k) for k in itertools.product(matrix["modes"], matrix["pools"],
                                               matrix["seeds"], matrix["policies"])]


def check_cell(cell, matrix):
    """Return the key of @cell, or raise: wrong shape, or not of this matrix."""
    check(cell, "cell")
    if key_of(cell) not in keys_of(matrix):
        raise ResultError(f"a cell nobody asked for: {name_of(key_of(cell))}")
    for field in ("warmup", "accesses", "vcpus"):
        if cell[field] != matrix[field]:
            raise ResultError(f"{name_of(key_of(cell))}: {field} is {cell[field]}, "
                              f"not {matrix[field]}")
    return key_of(cell)


def check_whole(result):
    """A valid result has exactly the cells of its matrix, each once."""
    check(result)
    matrix = result["identity"]["host"]["matrix"]
    keys = [check_cell(cell, matrix) for cell in result["cells"]]
    missing = [name_of(k) for k in keys_of(matrix) if k not in keys]
    if missing:
        raise ResultError(f"{len(missing)} cells missing: {', '.join(missing)}")
    if len(keys) != len(set(keys)):
        raise ResultError("a cell is there twice")


def name_of(key):
    return f"{key.mode}/{key.pool} seed {key.seed} {key.policy}"


def save(result, path):
    check_whole(result)
    write_whole(path, json.dumps(result, indent=1) + "\n")


def load(path):
    try:
        result = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ResultError(f"cannot read {path}: {error}")
    check_whole(result)
    return result


def write_whole(path, text):
    """A reader sees the old file or the new one, never half of it."""
    part = Path(f"{path}.part")
    with open(part, "w") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    part.replace(path)
