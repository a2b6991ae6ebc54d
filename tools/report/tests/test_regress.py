# SPDX-License-Identifier: GPL-2.0
"""run-regress: what is worse than base, what the ledger knows, what is run again."""
import json
import os
import signal
import time
import unittest
from pathlib import Path

from sandbox import Sandbox, write
import regress
import result
from result import ResultError

BASE, FIFO, CLOCK = (regress.Config(kernel, "0", "64") for kernel in ("base", "fifo", "clock"))

# patched, base, worse?
WORSE = [(p, b, p != b and p != "ok" and not (p, b) in {
    ("skip", "fail"), ("skip", "time"), ("skip", "crash"), ("fail", "crash"), ("time", "crash")})
    for p in regress.RANK for b in regress.RANK]


def judge(ledger, **outcomes):
    cells = {("t", config): {"outcome": outcomes[config.kernel], "seconds": 1, "log": "x"}
             for config in (BASE, FIFO, CLOCK) if config.kernel in outcomes}
    return regress.Judgement(cells, regress.read_ledger(ledger))


class Logic(unittest.TestCase):
    def test_worse(self):
        self.assertEqual(sum(worse for _, _, worse in WORSE), 11)
        for patched, base, worse in WORSE:
            with self.subTest(patched=patched, base=base):
                self.assertEqual(regress.is_worse(patched, base), worse)

    def test_each_policy_is_compared_with_the_base(self):
        judged = judge("", base="ok", fifo="ok", clock="fail")
        self.assertEqual(judged.worse, [("t", CLOCK)])
        self.assertEqual([judged.shown(("t", c)) for c in (BASE, FIFO, CLOCK)], ["ok", "ok", "FAIL!"])
        self.assertEqual(judge("", base="ok", fifo="fail", clock="ok").worse, [("t", FIFO)])

    def test_other_npt_and_pool_do_not_count(self):
        other = BASE._replace(npt="1")
        cells = {("t", c): {"outcome": o, "seconds": 1, "log": "x"} for c, o in ((BASE, "ok"), (other, "fail"), (FIFO, "fail"))}
        self.assertEqual(regress.Judgement(cells, []).worse, [("t", FIFO)])

    def test_ledger_excuses_nobody_but_base(self):
        judged = judge("t * fail it does\n", base="ok", clock="fail")
        self.assertEqual(judged.worse, [("t", CLOCK)])
        self.assertEqual(judged.shown(("t", CLOCK)), "FAIL!")

    def test_base_that_fails_now_and_then(self):
        judged = judge("t * fail? a race\n", base="ok", fifo="fail", clock="ok")
        self.assertEqual([judged.shown(("t", c)) for c in (BASE, FIFO, CLOCK)], ["ok", "known", "ok"])
        self.assertEqual((judged.worse, list(judged.remarks())), ([], []))
        judged = judge("t * fail? a race\n", base="ok", fifo="crash", clock="time")
        self.assertEqual(judged.worse, [("t", FIFO), ("t", CLOCK)])
        self.assertEqual(judge("t * fail? a race\n", base="fail", clock="fail").worse, [])
        self.assertEqual(judge("t * fail? a race\n", base="fail").unlisted, [])

    def test_known_failure(self):
        judged = judge("t npt0-* fail a reason\n", base="fail", fifo="fail", clock="ok")
        self.assertEqual([judged.shown(("t", c)) for c in (BASE, FIFO, CLOCK)], ["known", "known", "ok"])
        self.assertEqual(list(judged.remarks()), [])

    def test_failure_of_base_that_is_not_listed(self):
        for ledger in ("", "other * fail x\n", "t npt1-* fail x\n", "t base-* fail x\n"):
            judged = judge(ledger, base="fail", clock="fail")
            self.assertEqual((judged.unlisted, judged.worse), ([("t", BASE)], []))
            self.assertEqual(judged.shown(("t", BASE)), "FAIL")
        self.assertEqual(judge("t * time x\n", base="fail").unlisted, [("t", BASE)])
        self.assertEqual(judge("", base="skip").unlisted, [("t", BASE)])

    def test_entry_that_no_longer_happens(self):
        judged = judge("t npt0-64 fail an old reason\n", base="ok", clock="ok")
        self.assertEqual([key for key, _ in judged.gone], [("t", BASE)])
        self.assertIn("an old reason", list(judged.remarks())[0])
        self.assertEqual(judge("t npt1-* fail x\n", base="ok").gone, [])

    def test_skips_are_listed_but_not_called_known(self):
        judged = judge("t * skip no such CPU\n", base="skip", clock="skip")
        self.assertEqual((judged.shown(("t", CLOCK)), list(judged.remarks())), ("skip", []))

    def test_without_base_there_is_no_comparison(self):
        self.assertEqual(judge("", clock="ok").unpaired, [("t", CLOCK)])

    def test_malformed_files(self):
        for text in ("t * fail\n", "t * ok fine\n", "t * broken x\n", "t * ok? x\n", "t * ? x\n"):
            with self.assertRaises(ResultError):
                regress.read_ledger(text)
        for text in ("", "* x\n", "* 1\nt\n", "* 1\nt 5\nt 6\n"):
            with self.assertRaises(ResultError):
                regress.read_settings(text)
        self.assertEqual(regress.read_settings("* 9\n# x\nt 5 -a 1 # why\n"), {"*": (9, ""), "t": (5, "-a 1")})


class Driver(Sandbox):
    def setUp(self):
        super().setUp()
        write(self.top / "build/base/linux/Makefile", "")
        self.commit(self.top / "build/base/linux")
        write(self.top / "build/base/kernel-lean/arch/x86/boot/bzImage", "base kernel")
        write(self.top / "build/base/image/initramfs.cpio.gz", "image")
        write(self.top / "build/base/selftests/kselftest-list.txt", "kvm:one\nkvm:two\nkvm:three\n")
        self.ledger = write(self.top / "build/ledger", "")
        self.settings = write(self.top / "build/settings", "* 60\ntwo 30 -v 2\n")
        self.env |= {"LEDGER": str(self.ledger), "SETTINGS": str(self.settings)}
        for name in ("ONLY", "WHERE"):
            self.env.pop(name, None)

    def regress(self, code, *faults, **env):
        got, out, err = self.run_script("run-regress", FAKE=";".join(faults), **env)
        self.assertEqual(got, code, out + err)
        return out, err

    def boots(self):
        path = Path(self.env["FAKE_BOOTS"])
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def words(self, boot):
        return boot["command"][boot["command"].index("regress") + 1:]

    def is_sample(self):
        run = max(self.out.iterdir(), key=lambda p: p.stat().st_mtime)
        return result.load(run / "result.json", "regress")["identity"]["host"]["sample"]

    def cells(self):
        run = max(self.out.iterdir(), key=lambda p: p.stat().st_mtime)
        return {(c["test"], c["config"]): c for c in result.load(run / "result.json", "regress")["cells"]}

    def test_kvm_unit_tests_have_runs_of_their_own(self):
        write(self.top / "build/kut/image.cpio", "image with QEMU")
        write(self.top / "build/kut/list.txt", "access\n")
        write(self.top / "build/kut/source/x86/unittests.cfg", "")
        self.commit(self.top / "build/kut/source")
        self.regress(0, KUT="/checkout", WHERE="clock-npt0-64")
        identity = json.loads(next(self.out.glob("*/result.json")).read_text())["identity"]
        self.assertRegex(identity["host"]["kut_commit"], "^[0-9a-f]{40}$")
        self.assertEqual([run.name[:4] for run in self.out.iterdir()], ["kut-"])
        self.assertEqual([self.words(boot) for boot in self.boots()], [["access 60 "]] * 2)
        self.assertEqual({boot["initrd"] for boot in self.boots()}, {str(self.top / "build/kut/image.cpio")})

    def test_engine_comes_to_the_same(self):
        faults = ("exit1:two@clock-npt0-64", "panic:one@fifo-npt1-all", "after:three@base-npt0-all")
        results = []
        for engine in ("", "local"):
            out, _ = self.regress(1, *faults, RUN=f"run-{engine}", ENGINE=engine, CHUNK="4")
            self.assertRegex(out, r"36 cells, \d worse than base")
            results.append({key: {k: v for k, v in cell.items() if k not in ("boot", "seconds")}
                            for key, cell in self.cells().items()})
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[1]["two", "clock-npt0-64"]["arguments"], "-v 2")

    def test_engine_goes_on(self):
        err = self.regress(1, "noboot:clock-npt0-64", ENGINE="local", CHUNK="3", RUN="x")[1]
        self.assertIn("cannot-start", err)
        before = len(self.boots())
        self.regress(0, ENGINE="local", RUN="x")
        self.assertEqual([self.words(boot) for boot in self.boots()[before:]], [["one 60 ", "two 30 -v 2", "three 60 "]])
        before = len(self.boots())
        self.regress(0, ENGINE="local", RUN="x")
        self.assertEqual(len(self.boots()), before)

    def test_engine_leaves_out_what_there_is(self):
        self.regress(0, ONLY="t*", WHERE="clock-npt0-64", RUN="x")
        before = len(self.boots())
        self.regress(0, ENGINE="local", WHERE="clock-npt0-64", RUN="x")
        self.assertEqual([self.words(boot) for boot in self.boots()[before:]], [["one 60 "]] * 2)
        self.assertEqual(len(self.cells()), 6)

    def test_all_is_well(self):
        out, err = self.regress(0)
        self.assertEqual((len(self.boots()), len(self.cells()), self.is_sample()), (12, 36, False))
        self.assertIn("36 cells, 0 worse than base", out)
        self.assertIn("36 of 36 cells to measure, 2 guests at a time, about 0:03:36", err)
        two = self.cells()["two", "clock-npt1-64"]
        self.assertEqual((two["outcome"], two["exit"], two["seconds"], two["arguments"], two["forced"]),
                         ("ok", 0, 3, "-v 2", 1))
        log = next(self.out.iterdir()) / two["log"]
        self.assertEqual(log.read_text(), "force-pool: 64 shadow pages\nI am two 30 -v 2\nok 1 a\nok 2 b # SKIP c\nok 3 d\n\n")
        self.assertEqual(two["passed"], 2)

    def test_configurations_reach_the_guest(self):
        self.regress(0)
        seen = {(Path(b["kernel"]).relative_to(self.top / "build").parts[0], b["append"],
                 b["command"][b["command"].index("env") + 1]) for b in self.boots()}
        self.assertEqual(len(seen), 12)
        self.assertIn(("base", "kvm_amd.npt=0 kvm_intel.ept=0", "FORCE_POOL="), seen)
        self.assertIn(("kernel-lean", "kvm_amd.npt=1 kvm_intel.ept=1 kvm.mmu_evict=clock", "FORCE_POOL=64"), seen)

    def test_patched_worse(self):
        out, _ = self.regress(1, "exit134:two@clock-npt0-64")
        self.assertRegex(out, "worse than base: two in clock-npt0-64: fail, base: ok; log: logs/clock-npt0-64/two.log")
        self.assertEqual({key: c["shown"] for key, c in self.cells().items() if c["shown"] != "ok"},
                         {("two", "clock-npt0-64"): "FAIL!"})
        self.assertIn("goal MISSED: no cell is worse than base: two in clock-npt0-64 (fail)", out)

    def test_cases_that_no_longer_pass(self):
        out, _ = self.regress(1, "fewer:two@clock-npt0-64")
        self.assertIn("two in clock-npt0-64: ok (1 cases passed), base: ok (2 cases passed)", out)
        self.assertEqual({key: c["shown"] for key, c in self.cells().items() if c["shown"] != "ok"},
                         {("two", "clock-npt0-64"): "fewer!"})
        self.ledger.write_text("two npt0-64 fail? now and then\n")
        self.regress(0, RUN=next(self.out.iterdir()).name)

    def test_base_fails_too(self):
        faults = [f"exit1:two@{k}-npt0-64" for k in ("base", "clock")]
        out, _ = self.regress(0, *faults)
        self.assertIn("not in the ledger: two in base-npt0-64: fail", out)
        self.ledger.write_text("two npt0-64 fail a reason\n")
        out, err = self.regress(0, *faults, RUN=next(self.out.iterdir()).name)
        self.assertIn(" 0 of 36 cells to measure", err)
        self.assertNotIn("not in the ledger", out)
        self.assertIn("known", out)

    def test_statuses(self):
        self.regress(1, "exit4:one@fifo-npt0-all", "exit124:two@fifo-npt0-all", "exit137:three@fifo-npt0-all")
        self.assertEqual([self.cells()[t, "fifo-npt0-all"]["outcome"] for t in ("one", "two", "three")],
                         ["skip", "time", "time"])

    def test_panic_costs_only_its_test(self):
        out, _ = self.regress(1, "panic:two@fifo-npt0-all")
        cells = self.cells()
        self.assertEqual([cells[t, "fifo-npt0-all"]["outcome"] for t in ("one", "two", "three")], ["ok", "crash", "ok"])
        self.assertEqual(cells["two", "fifo-npt0-all"]["why"], "panic")
        self.assertEqual([len(self.words(b)) for b in self.boots()].count(1), 1)

    def test_panic_after_a_test_is_its_own(self):
        self.regress(1, "after:two@fifo-npt0-all", "after:three@fifo-npt1-all")
        cells = self.cells()
        self.assertEqual([cells[t, "fifo-npt0-all"]["outcome"] for t in ("one", "two", "three")], ["ok", "crash", "ok"])
        self.assertEqual(cells["three", "fifo-npt1-all"]["outcome"], "crash")

    def test_marks_of_a_test_are_its_own_output(self):
        self.regress(0, "stray:two@fifo-npt0-all")
        self.assertEqual(self.cells()["two", "fifo-npt0-all"]["exit"], 0)

    def test_no_boot_is_no_endless_loop(self):
        out, _ = self.regress(1, "noboot:clock-npt0-all")
        self.assertIn("error: 3 cells are missing", out)
        self.assertFalse(list(self.out.glob("*/result.json")))
        self.assertIn("cannot-start before the first test", out)
        self.assertEqual(len(self.boots()), 12)
        self.regress(0)
        self.assertEqual((len(self.boots()), len(self.cells())), (13, 36))

    def test_pool_that_was_not_forced(self):
        out, _ = self.regress(1, *(f"unforced:{t}@clock-npt0-64" for t in ("one", "two", "three")))
        self.assertIn("error: clock-npt0-64: the pool was not forced", out)
        self.assertFalse(list(self.out.glob("*/result.json")))

    def test_pick(self):
        self.regress(0, ONLY="t* one", WHERE="clock-npt0-64")
        self.assertEqual((len(self.cells()), self.is_sample()), (6, True))
        self.regress(0, ONLY="t*", WHERE="clock-npt?-64")
        self.assertEqual({c for _, c in self.cells()},
                         {f"{k}-npt{n}-64" for k in ("base", "clock") for n in "01"})
        code, _, err = self.run_script("run-regress", ONLY="four")
        self.assertEqual((code, "nothing is called four" in err), (1, True))

    def test_interrupt_and_resume(self):
        proc = self.start("run-regress", RUN="mine", WHERE="base-*", JOBS="1", FAKE="hang:two@base-npt0-64")
        cells = self.out / "mine/cells.jsonl"
        for _ in range(300):
            if cells.exists() and len(cells.read_text().splitlines()) == 4 and len(self.boots()) == 2:
                break
            time.sleep(0.1)
        proc.send_signal(signal.SIGINT)
        self.assertIn("resumes", proc.communicate(timeout=20)[1])
        self.assertEqual(proc.returncode, 130)
        before = len(self.boots())
        _, err = self.regress(0, RUN="mine", WHERE="base-*", JOBS="1")
        self.assertIn("8 of 12 cells to measure", err)
        self.assertEqual([len(self.words(b)) for b in self.boots()[before:]], [2, 3, 3])
        self.assertEqual(len(self.cells()), 12)

    def test_new_arguments_are_a_new_cell(self):
        self.regress(0, RUN="mine")
        self.settings.write_text("* 60\ntwo 30 -v 3\n")
        _, err = self.regress(0, RUN="mine")
        self.assertIn("12 of 36 cells to measure", err)
        self.assertEqual({w for b in self.boots()[12:] for w in self.words(b)}, {"two 30 -v 3"})

    def test_new_kernel_is_a_new_run(self):
        self.regress(0, RUN="mine")
        write(self.top / "build/base/kernel-lean/arch/x86/boot/bzImage", "another")
        code, _, err = self.run_script("run-regress", RUN="mine")
        self.assertEqual((code, "another state" in err), (1, True))


if __name__ == "__main__":
    unittest.main()
