# SPDX-License-Identifier: GPL-2.0
"""Who evicts best: policies ranked by what a sweep of the simulator found.

A case is a trace in a pool, with a seed and a setting: what policies can be compared
on.  Ratios are averaged geometrically over cases, so that each of them counts the
same, and the order of the policies is the same whatever they are compared with.
Cases in which nobody evicts anything are left out: they would flatter everybody.
"""
import math
from collections import namedtuple

import sweep
import tables
from result import ResultError

Case = namedtuple("Case", "setting trace pool seed")
Ratio = namedtuple("Ratio", "mean worst case")

# What policies may go by.
SEEING = ("faults", "accesses", "future")
# The kernel's own policy.
OURS = "clock"
# On no case may a policy that replaces fifo fault more than this.
SAFE = 1.01

# So few, an access, don't matter, however many times more or less they are.
NEGLIGIBLE = {"faults": 1 / 1000, "flushes": 1 / 10000}

# What it costs to choose, in cycles: estimates by published latencies of a server CPU,
# Skylake-SP, to weigh steps and reads against each other.  Nothing here was measured.
# A page of a pool of thousands, and an SPTE that points to it, are in the L3 cache at
# best, 70 cycles away (Intel's optimization reference manual: 50 to 70).  To clear an
# Accessed bit is a locked operation, which takes about 20 more (Agner Fog's tables).
# Zapping costs the same whoever chooses; flushes have a column of their own.
CYCLES = {"scanned": 70, "spte_reads": 70 + 20}
CYCLES_TOLD = ("cycles: an estimate of what it costs to choose a page, not measured: {scanned} for each page "
               "examined, {spte_reads} for each SPTE read").format(**CYCLES)


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


class Ranking:
    def __init__(self, result):
        self.identity, host = result["identity"], result["identity"]["host"]
        self.matrix, self.listed = host["matrix"], host["listed"]
        if "jobs" in self.matrix:
            raise ResultError("these are single jobs, no sweep: there is nothing to rank")
        cells, self.cases = {cell["job"]: cell for cell in result["cells"]}, {}
        for key in sweep.keys_of(self.matrix):
            self.cases.setdefault(Case(*key[:4]), {})[key.policy] = cells[sweep.line_of(self.matrix, key)]
        self.policies = [p for p in self.matrix["policies"] if self.sees(p) != "bound"]
        self.idle = [case for case, some in self.cases.items()
                     if not any(some[policy]["zapped"] for policy in self.policies)]

    def sees(self, policy):
        return self.listed["policies"][policy]["sees"]

    def held_out(self, case):
        return self.listed["traces"][case.trace]["held_out"]

    def name_of(self, case):
        seed = f" seed {case.seed}" if len(self.matrix["seeds"]) > 1 else ""
        return f"{case.trace}/{case.pool}{seed}{case.setting and ' '}{case.setting}"

    def choose(self, held_out):
        """The cases of the traces that are held out, or of the others."""
        return [case for case in self.cases if self.held_out(case) == held_out and case not in self.idle]

    def least(self, case, *kinds):
        """The fewest faults by policies that see so much, or None if there are no such policies."""
        return min((cell["faults"] for policy, cell in self.cases[case].items() if self.sees(policy) in kinds),
                   default=None)

    def bound(self, case):
        """The best of all lower bounds, or None: also where it says next to nothing, and
        even the best faults all the same."""
        bound = max((cell["faults"] for policy, cell in self.cases[case].items() if self.sees(policy) == "bound"),
                    default=None)
        few = NEGLIGIBLE["faults"] * self.matrix["accesses"]
        return None if bound is not None and bound < few <= self.least(case, *SEEING) else bound

    def best(self, case):
        return self.least(case, "faults", "accesses")

    def future(self, case):
        return self.least(case, "future")

    def fifo(self, case, field="faults"):
        return self.cases[case][sweep.BASELINE][field] if sweep.BASELINE in self.cases[case] else None

    def ratios(self, policy, cases, reference, field="faults"):
        """[(ratio, case)...], where there is something to compare with."""
        few = NEGLIGIBLE[field] * self.matrix["accesses"]
        pairs = [(case, reference(case)) for case in cases]
        return [(max(self.cases[case][policy][field], few) / max(other, few), case) for case, other in pairs
                if other is not None]

    def compare(self, *args):
        """Geometric mean and worst case, or None if there is nothing to compare with."""
        ratios = self.ratios(*args)
        return Ratio(mean([ratio for ratio, _ in ratios]), *max(ratios, key=lambda pair: pair[0])) if ratios else None

    def ranked(self, cases):
        # Rounded, for equals to stay in the order in which they are listed.
        return sorted(self.policies, key=lambda policy: round(self.compare(policy, cases, self.best).mean, 9))

    def each(self, policy, cases, field):
        """For each page evicted, all cases together."""
        total = lambda name: sum(self.cases[case][policy][name] for case in cases)
        return total(field) / max(total("zapped"), 1)


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def columns(ratio, name):
    return [number(ratio.mean), number(ratio.worst), name(ratio.case)] if ratio else ["-", "-", "-"]


FAULTS = ["policy", "goes by", "over bound: mean", "worst", "at", "over best: mean", "worst", "at",
          "over future: mean", "over fifo: mean", "worst", "at"]
COSTS = ["policy", "flushes/fifo: mean", "worst", "at", "flushes /eviction", "scanned /eviction", "SPTEs /eviction",
         "cycles /eviction"]


def faults_of(ranking, policy, cases):
    compare = lambda reference: ranking.compare(policy, cases, reference)
    future = compare(ranking.future)
    return [policy, ranking.sees(policy), *columns(compare(ranking.bound), ranking.name_of),
            *columns(compare(ranking.best), ranking.name_of), number(future and future.mean),
            *columns(compare(ranking.fifo), ranking.name_of)]


def costs_of(ranking, policy, cases):
    each = {field: ranking.each(policy, cases, field) for field in ("flushes", *CYCLES)}
    flushes = ranking.compare(policy, cases, lambda case: ranking.fifo(case, "flushes"), "flushes")
    return [policy, *columns(flushes, ranking.name_of), number(each["flushes"]),
            *(number(each[field], 2) for field in CYCLES),
            number(sum(each[field] * cycles for field, cycles in CYCLES.items()), 0)]


SHORT = ["/bound", "/best", "/fifo", "worst", "flushes"]


def short_of(ranking, policy, cases):
    """The columns that most people want."""
    fifo = ranking.compare(policy, cases, ranking.fifo)
    flushes = ranking.compare(policy, cases, lambda case: ranking.fifo(case, "flushes"), "flushes")
    ratios = [ranking.compare(policy, cases, ranking.bound), ranking.compare(policy, cases, ranking.best), fifo]
    return [number(ratio and ratio.mean) for ratio in ratios] + [number(fifo and fifo.worst), number(flushes and flushes.mean)]


def overview(ranking, table):
    """Tuning and held-out traces side by side, if there are both."""
    tuning, held_out = ranking.choose(False), ranking.choose(True)
    if not tuning or not held_out:
        return ""
    head = ["policy", "goes by", f"tuning: {SHORT[0]}", *SHORT[1:], f"held-out: {SHORT[0]}", *SHORT[1:]]
    rows = [[policy, ranking.sees(policy), *short_of(ranking, policy, tuning), *short_of(ranking, policy, held_out)]
            for policy in ranking.ranked(tuning)]
    return "Faults over others', geometric mean, and worst case over fifo; flushes over fifo's\n\n" + table(head, rows, (0, 1))


def safety(ranking, cases):
    """Who could replace fifo without harm to anybody, i.e. not those who see the future."""
    worst = {policy: ranking.compare(policy, cases, ranking.fifo) for policy in ranking.policies
             if ranking.sees(policy) != "future"}
    safe = [policy for policy, ratio in worst.items() if ratio and ratio.worst <= SAFE and policy != sweep.BASELINE]
    return f"never more than {SAFE} times the faults of {sweep.BASELINE}: {', '.join(safe) or 'nobody'}"


def section(ranking, held_out, table):
    cases = ranking.choose(held_out)
    if not cases:
        return ""
    order = ranking.ranked(cases)
    vain = sum(ranking.bound(case) is None for case in cases)
    traces = len({case.trace for case in cases})
    title = f"{'Held-out' if held_out else 'Tuning'} traces: {traces} of them, {len(cases)} cases" + \
        (f", {vain} of them without a bound that says anything" if vain else "")
    return "\n".join([title, "", table(FAULTS, [faults_of(ranking, policy, cases) for policy in order], (0, 1, 4, 7, 11)),
                      table(COSTS, [costs_of(ranking, policy, cases) for policy in order], (0, 3)),
                      safety(ranking, cases), ""])


def caption(ranking):
    ident, host, matrix = ranking.identity, ranking.identity["host"], ranking.matrix
    return (f"{ident['run_id']}: project {host['project'][:12]}{' (dirty)' if host['dirty'] else ''}, "
            f"evict.h {host['evict_sha256'][:12]}, simulator {host['simulator_sha256'][:12]}\n"
            f"model {matrix['model']}, pools {' '.join(map(str, matrix['pools']))}, "
            f"seeds {' '.join(map(str, matrix['seeds']))}; {matrix['accesses']:,} accesses after "
            f"{matrix['warmup']:,}; {len(ranking.idle)} cases left out in which nothing is evicted\n")


NOTES = f"""\
goes by: what a policy sees: faults and Accessed bits, as a kernel does; each access; the future
bound: a lower bound on the faults of any policy; best: the fewest of all here that do not see the future; future:
the fewest of those that do; means are geometric, and faults of less than 1 in 1,000 accesses are taken for that
{CYCLES_TOLD}
"""


def render(ranking, markdown=False):
    table = tables.markdown_table if markdown else tables.text_table
    sections = [overview(ranking, table), *(section(ranking, held_out, table) for held_out in (False, True))]
    return caption(ranking) + "\n" + "\n".join(text for text in sections if text) + "\n" + NOTES
