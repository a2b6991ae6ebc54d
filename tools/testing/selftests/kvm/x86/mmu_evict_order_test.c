// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether KVM evicts shadow pages in the order, and with the verdicts, that its
 * policy core comes to from the same input: every case is replayed through the
 * core.  What the cases assert besides is that they have met what they are for.
 *
 * With one vCPU and with several, which all use the same page tables.
 */
#include <pthread.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_replay.h"
#include "ucall_common.h"

#define REGIONS		320
#define MAX_VCPUS	3

/* The longest of random walks. */
#define MAX_NR		28

/* A page that KVM doesn't prefetch along with page 0. */
#define OTHER_PAGE	8

/* More than KVM keeps active for one vCPU. */
#define MAX_ROOTS	12

#define SPARE_SLOT	(MMU_EVICT_SLOT + 1)
#define SPARE_GPA	BIT_ULL(33)

/* Emulation with all debug options on is slow. */
#define TIMEOUT		300

static u32 seed = 1;

/* What each vCPU does until its next GUEST_SYNC, on one page of the guest. */
static struct mmu_evict_walk walks[MAX_VCPUS] __aligned(PAGE_SIZE);

static void guest_code(u32 id)
{
	for (;;) {
		mmu_evict_guest_walk(&walks[id]);
		GUEST_SYNC(0);
	}
}

/* The host's side of a vCPU. */
struct worker {
	struct kvm_vcpu *vcpu;
	struct mmu_evict_walk *walk;
	struct kvm_random_state rng;
	pthread_t thread;
	/* Random walks to take. */
	u32 steps;
	/* What walks may do besides. */
	bool write_tables;
	const u64 *roots;
};

static struct mmu_evict_replay replay;

FIXTURE(mmu_evict_order) {
	struct worker workers[MAX_VCPUS];
	struct kvm_vm *vm;
	u64 roots[MAX_ROOTS];
};

FIXTURE_VARIANT(mmu_evict_order) { const char *policy; };
FIXTURE_VARIANT_ADD(mmu_evict_order, fifo) { .policy = "fifo" };
FIXTURE_VARIANT_ADD(mmu_evict_order, clock) { .policy = "clock" };

FIXTURE_SETUP(mmu_evict_order)
{
	const struct mmu_evict_config config = {
		.policy = variant->policy,
		.pool = MMU_EVICT_MIN_POOL,
		.vcpus = MAX_VCPUS,
		.regions = REGIONS,
		.pages = 2 * OTHER_PAGE,
	};
	struct kvm_vcpu *vcpus[MAX_VCPUS];
	u32 i;

	mmu_evict_replay_start(&replay, config.pool, !strcmp(config.policy, "clock"));
	self->vm = mmu_evict_vm_create(&config, guest_code, vcpus);
	mmu_evict_map_tables(self->vm, REGIONS);

	for (i = 0; i < MAX_VCPUS; i++) {
		vcpu_args_set(vcpus[i], 1, i);
		self->workers[i] = (struct worker) {
			.vcpu = vcpus[i],
			.walk = addr_gva2hva(self->vm, (gva_t)&walks[i]),
			.rng = new_kvm_random_state(seed + i),
		};
	}
}

FIXTURE_TEARDOWN(mmu_evict_order)
{
	kvm_vm_free(self->vm);
	mmu_evict_trace_stop();
}

/* One walk by the first vCPU. */
static void walk(FIXTURE_DATA(mmu_evict_order) *self, u32 first, u32 nr, u32 page)
{
	struct worker *worker = &self->workers[0];

	*worker->walk = (struct mmu_evict_walk) {
		.first = first,
		.nr = nr,
		.page = page,
		.write_tables = worker->write_tables,
	};
	replay.alone = true;
	mmu_evict_run(worker->vcpu);
	mmu_evict_replay_run(&replay);
}

static void take_random_walk(struct worker *worker)
{
	struct kvm_random_state *rng = &worker->rng;
	struct mmu_evict_walk *walk = worker->walk;
	u32 i;

	walk->first = kvm_random_u32_in_range(rng, 0, REGIONS - MAX_NR);
	walk->nr = kvm_random_u32_in_range(rng, 1, MAX_NR);
	walk->page = kvm_random_u32_in_range(rng, 0, 2 * OTHER_PAGE - 1);
	walk->hot = kvm_random_bool(rng);
	walk->write_tables = worker->write_tables && kvm_random_bool(rng);
	walk->nr_roots = worker->roots ? MMU_EVICT_MAX_ROOTS : 0;
	for (i = 0; i < walk->nr_roots; i++)
		walk->roots[i] = worker->roots[kvm_random_u32(rng) % MAX_ROOTS];
	mmu_evict_run(worker->vcpu);
}

static void *take_random_walks(void *arg)
{
	struct worker *worker = arg;
	u32 i;

	for (i = 0; i < worker->steps; i++)
		take_random_walk(worker);
	return NULL;
}

static void start_workers(FIXTURE_DATA(mmu_evict_order) *self, u32 nr, u32 steps)
{
	struct worker *worker;

	replay.alone = nr == 1;
	for (worker = self->workers; worker < self->workers + nr; worker++) {
		worker->steps = steps;
		pthread_create(&worker->thread, NULL, take_random_walks, worker);
	}
}

static void join_workers(FIXTURE_DATA(mmu_evict_order) *self, u32 nr)
{
	struct worker *worker;

	for (worker = self->workers; worker < self->workers + nr; worker++)
		pthread_join(worker->thread, NULL);
	mmu_evict_replay_run(&replay);
}

/* Let all vCPUs use many roots. */
static void create_roots(FIXTURE_DATA(mmu_evict_order) *self)
{
	u32 i;

	for (i = 0; i < MAX_ROOTS; i++)
		self->roots[i] = mmu_evict_copy_root(self->vm);
	for (i = 0; i < MAX_VCPUS; i++)
		self->workers[i].roots = self->roots;
}

static void write_tables(FIXTURE_DATA(mmu_evict_order) *self)
{
	u32 i;

	for (i = 0; i < MAX_VCPUS; i++)
		self->workers[i].write_tables = true;
}

TEST_F_TIMEOUT(mmu_evict_order, one_vcpu_walks_at_random, TIMEOUT)
{
	/* Unsync page tables are zapped along with their ancestors. */
	write_tables(self);
	start_workers(self, 1, 40);
	join_workers(self, 1);
	ASSERT_GT(replay.sweeps, 5);
	ASSERT_EQ(!!replay.count[MMU_EVICT_SPARED], replay.clock);
}

TEST_F_TIMEOUT(mmu_evict_order, several_vcpus_walk_at_random, TIMEOUT)
{
	write_tables(self);
	start_workers(self, MAX_VCPUS, 6);
	join_workers(self, MAX_VCPUS);
	ASSERT_GT(replay.sweeps, 5);
	ASSERT_EQ(!!replay.count[MMU_EVICT_SPARED], replay.clock);
}

TEST_F_TIMEOUT(mmu_evict_order, roots_are_skipped_until_they_retire, TIMEOUT)
{
	create_roots(self);
	write_tables(self);
	start_workers(self, 1, 20);
	join_workers(self, 1);
	ASSERT_GT(replay.count[MMU_EVICT_PINNED], 0);
	ASSERT_EQ(!!replay.retired_roots, replay.clock);
}

TEST_F_TIMEOUT(mmu_evict_order, several_vcpus_share_many_roots, TIMEOUT)
{
	create_roots(self);
	start_workers(self, MAX_VCPUS, 6);
	join_workers(self, MAX_VCPUS);
	ASSERT_GT(replay.count[MMU_EVICT_PINNED], 0);
}

TEST_F_TIMEOUT(mmu_evict_order, memslots_come_and_go_meanwhile, TIMEOUT)
{
	u32 i;

	/* To delete a memslot makes all pages obsolete, whatever it maps. */
	start_workers(self, MAX_VCPUS, 6);
	for (i = 0; i < 12; i++) {
		vm_set_user_memory_region(self->vm, SPARE_SLOT, 0, SPARE_GPA, PAGE_SIZE,
					  addr_gpa2hva(self->vm, MMU_EVICT_GPA));
		vm_set_user_memory_region(self->vm, SPARE_SLOT, 0, SPARE_GPA, 0, NULL);
	}
	join_workers(self, MAX_VCPUS);
	ASSERT_EQ(replay.count[MMU_EVICT_OBSOLETED], 12);
	ASSERT_GT(replay.sweeps, 0);
}

TEST_F_TIMEOUT(mmu_evict_order, references_everywhere_take_two_laps, TIMEOUT)
{
	walk(self, 0, 48, 0);
	walk(self, 0, 48, OTHER_PAGE);
	ASSERT_EQ(replay.sweeps, 0);

	walk(self, 48, 10, 0);
	ASSERT_EQ(replay.sweeps, 1);
	ASSERT_EQ(!!replay.revisits, replay.clock);
}

TEST_F_TIMEOUT(mmu_evict_order, shrinking_the_pool_is_a_sweep, TIMEOUT)
{
	static const u32 pools[] = { MMU_EVICT_MIN_POOL, 200, 150, 100 };
	u32 i;

	/* Too much work for a sweep that spares what is referenced. */
	write_tables(self);
	mmu_evict_replay_resize(&replay, self->vm, 280);
	walk(self, 0, 240, 0);
	walk(self, 0, 240, OTHER_PAGE);
	ASSERT_EQ(replay.sweeps, 0);

	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		mmu_evict_replay_resize(&replay, self->vm, pools[i]);
		ASSERT_EQ(replay.pool, pools[i]);
		ASSERT_GT(replay.sweeps, 0);
		/* The oldest pages are ancestors of all unsync page tables. */
		ASSERT_GT(replay.dragged, 0);
		walk(self, 0, pools[i], 0);
	}
	ASSERT_EQ(!!replay.count[MMU_EVICT_FORCED], replay.clock);
}

int main(int argc, char *argv[])
{
	seed = mmu_evict_take_seed(&argc, argv);
	mmu_evict_require();
	mmu_evict_require_trace();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
