// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that keep more roots in use than their pool of shadow pages can hold.
 *
 * KVM keeps the current and the last three roots of a vCPU, and doesn't evict
 * any of them.  As vCPUs take more and more of them, a VM gets to a point where
 *
 *  - a step of the guest still makes progress,
 *  - KVM evicts one of the pages that an instruction needs to make room for the
 *    next one, i.e. the guest faults forever, yet KVM_RUN can be interrupted,
 *  - no page is available at all, and KVM_RUN fails with -ENOSPC.
 *
 * None of that is the business of an eviction policy.  Hence the same steps have
 * to end in the same way under each of them.
 */
#include <pthread.h>

#include "kvm_test_harness.h"
#include "mmu_evict_replay.h"
#include "mmu_evict_roots.h"

#define ROOTS		EVICT_ROOTS_PER_VCPU
#define VCPUS		EVICT_ROOTS_MAX_VCPUS
#define LARGE_POOL	1024

/* Emulation with all debug options on is slow. */
#define TIMEOUT		240

static u32 seed;

/* With a pool that is large enough, they all get through. */
static void recover(struct kvm_vm *vm, u32 nr_vcpus)
{
	struct evict_roots_record record = {};

	evict_roots_phase = "a pool that has grown";
	mmu_evict_set_pool(vm, LARGE_POOL);
	evict_roots_record_round(&record, nr_vcpus);
	evict_roots_record_round(&record, nr_vcpus);
	TEST_ASSERT_EQ(record.count[EVICT_ROOTS_DONE], 2 * nr_vcpus * ROOTS);
}

static void more_roots_than_pages(const char *policy, struct evict_roots_record *record)
{
	struct kvm_vm *vm = evict_roots_create(policy, MMU_EVICT_MIN_POOL, VCPUS);

	evict_roots_phase = "more roots than pages";
	evict_roots_record_round(record, VCPUS);
	evict_roots_record_round(record, VCPUS);
	recover(vm, VCPUS);
	kvm_vm_free(vm);
}

#define SHRUNK_VCPUS	20

static void drop_all_roots(struct kvm_vm *vm)
{
	u64 size = SHRUNK_VCPUS * ROOTS * PAGE_SIZE;
	void *memory = addr_gpa2hva(vm, MMU_EVICT_GPA);

	vm_set_user_memory_region(vm, MMU_EVICT_SLOT, 0, MMU_EVICT_GPA, 0, NULL);
	vm_set_user_memory_region(vm, MMU_EVICT_SLOT, 0, MMU_EVICT_GPA, size, memory);
}

static void pool_below_roots(const char *policy, struct evict_roots_record *record)
{
	struct kvm_vm *vm = evict_roots_create(policy, LARGE_POOL, SHRUNK_VCPUS);
	u32 i, round;

	evict_roots_phase = "a pool below the number of roots";
	evict_roots_record_round(record, SHRUNK_VCPUS);
	mmu_evict_set_pool(vm, MMU_EVICT_MIN_POOL);
	TEST_ASSERT_EQ(vm_get_stat(vm, mmu_shadow_pages), SHRUNK_VCPUS * ROOTS);
	evict_roots_record_round(record, SHRUNK_VCPUS);
	TEST_ASSERT_EQ(record->count[EVICT_ROOTS_NO_SPACE], SHRUNK_VCPUS);

	/* From now on, one root per vCPU does. */
	evict_roots_phase = "obsolete roots";
	drop_all_roots(vm);
	for (round = 0; round < 3; round++)
		for (i = 0; i < SHRUNK_VCPUS; i++)
			evict_roots_record_step(record, i, 0);
	for (i = 0; i < SHRUNK_VCPUS; i++)
		TEST_ASSERT_EQ(evict_roots_record_step(record, i, 0), EVICT_ROOTS_DONE);

	recover(vm, SHRUNK_VCPUS);
	kvm_vm_free(vm);
}

#define RANDOM_VCPUS	17

static void random_steps(const char *policy, struct evict_roots_record *record)
{
	struct kvm_vm *vm = evict_roots_create(policy, MMU_EVICT_MIN_POOL, RANDOM_VCPUS);
	struct kvm_random_state rng = new_kvm_random_state(seed);
	u32 vcpu, root;

	evict_roots_phase = "random steps";
	evict_roots_record_round(record, RANDOM_VCPUS);
	while (record->nr < 150) {
		vcpu = kvm_random_u32_in_range(&rng, 0, RANDOM_VCPUS - 1);
		root = kvm_random_u32_in_range(&rng, 0, ROOTS - 1);
		if (evict_roots_record_step(record, vcpu, root) == EVICT_ROOTS_DONE &&
		    record->nr % 16)
			continue;
		mmu_evict_set_pool(vm, kvm_random_u32_in_range(&rng, MMU_EVICT_MIN_POOL,
							       (RANDOM_VCPUS + 4) * ROOTS));
	}
	recover(vm, RANDOM_VCPUS);
	kvm_vm_free(vm);
}

FIXTURE(mmu_evict_roots) { struct evict_roots_record record; };
FIXTURE_VARIANT(mmu_evict_roots) { bool pcid; };
FIXTURE_VARIANT_ADD(mmu_evict_roots, mov_to_cr3) {};
FIXTURE_VARIANT_ADD(mmu_evict_roots, pcid_noflush) { .pcid = true };

FIXTURE_SETUP(mmu_evict_roots)
{
	if (variant->pcid && !kvm_cpu_has(X86_FEATURE_PCID))
		SKIP(return, "KVM has no PCIDs for guests");
	evict_roots_init(variant->pcid);
}

FIXTURE_TEARDOWN(mmu_evict_roots)
{
}

TEST_F_TIMEOUT(mmu_evict_roots, more_roots_than_pages_end_as_under_fifo, TIMEOUT)
{
	evict_roots_compare(more_roots_than_pages, &self->record);

	/* There is room for most of the roots, and there are all three ways to end. */
	ASSERT_GE(self->record.count[EVICT_ROOTS_DONE], MMU_EVICT_MIN_POOL / 2);
	ASSERT_GT(self->record.count[EVICT_ROOTS_STUCK], 0);
	ASSERT_GT(self->record.count[EVICT_ROOTS_NO_SPACE], 0);
}

TEST_F_TIMEOUT(mmu_evict_roots, a_pool_below_the_roots_ends_as_under_fifo, TIMEOUT)
{
	evict_roots_compare(pool_below_roots, &self->record);
}

TEST_F_TIMEOUT(mmu_evict_roots, random_steps_end_as_under_fifo, TIMEOUT)
{
	evict_roots_compare(random_steps, &self->record);
	ASSERT_GT(self->record.count[EVICT_ROOTS_DONE], 0);
}

/* So few that all of their roots fit. */
#define TRACED_VCPUS	9

static struct mmu_evict_replay replay;

static void trace_decisions(const char *policy, bool clock)
{
	struct kvm_random_state rng = new_kvm_random_state(seed);
	u32 i, vcpu, root;
	struct kvm_vm *vm;

	evict_roots_phase = "a trace";
	mmu_evict_replay_start(&replay, MMU_EVICT_MIN_POOL, clock);
	vm = evict_roots_create(policy, replay.pool, TRACED_VCPUS);
	for (i = 0; i < 120; i++) {
		root = kvm_random_u32_in_range(&rng, 0, ROOTS - 1);
		vcpu = kvm_random_u32_in_range(&rng, 0, TRACED_VCPUS - 1);
		TEST_ASSERT_EQ(evict_roots_step(vcpu, root), EVICT_ROOTS_DONE);
		mmu_evict_replay_run(&replay);
	}
	TEST_ASSERT_EQ(vm_get_stat(vm, mmu_shadow_pages), replay.nr);
	TEST_ASSERT(replay.count[MMU_EVICT_PINNED] && replay.count[MMU_EVICT_EVICTED],
		    "Roots were in the way of %lu decisions, %lu pages were evicted",
		    replay.count[MMU_EVICT_PINNED], replay.count[MMU_EVICT_EVICTED]);
	mmu_evict_trace_stop();
	kvm_vm_free(vm);
}

TEST_F_TIMEOUT(mmu_evict_roots, decisions_among_many_roots_follow_the_policy, TIMEOUT)
{
	if (!mmu_evict_trace_supported())
		SKIP(return, "needs tracefs, and in it the event kvm_mmu_evict_page");

	trace_decisions("fifo", false);
	trace_decisions("clock", true);
}

static u32 thread_failures[VCPUS];
static u32 thread_steps[VCPUS];

static void *vcpu_thread(void *arg)
{
	u32 vcpu = (unsigned long)arg, i = 0;

	while (i < 2 * ROOTS) {
		if (evict_roots_step(vcpu, i % ROOTS) == EVICT_ROOTS_DONE) {
			WRITE_ONCE(thread_steps[vcpu], ++i);
			continue;
		}
		WRITE_ONCE(thread_failures[vcpu], thread_failures[vcpu] + 1);
		usleep(EVICT_ROOTS_TICK_US);
	}
	return NULL;
}

/* Wait until each vCPU has either got through or found out that it can't. */
static u32 wait_for_failures(void)
{
	u32 i, failures = 0;

	for (i = 0; i < VCPUS; i++) {
		while (READ_ONCE(thread_steps[i]) < 2 * ROOTS &&
		       !READ_ONCE(thread_failures[i]))
			usleep(EVICT_ROOTS_TICK_US);
		failures += !!READ_ONCE(thread_failures[i]);
	}
	return failures;
}

static void run_threads(const char *policy)
{
	struct kvm_vm *vm = evict_roots_create(policy, MMU_EVICT_MIN_POOL, VCPUS);
	pthread_t threads[VCPUS];
	u32 i, failures;

	evict_roots_phase = "threads";
	memset(thread_failures, 0, sizeof(thread_failures));
	memset(thread_steps, 0, sizeof(thread_steps));
	for (i = 0; i < VCPUS; i++)
		TEST_ASSERT(!pthread_create(&threads[i], NULL, vcpu_thread,
					    (void *)(unsigned long)i), "pthread_create() failed");

	failures = wait_for_failures();
	evict_roots_phase = "threads with a pool that has grown";
	mmu_evict_set_pool(vm, LARGE_POOL);
	for (i = 0; i < VCPUS; i++)
		pthread_join(threads[i], NULL);
	ksft_print_msg("%s: %u of %u vCPUs had to wait for more pages\n", policy,
		       failures, VCPUS);
	TEST_ASSERT(failures, "More roots than pages, but no vCPU has noticed");
	kvm_vm_free(vm);
}

TEST_F_TIMEOUT(mmu_evict_roots, threads_get_through_when_the_pool_grows, TIMEOUT)
{
	run_threads("fifo");
	run_threads("clock");
}

int main(int argc, char *argv[])
{
	seed = mmu_evict_take_seed(&argc, argv);
	mmu_evict_require();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
