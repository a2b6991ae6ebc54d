# SPDX-License-Identifier: GPL-2.0
"""run-soak against a canned run-tests: what a round is, and what is left to do."""
import json
import signal
import time
import unittest

from sandbox import Sandbox, write

# Fails for the seed in $BAD, in the way that $HOW says.
RUN_TESTS = """#!/bin/sh
echo "$SEED $*" >> "$OUT/../calls"
[ "$SEED" != "$BAD" ] || eval "$HOW"
echo '9 passed, 0 failed, 1 skipped'
"""


class Soak(Sandbox):
    def setUp(self):
        super().setUp()
        self.env["RUN_TESTS"] = str(write(self.top / "run-tests", RUN_TESTS, 0o755))
        for name in ("N", "SEED", "CONFIG"):
            self.env.pop(name, None)

    def soak(self, **env):
        code, out, err = self.run_script("run-soak", **env)
        return code, out + err

    def calls(self):
        return next(self.out.glob("soak-*/calls")).read_text().splitlines()

    def run_id(self):
        return next(self.out.glob("soak-*")).name

    def test_each_round_has_its_seed(self):
        code, out = self.soak(N="3", SEED="7", CONFIG="kcsan")
        self.assertEqual(code, 0, out)
        self.assertIn("3 rounds, 0 of them failed", out)
        self.assertEqual(self.calls(), [f"{seed} --config kcsan --only selftests" for seed in (7, 8, 9)])

    def test_every_kind_of_failure_counts(self):
        for how, why in (("echo 'selftests-fifo: failed: global.x'; echo '8 passed, 1 failed, 0 skipped'; exit 1",
                          "seed 2: selftests-fifo: failed: global.x"),
                         ("echo 'selftests-stress-fifo: hang: no sign of life'; echo '8 passed, 1 failed, 0 skipped'; exit 1",
                          "seed 2: selftests-stress-fifo: hang: no sign of life"),
                         ("echo '9 passed, 0 failed, 0 skipped'; exit 1", "seed 2: run-tests ended with 1"),
                         ("exit 0", "seed 2: run-tests ended with 0"),
                         ("echo '0 passed, 0 failed, 9 skipped'; exit 0", "seed 2: run-tests ended with 0")):
            with self.subTest(how):
                code, out = self.soak(N="3", BAD="2", HOW=how)
                self.assertEqual(code, 1, out)
                self.assertIn("3 rounds, 1 of them failed", out)
                self.assertIn(why, out)

    def test_resumes(self):
        self.soak(N="2", BAD="2", HOW="exit 1")
        code, out = self.soak(N="4", RUN=self.run_id())
        self.assertEqual([line.split()[0] for line in self.calls()], ["1", "2", "3", "4"])
        self.assertEqual(code, 1, "a failure of an earlier round is still one")
        self.assertIn("4 rounds, 1 of them failed", out)

    def test_says_what_it_is_about(self):
        self.soak(N="1")
        run = self.out / self.run_id()
        said = json.loads((run / "soak.json").read_text())
        self.assertEqual((said["kernel"], said["summary"]), ("kasan", "1 rounds, 0 of them failed"))
        self.assertIn("about another tree or kernel", self.soak(N="2", RUN=run.name, CONFIG="kcsan")[1])
        write(self.top / "build/linux/Makefile", "another")
        self.commit(self.top / "build/linux")
        code, out = self.soak(N="2", RUN=run.name)
        self.assertEqual((code, out), (1, f"error: RUN={run.name} is about another tree or kernel: choose another RUN\n"))
        self.assertEqual(len(self.calls()), 1)

    def test_bad_knobs(self):
        for env, why in (({"N": "x"}, "error: N=x: a number from 1"), ({"N": "0"}, "error: N=0"),
                         ({"RUN": "soak-no"}, "error: no soak RUN=soak-no")):
            with self.subTest(env):
                code, out = self.soak(**env)
                self.assertEqual(code, 1)
                self.assertIn(why, out)

    def test_interrupted_round_is_not_recorded(self):
        proc = self.start("run-soak", N="2", BAD="2", HOW="sleep 100")
        for _ in range(100):
            rounds = list(self.out.glob("soak-*/calls"))
            if rounds and len(rounds[0].read_text().splitlines()) == 2:
                break
            time.sleep(0.1)
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=30)
        self.assertEqual(proc.returncode, 130)
        rows = next(self.out.glob("soak-*/rounds.jsonl")).read_text().splitlines()
        self.assertEqual([json.loads(row)["seed"] for row in rows], [1])


if __name__ == "__main__":
    unittest.main()
