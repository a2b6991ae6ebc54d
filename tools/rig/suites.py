# SPDX-License-Identifier: GPL-2.0
"""What run-tests runs: each suite is one command whose output is KTAP.

Knobs (environment): ENGINE, what the guests of selftests run by; SEED, TOP, BUILD, OUT.
"""
import os
import time
from pathlib import Path

import guest
import ktap
from child import Child

RIG = Path(__file__).resolve().parent
REPORT, BENCH = RIG.parent / "report", RIG.parent / "bench"
ENV = os.environ.get
TOP = Path(ENV("TOP") or RIG.parents[1])
BUILD, OUT = Path(ENV("BUILD") or TOP / "build"), Path(ENV("OUT") or TOP / "out")
RUN_GUEST, RUN_KUNIT = ENV("RUN_GUEST") or RIG / "run-guest", ENV("RUN_KUNIT") or RIG / "run-kunit"
UNITTEST = REPORT / "unittest-ktap"
# What a guest of the selftests is run by: this machine, a node of the cluster, that shares
# this folder, or LAVA.  All of them give the same KTAP.
RUNNERS = {
    "local": [RUN_GUEST],
    "slurm": ["srun", "--quiet", "--nodes=1", "--ntasks=1", "--cpus-per-task=2", RUN_GUEST],
    "lava": [RUN_GUEST, "--engine", "lava"],
}
ENGINE = ENV("ENGINE") or "local"
SEED = int(ENV("SEED") or 1)

# What must show up in the output of a suite.  A name that is missing here was
# never awaited, one that is missing there is a failure.
KUNIT = {
    "kunit-um": ["kvm_mmu_evict"],
    "kunit-x86_64": ["kvm_mmu_evict", "kvm_mmu_evict_parents", "kvm_mmu_evict_pages"],
}
# Selftests that need shadow paging.  Those in BOTH leave out a policy if asked to,
# the others run under both at once.
NESTED, STRESS, PERF = "mmu_evict_nested_test", "mmu_evict_stress_test", "mmu_evict_perf_test"
BOTH = ["mmu_evict_test", "mmu_evict_order_test", "mmu_evict_enomem_test", PERF]
SHADOW = {
    "fifo": [*BOTH, "mmu_evict_roots_test"],
    "clock": [*BOTH, "mmu_evict_paging_test", "mmu_pool_size_test"],
}
NEED_SHADOW = sorted({name for names in SHADOW.values() for name in names} | {STRESS})
# The perf test in short: long enough to fill its pool, nobody reads its numbers.
ARGS = {
    "mmu_evict_test": "-V {other}",
    "mmu_evict_order_test": "-s {seed} -V {other}",
    "mmu_evict_enomem_test": "-V {other}",
    PERF: "-m hot -p 64 -s {seed} -w 4000 -n 4000 -v 1 -e {policy}",
    "mmu_evict_roots_test": "-s {seed}",
    NESTED: "-s {seed}",
    STRESS: "-s {seed} -v 4 -- -V {other}",
}
MODULES = ["mmu_evict_modules_test.sh"]
# What to look for leaks after: a few of the above, as kmemleak is slow.
LEAKS = ["mmu_evict_enomem_test", "mmu_pool_size_test"]
# Data races that the base has, too.
RACES = RIG / "kcsan.races"
# What make regress does at length: upstream's own tests of what eviction could
# break, short, but with more tables than the pool has pages (one for 2 MiB).
UPSTREAM = {
    "memslot_perf_test": "-s 16 -l 1 -f 3 -e 4",
    "dirty_log_test": "-i 4",
    "demand_paging_test": "-b 192M",
    "kvm_page_table_test": "-b 192M",
    "memslot_modification_stress_test": "-b 192M -i 5",
    "nested_dirty_log_test": "",
}
# Those that came after some of the bases.
LATER = ["nested_dirty_log_test"]
# Kernels that have an image of their own.
IMAGES = {"modules": "modules"}
# Whoever made the CPU.
SHADOW_PAGING, TDP = "kvm_amd.npt=0 kvm_intel.ept=0", "kvm_amd.npt=1 kvm_intel.ept=1"
# Let KVM's guests have 5-level paging, but not the kernel itself: a KASAN kernel
# takes itself for broken if it is interrupted in identify_cpu(), where it does not
# know for a moment that the CPU has LA57.
LA57 = ["--cpu", guest.DEFAULT_CPU["tcg"] + ",+la57", "--append", "no5lvl"] if (ENV("ACCEL") or "tcg") == "tcg" else []
# What the kernel finds out about leaks is on its console, where run-guest sees
# it.  Objects that are younger than five seconds are none.
IN_GUEST = """cd /selftests && ./run_kselftest.sh -o 600 "$@"
status=$?
! grep -qw kmemleak=on /proc/cmdline || {
	sleep 6
	for i in 1 2; do echo scan; done > /sys/kernel/debug/kmemleak || status=1
	cat /sys/kernel/debug/kmemleak
}
exit $status"""


def shown(path):
    """A path as a reader would type it."""
    return str(path.relative_to(TOP) if path.is_relative_to(TOP) else path)


def is_missing(name):
    """Are there selftests, but not this one?"""
    folder = BUILD / "linux/tools/testing/selftests/kvm"
    return folder.is_dir() and not list(folder.glob(f"**/{name}.c"))


class Suite:
    """One command whose output is KTAP, and what became of it."""

    timeout, expect, with_cases, must_skip = 900, (), (), ()

    def __init__(self, name, config, out):
        self.name, self.config, self.out = name, config, out
        self.log, self.ktap = out / f"{name}.log", out / f"{name}.ktap"
        self.child, self.test, self.problems, self.seconds = None, None, [], 0.0

    def argv(self):
        raise NotImplementedError

    def start(self):
        self.began = time.time()
        self.child = Child(self.argv(), self.log)

    def overdue(self):
        return time.time() - self.began > self.timeout

    def output(self):
        """The KTAP that the command left."""
        return self.child.said()

    def blame(self):
        """What the exit of the command says beyond its KTAP."""
        return [f"exit: the command ended with {self.child.code}, log: {shown(self.log)}"] if self.child.code else []

    def close(self, kernel, overdue):
        self.seconds = time.time() - self.began
        self.child.stop()
        text = self.output()
        self.ktap.write_text(text)
        self.test = kernel.parse(text)
        self.problems = [f"time-out: stopped after {self.timeout} s"] if overdue else self.blame()
        self.problems += ktap.problems_of(kernel, self.test, self.expect, self.with_cases, self.must_skip)

    def counts(self):
        c = self.test.counts
        return c.passed, c.failed + c.crashed + len(self.problems), c.skipped

    def row(self):
        passed, failed, skipped = self.counts()
        verdict = "FAIL" if failed else "pass" if passed else "skip"
        return [self.name, self.config, verdict, *map(str, (passed, failed, skipped)),
                f"{self.seconds:.0f}", shown(self.log)]


class Program(Suite):
    """A program on this machine that prints KTAP."""

    def __init__(self, name, config, out, *argv):
        super().__init__(name, config, out)
        self.command = argv

    def argv(self):
        return self.command


class Programs(Program):
    """Several of them, each of which prints KTAP."""

    def output(self):
        return ktap.join(super().output())


class KUnit(Suite):
    """kunit.py leaves the kernel's output in its build folder: no need to trust what is printed."""

    timeout = 3000

    def __init__(self, name, config, out):
        super().__init__(name, config, out)
        self.arch = name.removeprefix("kunit-")
        self.expect = self.with_cases = KUNIT[name]
        self.kernel_log = BUILD / name / "test.log"

    def argv(self):
        self.kernel_log.unlink(missing_ok=True)
        return [RUN_KUNIT, self.arch]

    def output(self):
        return self.kernel_log.read_text(errors="replace") if self.kernel_log.exists() else ""

    def blame(self):
        trouble = guest.judge(guest.Ending(self.output(), "status 0\n", "", 0, None))
        if trouble.name != "pass":
            return [f"{trouble.name}: {trouble.reason.rpartition(' (')[0]}; log: {shown(self.kernel_log)}"]
        return super().blame()


class Selftests(Suite):
    """The kernel's own runner in a guest; run-guest tells how the guest ended.
    @skipping tests cannot run there, and must say so."""

    mem = 1024

    def __init__(self, name, out, kernel, tests, policy, append, skipping=(), parallel=False):
        super().__init__(name, f"{kernel} kernel, {append}" + ", CPUs in parallel" * parallel, out)
        self.kernel, self.tests, self.policy, self.append, self.parallel = kernel, tests, policy, append, parallel
        self.expect = [f"selftests: kvm: {name}" for name in tests]
        self.with_cases = [name for name in self.expect if not name.endswith(PERF)]
        self.must_skip = [f"selftests: kvm: {name}" for name in skipping]

    def variables(self):
        """The arguments of the tests.  The harness leaves out the other policy."""
        other = "fifo" if self.policy == "clock" else "clock"
        for name in self.tests:
            args = ARGS.get(name, "").format(seed=SEED, policy=self.policy, other=other)
            yield f"KSELFTEST_{name.upper()}_ARGS={args}"

    def argv(self):
        return [*RUNNERS[ENGINE], "--kernel", BUILD / f"kernel-{self.kernel}/arch/x86/boot/bzImage",
                "--initrd", BUILD / f"image/{IMAGES.get(self.kernel, 'initramfs')}.cpio.gz",
                "--smp", 2, "--mem", self.mem, *["--parallel"] * self.parallel, *LA57, "--append", self.append,
                *(["--known-races", RACES, "--suspects", BUILD / "kernel-kcsan/kvm.functions"]
                  if self.kernel == "kcsan" else []),
                "--timeout", self.timeout - 60, "--heartbeat", 120, "--log", self.out / f"{self.name}.console",
                "--output", self.out / f"{self.name}.output", "--verdict-json", self.out / f"{self.name}.verdict.json",
                "--", "env", *(self.variables() if self.policy else ()), "/bin/sh", "-c", IN_GUEST, "selftests",
                *(word for name in self.tests for word in ("-t", f"kvm:{name}"))]

    def output(self):
        path = self.out / f"{self.name}.output"
        return ktap.lift(path.read_text(errors="replace")) if path.exists() else ""

    def blame(self):
        verdict = guest.verdict_of(self.child.code)
        return [] if verdict == "pass" else [f"{verdict}: {self.reason()}; console: {shown(self.out / self.name)}.console"]

    def reason(self):
        """The line in which run-guest says why."""
        said = [line for line in self.child.said().splitlines() if line.strip()]
        return next((line for line in said if line.startswith("run-guest: ")), said[-1] if said else "no reason given")


class Upstream(Selftests):
    """Upstream's tests, every VM with a pool of 64 shadow pages."""

    # dirty_log_test maps a GiB, though it hardly uses it.
    mem = 1536

    def __init__(self, out, kernel, policy):
        tests = [name for name in UPSTREAM if name not in LATER or not is_missing(name)]
        super().__init__(f"upstream-{policy}", out, kernel, tests, policy, f"{SHADOW_PAGING} kvm.mmu_evict={policy}")
        self.with_cases = ()

    def variables(self):
        yield from ("FORCE_POOL=64", "LD_PRELOAD=/selftests/force-pool.so")
        yield from (f"KSELFTEST_{name.upper()}_ARGS={args}" for name, args in UPSTREAM.items() if name in self.tests)


class GuestInAGuest(Program):
    """What make bench boots, in short."""

    timeout = 1800

    def __init__(self, out, kernel):
        super().__init__("l2", f"{kernel} kernel, a guest in a guest", out, UNITTEST, BENCH / "tests/l2")
        self.kernel = BUILD / f"kernel-{kernel}/arch/x86/boot/bzImage"

    def start(self):
        self.began = time.time()
        self.child = Child(self.argv(), self.log, KERNEL_L1=str(self.kernel), ACCEL="tcg")


def selftests(kernel, out):
    """Two guests at a time, the long ones first.  The stress test enables no
    tracepoint, hence may run on CPUs that are emulated in parallel."""
    if kernel == "modules":
        return [[Selftests("selftests-modules", out, kernel, MODULES, None, "slab_nomerge")]]
    policies = {policy: f"{SHADOW_PAGING} kvm.mmu_evict={policy}" for policy in ("fifo", "clock")}
    both = [Selftests(f"selftests-{policy}", out, kernel, SHADOW[policy], policy, append)
            for policy, append in policies.items()]
    stress = [Selftests(f"selftests-stress-{policy}", out, kernel, [STRESS], policy, append, parallel=True)
              for policy, append in policies.items()]
    leaks = Selftests("selftests-leaks", out, kernel, LEAKS, "clock", f"{policies['clock']} kmemleak=on")
    tdp = Selftests("selftests-tdp", out, kernel, [*NEED_SHADOW, NESTED], "clock", TDP, skipping=NEED_SHADOW)
    return [[*both, *stress, tdp, *([leaks] if kernel == "kasan" else [])]]


def stages(kernel, out):
    """Those of a stage run two at a time.  What builds, or boots two guests itself, needs the cores."""
    return [
        [Program("rig", "host, guests that break", out, UNITTEST, RIG / "tests")],
        [Programs("evict-sim", "host, ASAN, UBSAN", out, RIG / "build-sim", "check"),
         Program("lab", "host, the simulator", out, UNITTEST, RIG / "tests/lab"),
         Program("slurm", "host, a cluster of one node", out, UNITTEST, RIG / "tests/slurm"),
         Program("lava", "host, guests that LAVA boots", out, UNITTEST, RIG / "tests/lava"),
         Program("fuzz-corpus", "host, ASAN, UBSAN", out, RIG / "fuzz-core", "replay"),
         Program("mutants", "UML, a sample", out, RIG / "run-mutants", "--quick", "--ktap"),
         Program("report", "host", out, UNITTEST, REPORT / "tests"),
         Program("browser", "host, Chromium", out, UNITTEST, REPORT / "tests/browser"),
         Program("bench", "host", out, UNITTEST, BENCH / "tests"),
         Program("gate", "host", out, UNITTEST, RIG.parent / "gate/tests"),
         Program("models", "host, SPIN", out, RIG.parent / "models/run-models"), KUnit("kunit-um", "UML", out)],
        [KUnit("kunit-x86_64", "QEMU, lockdep", out)],
        *selftests(kernel, out),
        [Upstream(out, kernel, "fifo"), Upstream(out, kernel, "clock"), GuestInAGuest(out, kernel)],
    ]
