# SPDX-License-Identifier: GPL-2.0
"""Jobs: lines that a worker turns into lines, on all cores or on a cluster.

A job is a line, and needs nothing but that line: it gives the same output on any
machine.  A worker is a command that reads jobs from stdin and prints one line for
each of them, in order.  What it gets at a time is a chunk; its run is a task.

  DIR/jobs       the list, one line a job
  DIR/plan.json  the worker, and how many jobs a chunk has
  DIR/done/N     what the worker said about chunk N: there as soon as it is complete
  DIR/failed/N   why it is not: the worker ended with an error
  DIR/slurm/     what the tasks on a cluster said

So to resume is to run the chunks that are not there, and the result is all chunks
in the order of the list: the same bytes, wherever and whenever each of them ran.
"""
import fcntl
import hashlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from child import Child, Interrupts, how_far, say
from result import ResultError, write_whole

# How often a chunk is tried whose worker was killed or got lost.
ATTEMPTS = 3
# Jobs a chunk: enough to make the start of a task cheap.
CHUNK = {"local": 8, "slurm": 128}


class JobError(ResultError):
    """Some jobs have no result; the text says which and why."""


def positive(name, text):
    if text and not (text.isdigit() and int(text)):
        raise JobError(f"{name}={text}: a number from 1")
    return int(text) if text else None


def lines_of(path):
    """As they are counted: other separators that Unicode knows are part of a line."""
    return path.read_text().split("\n")[:-1]


class Engine:
    """Where jobs are run, and how many at a time, or as many as there is room for.
    @chunk: how many jobs make a task, unless the user wants it otherwise."""

    def __init__(self, chunk=None, env=os.environ.get):
        self.name = env("ENGINE") or "local"
        if self.name not in CHUNK:
            raise JobError(f"ENGINE={self.name}: {' or '.join(CHUNK)}")
        self.width = positive("JOBS", env("JOBS"))
        self.chunk = positive("CHUNK", env("CHUNK")) or chunk or CHUNK[self.name]


class Folder:
    """The list of jobs, and what is known of each chunk."""

    def __init__(self, where):
        self.dir = Path(where)
        self.done, self.failed = self.dir / "done", self.dir / "failed"
        try:
            plan = json.loads((self.dir / "plan.json").read_text())
            self.lines = lines_of(self.dir / "jobs")
        except (OSError, ValueError) as error:
            raise JobError(f"no jobs in {where}: {error}")
        self.argv, self.chunk = plan["argv"], plan["chunk"]
        self.chunks = range(-(-len(self.lines) // self.chunk))

    def jobs_of(self, number):
        return self.lines[number * self.chunk:(number + 1) * self.chunk]

    def missing(self):
        there = {int(p.name) for p in self.done.iterdir() if p.name.isdigit()}
        return [number for number in self.chunks if number not in there]

    def nr_done(self):
        missing = self.missing()
        return len(self.lines) - sum(len(self.jobs_of(number)) for number in missing)

    def fail(self, number, why):
        write_whole(self.failed / str(number), why + "\n")

    def failures(self):
        """{chunk: why}, of those that are missing."""
        return {number: (self.failed / str(number)).read_text().strip() for number in self.missing()
                if (self.failed / str(number)).exists()}

    def name_of(self, number):
        first = number * self.chunk + 1
        return f"jobs {first} to {first + len(self.jobs_of(number)) - 1} of {self.dir / 'jobs'}"

    def results(self):
        """A line for each job, once all chunks are there."""
        lines = []
        for number in self.chunks:
            some = lines_of(self.done / str(number))
            if len(some) != len(self.jobs_of(number)):
                raise JobError(f"{self.done / str(number)} is broken: remove it and go on")
            lines += some
        return lines


def make_folder(where, lines, argv, chunk):
    """A new folder, or the old one if it has the same jobs, in chunks as they were; locked
    until we end."""
    where, text = Path(where), "".join(f"{line}\n" for line in lines)
    odd = [line for line in lines if not line.strip() or line.startswith("#") or "\n" in line]
    if odd or not lines:
        raise JobError(f"a job is a line, neither empty nor a comment: {odd[0]!r}" if odd else "no jobs")
    for path in (where / "done", where / "failed"):
        path.mkdir(parents=True, exist_ok=True)
    lock = open(where / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise JobError(f"the jobs in {where} are being run by another process")
    if (where / "jobs").exists():
        if (where / "jobs").read_text() != text:
            raise JobError(f"{where} has other jobs: choose another folder")
        chunk = Folder(where).chunk
    write_whole(where / "plan.json", json.dumps({"argv": list(map(str, argv)), "chunk": chunk}) + "\n")
    write_whole(where / "jobs", text)
    folder = Folder(where)
    folder.lock = lock
    # What failed deserves another try.
    for number in folder.failures():
        (folder.failed / str(number)).unlink()
    return folder


def folder_for(where, lines, argv, chunk):
    """A folder in @where that is known by its list: with less to do, it is another one."""
    name = "jobs-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return make_folder(Path(where) / name, lines, argv, chunk)


class Task:
    """A chunk in the hands of a worker.  Two may have the same chunk, if one was taken
    for lost too early: both come to the same end."""

    def __init__(self, folder, number):
        self.folder, self.number, self.jobs = folder, number, folder.jobs_of(number)
        name = f".{number}.{socket.gethostname()}.{os.getpid()}"
        self.part, self.log = folder.done / name, folder.failed / name
        with tempfile.TemporaryFile("w+") as stdin:
            stdin.write("".join(f"{line}\n" for line in self.jobs))
            stdin.seek(0)
            try:
                self.child = Child(folder.argv, self.part, stdin=stdin, errors=self.log)
            except OSError as error:
                raise JobError(f"cannot run {folder.argv[0]}: {error.strerror}")

    def ended(self):
        return self.child.ended()

    def end(self):
        """Keep what is complete: "done", "failed" or "killed"."""
        self.child.stop()
        code, lines = self.child.code, self.part.read_bytes().count(b"\n")
        if code < 0 or code > 128:
            how = "killed"
        elif code == 0 and lines == len(self.jobs):
            with open(self.part) as part:
                os.fsync(part.fileno())
            self.part.replace(self.folder.done / str(self.number))
            how = "done"
        else:
            said = self.log.read_text(errors="replace").strip().splitlines()
            self.folder.fail(self.number, said[-1] if said and code else f"exit code {code}" if code else
                             f"{lines} lines of output for {len(self.jobs)} jobs")
            how = "failed"
        self.drop()
        return how

    def drop(self):
        self.child.stop()
        self.part.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)


def run_task(folder, number):
    """One chunk, for an engine whose tasks are processes of their own.  Exit code."""
    if number not in folder.missing():
        return 0
    interrupts, task = Interrupts(), Task(folder, number)
    try:
        while not task.ended():
            interrupts.check()
            time.sleep(0.05)
        how = task.end()
    finally:
        task.drop()
    if how != "done":
        print(f"chunk {number}: the worker {'was killed' if how == 'killed' else 'failed'}: {task.child.code}")
    return 0 if how == "done" else 1


class Progress:
    """How far it is: on a terminal one line that is redrawn, else one every 30 s."""

    def __init__(self, total, done, what):
        self.total, self.first, self.what = total, done, what
        self.tty, self.began = sys.stderr.isatty(), time.time()
        self.every, self.told = (0.2, 0) if self.tty else (30, self.began)

    def text(self, done, note=""):
        seconds, new = time.time() - self.began, done - self.first
        left = seconds * (self.total - done) / new if new else None
        return how_far(done, self.total, self.what, seconds, left) + (note and f"; {note}")

    def show(self, done, note=""):
        if time.time() - self.told < self.every:
            return
        self.told = time.time()
        if not self.tty:
            return say(self.text(done, note))
        full = 30 * done // self.total
        line = f"[{'#' * full}{'.' * (30 - full)}] {self.text(done, note)}"
        print(f"\r{line[:shutil.get_terminal_size().columns - 1]}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self, done):
        print("\r\x1b[K" if self.tty else "", end="", file=sys.stderr)
        say(self.text(done))


def run_local(folder, width, interrupts, progress):
    """Processes on this machine, @width at a time."""
    waiting, running, tries, done = folder.missing(), [], Counter(), folder.nr_done()
    try:
        while waiting or running:
            interrupts.check()
            while waiting and len(running) < width:
                running.append(Task(folder, waiting.pop(0)))
            for task in [task for task in running if task.ended()]:
                running.remove(task)
                how = task.end()
                if how == "done":
                    done += len(task.jobs)
                elif how == "killed":
                    tries[task.number] += 1
                    if tries[task.number] < ATTEMPTS:
                        waiting.append(task.number)
                    else:
                        folder.fail(task.number, f"the worker was killed {ATTEMPTS} times ({task.child.code})")
            progress.show(done)
            time.sleep(0.01)
    finally:
        for task in running:
            task.drop()


def run(folder, engine, what="jobs"):
    """Run what is missing; returns a line for each job, or raises JobError."""
    if folder.missing():
        interrupts, progress = Interrupts(), Progress(len(folder.lines), folder.nr_done(), what)
        try:
            if engine.name == "local":
                run_local(folder, engine.width or os.cpu_count(), interrupts, progress)
            else:
                import slurm
                slurm.run(folder, engine.width, interrupts, progress)
        finally:
            progress.end(folder.nr_done())
            interrupts.end()
    failures = folder.failures()
    if failures:
        number = min(failures)
        raise JobError(f"{len(failures)} of {len(folder.chunks)} chunks have failed; first {folder.name_of(number)}: "
                       + failures[number])
    return folder.results()
