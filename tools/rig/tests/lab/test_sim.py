# SPDX-License-Identifier: GPL-2.0
"""The simulator itself: what it counts is what was counted in guests, and a small sweep."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
RIG = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(RIG), str(RIG.parent / "report")]

import lab
import result
from simulator import Simulator


class Model(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator()

    def run_script(self, name, **env):
        env = {**{k: v for k, v in os.environ.items() if k not in ("ENGINE", "RUN", "FULL", "CHUNK")}, **env}
        done = subprocess.run([RIG / name], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_counts_as_the_guest_does(self):
        """All of the reference traces, pools and policies, within 1%."""
        self.assertIn("36 counters, 0 of them more than 1% off", self.run_script("lab-check"))

    def test_list_tells_programs_and_people_the_same(self):
        said = subprocess.run([self.sim.path, "list"], check=True, capture_output=True, text=True).stdout
        for what, there in (("model", self.sim.models), ("trace", self.sim.traces), ("policy", self.sim.policies)):
            self.assertEqual(re.findall(rf"(?m)^{what}=(\S+)\t", said), list(there))
        self.assertEqual((self.sim.sees("fifo"), self.sim.sees("bound")), ("faults", "bound"))
        self.assertEqual(len(re.findall(r"(?m)^    \w+=", said)), sum(len(entry["knobs"]) for entry in [
            {"knobs": self.sim.knobs}, *self.sim.models.values(), *self.sim.traces.values(), *self.sim.policies.values()]))

    def test_quick_sweep(self):
        with tempfile.TemporaryDirectory(prefix="lab-test-") as out:
            said = self.run_script("run-lab", OUT=out, RUN="quick", TRACES="hot scan loop", POLICIES="clock clock:budget=64",
                                   POOLS="64 128", WARMUP="10000", ACCESSES="20000", CHUNK="5", JOBS="2")
            whole = result.load(Path(out) / "quick/result.json", "lab")
        self.assertRegex(said, r"(?m)^clock:budget=64 +faults ")
        ranking = lab.Ranking(whole)
        self.assertEqual((len(ranking.cases), len(whole["cells"])), (6, 24))
        for case, cells in ranking.cases.items():
            with self.subTest(ranking.name_of(case)):
                # Nobody beats the bound, and whoever evicts has examined what goes.
                self.assertLessEqual(cells["bound"]["faults"], min(cells[p]["faults"] for p in ranking.policies))
                for policy in ranking.policies:
                    self.assertLess(0, cells[policy]["flushes"])
                    self.assertLess(cells[policy]["flushes"], cells[policy]["zapped"])
                    self.assertLessEqual(cells[policy]["zapped"], cells[policy]["scanned"])

    def test_a_job_is_a_function_of_its_line(self):
        line = "trace=scan policy=clock pool=64 seed=3 warmup=1000 accesses=5000"
        said = [subprocess.run([self.sim.path, "run"], input=text, check=True, capture_output=True, text=True).stdout
                for text in (f"{line}\n", f"trace=hot policy=fifo pool=64\n{line}\n")]
        self.assertEqual(said[0], said[1].splitlines(keepends=True)[1])
        self.assertEqual(json.loads(said[0])["job"], line)


if __name__ == "__main__":
    unittest.main()
