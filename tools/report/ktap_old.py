# SPDX-License-Identifier: GPL-2.0
"""What the KUnit tools of older kernels (6.12) lack: reasons of skips, silence, and JUnit."""
import os
import xml.etree.ElementTree as ET


def adapt(parser):
    """Let @parser do as later ones do."""
    parse_run_tests, parse_test_result = parser.parse_run_tests, parser.parse_test_result

    def result_with_reason(lines, test, number):
        skip = parser.TEST_RESULT_SKIP.match(lines.peek())
        test.skip_reason = skip[5].strip() if skip else ""
        return parse_test_result(lines, test, number)

    parser.Test.skip_reason = ""
    parser.parse_test_result = result_with_reason
    parser.parse_run_tests = lambda lines, printer: parse_run_tests(lines)
    parser.stdout = type(parser.stdout)(open(os.devnull, "w", encoding="utf-8"))


class Junit:
    """get_test_suite() of later kernels' kunit_junit.py."""

    def __init__(self, parser):
        status = parser.TestStatus
        self.elements = {status.FAILURE: ("failure", lambda test: "Test Failed"),
                         status.SKIPPED: ("skipped", lambda test: test.skip_reason),
                         status.TEST_CRASHED: ("error", lambda test: "Test Crashed")}

    def get_test_suite(self, test, parent):
        c = test.counts
        suite = ET.SubElement(parent, "testsuite", {
            "name": test.name, "tests": str(c.total()), "failures": str(c.failed), "skipped": str(c.skipped),
            "errors": str(c.crashed + c.errors)})
        for sub in test.subtests:
            if sub.subtests:
                self.get_test_suite(sub, suite)
                continue
            case = ET.SubElement(suite, "testcase", {"name": sub.name})
            if sub.status in self.elements:
                name, text = self.elements[sub.status]
                ET.SubElement(case, name).text = text(sub)
            if sub.log:
                ET.SubElement(case, "system-out").text = "\n".join(sub.log)
        return suite
