# SPDX-License-Identifier: GPL-2.0
"""KTAP of any origin, read by the kernel's own parser and written as JUnit XML.

kselftest quotes what a test prints as comments, which that parser drops.
lift() takes the quotes off, so that each case of a test is a result.
"""
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import ktap_old

QUOTED_VERSION = re.compile(r"# K?TAP version \d+")
QUOTED_SKIP = re.compile(r"# (1\.\.0|ok \d+.*?) ?# SKIP[ -]*(.*)")
BARE_SKIP = re.compile(r"ok \d+ .* # SKIP$")


class KtapError(Exception):
    pass


class Kernel:
    """The modules of tools/testing/kunit in a kernel tree."""

    def __init__(self, linux):
        folder = Path(linux) / "tools/testing/kunit"
        if not (folder / "kunit_parser.py").exists():
            raise KtapError(f"no KUnit tools in {folder}: run make tree")
        sys.path.insert(0, str(folder))
        import kunit_parser
        import kunit_printer
        self.parser = kunit_parser
        if (folder / "kunit_junit.py").exists():
            import kunit_junit
            self.junit, self.quiet = kunit_junit, kunit_printer.null_printer
        else:
            ktap_old.adapt(kunit_parser)
            self.junit, self.quiet = ktap_old.Junit(kunit_parser), None

    def parse(self, text):
        return self.parser.parse_run_tests(text.splitlines(), self.quiet)

    def skipped(self, test):
        return test.status == self.parser.TestStatus.SKIPPED

    def broken(self, test):
        return test.status not in (self.parser.TestStatus.SUCCESS, self.parser.TestStatus.SKIPPED)

    def leaves(self, test):
        """The cases themselves, without the groups they are in."""
        if not test.subtests:
            yield test
        for sub in test.subtests:
            yield from self.leaves(sub)


def lift(text):
    """kselftest's output as nested KTAP, skips with the reason that the test gave."""
    name, reason, out = "", "", []
    for line in text.replace("\r", "").splitlines():
        skip = QUOTED_SKIP.match(line)
        if skip:
            reason = skip[2] or reason
        if line.startswith("# selftests: "):
            name, reason = line[2:], ""
            out.append(line)
        elif QUOTED_VERSION.match(line):
            out += ["KTAP version 1", f"# Subtest: {name}"]
        elif skip and skip[1] == "1..0":
            out.append(f"# skipped: {reason}")
        elif BARE_SKIP.match(line) and reason:
            out.append(f"{line} {reason}")
        else:
            out.append(line.removeprefix("# "))
    return "\n".join(out) + "\n"


def join(text):
    """Documents one after the other, as a single one: the parser takes no notice of a second
    one.  What the plans have and the results have not is still missed."""
    results, number = [], 0
    plans = [int(plan) for plan in re.findall(r"^1\.\.(\d+)", text, re.MULTILINE)]
    for line in text.splitlines():
        found = re.match(r"((?:not )?ok) \d+(.*)", line)
        if found:
            number += 1
            line = f"{found[1]} {number}{found[2]}"
        if not re.match(r"K?TAP version |1\.\.\d", line):
            results.append(line)
    return "\n".join(["KTAP version 1", f"1..{sum(plans)}", *results]) + "\n"


def problems_of(kernel, test, expect, with_cases=(), must_skip=()):
    """What the counts of @test do not say: suites that are absent, cases that were lost on
    the way (@with_cases has them), skips that are not explained or not as in @must_skip."""
    counts, found = test.counts, {sub.name: sub for sub in test.subtests}
    problems = [f"missing: {name} did not run" for name in expect if name not in found]
    if not counts.total():
        problems.append("no tests: the output has no result in it")
    elif counts.errors and not counts.failed + counts.crashed:
        problems.append(f"malformed: {counts.errors} errors in the KTAP")
    problems += [f"no cases: {name} told none" for name in with_cases
                 if name in found and name not in must_skip and not found[name].subtests]
    for name in expect:
        if name in found and kernel.skipped(found[name]) != (name in must_skip):
            problems.append(f"not skipped: {name} cannot have tested anything here" if name in must_skip else
                            f"skipped: {name} must run here ({found[name].skip_reason or 'no reason'})")
    return problems + [f"unexplained skip: {leaf.name}" for leaf in kernel.leaves(test)
                       if kernel.skipped(leaf) and not leaf.skip_reason.strip()]


def write_junit(path, suites, kernel):
    """@suites: name, parsed test or None, seconds, problems, each of them a failure."""
    root = ET.Element("testsuites")
    for name, test, seconds, problems in suites:
        if test:
            test.name = name
            suite = kernel.junit.get_test_suite(test, root)
        else:
            suite = ET.SubElement(root, "testsuite", {"name": name, "tests": "0", "failures": "0"})
        suite.set("time", f"{seconds:.1f}")
        for problem in problems:
            case = ET.SubElement(suite, "testcase", {"name": problem.partition(":")[0]})
            ET.SubElement(case, "failure").text = problem
        for field in ("tests", "failures"):
            suite.set(field, str(int(suite.get(field)) + len(problems)))
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
