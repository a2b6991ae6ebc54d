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
 * to end in the same way under each of them, and as a vCPU has a page of its own
 * per root, every step that is done has also read through the right root.
 *
 * "Forever" is a number of faults, not a time, so that slow machines don't
 * change the result.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_model.h"
#include "ucall_common.h"

/* What KVM keeps for a vCPU: the current root and KVM_MMU_NUM_PREV_ROOTS. */
#define ROOTS		4
#define VCPUS		24
#define LARGE_POOL	1024

/* With five levels of them. */
#define TABLES_PER_ROOT	5

/* A step that is done takes up to 50 faults. */
#define MAX_FAULTS	100

/* Emulation with all debug options on is slow. */
#define TIMEOUT		240
#define SILENT_SECONDS	60
#define TICK_US		50000

/* Enough for every scenario. */
#define MAX_STEPS	1024

enum outcome { DONE, STUCK, NO_SPACE, NR_OUTCOMES };

static const char * const outcome_names[NR_OUTCOMES] = { "done", "stuck", "ENOSPC" };

struct vcpu_state {
	struct kvm_vcpu *vcpu;
	/* The guest has yet to do the last step that it was told to do. */
	bool pending;
	/* For the ticker: who is in a step, and since when. */
	pthread_t thread;
	bool in_step;
	time_t since;
};

/* How the steps of a scenario ended. */
struct record {
	enum outcome steps[MAX_STEPS];
	u32 nr;
	u32 count[NR_OUTCOMES];
	/* The most that it took to do a step. */
	u64 faults;
};

/* What the guest shall write to CR3 next, and how. */
static u64 next_cr3[VCPUS];
static u64 roots[VCPUS][ROOTS];

/* Where each root has a page of its own: in the second entry of the top level. */
static gva_t own_gva;

static struct vcpu_state states[VCPUS];
static const char *phase = "setup";
static bool pcid;
static u32 seed;

static u64 own_value(u32 vcpu, u32 root)
{
	return mmu_evict_value(vcpu, root);
}

static void guest_code(u32 vcpu)
{
	u64 cr3, root;

	for (;;) {
		cr3 = READ_ONCE(next_cr3[vcpu]);
		set_cr3(cr3);
		for (root = 0; (roots[vcpu][root] ^ cr3) & PHYSICAL_PAGE_MASK; root++)
			;
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)own_gva), own_value(vcpu, root));
		GUEST_SYNC(root);
	}
}

static void handle_tick(int signal)
{
}

/* Interrupts KVM_RUN, for the vCPU's thread to look at what has become of it. */
static void *ticker(void *unused)
{
	u32 i;

	for (;; usleep(TICK_US)) {
		for (i = 0; i < VCPUS; i++) {
			if (!READ_ONCE(states[i].in_step))
				continue;
			pthread_kill(READ_ONCE(states[i].thread), SIGUSR1);
			if (time(NULL) - READ_ONCE(states[i].since) < SILENT_SECONDS)
				continue;
			ksft_print_msg("vCPU %u hangs in '%s' for %u seconds\n", i,
				       phase, SILENT_SECONDS);
			abort();
		}
	}
	return NULL;
}

static void start_ticker(void)
{
	struct sigaction action = { .sa_handler = handle_tick };
	pthread_t thread;

	/* Without SA_RESTART. */
	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "sigaction() failed");
	TEST_ASSERT(!pthread_create(&thread, NULL, ticker, NULL), "pthread_create() failed");
}

static enum outcome run_step(struct vcpu_state *state)
{
	struct kvm_vcpu *vcpu = state->vcpu;
	u64 faults = vcpu_get_stat(vcpu, pf_taken);
	struct ucall uc;
	int r;

	do {
		r = __vcpu_run(vcpu) ? -errno : 0;
	} while (r == -EINTR && vcpu_get_stat(vcpu, pf_taken) - faults < MAX_FAULTS);

	if (r == -EINTR)
		return STUCK;
	if (r == -ENOSPC)
		return NO_SPACE;

	TEST_ASSERT(!r, "KVM_RUN returned %d", r);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
	state->pending = false;
	return DONE;
}

/* Switch a vCPU to a root, or go on with the switch that it isn't through with. */
static enum outcome step(u32 vcpu, u32 root)
{
	struct vcpu_state *state = &states[vcpu];
	struct kvm_vm *vm = state->vcpu->vm;
	enum outcome outcome;

	if (!state->pending) {
		u64 *cr3 = addr_gva2hva(vm, (gva_t)&next_cr3[vcpu]);

		*cr3 = roots[vcpu][root];
		if (pcid)
			*cr3 |= (root + 1) | MMU_EVICT_CR3_NOFLUSH;
		state->pending = true;
	}

	state->thread = pthread_self();
	WRITE_ONCE(state->since, time(NULL));
	WRITE_ONCE(state->in_step, true);
	outcome = run_step(state);
	WRITE_ONCE(state->in_step, false);
	return outcome;
}

/* A copy of the VM's top-level table, with one more page that is unique. */
static u64 create_root(struct kvm_vm *vm, u32 vcpu, u32 root)
{
	gpa_t gpa = MMU_EVICT_GPA + (vcpu * ROOTS + root) * PAGE_SIZE;
	struct kvm_mmu mmu = vm->mmu;

	mmu.pgd = mmu_evict_copy_root(vm);
	__virt_pg_map(vm, &mmu, own_gva, gpa, PG_LEVEL_4K);
	*(u64 *)addr_gpa2hva(vm, gpa) = own_value(vcpu, root);
	return mmu.pgd;
}

static struct kvm_vm *create_vm(const char *policy, u32 pool, u32 nr_vcpus)
{
	struct mmu_evict_config config = {
		.policy = policy,
		.pool = pool,
		.vcpus = nr_vcpus,
	};
	struct kvm_vcpu *vcpus[VCPUS];
	struct kvm_sregs sregs;
	struct kvm_vm *vm;
	u32 i, j;

	vm = mmu_evict_vm_create_empty(&config, nr_vcpus * ROOTS * TABLES_PER_ROOT,
				       guest_code, vcpus);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MMU_EVICT_GPA,
				    MMU_EVICT_SLOT, nr_vcpus * ROOTS, 0);
	own_gva = PG_LEVEL_SIZE(vm->mmu.pgtable_levels);
	sync_global_to_guest(vm, own_gva);
	for (i = 0; i < nr_vcpus; i++) {
		for (j = 0; j < ROOTS; j++)
			roots[i][j] = create_root(vm, i, j);

		vcpu_args_set(vcpus[i], 1, i);
		vcpu_sregs_get(vcpus[i], &sregs);
		sregs.cr3 = roots[i][0];
		if (pcid)
			sregs.cr4 |= X86_CR4_PCIDE;
		vcpu_sregs_set(vcpus[i], &sregs);
		states[i] = (struct vcpu_state) { .vcpu = vcpus[i] };
	}
	sync_global_to_guest(vm, roots);
	return vm;
}

static enum outcome recorded_step(struct record *record, u32 vcpu, u32 root)
{
	u64 faults = vcpu_get_stat(states[vcpu].vcpu, pf_taken);
	enum outcome outcome = step(vcpu, root);

	faults = vcpu_get_stat(states[vcpu].vcpu, pf_taken) - faults;
	if (outcome == DONE)
		record->faults = max(record->faults, faults);
	TEST_ASSERT(record->nr < MAX_STEPS, "The record is too small");
	record->steps[record->nr++] = outcome;
	record->count[outcome]++;
	return outcome;
}

/* All vCPUs use all of their roots, as far as they get. */
static void record_round(struct record *record, u32 nr_vcpus)
{
	u32 i, j;

	for (i = 0; i < nr_vcpus; i++)
		for (j = 0; j < ROOTS; j++)
			if (recorded_step(record, i, j) != DONE)
				break;
}

/* With a pool that is large enough, they all get through. */
static void recover(struct kvm_vm *vm, u32 nr_vcpus)
{
	struct record record = {};

	phase = "a pool that has grown";
	mmu_evict_set_pool(vm, LARGE_POOL);
	record_round(&record, nr_vcpus);
	record_round(&record, nr_vcpus);
	TEST_ASSERT_EQ(record.count[DONE], 2 * nr_vcpus * ROOTS);
}

static void more_roots_than_pages(const char *policy, struct record *record)
{
	struct kvm_vm *vm = create_vm(policy, MMU_EVICT_MIN_POOL, VCPUS);

	phase = "more roots than pages";
	record_round(record, VCPUS);
	record_round(record, VCPUS);
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

static void pool_below_roots(const char *policy, struct record *record)
{
	struct kvm_vm *vm = create_vm(policy, LARGE_POOL, SHRUNK_VCPUS);
	u32 i, round;

	phase = "a pool below the number of roots";
	record_round(record, SHRUNK_VCPUS);
	mmu_evict_set_pool(vm, MMU_EVICT_MIN_POOL);
	TEST_ASSERT_EQ(vm_get_stat(vm, mmu_shadow_pages), SHRUNK_VCPUS * ROOTS);
	record_round(record, SHRUNK_VCPUS);
	TEST_ASSERT_EQ(record->count[NO_SPACE], SHRUNK_VCPUS);

	/* From now on, one root per vCPU does. */
	phase = "obsolete roots";
	drop_all_roots(vm);
	for (round = 0; round < 3; round++)
		for (i = 0; i < SHRUNK_VCPUS; i++)
			recorded_step(record, i, 0);
	for (i = 0; i < SHRUNK_VCPUS; i++)
		TEST_ASSERT_EQ(recorded_step(record, i, 0), DONE);

	recover(vm, SHRUNK_VCPUS);
	kvm_vm_free(vm);
}

#define RANDOM_VCPUS	17

static void random_steps(const char *policy, struct record *record)
{
	struct kvm_vm *vm = create_vm(policy, MMU_EVICT_MIN_POOL, RANDOM_VCPUS);
	struct kvm_random_state rng = new_kvm_random_state(seed);
	u32 vcpu, root;

	phase = "random steps";
	record_round(record, RANDOM_VCPUS);
	while (record->nr < 150) {
		vcpu = kvm_random_u32_in_range(&rng, 0, RANDOM_VCPUS - 1);
		root = kvm_random_u32_in_range(&rng, 0, ROOTS - 1);
		if (recorded_step(record, vcpu, root) == DONE && record->nr % 16)
			continue;
		mmu_evict_set_pool(vm, kvm_random_u32_in_range(&rng, MMU_EVICT_MIN_POOL,
							       (RANDOM_VCPUS + 4) * ROOTS));
	}
	recover(vm, RANDOM_VCPUS);
	kvm_vm_free(vm);
}

/* Run a scenario under each policy, and expect the same of both. */
static void compare_policies(void (*scenario)(const char *policy, struct record *record),
			     struct record *fifo)
{
	struct record clock = {};
	u32 i;

	*fifo = clock;
	scenario("fifo", fifo);
	scenario("clock", &clock);
	ksft_print_msg("%u steps: %u done, %u stuck, %u ENOSPC; at most %lu and %lu faults\n",
		       fifo->nr, fifo->count[DONE], fifo->count[STUCK],
		       fifo->count[NO_SPACE], fifo->faults, clock.faults);

	for (i = 0; i < min(fifo->nr, clock.nr); i++)
		TEST_ASSERT(fifo->steps[i] == clock.steps[i],
			    "Step %u is %s under fifo, %s under clock", i,
			    outcome_names[fifo->steps[i]], outcome_names[clock.steps[i]]);
	TEST_ASSERT_EQ(fifo->nr, clock.nr);
}

FIXTURE(mmu_evict_roots) { struct record record; };
FIXTURE_VARIANT(mmu_evict_roots) { bool pcid; };
FIXTURE_VARIANT_ADD(mmu_evict_roots, mov_to_cr3) {};
FIXTURE_VARIANT_ADD(mmu_evict_roots, pcid_noflush) { .pcid = true };

FIXTURE_SETUP(mmu_evict_roots)
{
	if (variant->pcid && !kvm_cpu_has(X86_FEATURE_PCID))
		SKIP(return, "KVM has no PCIDs for guests");
	pcid = variant->pcid;
	start_ticker();
}

FIXTURE_TEARDOWN(mmu_evict_roots)
{
}

TEST_F_TIMEOUT(mmu_evict_roots, more_roots_than_pages_end_as_under_fifo, TIMEOUT)
{
	compare_policies(more_roots_than_pages, &self->record);

	/* There is room for most of the roots, and there are all three ways to end. */
	ASSERT_GE(self->record.count[DONE], MMU_EVICT_MIN_POOL / 2);
	ASSERT_GT(self->record.count[STUCK], 0);
	ASSERT_GT(self->record.count[NO_SPACE], 0);
}

TEST_F_TIMEOUT(mmu_evict_roots, a_pool_below_the_roots_ends_as_under_fifo, TIMEOUT)
{
	compare_policies(pool_below_roots, &self->record);
}

TEST_F_TIMEOUT(mmu_evict_roots, random_steps_end_as_under_fifo, TIMEOUT)
{
	ksft_print_msg("seed %u\n", seed);
	compare_policies(random_steps, &self->record);
	ASSERT_GT(self->record.count[DONE], 0);
}

/* So few that a sweep finds what it needs, which the model takes for granted. */
#define TRACED_VCPUS	9

static struct mmu_evict_model model;

static void trace_decisions(const char *policy, bool clock)
{
	struct kvm_random_state rng = new_kvm_random_state(seed);
	u32 i, vcpu, root;
	struct kvm_vm *vm;

	memset(&model, 0, sizeof(model));
	model.pool = MMU_EVICT_MIN_POOL;
	model.clock = clock;
	phase = "a trace";
	mmu_evict_trace_start();
	vm = create_vm(policy, model.pool, TRACED_VCPUS);
	for (i = 0; i < 120; i++) {
		root = kvm_random_u32_in_range(&rng, 0, ROOTS - 1);
		vcpu = kvm_random_u32_in_range(&rng, 0, TRACED_VCPUS - 1);
		TEST_ASSERT_EQ(step(vcpu, root), DONE);
		mmu_evict_replay(&model);
	}
	TEST_ASSERT_EQ(vm_get_stat(vm, mmu_shadow_pages), model.nr);
	TEST_ASSERT(model.count[MMU_EVICT_PINNED] && model.count[MMU_EVICT_EVICTED],
		    "Roots were in the way of %lu decisions, %lu pages were evicted",
		    model.count[MMU_EVICT_PINNED], model.count[MMU_EVICT_EVICTED]);
	mmu_evict_trace_stop();
	kvm_vm_free(vm);
}

TEST_F_TIMEOUT(mmu_evict_roots, decisions_among_many_roots_follow_the_policy, TIMEOUT)
{
	if (!mmu_evict_trace_supported())
		SKIP(return, "needs tracefs, and in it the event kvm_mmu_evict_page");

	ksft_print_msg("seed %u\n", seed);
	trace_decisions("fifo", false);
	trace_decisions("clock", true);
}

static u32 thread_failures[VCPUS];
static u32 thread_steps[VCPUS];

static void *vcpu_thread(void *arg)
{
	u32 vcpu = (unsigned long)arg, i = 0;

	while (i < 2 * ROOTS) {
		if (step(vcpu, i % ROOTS) == DONE) {
			WRITE_ONCE(thread_steps[vcpu], ++i);
			continue;
		}
		WRITE_ONCE(thread_failures[vcpu], thread_failures[vcpu] + 1);
		usleep(TICK_US);
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
			usleep(TICK_US);
		failures += !!READ_ONCE(thread_failures[i]);
	}
	return failures;
}

static void run_threads(const char *policy)
{
	struct kvm_vm *vm = create_vm(policy, MMU_EVICT_MIN_POOL, VCPUS);
	pthread_t threads[VCPUS];
	u32 i, failures;

	phase = "threads";
	memset(thread_failures, 0, sizeof(thread_failures));
	memset(thread_steps, 0, sizeof(thread_steps));
	for (i = 0; i < VCPUS; i++)
		TEST_ASSERT(!pthread_create(&threads[i], NULL, vcpu_thread,
					    (void *)(unsigned long)i), "pthread_create() failed");

	failures = wait_for_failures();
	phase = "threads with a pool that has grown";
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
