// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction of the shadow pages of nested TDP, the only ones there are with TDP.
 *
 * What is special: KVM zaps a page of nested TDP with all of its descendants,
 * and each switch of tables changes the root.  Accessed bits can be off with
 * nested EPT only.
 */
#include "kvm_test_harness.h"
#include "mmu_evict_nested.h"
#include "mmu_evict_replay.h"

#define HOT_TABLES	2
#define HOT_REGIONS	6
#define TABLES		EVICT_NESTED_TABLES
#define REGIONS		EVICT_NESTED_REGIONS

/* Emulation with all debug options on is slow. */
#define TIMEOUT		240

static u32 seed;

/*
 * Cold tables, one after the other, and all the while the hot ones.  Only
 * read, as a write to a page whose PTE isn't dirty is another fault, i.e. it is
 * a use of a page table that has been used only once by other standards.
 */
static u64 scan(struct evict_nested *guest, u32 first, u32 last)
{
	u32 table, region, hot;
	u64 created = 0;

	for (table = first; table <= last; table++) {
		for (region = 0; region < REGIONS; region++) {
			for (hot = 0; region % 4 == 0 && hot < HOT_TABLES; hot++)
				created += evict_nested_run(guest, hot, 0, HOT_REGIONS, 0, false);
			evict_nested_run(guest, table, region, 1, 0, false);
		}
	}
	return created;
}

/* As L1 doesn't write its tables, a shadow page goes away by eviction only. */
static void check_counters(struct evict_nested *guest, bool clock)
{
	u64 recycled = vm_get_stat(guest->vm, mmu_recycled);
	u64 gone = vm_get_stat(guest->vm, mmu_cache_miss) -
		   vm_get_stat(guest->vm, mmu_shadow_pages);

	/* FIFO doesn't count all the descendants of a victim. */
	TEST_ASSERT(clock ? recycled == gone : recycled <= gone,
		    "%lu pages are gone, but %lu were recycled", gone, recycled);
	TEST_ASSERT(recycled, "Nothing was evicted");
	TEST_ASSERT(!vm_get_stat(guest->vm, mmu_evict_spared) != clock,
		    "%lu pages were spared", vm_get_stat(guest->vm, mmu_evict_spared));
}

static void free_guest(struct evict_nested *guest, bool clock)
{
	evict_nested_check(guest);
	check_counters(guest, clock);
	kvm_vm_free(guest->vm);
}

FIXTURE(mmu_evict_nested) { struct evict_nested guest; };
FIXTURE_VARIANT(mmu_evict_nested) { struct evict_nested_kind kind; };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages) { .kind = { PG_LEVEL_4K } };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages_preset_ad) {
	.kind = { PG_LEVEL_4K, .preset_ad = true },
};
FIXTURE_VARIANT_ADD(mmu_evict_nested, large_pages) { .kind = { PG_LEVEL_2M } };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages_no_ad) {
	.kind = { PG_LEVEL_4K, .no_ad = true },
};

FIXTURE_SETUP(mmu_evict_nested)
{
	if (variant->kind.no_ad && !kvm_cpu_has(X86_FEATURE_VMX))
		SKIP(return, "NPT always has A/D bits, EPT can go without");
}

FIXTURE_TEARDOWN(mmu_evict_nested)
{
}

static const char * const policies[] = { "fifo", "clock" };

TEST_F_TIMEOUT(mmu_evict_nested, hot_tables_survive_a_scan_of_cold_tables, TIMEOUT)
{
	u64 created[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		evict_nested_create(&self->guest, &variant->kind, policies[i], MMU_EVICT_MIN_POOL);
		scan(&self->guest, HOT_TABLES, HOT_TABLES + 1);
		created[i] = scan(&self->guest, HOT_TABLES + 2, TABLES - 1);
		TEST_ASSERT(vm_get_stat(self->guest.vm, mmu_shadow_pages) <= MMU_EVICT_MIN_POOL,
			    "The pool is no bound");
		free_guest(&self->guest, i);
	}
	ksft_print_msg("shadow pages of hot tables created: fifo %lu, clock %lu\n",
		       created[0], created[1]);

	/* Without Accessed bits, there is no telling that they are hot. */
	if (variant->kind.no_ad)
		return;
	ASSERT_GT(created[0], 2 * HOT_TABLES * HOT_REGIONS);
	ASSERT_LT(created[1], created[0] / 10);
}

/* Use all tables, and return how many shadow pages there were at most. */
static u64 fill_pool(struct evict_nested *guest, u32 step)
{
	u64 most = 0;
	u32 i;

	for (i = 0; i < TABLES * REGIONS; i += step) {
		evict_nested_run(guest, i / REGIONS, i % REGIONS, step, 0, false);
		most = max(most, vm_get_stat(guest->vm, mmu_shadow_pages));
	}
	return most;
}

/* A page that goes with all its descendants must not shrink the pool further. */
TEST_F_TIMEOUT(mmu_evict_nested, shrinking_keeps_the_requested_size, TIMEOUT)
{
	u64 before, goal, left, most;
	u32 i;

	for (i = 0; i < 2; i++) {
		evict_nested_create(&self->guest, &variant->kind, policies[i], 1024);
		before = fill_pool(&self->guest, REGIONS);
		goal = before - 1;
		mmu_evict_set_pool(self->guest.vm, goal);
		left = vm_get_stat(self->guest.vm, mmu_shadow_pages);
		most = fill_pool(&self->guest, 1);
		ksft_print_msg("%s: %lu pages, pool shrunk to %lu: %lu left, then up to %lu\n",
			       policies[i], before, goal, left, most);

		/* Sweeps start below five free pages. */
		ASSERT_LE(left, goal);
		ASSERT_LE(most, goal);
		ASSERT_GE(most + 8, goal);
		evict_nested_check(&self->guest);
		kvm_vm_free(self->guest.vm);
	}
}

/* The same for the same state of @rng. */
static void run_randomly(struct evict_nested *guest, struct kvm_random_state *rng)
{
	u32 first = kvm_random_u32_in_range(rng, 0, REGIONS - 1);
	bool write = kvm_random_bool(rng);
	u32 page = kvm_random_u32_in_range(rng, 0, EVICT_NESTED_PAGES - 1);
	u32 nr = kvm_random_u32_in_range(rng, 1, REGIONS - first);
	u32 table = kvm_random_u32_in_range(rng, 0, TABLES - 1);

	evict_nested_run(guest, table, first, nr, page, write);
}

TEST_F_TIMEOUT(mmu_evict_nested, random_switches_of_tables_lose_nothing, TIMEOUT)
{
	struct kvm_random_state rng;
	u32 i, j;

	for (i = 0; i < 2; i++) {
		rng = new_kvm_random_state(seed);
		evict_nested_create(&self->guest, &variant->kind, policies[i], MMU_EVICT_MIN_POOL);
		for (j = 0; j < 150; j++) {
			run_randomly(&self->guest, &rng);
			if (j % 8)
				continue;
			mmu_evict_set_pool(self->guest.vm,
					   kvm_random_u32_in_range(&rng, MMU_EVICT_MIN_POOL,
								   2 * MMU_EVICT_MIN_POOL));
		}
		free_guest(&self->guest, i);
	}
}

static struct mmu_evict_replay replay;

/* Not for fifo, which loses count of the descendants, thus evicts more than it has to. */
TEST_F_TIMEOUT(mmu_evict_nested, each_decision_of_the_clock_is_right, TIMEOUT)
{
	struct kvm_random_state rng;
	u32 i;

	if (!mmu_evict_trace_supported())
		SKIP(return, "needs tracefs, and in it the event kvm_mmu_evict_page");

	rng = new_kvm_random_state(seed);

	/* From now on, L1 itself doesn't need any more page tables. */
	evict_nested_create(&self->guest, &variant->kind, "clock", MMU_EVICT_MIN_POOL);
	mmu_evict_replay_start(&replay, MMU_EVICT_MIN_POOL, true);
	replay.alone = true;
	replay.nested = true;
	for (i = 0; i < 100; i++) {
		run_randomly(&self->guest, &rng);
		mmu_evict_replay_run(&replay);
	}
	ASSERT_EQ(vm_get_stat(self->guest.vm, mmu_shadow_pages), replay.nr);
	ASSERT_EQ(vm_get_stat(self->guest.vm, mmu_evict_spared),
		  replay.count[MMU_EVICT_SPARED]);
	/* Victims had descendants. */
	ASSERT_GT(replay.dragged, 0);
	mmu_evict_trace_stop();
	free_guest(&self->guest, true);
}

int main(int argc, char *argv[])
{
	seed = mmu_evict_take_seed(&argc, argv);
	__TEST_REQUIRE(kvm_is_tdp_enabled(), "needs TDP, which is what KVM shadows for L2");
	__TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_VMX) || kvm_cpu_has(X86_FEATURE_SVM),
		       "needs nested virtualization, which KVM doesn't have or which is off");
	__TEST_REQUIRE(kvm_cpu_has_tdp(), "needs TDP for L2, which KVM doesn't have");
	mmu_evict_require_policies();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
