# SPDX-License-Identifier: GPL-2.0
"""run-tests against canned guests and kernels: what counts as a pass, and what must not."""
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

from sandbox import HERE, LINUX, Sandbox, alive, write

import ktap
import ktap_old
import suites

NAMES = [f"selftests: kvm: {name}" for name in suites.SHADOW["fifo"]]
CASES = """# TAP version 13
# 1..3
# # Starting 3 tests from 1 test cases.
# #  RUN           global.hot_survives ...
# #            OK  global.hot_survives
# ok 1 global.hot_survives
# ok 2 global.roots_are_no_victims
# ok 3 global.needs_tracefs # SKIP no tracefs
# # PASSED: 3 / 3 tests passed.
# # Totals: pass:2 fail:0 xfail:0 xpass:0 skip:1 error:0
"""
CASE = """# TAP version 13
# 1..1
# ok 1 global.shrink
"""
PERF = '# {"test":"mmu_evict_perf_test","pf_taken":1}\n'
SKIP = "# TAP version 13\n# 1..0 # SKIP - TDP is on\n"
SKIPPED_CASE = "# TAP version 13\n# 1..1\n# ok 1 global.shrink # SKIP TDP is on\n"


def transcript(names, text_of):
    """What run_kselftest.sh prints: each test's output, then its result."""
    out = f"TAP version 13\n1..{len(names)}\n"
    for i, name in enumerate(names, 1):
        text = text_of(name)
        out += f"# overriding timeout to 600\n# {name}\n{text}ok {i} {name}{' # SKIP' * ('# SKIP' in text and text != CASES)}\n"
    return out


TDP_SKIPS = [f"selftests: kvm: {name}" for name in suites.NEED_SHADOW]
NESTED = f"selftests: kvm: {suites.NESTED}"
text_of = lambda name: PERF if "perf" in name else CASES if name == NAMES[0] else CASE
GOOD = transcript(NAMES, text_of)
GOOD_CLOCK = transcript([f"selftests: kvm: {name}" for name in suites.SHADOW["clock"]], text_of)
TDP = transcript([*TDP_SKIPS, NESTED],
                 lambda name: CASE if name == NESTED else SKIPPED_CASE if name == TDP_SKIPS[-1] else SKIP)
KUNIT = """[    0.1] Booting
[    0.2] KTAP version 1
[    0.2] 1..{n}
{suites}[    0.3] reboot: Restarting
"""
KSUITE = """[    0.2]     KTAP version 1
[    0.2]     # Subtest: {name}
[    0.2]     # module: kvm
[    0.2]     1..2
[    0.2]     ok 1 empty
[    0.2]     {second} 2 all_pinned_terminates
[    0.2] # {name}: pass:2 fail:0 skip:0 total:2
[    0.2] {second} {number} {name}
"""


def kunit(*names, second="ok"):
    return KUNIT.format(n=len(names), suites="".join(
        KSUITE.format(name=name, number=i, second=second) for i, name in enumerate(names, 1)))


class Tests(Sandbox):
    def setUp(self):
        super().setUp()
        self.borrow_kunit()
        self.canned = {}
        self.guests = {"selftests-fifo": (GOOD, 0), "selftests-clock": (GOOD_CLOCK, 0), "selftests-tdp": (TDP, 0)}
        self.kernels = {"um": (kunit("kvm_mmu_evict"), 0),
                        "x86_64": (kunit("kvm_mmu_evict", "kvm_mmu_evict_parents", "kvm_mmu_evict_pages"), 0)}
        write(self.top / "run-kunit", '#!/bin/sh\nmkdir -p "$BUILD/kunit-$1"\n'
              'cp "$TOP/kunit-$1.log" "$BUILD/kunit-$1/test.log"\nexit "$(cat "$TOP/kunit-$1.rc")"\n', 0o755)
        self.env["RUN_KUNIT"] = str(self.top / "run-kunit")

    def run_tests(self, *only):
        fake = []
        for name, (text, status) in self.guests.items():
            fake.append(f"{name}={write(self.top / name, text)},{status}")
        for arch, (text, status) in self.kernels.items():
            write(self.top / f"kunit-{arch}.log", text)
            write(self.top / f"kunit-{arch}.rc", f"{status}\n")
        code, out, err = self.run_script("run-tests", *(f"--only={name}" for name in only), FAKE=";".join(fake))
        return code, out, out.splitlines()[-1] if out else err

    def assert_red(self, suite, why):
        code, out, last = self.run_tests(suite)
        self.assertEqual(code, 1, out)
        self.assertIn(why, out)
        self.assertRegex(out, rf"{suite} .* FAIL ")
        self.assertNotRegex(last, " 0 failed")

    def guest(self, suite, text, status=0):
        self.guests[suite] = (text, status)

    def junit(self):
        return ET.parse(next(self.out.glob("*/junit.xml"))).getroot()

    def test_green(self):
        code, out, last = self.run_tests("kunit-um", "kunit-x86_64", "selftests-fifo", "selftests-clock",
                                         "selftests-tdp")
        self.assertEqual(code, 0, out)
        # The first selftest has three cases, one of them a skip, the others have one.
        tests = sum(map(len, suites.SHADOW.values()))
        self.assertEqual(last, f"{8 + tests + 2 + 1} passed, 0 failed, {2 + len(TDP_SKIPS)} skipped")
        self.assertRegex(out, rf"selftests-tdp +kasan kernel, kvm_amd.npt=1 .* pass +1 +0 +{len(TDP_SKIPS)} ")
        names = [case.get("name") for case in self.junit().iter("testcase")]
        self.assertIn("global.hot_survives", names)
        reasons = {element.text for element in self.junit().iter("skipped")}
        self.assertEqual(reasons, {"no tracefs", "TDP is on"})
        said = json.loads(next(self.out.glob("*/tests.json")).read_text())
        self.assertEqual((said["kernel"], said["summary"], len(said["suites"])), ("kasan", last, 5))
        self.assertEqual({k: said["suites"][2][k] for k in ("suite", "verdict", "passed", "failed", "skipped")},
                         {"suite": "selftests-fifo", "verdict": "pass", "passed": len(NAMES) + 1, "failed": 0, "skipped": 1})
        self.assertRegex(said["tree"], "^[0-9a-f]{40}$")
        write(self.top / "build/linux/Makefile", "edited")
        self.run_tests("kunit-um")
        edited = json.loads(max(self.out.glob("*/tests.json")).read_text())
        self.assertEqual(edited["tree"], said["tree"] + "-dirty")

    def test_each_case_of_a_selftest_is_a_result(self):
        self.guest("selftests-fifo", GOOD.replace("# ok 2", "# not ok 2").replace("\nok 1 s", "\nnot ok 1 s"), 1)
        self.assert_red("selftests-fifo", "failed: global.roots_are_no_victims")

    def test_failed_case_under_a_passing_test(self):
        self.guest("selftests-fifo", GOOD.replace("# ok 2", "# not ok 2"))
        self.assert_red("selftests-fifo", "failed: global.roots_are_no_victims")

    def test_died_in_the_middle(self):
        alive = GOOD.index(f"# overriding timeout to 600\n# {NAMES[1]}")
        dead = GOOD[:GOOD.index("# ok 3")] + f"not ok 1 {NAMES[0]} # exit=134\n" + GOOD[alive:]
        self.guest("selftests-fifo", dead)
        self.assert_red("selftests-fifo", "failed: a test without a result")

    def test_truncated_at_every_line(self):
        lines = GOOD.splitlines(keepends=True)
        for end in range(len(lines) - 1):
            if lines[end - 1].startswith("ok 3"):
                continue
            with self.subTest(end=end):
                self.guest("selftests-fifo", "".join(lines[:end]))
                self.assertEqual(self.run_tests("selftests-fifo")[0], 1)

    def test_splat_outweighs_the_results(self):
        self.guest("selftests-clock", GOOD_CLOCK, 21)
        self.assert_red("selftests-clock", "splat: run-guest: canned verdict 21")
        suite = self.junit().find("testsuite")
        self.assertEqual((suite.get("name"), suite.get("failures")), ("selftests-clock", "1"))
        self.assertIn("canned verdict 21", suite.find("testcase/failure").text)

    def test_every_other_verdict_is_red(self):
        for status, name in ((1, "fail"), (4, "skip"), (20, "panic"), (22, "hang"), (23, "timeout"), (24, "lost"),
                             (25, "cannot-start"), (99, "exit code 99")):
            with self.subTest(name):
                self.guest("selftests-fifo", GOOD, status)
                self.assert_red("selftests-fifo", f"selftests-fifo: {name}")

    def test_engines_give_the_same_junit(self):
        """By whom the guests are run is on the command line; what they tell is the same."""
        write(self.top / "tools/srun", "#!/bin/sh\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\n"
              "echo srun >> \"$FAKE_BOOTS\"\nexec \"$@\"\n", 0o755)
        self.env["PATH"] = f"{self.top}/tools:{self.env['PATH']}"
        for engine in ("local", "slurm", "lava"):
            self.env["ENGINE"], self.env["OUT"] = engine, str(self.top / engine)
            self.assertEqual(self.run_tests("selftests-clock")[0], 0)
        boots = Path(self.env["FAKE_BOOTS"]).read_text().splitlines()
        self.assertEqual([line == "srun" for line in boots], [False, True, False, False])
        self.assertEqual([json.loads(boots[i])["engine"] for i in (0, 2, 3)], [None, None, "lava"])
        files = [next((self.top / engine).glob("*/junit.xml")) for engine in ("local", "slurm", "lava")]
        same = lambda *pair: subprocess.run([HERE.parent / "same-junit", *pair], capture_output=True, text=True)
        for file in files[1:]:
            file.write_text(file.read_text().replace('time="', 'time="99'))
            self.assertEqual((same(files[0], file).returncode, same(files[0], file).stdout[:9]), (0, "the same:"))
        file.write_text(file.read_text().replace("global.shrink", "global.grow", 1))
        self.assertEqual(same(files[0], file).returncode, 1)
        self.assertIn("global.grow", same(files[0], file).stdout)

    def test_unknown_engine(self):
        for engine, why in (("magic", "ENGINE=magic: local, slurm, lava"), ("slurm", "ENGINE=slurm: there is no srun here")):
            code, _, err = self.run_script("run-tests", "--only=kunit-um", ENGINE=engine, PATH=str(self.top))
            self.assertEqual((code, why in err), (2, True), err)

    def test_missing_test(self):
        self.guest("selftests-fifo", GOOD[:GOOD.index(f"# {NAMES[2]}")])
        self.assert_red("selftests-fifo", f"missing: {NAMES[2]} did not run")

    def test_lost_output_of_a_passing_test(self):
        """The runner's own lines only: what a guest without /dev/stdout gives."""
        bare = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith("# "))
        self.guest("selftests-fifo", bare)
        self.assert_red("selftests-fifo", "no cases: selftests: kvm: mmu_evict_test")

    def test_skip_where_it_must_run(self):
        self.guest("selftests-clock", TDP)
        self.assert_red("selftests-clock", "skipped: selftests: kvm: mmu_evict_test must run here (TDP is on)")

    def test_pass_where_it_must_skip(self):
        self.guest("selftests-tdp", GOOD)
        self.assert_red("selftests-tdp", "not skipped: selftests: kvm: mmu_evict_test")

    def test_skip_without_a_reason(self):
        self.guest("selftests-tdp", TDP.replace(" - TDP is on", "", 1))
        self.assert_red("selftests-tdp", f"unexplained skip: {TDP_SKIPS[0]}")

    def test_kunit_suite_renamed(self):
        self.kernels["x86_64"] = (kunit("kvm_mmu_evict", "kvm_mmu_evict_new"), 0)
        self.assert_red("kunit-x86_64", "missing: kvm_mmu_evict_parents did not run")

    def test_kunit_failure(self):
        self.kernels["um"] = (kunit("kvm_mmu_evict", second="not ok"), 1)
        self.assert_red("kunit-um", "failed: all_pinned_terminates")

    def test_alone_it_tells_the_end_of_its_log(self):
        """`make kunit` after an edit: what the compiler said must not be looked for."""
        write(self.top / "run-kunit", "#!/bin/sh\necho evict.h:1: error: no such thing\nexit 2\n", 0o755)
        self.assert_red("kunit-um", "evict.h:1: error: no such thing")

    def test_kunit_splat_between_passing_cases(self):
        splat = "[    0.2] WARNING: possible recursive locking detected\n"
        self.kernels["um"] = (kunit("kvm_mmu_evict").replace("[    0.2]     ok 1", splat + "[    0.2]     ok 1"), 0)
        self.assert_red("kunit-um", "splat: [    0.2] WARNING: possible recursive locking detected; log")

    def test_kunit_does_not_build(self):
        stale = write(self.top / "build/kunit-um/test.log", kunit("kvm_mmu_evict"))
        write(self.top / "run-kunit", "#!/bin/sh\necho no compiler\nexit 2\n", 0o755)
        self.assert_red("kunit-um", "exit: the command ended with 2")
        self.assertFalse(stale.exists())

    def test_kunit_ended_badly_though_all_passed(self):
        self.kernels["um"] = (kunit("kvm_mmu_evict"), 1)
        self.assert_red("kunit-um", "exit: the command ended with 1")

    def test_no_tree(self):
        (self.top / "build/linux/tools/testing/kunit").unlink()
        code, out, last = self.run_tests("kunit-um")
        self.assertEqual(code, 1)
        self.assertRegex(last, r"^error: no KUnit tools .*: run make tree")

    def test_interrupt_leaves_no_process(self):
        write(self.top / "run-kunit", "#!/bin/sh\nsleep 1000 & echo $! > \"$FAKE_PIDS\"\ntrap '' TERM\nwhile :; do sleep 1; done\n",
              0o755)
        proc = self.start("run-tests", "--only=kunit-um")
        pids = Path(self.env["FAKE_PIDS"])
        for _ in range(100):
            if pids.exists() and pids.read_text():
                break
            time.sleep(0.1)
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=30)
        self.assertEqual(proc.returncode, 130)
        self.assertFalse(alive(int(pids.read_text())))

    def ci(self, recipe):
        write(self.top / "Makefile", f"test:\n\t@{recipe}\n")
        (self.top / ".ci").mkdir(exist_ok=True)
        shutil.copy(HERE.parents[2] / ".ci/run", self.top / ".ci/run")
        done = subprocess.run([self.top / ".ci/run"], capture_output=True, text=True, cwd="/",
                              env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
        return done.returncode, done.stdout.splitlines()[-1]

    def test_ci_ends_with_the_plain_line(self):
        self.assertEqual(self.ci("echo '3 passed, 0 failed, 1 skipped'"), (0, "3 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.ci("echo '2 passed, 1 failed, 0 skipped'; exit 1"), (2, "2 passed, 1 failed, 0 skipped"))
        self.assertEqual(self.ci("exit 1"), (2, "0 passed, 1 failed, 0 skipped"))
        self.assertEqual(self.ci("true"), (1, "0 passed, 1 failed, 0 skipped"))


class Joined(unittest.TestCase):
    """KTAP of programs that were run one after the other."""

    TEXT = "KTAP version 1\n1..2\nok 1 a\n# why\nnot ok 2 b\nKTAP version 1\n1..1\nok 1 c # SKIP no c\n"

    def test_every_result_counts(self):
        self.assertEqual(ktap.join(self.TEXT),
                         "KTAP version 1\n1..3\nok 1 a\n# why\nnot ok 2 b\nok 3 c # SKIP no c\n")

    def test_one_that_died_is_missed(self):
        self.assertIn("\n1..3\n", ktap.join(self.TEXT.replace("not ok 2 b\n", "")))


class Old(unittest.TestCase):
    """What older kernels' tools lack."""

    def test_junit_is_that_of_later_kernels(self):
        if not (LINUX / "tools/testing/kunit/kunit_junit.py").exists():
            self.skipTest(f"no kunit_junit.py in {LINUX}: run make tree")
        kernel = ktap.Kernel(LINUX)
        test = kernel.parse(ktap.lift(GOOD.replace("# ok 2", "# said before\n# not ok 2")))
        texts = [ET.tostring(junit.get_test_suite(test, ET.Element("testsuites")), encoding="unicode")
                 for junit in (kernel.junit, ktap_old.Junit(kernel.parser))]
        self.assertEqual(texts[0], texts[1])
        for name in ("<failure>", "<skipped>no tracefs", "system-out"):
            self.assertIn(name, texts[0])

    def test_reasons_and_silence(self):
        said = io.StringIO()

        class Printer:
            def __init__(self, output):
                self.output = output

        class Parser:
            TEST_RESULT_SKIP = re.compile(r"^\s*(ok|not ok) ([0-9]+) (- )?(.*) # SKIP(.*)$")
            Test, stdout = type("Test", (), {}), Printer(said)

            def parse_test_result(lines, test, number):
                return lines.pop(0)

            def parse_run_tests(lines):
                print("noise", file=Parser.stdout.output)
                return lines

        class Lines(list):
            def peek(self):
                return self[0]

        ktap_old.adapt(Parser)
        self.addCleanup(lambda: Parser.stdout.output.close())
        for line, reason in (("ok 1 - x # SKIP no CPU ", "no CPU"), ("ok 1 x", "")):
            test = Parser.Test()
            self.assertEqual((Parser.parse_test_result(Lines([line]), test, 1), test.skip_reason), (line, reason))
        self.assertEqual(Parser.Test().skip_reason, "")
        self.assertEqual((Parser.parse_run_tests(["x"], None), said.getvalue()), (["x"], ""))


class UnitTestsAsKtap(unittest.TestCase):
    def run_in(self, body):
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "test_x.py", f"import unittest\nclass X(unittest.TestCase):\n{body}")
            return subprocess.run([HERE.parent / "unittest-ktap", folder], capture_output=True, text=True).stdout

    def test_outcomes(self):
        out = self.run_in("  def test_a(self): pass\n  def test_b(self): self.fail('why')\n"
                          "  def test_c(self): self.skipTest('because')\n"
                          "  def test_d(self):\n    with self.subTest(1): self.fail()\n")
        self.assertRegex(out, r"(?s)^KTAP version 1\n1\.\.4\nok 1 test_x.X.test_a\n# Traceback.*why\nnot ok 2 .*"
                         r"ok 3 test_x.X.test_c # SKIP because\n.*\nnot ok 4 ")

    def test_broken_module_is_a_failure(self):
        self.assertIn("not ok 1", self.run_in("  nonsense"))

    def test_broken_fixture_is_a_failure(self):
        self.assertIn("not ok 1", self.run_in("  @classmethod\n  def setUpClass(cls): 1 / 0\n  def test_a(self): pass\n"))


if __name__ == "__main__":
    unittest.main()
