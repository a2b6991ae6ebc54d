# SPDX-License-Identifier: GPL-2.0
"""make-report: all kinds of results, recorded and small, and files that are none."""
import base64
import json
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from sandbox import Sandbox, write

import bench
import benchplot
import result

DATA = HERE / "data"
# That of the README is recorded anyway.
RECORDED = {"traces": HERE.parents[2] / "results/reference.json",
            **{kind: DATA / f"{kind}.json" for kind in ("bench", "flame", "lab", "regress")}}
# What a browser would fetch.
REMOTE = r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\((?!data:)|@import"""


class Reports(Sandbox):
    def report(self, *kinds, args=()):
        for kind in kinds:
            write(self.out / f"{kind}-1/result.json", "")
            shutil.copy(RECORDED[kind], self.out / f"{kind}-1/result.json")
        code, out, err = self.run_script("../report/make-report", *args)
        path = self.out / "report.html"
        return code, path.read_text() if path.exists() else "", err

    def test_all_kinds(self):
        write(self.out / "flame-1/flamegraph.html", "")
        code, page, err = self.report(*RECORDED)
        self.assertEqual((code, err), (0, ""))
        for title in ("Reference traces", "Real programs", "Flame graphs", "The policy laboratory", "Upstream&#39;s KVM selftests"):
            self.assertIn(f"<h2>{title}", page)
        self.assertIn('href="flame-1/flamegraph.html"', page)
        self.assertNotRegex(page, REMOTE)
        self.assertIn("never time", page)
        for path in RECORDED.values():
            self.assertIn(json.loads(path.read_text())["identity"]["run_id"], page)

    def test_worse_than_base(self):
        _, page, _ = self.report("regress")
        self.assertIn('<p class="missed">goal MISSED: no cell is worse than base: '
                      'set_memory_region_test in clock-npt0-64 (fail)</p>', page)
        self.assertIn("<tr><td class=\"word\">clock-npt0-64</td><td>1</td><td>0</td><td>1</td><td>6</td></tr>", page)
        text = self.run_script("../report/show", RECORDED["regress"])[1]
        self.assertRegex(text, r"(?m)^set_memory_region_test +ok +ok +FAIL!$")
        self.assertRegex(text, r"(?m)^fifo-npt0-64 +0 +1 +1 +6$")

    def test_plots(self):
        _, page, _ = self.report(*RECORDED)
        plots = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
        self.assertEqual(len(plots), 3)
        for plot in plots:
            svg = base64.b64decode(plot).decode()
            self.assertTrue(ElementTree.fromstring(svg).tag.endswith("svg"))
            self.assertIn("fifo", svg)

    def test_files_that_are_no_results(self):
        for name, text in (("torn", "{"), ("other", '{"schema": 1}'), ("old", '{"schema": 0, "identity": {}, "cells": [1]}')):
            write(self.out / name / "result.json", text)
        code, page, err = self.report("traces")
        self.assertEqual((code, err.count("left out")), (1, 3))
        for name in ("torn", "other", "old"):
            self.assertIn(f"error: left out: {name}/result.json: ", err)
            self.assertIn(f"Left out: {name}/result.json: ", page)
        self.assertIn("<h2>Reference traces", page)

    def test_a_cell_that_is_missing(self):
        whole = json.loads(RECORDED["bench"].read_text())
        whole["cells"].pop()
        write(self.out / "short/result.json", json.dumps(whole))
        code, _, err = self.report("traces")
        self.assertEqual(code, 1)
        self.assertIn("1 cells missing: boot/default clock traced", err)

    def test_nothing(self):
        code, _, err = self.report()
        self.assertEqual(code, 1)
        self.assertIn("error: no result in", err)

    def test_other_files(self):
        self.out.mkdir()
        code, page, _ = self.report(args=[RECORDED["traces"]])
        self.assertEqual(code, 0)
        self.assertIn("<h2>Reference traces", page)

    def test_text_of_others_is_text(self):
        whole = json.loads(RECORDED["flame"].read_text())
        whole["identity"]["command"] = "<script>alert(1)</script>"
        write(self.out / "x/result.json", json.dumps(whole))
        _, page, err = self.report("traces")
        self.assertEqual(err, "")
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
        self.assertNotIn("<script>", page)


class Numbers(unittest.TestCase):
    def setUp(self):
        self.whole = result.load(RECORDED["bench"], "bench")

    def test_quantiles(self):
        self.assertIsNone(bench.quantile({}, 0.5))
        # 2^4 to 5/4 of it, and 2^5 to 5/4.
        self.assertEqual([bench.quantile({"16": 9, "20": 1}, share) for share in (0.5, 0.9, 0.99)], [20, 20, 40])

    def test_pools(self):
        (title, curves), = benchplot.pool_panels(bench.Bench(self.whole))
        self.assertEqual((title, [pool for pool, _ in curves["fifo"]]), ("boot", [64, 0]))

    def test_rates(self):
        found = bench.Bench(self.whole)
        entry = lambda rps, ms: {"test": "GET", "rps": rps, "p50_ms": ms, "p99_ms": 2 * ms}
        found.benchmarks = {("redis-rate", 64, "fifo"): [[entry(1, 9)], [entry(100, 1)], [entry(300, 3)], [entry(200, 2)]]}
        self.assertEqual(benchplot.rates(found, 64), {"fifo": [(200, {"p50_ms": 2, "p99_ms": 4})]})
        self.assertEqual(benchplot.rates(found, 0), {})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rates.svg"
            # Time is time on hardware only.
            self.assertEqual((benchplot.draw_rates(found, path), path.exists()), (False, False))
            found.timed = True
            self.assertTrue(benchplot.draw_rates(found, path))
            self.assertIn("fifo p99", path.read_text())


if __name__ == "__main__":
    unittest.main()
