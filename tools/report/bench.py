# SPDX-License-Identifier: GPL-2.0
"""Tables of make bench: what each policy cost each workload in each pool, and what holds.

Two rows are compared only where both are of the same result, i.e. the same kernels, images,
configuration, accelerator and QEMU.  What time it takes is told where it is time: emulation
has instructions instead.  A window whose control differs is marked, not left out.
"""
import statistics
from collections import namedtuple

import tables
from result import ResultError

Place = namedtuple("Place", "workload window pool")

# A control that wanders further than this by itself, under the same policy, is none.
CONTROL = 0.1
# Goals: instructions of a fault where nothing is ever evicted.
OVERHEAD = 0.005


class Bench:
    """The cells of a result, found by place and policy."""

    def __init__(self, result):
        self.identity, self.host = result["identity"], result["identity"]["host"]
        self.matrix, self.cells = self.host["matrix"], {}
        for cell in result["cells"]:
            for window in cell["windows"]:
                key = (cell["workload"], window["name"], cell["pool"], cell["policy"], cell["traced"])
                self.cells.setdefault(key, []).append(window)
        self.peaks = {(cell["workload"], cell["policy"]): cell["trace"]["peak"] for cell in result["cells"]
                      if cell["traced"] and not cell["pool"]}
        self.timed = self.host["accel"] == "kvm"
        # What programs said of themselves, for each repeat.
        self.benchmarks = {}
        for cell in result["cells"]:
            if not cell["traced"] and cell["benchmarks"]:
                key = (cell["workload"], cell["pool"], cell["policy"])
                self.benchmarks.setdefault(key, []).append(cell["benchmarks"])

    def places(self):
        return [Place(workload, window, pool) for workload, about in self.matrix["workloads"].items()
                for window in about["windows"] for pool in self.matrix["pools"]]

    def policies(self, place):
        return [policy for policy in self.matrix["policies"] if (*place, policy, False) in self.cells]

    def windows(self, place, policy, traced=False):
        """All repeats; the first one only warms up where there is time, and there are several."""
        found = self.cells.get((*place, policy, traced), [])
        return found[1:] if len(found) > 1 and self.timed else found

    def values(self, place, policy, name, traced=False):
        return [value for window in self.windows(place, policy, traced)
                if (value := value_of(window, name)) is not None]

    def value(self, place, policy, name, traced=False):
        values = self.values(place, policy, name, traced)
        return statistics.median(values) if values else None

    def need(self, workload):
        """Shadow pages at most, with a pool that never is full."""
        return self.peaks.get((workload, "fifo"))

    def control_of(self, place):
        """The largest difference between policies in the control of this workload and pool, or
        None if there is no control."""
        controls = [place._replace(window=window) for window in self.matrix["workloads"][place.workload]["control"]]
        ratios = []
        for control in controls:
            values = [self.value(control, policy, "l2" if not self.timed else "ns")
                      for policy in ("fifo", "clock") if policy in self.policies(control)]
            ratios += [max(values) / min(values) - 1] if len(values) == 2 and min(values) else []
        return max(ratios) if ratios else None

    def spread(self, place):
        """How far the control is from itself under one policy: in time, from repeat to repeat; in instructions,
        which repeat exactly, from one of its windows to another, in any pool.  When L1 interrupts L2 differs
        there, too, hence how many requests L2 finds when it looks."""
        about, spans = self.matrix["workloads"][place.workload], [0]
        for pool in ([place.pool] if self.timed else self.matrix["pools"]):
            places = [Place(place.workload, window, pool) for window in about["control"]]
            for policy in self.matrix["policies"]:
                if self.timed:
                    groups = [self.values(where, policy, "ns") for where in places]
                else:
                    groups = [[value for where in places for value in self.values(where, policy, "l2")]]
                spans += [max(values) / min(values) - 1 for values in groups if values and min(values)]
        return max(spans)

    def label(self, place):
        control = self.control_of(place)
        if control is None:
            return "no control" if self.matrix["repeats"] > 2 else "no control, no repeats" if self.timed else "no control, one draw"
        if control > min(self.spread(place), CONTROL):
            return f"INVALID: control differs by {100 * control:.1f}%, by itself {100 * self.spread(place):.1f}%"
        return "" if self.matrix["repeats"] > 2 else "no repeats" if self.timed else "one draw"


def value_of(window, name):
    """A counter, a cause, or a sum of instructions; None where it was not measured."""
    insns, causes = window["insns"], window["causes"]
    if name == "ns":
        return window["ns"]
    if name == "l1":
        return insns and insns["l1_kernel"] + insns["l1_user"]
    if name == "l2":
        return insns and insns["l2_kernel"] + insns["l2_user"]
    if name.startswith("insns:"):
        return insns and insns.get(name[6:], {}).get("insns")
    if name.startswith("cause:"):
        return causes and causes[name[6:]]
    return window["counters"].get(name, 0)


# Head, value, whether it is of the traced boot.
COLUMNS = (
    ("faults", "pf_taken", False), ("fixed", "pf_fixed", False), ("recycled", "mmu_recycled", False),
    ("zapped", "mmu_shadow_zapped", False), ("cache miss", "mmu_cache_miss", False),
    ("scanned", "mmu_evict_scanned", False), ("spared", "mmu_evict_spared", False),
    ("forced", "mmu_evict_forced", False), ("tlb_flush", "tlb_flush", False), ("exits", "exits", False),
    ("by cause: refault", "cause:refault", True), ("first", "cause:first", True), ("table", "cause:table", True),
    ("zapped", "cause:zapped", True), ("again", "cause:again", True), ("guest", "cause:guest", True),
)
INSNS = (("Minsn of L1", "l1"), ("of L2", "l2"), ("in faults", "insns:faults"), ("in eviction", "insns:evict"),
         ("under mmu_lock", "insns:mmu_lock"))


def number(value, unit=1):
    return "-" if value is None else f"{value / unit:,.1f}" if unit != 1 else f"{value:,.0f}"


def evicting(bench, place, policy):
    """Instructions of the eviction path: that function, or where the compiler put it."""
    for name in ("insns:kvm_mmu_evict_pages", "insns:make_mmu_pages_available"):
        value = bench.value(place, policy, name)
        if value:
            return value
    return value


def row_of(bench, place, policy):
    cells = [place.workload, place.window, str(place.pool or "default"), policy]
    cells += [number(bench.value(place, policy, name, traced)) for _, name, traced in COLUMNS]
    if bench.timed:
        values = bench.values(place, policy, "ns")
        cells += [f"{statistics.median(values) / 1e6:,.1f}", f"{min(values) / 1e6:,.1f}-{max(values) / 1e6:,.1f}"]
    else:
        cells += [number(evicting(bench, place, policy) if name == "insns:evict" else
                         bench.value(place, policy, name), 1e6) for _, name in INSNS]
    return [*cells, bench.label(place)]


def head(bench):
    return ["workload", "window", "pool", "policy", *(name for name, _, _ in COLUMNS),
            *(("ms", "range") if bench.timed else (name for name, _ in INSNS)), "label"]


def quantile(bins, share):
    """The upper end of the bin below which @share of the faults are; None without faults."""
    left = share * sum(bins.values())
    for number in sorted(map(int, bins)):
        left -= bins[str(number)]
        if left <= 0:
            return 2 ** (number // 4) * (1 + (number % 4 + 1) / 4)
    return None


RANGED = (("faults", "pf_taken", False), ("recycled", "mmu_recycled", False), ("refaults", "cause:refault", True),
          ("insns of L1", "l1", False))


def ranges(bench):
    """Head and rows: lowest, median and highest of the repeats, where there are any."""
    rows = []
    for place in bench.places():
        for policy in bench.policies(place):
            columns = [bench.values(place, policy, name, traced) for _, name, traced in RANGED]
            if len(columns[0]) > 1:
                rows.append([place.workload, place.window, str(place.pool or "default"), policy,
                             *(number(of(values)) if values else "-" for values in columns
                               for of in (min, statistics.median, max))])
    return ["workload", "window", "pool", "policy",
            *(f"{name} {of}" for name, _, _ in RANGED for of in ("lowest", "median", "highest"))], rows


def faults_head():
    return ["workload", "window", "pool", "policy", "insns of a fault: mean", "half below", "99% below",
            "KiB of tables", "KiB/shadow page"]


def faults_of(bench):
    """What a fault takes, and a shadow page: of the last repeat."""
    rows = []
    for place in bench.places():
        for policy in bench.policies(place):
            window = bench.windows(place, policy)[-1]
            insns, counters = window["insns"], window["counters"]
            bins, faults = (insns["bins"], insns["faults"]) if insns else ({}, {"calls": 0})
            kib, pages = counters.get("kib_SecPageTables"), counters.get("mmu_shadow_pages")
            rows.append([place.workload, place.window, str(place.pool or "default"), policy,
                         number(faults["insns"] / faults["calls"] if faults["calls"] else None),
                         number(quantile(bins, 0.5)), number(quantile(bins, 0.99)), number(kib),
                         f"{kib / pages:.1f}" if kib and pages else "-"])
    return rows


COMPARED = (("refaults", "cause:refault", True), ("recycled", "mmu_recycled", False), ("faults", "pf_taken", False),
            ("insns of L1", "l1", False))
# Besides, of the boots that were traced, which are others: what the refaults are a part of.
TRACED = (("traced faults", "pf_taken", True),)


def ratio(new, old):
    if new is None or old is None:
        return "-"
    return f"{new / old:.3f}" if old else "=" if not new else "more"


def compare(bench):
    """Clock over fifo, a row for each place in which anything was evicted."""
    body = []
    for place in bench.places():
        if not {"fifo", "clock"} <= set(bench.policies(place)):
            continue
        pairs = [[bench.value(place, policy, name, traced) for policy in ("fifo", "clock")]
                 for _, name, traced in (*TRACED, *COMPARED)]
        if evicted(bench, place):
            need = bench.need(place.workload)
            body.append([place.workload, place.window, str(place.pool or "default"),
                         f"{place.pool / need:.2f}" if need and place.pool else "-",
                         *(text for fifo, clock in pairs for text in (number(fifo), number(clock), ratio(clock, fifo))),
                         bench.label(place)])
    return ["workload", "window", "pool", "pool /need",
            *(f"{name} {what}" for name, _, _ in (*TRACED, *COMPARED) for what in ("fifo", "clock", "ratio")), "label"], body


def evicted(bench, place):
    """Whether any page was, in any of the boots, plain or traced."""
    return any(value for policy in ("fifo", "clock") for traced in (False, True)
               for value in bench.values(place, policy, "mmu_recycled", traced))


Overhead = namedtuple("Overhead", "place fifo clock")


def overhead(bench):
    """[Overhead...]: (faults, their instructions) in KVM's own pool, if neither policy evicted anything."""
    found = []
    for place in bench.places():
        if not place.pool and {"fifo", "clock"} <= set(bench.policies(place)) and not evicted(bench, place):
            fifo, clock = ([bench.value(place, policy, name) for name in ("pf_taken", "insns:faults")]
                           for policy in ("fifo", "clock"))
            if all(fifo) and all(clock):
                found.append(Overhead(place, fifo, clock))
    return found


def costs(fifo, clock):
    """By how much a fault costs more: an instruction more a fault, not a fault more."""
    return clock[1] / clock[0] / (fifo[1] / fifo[0]) - 1


def overhead_of_all(found):
    """Of all windows together: in each of them, another mix of faults moves the mean by more than what is to be seen."""
    return costs(*([sum(column) for column in zip(*pairs)] for pairs in zip(*((o.fifo, o.clock) for o in found))))


def goals(bench):
    """One line a goal; they are reported, not enforced here."""
    lines = []
    for what, name, traced in COMPARED[:2]:
        pairs = [(place, *(bench.value(place, policy, name, traced) for policy in ("fifo", "clock")))
                 for place in bench.places() if {"fifo", "clock"} <= set(bench.policies(place))]
        pairs = [pair for pair in pairs if None not in pair]
        worse = [f"{p.workload}/{p.window}/{p.pool or 'default'} ({fifo:,.0f} to {clock:,.0f})"
                 for p, fifo, clock in pairs if clock > fifo]
        lines.append(f"goal {'MISSED' if worse else 'met' if pairs else 'not measured'}: {what}: clock at most fifo"
                     + (f": not in {len(worse)} of {len(pairs)}: {', '.join(worse)}" if worse else
                        f" in all of {len(pairs)}" if pairs else "")
                     + (", by traced boots" if traced and pairs else ""))
    found = overhead(bench)
    if found:
        each, together = [costs(o.fifo, o.clock) for o in found], overhead_of_all(found)
        lines.append(f"goal {'met' if together <= OVERHEAD else 'MISSED'}: clock costs at most {100 * OVERHEAD:.1f}% of a "
                     f"fault's instructions where nothing is evicted: {100 * together:+.2f}% of {len(found)} windows "
                     f"together, {100 * statistics.median(each):+.2f}% median, {100 * min(each):+.2f}% to "
                     f"{100 * max(each):+.2f}% one by one")
    return lines


def caption(bench):
    ident, host = bench.identity, bench.host
    what = "time in ms: median and range of the repeats" if bench.timed else \
        "no time: emulation has instructions, in millions"
    lines = [f"{ident['run_id']}: project {host['project'][:12]}{' (dirty)' if host['dirty'] else ''}, "
             f"L1 Linux {ident['guest']['uname']} (base {host['base']}, tree {host['tree'][:12]})",
             f"{host['accel'].upper()}{' icount' if host['icount'] else ''}, {host['qemu']}, CPU {host['cpu']}, "
             f"QEMU in L1 {host['qemu_l1'].split()[3]}, L2 {host['l2_kernel']}; {what}"]
    for name, about in bench.matrix["workloads"].items():
        need = bench.need(name)
        lines.append(f"{name}: {about['stands_for']}" + (f"; needs {need} shadow pages" if need else ""))
    return "\n".join(lines) + "\n"


NOTES = """\
faults: pf_taken, all that KVM took; by cause: of a boot of its own that was traced, see tools/bench/causes.py
default: KVM's own size of the pool; tdp: two-dimensional paging, where nothing is evicted
in faults: L1 from the exit of a fault to the next entry; in eviction: make room, zapping included
"""


def render(result, markdown=False):
    bench = Bench(result)
    table = tables.markdown_table if markdown else tables.text_table
    rows = [row_of(bench, place, policy) for place in bench.places() for policy in bench.policies(place)]
    if not rows:
        raise ResultError("nothing was measured")
    compared = compare(bench)
    parts = [caption(bench), table(head(bench), rows, (0, 1, 3, len(head(bench)) - 1))]
    if compared[1]:
        parts.append(table(*compared, (0, 1)))
    ranged = ranges(bench)
    if ranged[1]:
        parts.append(table(*ranged, (0, 1, 3)))
    parts += ["\n".join(goals(bench)) + "\n", NOTES]
    return "\n".join(parts)
