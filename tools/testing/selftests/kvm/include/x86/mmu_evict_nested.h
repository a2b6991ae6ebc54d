/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest whose L1 runs L2 on several nested page tables by turns, all of which
 * map the same L2 addresses, each to memory of its own:
 *
 *	          L2's page table    table 0 .. 7          memslot 1
 *	L2 address ----------> L2 GPA ----------> GPA of (table, region, page)
 *
 * so that a stale translation shows in what L2 reads and writes.  The tables
 * share what maps memslot 0, i.e. code, data, stacks and L2's page tables, thus
 * some shadow pages have several parents.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_NESTED_H
#define SELFTEST_KVM_MMU_EVICT_NESTED_H

#include "mmu_evict.h"

#define EVICT_NESTED_TABLES		8
#define EVICT_NESTED_REGIONS		24

/* One page per fault: KVM prefetches up to eight. */
#define EVICT_NESTED_PAGES		4
#define EVICT_NESTED_PAGE_STRIDE	8

/* The same address for L2's own page table, but not the address of the memory. */
#define EVICT_NESTED_L2_GPA		BIT_ULL(33)

/* What the host tells the guest. */
struct evict_nested_job {
	/* How L1 runs L2. */
	bool vmx;
	bool has_ad;
	u64 pgd;
	/* What L2 does until its next exit: read a word per region, or add 1 to it. */
	u32 table;
	u32 first;
	u32 nr;
	u32 page;
	bool write;
};

/* What L2 did with a page; host and guest keep an account of their own. */
struct evict_nested_account {
	bool used;
	u16 writes;
};

struct evict_nested_kind {
	/* The level of the PTEs that map regions. */
	int level;
	/* Accessed and Dirty are set from the beginning, or never. */
	bool preset_ad;
	bool no_ad;
};

struct evict_nested {
	const struct evict_nested_kind *kind;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_mmu tables[EVICT_NESTED_TABLES];
};

extern struct evict_nested_job evict_nested_job;
extern struct evict_nested_account
evict_nested_account[EVICT_NESTED_TABLES][EVICT_NESTED_REGIONS][EVICT_NESTED_PAGES];

static inline gpa_t evict_nested_l2_gpa(u32 region, u32 page)
{
	return EVICT_NESTED_L2_GPA + region * PG_SIZE_2M +
	       page * EVICT_NESTED_PAGE_STRIDE * PAGE_SIZE;
}

/* The first word of a page, as the account of whoever asks has it. */
static inline u64 evict_nested_word(u32 table, u32 region, u32 page)
{
	return mmu_evict_value(table * EVICT_NESTED_REGIONS + region, page) +
	       evict_nested_account[table][region][page].writes;
}

void evict_nested_guest_code(void *nested);

void evict_nested_create(struct evict_nested *guest, const struct evict_nested_kind *kind,
			 const char *policy, u32 pool);
u64 evict_nested_run(struct evict_nested *guest, u32 table, u32 first, u32 nr, u32 page,
		     bool write);
void evict_nested_check(struct evict_nested *guest);

#endif /* SELFTEST_KVM_MMU_EVICT_NESTED_H */
