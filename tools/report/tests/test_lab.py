# SPDX-License-Identifier: GPL-2.0
"""The simulator's driver and its ranking: with a fake simulator, and on a few cells."""
import copy
import importlib.machinery
import importlib.util
import json
import os
import unittest
from pathlib import Path

from sandbox import HERE, RIG, Sandbox, write
import lab
import result
import sweep

REFERENCE = Path(__file__).resolve().parents[3] / "results/reference.json"
SEES = {"fifo": "faults", "clock": "faults", "lru": "accesses", "opt": "future", "bound": "bound"}
SHA = "0" * 40


def small(faults, accesses=1000, pools=(64,), policies=None, flushes=None):
    """A result of the traces a, and h, which is held out: @faults by trace, pool and policy."""
    matrix = {"model": "mmu", "settings": [""], "traces": sorted({trace for trace, _, _ in faults}), "pools": list(pools),
              "policies": policies or list(SEES), "seeds": [1], "warmup": 0, "accesses": accesses}
    cells = []
    for key in sweep.keys_of(matrix):
        number = faults[key.trace, key.pool, key.policy]
        cells.append({"job": sweep.line_of(matrix, key), "accesses": accesses, "faults": number,
                      "zapped": 0 if key.policy == "bound" else number // 2, "scanned": 2 * number,
                      "flushes": (flushes or {}).get(key.policy, 10), "spte_reads": number})
    listed = {"traces": {trace: {"held_out": trace == "h"} for trace in matrix["traces"]},
              "policies": {policy: {"sees": SEES[policy]} for policy in matrix["policies"]}}
    host = {"project": SHA, "dirty": False, "evict_sha256": SHA, "simulator_sha256": SHA, "inputs": {}, "listed": listed,
            "matrix": matrix}
    return {"schema": 1, "kind": "lab", "cells": cells, "identity": {
        "run_id": "lab-1", "command": "make lab", "date": "2026-01-01T00:00:00Z", "host": host}}


def by_policy(trace, pool, **faults):
    return {(trace, pool, policy): number for policy, number in faults.items()}


FAULTS = {**by_policy("a", 64, fifo=800, clock=200, lru=400, opt=120, bound=100),
          **by_policy("a", 128, fifo=150, clock=400, lru=50, opt=60, bound=25),
          **by_policy("h", 64, fifo=300, clock=300, lru=303, opt=200, bound=150),
          **by_policy("h", 128, fifo=0, clock=1, lru=0, opt=0, bound=0)}


class Sweeps(unittest.TestCase):
    def test_variants(self):
        self.assertEqual(sweep.variants("lru"), ["lru"])
        self.assertEqual(sweep.variants("clock:a=1,2:b=3,4"),
                         ["clock:a=1:b=3", "clock:a=1:b=4", "clock:a=2:b=3", "clock:a=2:b=4"])

    def test_lines(self):
        matrix = {"model": "mmu", "settings": ["", "vcpus=2:levels=3"], "traces": ["t:x=1"], "policies": ["p:y=2", "q"],
                  "pools": [64], "seeds": [7], "warmup": 5, "accesses": 6}
        self.assertEqual(sweep.lines_of(matrix), [
            f"model=mmu trace=t x=1 policy={policy} pool=64 seed=7 warmup=5 accesses=6{setting}"
            for setting in ("", " vcpus=2 levels=3") for policy in ("p y=2", "q")])


class Ranking(unittest.TestCase):
    def setUp(self):
        self.ranking = lab.Ranking(small(FAULTS, pools=(64, 128)))
        self.tuning, self.held_out = self.ranking.choose(False), self.ranking.choose(True)

    def compare(self, policy, reference, cases=None):
        found = self.ranking.compare(policy, cases or self.tuning, reference)
        return round(found.mean, 6), round(found.worst, 6), self.ranking.name_of(found.case)

    def test_geometric_mean_and_worst_case(self):
        self.assertEqual(self.compare("clock", self.ranking.bound), (round((2 * 16) ** 0.5, 6), 16.0, "a/128"))
        self.assertEqual(self.compare("fifo", self.ranking.bound), (round((8 * 6) ** 0.5, 6), 8.0, "a/64"))

    def test_best_is_that_of_those_who_do_not_see_the_future(self):
        self.assertEqual(self.compare("clock", self.ranking.best), (round(8 ** 0.5, 6), 8.0, "a/128"))
        self.assertEqual(self.compare("opt", self.ranking.best), (round((0.6 * 1.2) ** 0.5, 6), 1.2, "a/128"))
        self.assertEqual(self.compare("clock", self.ranking.future), (round((200 / 120 * 400 / 60) ** 0.5, 6),
                                                                       round(400 / 60, 6), "a/128"))

    def test_held_out_traces_are_apart(self):
        self.assertEqual([case.trace for case in self.tuning], ["a", "a"])
        self.assertEqual(self.compare("lru", self.ranking.fifo, self.held_out)[2], "h/64")

    def test_cases_without_evictions_are_left_out(self):
        self.assertEqual([self.ranking.name_of(case) for case in self.ranking.idle], ["h/128"])
        self.assertEqual(len(self.held_out), 1)

    def test_order(self):
        self.assertEqual(self.ranking.ranked(self.tuning), ["opt", "lru", "clock", "fifo"])

    def test_order_does_not_depend_on_the_reference(self):
        for reference in (self.ranking.bound, self.ranking.fifo, self.ranking.future):
            means = [self.ranking.compare(p, self.tuning, reference).mean for p in ("opt", "lru", "clock", "fifo")]
            self.assertEqual(means, sorted(means))

    def test_who_is_safe(self):
        self.assertTrue(lab.safety(self.ranking, self.tuning).endswith(": lru"))
        # 1.01 is what is allowed.
        self.assertTrue(lab.safety(self.ranking, self.held_out).endswith(": clock, lru"))

    def test_costs(self):
        row = lab.costs_of(self.ranking, "clock", self.tuning)
        self.assertEqual(row[4:], [f"{20 / 300:.3f}", "4.00", "2.00", str(4 * 70 + 2 * 90)])
        other = lab.Ranking(small(FAULTS, accesses=10000, pools=(64, 128), flushes={"clock": 25, "fifo": 10}))
        self.assertEqual(lab.costs_of(other, "clock", other.choose(False))[1:4], ["2.500", "2.500", "a/64"])

    def test_few_faults_do_not_matter(self):
        faults = by_policy("a", 64, fifo=40, clock=4, lru=3, opt=3, bound=3)
        ranking = lab.Ranking(small(faults, accesses=10000))
        case = ranking.choose(False)
        self.assertEqual(ranking.compare("clock", case, ranking.best).worst, 1)
        self.assertEqual(ranking.compare("fifo", case, ranking.best).worst, 4)
        self.assertEqual(ranking.compare("fifo", case, ranking.bound).worst, 4)

    def test_a_bound_that_says_nothing_is_none(self):
        faults = by_policy("a", 64, fifo=4000, clock=3000, lru=3000, opt=2000, bound=3)
        ranking = lab.Ranking(small(faults, accesses=10000))
        self.assertIsNone(ranking.compare("clock", ranking.choose(False), ranking.bound))
        self.assertIn("1 of them without a bound", lab.render(ranking))

    def test_without_bound_and_future(self):
        text = lab.render(lab.Ranking(small(FAULTS, pools=(64, 128), policies=["fifo", "clock"])))
        self.assertRegex(text, r"(?m)^clock +faults +- +- +- ")

    def test_tables(self):
        text, markdown = lab.render(self.ranking), lab.render(self.ranking, markdown=True)
        self.assertRegex(text, r"(?m)^clock +faults +5\.657 +16\.000 +a/128 +2\.828 +8\.000 +a/128 +3\.333 +0\.816 +2\.667 +a/128$")
        self.assertIn("Tuning traces: 1 of them, 2 cases\n", text)
        self.assertIn("Held-out traces: 1 of them, 1 cases\n", text)
        self.assertIn("1 cases left out in which nothing is evicted", text)
        self.assertIn("| clock | faults | 5.657 | 16.000 | a/128 |", markdown)
        self.assertIn("| clock | faults | 5.657 | 2.828 | 0.816 | 2.667 | 1.000 | 2.000 | 1.000 | 1.000 | 1.000 | 1.000 |\n",
                      markdown)


class Schema(unittest.TestCase):
    def setUp(self):
        self.good = small(FAULTS, pools=(64, 128))

    def refused(self, change, why):
        bad = copy.deepcopy(self.good)
        change(bad)
        with self.assertRaisesRegex(result.ResultError, why):
            result.check_whole(bad)

    def test_both_kinds_are_valid(self):
        result.check_whole(self.good)
        self.assertEqual(result.kind_of(result.load(REFERENCE)), "traces")
        result.load(REFERENCE, "traces")
        with self.assertRaisesRegex(result.ResultError, "kind traces, not lab"):
            result.load(REFERENCE, "lab")

    def test_kinds_are_the_same_everywhere(self):
        kinds = result.SCHEMA["properties"]["kind"]["enum"]
        self.assertEqual(kinds, list(result.KINDS))
        self.assertEqual(len(result.SCHEMA["allOf"]), len(kinds))
        for kind in kinds:
            for part in ("", "_host", "_cell"):
                self.assertIn(kind + part, result.SCHEMA["$defs"])

    def test_no_identity_no_result(self):
        self.refused(lambda r: r["identity"].pop("date"), "'date' is a required")
        self.refused(lambda r: r["identity"]["host"].pop("simulator_sha256"), "simulator_sha256")
        self.refused(lambda r: r["identity"]["host"].update(kernel_sha256=SHA), "kernel_sha256")
        self.refused(lambda r: r.update(kind="other"), "kind: 'other'")
        self.refused(lambda r: r.pop("kind"), "identity")

    def test_a_lab_of_traces_is_none(self):
        traces = json.loads(REFERENCE.read_text())
        traces["kind"] = "lab"
        with self.assertRaises(result.ResultError):
            result.check_whole(traces)
        traces["kind"] = "traces"
        result.check_whole(traces)
        del traces["identity"]["guest"]
        with self.assertRaisesRegex(result.ResultError, "guest"):
            result.check_whole(traces)

    def test_every_cell_once(self):
        self.refused(lambda r: r["cells"].pop(), "1 cells missing: model=mmu trace=h policy=bound pool=128")
        self.refused(lambda r: r["cells"].append(r["cells"][0]), "twice")
        self.refused(lambda r: r["cells"][0].update(job="model=mmu trace=x"), "nobody asked for: model=mmu trace=x")
        self.refused(lambda r: r["cells"][3].update(faults=-1), "cells/3/faults: -1")
        self.refused(lambda r: r["cells"][3].pop("flushes"), "cells/3: 'flushes'")

    def test_a_list_of_jobs_is_a_matrix_too(self):
        self.good["identity"]["host"]["matrix"] = {"jobs": [cell["job"] for cell in self.good["cells"]]}
        result.check_whole(self.good)
        with self.assertRaisesRegex(result.ResultError, "nothing to rank"):
            lab.Ranking(self.good)

    def test_text_is_the_result_with_a_line_a_cell(self):
        text = result.text_of(self.good)
        self.assertEqual(json.loads(text), self.good)
        self.assertEqual(sum('"job"' in line for line in text.splitlines()), len(self.good["cells"]))


class Driver(Sandbox):
    """run-lab with a fake simulator: 2 traces, 4 policies and the bound, 2 pools."""

    JOBS = 2 * 5 * 2

    def setUp(self):
        super().setUp()
        write(self.top / "arch/x86/kvm/mmu/evict.h", "core")
        write(self.top / "arch/.gitignore", "*\n")
        self.calls = self.top / "build/calls"
        self.env.update(SIM=str(HERE / "fake-sim"), FAKE_CALLS=str(self.calls), POOLS="64 128", CHUNK="3")
        for name in ("POLICIES", "TRACES", "KNOBS", "SEEDS", "MODEL", "WARMUP", "ACCESSES", "ENGINE"):
            self.env.pop(name, None)

    def lab(self, code=0, fake="", **env):
        got, out, err = self.run_script("run-lab", FAKE=fake, **env)
        self.assertEqual(got, code, out + err)
        return out, err

    def called(self):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines

    def runs(self):
        return sorted(self.out.glob("*"), key=lambda p: p.stat().st_mtime)

    def test_whole_sweep(self):
        out, err = self.lab()
        self.assertEqual(len(self.called()), self.JOBS)
        self.assertRegex(out, r"(?m)^clock +faults +4\.000 +4\.000 +hot/64 +1\.000 +1\.000 +hot/64 +2\.000 +0\.500 ")
        self.assertIn("Held-out traces: 1 of them, 2 cases", out)
        self.assertIn("never more than 1.01 times the faults of fifo: clock, lru\n", out)
        run, = self.runs()
        whole = result.load(run / "result.json", "lab")
        self.assertEqual(len(whole["cells"]), self.JOBS)
        self.assertEqual([json.loads(line) for line in (run / "cells.jsonl").read_text().splitlines()], whole["cells"])
        for args, name in (([], "table.txt"), (["--md"], "table.md")):
            self.assertEqual(self.run_script("../report/show", run / "result.json", *args)[1], (run / name).read_text())
        for name in ("curves.svg", "distance.svg"):
            self.assertIn("</svg>", (run / name).read_text())
        self.assertIn(f"{self.JOBS} of {self.JOBS} jobs", err)

    def test_goes_on_and_comes_to_the_same(self):
        self.lab()
        self.called()
        self.assertIn("nobody here knows 'policy=lru'", self.lab(1, "fail:policy=lru")[1])
        self.called()
        second = self.runs()[-1]
        self.assertFalse((second / "result.json").exists())
        self.lab()
        self.assertLess(len(self.called()), self.JOBS)
        first, other = self.runs()
        self.assertEqual(other, second)
        self.assertEqual((first / "cells.jsonl").read_bytes(), (second / "cells.jsonl").read_bytes())

    def test_selection_brings_what_it_is_compared_with(self):
        self.lab(POLICIES="clock:budget=1,2 clock:budget=2", TRACES="hot:regions=3", POOLS="64", SEEDS="1 2",
                 KNOBS="vcpus=1,2", ACCESSES="5000", WARMUP="0")
        self.assertEqual(sorted(self.called()), sorted(
            f"model=mmu trace=hot regions=3 policy={policy} pool=64 seed={seed} warmup=0 accesses=5000 vcpus={vcpus}"
            for policy in ("fifo", "clock budget=1", "clock budget=2", "bound") for seed in (1, 2) for vcpus in (1, 2)))

    def test_who_sees_every_access(self):
        self.lab(POLICIES="lru:exact=0,1 lru opt", TRACES="hot", POOLS="64")
        whole = result.load(self.runs()[-1] / "result.json")
        self.assertEqual({name: entry["sees"] for name, entry in whole["identity"]["host"]["listed"]["policies"].items()},
                         {"fifo": "faults", "lru:exact=0": "faults", "lru:exact=1": "accesses", "lru": "accesses",
                          "opt": "future", "bound": "bound"})

    def test_other_model_has_no_bound(self):
        self.lab(MODEL="flat", POOLS="64")
        self.assertEqual(sum("policy=bound" in line for line in self.called()), 0)
        self.assertIn("model=flat has no lower bound", self.lab(1, MODEL="flat", POLICIES="bound")[1])

    def test_what_the_simulator_does_not_know_is_told_first(self):
        for why, env in (("no policy 'best'; there are fifo, clock", {"POLICIES": "best"}),
                         ("no trace 'x'", {"TRACES": "x"}), ("no model 'x'", {"MODEL": "x"}),
                         ("clock:size=1: no knob 'size'; there are: budget, regions", {"POLICIES": "clock:size=1"}),
                         ("budget=1000: a number from 0 to 999", {"POLICIES": "clock:budget=1000"}),
                         ("budget=: a number from", {"POLICIES": "clock:budget"}),
                         ("pool=7: a number from 8", {"POOLS": "7"}), ("POOLS=big: numbers", {"POOLS": "big"}),
                         ("no knob 'speed'", {"KNOBS": "speed=9"}),
                         # hot has a knob of that name, and would get it.
                         ("regions is a knob of something else", {"POLICIES": "clock:regions=2"}),
                         ("ENGINE=moon", {"ENGINE": "moon"}), ("cannot read /no/file", {"TRACES": "file:path=/no/file"})):
            with self.subTest(why):
                self.assertIn(why, self.lab(1, **env)[1])
                self.assertFalse(self.out.exists())
        self.assertEqual(self.called(), [])
        self.lab(POLICIES="clock:regions=2", TRACES="cold", POOLS="64")

    def test_files_are_part_of_the_identity(self):
        path = write(self.top / "build/trace", "1 2 3")
        self.lab(TRACES=f"file:path={path}", POOLS="64")
        self.lab(TRACES=f"file:path={path}", POOLS="64", fake="fail:policy=lru", code=1)
        path.write_text("4 5 6")
        self.lab(TRACES=f"file:path={path}", POOLS="64")
        self.assertEqual(len(self.runs()), 3)

    def test_identity_knows_no_machine_and_no_engine(self):
        self.lab(1, "fail:policy=lru", JOBS="1")
        self.lab(JOBS="2", CHUNK="7")
        run, = self.runs()
        self.assertEqual(set(json.loads((run / "identity.json").read_text())["host"]),
                         {"project", "dirty", "evict_sha256", "simulator_sha256", "inputs", "listed", "matrix"})

    def test_other_core_other_run(self):
        self.lab(1, "fail:policy=lru")
        write(self.top / "arch/x86/kvm/mmu/evict.h", "another core")
        self.lab()
        self.assertEqual(len(self.runs()), 2)

    def test_single_pool_and_trace_have_plots(self):
        self.lab(POOLS="64", TRACES="hot", POLICIES="clock")
        self.assertIn("</svg>", (self.runs()[0] / "curves.svg").read_text())


class Check(Sandbox):
    """lab-check with a fake simulator, which knows nothing of guests."""

    def check(self, code, whole, *args):
        path = write(self.top / "build/result.json", json.dumps(whole))
        got, out, err = self.run_script("lab-check", *(args or [path]), SIM=str(HERE / "fake-sim"),
                                        FAKE_CALLS=str(self.top / "build/calls"))
        self.assertEqual(got, code, out + err)
        return out + err

    def reference(self, **counters):
        """One cell, which the fake simulator has 8000, 4000 and 400 for, unless @counters tell."""
        whole = json.loads(REFERENCE.read_text())
        whole["identity"]["host"]["matrix"].update(modes=["hot"], pools=[64], policies=["fifo"])
        cell, = [c for c in whole["cells"] if (c["mode"], c["pool"], c["policy"]) == ("hot", 64, "fifo")]
        whole["cells"] = [{**cell, "pf_taken": 8000, "mmu_shadow_zapped": 4000, "remote_tlb_flush_requests": 400, **counters}]
        return whole

    def test_one_per_cent(self):
        self.assertIn("3 counters, 0 of them more than 1% off", self.check(0, self.reference(pf_taken=8079)))
        for name, value in (("pf_taken", 8082), ("pf_taken", 7900), ("mmu_shadow_zapped", 4060),
                            ("remote_tlb_flush_requests", 393)):
            with self.subTest(name):
                self.assertIn("1 of them more than 1% off", self.check(1, self.reference(**{name: value})))

    def test_newest_of_make_run(self):
        self.assertIn("no result of make run in", self.check(1, {}, "--newest"))
        for i, whole in enumerate((self.reference(pf_taken=1), self.reference(), small(FAULTS, pools=(64, 128)))):
            path = write(self.out / str(i) / "result.json", json.dumps(whole))
            os.utime(path, (1000 + i, 1000 + i))
        self.assertIn(str(self.out / "1/result.json"), self.check(0, {}, "--newest"))


class Bench(Sandbox):
    """lab-bench with a fake simulator, which has no work to do."""

    def setUp(self):
        super().setUp()
        write(self.top / "arch/x86/kvm/mmu/evict.h", "core")
        write(self.top / "arch/.gitignore", "*\n")
        self.calls = self.top / "build/calls"
        self.env.update(SIM=str(HERE / "fake-sim"), FAKE_CALLS=str(self.calls), FAKE_BENCH="1")

    def test_measures_what_is_missing(self):
        code, _, err = self.run_script("lab-bench", FAKE="fail:pool=1000000")
        self.assertEqual((code, err.splitlines()[-1][-40:]), (1, "evict_sim: nobody here knows 'pool=1000000'"[-40:]))
        before = len(self.calls.read_text().splitlines())
        code, out, err = self.run_script("lab-bench")
        self.assertEqual(code, 0, err)
        whole = result.load(next(self.out.glob("lab-bench-*")) / "result.json", "lab")
        # The one that failed was tried once more, those before it were not.
        self.assertEqual((before, len(self.calls.read_text().splitlines())), (22, len(whole["cells"]) + 1))
        self.assertTrue(all(cell["peak_kib"] > 1000 for cell in whole["cells"]))
        self.assertRegex(out, r"goal met: fifo: .* million accesses a second")
        self.assertRegex(out, r"(?m)^mmu +clock +1000 +10,000,000 +\d+\.\d +2\.00 +3\.00 ")
        self.assertRegex(out, r"(?m)^mmu +clock +1000000 +10,000,000 +\d+\.\d +- +- ")
        self.run_script("lab-bench", FULL="1")
        self.assertIn("accesses=1000000000", self.calls.read_text())

    def test_memory_is_the_lowest_of_the_seeds(self):
        loader = importlib.machinery.SourceFileLoader("lab_bench", str(RIG / "lab-bench"))
        bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_bench", loader))
        loader.exec_module(bench)
        for peaks, met in (([2500, 2600, 2500, 2700, 2600, 2800], True), ([2500, 2600, 2500, 2700, 2700, 2800], False)):
            cells = {line: {"accesses": 1, "peak_kib": peak} for policy in bench.POLICIES
                     for line, peak in zip([line for lines in bench.memory(policy) for line in lines], peaks)}
            self.assertEqual([text.startswith("goal met") for text in bench.tell_memory(cells)], [met, met])


if __name__ == "__main__":
    unittest.main()
