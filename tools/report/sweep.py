# SPDX-License-Identifier: GPL-2.0
"""The jobs of a sweep of the simulator: every policy on every trace in every pool.

A variant is a name with knobs, as in "learned:ghosts=50:rate=4".  Who asks for a sweep
may give several values, as in "clock:budget=64,128", and means a variant for each.
A setting is what else a job is told, e.g. "vcpus=2:levels=5", or nothing.
"""
import itertools
from collections import namedtuple

Key = namedtuple("Key", "setting trace pool seed policy")

# All others are compared with it.
BASELINE = "fifo"


def variants(spec):
    """["clock:budget=64", "clock:budget=128"], of "clock:budget=64,128"."""
    name, *knobs = spec.split(":")
    each = [[f"{knob}={value}" for value in values.split(",")]
            for knob, _, values in (word.partition("=") for word in knobs)]
    return [":".join([name, *chosen]) for chosen in itertools.product(*each)]


def name_of(variant):
    return variant.partition(":")[0]


def knobs_of(variant):
    """[("budget", "64")...]"""
    return [tuple(word.split("=", 1)) for word in variant.split(":")[1:]]


def keys_of(matrix):
    """Policies change fastest: the jobs next to each other take about the same time."""
    return [Key(*key) for key in itertools.product(matrix["settings"], matrix["traces"], matrix["pools"],
                                                   matrix["seeds"], matrix["policies"])]


def line_of(matrix, key):
    """The job, in words that evict_sim knows."""
    trace, policy = (variant.replace(":", " ") for variant in (key.trace, key.policy))
    words = [f"model={matrix['model']}", f"trace={trace}", f"policy={policy}", f"pool={key.pool}", f"seed={key.seed}",
             f"warmup={matrix['warmup']}", f"accesses={matrix['accesses']}", *key.setting.replace(":", " ").split()]
    return " ".join(words)


def lines_of(matrix):
    """A matrix may as well be just a list of jobs."""
    return matrix["jobs"] if "jobs" in matrix else [line_of(matrix, key) for key in keys_of(matrix)]
