# SPDX-License-Identifier: GPL-2.0
"""lab-real, with another program in the place of valgrind."""
import fcntl
import importlib.machinery
import importlib.util
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
RIG = Path(__file__).resolve().parents[2]
loader = importlib.machinery.SourceFileLoader("lab_real", str(RIG / "lab-real"))
real = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_real", loader))
loader.exec_module(real)

# For ever, as a server: a page of code, and two that change.
VALGRIND = """#!/usr/bin/python3
import os, sys
fd = int(next(word for word in sys.argv if word.startswith("--log-fd=")).partition("=")[2])
os.write(fd, b"==7== Lackey\\n")
for i in range({nr}):
    os.write(fd, b"I  04001000,3\\n L 1ffe%03x000,8\\n S 1ffe%03x000,8\\nI  04001003,3\\n" % (i % 4096, i % 4096))
"""


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="real-test-")
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def start(self, nr, **env):
        valgrind = self.dir / "valgrind"
        valgrind.write_text(VALGRIND.format(nr=nr))
        valgrind.chmod(0o755)
        if not (self.dir / "linux").exists():
            subprocess.run(["git", "init", "-q", self.dir / "linux"], check=True)
            subprocess.run(["git", "-C", self.dir / "linux", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                            "--allow-empty", "-m", "Start"], check=True)
        env = {**os.environ, "ONLY": "git", "BUILD": str(self.dir), "SIM": str(real.simulator.Simulator().path), "WARMUP": "2",
               "ACCESSES": "3", "RECENT": "1", "VALGRIND": str(valgrind), **env}
        return subprocess.Popen([RIG / "lab-real", "--record"], env=env, cwd=self.dir, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def record(self, nr, code=0, **env):
        done = self.start(nr, **env)
        out, err = done.communicate(timeout=60)
        self.assertEqual(done.returncode, code, err)
        return out if not code else err

    def write_all(self, pipe, text):
        """Until it was read."""
        os.write(pipe, text)
        while struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]:
            time.sleep(0.01)

    def pages(self):
        return [page for _, page, _, _ in struct.iter_unpack("<IQIq", (self.dir / "traces/git.bin").read_bytes())]

    def test_the_first_accesses_of_what_does_not_end(self):
        self.assertEqual(self.record(10**9), "file:path=traces/git.bin\n")
        self.assertEqual(self.pages(), [0x4001, 0x1ffe000, 0x4001, 0x1ffe001, 0x4001])

    def test_recent_pages_are_left_out(self):
        self.record(10**9, RECENT="2")
        self.assertEqual(self.pages(), [0x4001, 0x1ffe000, 0x1ffe001, 0x4001, 0x1ffe002])

    def test_a_trace_that_is_there_stays(self):
        self.record(10)
        self.record(10, RECENT="2")
        self.assertEqual(self.pages()[2], 0x4001)

    def test_a_trace_of_another_length_is_made_again(self):
        self.record(10)
        self.record(10, ACCESSES="4")
        self.assertEqual(len(self.pages()), 6)
        self.assertIn("numbers are needed", self.record(10, code=1, ACCESSES="many"))

    def test_what_was_interrupted_is_no_trace(self):
        child, begun = self.start(10**9, ACCESSES="1000000000"), self.dir / "traces/git.bin.part"
        while child.poll() is None and not begun.exists():
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        self.assertEqual((child.returncode, (self.dir / "traces/git.bin").exists()), (130, False))

    def test_a_tracer_that_is_missing(self):
        self.assertRegex(self.record(10, code=1, VALGRIND="/none/such"), r"(?m)^error: .*/none/such")

    def test_what_is_too_short_is_no_trace(self):
        self.assertIn("git: it ended after 3 accesses, not 5", self.record(1, code=1))
        self.assertEqual(list((self.dir / "traces").iterdir()), [])
        self.assertIn("no program vi", self.record(1, code=1, ONLY="vi"))

    def test_what_is_dropped_ends_with_a_line(self):
        event, (end, begin) = threading.Event(), os.pipe()
        dropper = threading.Thread(target=real.drop_until, args=(event, end))
        dropper.start()
        self.write_all(begin, b"I  04001000,3\n L 1ffe")
        event.set()
        self.write_all(begin, b"ff")
        os.write(begin, b"000,8\n S 04002000,8\nI  04001003,3\n")
        os.close(begin)
        dropper.join()
        with open(end, "rb") as rest:
            self.assertEqual(rest.read(), b" S 04002000,8\nI  04001003,3\n")

    def test_keys_follow_zipf(self):
        draw = random.Random(1)
        keys = [real.zipf(draw, 1000) for _ in range(20000)]
        self.assertTrue(all(0 <= key < 1000 for key in keys))
        counts = [keys.count(rank * 7919 % 1000) for rank in (1, 10, 100)]
        # Of rank k as of [k, k + 1): log((k + 1) / k) / log(1000).
        for count, expected in zip(counts, (2007, 276, 29)):
            self.assertAlmostEqual(count / expected, 1, delta=0.35)


if __name__ == "__main__":
    unittest.main()
