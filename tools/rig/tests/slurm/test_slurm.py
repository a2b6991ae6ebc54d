# SPDX-License-Identifier: GPL-2.0
"""Jobs on a real Slurm of one node: what is killed and lost on the way changes no byte."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
RIG = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(RIG), str(RIG.parent / "report")]

import node
import suites
from child import Child
from result import ResultError
from simulator import Simulator

LINES = [f"job {i}" for i in range(24)]
RESULT = "".join(f"did {line}\n" for line in LINES)
# Slow enough for something to happen to it.
WORKER = """#!/bin/bash
while read -r line; do
	echo $$ "$line" >> "$CALLS"
	sleep 0.2
	echo "did $line"
done
"""


@unittest.skipIf(node.missing(), f"no {' '.join(node.missing()[:1])} here: make slurm-test installs Slurm")
class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="slurm-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.top = Path(folder.name)
        cls.node = node.Node(cls.top / "node")
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(dir=self.top))
        self.worker, self.list, self.calls = (self.dir / name for name in ("worker", "list", "calls"))
        self.worker.write_text(WORKER)
        self.worker.chmod(0o755)
        self.list.write_text("".join(f"{line}\n" for line in LINES))
        self.env = {**os.environ, **self.node.env, "ENGINE": "slurm", "CHUNK": "3", "SLURM_POLL": "0.3",
                    "CALLS": str(self.calls)}
        for name in ("JOBS", "RUN", "FULL", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            self.env.pop(name, None)

    def start(self):
        proc = subprocess.Popen([RIG / "run-jobs", "--dir", self.dir / "jobs", "--list", self.list, "--", self.worker],
                                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
        self.addCleanup(proc.communicate)
        self.addCleanup(proc.terminate)
        self.await_that(lambda: len(self.pids()) == 2)
        return proc

    def called(self):
        return [line.split(" ", 1) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []

    def pids(self):
        """Of workers that are there."""
        return [pid for pid in dict.fromkeys(pid for pid, _ in self.called()) if Path(f"/proc/{pid}").exists()]

    def queue(self):
        return self.node.call("squeue", "-h", "-r", "-o", "%i %t").stdout.splitlines()

    def await_that(self, condition):
        end = time.time() + 60
        while not condition() and time.time() < end:
            time.sleep(0.1)
        self.assertTrue(condition(), self.queue())

    def assert_result(self, proc):
        out, err = proc.communicate(timeout=120)
        self.assertEqual((proc.returncode, out), (0, RESULT), err)
        return err

    def test_killed_tasks(self):
        proc = self.start()
        # Its worker, and another task as a whole.
        os.kill(int(self.pids()[0]), signal.SIGKILL)
        running = [line.split()[0] for line in self.queue() if line.endswith(" R")]
        self.node.call("scancel", running[-1])
        err = self.assert_result(proc)
        self.assertIn("were lost and are submitted again", err)
        again = [line for _, line in self.called()]
        self.assertGreater(len(again), len(LINES))
        self.assertEqual(sorted(set(again)), sorted(LINES))

    def test_lost_node(self):
        """Slurm queues its tasks again; the node comes back by itself."""
        proc = self.start()
        pids = self.pids()
        name = self.node.call("sinfo", "-h", "-o", "%n").stdout.strip()
        self.node.call("scontrol", "update", f"nodename={name}", "state=down", "reason=test")
        self.await_that(lambda: not set(pids) & set(self.pids()))
        self.assertIsNone(proc.poll())
        self.assertNotIn("were lost", self.assert_result(proc))
        self.assertGreater(len(self.called()), len(LINES))

    def test_ctrl_c_leaves_nothing_and_goes_on(self):
        proc = self.start()
        self.await_that(lambda: (self.dir / "jobs/done/0").exists())
        proc.send_signal(signal.SIGINT)
        err = proc.communicate(timeout=60)[1]
        self.assertEqual(proc.returncode, 130, err)
        self.await_that(lambda: not self.queue() and not self.pids())
        before = len(self.called())
        self.assert_result(self.start())
        self.assertLess(len(self.called()) - before, len(LINES))

    def test_lab_is_the_same_on_the_cluster_and_here(self):
        try:
            Simulator()
        except ResultError as error:
            self.skipTest(f"no simulator: {error}")
        for engine in ("slurm", "local"):
            env = {**self.env, "ENGINE": engine, "RUN": engine, "OUT": str(self.dir / "out"), "TRACES": "hot loop",
                   "POLICIES": "clock", "POOLS": "64 128", "WARMUP": "1000", "ACCESSES": "2000"}
            done = subprocess.run([RIG / "run-lab"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        slurm, local = ((self.dir / "out" / name / "cells.jsonl").read_bytes() for name in ("slurm", "local"))
        self.assertEqual(slurm.count(b"\n"), 2 * 3 * 2)
        self.assertEqual(slurm, local)

    def test_srun_is_as_good_as_the_command(self):
        """By it run-tests has its guests booted: exit codes come back, and an end is one."""
        srun = suites.RUNNERS["slurm"][:-1]
        for code in (0, 4, 21):
            self.assertEqual(self.node.call(*srun, "sh", "-c", f"exit {code}").returncode, code)
        pid = self.dir / "pid"
        child = Child([*srun, "sh", "-c", f"echo $$ > {pid}; exec sleep 600"], self.dir / "log", **self.node.env)
        self.addCleanup(child.stop)
        self.await_that(lambda: pid.exists() and pid.read_text())
        child.stop()
        self.await_that(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


if __name__ == "__main__":
    unittest.main()
