# SPDX-License-Identifier: GPL-2.0
"""What check-commit says about a commit."""
import os
import subprocess
import unittest

from repository import AUTHOR, GATE, GOOD, Repository

# Says about each file what it has after "doc:", as kernel-doc does.
FAKE_KERNEL_DOC = """#!/bin/sh
[ "$1 $2" = "-none -Wall" ] && shift 2
grep -q crash "$@" && { echo Traceback; exit 1; }
grep -Hn doc: "$@" | sed -nE 's/^([^:]+):([0-9]+):doc: /Warning: \\1:\\2 /p' >&2
exit 0
"""
# As coccicheck does, of the files that it was asked about.
FAKE_COCCICHECK = """#!/bin/bash
echo "$MODE $srctree $LINUXINCLUDE" > "$ASKED"
for file in $srcroot; do
	grep -q crash "$file" && { echo coccicheck failed; exit 255; }
	echo "./$file:7:2-9: seen"
done
exit 0
"""
FAKE_BUILD = '#!/bin/sh\necho "$CC $*" >> "$ASKED"\n'
# A guest in which tests end as STATUSES has it: name=status.
FAKE_GUEST = """#!/bin/bash
echo "$*" >> "$ASKED"
while [ $# -gt 1 ]; do case $1 in --output) out=$2 ;; --log) touch "$2" ;; esac; shift; done
folder=$(mktemp -d); cd "$folder"; trap 'rm -r "$folder"' EXIT
for status in $STATUSES; do
	printf '#!/bin/sh\\nprintf "no line"; exit %s\\n' ${status#*=} > ${status%=*}
	chmod +x ${status%=*}
done
sh -c "${1#*; }" > "$out" 2>&1
"""


class Messages(Repository):
    def message(self, message, **author):
        self.commit(message, file=message, **author)
        return self.check("message")

    def test_messages(self):
        for message, code, why in (
                (GOOD, 0, ""),
                (GOOD.replace("KVM: x86/mmu: Do", "mm: Do"), 1, "another form"),
                (GOOD.replace("something\n", "something.\n"), 1, "another form"),
                (GOOD.replace("something", "something " * 8 + "else"), 1, "characters"),
                (GOOD.replace(AUTHOR, "B <b@kernel.org>"), 1, "not signed off by its author"),
                (GOOD.replace("It is useful.\n\n", ""), 1, "no description")):
            with self.subTest(message):
                done = self.message(message)
                self.expect(done, code, why)

    def test_remark(self):
        for number, (email, remark) in enumerate((
                ("dev@kernel.org", False), ("dev@lists.example", True), ("dev@example.com", True), ("a@localhost", True),
                ("1+a@users.noreply.github.com", True), ("a@example.company.com", False), ("example@kernel.org", False))):
            with self.subTest(email):
                message = GOOD.replace("dev@kernel.org", email).replace("useful", f"{number} useful")
                done = self.message(message, email=email)
                self.expect(done, 0, "")
                self.assertEqual(f"remark: not mailable: {email}" in done.stdout, remark)

    def test_nothing_to_check(self):
        self.assertEqual(self.check("message", "base").returncode, 4)
        self.assertEqual(self.check("nonsense").returncode, 1)


class Warnings(Repository):
    def warn(self, base, log):
        """compare_warnings() of a commit that says @log, where the base said @base."""
        for now, text in (("base", base), ("commit", log)):
            (self.top / now).write_text(text)
        return subprocess.run(["bash", "-c", f"""set -e; . {GATE}/../rig/lib.sh; . {GATE}/build-checks.sh
            CHECK=x; is_base() {{ [ "$NOW" = base ]; }}
            NOW=base; compare_warnings {self.top}/base; NOW=commit; compare_warnings {self.top}/commit"""],
                              capture_output=True, text=True, env={**os.environ, "BUILD": str(self.top)})

    def test_kinds(self):
        """Each is news where the base has nothing, none where it has the same elsewhere."""
        for line, moved in (
                ("a.c:12:5: warning: unused variable 'x' [-Wx]", "a.c:40:1: warning: unused variable 'x' [-Wx]"),
                ("../a.h:7:3: error: incompatible types", "../a.h:8:3: error: incompatible types"),
                ("a.c:7: fatal error: no b.h", "a.c:8: fatal error: no b.h"),
                ("a.o: warning: objtool: f+0x12: unreachable", "a.o: warning: objtool: f+0x4: unreachable"),
                ("ld: warning: a.o: executable stack", "ld: warning: a.o: executable stack"),
                ("Warning: a.c:5 parameter 'b' not described in 'f'", "Warning: a.c:6 parameter 'b' not described in 'f'"),
                ("WARNING: modpost: kvm: mismatch in f+0x1 (.text)", "WARNING: modpost: kvm: mismatch in f+0x20 (.text)"),
                ('ERROR: modpost: "f" [kvm.ko] undefined!', 'ERROR: modpost: "f" [kvm.ko] undefined!'),
                ("./a.c:5:2-9: WARNING NULL check is not needed", "./a.c:6:2-9: WARNING NULL check is not needed"),
                ("a.c:5:2-9: second lock on line 4", "a.c:6:2-9: second lock on line 5"),
                ("a.c:5:2-9: preceded by free on lines 4, 5", "a.c:6:2-9: preceded by free on lines 5, 66"),
                ("a.c:5:2-9: opportunity for str_yes_no(x)", "a.c:55:2-9: opportunity for str_yes_no(x)"),
                ("a.c:5:2-3: Unneeded semicolon", "a.c:5:3-4: Unneeded semicolon")):
            with self.subTest(line):
                self.assertEqual(self.warn("", line + "\n").returncode, 1)
                self.assertEqual(self.warn(line + "\n", moved + "\n").returncode, 0)
                self.assertEqual(self.warn(line + "\n", line.replace("a.", "b.").replace("kvm", "x") + "\n").returncode, 1)

    def test_no_warnings(self):
        """A line that has but the words, or names a place for the sake of another line."""
        for line in ("  CC a.o", "a.c: In function 'warning':", "a.c:5:1: note: declared here", "a.c:5: Warning of nothing",
                     "checking for warning: no", "/usr/bin/spatch --cocci-file ./scripts/a.cocci --dir a.c:1:1"):
            with self.subTest(line):
                done = self.warn("", line + "\n")
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_counts(self):
        line = "a.c:12:5: warning: unused variable 'x'\n"
        self.assertEqual(self.warn(line, line * 2).returncode, 0, "of a header, say")
        done = self.warn(line, line + line.replace("12", "13"))
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "a.c: warning: unused variable 'x'"))
        self.assertIn("1 warnings that the base does not have", done.stderr)
        self.assertEqual(self.warn(line, "").returncode, 0)


class Checks(Repository):
    def setUp(self):
        super().setUp()
        self.asked = self.top / "asked"

    def tool(self, name, text):
        self.write(self.linux / name, text, 0o755)

    def rig(self):
        """The environment for a rig of which the parts that take long are fakes."""
        rig = self.top / "tools/rig"
        if not rig.exists():
            for part in (GATE.parent / "rig").iterdir():
                rig.mkdir(parents=True, exist_ok=True)
                (rig / part.name).symlink_to(part)
            (self.top / "tools/gate").symlink_to(GATE)
            for name in ("run-guest", "build-kernel", "build-image", "build-selftests"):
                (rig / name).unlink()
                self.write(rig / name, FAKE_GUEST if name == "run-guest" else FAKE_BUILD, 0o755)
        return {"TOP": str(self.top), "ASKED": str(self.asked), "CC": ""}

    def base(self, **files):
        """Another base."""
        self.commit("Linux", **files)
        self.git("branch", "-f", "base")

    def test_kernel_doc(self):
        self.tool("scripts/kernel-doc", FAKE_KERNEL_DOC)
        self.base(**{"a.c": "\ndoc: old\n", "b.c": "doc: of nobody's concern\n"})
        for files, code, said in (
                ({"file": "x"}, 4, "changes no C"), ({"tools/a.c": "doc: a tool\n"}, 4, "changes no C"),
                ({"a.c": "\n\n\ndoc: old\n"}, 0, ""), ({"a.c": "doc: old\ndoc: new\n"}, 1, "Warning: a.c: new"),
                ({"c.h": "doc: of a new file\n"}, 1, "Warning: c.h: of a new file"),
                ({"d.c": "fine\n", "a.c": "fine\n"}, 0, ""), ({"e.c": "crash\n"}, 1, "kernel-doc fails")):
            with self.subTest(files):
                self.commit("next", files)
                done = self.check("kernel-doc")
                self.expect(done, code, said)

    def test_coccinelle(self):
        self.tool("scripts/coccicheck", FAKE_COCCICHECK)
        self.tool("bin/spatch", "#!/bin/sh\n")
        self.base(**{"a.c": "base\n", "b.c": "base\n", "tools/c.c": "base\n"})
        env = {"ASKED": str(self.asked), "PATH": f"{self.linux}/bin:{os.environ['PATH']}"}
        base = self.git("rev-parse", "base").strip()
        done = self.check("coccinelle", "base", **env)
        self.assertEqual((done.returncode, done.stdout), (0, "0 warnings in the base\n"), done.stderr)
        self.commit("one", {"a.c": "one\n"})
        self.commit("two", {"a.c": "two\n", "d.h": "two\n", "tools/c.c": "two\n"})
        self.git("checkout", "-q", "--detach", base)
        self.assertEqual(self.check("coccinelle", base, **env).stdout, "1 warnings in the base\n", "b.c is not touched")
        self.git("checkout", "-q", "evict")
        self.assertRegex(self.asked.read_text(), r"^report \. -I\./arch")
        self.assertEqual(self.check("coccinelle", "evict^", **env).returncode, 0)
        done = self.check("coccinelle", **env)
        self.assertEqual((done.returncode, done.stdout), (1, "./d.h: seen\n"))
        self.commit("three", {"tools/c.c": "three\n"})
        self.assertEqual(self.check("coccinelle", **env).returncode, 4)
        self.commit("four", {"a.c": "crash\n"})
        self.assertIn("coccicheck fails", self.check("coccinelle", **env).stderr)

    def test_builds(self):
        for check, files, code, words in (
                ("amd", {"MAINTAINERS": "me\n", "tools/a.c": "x\n", "Documentation/a.rst": "x\n"}, 4, None),
                ("amd", {"a.c": "amd\n"}, 0, "gcc series arch/x86/kvm/ virt/kvm/"),
                # Without vmlinux, an export that is missing would be a warning.
                ("modules", {"a.c": "modules\n"}, 0, "gcc series vmlinux modules")):
            with self.subTest(files):
                self.commit("next", files)
                done = self.check(check, **self.rig())
                self.assertEqual(done.returncode, code, done.stderr)
                if words:
                    self.assertEqual(self.asked.read_text().splitlines()[-1], words)

    def selftests(self, statuses, *tests):
        """Ends as they do.  Returns what was said, and which guests were booted."""
        self.asked.unlink(missing_ok=True)
        folder = "tools/testing/selftests/kvm/x86"
        self.commit("next", {f"{folder}/{name}.c": statuses for name in (*tests, "mmu_evict_perf_test", "other_test")})
        done = self.check("selftests", STATUSES=statuses, STEM=str(self.top / "kept"), **self.rig())
        return done, [line for line in self.asked.read_text().splitlines() if "--kernel" in line]

    def test_selftests(self):
        names = "mmu_evict_enomem_test", "mmu_evict_nested_test", "mmu_evict_test", "mmu_pool_size_test"
        good = "mmu_evict_enomem_test=4 mmu_evict_nested_test=0 mmu_evict_test=0 mmu_pool_size_test=0"
        done, boots = self.selftests(good, names[2])
        self.assertEqual((done.returncode, len(boots)), (0, 1), done.stderr)
        done, boots = self.selftests(good, *names)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(["kvm_amd.npt=1 kvm_intel.ept=1" in boot for boot in boots], [True, False])
        self.assertEqual(["mmu_evict_nested_test" in boot for boot in boots], [True, False])
        self.assertNotIn("perf", " ".join(boots))
        self.assertEqual(sorted(path.name for path in self.top.glob("kept*")),
                         ["kept-npt0.console", "kept-npt0.output", "kept-npt1.console", "kept-npt1.output"])

    def test_selftests_that_skip(self):
        good = {"mmu_evict_enomem_test": 0, "mmu_evict_nested_test": 0, "mmu_evict_test": 0, "mmu_pool_size_test": 0}
        for name, status, code in (("mmu_evict_enomem_test", 4, 0), ("mmu_evict_enomem_test", 1, 1),
                                   ("mmu_evict_test", 4, 1), ("mmu_evict_nested_test", 4, 1),
                                   ("mmu_pool_size_test", 1, 1), ("mmu_pool_size_test", None, 1)):
            with self.subTest(name=name, status=status):
                statuses = {name: status for name, status in {**good, name: status}.items() if status is not None}
                done, _ = self.selftests(" ".join(f"{name}={status}" for name, status in statuses.items()), *good)
                self.expect(done, code, f"not passed: {name}" if code else "")


if __name__ == "__main__":
    unittest.main()
