/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs that switch from one to another of their roots, step by step, and how
 * the steps end: there may not be enough shadow pages for all that they keep.
 *
 * Each root maps a page of its own at the same address, so that a step that is
 * done has also read through the right root.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_ROOTS_H
#define SELFTEST_KVM_MMU_EVICT_ROOTS_H

#include "mmu_evict.h"

/* What KVM keeps for a vCPU: the current root and KVM_MMU_NUM_PREV_ROOTS. */
#define EVICT_ROOTS_PER_VCPU	4
#define EVICT_ROOTS_MAX_VCPUS	24

/* How often KVM_RUN is interrupted. */
#define EVICT_ROOTS_TICK_US	50000

/* Enough for every scenario. */
#define EVICT_ROOTS_MAX_STEPS	1024

enum evict_roots_outcome {
	EVICT_ROOTS_DONE,
	EVICT_ROOTS_STUCK,
	EVICT_ROOTS_NO_SPACE,
	EVICT_ROOTS_NR_OUTCOMES,
};

/* How the steps of a scenario ended. */
struct evict_roots_record {
	enum evict_roots_outcome steps[EVICT_ROOTS_MAX_STEPS];
	u32 nr;
	u32 count[EVICT_ROOTS_NR_OUTCOMES];
	/* The most that it took to do a step. */
	u64 faults;
};

/* What the VM is made to do, for the message about a vCPU that hangs in it. */
extern const char *evict_roots_phase;

void evict_roots_init(bool use_pcid);
struct kvm_vm *evict_roots_create(const char *policy, u32 pool, u32 nr_vcpus);
u64 evict_roots_faults(u32 vcpu);
enum evict_roots_outcome evict_roots_step(u32 vcpu, u32 root);

enum evict_roots_outcome evict_roots_record_step(struct evict_roots_record *record,
						 u32 vcpu, u32 root);
void evict_roots_record_round(struct evict_roots_record *record, u32 nr_vcpus);
void evict_roots_compare(void (*scenario)(const char *policy,
					  struct evict_roots_record *record),
			 struct evict_roots_record *fifo);

#endif /* SELFTEST_KVM_MMU_EVICT_ROOTS_H */
