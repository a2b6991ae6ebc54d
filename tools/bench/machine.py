# SPDX-License-Identifier: GPL-2.0
"""The machine of make bench: L1 with KVM in an emulator or on KVM, and L2 in it.

Knobs (environment): ACCEL=tcg|kvm, QEMU, CPU, PIN=<cpu>, BUILD, OUT, RUN_GUEST,
KERNEL_L1=<bzImage>.
"""
import os
from pathlib import Path

import cells
import guest
import identity
import result
from child import say

BENCH = Path(__file__).resolve().parent
ENV = os.environ.get
TOP = Path(ENV("TOP") or BENCH.parents[1])
BUILD, OUT = Path(ENV("BUILD") or TOP / "build"), Path(ENV("OUT") or TOP / "out")
RUN_GUEST = ENV("RUN_GUEST") or BENCH.parent / "rig/run-guest"
WORKLOADS = BENCH / "workloads"
KERNEL = Path(ENV("KERNEL_L1") or BUILD / "kernel-lean/arch/x86/boot/bzImage")
INITRD = BUILD / "bench/l1.cpio"
METER, L2_NAME = BUILD / "bench/meter.so", BUILD / "bench/l2.name"

# What L1 is given: its memory, what of it the host sees, and how long it may take.
# A sign of life comes every 2 s of L1's clock: 2 * 10^9 instructions, minutes where others use the
# machine, too.  Attempts: should a boot stand still, see README.md.
MEM, SHARED_MIB, HEARTBEAT, TIMEOUT, ATTEMPTS = 2048, 256, 300, 3600, 3
APPEND = "norandmaps"
# With two-dimensional paging there is nothing to evict: the pool and the policy don't matter.
MODES = {"fifo": "kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict=fifo",
         "clock": "kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict=clock",
         "tdp": "kvm_amd.npt=1 kvm_intel.ept=1 kvm.mmu_evict=fifo"}
# Parameters that KVM sets by whether there is two-dimensional paging.
FOLLOW_TDP = ("kvm.tdp_mmu", "kvm_intel.allow_smaller_maxphyaddr")
L2_QEMU = "/usr/bin/qemu-system-x86_64"
# Without its paravirtual EOI, as each interrupt then has an exit right after its delivery: see README.md.
L2 = ("-accel kvm -machine pc -cpu qemu64,-kvm-pv-eoi -m 512 -smp 1 -nodefaults -no-user-config -display none -no-reboot "
      "-monitor none -vga none -seed 1 -kernel /bench/l2.kernel -initrd /bench/l2.cpio "
      "-serial file:/tmp/l2.console").split()
L2_APPEND = "console=ttyS0 quiet loglevel=4 8250.nr_uarts=4 nokaslr norandmaps panic=-1 transparent_hugepage=madvise"
# Functions whose instructions count with all that they call.
INSIDE = ("kvm_mmu_page_fault", "make_mmu_pages_available", "kvm_mmu_evict_pages")

GUEST_SCRIPT = f"\n{guest.TELL_UNAME}{guest.TELL_PARAMS}" + 'exec "$@"\n'


def accel():
    chosen = ENV("ACCEL") or "tcg"
    if chosen not in ("tcg", "kvm"):
        raise result.ResultError(f"ACCEL={chosen}: tcg or kvm")
    return chosen


def workloads():
    return {path.name: cells.Workload(path) for path in sorted(WORKLOADS.iterdir()) if path.suffix != ".sh"}


def host(**what):
    """All that must be equal for two boots to be compared; @what: what is measured in them."""
    if not INITRD.exists():
        raise result.ResultError(f"no image {INITRD}: make bench builds it")
    how = accel()
    return identity.host(
        TOP, BUILD / "linux", KERNEL, INITRD, ENV("QEMU") or "qemu-system-x86_64", accel=how, icount=how == "tcg",
        cpu=ENV("CPU") or guest.DEFAULT_CPU[how], smp=1, mem=MEM, append=APPEND, meter_sha256=identity.sha256(METER),
        qemu_l1=identity.run(L2_QEMU, "--version").splitlines()[0], l2_kernel=L2_NAME.read_text().strip(),
        l2=" ".join([L2_QEMU, *L2, "-append", L2_APPEND]), **what)


def write_symbols(path):
    """What the meter needs to know of L1's kernel."""
    objects = sorted((KERNEL.parents[1] / "kvm/mmu").glob("*.o"))
    if not objects:
        raise result.ResultError(f"no objects of KVM's MMU in {KERNEL.parents[1]}: make kernel builds them")
    text = lambda *files: [line.split() for line in identity.run("nm", "-n", *map(str, files)).splitlines()]
    locks = {words[2] for words in text(*objects) if len(words) == 3 and words[1] in "tTwW"}
    lines = [f"{words[0]} {'+' if words[2] in locks else ''}{words[2]}"
             for words in text(KERNEL.parents[3] / "vmlinux") if len(words) == 3 and words[1] in "tTwW"]
    result.write_whole(path, "\n".join(lines) + "\n")


def command(host, stem, shared, policy, workload, options, plugin=(), draw=0, attempt=1):
    """A boot, its files called @stem; @options are the agent's.  Under emulation a boot repeats exactly,
    whatever chance made of it; with another @draw, a word that nobody reads, all that follows is shifted."""
    word = f" draw={draw}.{attempt}" if draw or attempt > 1 else ""
    return [*(["taskset", "-c", ENV("PIN")] if ENV("PIN") else []),
            RUN_GUEST, "--kernel", KERNEL, "--initrd", INITRD, "--accel", host["accel"], "--cpu", host["cpu"],
            "--smp", host["smp"], "--mem", host["mem"], "--append", f"{host['append']} {MODES[policy]}{word}",
            "--timeout", TIMEOUT, "--heartbeat", HEARTBEAT, "--log", f"{stem}.console",
            "--output", f"{stem}.output", "--verdict-json", f"{stem}.verdict.json",
            "--shared", f"{shared}:{SHARED_MIB}", *(["--icount", *plugin] if host["icount"] else []),
            "--", "/bin/sh", "-c", GUEST_SCRIPT, "bench", "/bench/agent", *map(str, options), L2_QEMU, *L2,
            "-append", f"{L2_APPEND} bench={workload}"]


def shared_text(path):
    """What the agent has written so far."""
    return path.read_bytes().rstrip(b"\0").decode(errors="replace") if path.exists() else ""


def facts_of(host, output, policy, pool):
    """What L1 says of itself in its @output, or CellError: it has not done what it was told."""
    facts, forced = {"cmdline": host["append"], "params": {}}, []
    for line in output.splitlines():
        if line.startswith("force-pool: "):
            forced.append(int(line.split()[1]))
        guest.take_fact(facts, line)
    if forced != ([pool] if pool else []):
        raise cells.CellError(f"the pool was set to {forced or 'nothing'}, not {pool or 'left alone'}")
    params = facts["params"]
    tdp = [params.pop(name, "").strip() in ("1", "Y") for name in ("kvm_amd.npt", "kvm_intel.ept")]
    if any(tdp) != (policy == "tdp"):
        raise cells.CellError("two-dimensional paging is " + ("on" if any(tdp) else "off"))
    told = params.pop("kvm.mmu_evict", "none")
    for name in FOLLOW_TDP:
        params.pop(name, None)
    if policy not in (told, "tdp"):
        raise cells.CellError(f"the policy is {told}")
    return facts


def goes_again(name, boot):
    """Whether a @boot that has ended stood still, and may be tried once more."""
    again = boot.child.code == guest.EXIT_CODES["hang"] and boot.attempt < ATTEMPTS
    if again:
        say(f"{name}: hang, once more; console: {boot.stem}.console")
    return again


def check_boot(code, text, workload, said):
    """Raise unless run-guest's exit @code is 0; L2 may have said more than run-guest."""
    if not code:
        return
    verdict = guest.verdict_of(code)
    try:
        cells.Output(text).check(workload)
    except cells.CellError as error:
        raise cells.CellError(f"{verdict}: {error}")
    raise cells.CellError(f"{verdict}; {said.strip().splitlines()[:1]}")
