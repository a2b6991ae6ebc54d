# SPDX-License-Identifier: GPL-2.0
"""Guests that LAVA boots: the same output, verdicts and JUnit as run-guest's own have.

KERNEL and INITRD as in tests/test_verdict.py.  Time limits are multiples of what it takes
to boot.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
RIG = Path(__file__).resolve().parents[2]
REPORT = RIG.parent / "report"
sys.path[:0] = [str(RIG), str(REPORT)]

import guest
import ktap
import lava

BUILD = Path(os.environ.get("BUILD") or RIG.parents[1] / "build")
KERNEL = os.environ.get("KERNEL") or BUILD / "kernel-kasan/arch/x86/boot/bzImage"
INITRD = os.environ.get("INITRD") or BUILD / "image/bare.cpio.gz"
HERE = shutil.which("lava-run") and os.geteuid() == 0

# Everything that run_kselftest.sh prints: cases of each kind, a test that skips, one
# without cases, one that dies, and no end of the last line.
OUTPUT = """TAP version 13
1..4
# overriding timeout to 600
# selftests: kvm: cases_test
# TAP version 13
# 1..4
# ok 1 global.passes
# not ok 2 global.fails "quoted"
# ok 3 mmu_evict.clock.skips # SKIP no tracefs
# ok 4 global.SKIP_in_its_name
not ok 1 selftests: kvm: cases_test # exit=1
# overriding timeout to 600
# selftests: kvm: skip_test
# TAP version 13
# 1..0 # SKIP - TDP is on
ok 2 selftests: kvm: skip_test # SKIP
# overriding timeout to 600
# selftests: kvm: perf_test
# {"test":"perf"}
ok 3 selftests: kvm: perf_test
# overriding timeout to 600
# selftests: kvm: dies_test
not ok 4 selftests: kvm: dies_test # exit=134
"""
NAMES = ["cases_test", "skip_test", "perf_test", "dies_test"]
RESULTS = [("cases_test", "global.passes", "pass"), ("cases_test", 'global.fails "quoted"', "fail"),
           ("cases_test", "mmu_evict.clock.skips", "skip"), ("cases_test", "global.SKIP_in_its_name", "pass"),
           ("cases_test", "selftests: kvm: cases_test", "fail"), ("skip_test", "selftests: kvm: skip_test", "skip"),
           ("perf_test", "selftests: kvm: perf_test", "pass"), ("dies_test", "selftests: kvm: dies_test", "fail")]


def command(script, names=NAMES):
    return ["sh", "-c", f"cat <<'END'\n{OUTPUT}END\n{script}", "selftests",
            *(word for name in names for word in ("-t", f"kvm:{name}"))]


class Run:
    """A run-guest, what it said and left."""

    def __init__(self, where, engine, argv, *options, limit=600):
        self.dir = Path(tempfile.mkdtemp(dir=where))
        self.log, self.output = self.dir / "guest.console", self.dir / "guest.output"
        args = [RIG / "run-guest", "--engine", engine, "--kernel", KERNEL, "--initrd", INITRD, "--timeout", limit,
                "--log", self.log, "--output", self.output, *options, "--", *argv]
        self.began = time.time()
        self.proc = subprocess.Popen(list(map(str, args)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True)

    def end(self):
        self.err = self.proc.communicate()[1]
        self.seconds = time.time() - self.began
        return self.proc.returncode


class Rules(unittest.TestCase):
    """What needs no LAVA."""

    def test_results(self):
        self.assertEqual(lava.results_in(OUTPUT), RESULTS)

    def test_the_port_has_three_streams(self):
        text = ("[    1.0] Linux version 7.3.4\n[    2.0][    T1] rig: # ok 1 a\n[    2.1] rig-control: status 0\n"
                "[    2.2] rigor: mortis\nrig: forged\n[    2.3] rig: cut sho")
        self.assertEqual(guest.split_port(text), (
            "[    1.0] Linux version 7.3.4\n[    2.2] rigor: mortis\nrig: forged\n", "# ok 1 a\n", "status 0\n"))

    def test_a_result_that_got_lost_is_a_failure(self):
        run = lava.Guest.__new__(lava.Guest)
        run.trouble, run.output = None, OUTPUT
        run.messages = [{"lvl": "results", "msg": {"definition": suite, "case": "x", "result": result,
                                                   "extra": {"test_case_id": name}}} for suite, name, result in RESULTS]
        self.assertIsNone(run.complaint())
        run.messages.pop(1)
        self.assertIn("LAVA has 7 results, the guest told 8; first ('cases_test', 'mmu_evict", run.complaint())
        run.trouble, run.lava_log = "Connection closed", "x.lava.log"
        self.assertIn("the job of LAVA failed: Connection closed", run.complaint())

    def test_only_selftests(self):
        with self.assertRaisesRegex(lava.LavaError, "no `-t kvm:NAME`"):
            lava.tests_of(["true"])


@unittest.skipUnless(HERE, "no lava-run here, or not root: make lava-test installs LAVA")
class Lava(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for path in (KERNEL, INITRD):
            if not os.path.isfile(path):
                raise AssertionError(f"{path} is missing: build it or set KERNEL and INITRD")
        folder = tempfile.TemporaryDirectory(prefix="lava-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.top = Path(folder.name)
        cls.local, cls.lava = (Run(cls.top, engine, command("printf 'no end'; exit 1")) for engine in ("local", "lava"))
        for run in (cls.local, cls.lava):
            run.end()

    def documents(self):
        opts = argparse.Namespace(kernel=KERNEL, accel="tcg", cpu=None, smp=2, mem=1024, append=["kvm_amd.npt=0"],
                                  icount=False, parallel=False, command=command(""), log="x/guest.console",
                                  timeout=600, qemu="qemu-system-x86_64")
        return lava.documents(opts, INITRD)

    def test_schemas(self):
        import yaml
        from lava_common import schemas
        from lava_common.schemas import device
        texts = self.documents()
        job = yaml.safe_load(texts["job.yaml"])
        schemas.validate(job)
        device.validate(yaml.safe_load(texts["device.yaml"]))
        job["actions"][2]["test"]["monitors"][0].pop("end")
        with self.assertRaises(Exception):
            schemas.validate(job)

    def test_lava_run_accepts_it(self):
        for name, text in self.documents().items():
            (self.top / name).write_text(text)
        done = subprocess.run(["lava-run", "--validate", "--job-id", "validate", "--output-dir", self.top / "validate",
                               "--device", self.top / "device.yaml", "--dispatcher", self.top / "dispatcher.yaml",
                               self.top / "job.yaml"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_output_and_verdict_are_the_same(self):
        self.assertEqual((self.local.proc.returncode, self.lava.proc.returncode), (1, 1), self.lava.err)
        self.assertIn("run-guest: fail: the command exited with 1", self.lava.err)
        self.assertEqual(self.lava.output.read_text(), OUTPUT + "no end\n")
        self.assertEqual(self.local.output.read_text(), OUTPUT + "no end")

    def test_every_case_is_a_result_of_the_job(self):
        log = self.lava.log.with_suffix(".lava.log").read_text()
        self.assertEqual(lava.results_of(lava.records(log)), RESULTS)

    def test_junit_is_the_same(self):
        if not (BUILD / "linux/tools/testing/kunit").exists():
            self.skipTest(f"no kernel tree in {BUILD}: run make tree")
        kernel, files = ktap.Kernel(BUILD / "linux"), []
        for run in (self.local, self.lava):
            files.append(run.dir / "junit.xml")
            test = kernel.parse(ktap.lift(run.output.read_text()))
            ktap.write_junit(files[-1], [("selftests", test, run.seconds, [])], kernel)
        same = subprocess.run([REPORT / "same-junit", *files], capture_output=True, text=True)
        self.assertEqual((same.returncode, same.stdout), (0, "the same: 7 cases\n"))

    def verdict(self, script, *options, names=NAMES, **limits):
        run = Run(self.top, "lava", command(script, names), *options, **limits)
        return run.end(), run.err

    def assert_verdict(self, name, why, *args, **kwargs):
        code, err = self.verdict(*args, **kwargs)
        self.assertEqual((code, why in err), (guest.EXIT_CODES[name], True), err)

    def test_pass(self):
        self.assertEqual(self.verdict("exit 0"), (0, ""))

    def test_panic(self):
        self.assert_verdict("panic", "panic_on_oom", "echo 1 >/proc/sys/vm/panic_on_oom; tail /dev/zero",
                            "--mem", "256")

    def test_splat_outweighs_the_status(self):
        self.assert_verdict("splat", "WARNING: a fake", "echo '<4>WARNING: a fake at f+0x1/0x2' >/dev/kmsg")

    def test_guest_powers_off(self):
        self.assert_verdict("lost", "the command had not ended", "poweroff -f")

    def test_timeout(self):
        limit = int(3 * max(10.0, self.lava.seconds))
        self.assert_verdict("timeout", "took too long", "sleep 6000", limit=limit)

    def test_missing_test(self):
        self.assert_verdict("fail", "the job of LAVA failed", "exit 0", names=[*NAMES, "renamed_test"])

    def test_no_qemu(self):
        self.assert_verdict("cannot-start", "QEMU exited with 1: ", "", "--cpu", "Z80")

    def test_interrupt_leaves_nothing(self):
        run = Run(self.top, "lava", command("sleep 6000"))
        log = run.log.with_suffix(".lava.log")
        while not (log.exists() and "rig: TAP version" in log.read_text()) and run.proc.poll() is None:
            time.sleep(0.2)
        mine = subprocess.run(["pgrep", "-f", f"rig-{run.proc.pid}/"], capture_output=True, text=True).stdout.split()
        self.assertTrue(mine)
        run.proc.send_signal(signal.SIGINT)
        self.assertEqual(run.end(), 130)
        self.assertFalse([pid for pid in mine if Path(f"/proc/{pid}").exists()])


if __name__ == "__main__":
    unittest.main()
