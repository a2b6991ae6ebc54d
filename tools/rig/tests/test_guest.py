# SPDX-License-Identifier: GPL-2.0
#
# Boots real guests that break in every way that run-guest must tell apart.
# KERNEL and INITRD name what to boot (default: the kasan kernel and the bare
# image in build/). Two guests run at a time. All time limits are multiples of what
# it takes to boot, so that a slow machine is not a broken rig.

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import guest  # noqa: E402

RUN_GUEST = os.path.join(HERE, "../run-guest")
BUILD = os.environ.get("BUILD") or os.path.join(HERE, "../../../build")
KERNEL = os.environ.get("KERNEL") or \
    os.path.join(BUILD, "kernel-kasan/arch/x86/boot/bzImage")
INITRD = os.environ.get("INITRD") or os.path.join(BUILD, "image/bare.cpio.gz")

# Above the heartbeat's priority, and with nothing kept back for the rest.
STARVE = ("echo -1 >/proc/sys/kernel/sched_rt_runtime_us; echo spinning;"
          "exec chrt -f 99 sh -c 'while :; do :; done'")
OOM_PANIC = "echo 1 >/proc/sys/vm/panic_on_oom; tail /dev/zero"
FAKE_SPLAT = "echo '<4>WARNING: a fake at f+0x1/0x2, CPU#0: sh/1' >/dev/kmsg"
REAL_SPLAT = ("cd /sys/kernel/debug/provoke-crash 2>/dev/null || exit 4;"
              "echo WARNING >DIRECT; sleep 5")
HALF_STATUS = "printf 'status 0' >/dev/ttyS2; poweroff -f"
ARGUMENTS = ["printf", "%s|", "two words", "it's", '"$HOME"', "a\nb\r\n", "*", ""]
OLD_QEMU = "#!/bin/sh\necho QEMU emulator version 5.2.0\n"
NO_QEMU = "#!/bin/sh\necho hello\n"


# Seconds to boot and power off, measured before the other guests start.
BOOT = 5.0


def wait_for(what, condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    return [int(entry) for entry in os.listdir("/proc")
            if entry.isdigit() and parent_of(entry) == pid]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Run:
    """One finished run-guest: its exit code, what it wrote, what it left."""

    def __init__(self, command, options=(), env=None, interfere=None, files=None):
        with tempfile.TemporaryDirectory() as self.folder:
            self.temporary = self.path("tmp")
            os.mkdir(self.temporary)
            for name, content in (files or {}).items():
                with open(self.path(name), "w") as file:
                    file.write(content)
                os.chmod(self.path(name), 0o755)
            self.start(command, options, env or {})
            self.seen = []
            if interfere:
                interfere(self)
            self.stderr = self.process.communicate()[1].decode()
            self.code = self.process.returncode
            self.left = os.listdir(self.temporary)
            self.output = self.read("output")
            self.console = self.read("console")
            self.json = json.loads(self.read("json") or "{}")

    def start(self, command, options, env):
        args = [sys.executable, RUN_GUEST, "--kernel", KERNEL, "--initrd", INITRD,
                "--log", self.path("console"), "--output", self.path("output"),
                "--verdict-json", self.path("json"), *map(self.fill, options),
                "--", *command]
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("ACCEL", "QEMU")}
        extra = {name: self.fill(value) for name, value in env.items()}
        self.process = subprocess.Popen(
            args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env={**clean, "TMPDIR": self.temporary, **extra})

    def fill(self, text):
        """{dir} is the folder of this run, {2} as many times what a boot takes."""
        text = re.sub(r"\{(\d+)\}", lambda found: f"{int(found[1]) * BOOT:.1f}", text)
        return text.replace("{dir}", self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        if not os.path.exists(self.path(name)):
            return b""
        with open(self.path(name), "rb") as file:
            return file.read()

    def qemu(self):
        """Its process id, once the command prints something."""
        wait_for("the command", lambda: self.read("output"))
        self.seen = children(self.process.pid)
        return self.seen[0]


def kill_qemu(run):
    os.kill(run.qemu(), signal.SIGKILL)


def signal_run_guest(number):
    def interfere(run):
        run.qemu()
        run.process.send_signal(number)
    return interfere


FOREVER = ["sh", "-c", "echo up; sleep 600"]

# name: what to run, the verdict, the status of the command, what must be told
VERDICTS = {
    "exit_0": (dict(command=["true"]), "pass", 0, ""),
    "exit_1": (dict(command=["false"]), "fail", 1, "exited with 1"),
    "exit_4": (dict(command=["sh", "-c", "echo why; exit 4"]), "skip", 4, "why"),
    "killed_by_signal": (dict(command=["sh", "-c", "kill -9 $$"]), "fail", 137, "137"),
    "no_such_command": (dict(command=["nonesuch"]), "fail", 127, "not found"),
    "panic": (dict(command=["sh", "-c", OOM_PANIC], options=["--mem", "256"]),
              "panic", None, "panic_on_oom"),
    "no_init": (dict(command=["true"], options=["--initrd", "{dir}/empty"],
                     files={"empty": "none"}), "panic", None, "Kernel panic"),
    "fake_splat": (dict(command=["sh", "-c", FAKE_SPLAT]), "splat", 0, "WARNING: a fake"),
    "hang": (dict(command=["sh", "-c", STARVE], options=["--heartbeat", "{2}", "--timeout", "{20}"]),
             "hang", None, "spinning"),
    "timeout": (dict(command=["sh", "-c", "echo asleep; sleep 600"],
                     options=["--timeout", "{4}", "--heartbeat", "{3}"]),
                "timeout", None, "asleep"),
    "guest_powers_off": (dict(command=["poweroff", "-f"]), "lost", None, "Power down"),
    "half_status": (dict(command=["sh", "-c", HALF_STATUS]), "lost", None, "Power down"),
    "qemu_killed": (dict(command=FOREVER,
                         interfere=kill_qemu), "lost", None, "signal 9"),
    "no_kernel": (dict(command=["true"], options=["--kernel", "/nonesuch"]),
                  "cannot-start", None, "no kernel /nonesuch"),
    "no_initrd": (dict(command=["true"], options=["--initrd", "/nonesuch"]),
                  "cannot-start", None, "no initrd /nonesuch"),
    "not_a_kernel": (dict(command=["true"], options=["--kernel", "{dir}/text"],
                          files={"text": "text"}),
                     "cannot-start", None, "QEMU exited with 1"),
    "no_such_cpu": (dict(command=["true"], options=["--cpu", "Z80"]),
                    "cannot-start", None, "Z80"),
    "no_qemu": (dict(command=["true"], env={"QEMU": "/nonesuch"},
                     files={"console": "stale"}),
                "cannot-start", None, "set QEMU"),
    "old_qemu": (dict(command=["true"], env={"QEMU": "{dir}/qemu"},
                      files={"qemu": OLD_QEMU}), "cannot-start", None, "5.2.0, 7.2 or newer"),
    "not_qemu": (dict(command=["true"], env={"QEMU": "{dir}/qemu"},
                      files={"qemu": NO_QEMU}), "cannot-start", None, "no version"),
}

ICOUNT = dict(command=["sh", "-c", "date; cat /proc/uptime; sleep 5; cat /proc/uptime"],
              options=["--icount"])
OTHERS = {
    "arguments": dict(command=ARGUMENTS),
    # The last bytes must arrive, although one process keeps the port open and
    # another one has opened it once more.
    "flood": dict(command=["sh", "-c", "sleep 60 & : <>/dev/stdout; seq 1 20000"]),
    "real_splat": dict(command=["sh", "-c", REAL_SPLAT]),
    "icount_1": ICOUNT,
    "icount_2": ICOUNT,
    "wrong_accel": dict(command=["true"], env={"ACCEL": "xen"}),
    "sigint": dict(command=FOREVER, interfere=signal_run_guest(signal.SIGINT)),
    "sigterm": dict(command=FOREVER, interfere=signal_run_guest(signal.SIGTERM)),
    "sigkill": dict(command=FOREVER, interfere=signal_run_guest(signal.SIGKILL)),
}

RUNS = {}


def measure_boot():
    """With company, as two guests at a time is how they will run."""
    global BOOT

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: Run(["true"]), range(2)))
    for run in runs:
        if run.code:
            raise AssertionError(f"not even `true` passes: {run.stderr}")
    BOOT = max(5.0, *(run.json["seconds"] for run in runs))


def setUpModule():
    for what in (KERNEL, INITRD):
        if not os.path.isfile(what):
            raise AssertionError(f"{what} is missing: build it or set KERNEL and INITRD")
    measure_boot()
    specs = {name: row[0] for name, row in VERDICTS.items()}
    specs.update(OTHERS)
    pool = ThreadPoolExecutor(2)
    unittest.addModuleCleanup(pool.shutdown, cancel_futures=True)
    for name in sorted(specs):
        RUNS[name] = pool.submit(Run, **specs[name])


class VerdictTest(unittest.TestCase):
    """test_NAME for each row of VERDICTS, see below."""

    def check(self, run, verdict, status, told):
        self.assertEqual(run.code, guest.EXIT_CODES[verdict], run.stderr)
        self.assertEqual(run.json["verdict"], verdict)
        self.assertEqual(run.json["exit_status"], status)
        self.assertIn(told, run.stderr)
        self.assertEqual(run.left, [])
        self.assertNotIn(b"stale", run.console)
        if verdict == "pass":
            self.assertEqual(run.stderr, "")
            return
        self.assertTrue(run.stderr.startswith(f"run-guest: {verdict}: "), run.stderr)
        if verdict == "cannot-start":
            self.assertEqual(run.stderr.count("\n"), 1, "one line must do")
        else:
            self.assertIn(run.path("console"), run.stderr)
            self.assertIn(run.path("output"), run.stderr)


def add_verdict_tests():
    def method(name, expected):
        return lambda self: self.check(RUNS[name].result(), *expected)

    for name, (_, *expected) in VERDICTS.items():
        setattr(VerdictTest, f"test_{name}", method(name, expected))


add_verdict_tests()


class GuestTest(unittest.TestCase):
    def result(self, name):
        return RUNS[name].result()

    def test_arguments_and_output_are_byte_exact(self):
        expected = "".join(arg + "|" for arg in ARGUMENTS[2:]).encode()
        self.assertEqual(self.result("arguments").output, expected)

    def test_output_is_complete(self):
        lines = self.result("flood").output.decode().split("\n")
        self.assertEqual(lines, [*map(str, range(1, 20001)), ""])

    def test_identity(self):
        run = self.result("exit_0")
        self.assertRegex(run.json["kernel"], r"^\d+\.\d+")
        self.assertRegex(run.json["qemu_version"], r"^\d+\.\d+")
        self.assertIn("nokaslr", run.json["cmdline"])
        self.assertEqual(run.json["accel"], "tcg")
        self.assertGreater(run.json["seconds"], 0)

    def test_real_splat(self):
        run = self.result("real_splat")
        if run.code == guest.EXIT_CODES["skip"]:
            self.skipTest("this kernel has no LKDTM")
        self.assertEqual(run.code, guest.EXIT_CODES["splat"], run.stderr)
        self.assertIn(b"panic_on_warn set", run.console)

    def test_icount_repeats_exactly(self):
        first, second = self.result("icount_1"), self.result("icount_2")
        self.assertEqual(first.code, 0, first.stderr)
        self.assertEqual(first.output, second.output)
        self.assertEqual(first.console, second.console)

    def test_wrong_accel_is_wrong_usage(self):
        self.assertEqual(self.result("wrong_accel").code, 2)

    def check_ended(self, run, code):
        self.assertEqual(run.code, code, run.stderr)
        self.assertEqual(len(run.seen), 1)
        wait_for("QEMU's end", lambda: not alive(run.seen[0]), 5)

    def test_ctrl_c_leaves_nothing(self):
        run = self.result("sigint")
        self.check_ended(run, 130)
        self.assertEqual(run.left, [])

    def test_sigterm_leaves_nothing(self):
        run = self.result("sigterm")
        self.check_ended(run, 143)
        self.assertEqual(run.left, [])

    def test_sigkill_takes_qemu_along(self):
        self.check_ended(self.result("sigkill"), -signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
