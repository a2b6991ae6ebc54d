# SPDX-License-Identifier: GPL-2.0
#
# What run-guest knows without running anything: how QEMU is called, how the
# command travels into the guest, and what a run meant. No I/O, so that the
# unit tests can hold every rule to the letter.

import re
import shlex
from collections import namedtuple

EXIT_CODES = {
    "pass": 0,
    "fail": 1,
    "skip": 4,
    "panic": 20,
    "splat": 21,
    "hang": 22,
    "timeout": 23,
    "lost": 24,
    "cannot-start": 25,
}

# What a guest says of itself, in lines with a leading "# ".
TELL_UNAME = 'echo "# uname $(uname -r)"\n'
TELL_PARAMS = r"""for file in /sys/module/kvm*/parameters/*; do
	value=; read -r value 2>/dev/null <"$file"
	module=${file#/sys/module/}
	echo "# param ${module%%/*}.${file##*/} $value"
done
"""

KSFT_SKIP = 4
OLDEST_QEMU = (7, 2)

# A splat must end the run, a panic must end QEMU, addresses must not vary.
KERNEL_ARGS = ("console=ttyS0 8250.nr_uarts=4 nokaslr "
               "panic=-1 oops=panic panic_on_warn=1")

# Linux 7.3 has two CPUs compare their TSCs, with interrupts off.  Where that interrupts one
# that has just queued a call for the other, the IPI is not sent before the check is over,
# i.e. after 100 us.  If CPUs take turns, looking at the clock once in 5000 spins takes so
# long that a hard lockup is found before: one boot of hundreds, on a busy machine.
TURNS_ARGS = "tsc=nowatchdog"

# For a guest whose one serial port has all that others have ports for: it goes through the
# kernel's log, which then must not drop lines.  See init.
ONE_PORT_ARGS = "rig.port=kmsg printk.devkmsg=on"

# With a thread for each CPU, emulation may execute an int3 of the kernel's text
# patching after the kernel has taken it back, which is an oops.  CPUs that take
# turns are safe, but don't race.  The kernels of the rig have no jump labels, so
# that only switching a tracepoint patches text: whoever does not may use threads.
TCG_THREADS = {False: "single", True: "multi"}

DEFAULT_CPU = {"tcg": "EPYC,+svm", "kvm": "host"}

# How a run ended. console and control are what ttyS0 and ttyS2 said, stderr
# what QEMU said. qemu_exit is its exit status, negative for a signal, None
# if it had to be stopped; stopped is then "hang" or "timeout".
Ending = namedtuple("Ending", "console control stderr qemu_exit stopped")

Verdict = namedtuple("Verdict", "name exit_status reason")

# The start of a message, after a level, a time and a caller.
_START = r"^(?:<\d+>)?(?:\[ *\d+\.\d+\])?(?:\[ *[TC]\d+\])? ?"

# Messages after which no kernel can be trusted. They count only where a
# message starts: "RETBleed: WARNING: ..." is advice about a CPU.
_SPLATS = (
    r"WARNING: ",
    r"(?:watchdog: )?BUG[: ]",
    r"kernel BUG at ",
    r"Oops(?::| -) ",
    r"UBSAN: ",
    r"(?:traps: )?(?:general protection fault|double fault|divide error|"
    r"invalid opcode|stack segment|int3|bounds|invalid TSS)[:,] ",
    r"(?:rcu: )?INFO: .*(?:detected.* stalls?|self-detected stall)",
    r"INFO: (?:possible|suspicious|inconsistent|trying to register) ",
    r"INFO: task .* blocked for more than ",
    r"(?:watchdog: )?(?:CPU\d+: )?Watchdog detected hard LOCKUP",
    r"(?:slab |list_(?:add|del)).* corruption",
    r"refcount_t: ",
    r"unchecked MSR access error: ",
    r"DEBUG_LOCKS_WARN_ON",
    r"irq \d+: nobody cared",
    r"kmemleak: \d+ new suspected ",
)
_SPLAT = re.compile(_START + "(?:" + "|".join(_SPLATS) + ").*", re.MULTILINE)

# The two functions of a race; what the compiler made of them is in their suffix.
_RACE = re.compile(_START + r"BUG: KCSAN: data-race in ([\w.]+)(?: / ([\w.]+))?$", re.MULTILINE)

_PANIC = re.compile(_START + r"Kernel panic - not syncing: (.*)$", re.MULTILINE)

_STATUS = re.compile(r"^status (\d{1,3})$")

# The control channel says it early and clean, the console earlier still.
_RELEASE = re.compile(r"^(?:kernel|.*Linux version) (\S+)", re.MULTILINE)


def verdict_of(code):
    """What an exit code of run-guest means."""
    return next((name for name, its in EXIT_CODES.items() if its == code), f"exit code {code} of run-guest")


def take_fact(facts, line):
    """Add what @line tells, if it is one of TELL_..., or the kernel's command line."""
    sign, word, rest = (line.split(" ", 2) + ["", ""])[:3]
    if sign == "#" and word in ("uname", "cmdline"):
        facts[word] = rest
    elif sign == "#" and word == "param":
        name, _, value = rest.partition(" ")
        facts["params"][name] = value


def complete_lines(text):
    """A line that was cut short says nothing."""
    return text.replace("\r", "").split("\n")[:-1]


def reported_status(control):
    """The exit status that the guest's init reported, or None."""
    found = [_STATUS.match(line) for line in complete_lines(control)]
    values = [int(match.group(1)) for match in found if match]
    return values[-1] if values and values[-1] <= 255 else None


_TOLD = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? rig(-control)?: (.*)$")


def split_port(text):
    """(console, output, control) of what came over the one port."""
    console, output, control = [], [], []
    for line in complete_lines(text):
        told = _TOLD.match(line)
        (console if not told else control if told[1] else output).append(told[2] if told else line)
    return tuple("".join(f"{line}\n" for line in lines) for lines in (console, output, control))


def kernel_release(control, console):
    found = _RELEASE.search(control) or _RELEASE.search(console)
    return found.group(1) if found else None


def _console_trouble(console):
    """(verdict, message) if the kernel complained, else None."""
    splat = _SPLAT.search(console)
    panic = _PANIC.search(console)
    if panic and "panic_on_warn set" not in panic.group(1):
        return "panic", panic.group(0).strip()
    if splat or panic:
        return "splat", (splat or panic).group(0).strip()
    return None


def _race(match):
    return " / ".join(sorted(name.partition(".")[0] for name in match.groups() if name))


def races(console):
    """The data races that KCSAN reported, as `function / function`."""
    return {_race(match) for match in _RACE.finditer(console.replace("\r", ""))}


def judge(ending, known_races=(), suspects=None):
    """
    One verdict for one ending. What the kernel said outweighs what the command
    said: a command may well pass on a kernel that is already broken. And
    nothing but a complete status of a guest that ended by itself is a pass.
    Of what the kernel says, nothing is forgiven but @known_races and, if there
    is a set of @suspects, races of which no side is one of these functions.
    """
    def is_news(race):
        return race not in known_races and (suspects is None or suspects & set(race.split(" / ")))

    console = _RACE.sub(lambda match: match[0] if is_news(_race(match)) else "",
                        ending.console.replace("\r", ""))
    status = reported_status(ending.control)
    told = f"the command's status was {status}" if status is not None else \
        "the command had not ended"

    trouble = _console_trouble(console)
    if trouble:
        return Verdict(trouble[0], status, f"{trouble[1]} ({told})")
    if ending.stopped == "hang":
        return Verdict("hang", status, f"no sign of life from the guest ({told})")
    if ending.stopped == "timeout":
        return Verdict("timeout", status, f"the run took too long ({told})")
    if ending.qemu_exit > 0 and not console and not ending.control:
        said = ending.stderr.strip().split("\n")[-1] or "no message"
        return Verdict("cannot-start", None,
                       f"QEMU exited with {ending.qemu_exit}: {said}")
    if status is None or ending.qemu_exit != 0:
        how = f"was killed by signal {-ending.qemu_exit}" if ending.qemu_exit < 0 \
            else f"exited with {ending.qemu_exit}"
        return Verdict("lost", status, f"the guest is gone: QEMU {how}, {told}")
    if status == KSFT_SKIP:
        return Verdict("skip", status, "the command asked to be skipped")
    if status:
        return Verdict("fail", status, f"the command exited with {status}")
    return Verdict("pass", status, "the command exited with 0")


def qemu_version(text):
    """(major, minor, ...) from the output of --version, or None."""
    found = re.search(r"\bversion (\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def missing_for_kvm(cpuinfo, nested):
    """What a host lacks for a guest that runs guests, or None. nested maps a
    vendor module to its parameter, and has no entry for an absent module."""
    flags = set(re.findall(r"\b(?:svm|vmx)\b", cpuinfo))
    if not flags:
        return "the CPU of this machine has neither svm nor vmx"
    module = "kvm_amd" if "svm" in flags else "kvm_intel"
    if module not in nested:
        return f"the module {module} is not loaded"
    if nested[module].strip() not in ("1", "Y"):
        return f"nested virtualization is off: load {module} with nested=1"
    return None


def _cpio_member(name, mode, data, ino):
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    head += name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def command_archive(command):
    """An uncompressed cpio with the executable /cmd, which replaces itself by
    the command: its arguments arrive as they were, its status is its own."""
    script = "#!/bin/sh\nexec " + " ".join(shlex.quote(arg) for arg in command) + "\n"
    return _cpio_member("cmd", 0o100755, script.encode(), 1) + \
        _cpio_member("TRAILER!!!", 0, b"", 0)


def join_initrds(image, archive):
    """The kernel looks for a further archive at the next multiple of four."""
    return image + bytes(-len(image) % 4) + archive


def machine_arguments(opts):
    """QEMU's arguments, but for serial ports and what is booted. opts: accel cpu smp mem
    icount parallel."""
    accel = f"tcg,thread={TCG_THREADS[opts.parallel]}" if opts.accel == "tcg" else opts.accel
    args = ["-accel", accel, "-cpu", opts.cpu or DEFAULT_CPU[opts.accel],
            "-smp", str(opts.smp), "-m", f"{opts.mem}M",
            "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-vga", "none", "-monitor", "none"]
    if opts.icount:
        args += ["-icount", "shift=0,sleep=off", "-seed", "1",
                 "-rtc", "base=2026-01-01,clock=vm"]
    return args


def qemu_arguments(opts, initrd, console, output, control):
    """All of them. opts: also kernel append plugin shared."""
    args = [*machine_arguments(opts), "-kernel", opts.kernel, "-initrd", initrd,
            "-append", kernel_cmdline(opts)]
    for path in (console, output, control):
        args += ["-serial", f"file:{path}"]
    for plugin in opts.plugin:
        args += ["-plugin", plugin]
    if opts.shared:
        path, _, mib = opts.shared.rpartition(":")
        args += ["-object", f"memory-backend-file,id=shared,share=on,mem-path={path},size={mib}M",
                 "-device", "ivshmem-plain,memdev=shared"]
    return args


def kernel_cmdline(opts):
    takes_turns = opts.accel == "tcg" and opts.smp > 1
    return " ".join([KERNEL_ARGS, *[TURNS_ARGS] * takes_turns, *opts.append])
