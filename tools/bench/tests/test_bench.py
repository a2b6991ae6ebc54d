# SPDX-License-Identifier: GPL-2.0
"""run-bench in a sandbox: cells that count, those that don't, and the table."""
import json
import shutil
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "report/tests"), str(HERE.parent)]

from sandbox import Sandbox, write

import bench
import cells
import result


class BenchCase(Sandbox):
    def setUp(self):
        super().setUp()
        self.env.update(RUN_GUEST=str(HERE / "fake-run-guest"), ONLY="chase", POOLS="64 default")
        for name in ("REPEATS", "PIN", "KEEP", "WORKLOADS"):
            self.env.pop(name, None)
        write(self.top / "build/bench/l1.cpio", "image")
        write(self.top / "build/bench/meter.so", "plugin")
        write(self.top / "build/bench/l2.name", "linux-image-9-cloud 9.1")
        for name in ("vmlinux", "arch/x86/kvm/mmu/mmu.o"):
            path = self.top / "build/kernel-lean" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/true", path)

    def bench(self, **env):
        return self.run_script("../bench/run-bench", **env)

    def result(self):
        return result.load(next(self.out.glob("*/result.json")), "bench")

    def boots(self):
        path = self.top / "build/boots"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Runs(BenchCase):
    def test_all_cells(self):
        code, out, err = self.bench()
        self.assertEqual(code, 0, err)
        whole = self.result()
        # Two pools, two policies, plain and traced; tdp once.
        self.assertEqual(len(whole["cells"]), 9)
        self.assertIn("goal met: refaults: clock at most fifo", out)
        self.assertIn("chase", out)
        self.assertFalse(list(self.out.glob("*/*.shared")))
        self.assertFalse(list(self.out.glob("*/*.meter")))
        shown = self.run_script("../report/show", next(self.out.glob("*/result.json")))[1]
        self.assertIn("0.500", shown)

    def test_how_guests_are_started(self):
        self.bench()
        boots = self.boots()
        for boot in boots:
            agent = " ".join(boot["command"])
            traced, npt = " -t " in agent, "kvm_amd.npt=1" in boot["append"]
            self.assertFalse(traced and npt)
            self.assertFalse(npt and " -p " in agent)
            self.assertTrue(boot["icount"] and "inside=kvm_mmu_page_fault" in boot["plugin"])
            self.assertIn("kvm.mmu_evict=", boot["append"])

    def test_a_run_goes_on(self):
        code, _, err = self.bench(FAKE="lost:chase/64 clock;lost:chase/64 fifo traced")
        self.assertEqual(code, 1)
        self.assertIn("2 of 9 boots missing", err)
        before = len(self.boots())
        code, _, err = self.bench()
        self.assertEqual((code, len(self.boots()) - before), (0, 2), err)

    def test_a_boot_that_stands_still(self):
        code, _, err = self.bench(FAKE="hang:chase/64 fifo")
        self.assertEqual((code, len(self.boots())), (0, 10), err)
        self.assertIn("hang, once more", err)

    def test_the_last_snapshot_of_a_mark_counts(self):
        quiet, _, err = self.bench(RUN="quiet")
        disturbed, _, more = self.bench(RUN="disturbed", FAKE="disturbed:chase/64 fifo")
        self.assertEqual((quiet, disturbed), (0, 0), err + more)
        cells = [result.load(self.out / run / "result.json", "bench")["cells"][0]["windows"] for run in ("quiet", "disturbed")]
        self.assertEqual(*cells)

    def test_boots_that_do_not_count(self):
        for fault, what in (("lost:chase/64 fifo", "lost: L2 ended with status None after the mark end"),
                            ("status:chase/64 fifo", "L2 ended with status 1"),
                            ("cut:chase/64 fifo", "mark end is cut short"),
                            ("unforced:chase/64 fifo", "the pool was set to nothing, not 64"),
                            ("policy:chase/64 fifo", "the policy is clock"),
                            ("meter:chase/64 fifo", "the meter has 9 lines, 10 are needed"),
                            ("causes:chase/64 fifo traced", "55 faults in the trace, pf_taken is 60"),
                            ("dropped:chase/64 fifo traced", "7 events did not fit"),
                            ("other-kernel:chase/64 clock", "not the one of the earlier cells")):
            with self.subTest(fault):
                code, out, err = self.bench(FAKE=fault, JOBS="1", RUN=fault.partition(":")[0])
                self.assertEqual((code, out), (1, ""))
                self.assertRegex(err, f"error: .*{what}")

    def test_knobs_that_are_wrong(self):
        for env, what in (({"ONLY": "nothing"}, "ONLY=nothing"), ({"POOLS": "32"}, "POOLS=32"), ({"ACCEL": "x"}, "ACCEL=x"),
                          ({"JOBS": "x"}, "JOBS=x"), ({"RUN": "../x"}, "RUN=../x")):
            with self.subTest(what):
                code, out, err = self.bench(**env)
                self.assertEqual((code, out), (1, ""))
                self.assertIn(f"error: {what}", err)
        (self.top / "build/bench/l1.cpio").unlink()
        self.assertIn("make bench builds it", self.bench()[2])

    def test_traces_are_kept_if_asked_for(self):
        self.bench(KEEP="1")
        self.assertEqual(len(list(self.out.glob("*/*.trace.gz"))), 4)


class Tables(BenchCase):
    def render(self, change=lambda whole: None, **env):
        self.bench(**env)
        whole = self.result()
        change(whole)
        return bench.Bench(whole), bench.render(whole)

    def windows(self, whole, policy, traced=False):
        return [window for cell in whole["cells"] if (cell["policy"], cell["traced"]) == (policy, traced)
                for window in cell["windows"]]

    def test_numbers(self):
        table, _ = self.render()
        place = bench.Place("chase", "chase", 64)
        for policy, faults in (("fifo", 60), ("clock", 30)):
            self.assertEqual(table.value(place, policy, "pf_taken"), faults)
            self.assertEqual(table.value(place, policy, "cause:guest", True), faults)
            self.assertEqual(table.value(place, policy, "insns:faults"), 9000 * faults)
            self.assertEqual(table.value(place, policy, "l1"), 9000 * faults + 1000)
        self.assertEqual(table.value(place._replace(pool=0), "tdp", "l2"), 1000000)

    def test_a_control_that_differs(self):
        def change(whole):
            for window in self.windows(whole, "clock"):
                window["insns"]["l2_user"] += 30000 * window["name"].startswith("ping")

        table, text = self.render(change, ONLY="redis")
        self.assertIn("INVALID: control differs by 3.0%", text)

    def test_a_control_that_differs_from_itself(self):
        def change(whole):
            for window in self.windows(whole, "clock"):
                window["insns"]["l2_user"] += 30000 * (window["name"] == "ping")

        self.assertNotIn("INVALID", self.render(change, ONLY="redis")[1])

    def test_a_control_that_does_not(self):
        text = self.render(ONLY="redis")[1]
        self.assertNotIn("INVALID", text)
        self.assertNotIn("no control", text)

    def test_a_workload_without_a_control(self):
        self.assertIn("no control", self.render()[1])

    def test_goals_that_are_missed(self):
        def change(whole):
            for window in self.windows(whole, "clock"):
                window["counters"]["mmu_recycled"] = 20
                window["insns"]["faults"]["insns"] *= 1.01

        text = self.render(change)[1]
        self.assertIn("goal MISSED: recycled: clock at most fifo: not in 2 of 2", text)

    def test_overhead(self):
        def change(whole):
            for window in self.windows(whole, "clock"):
                window["insns"]["faults"]["insns"] = int(1.01 * window["insns"]["faults"]["insns"])

        self.assertIn("goal MISSED: clock costs at most 0.5%", self.render(change)[1])
        self.assertIn("+1.00% of 1 windows together", self.render(change)[1])

    def test_no_time_from_emulation(self):
        text = self.render()[1]
        self.assertIn("no time: emulation", text)
        self.assertNotIn(" ms", text.partition("goal")[0])


class Parsing(unittest.TestCase):
    def test_workloads_tell_about_themselves(self):
        for path in sorted((HERE.parent / "workloads").iterdir()):
            if path.suffix != ".sh":
                workload = cells.Workload(path)
                self.assertTrue(set(workload.control) <= set(workload.windows))
                for window in workload.windows:
                    self.assertTrue(window == "boot" or window.partition("-")[0] in path.read_text().partition("\n\n")[2])

    def test_benchmarks(self):
        said = ['"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",'
                '"max_latency_ms"', '"SET","28846.15","1.241","0.336","1.143","2.239","2.711","3.391"',
                "stress-ng: metrc: [44] stressor       bogo ops real time  usr time  sys time   bogo ops/s     bogo ops/s",
                "stress-ng: metrc: [44] vm                  400      1.57      1.33      0.24       255.42         255.13",
                "stress-ng: metrc: [54] memrate             7474.19 write64stoq MB per sec (geometic mean of 1 instances)"]
        self.assertEqual(cells.benchmarks_of(said), [
            {"test": "SET", "rps": 28846.15, "avg_ms": 1.241, "min_ms": 0.336, "p50_ms": 1.143, "p95_ms": 2.239,
             "p99_ms": 2.711, "max_ms": 3.391}, {"test": "vm", "bogo_ops": 400}])

    def test_levels_are_no_sums(self):
        before, after = ({"pf_taken": n, "mmu_shadow_pages": n, "tsc_after": n} for n in (7, 10))
        self.assertEqual(cells.counters_of(before, after), {"pf_taken": 3, "mmu_shadow_pages": 10})


if __name__ == "__main__":
    unittest.main()
