// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which shadow pages KVM evicts when a VM's pool runs dry, under each policy.
 *
 * Every case replays KVM's tracepoints, i.e. checks each single decision besides
 * what the case is about.  The guest checks all that it reads.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_replay.h"

#define REGIONS		320
#define HOT_REGIONS	MMU_EVICT_HOT_REGIONS

/*
 * A page that KVM doesn't prefetch along with page 0, i.e. that is good for one
 * more fault in the same page table.
 */
#define OTHER_PAGE	8

/* Emulation with all debug options on is slow. */
#define TIMEOUT		300

static struct mmu_evict_replay replay;

static const struct mmu_evict_config default_config = {
	.pool = MMU_EVICT_MIN_POOL,
	.vcpus = 1,
	.regions = REGIONS,
	.pages = 2 * OTHER_PAGE,
};

FIXTURE(mmu_evict) {
	struct mmu_evict_config config;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
};

FIXTURE_VARIANT(mmu_evict) { const char *policy; bool clock; };
FIXTURE_VARIANT_ADD(mmu_evict, fifo) { .policy = "fifo" };
FIXTURE_VARIANT_ADD(mmu_evict, clock) { .policy = "clock", .clock = true };

FIXTURE_SETUP(mmu_evict)
{
	u32 i;

	self->config = default_config;
	self->config.policy = variant->policy;

	mmu_evict_replay_start(&replay, self->config.pool, variant->clock);
	replay.alone = true;
	self->vm = mmu_evict_vm_create(&self->config, mmu_evict_guest_code, &self->vcpu);
	mmu_evict_map_tables(self->vm, REGIONS);
	for (i = 0; i < REGIONS; i++)
		mmu_evict_watch(&replay, mmu_evict_table(self->vm, i));
}

FIXTURE_TEARDOWN(mmu_evict)
{
	EXPECT_EQ(vm_get_stat(self->vm, mmu_shadow_pages), replay.nr);
	kvm_vm_free(self->vm);
	mmu_evict_trace_stop();
}

static void walk(FIXTURE_DATA(mmu_evict) *self, u32 first, u32 nr, bool hot, u32 page)
{
	mmu_evict_run_walk(self->vcpu, first, nr, hot, page);
	mmu_evict_replay_run(&replay);
}

/* Forget what it took to get to the point. */
static void forget(void)
{
	memset(replay.seen, 0, sizeof(replay.seen));
}

/* Fill the pool by a walk with hot regions. */
static void warm_up(FIXTURE_DATA(mmu_evict) *self)
{
	walk(self, HOT_REGIONS, 80, true, 0);
	forget();
}

TEST_F_TIMEOUT(mmu_evict, hot_regions_survive_a_scan, TIMEOUT)
{
	u32 refaults;

	warm_up(self);
	walk(self, 96, 200, true, 0);

	refaults = mmu_evict_seen(&replay, 0, HOT_REGIONS, MMU_EVICT_NEW);
	ASSERT_LE(refaults, variant->clock ? 1 : UINT_MAX);
	ASSERT_GE(refaults, variant->clock ? 0 : 3 * HOT_REGIONS);
}

TEST_F_TIMEOUT(mmu_evict, one_visit_earns_no_second_chance, TIMEOUT)
{
	u32 spared, evicted;

	warm_up(self);
	walk(self, 96, 200, false, 0);

	evicted = mmu_evict_seen(&replay, 96, 200, MMU_EVICT_EVICTED);
	ASSERT_GE(evicted, 100);
	ASSERT_EQ(mmu_evict_seen(&replay, 96, 200, MMU_EVICT_FORCED), 0);

	/* ... but for a lottery. */
	spared = mmu_evict_seen(&replay, 96, 200, MMU_EVICT_SPARED);
	ASSERT_GE(spared, variant->clock ? evicted / KVM_MMU_EVICT_LOTTERY : 0);
	ASSERT_LE(spared, variant->clock ? evicted / KVM_MMU_EVICT_LOTTERY + 1 : 0);
}

TEST_F_TIMEOUT(mmu_evict, a_reference_earns_one_second_chance, TIMEOUT)
{
	/* Shadow pages of the last regions have yet to be evicted. */
	u32 i, nr = REGIONS - 2 * self->config.pool, spared;

	/* One fault creates the shadow page, another one comes back to it. */
	for (i = 0; i < REGIONS; i++) {
		walk(self, i, 1, false, 0);
		walk(self, i, 1, false, OTHER_PAGE);
	}

	for (i = 0; i < HOT_REGIONS; i++) {
		ASSERT_EQ(replay.seen[i][MMU_EVICT_SPARED], variant->clock);
		ASSERT_EQ(replay.seen[i][MMU_EVICT_EVICTED], 1);
	}

	/* The hand may catch a new page before the second fault, if rarely. */
	spared = mmu_evict_seen(&replay, 0, nr, MMU_EVICT_SPARED);
	ASSERT_LE(spared, variant->clock ? nr : 0);
	ASSERT_GE(spared, variant->clock ? nr - nr / 10 : 0);
}

/* Use one set of regions after the other, each of them many times. */
static void move_on(FIXTURE_DATA(mmu_evict) *self)
{
	u32 i, j;

	for (i = 0; i < REGIONS; i += HOT_REGIONS)
		for (j = 0; j < 10; j++)
			walk(self, i, HOT_REGIONS, false, j % self->config.pages);
}

/* Pages that were in use once must not crowd out those that are in use now. */
TEST_F_TIMEOUT(mmu_evict, working_set_may_move_on, TIMEOUT)
{
	move_on(self);
	ASSERT_LE(mmu_evict_seen(&replay, 0, REGIONS, MMU_EVICT_NEW), REGIONS + REGIONS / 20);
}

#define LOOP	100

/* ... but when all are in use by turns, and too many to fit, some had better stay. */
TEST_F_TIMEOUT(mmu_evict, a_loop_keeps_some_of_its_tables, TIMEOUT)
{
	u32 i, created;

	for (i = 0; i < 30; i++) {
		forget();
		walk(self, 0, LOOP, false, i % self->config.pages);
	}
	created = mmu_evict_seen(&replay, 0, LOOP, MMU_EVICT_NEW);
	ASSERT_LE(created, LOOP - (variant->clock ? LOOP / 5 : 0));
	ASSERT_GE(created, variant->clock ? 1 : LOOP);

	/* They go when the loop has ended, if not at once. */
	move_on(self);
	forget();
	move_on(self);
	ASSERT_LE(mmu_evict_seen(&replay, 0, REGIONS, MMU_EVICT_NEW), REGIONS + REGIONS / 20);
}

TEST_F_TIMEOUT(mmu_evict, a_sweep_has_a_budget, TIMEOUT)
{
	u32 pool = 300;

	mmu_evict_replay_resize(&replay, self->vm, pool);

	/* Reference most of the pool, then have a sweep meet nothing else. */
	walk(self, 0, 280, false, 0);
	walk(self, 0, 280, false, OTHER_PAGE);
	walk(self, 280, 30, false, 0);

	ASSERT_EQ(!!replay.count[MMU_EVICT_FORCED], variant->clock);
	ASSERT_LT(replay.longest, pool);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_evict_forced), replay.count[MMU_EVICT_FORCED]);
}

TEST_F_TIMEOUT(mmu_evict, shrinking_follows_the_policy, TIMEOUT)
{
	mmu_evict_replay_resize(&replay, self->vm, 200);

	/* The oldest are in use. */
	walk(self, 0, 150, false, 0);
	walk(self, 0, HOT_REGIONS, false, OTHER_PAGE);
	ASSERT_EQ(replay.sweeps, 0);
	mmu_evict_replay_resize(&replay, self->vm, 100);

	ASSERT_EQ(mmu_evict_seen(&replay, 0, HOT_REGIONS, MMU_EVICT_SPARED),
		  variant->clock ? HOT_REGIONS : 0);
	ASSERT_EQ(mmu_evict_seen(&replay, 0, HOT_REGIONS, MMU_EVICT_EVICTED),
		  variant->clock ? 0 : HOT_REGIONS);
	ASSERT_LE(vm_get_stat(self->vm, mmu_shadow_pages), replay.pool);
}

TEST_F_TIMEOUT(mmu_evict, recreated_memslots_show_new_bytes, TIMEOUT)
{
	u64 size = self->config.regions * self->config.pages * PAGE_SIZE;
	void *memory[3] = { addr_gpa2hva(self->vm, MMU_EVICT_GPA) }, *bytes;
	int i;

	/*
	 * An obsolete page that is missed becomes valid in the next but one
	 * memslot, which must not be the same memory.
	 */
	for (i = 1; i < ARRAY_SIZE(memory); i++) {
		memory[i] = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(memory[i], MAP_FAILED);
	}

	while (mmu_evict_walk.stamp < 4) {
		walk(self, HOT_REGIONS, 150, true, 0);
		vm_set_user_memory_region(self->vm, MMU_EVICT_SLOT, 0, MMU_EVICT_GPA, 0, NULL);
		bytes = memory[++mmu_evict_walk.stamp % ARRAY_SIZE(memory)];
		mmu_evict_fill(&self->config, bytes, mmu_evict_walk.stamp);
		vm_set_user_memory_region(self->vm, MMU_EVICT_SLOT, 0, MMU_EVICT_GPA, size, bytes);
		walk(self, 0, REGIONS, false, 0);
	}
}

TEST_F_TIMEOUT(mmu_evict, counters_add_up, TIMEOUT)
{
	const u64 *count = replay.count;

	warm_up(self);
	walk(self, 96, 200, true, 1);

	ASSERT_EQ(vm_get_stat(self->vm, mmu_evict_scanned),
		  count[MMU_EVICT_PINNED] + count[MMU_EVICT_SPARED] +
		  count[MMU_EVICT_EVICTED] + count[MMU_EVICT_FORCED]);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_evict_spared), count[MMU_EVICT_SPARED]);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_evict_forced), count[MMU_EVICT_FORCED]);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_recycled),
		  count[MMU_EVICT_EVICTED] + count[MMU_EVICT_FORCED]);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_shadow_zapped), count[MMU_EVICT_ZAPPED]);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_cache_miss), count[MMU_EVICT_NEW]);

	/* Every sweep ends with a flush, before its victims are freed. */
	ASSERT_GT(replay.sweeps, 5);
	ASSERT_GE(vm_get_stat(self->vm, remote_tlb_flush_requests), replay.sweeps);
}

TEST(policy_is_latched_at_creation)
{
	static const char * const policies[2] = { "fifo", "clock" };
	struct mmu_evict_config config = default_config;
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vms[2];
	int i;

	for (i = 0; i < 2; i++) {
		config.policy = policies[i];
		vms[i] = mmu_evict_vm_create(&config, mmu_evict_guest_code, &vcpus[i]);
	}

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(mmu_evict_set_param(policies[!i]), 0);
		mmu_evict_run_walk(vcpus[i], HOT_REGIONS, 200, true, 0);
		ASSERT_EQ(!!vm_get_stat(vms[i], mmu_evict_spared), i);
		kvm_vm_free(vms[i]);
	}
}

TEST(bad_parameter_is_refused)
{
	static const char * const bad[] = {
		"\n", "lru", "fif", "fifoo", "clock fifo", "fifo\nclock", "Clock", "0", "Y",
		"clock with a tail that is longer than any word that KVM may want to know",
	};
	static const char * const good[] = { "fifo", "clock\n" };
	char before[32], after[32];
	int i, j;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(mmu_evict_set_param(good[i]), 0);
		mmu_evict_get_param(before, sizeof(before));
		ASSERT_EQ(strncmp(before, good[i], strlen(before)), 0);

		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(mmu_evict_set_param(bad[j]), -EINVAL)
				TH_LOG("KVM took '%s'", bad[j]);
			mmu_evict_get_param(after, sizeof(after));
			EXPECT_STREQ(after, before);
		}
	}
}

int main(int argc, char *argv[])
{
	mmu_evict_require();
	mmu_evict_require_trace();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
