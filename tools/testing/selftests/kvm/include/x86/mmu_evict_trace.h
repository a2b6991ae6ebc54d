/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM's tracepoints tell about a VM's shadow pages.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_TRACE_H
#define SELFTEST_KVM_MMU_EVICT_TRACE_H

#include "kvm_util.h"

#define MMU_EVICT_NAME_LEN	64

enum mmu_evict_event_type {
	MMU_EVICT_NEW,
	MMU_EVICT_FOUND,
	MMU_EVICT_ZAPPED,
	MMU_EVICT_PINNED,
	MMU_EVICT_SPARED,
	MMU_EVICT_EVICTED,
	MMU_EVICT_FORCED,
	/* Not about a page: all pages of this generation have become obsolete. */
	MMU_EVICT_OBSOLETED,
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
	u32 nr_parents;
	/* Was an active root when it was zapped, thus is off the list. */
	bool invalid;
	bool unsync;
	/* gfn and role as KVM prints them, which identifies a valid page. */
	char page[MMU_EVICT_NAME_LEN];
};

bool mmu_evict_trace_supported(void);
void mmu_evict_require_trace(void);
void mmu_evict_trace_start(void);
void mmu_evict_trace_stop(void);
bool mmu_evict_trace_next(struct mmu_evict_event *event);

#endif /* SELFTEST_KVM_MMU_EVICT_TRACE_H */
