# SPDX-License-Identifier: GPL-2.0
"""run-traces against canned guests: what is recorded, refused, resumed, left behind."""
import json
import os
import signal
import time
import unittest
from pathlib import Path

from sandbox import Sandbox, alive, write
import tables

CELL = "hot/64 seed 1 clock"


class Traces(Sandbox):
    def boots(self):
        return [json.loads(line) for line in Path(self.env["FAKE_BOOTS"]).read_text().splitlines()]

    def cells_booted(self, boots):
        return sorted(" ".join(word.split()[:4]) for b in boots for word in b["command"][4:])

    def runs(self):
        return sorted(p.name for p in self.out.iterdir())

    def result(self):
        return json.loads((self.out / self.runs()[-1] / "result.json").read_text())

    def assert_refused(self, cell, fault, why, recorded, **env):
        code, out, err = self.run_script("run-traces", FAKE=f"{fault}:{cell}", **env)
        self.assertEqual(code, 1, err)
        self.assertIn(why, err)
        self.assertNotIn("workload", out)
        run = self.out / self.runs()[0]
        self.assertFalse((run / "result.json").exists())
        self.assertEqual(len((run / "cells.jsonl").read_text().splitlines()), recorded)

    def test_whole_run(self):
        code, out, err = self.run_script("run-traces")
        self.assertEqual(code, 0, err)
        self.assertRegex(err, r"12 of 12 cells, 0:00:0\d elapsed, about 0:00:00 left")
        cells = self.result()["cells"]
        self.assertEqual(len(cells), 12)
        self.assertRegex(out, r"hot +64 +175,064 +19,264 +17,506 +1,926 +1,750 +192 +0.110 +31,100 +18,983 +1.015")
        self.assertIn("goal met: hot and scan", out)
        self.assertIn("svg", (self.out / self.runs()[0] / "plot.svg").read_text()[:200])
        host = self.result()["identity"]["host"]
        self.assertEqual((host["base"], host["accel"], host["icount"], host["dirty"]), ("7.3.4", "tcg", True, False))
        self.assertEqual(self.result()["identity"]["guest"]["uname"], "7.3.4")

    def test_two_balanced_guests(self):
        self.run_script("run-traces")
        boots = self.boots()
        self.assertEqual(len(boots), 2)
        self.assertEqual(len(set(self.cells_booted(boots))), 12)
        slow = [["fifo" in w or "loop" in w for w in b["command"][4:]] for b in boots]
        self.assertEqual(slow, 2 * [4 * [True] + 2 * [False]])

    def test_full_is_a_run_of_its_own(self):
        code, _, err = self.run_script("run-traces", FULL="1")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.result()["cells"]), 3 * 3 * 3 * 2)
        self.run_script("run-traces")
        self.assertEqual(len(self.runs()), 2)

    def test_no_icount_under_kvm(self):
        self.run_script("run-traces", ACCEL="kvm")
        self.assertEqual([b["icount"] for b in self.boots()], [False, False])

    def test_truncated_line_is_no_cell(self):
        self.assert_refused(CELL, "truncate", "lost at hot/64 seed 1 clock", 10)

    def test_invalid_line_is_refused(self):
        self.assert_refused(CELL, "invalid", "pf_taken", 10)

    def test_failed_test_does_not_count(self):
        self.assert_refused(CELL, "failed", "1 of 12 cells missing, hot/64 seed 1 clock", 11)

    def test_absent_cell_is_missed_though_the_guest_passed(self):
        self.assert_refused(CELL, "absent", "1 of 12 cells missing", 11)

    def test_cells_of_a_panicking_guest_are_forgotten(self):
        self.assert_refused("hot/64 seed 1 clock", "panic", "panic at hot/64", 6)

    def test_resume_measures_only_what_is_missing(self):
        self.run_script("run-traces", FAKE=f"truncate:{CELL}")
        before = len(self.boots())
        code, _, err = self.run_script("run-traces")
        self.assertEqual(code, 0, err)
        again = self.cells_booted(self.boots()[before:])
        self.assertEqual(len(again), 2)
        self.assertIn("hot 64 1 clock", again)
        self.assertEqual(len(self.runs()), 1)
        self.assertEqual(len(self.result()["cells"]), 12)

    def test_torn_record_is_measured_again(self):
        self.run_script("run-traces", FAKE=f"truncate:{CELL}")
        record = self.out / self.runs()[0] / "cells.jsonl"
        record.write_text(record.read_text()[:-30])
        code, _, err = self.run_script("run-traces")
        self.assertEqual(code, 0, err)
        self.assertIn("3 of 12 cells to measure", err)

    def test_finished_run_is_not_resumed(self):
        self.run_script("run-traces")
        self.run_script("run-traces")
        self.assertEqual([name[-2:] for name in self.runs()], ["-1", "-2"])

    def test_run_picks_by_name(self):
        self.run_script("run-traces", RUN="mine", FAKE=f"truncate:{CELL}")
        self.run_script("run-traces", RUN="other")
        self.assertEqual(self.run_script("run-traces", RUN="mine")[0], 0)
        self.assertEqual(self.runs(), ["mine", "other"])
        self.assertEqual(self.run_script("run-traces", RUN="../x")[0], 1)

    def test_another_state_starts_another_run(self):
        self.run_script("run-traces", FAKE=f"truncate:{CELL}")
        first = self.runs()[0]
        write(self.top / "build/kernel-lean/arch/x86/boot/bzImage", "another kernel")
        code, _, err = self.run_script("run-traces", RUN=first)
        self.assertEqual(code, 1)
        self.assertIn("another state", err)
        self.assertEqual(self.run_script("run-traces")[0], 0)
        self.assertEqual(len(self.runs()), 2)

    def test_guests_of_a_run_are_the_same_machine(self):
        self.run_script("run-traces", FAKE=f"truncate:{CELL}")
        code, _, err = self.run_script("run-traces", FAKE="other-kernel")
        self.assertEqual(code, 1)
        self.assertIn("not the one of the earlier cells", err)

    def test_no_identity_no_boot(self):
        self.env["TOP"] = str(self.top / "build/image")
        code, out, err = self.run_script("run-traces")
        self.assertEqual((code, out), (1, ""))
        self.assertRegex(err, r"^error: no identity: .*not a git tree\n$")
        self.assertFalse(os.path.exists(self.env["FAKE_BOOTS"]))

    def test_engine_comes_to_the_same(self):
        self.run_script("run-traces", RUN="here")
        code, _, err = self.run_script("run-traces", RUN="there", ENGINE="local")
        self.assertEqual(code, 0, err)
        self.assertIn("12 of 12 cells", err)
        here, there = (json.loads((self.out / name / "result.json").read_text()) for name in ("here", "there"))
        self.assertEqual((here["cells"], here["identity"]["guest"]), (there["cells"], there["identity"]["guest"]))
        self.assertEqual([len(self.cells_booted([boot])) for boot in self.boots()], [6, 6, 3, 3, 3, 3])

    def test_engine_goes_on_and_believes_no_guest_that_fails(self):
        for fault, cell, why in (("truncate", CELL, "lost at hot/64 seed 1 clock"), ("panic", CELL, "panic at hot/64"),
                                 ("absent", CELL, "hot/64 seed 1 clock is missing"),
                                 # After the last cell of a chunk.
                                 ("late", "hot/128 seed 1 fifo", "lost at hot/128 seed 1 fifo")):
            code, _, err = self.run_script("run-traces", RUN=fault, ENGINE="local", FAKE=f"{fault}:{cell}")
            self.assertEqual(code, 1)
            self.assertIn(why, err)
            before = len(self.boots())
            self.assertEqual(self.run_script("run-traces", RUN=fault, ENGINE="local")[0], 0)
            self.assertEqual(len(self.boots()) - before, 1)

    def test_engine_wants_the_same_machine(self):
        self.run_script("run-traces", FAKE=f"truncate:{CELL}")
        code, _, err = self.run_script("run-traces", FAKE="other-kernel", ENGINE="local")
        self.assertEqual(code, 1)
        self.assertIn("not the one of the earlier cells", err)

    def interrupt(self, number):
        """Both guests hang with a child that ignores SIGTERM; then the signal comes."""
        proc = self.start("run-traces", FAKE="hang:loop/64 seed 1 fifo;hang:scan/128 seed 1 fifo")
        pids, deadline = [], time.time() + 30
        while len(pids) < 2 and time.time() < deadline:
            time.sleep(0.1)
            if os.path.exists(self.env["FAKE_PIDS"]):
                pids = Path(self.env["FAKE_PIDS"]).read_text().split()
        time.sleep(0.3)
        second = self.run_script("run-traces")
        proc.send_signal(number)
        _, err = proc.communicate(timeout=30)
        self.assertEqual(len(pids), 2)
        self.assertEqual([pid for pid in pids if alive(pid)], [])
        self.assertEqual(proc.returncode, 130, err)
        return err, second

    def test_ctrl_c_leaves_no_process_and_resumes(self):
        err, second = self.interrupt(signal.SIGINT)
        self.assertIn("interrupted", err)
        self.assertEqual(second[0], 1)
        self.assertIn("by another process", second[2])
        code, _, err = self.run_script("run-traces")
        self.assertEqual(code, 0, err)
        self.assertNotIn("12 of 12 cells to measure", err)
        self.assertEqual(len(self.runs()), 1)

    def test_termination_leaves_no_process(self):
        self.interrupt(signal.SIGTERM)


class Goals(unittest.TestCase):
    def test_worst_and_closest(self):
        for pairs, said in (([("a", 105, 100), ("b", 1, 100)], "goal MISSED: x: a (worst: a, 1.05 of the limit)"),
                            ([("a", 100, 100), ("b", 1, 100)], "goal met: x (closest: a, 1.00 of the limit)"),
                            ([("a", 100, 0)], "goal not measured: x")):
            self.assertEqual(tables.judge("x", pairs), said)


if __name__ == "__main__":
    unittest.main()
