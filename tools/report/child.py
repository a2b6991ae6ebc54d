# SPDX-License-Identifier: GPL-2.0
"""Processes that never outlive the driver that started them."""
import os
import signal
import subprocess
import sys
import time


def say(text):
    """A line of progress, timed from the start of the whole job."""
    now = time.time()
    seconds = int(now - float(os.environ.setdefault("RIG_T0", str(int(now)))))
    print(f"[{seconds // 60:3d}:{seconds % 60:02d}] {text}", file=sys.stderr, flush=True)


def clock_face(seconds):
    """h:mm:ss."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def how_far(done, total, what, elapsed, left=None, now=()):
    """The text of a line of progress; @now: what is being done."""
    rest = f", about {clock_face(left)} left" if left is not None else ""
    return f"{done} of {total} {what}, {clock_face(elapsed)} elapsed{rest}" + (f"; now {' | '.join(now)}" if now else "")


class Interrupts:
    """Ctrl-C sets a flag; as an exception it could hit between a start and its record."""

    def __init__(self):
        self.came = False
        self.before = {number: signal.signal(number, self.note)
                       for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def end(self):
        """From now on as before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def note(self, *_):
        self.came = True

    def check(self):
        if self.came:
            raise KeyboardInterrupt


class Child:
    """A command in a session of its own, its output in a file, or in two."""

    def __init__(self, argv, log, stdin=subprocess.DEVNULL, errors=None, **env):
        self.log, self.over = log, False
        with open(log, "w") as out, open(errors or os.devnull, "w") as err:
            self.proc = subprocess.Popen(list(map(str, argv)), stdin=stdin, stdout=out,
                                         stderr=err if errors else subprocess.STDOUT, start_new_session=True,
                                         env={**os.environ, **env})

    def ended(self):
        return self.proc.poll() is not None

    @property
    def code(self):
        return self.proc.returncode

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Ask first: run-guest ends its QEMU, make its compilers.  Then nobody is left."""
        if self.over:
            return
        self.over = True
        if not self.ended():
            self.signal(signal.SIGTERM)
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.signal(signal.SIGKILL)
        self.proc.wait()

    def signal(self, number):
        try:
            os.killpg(self.proc.pid, number)
        except ProcessLookupError:
            pass
