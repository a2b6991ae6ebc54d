# SPDX-License-Identifier: GPL-2.0
"""run-flamegraph in a sandbox, and how samples become stacks."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "report/tests"), str(HERE.parent)]

from sandbox import write
from test_bench import BenchCase

import flame
import result
import stacks


class Runs(BenchCase):
    def setUp(self):
        super().setUp()
        self.env.update(WORKLOAD="chase", POOL="64")
        for name in ("POLICY", "PERIOD"):
            self.env.pop(name, None)
        for name in flame.LIBRARIES:
            write(self.top / "build/web/node_modules" / name, f"/* {name} </script> */")

    def draw(self, **env):
        return self.run_script("../bench/run-flamegraph", **env)

    def test_two_policies(self):
        code, out, err = self.draw()
        self.assertEqual(code, 0, err)
        whole = result.load(next(self.out.glob("*/result.json")), "flame")
        self.assertEqual([(cell["policy"], cell["samples"]) for cell in whole["cells"]], [("fifo", 60), ("clock", 30)])
        self.assertIn("the guest's guest runs", out)
        folder = next(self.out.glob("flame-*"))
        self.assertIn(" 40\n", (folder / "fifo.folded").read_text())
        page = (folder / "flamegraph.html").read_text()
        for name in flame.LIBRARIES:
            self.assertIn(f"/* {name} <\\/script> */", page)
        self.assertFalse(list(folder.glob("*.shared")))

    def test_one_policy(self):
        code, out, err = self.draw(POLICY="tdp")
        self.assertEqual(code, 0, err)
        boot, = self.boots()
        self.assertNotIn("-p", boot["command"])
        self.assertIn("kvm_amd.npt=1", boot["append"])

    def test_a_boot_that_stands_still(self):
        code, _, err = self.draw(FAKE="hang:chase/64 clock")
        self.assertEqual((code, len(self.boots())), (0, 3), err)
        self.assertIn("hang, once more", err)
        code, _, err = self.draw(FAKE="stuck:chase/64 fifo")
        self.assertEqual((code, len(self.boots())), (1, 6), err)
        self.assertIn("error: fifo: hang: L2 ended", err)

    def test_boots_that_do_not_count(self):
        for fault, what in (("lost", "L2 ended with status None"), ("splat", "splat; "), ("dropped", "did not fit"), ("policy", "the policy is")):
            with self.subTest(fault):
                code, out, err = self.draw(FAKE=f"{fault}:chase/64 fifo", RUN=fault)
                self.assertEqual((code, out), (1, ""))
                self.assertIn(what, err)

    def test_knobs_that_are_wrong(self):
        for env in ({"WORKLOAD": "x"}, {"POLICY": "lru"}, {"POLICY": "fifo clock tdp"}, {"POOL": "63"}, {"PERIOD": "10"}):
            with self.subTest(env):
                code, out, err = self.draw(**env)
                self.assertEqual((code, out), (1, ""))
                self.assertIn("error: {}={}".format(*next(iter(env.items()))), err)


class Stacks(unittest.TestCase):
    SYMBOLS = stacks.Symbols(["10 outer", "20 +middle.isra.0", "30 inner.cold"])

    def test_names(self):
        self.assertEqual(self.SYMBOLS.stack([0x30, 0x25, 0x11]), "outer;middle;inner")

    def test_a_call_that_ends_its_function(self):
        self.assertEqual(self.SYMBOLS.stack([0x30, 0x20]), "outer;inner")

    def test_windows(self):
        lines = ["C k 10", "M now", "C k 10", "C g 10", "M then", "C k 30", "lost 0"]
        self.assertEqual(stacks.fold(lines, ["now"], self.SYMBOLS), {"[the guest's guest]": 1, "outer": 1})

    def test_samples_that_are_none(self):
        for lines, what in ((["M now", "C k 10"], "no end"), (["M now", "C k 10", "lost 1"], "did not fit"),
                            (["lost 0"], "no samples")):
            with self.assertRaisesRegex(result.ResultError, what):
                stacks.fold(lines, ["now"], self.SYMBOLS)

    def test_a_function_counts_once_a_stack(self):
        self.assertEqual(flame.inside({"a;b;a": 2, "b": 1, "ab": 4}, "a"), 2)


if __name__ == "__main__":
    unittest.main()
