/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest in one of the modes of paging that KVM shadows, with regions of 2 MiB
 * under each of four page directories, and code to visit them.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_PAGING_H
#define SELFTEST_KVM_MMU_EVICT_PAGING_H

#include "mmu_evict.h"

/* 64 regions in each GiB, i.e. under each page directory. */
#define EVICT_PAGING_GROUPS		4
#define EVICT_PAGING_GROUP_REGIONS	64
#define EVICT_PAGING_REGIONS		(EVICT_PAGING_GROUPS * EVICT_PAGING_GROUP_REGIONS)

#define EVICT_PAGING_ROOTS		2

struct evict_paging_mode {
	/* Levels of page tables, the bits of an address that each translates. */
	u32 levels;
	u32 bits;
	/* The level of the PTEs that map regions: 1 or 2. */
	u32 leaf;
	u64 cr4;
	bool long_mode;
	/* Where the regions are. */
	u64 base;
};

struct evict_paging {
	const struct evict_paging_mode *mode;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 roots[EVICT_PAGING_ROOTS];
	/* How many pages of page tables and code are in use. */
	u32 nr_tables;
	u32 walks;
	u32 visits[EVICT_PAGING_REGIONS];
};

void evict_paging_create(struct evict_paging *guest, const struct evict_paging_mode *mode,
			 const char *policy);
void evict_paging_walk(struct evict_paging *guest, u32 first, u32 nr);
void evict_paging_check(struct evict_paging *guest);

#endif /* SELFTEST_KVM_MMU_EVICT_PAGING_H */
