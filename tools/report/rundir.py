# SPDX-License-Identifier: GPL-2.0
"""out/<run-id>: what a run is, what it has measured so far, and how it resumes."""
import fcntl
import json
import time

import result


class Run:
    """One folder: its identity and the cells it has; locked while somebody measures."""

    kind = "traces"

    def __init__(self, where, host, command):
        self.dir, self.host = where, host
        self.dir.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.dir / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise result.ResultError(f"run {self.dir.name} is being measured by another process")
        self.about = self.dir / "identity.json"
        if not self.about.exists():
            self.identity = {"run_id": self.dir.name, "command": command, "host": host,
                             "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            self.keep_identity()
        self.identity = json.loads(self.about.read_text())
        if self.identity["host"] != host:
            raise result.ResultError(f"run {self.dir.name} belongs to another state of the sources, "
                                     "tools or knobs: choose another RUN")
        self.cells = self.load()

    def keep_identity(self):
        result.write_whole(self.about, json.dumps(self.identity, indent=1) + "\n")

    def load(self):
        """What was recorded; a line torn by a crash, and all after it, never happened."""
        cells, path = {}, self.dir / "cells.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                cell = json.loads(line)
                cells[result.check_cell(cell, self.host["matrix"], self.kind)] = cell
            except (ValueError, result.ResultError):
                break
        return cells

    def record(self, cells):
        self.cells.update(cells)
        result.write_whole(self.dir / "cells.jsonl",
                           "".join(json.dumps(c) + "\n" for c in self.cells.values()))

    def forget(self, keys):
        self.cells = {k: c for k, c in self.cells.items() if k not in keys}
        self.record({})

    def missing(self):
        return [k for k in result.keys_of(self.host["matrix"], self.kind) if k not in self.cells]

    def learn(self, facts):
        """All guests of a run must be the same machine."""
        if self.identity.setdefault("guest", facts) != facts:
            raise result.ResultError(f"run {self.dir.name}: this guest is not the one of the earlier cells")
        self.keep_identity()


def new_stem(folder, digits):
    """boot-1, boot-2...: what the files of a guest are called, whoever else boots one."""
    number = 1
    while True:
        stem = folder / f"boot-{number:0{digits}d}"
        try:
            open(f"{stem}.rig", "x").close()
            return stem
        except FileExistsError:
            number += 1


def choose(out, host, wanted=None, kind="run"):
    """@wanted if given, else the newest unfinished run with this identity, else a new one."""
    if wanted:
        if "/" in wanted or wanted.startswith("."):
            raise result.ResultError(f"RUN={wanted}: a run is the name of a folder in {out}")
        return out / wanted
    for about in sorted(out.glob("*/identity.json"), key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            same = json.loads(about.read_text())["host"] == host
        except (OSError, ValueError, KeyError):
            continue
        if same and not (about.parent / "result.json").exists():
            return about.parent
    name = "-".join([kind, time.strftime("%Y%m%d", time.gmtime()),
                     *(host[what][:8] for what in ("project", "tree") if what in host)])
    number = 1
    while (out / f"{name}-{number}").exists():
        number += 1
    return out / f"{name}-{number}"
