# SPDX-License-Identifier: GPL-2.0
"""The pages of recorded results in a real browser without a network: no errors, plots and graphs are there."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS.parent)]

import flame
import page
import result

BUILD = Path(os.environ.get("BUILD") or HERE.parents[3] / "build")
RECORDED = {"traces": HERE.parents[3] / "results/reference.json",
            **{kind: TESTS / f"data/{kind}.json" for kind in ("bench", "flame", "lab", "regress")}}


class Pages(unittest.TestCase):
    def setUp(self):
        self.browser = shutil.which("chromium")
        if not self.browser:
            self.skipTest("no chromium: make report-test installs it")
        folder = tempfile.TemporaryDirectory(prefix="report-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def look_at(self, text, *options):
        """Standard output of the browser, which must have nothing to complain about."""
        path = self.folder / "page.html"
        path.write_text(text)
        # As root there is no sandbox; no name is found, whatever a page asks for.
        done = subprocess.run([self.browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                               f"--user-data-dir={self.folder}/profile", "--host-resolver-rules=MAP * ~NOTFOUND",
                               "--virtual-time-budget=20000", "--window-size=1280,2000", *options, path.as_uri()],
                              capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        self.assertEqual(said, [])
        return done.stdout

    def shoot(self, text):
        """A picture with something on it; one color alone takes a few KiB."""
        picture = self.folder / "page.png"
        self.look_at(text, f"--screenshot={picture}")
        self.assertGreater(picture.stat().st_size, 30000)

    def test_report(self):
        results = [(result.load(path), path.parent) for path in RECORDED.values()]
        text = page.render(results, ["x/result.json: is none"])
        found = self.look_at(text, "--dump-dom")
        self.assertEqual(found.count("<section"), len(RECORDED))
        self.assertEqual(found.count("data:image/svg+xml"), 3)
        self.shoot(text)

    def test_flame_graph(self):
        modules = BUILD / "web/node_modules"
        if not modules.exists():
            self.skipTest("no libraries of flame graphs: make flamegraph or tools/bench/fetch-web fetches them")
        text = flame.page(result.load(RECORDED["flame"], "flame"), modules)
        found = self.look_at(text, "--dump-dom")
        # The script has run: a button for each view, and frames.
        self.assertEqual(found.count("<button type=\"button\" aria-pressed"), 4)
        self.assertGreater(found.count("<rect"), 20)
        # ... and has not to be waited for: what all stacks have in common is as wide as the page.
        self.assertRegex(found, r'<rect[^>]* width="1200"')
        self.assertIn("kvm_mmu_page_fault", found.partition("<svg")[2])
        self.shoot(text)

    def test_an_error_is_seen(self):
        with self.assertRaises(AssertionError):
            self.look_at("<!DOCTYPE html><script>undefined_function()</script>", "--dump-dom")


if __name__ == "__main__":
    unittest.main()
