# SPDX-License-Identifier: GPL-2.0
#
# The rules of guest.py, one row for each: what the ports said, how QEMU ended,
# and the one verdict that this must give. Boots nothing.

import argparse
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import guest  # noqa: E402

BOOT = "Linux version 7.3.4+ (x@y) #1 SMP\r\nRun /init as init process\r\n"
DOWN = "reboot: Power down\r\n"
ALIVE = "kernel 7.3.4+\nbeat\nbeat\n"
PANIC = "Kernel panic - not syncing: "


def ending(console=BOOT + DOWN, control=ALIVE + "status 0\n", stderr="",
           qemu_exit=0, stopped=None):
    return guest.Ending(console, control, stderr,
                        None if stopped else qemu_exit, stopped)


# name, ending, verdict, exit status
ENDINGS = [
    ("status 0", ending(), "pass", 0),
    ("status 1", ending(control=ALIVE + "status 1\n"), "fail", 1),
    ("status 4", ending(control=ALIVE + "status 4\n"), "skip", 4),
    ("status 14 is no skip", ending(control=ALIVE + "status 14\n"), "fail", 14),
    ("killed by a signal", ending(control=ALIVE + "status 137\n"), "fail", 137),
    ("a beat after the status", ending(control="status 0\nbeat\n"), "pass", 0),
    ("carriage returns", ending(control="beat\r\nstatus 0\r\n"), "pass", 0),
    ("init has the last word", ending(control="status 0\nstatus 1\n"), "fail", 1),

    ("no status", ending(control=ALIVE), "lost", None),
    ("nothing at all", ending("", ""), "lost", None),
    ("status without its end", ending(control=ALIVE + "status 0"), "lost", None),
    ("half a number", ending(control=ALIVE + "status 1"), "lost", None),
    ("half a word", ending(control=ALIVE + "stat"), "lost", None),
    ("no number", ending(control="status \n"), "lost", None),
    ("negative", ending(control="status -1\n"), "lost", None),
    ("no exit status", ending(control="status 256\n"), "lost", None),
    ("joined lines", ending(control="status 0beat\n"), "lost", None),
    ("a line before it", ending(control="beatstatus 0\n"), "lost", None),
    ("QEMU killed", ending(control=ALIVE, qemu_exit=-9), "lost", None),
    ("QEMU killed early", ending("", "", qemu_exit=-9), "lost", None),
    ("QEMU killed after the status", ending(qemu_exit=-9), "lost", 0),
    ("QEMU failed after the status", ending(qemu_exit=1), "lost", 0),

    ("QEMU refuses", ending("", "", "qemu: no such CPU\n", 1), "cannot-start", None),
    ("QEMU refuses, says nothing", ending("", "", "", 1), "cannot-start", None),
    ("QEMU fails after boot", ending(BOOT, "", "oops\n", 1), "lost", None),

    ("hang", ending(BOOT, ALIVE, stopped="hang"), "hang", None),
    ("hang before init", ending(BOOT, "", stopped="hang"), "hang", None),
    ("hang while powering off", ending(BOOT, stopped="hang"), "hang", 0),
    ("time-out", ending(BOOT, ALIVE, stopped="timeout"), "timeout", None),
    ("time-out while powering off", ending(BOOT, stopped="timeout"), "timeout", 0),

    ("panic", ending(BOOT + PANIC + "Fatal exception\r\n", ALIVE), "panic", None),
    ("panic after the status", ending(BOOT + PANIC + "Fatal exception\n"), "panic", 0),
    ("panic that then hangs",
     ending(BOOT + PANIC + "Attempted to kill init!\n", ALIVE, stopped="hang"), "panic", None),
    ("panic after an oops",
     ending(BOOT + "BUG: kernel NULL pointer dereference, address: 0\n" + PANIC
            + "Fatal exception\n", ALIVE), "panic", None),
    ("panic with a time", ending("[    1.0] " + PANIC + "x\n", ALIVE), "panic", None),
    ("panic because of a warning",
     ending(BOOT + "WARNING: mm/x.c:3 at f+0x1/0x2, CPU#0: sh/59\r\n" + PANIC
            + "kernel: panic_on_warn set ...\r\n", ALIVE), "splat", None),
    ("the warning itself was cut",
     ending(BOOT + PANIC + "KASAN: panic_on_warn set ...\n", ALIVE), "splat", None),
]

SPLATS = [
    "WARNING: kernel/x.c:12 at f+0x1/0x2, CPU#0: sh/59",
    "WARNING: possible circular locking dependency detected",
    "WARNING: possible recursive locking detected",
    "WARNING: suspicious RCU usage",
    "[    1.234567] WARNING: at f+0x1/0x2, CPU#0: sh/59",
    "[   12.345678][   T59] WARNING: at f+0x1/0x2, CPU#0: sh/59",
    "<4>[    1.234567] WARNING: at f+0x1/0x2, CPU#0: sh/59",
    "BUG: KASAN: slab-use-after-free in f+0x1/0x2",
    "BUG: KCSAN: data-race in f / g",
    "BUG: sleeping function called from invalid context at mm/x.c:1",
    "BUG: scheduling while atomic: sh/59/0x00000002",
    "BUG: Bad page state in process sh  pfn:00001",
    "BUG kmalloc-64 (Not tainted): Object padding overwritten",
    "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:59]",
    "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0",
    "kernel BUG at mm/x.c:12!",
    "Oops: general protection fault, probably for non-canonical address 0x1",
    "UBSAN: array-index-out-of-bounds in mm/x.c:1:2",
    "general protection fault, probably for non-canonical address 0x1",
    "INFO: task sh:59 blocked for more than 120 seconds.",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 0-... }",
    "rcu: INFO: rcu_preempt self-detected stall on CPU",
    "INFO: trying to register non-static key.",
    "INFO: possible recursive locking detected",
    "refcount_t: underflow; use-after-free.",
    "list_add corruption. prev->next should be next (0), but was 1. (prev=2).",
    "list_del corruption, 0->next is LIST_POISON1",
    "unchecked MSR access error: WRMSR to 0x1 (tried to write 0x0)",
    "DEBUG_LOCKS_WARN_ON(1)",
    "irq 4: nobody cared (try booting with the \"irqpoll\" option)",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
]

# Harmless lines that look alike.
NO_SPLATS = [
    "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable",
    "AMD Zen1 DIV0 bug detected. Disable SMT for full protection.",
    "[Firmware Bug]: TSC doesn't count with P0 frequency!",
    "kasan: KernelAddressSanitizer initialized (generic)",
    "DEBUG: no bug here",
    "input: ImExPS/2 Generic Explorer Mouse as /devices/platform/i8042",
    "rcu: Hierarchical RCU implementation.",
    "PCI: if necessary, use \"pci=nocrs\" and report a bug",
]


class VerdictTest(unittest.TestCase):
    def check(self, end, name, status):
        verdict = guest.judge(end)
        self.assertEqual((verdict.name, verdict.exit_status), (name, status))
        self.assertTrue(verdict.reason)
        return verdict

    def test_endings(self):
        for name, end, verdict, status in ENDINGS:
            with self.subTest(name):
                self.check(end, verdict, status)

    def test_splats_spoil_every_status(self):
        for line in SPLATS:
            for status in (0, 1, 4):
                with self.subTest(line, status=status):
                    end = ending(BOOT + line + "\r\n" + DOWN, f"status {status}\n")
                    self.assertIn(line, self.check(end, "splat", status).reason)

    def test_a_splat_explains_hang_timeout_and_loss(self):
        console = BOOT + SPLATS[0] + "\n"
        for stopped in ("hang", "timeout", None):
            with self.subTest(stopped=stopped):
                self.check(ending(console, ALIVE, stopped=stopped), "splat", None)

    def test_harmless_lines(self):
        for line in NO_SPLATS:
            with self.subTest(line):
                self.check(ending(BOOT + line + "\n" + DOWN), "pass", 0)

    def test_exit_codes(self):
        self.assertEqual(guest.EXIT_CODES, {
            "pass": 0, "fail": 1, "skip": 4, "panic": 20, "splat": 21, "hang": 22,
            "timeout": 23, "lost": 24, "cannot-start": 25})


class PartsTest(unittest.TestCase):
    def test_qemu_version(self):
        for text, version in [
                ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\n", (7, 2, 22)),
                ("QEMU emulator version 10.0.2\n", (10, 0, 2)),
                ("QEMU emulator version 5.2\n", (5, 2)),
                ("hello\n", None), ("", None)]:
            with self.subTest(text):
                self.assertEqual(guest.qemu_version(text), version)
        self.assertLess((5, 2), guest.OLDEST_QEMU)
        self.assertGreaterEqual((7, 2), guest.OLDEST_QEMU)
        self.assertGreaterEqual((10, 0, 2), guest.OLDEST_QEMU)

    def test_missing_for_kvm(self):
        amd, intel = "flags : fpu svm lm", "flags : fpu vmx lm"
        for cpuinfo, nested, missing in [
                ("flags : fpu lm", {}, "neither svm nor vmx"),
                ("flags : fpu svm_lock", {}, "neither svm nor vmx"),
                (amd, {}, "kvm_amd is not loaded"),
                (amd, {"kvm_intel": "Y\n"}, "kvm_amd is not loaded"),
                (amd, {"kvm_amd": "0\n"}, "nested=1"),
                (intel, {"kvm_intel": "N\n"}, "nested=1"),
                (amd, {"kvm_amd": "1\n"}, None),
                (intel, {"kvm_intel": "Y\n"}, None)]:
            with self.subTest(cpuinfo, nested=nested):
                found = guest.missing_for_kvm(cpuinfo, nested)
                if missing is None:
                    self.assertIsNone(found)
                else:
                    self.assertIn(missing, found)

    def test_known_races_are_no_splats(self):
        known = {"kvm_age_gfn / spte_update", "mark_unsync"}
        for message, verdict in [
                ("in kvm_age_gfn / spte_update", "pass"),
                ("in spte_update.isra.0 / kvm_age_gfn.constprop.0", "pass"),
                ("in mark_unsync", "pass"), ("in mark_unsync / mark_unsync", "splat"),
                ("in kvm_age_gfn / spte_set", "splat"), ("in kvm_age_gfn", "splat")]:
            with self.subTest(message):
                console = BOOT + f"[    9.1] BUG: KCSAN: data-race {message}\r\n"
                self.assertEqual(guest.judge(ending(console), known).name, verdict)
                self.assertEqual(guest.judge(ending(console)).name, "splat")
                self.assertEqual(len(guest.races(console)), 1)
        both = "BUG: KCSAN: data-race in mark_unsync\nWARNING: other\n"
        self.assertEqual(guest.judge(ending(BOOT + both), known).name, "splat")

    def test_races_of_others_are_no_splats(self):
        for race, verdict in [("in folio_lock / mark_unsync", "splat"), ("in mark_unsync.isra.0", "splat"),
                              ("in folio_lock / xa_load", "pass"), ("in mark_unsyncs", "pass")]:
            with self.subTest(race):
                console = BOOT + f"[    9.1] BUG: KCSAN: data-race {race}\n"
                self.assertEqual(guest.judge(ending(console), (), {"mark_unsync"}).name, verdict)

    def test_kernel_release(self):
        self.assertEqual(guest.kernel_release(ALIVE, ""), "7.3.4+")
        self.assertEqual(guest.kernel_release("", BOOT), "7.3.4+")
        self.assertEqual(guest.kernel_release("", "[    0.0] " + BOOT), "7.3.4+")
        self.assertIsNone(guest.kernel_release("", ""))

    def test_archives_are_aligned(self):
        for length in range(5):
            joined = guest.join_initrds(bytes(length), guest.command_archive(["true"]))
            self.assertEqual(joined.index(b"070701") % 4, 0)

    def test_icount_arguments(self):
        opts = argparse.Namespace(kernel="k", accel="tcg", cpu=None, smp=1, mem=512,
                                  append=["a=1 b=2", "c=3"], icount=True, parallel=False,
                                  plugin=["a.so,b=1", "c.so"], shared="/a:b/file:64")
        args = " ".join(guest.qemu_arguments(opts, "i", "con", "out", "ctl"))
        self.assertIn("-icount shift=0,sleep=off", args)
        self.assertIn("-rtc base=2026-01-01,clock=vm", args)
        self.assertIn("thread=single", args)
        self.assertIn("panic_on_warn=1 a=1 b=2 c=3", args)
        self.assertIn("-serial file:con -serial file:out -serial file:ctl", args)
        self.assertIn("-plugin a.so,b=1 -plugin c.so", args)
        self.assertIn("mem-path=/a:b/file,size=64M -device ivshmem-plain,memdev=shared", args)

    def test_tscs_are_not_compared_where_cpus_take_turns(self):
        for accel, smp, expected in (("tcg", 2, True), ("tcg", 1, False), ("kvm", 2, False)):
            with self.subTest(accel=accel, smp=smp):
                said = guest.kernel_cmdline(argparse.Namespace(accel=accel, smp=smp, append=["a=1"]))
                self.assertEqual("tsc=nowatchdog" in said.split(), expected)

    def test_accelerator_arguments(self):
        for accel, parallel, expected in [("tcg", False, "tcg,thread=single"),
                                          ("tcg", True, "tcg,thread=multi"), ("kvm", True, "kvm")]:
            opts = argparse.Namespace(kernel="k", accel=accel, cpu=None, smp=2, mem=512,
                                      append=[], icount=False, parallel=parallel, plugin=[], shared=None)
            args = guest.qemu_arguments(opts, "i", "con", "out", "ctl")
            self.assertEqual(args[:2], ["-accel", expected])
            self.assertFalse({"-plugin", "-object"} & set(args))


if __name__ == "__main__":
    unittest.main()
