/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay the record of a VM's shadow pages through KVM's own policy core.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_REPLAY_H
#define SELFTEST_KVM_MMU_EVICT_REPLAY_H

#include <linux/list.h>

#include "mmu_evict_trace.h"

struct mmu_evict_replay {
	/* What the VM was created with. */
	u32 pool;
	bool clock;
	/* Nobody uses pages during a sweep, as there is no other vCPU. */
	bool alone;

	/* The list of shadow pages, and those that are off it but not yet freed. */
	struct list_head pages;
	struct list_head unlinked;
	/* The clock on the list. */
	struct list_head *hand;
	struct list_head *stop;
	/* All of these pages, as KVM counts them. */
	u32 nr;
	/* The generation of valid pages. */
	u32 gen;
	/* Where the record begins that has yet to be replayed. */
	u32 pos;

	/* What has been met so far. */
	u64 count[NR_MMU_EVICT_EVENTS];
	u32 sweeps;
	/* Pages examined more than once by a sweep, and evicted along with others. */
	u32 revisits;
	u32 dragged;
	/* Roots that were found out of use, and obsolete pages found at all. */
	u32 retired_roots;
	u32 obsolete;
};

void mmu_evict_replay_init(struct mmu_evict_replay *replay, u32 pool, bool clock);
void mmu_evict_replay_run(struct mmu_evict_replay *replay);
void mmu_evict_replay_resize(struct mmu_evict_replay *replay, struct kvm_vm *vm, u32 pool);

#endif /* SELFTEST_KVM_MMU_EVICT_REPLAY_H */
