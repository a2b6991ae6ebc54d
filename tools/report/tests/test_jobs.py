# SPDX-License-Identifier: GPL-2.0
"""The engine: whatever happens to tasks on the way, the result is the list's, in order."""
import io
import os
import signal
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

from sandbox import HERE, RIG, Sandbox, alive, write
import jobs

LINES = [f"job {i}" for i in range(23)]
RESULT = "".join(f"did {line}\n" for line in LINES)


class Jobs(Sandbox):
    """23 jobs in 12 chunks, two at a time; a name of a chunk is a number of one or two digits."""

    engine = "local"

    def setUp(self):
        super().setUp()
        self.dir, self.list = self.top / "out/jobs", write(self.top / "list", "# comment\n\n" + "\n".join(LINES) + "\n")
        self.calls = self.top / "calls"
        self.env.update(ENGINE=self.engine, CHUNK="2", FAKE_CALLS=str(self.calls), SLURM_POLL="0.05")
        for name in ("FAKE_LOSE", "FAKE_HOLD", "FAKE_DOWN"):
            self.env.pop(name, None)
        (self.top / "build").mkdir(exist_ok=True)

    def argv(self):
        return ["--dir", self.dir, "--list", self.list, "--", HERE / "fake-worker"]

    def go(self, code=0, *faults, **env):
        got, out, err = self.run_script("run-jobs", *self.argv(), FAKE=";".join(faults), **env)
        self.assertEqual(got, code, out + err)
        return out, err

    def called(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def leftovers(self):
        return [p.name for folder in ("done", "failed") for p in (self.dir / folder).iterdir() if p.name[0] == "."]

    def await_that(self, condition):
        end = time.time() + 30
        while not condition() and time.time() < end:
            time.sleep(0.05)
        self.assertTrue(condition())


class Local(Jobs):
    def test_in_order(self):
        out, err = self.go()
        self.assertEqual(out, RESULT)
        self.assertEqual(sorted(self.called()), sorted(LINES))
        self.assertIn("23 of 23 jobs", err)
        self.assertEqual(self.leftovers(), [])

    def test_finished_list_runs_nothing(self):
        self.go()
        self.calls.unlink()
        self.assertEqual(self.go()[0], RESULT)
        self.assertEqual(self.called(), [])

    def test_killed_worker_is_tried_again(self):
        self.assertEqual(self.go(0, "kill:job 5", "kill:job 20")[0], RESULT)
        self.assertEqual(self.called().count("job 5"), 2)

    def test_worker_that_always_dies_is_given_up(self):
        out, err = self.go(1, "dies:job 5")
        self.assertEqual((out, self.called().count("job 5")), ("", 3))
        self.assertIn("1 of 12 chunks have failed; first jobs 5 to 6 of ", err)
        self.assertIn("killed 3 times (-9)", err)
        self.calls.unlink()
        self.assertEqual(self.go()[0], RESULT)
        self.assertEqual(self.called(), ["job 4", "job 5"])

    def test_bad_line_is_told_and_the_others_are_done(self):
        out, err = self.go(1, "fail:job 0", "fail:job 21")
        self.assertEqual(out, "")
        self.assertIn("2 of 12 chunks have failed; first jobs 1 to 2 of ", err)
        self.assertIn("what is job 0?", err)
        self.assertIn("19 of 23 jobs", err)
        self.calls.unlink()
        self.assertEqual(self.go()[0], RESULT)
        self.assertEqual(sorted(self.called()), ["job 0", "job 1", "job 20", "job 21"])

    def test_missing_output_is_no_result(self):
        err = self.go(1, "short:job 7")[1]
        self.assertIn("1 lines of output for 2 jobs", err)
        self.assertFalse((self.dir / "done/3").exists())

    def test_part_of_a_chunk_is_no_result(self):
        write(self.dir / "done/.3.host.1", "did job 6\n")
        self.assertEqual(self.go()[0], RESULT)

    def test_other_jobs_need_another_folder(self):
        self.go()
        write(self.list, "job 1\n")
        self.assertIn("has other jobs", self.go(1)[1])

    def test_chunks_of_a_folder_stay(self):
        self.go(1, "fail:job 0")
        self.assertEqual(self.go(0, CHUNK="5")[0], RESULT)

    def test_what_is_no_list_and_no_worker(self):
        write(self.list, "# nothing\n")
        self.assertIn("error: no jobs", self.go(1)[1])
        with self.assertRaisesRegex(jobs.JobError, "a job is a line.*'a.nb'"):
            jobs.make_folder(self.dir, ["ok", "a\nb"], ["true"], 2)
        code, _, err = self.run_script("run-jobs", *self.argv()[:-1], "/no/worker")
        self.assertEqual(code, 1)
        write(self.list, "job\n")
        code, _, err = self.run_script("run-jobs", *self.argv()[:-1], "/no/worker")
        self.assertEqual((code, err.splitlines()[-1]), (1, "error: cannot run /no/worker: No such file or directory"))

    def test_bad_knobs(self):
        self.assertIn("JOBS=many: a number from 1", self.go(1, JOBS="many")[1])
        self.assertIn("ENGINE=magic: local or slurm", self.go(1, ENGINE="magic")[1])

    def test_any_text_is_a_line(self):
        lines = ["a b", "c\u2028d \x0c e", "\tf"]
        write(self.list, "".join(f"{line}\n" for line in lines))
        self.assertEqual(self.go(CHUNK="1")[0], "".join(f"did {line}\n" for line in lines))

    def test_signals_are_as_before(self):
        before = signal.getsignal(signal.SIGINT)
        with mock.patch("sys.stderr", io.StringIO()):
            folder = jobs.make_folder(self.dir, ["a", "b"], ["cat"], 1)
            self.addCleanup(folder.lock.close)
            self.assertEqual(jobs.run(folder, jobs.Engine(env={}.get)), ["a", "b"])
        self.assertEqual(signal.getsignal(signal.SIGINT), before)

    def test_ctrl_c_leaves_no_process_and_goes_on(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            proc = self.start("run-jobs", *self.argv(), FAKE="hang:job 13;hang:job 17")
            pids = Path(self.env["FAKE_PIDS"])
            self.await_that(lambda: pids.exists() and len(pids.read_text().split()) == 2)
            other = self.go(1)[1]
            proc.send_signal(number)
            err = proc.communicate(timeout=40)[1]
            self.assertEqual((proc.returncode, [pid for pid in pids.read_text().split() if alive(pid)]), (130, []))
            self.assertIn("interrupted", err)
            self.assertIn("another process", other)
            self.assertEqual(self.leftovers(), [])
            pids.unlink()
        self.calls.unlink()
        self.assertEqual(self.go()[0], RESULT)
        self.assertLess(len(self.called()), 15)


class Slurm(Jobs):
    """The cluster is a fake, whose arrays have at most four tasks."""

    engine = "slurm"

    def setUp(self):
        super().setUp()
        self.queue = self.top / "build/queue"
        for name in ("sbatch", "squeue", "scancel", "scontrol"):
            (self.top / "tools" / name).symlink_to(HERE / "fake-slurm")
        self.queue.mkdir()
        self.env.update(PATH=f"{self.top / 'tools'}:{self.env['PATH']}", FAKE_SLURM=str(self.queue))

    def submitted(self):
        return int((self.queue / "submitted").read_text()) if (self.queue / "submitted").exists() else 0

    def queued(self):
        return sorted(p.name for p in self.queue.glob("queue-*"))

    def test_same_bytes_as_local(self):
        self.assertEqual(self.go()[0], RESULT)
        self.assertEqual(self.submitted(), 3)
        self.assertEqual(sorted(self.called()), sorted(LINES))

    def test_lost_tasks_are_submitted_again(self):
        out, err = self.go(FAKE_LOSE="5")
        self.assertEqual(out, RESULT)
        self.assertIn("5 tasks were lost and are submitted again; one of them: slurmstepd: error: the node is gone", err)
        self.assertEqual(self.submitted(), 5)
        self.assertEqual(sorted(self.called()), sorted(LINES))

    def test_killed_worker_is_lost(self):
        out, err = self.go(0, "kill:job 5")
        self.assertEqual(out, RESULT)
        self.assertIn("1 tasks were lost and are submitted again; one of them: chunk 2: the worker was killed: -9", err)

    def test_what_is_lost_too_often_is_given_up(self):
        out, err = self.go(1, FAKE_LOSE="1000")
        self.assertIn("12 of 12 chunks have failed", err)
        self.assertIn("lost 3 times; at last: slurmstepd: error: the node is gone", err)
        self.assertEqual(self.submitted(), 9)

    def test_bad_line_is_not_submitted_again(self):
        err = self.go(1, "fail:job 5")[1]
        self.assertIn("what is job 5?", err)
        self.assertEqual((self.submitted(), self.called().count("job 5")), (3, 1))

    def test_goes_on_with_what_is_missing(self):
        self.go(1, "fail:job 5", ENGINE="local")
        self.calls.unlink()
        self.assertEqual(self.go()[0], RESULT)
        self.assertEqual(self.called(), ["job 4", "job 5"])

    def test_arrays_that_wait_are_awaited(self):
        self.assertEqual(self.go(FAKE_HOLD="20")[0], RESULT)
        self.assertEqual(self.submitted(), 3)

    def test_ctrl_c_cancels_its_own_arrays_alone(self):
        write(self.queue / "queue-7", '{"id": "7", "name": "of somebody else", "tasks": 1}')
        proc = self.start("run-jobs", *self.argv(), FAKE_HOLD="100000")
        self.await_that(lambda: len(self.queued()) == 4)
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=30)
        self.assertEqual((proc.returncode, self.queued(), self.called()), (130, ["queue-7"], []))

    def test_arrays_of_a_driver_that_died_are_adopted(self):
        proc = self.start("run-jobs", *self.argv(), FAKE_HOLD="100000")
        self.await_that(lambda: len(self.queued()) == 3)
        time.sleep(0.2)
        proc.kill()
        proc.communicate()
        self.assertEqual(self.go(FAKE_HOLD="1")[0], RESULT)
        self.assertEqual(self.submitted(), 3)

    def test_no_cluster(self):
        self.assertIn("scontrol: scontrol: error: Unable to contact slurm controller", self.go(1, FAKE_DOWN="1")[1])
        self.env["PATH"] = str(self.top / "build")
        self.assertIn("ENGINE=slurm needs Slurm: there is no scontrol here", self.go(1)[1])


class Progress(unittest.TestCase):
    def shown(self, tty):
        err = io.StringIO()
        err.isatty = lambda: tty
        with mock.patch.object(sys, "stderr", err), mock.patch("time.time", lambda: self.now):
            progress = jobs.Progress(100, 20, "jobs")
            for self.now, done in ((1010, 20), (1040, 60), (1041, 61), (1050, 70), (1075, 80)):
                progress.show(done, "2 running")
        return err.getvalue()

    def test_lines_for_a_log(self):
        self.now = 1000
        with mock.patch.dict(os.environ, RIG_T0="1000"):
            self.assertEqual(self.shown(False), "[  0:40] 60 of 100 jobs, 0:00:40 elapsed, about 0:00:40 left; 2 running\n"
                             "[  1:15] 80 of 100 jobs, 0:01:15 elapsed, about 0:00:25 left; 2 running\n")

    def test_one_line_for_a_terminal(self):
        self.now = 1000
        text = self.shown(True)
        self.assertEqual((text.count("\r"), text.count("\n")), (5, 0))
        self.assertIn("\r[##################............] 60 of 100 jobs", text)


if __name__ == "__main__":
    unittest.main()
