# SPDX-License-Identifier: GPL-2.0
"""run-bench in a sandbox: cells that count, those that don't, and the table."""
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "report/tests"), str(HERE.parent)]

from sandbox import Sandbox, write

import bench
import cells
import machine
import result


class BenchCase(Sandbox):
    def setUp(self):
        super().setUp()
        self.env.update(RUN_GUEST=str(HERE / "fake-run-guest"), ONLY="chase", POOLS="64 default")
        for name in ("REPEATS", "PIN", "KEEP"):
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

    SHADOW = "norandmaps kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict={}"

    def started(self):
        """What L1 is told, and the options of the agent, of each boot."""
        return [(boot["append"], boot["command"][boot["command"].index("/bench/agent") + 1:
                                                 boot["command"].index(machine.L2_QEMU)]) for boot in self.boots()]

    def test_how_guests_are_started(self):
        self.bench()
        self.assertCountEqual(self.started(), [
            ("norandmaps kvm_amd.npt=1 kvm_intel.ept=1 kvm.mmu_evict=fifo", []),
            *((self.SHADOW.format(policy), [*pool, *traced])
              for policy in ("fifo", "clock") for pool in (["-p", "64"], []) for traced in ([], ["-t"]))])
        l2 = self.result()["identity"]["host"]["l2"]
        for boot in self.boots():
            self.assertTrue(boot["icount"] and "inside=kvm_mmu_page_fault" in boot["plugin"])
            self.assertEqual(" ".join(boot["command"]).partition(machine.L2_QEMU)[2],
                             l2.removeprefix(machine.L2_QEMU) + " bench=chase")

    def test_repeats_are_other_draws(self):
        code, out, err = self.bench(POOLS="64", REPEATS="3")
        self.assertEqual(code, 0, err)
        draws = [append.partition(" draw=")[2] for append, _ in self.started()]
        # Under two policies, plain and traced.
        self.assertEqual(sorted(draws), [draw for draw in ("", "1.1", "2.1") for _ in range(4)])
        self.assertRegex(out, r"(?m)^chase +chase +64 +fifo .* no control$")
        self.assertRegex(out, r"(?m)^chase +chase +64 +fifo +60 +64 +68 ")

    def test_time_on_hardware(self):
        code, out, err = self.bench(ACCEL="kvm", REPEATS="2", PIN="0", ONLY="redis", POOLS="64")
        self.assertEqual(code, 0, err)
        for boot in self.boots():
            self.assertEqual((boot["accel"], boot["icount"], boot["plugin"]), ("kvm", False, None))
        self.assertRegex(out, r"(?m)^redis +set +64 +fifo .* no repeats$")
        self.assertIn("time in ms: median and range", out)
        self.assertEqual({window["insns"] for cell in self.result()["cells"] for window in cell["windows"]}, {None})

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
        self.assertEqual([cell["attempt"] for cell in self.result()["cells"]], [2, *8 * [1]])
        self.assertEqual([append for append, _ in self.started() if "draw" in append], [self.SHADOW.format("fifo") + " draw=0.2"])

    def test_a_boot_that_never_goes_on(self):
        code, _, err = self.bench(FAKE="stuck:chase/64 fifo")
        self.assertEqual((code, len(self.boots())), (1, 11), err)
        self.assertIn("error: chase/64 fifo: hang: L2 ended with status None", err)

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
                            ("restless:chase/64 fifo", "L2 did not come to rest at the mark chase"),
                            ("marks:chase/64 fifo", "marks boot up start end chase, not boot up start chase end"),
                            ("exit:chase/64 fifo", "fail: QEMU of L2 ended with 1"),
                            ("splat:chase/64 fifo", "chase/64 fifo: splat; "),
                            ("paging:chase/64 fifo", "two-dimensional paging is on"),
                            ("paging:chase/default tdp", "two-dimensional paging is off"),
                            ("unforced:chase/64 fifo", "the pool was set to nothing, not 64"),
                            ("policy:chase/64 fifo", "the policy is clock"),
                            ("meter:chase/64 fifo", "the meter has 9 lines, 10 are needed"),
                            ("causes:chase/64 fifo traced", "55 faults in the trace, pf_taken is 60"),
                            ("dropped:chase/64 fifo traced", "7 events did not fit"),
                            ("other-kernel:chase/64 clock", "not the one of the earlier cells")):
            with self.subTest(fault):
                pool = fault.partition("/")[2].split()[0]
                code, out, err = self.bench(FAKE=fault, JOBS="1", POOLS=pool, RUN=fault.replace("/", " "))
                self.assertEqual((code, out), (1, ""))
                self.assertRegex(err, f"error: .*{what}")

    def test_knobs_that_are_wrong(self):
        for env, what in (({"ONLY": "nothing"}, "ONLY=nothing"), ({"POOLS": "32"}, "POOLS=32"), ({"ACCEL": "x"}, "ACCEL=x"),
                          ({"JOBS": "x"}, "JOBS=x"), ({"REPEATS": "0"}, "REPEATS=0"), ({"RUN": "../x"}, "RUN=../x")):
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
            self.assertEqual(table.value(place, policy, "ns"), 1000 - 9)
        self.assertEqual(table.value(place._replace(pool=0), "tdp", "l2"), 1000000)

    def control(self, more, *names):
        """The table if L2 does @more in these windows under the clock."""
        def change(whole):
            for window in self.windows(whole, "clock"):
                window["insns"]["l2_user"] += more * (window["name"] in names)

        return self.render(change, ONLY="redis")[1]

    def test_a_control_that_differs(self):
        text = self.control(30000, "ping", "ping-again")
        self.assertIn("INVALID: control differs by 3.0%, by itself 0.0%", text)
        self.assertRegex(text, r"(?m)^redis +set .* INVALID: ")

    def test_a_control_that_differs_from_itself(self):
        self.assertNotIn("INVALID", self.control(30000, "ping"))

    def test_a_control_that_does_not(self):
        text = self.render(ONLY="redis")[1]
        self.assertNotIn("INVALID", text)
        self.assertRegex(text, r"(?m)^redis +set +64 +fifo .* one draw$")

    def test_a_control_that_is_none(self):
        """It is from itself by more than any policy could make of it."""
        self.assertIn("INVALID: control differs by 20.0%, by itself 20.0%", self.control(200000, "ping"))

    def test_a_workload_without_a_control(self):
        self.assertRegex(self.render()[1], r"(?m)^chase +chase +64 +fifo .* no control, one draw$")

    def test_time(self):
        """The first repeat warms up; a control has to take the same time."""
        def change(whole):
            for cell in whole["cells"]:
                for window in cell["windows"]:
                    slow = cell["policy"] == "clock" and window["name"].startswith("ping")
                    window["ns"] = 10 ** 9 if not cell["repeat"] else 2000000 + 10000 * cell["repeat"] + 60000 * slow

        table, text = self.render(change, ACCEL="kvm", REPEATS="3", ONLY="redis", POOLS="64")
        self.assertEqual(table.values(bench.Place("redis", "set", 64), "fifo", "ns"), [2010000, 2020000])
        self.assertRegex(text, r"(?m)^redis +set +64 +fifo .* 2\.0 +2\.0-2\.0 +INVALID: control differs by 3\.0%, by itself 0\.5%$")

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

    def test_overhead_is_of_the_default_pool(self):
        """Another pool, though nothing is evicted there either, and one with evictions in a traced boot don't count."""
        def nowhere(whole):
            for cell in whole["cells"]:
                cell["windows"][0]["counters"]["mmu_recycled"] = 0

        def traced(whole):
            next(cell for cell in whole["cells"] if cell["traced"] and not cell["pool"])["windows"][0]["counters"]["mmu_recycled"] = 1

        self.assertIn("of 1 windows together", self.render(nowhere)[1])
        self.assertNotIn("windows together", self.render(traced)[1])

    def test_windows_in_which_only_clock_evicts_are_compared(self):
        def change(whole):
            for cell in whole["cells"]:
                if cell["policy"] == "fifo":
                    cell["windows"][0]["counters"]["mmu_recycled"] = 0

        self.assertRegex(self.render(change)[1], r"(?m)^chase +chase +64 .* more .* no control, one draw$")

    def test_no_time_from_emulation(self):
        text = self.render()[1]
        self.assertIn("no time: emulation", text)
        self.assertNotIn(" ms", text.partition("goal")[0])


# What a workload works with, which here does nothing.
STUBS = "mark() { echo $1; }\n" + "".join(f"{name}() {{ :; }}\n" for name in "cat chase compile run_redis run_stress".split())


class Parsing(unittest.TestCase):
    def test_workloads_mark_the_windows_that_they_tell(self):
        for path in sorted((HERE.parent / "workloads").iterdir()):
            if path.suffix != ".sh":
                workload, text = cells.Workload(path), path.read_text().replace(". /bench/lib.sh\n", "")
                done = subprocess.run(["sh", "-c", f"{text}\n{STUBS}\nwork"], capture_output=True, text=True)
                marks = [line for line in done.stdout.split("\n") if line and not line.endswith(" -")]
                self.assertEqual(["boot", "up", "start", *marks, "end"], workload.marks())
                self.assertLessEqual(set(workload.control), set(workload.windows))

    def test_a_workload_that_does_not_tell(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("# windows: x\n")
            file.flush()
            with self.assertRaisesRegex(cells.CellError, "stands for"):
                cells.Workload(Path(file.name))

    def test_order_of_boots(self):
        matrix = {"workloads": ["x"], "policies": ["fifo", "clock", "tdp"], "pools": [64, 0], "repeats": 2}
        self.assertEqual([result.name_of(key, "bench") for key in result.keys_of(matrix, "bench")], [
            "x/64 fifo", "x/64 clock", "x/64 fifo traced", "x/64 clock traced", "x/default fifo", "x/default clock",
            "x/default tdp", "x/default fifo traced", "x/default clock traced", "x/64 clock repeat 1", "x/64 fifo repeat 1",
            "x/64 fifo repeat 1 traced", "x/64 clock repeat 1 traced", "x/default tdp repeat 1", "x/default clock repeat 1",
            "x/default fifo repeat 1", "x/default fifo repeat 1 traced", "x/default clock repeat 1 traced"])

    def test_faults_that_a_trace_may_lack(self):
        windows = [{"name": "x", "counters": {"pf_taken": 60}}]
        trace = lambda faults: cells.Output("\n".join(["M x", *["F 1000 4"] * faults, "lost 0"]))
        for faults in (56, 64):
            cells.add_causes(windows, trace(faults))
        for faults in (55, 65):
            with self.assertRaisesRegex(cells.CellError, f"x: {faults} faults in the trace, pf_taken is 60"):
                cells.add_causes(windows, trace(faults))

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
