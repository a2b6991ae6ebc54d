// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which shadow pages KVM evicts when a VM's pool runs dry, under each policy.
 *
 * Every case replays KVM's tracepoints on a model, i.e. checks each single
 * decision besides what the case is about.  The guest checks all that it reads.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_model.h"

#define REGIONS		320
#define HOT_REGIONS	MMU_EVICT_HOT_REGIONS

/*
 * A page that KVM doesn't prefetch along with page 0, i.e. that is good for one
 * more fault in the same page table.
 */
#define OTHER_PAGE	8

/* Emulation with all debug options on is slow. */
#define TIMEOUT		300

static struct mmu_evict_model model;
static u32 seed;

static const struct mmu_evict_config default_config = {
	.pool = MMU_EVICT_MIN_POOL,
	.vcpus = 2,
	.regions = REGIONS,
	.pages = 2 * OTHER_PAGE,
};

FIXTURE(mmu_evict) {
	struct mmu_evict_config config;
	struct kvm_vcpu *vcpus[2];
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
	model.pool = self->config.pool;
	model.clock = variant->clock;

	mmu_evict_trace_start();
	self->vm = mmu_evict_vm_create(&self->config, mmu_evict_guest_code, self->vcpus);
	mmu_evict_map_tables(self->vm, REGIONS);
	for (i = 0; i < REGIONS; i++)
		mmu_evict_watch(&model, mmu_evict_table(self->vm, i));
}

FIXTURE_TEARDOWN(mmu_evict)
{
	kvm_vm_free(self->vm);
	mmu_evict_trace_stop();
}

static void walk(FIXTURE_DATA(mmu_evict) *self, u32 first, u32 nr, bool hot, u32 page)
{
	mmu_evict_run_walk(self->vcpus[0], first, nr, hot, page);
	mmu_evict_replay(&model);
}

/* Fill the pool by a walk with hot regions, and forget what that looked like. */
static void warm_up(FIXTURE_DATA(mmu_evict) *self)
{
	walk(self, HOT_REGIONS, 80, true, 0);
	memset(model.seen, 0, sizeof(model.seen));
}

TEST_F_TIMEOUT(mmu_evict, hot_regions_survive_a_scan, TIMEOUT)
{
	u32 refaults;

	warm_up(self);
	walk(self, 96, 200, true, 0);

	refaults = mmu_evict_seen(&model, 0, HOT_REGIONS, MMU_EVICT_NEW);
	ASSERT_LE(refaults, variant->clock ? 1 : UINT_MAX);
	ASSERT_GE(refaults, variant->clock ? 0 : 3 * HOT_REGIONS);
}

TEST_F_TIMEOUT(mmu_evict, one_visit_earns_no_second_chance, TIMEOUT)
{
	warm_up(self);
	walk(self, 96, 200, false, 0);

	ASSERT_EQ(mmu_evict_seen(&model, 96, 200, MMU_EVICT_SPARED), 0);
	ASSERT_EQ(mmu_evict_seen(&model, 96, 200, MMU_EVICT_FORCED), 0);
	ASSERT_GE(mmu_evict_seen(&model, 96, 200, MMU_EVICT_EVICTED), 100);
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
		ASSERT_EQ(model.seen[i][MMU_EVICT_SPARED], variant->clock);
		ASSERT_EQ(model.seen[i][MMU_EVICT_EVICTED], 1);
	}

	/* The hand may catch a new page before the second fault, if rarely. */
	spared = mmu_evict_seen(&model, 0, nr, MMU_EVICT_SPARED);
	ASSERT_LE(spared, variant->clock ? nr : 0);
	ASSERT_GE(spared, variant->clock ? nr - nr / 10 : 0);
}

/* Pages that were in use once must not crowd out those that are in use now. */
TEST_F_TIMEOUT(mmu_evict, working_set_may_move_on, TIMEOUT)
{
	u32 i, j;

	for (i = 0; i < REGIONS; i += HOT_REGIONS)
		for (j = 0; j < 10; j++)
			walk(self, i, HOT_REGIONS, false, j % self->config.pages);

	ASSERT_LE(mmu_evict_seen(&model, 0, REGIONS, MMU_EVICT_NEW),
		  REGIONS + REGIONS / 10);
}

TEST_F_TIMEOUT(mmu_evict, a_sweep_has_a_budget, TIMEOUT)
{
	u32 pool = model.pool = 300;

	mmu_evict_set_pool(self->vm, pool);

	/* Reference most of the pool, then have a sweep meet nothing else. */
	walk(self, 0, 280, false, 0);
	walk(self, 0, 280, false, OTHER_PAGE);
	walk(self, 280, 30, false, 0);

	ASSERT_EQ(!!model.count[MMU_EVICT_FORCED], variant->clock);
	ASSERT_LT(model.longest, pool);
	ASSERT_EQ(vm_get_stat(self->vm, mmu_evict_forced), model.count[MMU_EVICT_FORCED]);
}

TEST_F_TIMEOUT(mmu_evict, shrinking_follows_the_policy, TIMEOUT)
{
	model.pool = 200;
	mmu_evict_set_pool(self->vm, model.pool);

	/* The oldest are in use. */
	walk(self, 0, 150, false, 0);
	walk(self, 0, HOT_REGIONS, false, OTHER_PAGE);
	ASSERT_EQ(model.sweeps, 0);
	mmu_evict_shrink(&model, self->vm, model.pool / 2);

	ASSERT_EQ(mmu_evict_seen(&model, 0, HOT_REGIONS, MMU_EVICT_SPARED),
		  variant->clock ? HOT_REGIONS : 0);
	ASSERT_EQ(mmu_evict_seen(&model, 0, HOT_REGIONS, MMU_EVICT_EVICTED),
		  variant->clock ? 0 : HOT_REGIONS);
	ASSERT_LE(vm_get_stat(self->vm, mmu_shadow_pages), model.pool);
}

TEST_F_TIMEOUT(mmu_evict, victims_follow_the_policy, TIMEOUT)
{
	struct kvm_random_state rng = new_kvm_random_state(seed);
	u32 i, first, nr;
	bool hot;

	/* Unsync page tables are zapped along with their ancestors. */
	for (i = 0; i < 60; i++) {
		mmu_evict_walk.write_tables = kvm_random_bool(&rng);
		hot = kvm_random_bool(&rng);
		nr = kvm_random_u32_in_range(&rng, 1, 40);
		first = kvm_random_u32_in_range(&rng, 0, REGIONS - 40);
		walk(self, first, nr, hot, i % self->config.pages);
	}
	ASSERT_GT(model.count[MMU_EVICT_EVICTED], 10 * self->config.pool);
	ASSERT_EQ(!!model.count[MMU_EVICT_SPARED], variant->clock);
}

TEST_F_TIMEOUT(mmu_evict, pool_is_a_bound, TIMEOUT)
{
	u32 i;

	for (i = 0; i < 2 * REGIONS; i++) {
		walk(self, i % REGIONS, 1, i % 3, 0);
		ASSERT_LE(vm_get_stat(self->vm, mmu_shadow_pages), self->config.pool);
	}
}

static void create_roots(FIXTURE_DATA(mmu_evict) *self, u64 *roots, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		roots[i] = mmu_evict_copy_root(self->vm);
		mmu_evict_watch(&model, roots[i]);
	}
}

TEST_F_TIMEOUT(mmu_evict, active_roots_are_never_victims, TIMEOUT)
{
	u32 i;

	/* No more than KVM keeps active for a vCPU. */
	create_roots(self, mmu_evict_walk.roots, MMU_EVICT_MAX_ROOTS);
	mmu_evict_walk.nr_roots = MMU_EVICT_MAX_ROOTS;
	for (i = 0; i < 8; i++)
		mmu_evict_run_walk(self->vcpus[i % 2], 40 * i, 40, i & 2, 0);
	mmu_evict_replay(&model);

	/* The model knows that a page with a root count is pinned. */
	for (i = 0; i < MMU_EVICT_MAX_ROOTS; i++)
		ASSERT_GT(model.seen[REGIONS + i][MMU_EVICT_PINNED], 0);
	ASSERT_GT(model.count[MMU_EVICT_EVICTED], 0);
}

TEST_F_TIMEOUT(mmu_evict, roots_out_of_use_are_touched, TIMEOUT)
{
	u64 roots[2 * MMU_EVICT_MAX_ROOTS];
	u32 i;

	/* Never come back to a root, as finding it would be a touch, too. */
	create_roots(self, roots, ARRAY_SIZE(roots));
	mmu_evict_walk.nr_roots = 1;
	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		mmu_evict_walk.roots[0] = roots[i];
		walk(self, REGIONS / ARRAY_SIZE(roots) * i,
		     REGIONS / ARRAY_SIZE(roots), false, 0);
	}

	/* The model knows that they are touched. */
	ASSERT_EQ(!!model.retired_roots, variant->clock);
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
	const u64 *count = model.count;

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
	ASSERT_EQ(vm_get_stat(self->vm, mmu_shadow_pages), model.nr);

	/* Every sweep ends with a flush, before its victims are freed. */
	ASSERT_GT(model.sweeps, 5);
	ASSERT_GE(vm_get_stat(self->vm, remote_tlb_flush_requests), model.sweeps);
}

TEST(policy_is_latched_at_creation)
{
	static const char * const policies[2] = { "fifo", "clock" };
	struct mmu_evict_config config = default_config;
	struct kvm_vcpu *vcpus[2][2];
	struct kvm_vm *vms[2];
	int i;

	for (i = 0; i < 2; i++) {
		config.policy = policies[i];
		vms[i] = mmu_evict_vm_create(&config, mmu_evict_guest_code, vcpus[i]);
	}

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(mmu_evict_set_param(policies[!i]), 0);
		mmu_evict_run_walk(vcpus[i][0], HOT_REGIONS, 200, true, 0);
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
	seed = mmu_evict_take_seed(&argc, argv);
	mmu_evict_require();
	mmu_evict_require_trace();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
