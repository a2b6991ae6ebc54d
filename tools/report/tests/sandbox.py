# SPDX-License-Identifier: GPL-2.0
"""A small project to run the drivers in: git trees, images and tools that are fakes."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
RIG = HERE.parents[1] / "rig"
LINUX = Path(os.environ.get("BUILD") or HERE.parents[2] / "build") / "linux"
sys.path[:0] = [str(HERE.parent), str(RIG)]

GIT_ID = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Sandbox(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="rig-test-")
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.kill_strays)
        self.top = Path(folder.name)
        self.out = self.top / "out"
        self.env = {**os.environ, **GIT_ID, "TOP": str(self.top), "BUILD": str(self.top / "build"),
                    "OUT": str(self.out), "RUN_GUEST": str(HERE / "fake-run-guest"), "JOBS": "2",
                    "QEMU": str(self.top / "tools/qemu"), "FAKE_BOOTS": str(self.top / "build/boots"),
                    "FAKE_PIDS": str(self.top / "build/pids"), "HOME": str(self.top)}
        for name in ("FULL", "RUN", "ACCEL", "CPU", "FAKE", "CI", "RIG_T0", "ENGINE", "CHUNK"):
            self.env.pop(name, None)
        write(self.top / "tools/qemu", "#!/bin/sh\necho QEMU emulator version 7.2.0\n", 0o755)
        write(self.top / ".gitignore", "build/\nout/\n")
        self.commit(self.top)
        write(self.top / "build/linux/Makefile", "kernelversion:\n\t@echo 7.3.4\n")
        self.commit(self.top / "build/linux")
        for kernel in ("lean", "kasan"):
            write(self.top / f"build/kernel-{kernel}/arch/x86/boot/bzImage", "kernel")
        write(self.top / "build/image/initramfs.cpio.gz", "image")

    def kill_strays(self):
        """A test that fails must not leave what it was about."""
        pids = self.top / "build/pids"
        for pid in pids.read_text().split() if pids.exists() else []:
            try:
                if str(pids) in Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace"):
                    os.kill(int(pid), signal.SIGKILL)
            except (OSError, ValueError):
                pass

    def borrow_kunit(self):
        """The kernel's KTAP parser is used as it is, so it must be there."""
        if not (LINUX / "tools/testing/kunit").exists():
            self.skipTest(f"no kernel tree in {LINUX}: run make tree")
        write(self.top / "build/linux/tools/testing/README", "")
        (self.top / "build/linux/tools/testing/kunit").symlink_to(LINUX / "tools/testing/kunit")

    def commit(self, where):
        for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
            subprocess.run(["git", "-C", where, *argv], check=True, env=self.env)

    def start(self, script, *args, **env):
        return subprocess.Popen([RIG / script, *args], env={**self.env, **env}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_script(self, script, *args, **env):
        """Exit code, stdout, stderr."""
        proc = self.start(script, *args, **env)
        out, err = proc.communicate(timeout=60)
        self.assertNotIn("Traceback", err)
        return proc.returncode, out, err
