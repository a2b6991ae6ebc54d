# SPDX-License-Identifier: GPL-2.0
"""All results as one page that needs no other file, but for the flame graphs it links to.

Each kind of result has a function here that tells what there is to see: a Section.
"""
import base64
import tempfile
from collections import namedtuple
from pathlib import Path

import bench
import benchplot
import flame
import lab
import labplot
import plot
import regress
import tables
import web
from result import kind_of

# Words: how many columns of a table are words; a Plot is what an <img> shows.
Table = namedtuple("Table", "title head rows words")
Plot = namedtuple("Plot", "title source")
Section = namedtuple("Section", "title caption tables lines notes plots links")

TITLES = {"traces": "Reference traces in guests (make run)", "bench": "Real programs in real guests (make bench)",
          "flame": "Flame graphs (make flamegraph)", "lab": "The policy laboratory (make lab)",
          "regress": "Upstream's KVM selftests, base against patched (make regress)"}
COUNTED = {
    "tcg": "Emulated: counters and instructions, never time. An emulated CPU flushes its TLB at each entry and exit of a "
           "guest, so that what a missing or a needless flush costs does not show.",
    "kvm": "On hardware: counters, and time where a table says ms.",
    None: "Simulated: counters of a model, neither instructions nor time.",
}


def drawn(title, draw):
    """@draw(path) draws an SVG there; False: there is nothing to see."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plot.svg"
        if draw(path) is False:
            return []
        return [Plot(title, "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode())]


def of_traces(result, _):
    rows = tables.rows_of(result)
    return Section(result["identity"]["run_id"], tables.caption(result),
                   [Table("Faults, zapped pages and flushes", tables.header(), [tables.lines_of(row) for row in rows], 1)],
                   tables.goals_of(rows), "", drawn("Faults under fifo and clock", lambda path: plot.draw(result, path)), [])


def of_lab(result, _):
    if "jobs" in result["identity"]["host"]["matrix"]:
        cells = result["cells"]
        fields = ("faults", "zapped", "flushes", "scanned", "spte_reads")
        rows = [[cell["job"], *(f"{cell[field]:,}" for field in fields)] for cell in cells]
        return Section(result["identity"]["run_id"], result["identity"]["command"],
                       [Table("Jobs", ["job", *fields], rows, 1)], [], "", [], [])
    ranking, found, lines = lab.Ranking(result), [], []
    for held_out in (False, True):
        cases = ranking.choose(held_out)
        if cases:
            order, name = ranking.ranked(cases), "Held-out" if held_out else "Tuning"
            found += [Table(f"{name} traces: faults", lab.FAULTS, [lab.faults_of(ranking, p, cases) for p in order], 2),
                      Table(f"{name} traces: costs", lab.COSTS, [lab.costs_of(ranking, p, cases) for p in order], 1)]
            lines.append(f"{name} traces: {lab.safety(ranking, cases)}")
    return Section(ranking.identity["run_id"], lab.caption(ranking), found, lines, lab.NOTES,
                   drawn("Faults by the size of the pool", lambda path: labplot.draw_curves(ranking, path)), [])


def of_bench(result, _):
    found = bench.Bench(result)
    rows = [bench.row_of(found, place, policy) for place in found.places() for policy in found.policies(place)]
    compared = bench.compare(found)
    shown = [Table("Counters", bench.head(found), rows, 4)]
    shown += [Table("Clock against fifo, where anything was evicted", *compared, 2)] if compared[1] else []
    ranged = bench.ranges(found)
    shown += [Table("How far repeats are apart", *ranged, 4)] if ranged[1] else []
    over = [[*map(str, o.place._replace(pool=o.place.pool or "default")), f"{o.fifo[0]:,}", f"{o.clock[0]:,}",
             f"{100 * bench.costs(o.fifo, o.clock):+.2f}%"] for o in bench.overhead(found)]
    shown += [Table("Instructions of a fault under clock against fifo, where nothing is evicted",
                    ["workload", "window", "pool", "faults fifo", "faults clock", "overhead"], over, 2)] if over else []
    shown.append(Table("What a fault and a shadow page take", bench.faults_head(), bench.faults_of(found), 4))
    plots = drawn("Faults by the size of the pool", lambda path: benchplot.draw_pools(found, path))
    plots += drawn("Latency against rate", lambda path: benchplot.draw_rates(found, path))
    return Section(found.identity["run_id"], bench.caption(found), shown, bench.goals(found), bench.NOTES, plots, [])


def of_flame(result, folder):
    graph = folder / "flamegraph.html"
    links = [(f"flame graph: {flame.title(result)}", f"{folder.name}/{graph.name}")] if graph.exists() else []
    return Section(flame.title(result), flame.caption(result),
                   [Table("Samples", *flame.table_of(result), 2)], [], flame.NOTES, [], links)


def of_regress(result, _):
    return Section(result["identity"]["run_id"], regress.caption(result),
                   [Table("Tests by what became of them", *regress.counts(result), 1)], [regress.goal(result)],
                   regress.NOTES, [], [])


SECTIONS = {"traces": of_traces, "bench": of_bench, "flame": of_flame, "lab": of_lab, "regress": of_regress}


def identity_of(result):
    """[(what, value)...], all of it but what the caption of the matrix tells."""
    ident, host = result["identity"], result["identity"]["host"]
    facts = [("command", ident["command"]), ("date", ident["date"])]
    facts += [(name, value) for name, value in host.items() if not isinstance(value, dict)]
    guest = ident.get("guest")
    return facts + ([(f"guest: {name}", guest[name]) for name in ("uname", "cmdline")] if guest else [])


def render(results, misfits):
    """@results: [(result, its folder)...]; @misfits: lines on files that are none."""
    groups = [(kind, title, [(SECTIONS[kind](result, folder), COUNTED[result["identity"]["host"].get("accel")],
                              identity_of(result)) for result, folder in results if kind_of(result) == kind])
              for kind, title in TITLES.items()]
    return web.render("report.html", groups=[group for group in groups if group[2]], misfits=misfits)
