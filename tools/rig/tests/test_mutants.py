# SPDX-License-Identifier: GPL-2.0
#
# run-mutants on a tree of one file, with tools that are fakes: what is a kill, what
# is a survivor, and what is neither. Builds nothing, boots nothing.

import json
import signal
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "report/tests")]
import mutants  # noqa: E402
from sandbox import RIG, Sandbox, write  # noqa: E402

CORE = """int sweep(int budget)
{
	int n = 0;

	while (budget--)
		n++;
	return n;
}
"""

# Builds unless there is an #error, and fails if the budget is gone.
FAKE_KUNIT = """#!/bin/bash
core=$BUILD/linux/core.h log=$BUILD/kunit-$1/test.log
echo "$1" >> "$CALLS"
grep -q '#error' "$core" && { echo "core.h:1:2: error: #error"; exit 1; }
grep -q 'sleep' "$core" && exec sleep 600
grep -q 'hang' "$core" && { mkdir -p "${log%/*}"; printf '%s\\n' 'KTAP version 1' 1..2 'ok 1 a' > "$log"; exit 1; }
mkdir -p "${log%/*}"; ok=ok
grep -q 'budget--' "$core" || ok='not ok'
[ -z "$BROKEN" ] || ok='not ok'
printf '%s\\n' 'KTAP version 1' 1..1 '    KTAP version 1' '    # Subtest: core' '    1..1' \\
	"    $ok 1 sweep_is_bounded" "$ok 1 core" > "$log"
[ "$ok" = ok ] && ! grep -q 'trip' "$core"
"""
FAKE_BUILD = """#!/bin/bash
mkdir -p "$BUILD/kernel-kasan/arch/x86/boot"
cp "$BUILD/linux/core.h" "$BUILD/kernel-kasan/arch/x86/boot/bzImage"
"""
FAKE_IMAGE = "#!/bin/bash\ntouch \"${@: -1}\"\n"
FAKE_GUEST = """#!/usr/bin/python3
import json, re, sys
arg = dict(zip(sys.argv[1:], sys.argv[2:]))
core, command = open(arg["--kernel"]).read(), sys.argv[-1]
verdict, said = ("pass", "ok 1 sweep\\n") if "budget--" in core else ("fail", "not ok 1 sweep\\n")
if "n--" in core:
    verdict, said = "splat", ""
if "-t none" in command:
    said = "1..0\\n"
open(arg["--output"], "w").write(said)
json.dump({"verdict": verdict, "reason": verdict + " for a reason (told)"}, open(arg["--verdict-json"], "w"))
sys.exit(verdict != "pass")
"""


def record(name, old, new, kill="kunit-um", more=""):
    return f"{name}: a bug\nhazard: budget\nkill: {kill}\n{more}@ core.h sweep\n-{old}\n+{new}\n\n"


KILLED = record("unbounded", "	while (budget--)", "	while (budget)")
SURVIVES = record("renamed", "	int n = 0;", "	int n = 0, m = 0;")
NOT_THERE = record("gone", "	while (budget > 0)", "	while (1)")
NO_BUILD = record("no-build", "	return n;", "#error no")
HANGS = record("hangs", "	return n;", "	hang();")
TRIPS = record("trips", "	return n;", "	trip();")
SLEEPS = record("slow", "	return n;", "	sleep(n);")
WHY = "equivalent: m is not used\n"


class MutantsTest(Sandbox):
    def setUp(self):
        super().setUp()
        self.borrow_kunit()
        write(self.top / "build/linux/core.h", CORE)
        self.commit(self.top / "build/linux")
        write(self.top / "build/selftests/kvm/core_test", "")
        self.calls = self.top / "calls"
        self.env.update(CALLS=str(self.calls), MUTANTS=str(self.top / "list"), BROKEN="")
        for name, text in (("RUN_KUNIT", FAKE_KUNIT), ("BUILD_KERNEL", FAKE_BUILD), ("BUILD_IMAGE", FAKE_IMAGE),
                           ("RUN_GUEST", FAKE_GUEST)):
            self.env[name] = str(write(self.top / "tools" / name, text, 0o755))
        for name in ("ONLY", "LAYERS", "RUN", "ENGINE", "CHUNK"):
            self.env.pop(name, None)

    def mutate(self, records, *args, **env):
        """Exit code, last line, the cells' verdicts and killers by mutant, stderr."""
        write(self.top / "list/core.list", "# SPDX\n\n" + records)
        code, out, err = self.run_script("run-mutants", *args, **env)
        last = (out.splitlines() or [""])[-1]
        results = sorted(self.out.glob("mutants-*/mutants.json"), key=lambda p: p.stat().st_mtime)
        cells = json.loads(results[-1].read_text())["cells"] if results else []
        return code, last, {c["mutant"]: (c["verdict"], c["killer"]) for c in cells}, err

    def core(self):
        return (self.top / "build/mutants/linux/core.h").read_text()

    def test_a_kill_names_the_test(self):
        code, last, cells, _ = self.mutate(KILLED)
        self.assertEqual((code, last), (0, "1 killed, 0 equivalent, 0 survived"))
        self.assertEqual(cells["unbounded"], ("killed", "core.sweep_is_bounded"))
        self.assertEqual(self.core(), CORE)
        self.assertEqual((self.top / "build/linux/core.h").read_text(), CORE)

    def test_a_survivor_fails(self):
        code, last, cells, _ = self.mutate(KILLED + SURVIVES)
        self.assertEqual((code, last), (1, "1 killed, 0 equivalent, 1 survived"))
        self.assertEqual(cells["renamed"], ("survived", ""))

    def test_an_explained_survivor_does_not(self):
        self.assertEqual(self.mutate(SURVIVES.replace("@", WHY + "@"))[:2],
                         (0, "0 killed, 1 equivalent, 0 survived"))

    def test_an_explanation_that_is_wrong_fails(self):
        code, last, _, _ = self.mutate(KILLED.replace("@", WHY + "@"))
        self.assertEqual((code, last), (1, "0 killed, 0 equivalent, 0 survived, "
                                           "1 broken or wrongly called equivalent"))

    def test_what_does_not_apply_or_build_is_no_kill(self):
        for text, verdict in ((NOT_THERE, "no-apply"), (NO_BUILD, "no-build")):
            with self.subTest(verdict):
                code, last, cells, _ = self.mutate(text)
                self.assertEqual((code, last[:29]), (1, "0 killed, 0 equivalent, 0 sur"))
                self.assertIn("1 broken", last)
                self.assertEqual([v for v, _ in cells.values()], [verdict])
        self.assertIn("error: #error", cells["no-build"][1])

    def test_a_hang_is_a_kill_but_a_tool_that_trips_is_not(self):
        code, _, cells, _ = self.mutate(HANGS + TRIPS)
        self.assertEqual((code, cells["hangs"]), (1, ("killed", "hang after a")))
        self.assertEqual(cells["trips"][0], "error")

    def test_nothing_counts_if_the_control_fails(self):
        code, _, cells, err = self.mutate(KILLED, BROKEN="1")
        self.assertEqual((code, cells), (1, {}))
        self.assertIn("fails without any mutant", err)

    def test_selftests_are_killed_by_a_case_or_a_splat(self):
        kill = "selftests core_test -t sweep"
        splat = record("backwards", "		n++;", "		n--;", kill)
        code, last, cells, _ = self.mutate(KILLED.replace("kunit-um", kill) + splat)
        self.assertEqual((code, last), (0, "2 killed, 0 equivalent, 0 survived"))
        self.assertEqual(cells, {"unbounded": ("killed", "sweep"), "backwards": ("killed", "splat: splat for a reason")})

    def test_a_filter_that_matches_nothing_is_an_error(self):
        code, _, _, err = self.mutate(KILLED.replace("kunit-um", "selftests core_test -t none"))
        self.assertEqual(code, 1)
        self.assertIn("no case of that name ran", err)

    def test_a_run_goes_on_where_it_was(self):
        self.mutate(KILLED, RUN="mutants-x")
        self.assertEqual(self.mutate(KILLED + SURVIVES, RUN="mutants-x")[1], "1 killed, 0 equivalent, 1 survived")
        # The control, and each mutant once.
        self.assertEqual(self.calls.read_text().split(), ["um"] * 3)

    def test_what_was_no_verdict_is_tried_again(self):
        for _ in range(2):
            self.mutate(NO_BUILD, RUN="mutants-x")
        self.assertEqual(self.calls.read_text().split(), ["um"] * 3)

    def test_only_some(self):
        self.assertEqual(self.mutate(KILLED + SURVIVES, ONLY="unbounded")[0], 0)
        self.assertEqual(self.mutate(KILLED + SURVIVES, ONLY="nobody")[0], 1)
        quick = KILLED.replace("@", "quick: yes\n@")
        self.assertEqual(self.mutate(quick + SURVIVES, "--quick")[:2], (0, "1 killed, 0 equivalent, 0 survived"))

    def test_a_part_is_but_a_sample(self):
        for number, (args, env, sample) in enumerate((
                ((), {}, False), ((), {"ONLY": "unbounded"}, True), ((), {"LAYERS": "kunit-um"}, True), (["--quick"], {}, True))):
            self.mutate(KILLED.replace("@", "quick: yes\n@"), *args, RUN=f"mutants-{number}", **env)
            self.assertEqual(json.loads((self.out / f"mutants-{number}/mutants.json").read_text())["sample"], sample, env)

    def test_ktap_has_a_result_for_each(self):
        write(self.top / "list/core.list", KILLED + SURVIVES)
        code, out, _ = self.run_script("run-mutants", "--ktap")
        self.assertEqual(code, 1)
        self.assertEqual([line for line in out.splitlines() if line[0] != "#"],
                         ["KTAP version 1", "1..2", "ok 1 unbounded", "not ok 2 renamed"])

    def test_check_applies_only(self):
        self.assertEqual(self.mutate(KILLED, "--check")[:2], (0, "1 mutants apply"))
        for option in ("--check", "--quick"):
            self.assertEqual(self.mutate(NOT_THERE, option)[0], 1)
        self.assertFalse(self.calls.exists())

    def test_engine_comes_to_the_same(self):
        kill = "selftests core_test -t sweep"
        # Two kills of one mutant have a log each.
        records = KILLED.replace("kunit-um", "kunit-um\nkill: " + kill + "\nkill: selftests core_test -t other") + \
            SURVIVES + NO_BUILD + record("backwards", "		n++;", "		n--;", kill)
        here, there = (self.mutate(records, RUN=f"mutants-{name or 'here'}", ENGINE=name, CHUNK="2")
                       for name in ("", "local"))
        self.assertEqual(here[:3], there[:3])
        self.assertEqual(here[1], "2 killed, 0 equivalent, 1 survived, 1 broken or wrongly called equivalent")
        trees = sorted(p.parent for p in (self.top / "build").glob("mutants-*/linux"))
        self.assertGreaterEqual(len(trees), 1)
        for tree in trees:
            self.assertEqual((tree / "linux/core.h").read_text(), CORE)
        # Only what was no verdict is left to do.
        self.calls.unlink()
        self.assertEqual(self.mutate(records, RUN="mutants-local", ENGINE="local")[:2], there[:2])
        self.assertEqual(self.calls.read_text().split(), ["um"])

    def test_engine_needs_a_control(self):
        code, _, cells, err = self.mutate(KILLED, BROKEN="1", ENGINE="local")
        self.assertEqual((code, cells), (1, {}))
        self.assertIn("fails without any mutant", err)

    def test_jobs_are_lines_that_a_worker_takes(self):
        write(self.top / "list/core.list", KILLED + SURVIVES)
        code, out, _ = self.run_script("run-mutants", "--jobs")
        self.assertEqual((code, [line.split()[:2] for line in out.splitlines()]),
                         (0, [["kunit-um", "-"], ["kunit-um", "unbounded"], ["kunit-um", "renamed"]]))
        write(self.top / "jobs", out)
        folder = ["--dir", self.top / "out/jobs", "--list", self.top / "jobs", "--"]
        code, out, err = self.run_script("run-jobs", *folder, RIG / "run-mutants", "--worker", self.top / "out/x")
        self.assertEqual((code, [json.loads(line)["verdict"] for line in out.splitlines()]),
                         (0, ["survived", "killed", "survived"]), err)
        write(self.top / "jobs", "kunit-um unbounded 0123456789abcdef\n")
        code, _, err = self.run_script("run-jobs", "--dir", self.top / "out/other", *folder[2:], RIG / "run-mutants",
                                       "--worker", self.top / "out/x")
        self.assertEqual(code, 1)
        self.assertIn("no such mutant here, or it has changed: kunit-um unbounded 0123456789abcdef", err)

    def test_an_interrupt_ends_what_was_started(self):
        write(self.top / "list/core.list", SLEEPS)
        proc = self.start("run-mutants")
        while "sleep" not in (self.core() if (self.top / "build/mutants/linux/core.h").exists() else ""):
            self.assertIsNone(proc.poll())
            time.sleep(0.05)
        proc.send_signal(signal.SIGTERM)
        proc.communicate(timeout=30)
        self.assertEqual((proc.returncode, self.core()), (130, CORE))


class ListTest(unittest.TestCase):
    def test_hunks_are_found_by_their_lines(self):
        for old, found in (("while (budget--)", True), ("	 while (budget--)", True),
                           ("while (budget)", False), ("n", False)):
            with self.subTest(old):
                mutant = mutants.parse(record("a", old, "x"), "list")[0]
                if found:
                    self.assertIn("\nx\n", mutants.apply(mutant, lambda _: CORE)["core.h"])
                else:
                    self.assertRaises(mutants.ListError, mutants.apply, mutant, lambda _: CORE)

    def test_two_places_are_none(self):
        mutant = mutants.parse(record("a", "	int n = 0;", "x").replace(" sweep", ""), "list")[0]
        self.assertRaises(mutants.ListError, mutants.apply, mutant, lambda _: CORE + CORE)

    def test_bad_records(self):
        good = record("a", "x", "y")
        for bad in (good.replace("hazard: budget\n", ""), good.replace("kunit-um", "kunit-vax"),
                    good.replace("kunit-um", "selftests"), good.replace("kunit-um", "kunit-um case"),
                    good.replace("+y", "+x"), good.replace("a: ", "A b: "), good.replace("-x\n", ""),
                    good.replace("hazard", "danger")):
            with self.subTest(bad):
                self.assertRaises(mutants.ListError, mutants.parse, bad, "list")
        self.assertEqual(mutants.parse(good, "list")[0].hunks[0], ("core.h", "sweep", ["x"], ["y"]))


if __name__ == "__main__":
    unittest.main()
