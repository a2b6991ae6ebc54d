# SPDX-License-Identifier: GPL-2.0
"""One guest of a regression run: the tests it works through, and which of them killed it."""
import json
import os
import re
import time
from pathlib import Path

import guest
import regress
import rundir
from child import Child

RIG = Path(__file__).resolve().parent
SCRIPT = RIG / "regress-guest"
MARK = re.compile(r"@@ (start|end) (\S+)(?: (\d+) (\d+))?$")
FORCED = "force-pool: "
# A case that passed, of KTAP or of kvm-unit-tests.
PASSED = re.compile(r"ok \d+(?!.*# SKIP)|PASS: ")
# A test that floods fills no disk.
MAX_LOG = 1 << 20


def append_of(config):
    words = [f"kvm_amd.npt={config.npt} kvm_intel.ept={config.npt}"]
    if config.kernel != "base":
        words.append(f"kvm.mmu_evict={config.kernel}")
    return " ".join(words)


class Boot:
    def __init__(self, run, config, tests, kernel, initrd):
        self.run, self.config, self.tests = run, config, tests
        self.got, self.now, self.text, self.stream, self.log = [], None, "", None, None
        self.logs = run.dir / "logs" / regress.name_of(config)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.stem = rundir.new_stem(run.dir, 3)
        settings = {t: run.setting(t) for t in tests}
        words = [f"{t} {limit} {args}" for t, (limit, args) in settings.items()]
        host = run.host
        argv = [os.environ.get("RUN_GUEST") or RIG / "run-guest", "--kernel", kernel, "--initrd", initrd,
                "--accel", host["accel"], "--cpu", host["cpu"], "--smp", host["smp"], "--mem", host["mem"],
                "--append", append_of(config), "--heartbeat", 180,
                "--timeout", 120 + sum(limit + 10 for limit, _ in settings.values()),
                "--log", f"{self.stem}.console", "--output", f"{self.stem}.output",
                "--verdict-json", f"{self.stem}.verdict.json",
                "--", "env", f"FORCE_POOL={config.pool if config.pool != 'all' else ''}",
                "/bin/sh", "-c", SCRIPT.read_text(), "regress", *words]
        self.child = Child(argv, Path(f"{self.stem}.rig"))

    def left(self):
        return [t for t in self.tests if t not in self.got]

    def poll(self):
        """Take in what the guest has said; true once it is over and accounted for."""
        ended = self.child.ended()
        if not self.stream and os.path.exists(f"{self.stem}.output"):
            self.stream = open(f"{self.stem}.output", errors="replace", newline="\n")
        *lines, self.text = (self.text + (self.stream.read() if self.stream else "")).split("\n")
        for line in lines:
            self.take(line.rstrip("\r"))
        if ended:
            self.child.stop()
            self.autopsy()
        return ended

    def take(self, line):
        mark = MARK.match(line)
        if not mark:
            if self.log and self.log.tell() < MAX_LOG:
                self.log.write(line + "\n")
            self.forced += self.log is not None and line.startswith(FORCED)
            self.passed += self.log is not None and bool(PASSED.match(line))
        elif mark[1] == "start":
            self.now, self.forced, self.passed, self.since = mark[2], 0, 0, time.time()
            self.log = open(self.log_of(mark[2]), "w")
        elif mark[2] == self.now and mark[3]:
            self.log.close()
            self.record(self.now, regress.outcome_of(int(mark[3])), int(mark[3]), int(mark[4]))
            self.log = self.now = None

    def log_of(self, test):
        return self.logs / f"{test}.log"

    def record(self, test, outcome, status, seconds, **more):
        limit, arguments = self.run.setting(test)
        self.got.append(test)
        self.run.record({(test, self.config): {
            "test": test, "config": list(self.config), "outcome": outcome, "exit": status, "seconds": seconds,
            "limit": limit, "arguments": arguments, "forced": self.forced, "passed": self.passed, "boot": self.stem.name,
            "log": str(self.log_of(test).relative_to(self.run.dir)), **more}})

    def why(self):
        try:
            verdict = json.loads(Path(f"{self.stem}.verdict.json").read_text())
            return f"{verdict['verdict']}: {verdict['reason']}"
        except (OSError, ValueError, KeyError):
            return guest.verdict_of(self.child.code)

    def autopsy(self):
        """A guest that did not pass died of the test that ran, or of what the last one left."""
        if self.log:
            self.log.write(self.text)
            self.log.close()
        culprit = self.now or (self.got and self.got[-1])
        if culprit and (self.now or self.child.code):
            self.record(culprit, "crash", None, int(time.time() - self.since), why=self.why())
