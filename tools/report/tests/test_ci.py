# SPDX-License-Identifier: GPL-2.0
"""Files for CI services: they run targets of the Makefile and nothing else."""
import json
import re
import shlex
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((TOP / ".github/workflows").glob("*.yml"))
CI = TOP / "tools/ci"

try:
    import jsonschema
    import yaml
except ImportError as error:
    yaml, REASON = None, f"{error.name} is not installed"


def read(path):
    return yaml.safe_load(path.read_text())


def commands_of(jobs):
    """(command, its variables) for each command and each cell of the matrix, from any depth."""
    for job in jobs:
        for step in job.get("steps") or []:
            yield from ((line, step.get("env") or {}) for line in (step.get("run") or "").splitlines())
        yield from ((line, {}) for line in job.get("script") or [])


def targets_of(matrix):
    cells = matrix if isinstance(matrix, list) else [matrix, *matrix.get("include", [])]
    for cell in cells:
        value = cell.get("TARGET") or cell.get("target") or []
        yield from [value] if isinstance(value, str) else value


@unittest.skipUnless(yaml, f"{'' if yaml else REASON}")
class Files(unittest.TestCase):
    def setUp(self):
        self.gitlab = read(TOP / ".gitlab-ci.yml")
        self.github = {path.stem: read(path) for path in WORKFLOWS}
        self.targets = set(re.findall(r"^([a-z0-9-]+):.* ## ", (TOP / "Makefile").read_text(), re.MULTILINE))

    def matrices(self):
        for name in ("fast", "nightly"):
            yield f"github {name}", list(targets_of(self.github[name]["jobs"][name]["strategy"]["matrix"]))
            yield f"gitlab {name}", list(targets_of(self.gitlab[name]["parallel"]["matrix"]))

    def test_commands_are_make(self):
        jobs = [job for workflow in self.github.values() for job in workflow["jobs"].values()]
        jobs += [job for job in self.gitlab.values() if isinstance(job, dict)]
        commands = [line for line, _ in commands_of(jobs)]
        self.assertEqual(len(commands), 4)
        for line in commands:
            self.assertRegex(line, r"^make (tree|\$TARGET)$")

    def test_targets_exist(self):
        for where, targets in self.matrices():
            self.assertGreater(len(targets), 4, where)
            for target in targets:
                goal, *knobs = shlex.split(target)
                self.assertIn(goal, self.targets, where)
                for knob in knobs:
                    self.assertIn(f"#: {knob.partition('=')[0]}=", (TOP / "Makefile").read_text())

    def test_both_services_run_the_same(self):
        found = dict(self.matrices())
        for name in ("fast", "nightly"):
            self.assertEqual(set(found[f"github {name}"]), set(found[f"gitlab {name}"]))

    def test_caches_are_where_the_rig_keeps_them(self):
        lib = (TOP / "tools/rig/lib.sh").read_text()
        self.assertIn('"${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/kvm-mmu-evict}"', lib)
        package = re.search(r"^SOURCE_PACKAGE=(.*)$", lib, re.MULTILINE)[1]
        wanted = [f"{package.replace('$BASE', '*')}.git", "ccache"]
        steps = self.github["make"]["jobs"]["make"]["steps"]
        self.assertEqual([step["with"]["path"] for step in steps if "cache@" in step.get("uses", "")],
                         [f"~/.cache/kvm-mmu-evict/{name}" for name in wanted])
        self.assertEqual([path for cache in self.gitlab["default"]["cache"] for path in cache["paths"]],
                         [self.gitlab["variables"]["CACHE"].replace("$CI_PROJECT_DIR/", "") + f"/{name}" for name in wanted])


@unittest.skipUnless(yaml, f"{'' if yaml else REASON}")
class KernelCI(unittest.TestCase):
    """By a schema of ours: KernelCI publishes none."""

    def setUp(self):
        self.config, self.schema = read(CI / "kernelci.yaml"), json.loads((CI / "kernelci.schema.json").read_text())

    def test_schema(self):
        jsonschema.validate(self.config, self.schema)
        self.config["scheduler"][0].pop("runtime")
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(self.config, self.schema)

    def test_names_are_defined(self):
        c = self.config
        for entry in c["scheduler"]:
            self.assertIn(entry["job"], c["jobs"])
            self.assertLessEqual(set(entry.get("platforms", [])), set(c["platforms"]))
            self.assertIn(entry["event"]["name"], {"checkout", *c["jobs"]})
        self.assertEqual({entry["job"] for entry in c["scheduler"]}, set(c["jobs"]))
        for job in c["jobs"].values():
            self.assertLessEqual(set(job["rules"]["tree"]), set(c["trees"]))
            self.assertLessEqual(set(job["params"].get("fragments", [])), {*c["fragments"], "kselftest"})

    def test_each_policy_runs_with_shadow_paging(self):
        words = [p["context"]["extra_kernel_args"].split() for p in self.config["platforms"].values()]
        self.assertEqual([w[0] for w in words], ["kvm_amd.npt=0"] * 2)
        self.assertEqual({w[1] for w in words}, {"kvm.mmu_evict=fifo", "kvm.mmu_evict=clock"})

    def test_the_context_is_one_of_lava(self):
        try:
            from lava_common.schemas import CONTEXT_VARIABLES
        except ImportError:
            self.skipTest("no lava-common here: make lava-test installs it")
        for platform in self.config["platforms"].values():
            self.assertLessEqual(set(platform["context"]), set(CONTEXT_VARIABLES))


if __name__ == "__main__":
    unittest.main()
