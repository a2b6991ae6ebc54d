# SPDX-License-Identifier: GPL-2.0
"""One real guest in a guest, on the debug kernel: what make bench goes by works, end to end.

It is traced, hence each fault has to have a cause, and it is short: nobody reads its numbers.
"""
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TOOLS = HERE.parents[2]
sys.path[:0] = [str(TOOLS / name) for name in ("bench", "rig", "report")]

import cells
import guest
import machine
from child import Child
from result import BenchKey

HOST = {"accel": "tcg", "cpu": guest.DEFAULT_CPU["tcg"], "smp": 1, "mem": 3072, "append": machine.APPEND, "icount": True}
KEY = BenchKey("chase", 64, "clock", 0, True)


class GuestInAGuest(unittest.TestCase):
    def boot(self, folder, attempt=1):
        """What the agent in L1 wrote, once it has all been checked."""
        options, workload = ["-p", KEY.pool, "-t"], cells.Workload(machine.WORKLOADS / KEY.workload)
        stem, shared = folder / f"boot{attempt}", folder / f"shared{attempt}"
        child = Child(machine.command(HOST, stem, shared, KEY.policy, KEY.workload, options, attempt=attempt),
                      Path(f"{stem}.rig"))
        try:
            child.proc.wait()
        finally:
            child.stop()
        if machine.goes_again("l2", SimpleNamespace(child=child, attempt=attempt, stem=stem)):
            return self.boot(folder, attempt + 1)
        text = machine.shared_text(shared)
        machine.check_boot(child.code, text, workload, child.said())
        machine.facts_of(HOST, Path(f"{stem}.output").read_text(), KEY.policy, KEY.pool)
        return cells.cell_of(KEY, workload, text, None, True)

    def test_chase(self):
        for path in (machine.KERNEL, machine.INITRD):
            self.assertTrue(path.exists(), f"{path} is missing: make test builds it")
        with tempfile.TemporaryDirectory(prefix="bench-test-") as folder:
            cell = self.boot(Path(folder))
        window = cell["windows"][0]
        self.assertEqual((len(cell["windows"]), window["name"]), (1, "chase"))
        for name in ("pf_taken", "mmu_recycled", "mmu_evict_scanned", "mmu_evict_spared"):
            self.assertGreater(window["counters"].get(name, 0), 0, name)
        for cause in ("first", "refault"):
            self.assertGreater(window["causes"][cause], 0, cause)
        self.assertGreater(cell["trace"]["peak"], 32)
        self.assertLess(cell["trace"]["unknown"], window["counters"]["pf_taken"] / 100)


if __name__ == "__main__":
    unittest.main()
