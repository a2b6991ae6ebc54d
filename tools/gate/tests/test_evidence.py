# SPDX-License-Identifier: GPL-2.0
"""Which runs count for a tree, and which of them are bad."""
import os
import sys
import unittest

from repository import GATE, Repository

sys.path[:0] = [str(GATE.parent / "report")]
import evidence
import regress

KASAN, KCSAN, MODULES, SOAK, UPSTREAM, KUT, MUTANTS, NUMBERS = (kind.name for kind in evidence.KINDS)
CONFIGS = [regress.name_of(config) for config in regress.CONFIGS]


def suites(*names, passed=9, failed=0):
    return [{"suite": name, "passed": passed, "failed": failed, "skipped": 0} for name in names]


def rounds(good, bad=0):
    return [{"verdict": "pass"}] * good + [{"verdict": "FAIL"}] * bad


class Evidence(Repository):
    def setUp(self):
        super().setUp()
        self.tree = self.commit("one", file="one\n")

    def proof(self, kind):
        return {proof.name: proof for proof in evidence.of(self.out, self.linux, self.tree)}[kind]

    def ran(self, name, kernel, *some):
        self.run_of(f"{name}/tests.json", tree=self.tree, kernel=kernel, summary=f"{name} said so", suites=list(some))

    def mutants(self, name, tree=None, **about):
        self.run_of(f"{name}/mutants.json", tree=tree or self.tree, summary=f"{name} said so",
                    **{"sample": False, "states": {"a": "killed", "b": "equivalent"}, **about})

    def regress(self, name, configs=CONFIGS, shown="ok", **host):
        self.run_of(f"{name}/result.json", kind="regress", cells=[{"shown": shown}],
                    identity={"host": {"tree": self.tree, "matrix": {"tests": ["t"], "configs": configs}, **host}})

    def test_none(self):
        for proof in evidence.of(self.out, self.linux, self.tree):
            self.assertEqual((proof.ok, proof.path, proof.wanted), (None, None, proof.name != KUT))
            self.assertIn("none for this tree yet: make ", proof.text)

    def test_tests(self):
        both = suites("selftests-fifo", "selftests-clock")
        self.ran("test-1", "kasan", *both, *suites("browser", passed=0))
        self.ran("test-2", "kasan", *suites("kunit-um"))
        self.assertEqual(self.proof(KCSAN).ok, None)
        self.ran("test-3", "kcsan", *both, *suites("gate", failed=1))
        self.ran("test-4", "modules", *suites("selftests-modules", passed=0))
        self.assertEqual(self.proof(KASAN)[1:4], ("test-1: test-1 said so", self.out / "test-1/tests.json", True))
        self.assertEqual([self.proof(kind).ok for kind in (KCSAN, MODULES)], [False, False])

    def test_mutants(self):
        self.mutants("mutants-1", sample=True)
        self.assertEqual(self.proof(MUTANTS).ok, None)
        self.assertIn("(mutants-1: mutants-1 said so: but a part)", self.proof(MUTANTS).text)
        self.mutants("mutants-2")
        self.assertEqual(self.proof(MUTANTS).ok, True)
        for state in ("survived", "broken", "not equivalent"):
            self.mutants("mutants-2", states={"a": "killed", "b": state})
            self.assertEqual(self.proof(MUTANTS).ok, False, state)
        self.mutants("mutants-2", states={})
        self.assertEqual(self.proof(MUTANTS).ok, False)

    def test_the_newest_counts(self):
        for age, state in ((1, "killed"), (2, "survived")):
            self.mutants(f"mutants-{age}", states={"a": state})
            os.utime(self.out / f"mutants-{age}/mutants.json", (1000 - age, 1000 - age))
        self.assertEqual(self.proof(MUTANTS).ok, True)

    def test_soak(self):
        for some, ok in ((rounds(9), None), (rounds(10), True), (rounds(10, 1), False), (rounds(1, 1), False), ([], False)):
            self.run_of("soak-1/soak.json", tree=self.tree, summary=f"{len(some)} rounds", rounds=some)
            self.assertEqual(self.proof(SOAK).ok, ok, some)
            self.assertIn(f"soak-1: {len(some)} rounds", self.proof(SOAK).text)

    def test_upstream(self):
        for name, kind in (("regress-1", UPSTREAM), ("kut-1", KUT)):
            for about, ok in (({}, True), ({"sample": False}, True), ({"sample": True}, None),
                              ({"configs": CONFIGS[1:]}, None), ({"shown": "FAIL!"}, False), ({"shown": "known"}, True),
                              ({"tree": "0" * 40}, None)):
                self.regress(name, **about)
                self.assertEqual(self.proof(kind).ok, ok, about)

    def test_numbers(self):
        self.run_of("run-1/result.json", cells=[1, 2], identity={"host": {"tree": self.tree}})
        self.assertEqual(self.proof(NUMBERS)[1:4], ("run-1: 2 cells", self.out / "run-1/result.json", True))

    def test_damaged_is_none(self):
        self.write(self.out / "mutants-1/mutants.json", "{")
        self.write(self.out / "mutants-2/mutants.json", "[]")
        self.run_of("mutants-3/mutants.json", tree=self.tree)
        self.assertEqual(self.proof(MUTANTS).ok, None)

    def test_same_code(self):
        old = self.tree
        self.mutants("mutants-1", old)
        self.tree = self.commit("two", {"Documentation/a.rst": "words\n", "MAINTAINERS": "me\n"})
        self.assertEqual(self.proof(MUTANTS).ok, True)
        for tree in (old + "-dirty", self.tree + "-dirty", "0" * 40, "--stat", "HEAD"):
            self.mutants("mutants-1", tree)
            self.assertEqual(self.proof(MUTANTS).ok, None, tree)
        for path in ("file", "tools/Documentation.c", "tools/MAINTAINERS"):
            self.mutants("mutants-1", self.tree)
            self.tree = self.commit("three", {path: "three\n"})
            self.assertEqual(self.proof(MUTANTS).ok, None, path)


if __name__ == "__main__":
    unittest.main()
