# SPDX-License-Identifier: GPL-2.0
"""The engine for clusters with Slurm: tasks of an array, in a folder that all nodes see.

What a site wants to be told, its partition, account or limits, is told by Slurm's own
variables (SBATCH_PARTITION, SBATCH_TIMELIMIT...; see sbatch(1)).  Whether a task has
done its work is seen by its file alone: what is missing once its array has left the
queue was lost, and is submitted again, a few times.  Arrays are known by their name,
so that those of a driver that died are awaited, not doubled.

Knob (environment): SLURM_POLL, seconds between two looks at the queue.
"""
import hashlib
import os
import re
import shlex
import subprocess
import time
from collections import Counter
from pathlib import Path

from child import say
from jobs import ATTEMPTS, JobError
from result import write_whole

RUN_JOBS = Path(__file__).resolve().parent / "run-jobs"
POLL = float(os.environ.get("SLURM_POLL") or 5)
# So many looks may fail in a row: a controller can be restarted.
PATIENCE = 60


def call(*argv):
    try:
        # In a session of its own, Ctrl-C doesn't hit it half way.
        return subprocess.run(argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              start_new_session=True).stdout.strip()
    except FileNotFoundError:
        raise JobError(f"ENGINE=slurm needs Slurm: there is no {argv[0]} here")
    except subprocess.CalledProcessError as error:
        raise JobError(f"{argv[0]}: {(error.stderr.strip() or 'no reason given').splitlines()[-1]}")


class Arrays:
    """What we have in the queue."""

    def __init__(self, folder, width):
        self.folder, self.width, self.dir = folder, width, folder.dir / "slurm"
        self.dir.mkdir(exist_ok=True)
        self.name = "jobs-" + hashlib.sha256(str(folder.dir.resolve()).encode()).hexdigest()[:16]
        self.ids, self.logs, self.blind = set(), {}, 0
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", call("scontrol", "show", "config"), re.MULTILINE)
        self.longest = int(found[1]) if found else 1000

    def look(self):
        """{state and reason: number of tasks}, or None if nobody answers."""
        try:
            lines = call("squeue", "--me", "-h", "-r", "-n", self.name, "-o", "%F %t %r").splitlines()
        except JobError:
            self.blind += 1
            if self.blind >= PATIENCE:
                raise
            return None
        self.blind = 0
        self.ids.update(line.split()[0] for line in lines)
        return Counter(line.split(None, 1)[1] for line in lines)

    def submit(self, numbers):
        for first in range(0, len(numbers), self.longest):
            some = numbers[first:first + self.longest]
            batch = self.dir / f"batch-{time.time_ns()}"
            write_whole(batch, "".join(f"{number}\n" for number in some))
            limit = f"%{self.width}" if self.width else ""
            said = call("sbatch", "--parsable", f"--job-name={self.name}", f"--array=0-{len(some) - 1}{limit}",
                        "--requeue", f"--output={self.dir}/%A_%a.log", "--open-mode=append", f"--chdir={self.dir}",
                        "--wrap", shlex.join(["exec", str(RUN_JOBS), "--batch", str(batch), str(self.folder.dir.resolve())]))
            number = said.split(";")[0]
            self.ids.add(number)
            self.logs.update({chunk: self.dir / f"{number}_{i}.log" for i, chunk in enumerate(some)})

    def last_words(self, number):
        try:
            return self.logs[number].read_text(errors="replace").strip().splitlines()[-1]
        except (KeyError, IndexError, OSError):
            return "it left no word"

    def cancel(self):
        if self.ids:
            call("scancel", *sorted(self.ids))


def told(states):
    """In words, the reasons of those that wait included."""
    names = {"R": "running", "PD": "waiting", "CG": "ending"}
    words = []
    for key, number in sorted(states.items()):
        state, _, reason = key.partition(" ")
        words.append(f"{number} {names.get(state, state)}" + (f" ({reason})" if state == "PD" and reason != "None" else ""))
    return ", ".join(words)


def wait(seconds, interrupts):
    end = time.time() + seconds
    while time.time() < end:
        interrupts.check()
        time.sleep(min(0.1, seconds))


def run(folder, width, interrupts, progress):
    """Submit what is missing until nothing is, or it was lost too often."""
    arrays, tries = Arrays(folder, width), Counter()
    try:
        while True:
            states = arrays.look()
            if states is not None and not states:
                todo = [number for number in folder.missing() if number not in folder.failures()]
                for number in [number for number in todo if tries[number] >= ATTEMPTS]:
                    folder.fail(number, f"lost {ATTEMPTS} times; at last: {arrays.last_words(number)}")
                    todo.remove(number)
                if not todo:
                    return
                if tries:
                    say(f"{len(todo)} tasks were lost and are submitted again; one of them: {arrays.last_words(todo[0])}")
                arrays.submit(todo)
                tries.update(todo)
            progress.show(folder.nr_done(), "the controller does not answer" if states is None else told(states))
            wait(POLL, interrupts)
    except BaseException:
        arrays.cancel()
        raise
