# SPDX-License-Identifier: GPL-2.0
"""Grouped bars of fifo against clock, the lower bound marked, drawn by gnuplot.

The ground is painted white on purpose: a transparent SVG would lose its axes
on a dark page.
"""
import subprocess

from result import ResultError
from tables import rows_of

SCRIPT = r"""
set terminal {terminal} size 860,420 {font} background rgb '#ffffff'
set output '{output}'
set title "{title}" noenhanced textcolor rgb '#303030'
set ylabel "guest faults (pf\\_taken), thousands" textcolor rgb '#303030'
set xlabel "workload / shadow pages in the pool" textcolor rgb '#303030'
set style data histograms
set style histogram clustered gap 1
set style fill solid 1.0 border rgb '#ffffff'
set boxwidth 0.9 relative
set grid ytics lc rgb '#d0d0d0' lt 1
set border 3 lc rgb '#303030'
set tics nomirror textcolor rgb '#303030'
set xtics scale 0
set yrange [0:*]
set key top left textcolor rgb '#303030' noenhanced
$data << END
{data}
END
plot $data using 2:xtic(1) lc rgb '#b8b8b8' title "fifo (upstream)", \
     '' using 3 lc rgb '#1f6fb4' title "clock", \
     '' using ($0-0.4):($4):(0.8):(0) with vectors nohead lw 2 dt (6,3) lc rgb '#c03020' \
        title "provable lower bound", \
     '' using ($0-0.165):2:(sprintf("%.0f", $2)) with labels offset 0,0.6 font ",9" \
        textcolor rgb '#505050' notitle, \
     '' using ($0+0.165):3:(sprintf("%.0f", $3)) with labels offset 0,0.6 font ",9" \
        textcolor rgb '#1f6fb4' notitle
"""


def script(result, output, terminal="svg"):
    data = "\n".join(
        f"\"{r['mode']}/{r['pool']}\" {r['fifo']['faults'] / 1e3} {r['clock']['faults'] / 1e3} "
        + (str(r["bound"] / 1e3) if "bound" in r else "NaN") for r in rows_of(result))
    ident, host = result["identity"], result["identity"]["host"]
    return SCRIPT.format(terminal=terminal, output=output, data=data,
                         font="font 'sans,12'" if terminal != "svg" else "font 'sans-serif,12'",
                         title=f"Shadow-page eviction, {ident['run_id']}, "
                               f"Linux {host['base']}, {host['accel'].upper()}")


def gnuplot(text):
    try:
        done = subprocess.run(["gnuplot"], input=text, text=True, capture_output=True)
    except OSError as error:
        raise ResultError(f"cannot run gnuplot: {error.strerror}; tools/rig/deps installs it")
    if done.returncode or "error" in done.stderr.lower():
        raise ResultError(f"gnuplot failed: {(done.stderr.strip() or 'no reason').splitlines()[-1]}")


def draw(result, output, terminal="svg"):
    gnuplot(script(result, output, terminal))
