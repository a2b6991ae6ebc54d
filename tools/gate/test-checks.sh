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

# Both policies, one test after the other; 4 is a skip.
# shellcheck disable=SC2016  # the guest expands these
run_selftests()
{
	local tests

	tests=$(find "$TREE/tools/testing/selftests/kvm/x86" -name 'mmu_evict_*test.c' ! -name '*_perf_*' -o -name 'mmu_pool_*_test.c' |
		sed 's,.*/,./,; s/\.c$//' | sort | xargs)
	"$TOP/tools/rig/run-guest" --kernel "$BUILD/kernel-lean/arch/x86/boot/bzImage" --smp 2 --timeout 900 \
		--initrd "$BUILD/image/initramfs.cpio.gz" --append 'kvm_amd.npt=0 kvm_intel.ept=0' --log "$BUILD/console" \
		--output "$BUILD/output" -- /bin/sh -c 'cd /selftests/kvm; bad=0; for test in '"$tests"'; do
			$test; rc=$?; echo "$test: $rc"; [ $rc = 0 ] || [ $rc = 4 ] || bad=1; done; exit $bad'
	grep -E '^\./mmu_[a-z_]*: [0-9]+$' "$BUILD/output"
}

# All of KVM's selftests compile; those of the series pass, under each policy.
check_selftests()
{
	! is_base || skip "the base"
	changes tools/testing/selftests || skip "changes no selftest"
	"$TOP/tools/rig/build-selftests"
	"$TOP/tools/rig/build-image"
	"$TOP/tools/rig/build-kernel" lean
	run_selftests
}
