# SPDX-License-Identifier: GPL-2.0
"""build-kut: the standalone tests of a checkout, in a real guest, with guests of their own.

kvm-unit-tests itself is in no Debian package. CHECKOUT keeps to what it offers: configure,
make standalone, a script a test, exit status 77 for a skip. Its kernels are real ones.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
RIG = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("BUILD") or RIG.parents[1] / "build")
KERNEL = Path(os.environ.get("KERNEL") or BUILD / "kernel-kasan/arch/x86/boot/bzImage")

# isa-debug-exit makes an exit status of a byte: twice as much, plus one.
FLAT = """\
.code32
.long 0x1badb002, 0, -0x1badb002
.globl _start
_start: mov $0x3f8, %dx
        mov $'+', %al
        out %al, (%dx)
        mov $STATUS, %al
        out %al, $0xf4
1:      hlt
        jmp 1b
"""
MAKEFILE = """\
standalone: tests/good tests/bad tests/skipped
tests/%: x86/%.flat
	mkdir -p tests
	{ cat x86/head; echo "base64 -d > \\$$kernel <<'END'"; base64 $<; echo END; cat x86/run; } > $@
tests/skipped:
	mkdir -p tests
	echo 'exit 77' > $@
x86/good.flat: STATUS := 0
x86/bad.flat: STATUS := 1
x86/%.flat: x86/flat.S config.mak
	gcc -m32 -nostdlib -static -no-pie -Wl,-Ttext=0x400000,--build-id=none -DSTATUS=$(STATUS) -o $@ $<
"""
RUN = """\
said=$(timeout "$TIMEOUT" "$QEMU" -nodefaults -vnc none -accel "$ACCEL" -device pc-testdev -serial stdio \\
	-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$kernel" < <(cat /dev/null))
[ "$?$said" = 1+ ]
"""
CHECKOUT = {
    "configure": "#!/bin/sh\ntouch config.mak\n",
    "Makefile": MAKEFILE,
    "x86/unittests.cfg": "",
    "x86/flat.S": FLAT,
    "x86/head": "#!/usr/bin/env bash\nkernel=$(mktemp)\n",
    "x86/run": RUN,
}


class Kut(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kut-test-")
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.env = os.environ | {"BUILD": str(self.top / "build")}

    def build(self, checkout):
        return subprocess.run([RIG / "build-kut", checkout], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)

    def test_tests_of_a_checkout_run_in_the_guest(self):
        checkout = self.top / "it's a checkout"
        for name, text in CHECKOUT.items():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text(text)
        (checkout / "configure").chmod(0o755)
        built = self.build(checkout)
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertEqual((self.top / "build/kut/list.txt").read_text(), "bad\ngood\nskipped\n")
        self.assertEqual({str(p.relative_to(checkout)) for p in checkout.rglob("*") if p.is_file()}, set(CHECKOUT))
        guest = subprocess.run(
            [RIG / "run-guest", "--kernel", KERNEL, "--initrd", self.top / "build/kut/image.cpio", "--mem", "1024",
             "--append", "kvm_amd.npt=0 kvm_intel.ept=0", "--timeout", "300", "--output", self.top / "output", "--",
             "env", "FORCE_POOL=64", "/bin/sh", "-c", (RIG / "regress-guest").read_text(), "regress",
             "good 100", "bad 100", "skipped 100"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        text = (self.top / "output").read_text()
        self.assertEqual(guest.returncode, 0, guest.stdout + guest.stderr + text)
        self.assertEqual(re.findall(r"^@@ end (\S+ \d+) \d+\r?$", text, re.MULTILINE), ["good 0", "bad 1", "skipped 4"])
        self.assertEqual(text.count("force-pool: 64 shadow pages"), 2)

    def test_what_is_no_checkout(self):
        built = self.build(self.top)
        self.assertEqual((built.returncode, built.stderr), (1, f"error: KUT={self.top}: no checkout of kvm-unit-tests\n"))


if __name__ == "__main__":
    unittest.main()
