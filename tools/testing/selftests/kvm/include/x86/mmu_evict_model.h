/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the eviction policies have to make of a VM's shadow pages, as a model
 * that is written independently of KVM's code.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_MODEL_H
#define SELFTEST_KVM_MMU_EVICT_MODEL_H

#include "mmu_evict_trace.h"

#define MMU_EVICT_MAX_PAGES	512

struct mmu_evict_model {
	/* What the VM was created with. */
	u32 pool;
	bool clock;
	/* Guest page tables whose events are counted one by one. */
	u64 watched[MMU_EVICT_MAX_PAGES];
	u32 nr_watched;

	/* The list of shadow pages, oldest first. */
	char pages[MMU_EVICT_MAX_PAGES][MMU_EVICT_NAME_LEN];
	/* A fault has found the page in the hash table since its last visit. */
	bool to_be_touched[MMU_EVICT_MAX_PAGES];
	/* The page was an active root at its last visit. */
	bool was_root[MMU_EVICT_MAX_PAGES];
	/* How many active roots were found out of use by their next visit. */
	u32 retired_roots;
	u32 nr;
	/* The next page to examine. */
	u32 hand;
	/* The hand starts over here, as younger pages have to wait. */
	u32 stop;
	/* The generation of valid pages. */
	u32 gen;
	/* The victim that has yet to be zapped. */
	char victim[MMU_EVICT_NAME_LEN];
	/* Pages that the current sweep has examined, and the most ever. */
	u32 examined;
	u32 longest;
	u32 sweeps;
	bool forced;
	/* Userspace is shrinking the pool. */
	bool shrinking;
	u64 count[NR_MMU_EVICT_EVENTS];
	u32 seen[MMU_EVICT_MAX_PAGES][NR_MMU_EVICT_EVENTS];
};

void mmu_evict_watch(struct mmu_evict_model *model, gpa_t table);
u32 mmu_evict_seen(const struct mmu_evict_model *model, u32 first, u32 nr,
		   enum mmu_evict_event_type type);
void mmu_evict_replay(struct mmu_evict_model *model);
void mmu_evict_shrink(struct mmu_evict_model *model, struct kvm_vm *vm, u32 pool);

#endif /* SELFTEST_KVM_MMU_EVICT_MODEL_H */
