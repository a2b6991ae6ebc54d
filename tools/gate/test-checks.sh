# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks of a commit by running what it has; check-commit sources this.

suites()
{
	sed -n 's/^\t\.name = "\(kvm_mmu_evict[a-z_]*\)",$/\1/p' "$TREE"/arch/x86/kvm/mmu/tests/*_kunit.c | sort -u | xargs
}

# All of the suites that there are by this commit.
run_kunit()
{
	! is_base || skip "the base"
	[ -d "$TREE/arch/x86/kvm/mmu/tests" ] || skip "no suites yet"
	changes_kernel
	SUITES=$1 "$TOP/tools/rig/run-kunit" "$2"
}

check_kunit-um()     { run_kunit kvm_mmu_evict um; }
check_kunit-x86_64() { run_kunit "$(suites 2> /dev/null)" x86_64; }

# The one test that needs TDP, as it is TDP of L2 that it has KVM shadow; others need shadow paging.
WITH_TDP=mmu_evict_nested_test
# What the lean kernel cannot run: it has no fault injection, which would slow down each allocation.
MAY_SKIP=mmu_evict_enomem_test

# Those that the series has by now. Not mmu_evict_perf_test, which measures (make run), nor the
# script that loads KVM, which is built in here (make kselftest CONFIG=modules).
series_tests()
{
	find "$TREE/tools/testing/selftests/kvm/x86" -name 'mmu_evict_*test.c' ! -name '*_perf_*' -o -name 'mmu_pool_*_test.c' |
		sed 's,.*/,,; s/\.c$//' | sort
}

# Whether one that skipped, or has not even begun, was to be expected.
judge()
{
	local name=$1 status=$2

	echo "$name: ${status:-no end}"
	[ "$status" = 0 ] || [ "$status $name" = "4 $MAY_SKIP" ]
}

# run_selftests NPT TEST...: in a guest, one after the other. Each of them tries both policies.
run_selftests()
{
	local npt=$1 tests=("${@:2}") kept=$STEM-npt$1 script test bad=()

	script="cd /selftests/kvm; for test in ${tests[*]}; do ./\$test; printf '\n@@ %s %s\n' \$test \$?; done"
	"$TOP/tools/rig/run-guest" --kernel "$BUILD/kernel-lean/arch/x86/boot/bzImage" --smp 2 --timeout 1500 --heartbeat 120 \
		--initrd "$BUILD/image/initramfs.cpio.gz" --append "kvm_amd.npt=$npt kvm_intel.ept=$npt" --log "$kept.console" \
		--output "$kept.output" -- /bin/sh -c "$script"
	for test in "${tests[@]}"; do
		judge "$test" "$(sed -n "s/^@@ $test //p" "$kept.output")" || bad+=("$test")
	done
	[ ${#bad[@]} -eq 0 ] || die "npt=$npt: not passed: ${bad[*]}; $kept.output"
}

# All of KVM's selftests compile; those of the series pass, under each policy.
check_selftests()
{
	local tests

	! is_base || skip "the base"
	changes tools/testing/selftests || skip "changes no selftest"
	"$TOP/tools/rig/build-selftests"
	"$TOP/tools/rig/build-image"
	"$TOP/tools/rig/build-kernel" lean
	mapfile -t tests < <(series_tests)
	[[ " ${tests[*]} " != *" $WITH_TDP "* ]] || run_selftests 1 "$WITH_TDP"
	mapfile -t tests < <(series_tests | grep -vx "$WITH_TDP")
	[ ${#tests[@]} -eq 0 ] || run_selftests 0 "${tests[@]}"
}
