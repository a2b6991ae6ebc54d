/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay the record of a VM's shadow pages through KVM's own policy core, and
 * count what happens to them.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_REPLAY_H
#define SELFTEST_KVM_MMU_EVICT_REPLAY_H

#include "mmu_evict_trace.h"

#include "../../../../../../arch/x86/kvm/mmu/evict.h"

#define MMU_EVICT_MAX_WATCHED	512

struct mmu_evict_replay {
	/* What the VM was created with. */
	u32 pool;
	bool clock;
	/* Nobody uses pages during a sweep, as there is no other vCPU. */
	bool alone;
	/* These are the shadow pages of nested TDP. */
	bool nested;

	/* Guest page tables whose events are counted one by one. */
	u64 watched[MMU_EVICT_MAX_WATCHED];
	u32 nr_watched;

	/* The list of shadow pages, and those that are off it but not yet freed. */
	struct list_head pages;
	struct list_head unlinked;
	struct kvm_mmu_evict_clock hands;
	/* All of these pages, as KVM counts them. */
	u32 nr;
	/* The generation of valid pages. */
	u32 gen;

	/* What has been met so far. */
	u64 count[NR_MMU_EVICT_EVENTS];
	u32 seen[MMU_EVICT_MAX_WATCHED][NR_MMU_EVICT_EVENTS];
	u32 sweeps;
	/* The most pages that a sweep has examined. */
	u32 longest;
	/* Pages examined more than once by a sweep, and evicted along with others. */
	u32 revisits;
	u32 dragged;
	/* Roots that were found out of use. */
	u32 retired_roots;
};

void mmu_evict_replay_start(struct mmu_evict_replay *replay, u32 pool, bool clock);
void mmu_evict_watch(struct mmu_evict_replay *replay, gpa_t table);
u32 mmu_evict_seen(const struct mmu_evict_replay *replay, u32 first, u32 nr,
		   enum mmu_evict_event_type type);
void mmu_evict_replay_run(struct mmu_evict_replay *replay);
void mmu_evict_replay_resize(struct mmu_evict_replay *replay, struct kvm_vm *vm, u32 pool);

#endif /* SELFTEST_KVM_MMU_EVICT_REPLAY_H */
