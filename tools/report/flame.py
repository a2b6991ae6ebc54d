# SPDX-License-Identifier: GPL-2.0
"""Flame graphs of make flamegraph: what a policy makes L1's kernel do, and what two of them differ in.

The page has all in it, the libraries that draw included (d3-flame-graph, from npm, see web/).
"""
import json

import tables
import web
from result import ResultError

LIBRARIES = ("d3/dist/d3.min.js", "d3-flame-graph/dist/d3-flamegraph.umd.min.js")
# What the issue of eviction is about, in the order of its calls; a name that the compiler
# has inlined has no samples of its own.
FUNCTIONS = (("a fault, all of it", "kvm_mmu_page_fault"), ("the walk and the fault", "paging64_page_fault"),
             ("where the page is", "kvm_mmu_faultin_pfn"), ("room for a new table", "make_mmu_pages_available"),
             ("eviction", "kvm_mmu_evict_pages"), ("zapping, for whatever reason", "__kvm_mmu_prepare_zap_page"),
             ("the guest's guest runs", "[the guest's guest]"))


def inside(stacks, function):
    """Samples in @function and in what it calls."""
    return sum(n for stack, n in stacks.items() if function in stack.split(";"))


def folded(stacks):
    """As flamegraph.pl, speedscope and others read it."""
    return "".join(f"{stack} {n}\n" for stack, n in stacks.items())


def table_of(result):
    cells = result["cells"]
    head = ["where", "function", *(f"{cell['policy']} {what}" for cell in cells for what in ("samples", "%"))]
    rows = [["everything", "", *(text for cell in cells for text in (f"{cell['samples']:,}", "100.0"))]]
    for what, function in FUNCTIONS:
        found = [(inside(cell["stacks"], function), cell["samples"]) for cell in cells]
        if any(n for n, _ in found):
            rows.append([what, function, *(text for n, total in found for text in (f"{n:,}", f"{100 * n / total:.1f}"))])
    return head, rows


def title(result):
    matrix = result["identity"]["host"]["matrix"]
    return f"{matrix['workload']}, pool {matrix['pool'] or 'default'}: {' against '.join(matrix['policies'])}"


def caption(result):
    ident, host = result["identity"], result["identity"]["host"]
    unit = "instructions of L1" if host["icount"] else "ns"
    return (f"{ident['run_id']}: project {host['project'][:12]}{' (dirty)' if host['dirty'] else ''}, "
            f"L1 Linux {ident['guest']['uname']} (tree {host['tree'][:12]}), L2 {host['l2_kernel']}\n"
            f"{host['accel'].upper()}{' icount' if host['icount'] else ''}, {host['qemu']}, CPU {host['cpu']}; "
            f"a sample every {host['matrix']['period']:,} {unit}, in {' '.join(host['matrix']['windows'])}\n")


NOTES = """\
samples: of L1's CPU, also where L2 runs, without idle time; of a function and of all that it calls
A sample is an interrupt: where they are disabled, it is taken where they are enabled again.
"""


def render(result, markdown=False):
    table = tables.markdown_table if markdown else tables.text_table
    return f"{title(result)}\n{caption(result)}\n{table(*table_of(result), (0, 1))}\n{NOTES}"


def library(modules, name):
    try:
        # Nothing in a script may end its element.
        return (modules / name).read_text().replace("</script", "<\\/script")
    except OSError as error:
        raise ResultError(f"cannot read {error.filename}: make flamegraph fetches it")


def page(result, modules):
    """One HTML file that needs no other, nor a network."""
    head, rows = table_of(result)
    stacks = json.dumps({cell["policy"]: cell["stacks"] for cell in result["cells"]}).replace("<", "\\u003c")
    return web.render(
        "flamegraph.html", title=title(result), caption=caption(result), head=head, rows=rows, notes=NOTES, stacks=stacks,
        command=result["identity"]["command"], libraries=[library(modules, name) for name in LIBRARIES])
