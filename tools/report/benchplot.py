# SPDX-License-Identifier: GPL-2.0
"""Plots of make bench, drawn by gnuplot: faults by the size of the pool, and, where there is
time, latency against rate."""
import statistics

from bench import Place
from labplot import HEAD, quoted
from plot import gnuplot

COLORS = {"fifo": "#909090", "clock": "#1f6fb4", "tdp": "#3a9a4a"}
COLUMNS = 4
# A workload of whose windows each is another load, see workloads/redis-rate.
RATES = "redis-rate"
PERCENTILES = (("p50_ms", 1), ("p99_ms", 2))


def pool_panels(bench):
    """[(title, {policy: [(pool, faults)...]})...], where pools differ in what is evicted.  The default is the
    size that a pool would have, and stands for one that is never full."""
    pools = sorted(pool for pool in bench.matrix["pools"] if pool)
    panels = []
    for workload, about in bench.matrix["workloads"].items():
        for window in about["windows"]:
            curves = {}
            for policy in ("fifo", "clock"):
                places = [(pool, Place(workload, window, pool)) for pool in (*pools, 0)]
                curves[policy] = [(pool, value) for pool, place in places
                                  if (value := bench.value(place, policy, "pf_taken")) is not None]
            if all(curves.values()):
                panels.append((f"{workload}: {window}" if window != workload else workload, curves))
    return panels


def multiplot(panels, output, title, settings, data_of, terminal="svg"):
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    height = 110 + 190 * rows
    text = HEAD.format(terminal=terminal, width=1100, height=height, output=output)
    text += (f"set multiplot layout {rows},{columns} margins 0.06,0.98,{70 / height},{1 - 60 / height} "
             f"spacing 0.055,{70 / height}\n"
             f"set label 1 {quoted(title)} noenhanced at screen 0.5,{1 - 16 / height} center textcolor rgb '#303030'\n"
             + settings)
    for i, panel in enumerate(panels):
        text += data_of(panel) + "\n" + "unset label 1\n" * (not i)
    gnuplot(text + "unset multiplot\n")


def pool_panel(panel):
    title, curves = panel
    lines = [f"set title {quoted(title)} noenhanced offset 0,-0.6", "$data << END"]
    ticks = [pool for pool, _ in next(iter(curves.values()))]
    for points in curves.values():
        lines += [f"{i} {value / 1e3}" for i, (_, value) in enumerate(points)] + ["", ""]
    names = ", ".join(f"'{pool or 'default'}' {i}" for i, pool in enumerate(ticks))
    plots = [f"$data index {i} using 1:2 with linespoints lc rgb '{COLORS[policy]}' lw 1.8 pt 7 ps 0.45 title '{policy}'"
             for i, policy in enumerate(curves)]
    return "\n".join([*lines[:-2], "END", f"set xtics ({names})", "plot " + ", ".join(plots)])


def draw_pools(bench, output, terminal="svg"):
    """Whether there was anything to draw."""
    panels = pool_panels(bench)
    if panels:
        settings = f"set yrange [0:*]\nset xrange [-0.3:{len(bench.matrix['pools']) - 0.7}]\nset key top right\n"
        multiplot(panels, output, f"Guest faults, thousands, by the size of the pool: {bench.identity['run_id']}",
                  settings, pool_panel, terminal)
    return bool(panels)


def rates(bench, pool):
    """{policy: [(requests a second, {percentile: ms})...]}, medians of the repeats."""
    found = {}
    for policy in bench.matrix["policies"]:
        runs = bench.benchmarks.get((RATES, pool, policy), [])
        runs = runs[1:] if len(runs) > 1 else runs
        points = [[run[i] for run in runs if i < len(run)] for i in range(max(map(len, runs), default=0))]
        middle = lambda point, name: statistics.median(entry[name] for entry in point)
        if points:
            found[policy] = [(middle(point, "rps"), {name: middle(point, name) for name, _ in PERCENTILES})
                             for point in points]
    return found


def rate_panel(panel):
    title, curves = panel
    lines, plots = [f"set title {quoted(title)} noenhanced offset 0,-0.6", "$data << END"], []
    for policy, points in curves.items():
        for name, dash in PERCENTILES:
            lines += [f"{rate} {values[name]}" for rate, values in points] + ["", ""]
            plots.append(f"$data index {len(plots)} using 1:2 with linespoints lc rgb '{COLORS[policy]}' dt {dash} lw 1.8 "
                         f"pt 7 ps 0.45 title '{policy} {name.removesuffix('_ms')}'")
    return "\n".join([*lines[:-2], "END", "plot " + ", ".join(plots)])


def draw_rates(bench, output, terminal="svg"):
    """Only where time is time."""
    panels = [(f"pool {pool or 'default'}", curves) for pool in bench.matrix["pools"] if (curves := rates(bench, pool))]
    if not bench.timed or not panels:
        return False
    multiplot(panels, output, f"Latency in ms by requests a second: {bench.identity['run_id']}",
              "set yrange [0:*]\nset key top left\n", rate_panel, terminal)
    return True
