// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction of shadow pages under each mode of paging that KVM shadows: the guest
 * reads what it should, and its hot page tables stay under the clock, which they
 * don't under FIFO.
 *
 * The modes differ in what a shadow page is:
 *
 *   non_pae     half a guest page table of 1024 PTEs, a quarter of a directory
 *   pae         the four page directories are the roots
 *   large_page  2 MiB of the guest, which has no page table, but the host has
 *               no huge page either: a direct shadow page
 *   pcid        two of several roots, both of which KVM keeps
 *   la57        there is one more level
 */
#include "kvm_test_harness.h"
#include "mmu_evict_paging.h"

#define GROUPS		EVICT_PAGING_GROUPS
#define GROUP_REGIONS	EVICT_PAGING_GROUP_REGIONS
#define REGIONS		EVICT_PAGING_REGIONS

/* The first ones of each group.  Two share a page table of 1024 PTEs. */
#define HOT_REGIONS	4

/* After that many cold regions, the guest comes back to all hot ones. */
#define COLD_STEP	4

/* Emulation with all debug options on is slow. */
#define TIMEOUT		300

FIXTURE(mmu_evict_paging) { struct evict_paging guest; };

FIXTURE_VARIANT(mmu_evict_paging) { struct evict_paging_mode mode; };

FIXTURE_VARIANT_ADD(mmu_evict_paging, non_pae) {
	.mode = { .levels = 2, .bits = 10, .leaf = PG_LEVEL_4K },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pae) {
	.mode = { .levels = 3, .bits = 9, .leaf = PG_LEVEL_4K, .cr4 = X86_CR4_PAE },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pae_large_page) {
	.mode = { .levels = 3, .bits = 9, .leaf = PG_LEVEL_2M, .cr4 = X86_CR4_PAE },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, large_page) {
	.mode = { .levels = 4, .bits = 9, .leaf = PG_LEVEL_2M, .cr4 = X86_CR4_PAE,
		  .long_mode = true, .base = BIT_ULL(40) },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pcid) {
	.mode = { .levels = 4, .bits = 9, .leaf = PG_LEVEL_4K,
		  .cr4 = X86_CR4_PAE | X86_CR4_PCIDE,
		  .long_mode = true, .base = BIT_ULL(40) },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, la57) {
	.mode = { .levels = 5, .bits = 9, .leaf = PG_LEVEL_4K,
		  .cr4 = X86_CR4_PAE | X86_CR4_LA57,
		  .long_mode = true, .base = BIT_ULL(50) },
};

FIXTURE_SETUP(mmu_evict_paging)
{
	if (variant->mode.cr4 & X86_CR4_PCIDE && !kvm_cpu_has(X86_FEATURE_PCID))
		SKIP(return, "the CPU has no PCIDs");
	if (variant->mode.cr4 & X86_CR4_LA57 && !kvm_cpu_has(X86_FEATURE_LA57))
		SKIP(return, "the CPU has no 5-level paging");
}

FIXTURE_TEARDOWN(mmu_evict_paging)
{
	if (self->guest.vm)
		kvm_vm_free(self->guest.vm);
}

/* Returns how many shadow pages had to be created for that. */
static u64 walk_hot_regions(struct evict_paging *guest)
{
	u64 before = vm_get_stat(guest->vm, mmu_cache_miss);
	u32 i;

	for (i = 0; i < REGIONS; i += GROUP_REGIONS)
		evict_paging_walk(guest, i, HOT_REGIONS);
	return vm_get_stat(guest->vm, mmu_cache_miss) - before;
}

/* Scan the cold regions, coming back to the hot ones all the time. */
static u64 scan(struct evict_paging *guest)
{
	u64 created = 0;
	u32 i;

	for (i = 0; i < REGIONS; i += COLD_STEP) {
		if (i % GROUP_REGIONS < HOT_REGIONS)
			continue;
		created += walk_hot_regions(guest);
		evict_paging_walk(guest, i, COLD_STEP);
	}
	return created;
}

/* Returns how many shadow pages were created for hot regions, after a while. */
static u64 scan_and_verify(struct evict_paging *guest)
{
	u64 recycled, created;

	scan(guest);
	recycled = vm_get_stat(guest->vm, mmu_recycled);
	created = scan(guest);

	TEST_ASSERT(vm_get_stat(guest->vm, mmu_recycled) > recycled + REGIONS / 2,
		    "Only %lu pages evicted", vm_get_stat(guest->vm, mmu_recycled) - recycled);
	evict_paging_check(guest);
	ksft_print_msg("%lu shadow pages created for %u hot regions\n", created,
		       GROUPS * HOT_REGIONS);
	return created;
}

TEST_F_TIMEOUT(mmu_evict_paging, fifo_evicts_hot_tables, TIMEOUT)
{
	evict_paging_create(&self->guest, &variant->mode, "fifo");
	ASSERT_GT(scan_and_verify(&self->guest), 3 * GROUPS * HOT_REGIONS);
}

TEST_F_TIMEOUT(mmu_evict_paging, clock_keeps_hot_tables, TIMEOUT)
{
	evict_paging_create(&self->guest, &variant->mode, "clock");
	ASSERT_LT(scan_and_verify(&self->guest), GROUPS * HOT_REGIONS / 2);
}

int main(int argc, char *argv[])
{
	mmu_evict_require();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
