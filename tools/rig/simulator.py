# SPDX-License-Identifier: GPL-2.0
"""evict_sim: built, asked for what it knows, and what it is asked for, checked.

Knobs (environment): SIM, another program, which is taken as it is; TOP, BUILD, JOBS.
"""
import json
import os
import subprocess
from pathlib import Path

import identity
import sweep
from result import ResultError

RIG = Path(__file__).resolve().parent
ENV = os.environ.get
TOP = Path(ENV("TOP") or RIG.parents[1])
BUILD = Path(ENV("BUILD") or TOP / "build")
SOURCE = TOP / "tools/testing/evict_sim"


def run(what, *argv):
    """Its stdout, or what is wrong with it."""
    try:
        done = subprocess.run(list(map(str, argv)), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise ResultError(f"cannot run {argv[0]}: {error.strerror}")
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise ResultError(f"{what}: {next((line for line in said if 'error: ' in line), said[-1])}")
    return done.stdout


class Simulator:
    def __init__(self):
        if ENV("SIM"):
            self.path = Path(ENV("SIM"))
            self.sha256 = identity.sha256(self.path)
        else:
            self.path = BUILD / "evict_sim/evict_sim"
            run("the simulator does not build", RIG / "build-sim")
            self.sha256 = identity.sha256_of_all([p for p in SOURCE.iterdir() if p.suffix in (".c", ".h", "")
                                                  and p.is_file() and p.name[0] != "."])
        listed = json.loads(run("evict_sim list", self.path, "list", "-j"))
        self.knobs = listed["knobs"]
        self.models, self.traces, self.policies = (
            {entry["name"]: entry for entry in listed[what]} for what in ("models", "traces", "policies"))

    def job(self, line, *options):
        """The result of one job, here and now."""
        return json.loads(run(line, self.path, "run", *options, line))

    def sees(self, variant):
        """What a policy goes by.  One that can do with Accessed bits has a knob: exact."""
        entry = self.policies[sweep.name_of(variant)]
        exact = {**{knob["name"]: knob["value"] for knob in entry["knobs"]}, **dict(sweep.knobs_of(variant))}.get("exact", 1)
        return ("bound" if entry["bound"] else "future" if entry["clairvoyant"] else
                "accesses" if entry["access"] and int(exact) else "faults")

    def about(self, matrix):
        """Of all that is listed, what says how to read the results of a sweep."""
        return {"traces": {variant: {"held_out": self.traces[sweep.name_of(variant)]["held_out"]}
                           for variant in matrix["traces"]},
                "policies": {variant: {"sees": self.sees(variant)} for variant in matrix["policies"]}}

    def needs_text(self, trace):
        """Whether it is nothing without a file, or the like."""
        return any(knob.get("text") for knob in self.traces[trace]["knobs"])

    def inputs(self, matrix):
        """{path: hash} of the files that are read."""
        return {text: identity.sha256(text) for variant in matrix["traces"]
                for knob, text in sweep.knobs_of(variant)
                if any(k["name"] == knob and k.get("text") for k in self.traces[sweep.name_of(variant)]["knobs"])}

    def check(self, matrix):
        """Raise ResultError unless the simulator knows all of it, and means the same."""
        model = find("model", self.models, matrix["model"])
        shared = [*self.knobs, *model["knobs"]]
        for setting in matrix["settings"]:
            check_knobs(setting or "settings", [w.split("=", 1) for w in setting.split(":") if w], shared)
        for name, value in [*(("pool", pool) for pool in matrix["pools"]), *(("seed", seed) for seed in matrix["seeds"]),
                            ("warmup", matrix["warmup"]), ("accesses", matrix["accesses"])]:
            check_knobs(name, [(name, str(value))], self.knobs)
        taken = {knob["name"] for knob in shared}
        for what, there in (("trace", self.traces), ("policy", self.policies)):
            mine = set()
            for variant in matrix["traces" if what == "trace" else "policies"]:
                entry = find(what, there, sweep.name_of(variant))
                knobs = sweep.knobs_of(variant)
                check_knobs(variant, knobs, entry["knobs"])
                # In a job, a knob belongs to the first who has one of that name.
                both = [knob for knob, _ in knobs if knob in taken]
                if both:
                    raise ResultError(f"{variant}: {both[0]} is a knob of something else in the same job, too")
                mine |= {knob["name"] for knob in entry["knobs"]}
            taken |= mine
        if not model["bound"] and any(self.sees(v) == "bound" for v in matrix["policies"]):
            raise ResultError(f"model={matrix['model']} has no lower bound")


def find(what, there, name):
    if name not in there:
        raise ResultError(f"no {what} '{name}'; there are {', '.join(there)}")
    return there[name]


def check_knobs(who, pairs, knobs):
    known = {knob["name"]: knob for knob in knobs}
    for pair in pairs:
        name, value = pair if len(pair) == 2 else (pair[0], "")
        if name not in known:
            raise ResultError(f"{who}: no knob '{name}'; there are: {', '.join(known) or 'none'}")
        knob = known[name]
        if not knob.get("text") and not (value.isdigit() and knob["min"] <= int(value) <= knob["max"]):
            raise ResultError(f"{who}: {name}={value}: a number from {knob['min']} to {knob['max']}")
