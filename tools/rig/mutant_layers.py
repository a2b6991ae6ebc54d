# SPDX-License-Identifier: GPL-2.0
"""What tries a mutant: for each layer how to build, run and judge it, in a scratch tree."""
import json
import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import guest
from child import Child

RIG = Path(__file__).resolve().parent

# killed, survived, no-build or error; who did it, or what went wrong.
Outcome = namedtuple("Outcome", "verdict killer")


def tool(name):
    """A script of the rig, or what the environment has instead, for the unit tests."""
    return os.environ.get(name.upper().replace("-", "_")) or RIG / name


class Layer:
    """@seconds: what a mutant takes, roughly; @limit: for a run that was built."""

    def __init__(self, name, scratch):
        self.name, self.scratch = name, scratch

    def child(self, argv, log):
        return Child(argv, log, BUILD=str(self.scratch.top), SRC="", O="")

    def prepare(self):
        """Once, before the first build."""

    def run(self, stem, tests):
        """A run beside the next build, if the build itself is not the run."""
        return None


class KUnit(Layer):
    """run-kunit builds and runs; the kernel's log tells what happened."""

    limit = 120

    def __init__(self, name, scratch):
        super().__init__(name, scratch)
        self.seconds = 5 if name == "kunit-um" else 15
        self.log = scratch.top / name / "test.log"

    def build(self, stem, tests):
        self.log.unlink(missing_ok=True)
        argv = [tool("run-kunit"), self.name.removeprefix("kunit-"), "--timeout", self.limit]
        return self.child(argv, Path(f"{stem}.log"))

    def judge(self, stem, child, kernel):
        if not self.log.exists() or not self.log.stat().st_size:
            return Outcome("no-build", first_error(child.said()))
        text = self.log.read_text(errors="replace")
        Path(f"{stem}.console").write_text(text)
        if child.code == 0:
            return Outcome("survived", "")
        trouble = guest.judge(guest.Ending(text, "status 0\n", "", 0, None))
        found = list(cases(kernel.parse(text)))
        failed = [path for path, test in found if test.status == kernel.parser.TestStatus.FAILURE]
        if failed:
            return Outcome("killed", failed[0])
        if trouble.name != "pass":
            return Outcome("killed", f"{trouble.name}: {trouble.reason.rpartition(' (')[0]}")
        if any(kernel.broken(test) for _, test in found):
            return Outcome("killed", f"hang after {last_result(text)}")
        # All tests passed: whatever run-kunit did not like, no test noticed the mutant.
        return Outcome("error", first_error(child.said()))


class Selftests(Layer):
    """The kasan kernel with a mutant, and named tests in a guest."""

    limit, seconds = 300, 20

    def __init__(self, name, scratch, selftests, programs):
        super().__init__(name, scratch)
        self.selftests, self.programs = selftests, programs
        self.image = scratch.top / "image.cpio.gz"

    def prepare(self):
        """An image with nothing but the programs that are used boots faster."""
        folder = self.scratch.top / "selftests"
        shutil.rmtree(folder, ignore_errors=True)
        for program in self.programs:
            (folder / "kvm" / program).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.selftests / "kvm" / program, folder / "kvm" / program)
        subprocess.run([tool("build-image"), "--selftests", folder, "--output", self.image],
                       check=True, stdin=subprocess.DEVNULL)

    def build(self, stem, tests):
        return self.child([tool("build-kernel"), "kasan"], Path(f"{stem}.build"))

    def run(self, stem, tests):
        kernel = Path(f"{stem}.bzImage")
        shutil.copy(self.scratch.top / "kernel-kasan/arch/x86/boot/bzImage", kernel)
        command = " && ".join(f"/selftests/kvm/{test}" for test in tests)
        return self.child(
            [tool("run-guest"), "--kernel", kernel, "--initrd", self.image, "--smp", 2, "--append",
             "kvm_amd.npt=0 kvm_intel.ept=0 kvm.mmu_evict=fifo", "--timeout", self.limit * len(tests),
             "--heartbeat", 60, "--log", f"{stem}.console", "--output", f"{stem}.output",
             "--verdict-json", f"{stem}.json", "--", "/bin/sh", "-c", command], Path(f"{stem}.log"))

    def judge(self, stem, child, kernel):
        Path(f"{stem}.bzImage").unlink(missing_ok=True)
        if not Path(f"{stem}.json").exists():
            return Outcome("no-build", first_error(child.said()))
        verdict = json.loads(Path(f"{stem}.json").read_text())
        name, reason = verdict["verdict"], verdict["reason"]
        said = Path(f"{stem}.output").read_text(errors="replace").replace("\r", "")
        failed = re.findall(r"^not ok \d+ (.*)$", said, re.MULTILINE)
        if name == "pass":
            # A filter that matches nothing passes, too.
            empty = "1..0" in said.split("\n") or not re.search(r"^ok \d+", said, re.MULTILINE)
            return Outcome("error", "no case of that name ran") if empty else Outcome("survived", "")
        if name in ("cannot-start", "skip") or "by signal" in reason or (name == "fail" and not failed):
            return Outcome("error", f"{name}: {reason}")
        return Outcome("killed", failed[0] if name == "fail" else f"{name}: {reason.rpartition(' (')[0]}")


def all_of(scratch, selftests, programs):
    """The quick ones first."""
    return [KUnit("kunit-um", scratch), KUnit("kunit-x86_64", scratch),
            Selftests("selftests", scratch, selftests, programs)]


def first_error(text):
    """The line of a build's output that says most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if re.search(r"\b(error|warning):", line)), lines[-1] if lines else "no output")


def cases(test, path=()):
    """Every case with its full name."""
    if not test.subtests:
        yield ".".join(path), test
    for sub in test.subtests:
        yield from cases(sub, (*path, sub.name))


def last_result(text):
    found = re.findall(r"(?:^|\] ) *(?:not )?ok \d+ (.*?)\r?$", text, re.MULTILINE)
    return found[-1] if found else "no test at all"
