// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM whose vCPUs have several roots each, and switch to them step by step.
 *
 * A step may never end, as the guest faults forever.  "Forever" is a number of
 * faults, not a time, so that slow machines don't change the result.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "mmu_evict_roots.h"
#include "ucall_common.h"

#define ROOTS		EVICT_ROOTS_PER_VCPU
#define VCPUS		EVICT_ROOTS_MAX_VCPUS

/* With five levels of them. */
#define TABLES_PER_ROOT	5

/* A step that is done takes up to 50 faults. */
#define MAX_FAULTS	100

/* Emulation with all debug options on is slow. */
#define SILENT_SECONDS	60

struct vcpu_state {
	struct kvm_vcpu *vcpu;
	/* The guest has yet to do the last step that it was told to do. */
	bool pending;
	/* For the ticker: who is in a step, and since when. */
	pthread_t thread;
	bool in_step;
	time_t since;
};

const char *evict_roots_phase = "setup";

/* What the guest shall write to CR3 next, and how. */
static u64 next_cr3[VCPUS];
static u64 roots[VCPUS][ROOTS];

/* Where each root has a page of its own: in the second entry of the top level. */
static gva_t own_gva;

static struct vcpu_state states[VCPUS];
static bool pcid;

static void guest_code(u32 vcpu)
{
	u64 cr3, root;

	for (;;) {
		cr3 = READ_ONCE(next_cr3[vcpu]);
		set_cr3(cr3);
		for (root = 0; (roots[vcpu][root] ^ cr3) & PHYSICAL_PAGE_MASK; root++)
			;
		GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)own_gva), mmu_evict_value(vcpu, root));
		GUEST_SYNC(root);
	}
}

/* A copy of the VM's top-level table, with one more page that is unique. */
static u64 create_root(struct kvm_vm *vm, u32 vcpu, u32 root)
{
	gpa_t gpa = MMU_EVICT_GPA + (vcpu * ROOTS + root) * PAGE_SIZE;
	struct kvm_mmu mmu = vm->mmu;

	mmu.pgd = mmu_evict_copy_root(vm);
	__virt_pg_map(vm, &mmu, own_gva, gpa, PG_LEVEL_4K);
	*(u64 *)addr_gpa2hva(vm, gpa) = mmu_evict_value(vcpu, root);
	return mmu.pgd;
}

struct kvm_vm *evict_roots_create(const char *policy, u32 pool, u32 nr_vcpus)
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

static void handle_tick(int signal)
{
}

/* Interrupts KVM_RUN, for the vCPU's thread to look at what has become of it. */
static void *ticker(void *unused)
{
	u32 i;

	for (;; usleep(EVICT_ROOTS_TICK_US)) {
		for (i = 0; i < VCPUS; i++) {
			if (!READ_ONCE(states[i].in_step))
				continue;
			pthread_kill(READ_ONCE(states[i].thread), SIGUSR1);
			if (time(NULL) - READ_ONCE(states[i].since) < SILENT_SECONDS)
				continue;
			ksft_print_msg("vCPU %u hangs in '%s' for %u seconds\n", i,
				       evict_roots_phase, SILENT_SECONDS);
			abort();
		}
	}
	return NULL;
}

/* Before the first VM: whether vCPUs have a PCID for each of their roots. */
void evict_roots_init(bool use_pcid)
{
	struct sigaction action = { .sa_handler = handle_tick };
	pthread_t thread;

	pcid = use_pcid;

	/* Without SA_RESTART. */
	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "sigaction() failed");
	TEST_ASSERT(!pthread_create(&thread, NULL, ticker, NULL), "pthread_create() failed");
}

u64 evict_roots_faults(u32 vcpu)
{
	return vcpu_get_stat(states[vcpu].vcpu, pf_taken);
}

static enum evict_roots_outcome run_step(u32 vcpu)
{
	struct vcpu_state *state = &states[vcpu];
	u64 faults = evict_roots_faults(vcpu);
	struct ucall uc;
	int r;

	do {
		r = __vcpu_run(state->vcpu) ? -errno : 0;
	} while (r == -EINTR && evict_roots_faults(vcpu) - faults < MAX_FAULTS);

	if (r == -EINTR)
		return EVICT_ROOTS_STUCK;
	if (r == -ENOSPC)
		return EVICT_ROOTS_NO_SPACE;

	TEST_ASSERT(!r, "KVM_RUN returned %d", r);
	if (get_ucall(state->vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
	state->pending = false;
	return EVICT_ROOTS_DONE;
}

/* Switch a vCPU to a root, or go on with the switch that it isn't through with. */
enum evict_roots_outcome evict_roots_step(u32 vcpu, u32 root)
{
	struct vcpu_state *state = &states[vcpu];
	struct kvm_vm *vm = state->vcpu->vm;
	enum evict_roots_outcome outcome;

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
	outcome = run_step(vcpu);
	WRITE_ONCE(state->in_step, false);
	return outcome;
}
