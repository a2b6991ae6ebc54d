# SPDX-License-Identifier: GPL-2.0
"""What a sweep of the simulator looks like: faults over the size of the pool for a few
traces, and how far each policy is from the lower bound; drawn by gnuplot."""
import sweep
from lab import OURS, mean
from plot import gnuplot

HEAD = r"""
set terminal {terminal} size {width},{height} font 'sans-serif,12' background rgb '#ffffff'
set output '{output}'
set style line 100 lc rgb '#e0e0e0' lt 1
set grid ls 100
set border 3 lc rgb '#303030'
set tics nomirror textcolor rgb '#303030'
"""
# Panels of the curves, and how many are next to each other.
PANELS, COLUMNS = 6, 3
# Policies in the curves besides fifo, the kernel's, and the best clairvoyant one.
OTHERS = 3
COLORS = {sweep.BASELINE: "#909090", OURS: "#1f6fb4"}
OTHER_COLORS = ["#e0912f", "#3a9a4a", "#8a5fb0"]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def spread(ranking, cases):
    """How much the policies differ, which is what there is to see."""
    online = [policy for policy in ranking.policies if ranking.sees(policy) != "future"]
    faults = lambda case: [max(ranking.cases[case][policy]["faults"], 1) for policy in online]
    return mean([max(faults(case)) / min(faults(case)) for case in cases])


def traces_shown(ranking):
    cases = [case for held_out in (False, True) for case in ranking.choose(held_out)]
    traces = dict.fromkeys(case.trace for case in cases)
    by_spread = sorted(traces, key=lambda trace: spread(ranking, [c for c in cases if c.trace == trace]), reverse=True)
    return [trace for trace in traces if trace in by_spread[:PANELS]]


def policies_shown(ranking):
    """[(policy, color, dash type)]"""
    order = ranking.ranked([case for case in ranking.cases if case not in ranking.idle])
    online = [policy for policy in order if ranking.sees(policy) != "future" and policy not in COLORS]
    shown = [(policy, color, 1) for policy, color in COLORS.items() if policy in order]
    shown += [(policy, color, 1) for policy, color in zip(online[:OTHERS], OTHER_COLORS)]
    shown += [(policy, "#303030", 3) for policy in order if ranking.sees(policy) == "future"][:1]
    bounds = [p for p in ranking.matrix["policies"] if ranking.sees(p) == "bound"]
    return shown + [(policy, "#c03020", 2) for policy in bounds[:1]]


def panel(ranking, trace, shown):
    """Faults for each 100 accesses, the mean over the seeds, in the first setting."""
    lines = [f"set title {quoted(trace)} noenhanced offset 0,-0.6", "$data << END"]
    for policy, _, _ in shown:
        for pool in sorted(ranking.matrix["pools"]):
            cells = [some[policy] for case, some in ranking.cases.items()
                     if (case.setting, case.trace, case.pool) == (ranking.matrix["settings"][0], trace, pool)]
            lines.append(f"{pool} {100 * sum(c['faults'] / c['accesses'] for c in cells) / len(cells)}")
        lines += ["", ""]
    curves = [f"$data index {i} using 1:2 with linespoints lc rgb '{color}' dt {dash} lw 1.6 pt 7 ps 0.35 notitle"
              for i, (_, color, dash) in enumerate(shown)]
    return "\n".join([*lines[:-2], "END", "plot " + ", \\\n     ".join(curves)])


def curves(ranking, output, terminal):
    traces, shown = traces_shown(ranking), policies_shown(ranking)
    columns = min(COLUMNS, max(len(traces), 1))
    rows = -(-len(traces) // columns)
    pools = sorted(ranking.matrix["pools"])
    height = 130 + 220 * rows
    left, right, top, bottom = 0.07, 0.98, 1 - 58 / height, 90 / height
    title = f"Faults by the size of the pool, model {ranking.matrix['model']}, {ranking.identity['run_id']}"
    text = HEAD.format(terminal=terminal, width=980, height=height, output=output)
    text += f"set multiplot layout {rows},{columns} margins {left},{right},{bottom},{top} spacing 0.06,{60 / height}\n"
    text += f"set label 1 {quoted(title)} noenhanced at screen 0.5,{1 - 16 / height} center textcolor rgb '#303030'\n"
    text += f"set logscale x 2\nset xrange [{pools[0] / 1.1}:{pools[-1] * 1.1}]\nset yrange [0:*]\n" \
            f"set xtics ({', '.join(map(str, ticks(pools)))}) scale 0.5\nset ytics format '%g%%'\n"
    # The title is part of the first plot.
    text += "\nunset label 1\n".join(panel(ranking, trace, shown) for trace in traces)
    # The key is a plot of its own, of nothing, beneath the others.
    names = [f"NaN with linespoints lc rgb '{color}' dt {dash} lw 1.6 pt 7 ps 0.35 title {quoted(policy)} noenhanced"
             for policy, color, dash in shown]
    text += f"""
unset title; unset xtics; unset ytics; unset grid; unset border; unset logscale
set lmargin at screen 0.02; set rmargin at screen 0.98; set bmargin at screen 0; set tmargin at screen {32 / height}
set xrange [0:1]; set yrange [0:1]
unset label 1
set label 2 "shadow pages in the pool; faults for each 100 accesses" at screen 0.5,{46 / height} center textcolor rgb '#303030'
set key center center horizontal samplen 2 width -1 maxcols {len(shown)} textcolor rgb '#303030'
plot {', '.join(names)}
unset multiplot
"""
    return text


def ticks(pools):
    """Not more than there is room for, the powers of two first."""
    powers = [pool for pool in pools if pool & (pool - 1) == 0]
    return powers if len(powers) > 1 else pools[::-(-len(pools) // 6)]


def distance(ranking, output, terminal):
    """A line for each policy, from its best case to its worst, and a dot for the mean."""
    tuning, held_out = ranking.choose(False), ranking.choose(True)
    reference = ranking.bound if ranking.bound(next(iter(ranking.cases))) is not None else ranking.best
    order = ranking.ranked([*tuning, *held_out])[::-1]
    height = 110 + 26 * len(order)
    text = HEAD.format(terminal=terminal, width=860, height=height, output=output)
    blocks, plots = [], []
    for cases, color, shift, name in ((tuning, "#1f6fb4", 0.14, "tuning traces"), (held_out, "#e0912f", -0.14, "held-out traces")):
        if not cases:
            continue
        ratios = [[ratio for ratio, _ in ranking.ratios(policy, cases, reference)] for policy in order]
        blocks.append("\n".join(f"{mean(some)} {min(some)} {max(some)} {row + shift}" for row, some in enumerate(ratios)))
        plots.append(f"$data index {len(plots)} using 1:4:2:3 with xerrorbars lc rgb '{color}' lw 1.4 pt 7 ps 0.7 title '{name}'")
    what = "lower bound" if reference == ranking.bound else "fewest faults of any policy here"
    labels = ", ".join(f"{quoted(policy)} {row}" for row, policy in enumerate(order))
    title = f"Faults over the {what}: geometric mean, best and worst case, {ranking.identity['run_id']}"
    return text + f"""
set title {quoted(title)} noenhanced textcolor rgb '#303030'
set logscale x 10
set xtics (1, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
set xrange [1:*]
set yrange [-0.6:{len(order) - 0.4}]
set ytics ({labels}) noenhanced scale 0
set key outside bottom center horizontal textcolor rgb '#303030'
$data << END
{(chr(10) * 3).join(blocks)}
END
plot {', '.join(plots)}
"""


def draw_curves(ranking, output, terminal="svg"):
    gnuplot(curves(ranking, output, terminal))


def draw_distance(ranking, output, terminal="svg"):
    gnuplot(distance(ranking, output, terminal))
