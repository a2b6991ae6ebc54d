// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_NR_MMU_PAGES must not leave a VM with a smaller pool of shadow pages
 * than what was asked for.
 *
 * To shrink the pool, KVM zaps the oldest shadow pages.  Zapping a page takes
 * its unsync descendants along, i.e. KVM may zap far more than it has to.  The
 * pool's size must nevertheless be the requested one, not what happens to be
 * left: with a handful of pages a guest makes no progress at all.
 *
 * Needs shadow paging: a guest creates unsync pages by writing its own 4 KiB
 * page tables, and has KVM sync them by reloading CR3, which this one doesn't.
 */
#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "ucall_common.h"

#define REGIONS		128

/* Leave some to a kernel with the bug, so that the test fails, not hangs. */
#define UNSYNC_REGIONS	(REGIONS / 2)

static struct mmu_evict_config config = {
	.pool = 8 * REGIONS,
	.vcpus = 1,
	.regions = REGIONS,
	.pages = 1,
};

static void guest_code(void)
{
	u64 *table = (void *)MMU_EVICT_TABLES_GVA;
	u32 i;

	for (;;) {
		for (i = 0; i < REGIONS; i++)
			GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)mmu_evict_gva(i, 0)),
					mmu_evict_value(i, 0));

		/* Write a PTE that nobody uses. */
		for (i = 0; i < UNSYNC_REGIONS; i++)
			WRITE_ONCE(table[(i + 1) * PTES_PER_MIN_PAGE - 1], 0);

		GUEST_SYNC(0);
	}
}

FIXTURE(mmu_pool_size) {
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
};

FIXTURE_SETUP(mmu_pool_size)
{
	/* The test is about the size, and gets there by evicting the oldest. */
	config.policy = mmu_evict_has_param() ? "fifo" : NULL;
	self->vm = mmu_evict_vm_create(&config, guest_code, &self->vcpu);
	mmu_evict_map_tables(self->vm, REGIONS);
}

FIXTURE_TEARDOWN(mmu_pool_size)
{
	kvm_vm_free(self->vm);
}

TEST_F(mmu_pool_size, shrinking_keeps_the_requested_size)
{
	u64 before, goal, left, after;

	mmu_evict_run(self->vcpu);
	before = vm_get_stat(self->vm, mmu_shadow_pages);
	TEST_ASSERT(vm_get_stat(self->vm, mmu_unsync) >= UNSYNC_REGIONS,
		    "Only %lu pages are unsync", vm_get_stat(self->vm, mmu_unsync));

	/* One page too many, but the oldest is an ancestor of all unsync pages. */
	goal = before - 1;
	vm_ioctl(self->vm, KVM_SET_NR_MMU_PAGES, (void *)goal);
	left = vm_get_stat(self->vm, mmu_shadow_pages);

	mmu_evict_run(self->vcpu);
	after = vm_get_stat(self->vm, mmu_shadow_pages);
	ksft_print_msg("%lu pages, pool shrunk to %lu: %lu left, then %lu in use\n",
		       before, goal, left, after);

	/* More than before, but at most a batch less than the whole pool. */
	ASSERT_LE(left + UNSYNC_REGIONS, goal + 1);
	ASSERT_GT(after, left);
	ASSERT_LE(after, goal);
}

int main(int argc, char *argv[])
{
	__TEST_REQUIRE(!kvm_is_tdp_enabled(), "needs shadow paging, but TDP is on");
	if (mmu_evict_has_param())
		mmu_evict_keep_setting(MMU_EVICT_PARAM);

	return test_harness_run(argc, argv);
}
