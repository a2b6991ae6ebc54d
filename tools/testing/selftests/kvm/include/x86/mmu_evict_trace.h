/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM's tracepoints tell about a VM's shadow pages, and a model of what
 * the eviction policies have to make of it.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_TRACE_H
#define SELFTEST_KVM_MMU_EVICT_TRACE_H

#include "kvm_util.h"

#define MMU_EVICT_NAME_LEN	64
#define MMU_EVICT_MAX_PAGES	512

enum mmu_evict_event_type {
	MMU_EVICT_NEW,
	MMU_EVICT_FOUND,
	MMU_EVICT_ZAPPED,
	MMU_EVICT_PINNED,
	MMU_EVICT_SPARED,
	MMU_EVICT_EVICTED,
	MMU_EVICT_FORCED,
	NR_MMU_EVICT_EVENTS,
};

struct mmu_evict_event {
	enum mmu_evict_event_type type;
	u64 gfn;
	u32 gen;
	u32 level;
	u32 roots;
	u32 touched;
	u32 accessed;
	/* Was an active root when it was zapped, thus is off the list. */
	bool invalid;
	/* gfn and role as KVM prints them, which identifies a valid page. */
	char page[MMU_EVICT_NAME_LEN];
};

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
	/* The generation of the newest page. */
	u32 gen;
	/* The victim that has yet to be zapped. */
	char victim[MMU_EVICT_NAME_LEN];
	/* Pages that the current sweep has examined, and the most ever. */
	u32 examined;
	u32 longest;
	bool forced;
	u64 count[NR_MMU_EVICT_EVENTS];
	u32 seen[MMU_EVICT_MAX_PAGES][NR_MMU_EVICT_EVENTS];
};

bool mmu_evict_trace_supported(void);
void mmu_evict_trace_start(void);
void mmu_evict_trace_stop(void);
void mmu_evict_watch(struct mmu_evict_model *model, gpa_t table);
u32 mmu_evict_seen(const struct mmu_evict_model *model, u32 first, u32 nr,
		   enum mmu_evict_event_type type);
void mmu_evict_replay(struct mmu_evict_model *model);

#endif /* SELFTEST_KVM_MMU_EVICT_TRACE_H */
