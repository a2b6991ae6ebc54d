# SPDX-License-Identifier: GPL-2.0
"""Tables of a result, and how it stands against the goals of the policy."""
import json
from pathlib import Path

from result import keys_of

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())["cells"]

# With one vCPU nobody else is there to be interrupted, and remote_tlb_flush
# stays 0: what a policy costs is what it asks for.
FIELDS = {"faults": "pf_taken", "zapped": "mmu_shadow_zapped", "flushes": "remote_tlb_flush_requests"}


def rows_of(result):
    """One row a workload and pool: the mean over the seeds, per policy and field."""
    matrix = result["identity"]["host"]["matrix"]
    rows = []
    for mode, pool in dict.fromkeys((k.mode, k.pool) for k in keys_of(matrix)):
        row = {"mode": mode, "pool": pool, **REFERENCE.get(f"{mode}/{pool}", {})}
        for policy in matrix["policies"]:
            cells = [c for c in result["cells"]
                     if (c["mode"], c["pool"], c["policy"]) == (mode, pool, policy)]
            row[policy] = {name: sum(c[field] for c in cells) / len(cells)
                           for name, field in FIELDS.items()}
        rows.append(row)
    return rows


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def header():
    return ["workload", "pool", *(f"{name} {policy}" for name in FIELDS for policy in ("fifo", "clock")),
            "clock /fifo", "best published", "lower bound", "clock /bound"]


def lines_of(row):
    fifo, clock, bound = row["fifo"], row["clock"], row.get("bound")
    return [row["mode"], str(row["pool"]),
            *(number(policy[name]) for name in FIELDS for policy in (fifo, clock)),
            f"{clock['faults'] / fifo['faults']:.3f}",
            number(row.get("published")), number(bound),
            f"{clock['faults'] / bound:.3f}" if bound else "-"]


def text_table(head, body, left=(0,)):
    """@left: the columns that are words.  Two words of a head go on two lines."""
    heads = [[name.rpartition(" ")[i] for name in head] for i in (0, 2)]
    width = [max(len(line[i]) for line in [*heads, *body]) for i in range(len(head))]
    out = ["  ".join(cell.ljust(width[i]) if i in left else cell.rjust(width[i])
                     for i, cell in enumerate(line)) for line in [*heads, *body]]
    rule = "-" * max(map(len, out))
    return "\n".join(line.rstrip() for line in [*out[:2], rule, *out[2:]]).lstrip("\n") + "\n"


def markdown_table(head, body, left=(0,)):
    rule = ["---" if i in left else "--:" for i in range(len(head))]
    return "".join("| " + " | ".join(line) + " |\n" for line in [head, rule, *body])


def judge(name, pairs):
    """One line a goal; @pairs are (workload, value, limit)."""
    pairs = [(cell, value / limit) for cell, value, limit in pairs if limit]
    if not pairs:
        return f"goal not measured: {name}"
    missed = [cell for cell, ratio in pairs if ratio > 1]
    cell, ratio = max(pairs, key=lambda pair: pair[1])
    if missed:
        return f"goal MISSED: {name}: {', '.join(missed)} (worst: {cell}, {ratio:.2f} of the limit)"
    return f"goal met: {name} (closest: {cell}, {ratio:.2f} of the limit)"


def goals_of(rows):
    """The three goals of the policy; they are reported, never enforced here."""
    name = lambda row: f"{row['mode']}/{row['pool']}"
    return [
        judge("hot and scan: clock faults at most 1.05 x the lower bound",
              [(name(r), r["clock"]["faults"], 1.05 * r["bound"])
               for r in rows if r["mode"] != "loop" and "bound" in r]),
        judge("every workload: clock faults at most 1.01 x fifo",
              [(name(r), r["clock"]["faults"], 1.01 * r["fifo"]["faults"]) for r in rows]),
        judge("every workload: clock flushes at most fifo's",
              [(name(r), r["clock"]["flushes"], r["fifo"]["flushes"]) for r in rows]),
    ]


def caption(result):
    ident, host = result["identity"], result["identity"]["host"]
    seeds = ",".join(map(str, host["matrix"]["seeds"]))
    note = "counters only: emulation says nothing about time" if host["accel"] == "tcg" else "counters only"
    return (f"{ident['run_id']}: project {host['project'][:12]}{' (dirty)' if host['dirty'] else ''}, "
            f"Linux {ident['guest']['uname']} (base {host['base']}, tree {host['tree'][:12]}),\n"
            f"{host['accel'].upper()}{' icount' if host['icount'] else ''}, {host['qemu']}, "
            f"CPU {host['cpu']}, smp {host['smp']}, seeds {seeds}; {note}\n"
            f"{host['matrix']['accesses']:,} accesses measured after {host['matrix']['warmup']:,}; "
            "published = best known CLOCK, bound = provable lower bound\n")


def render(result, table=text_table):
    rows = rows_of(result)
    return caption(result) + "\n" + table(header(), [lines_of(r) for r in rows]) + "\n" \
        + "".join(goal + ("\n\n" if table is markdown_table else "\n") for goal in goals_of(rows))
