/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of KVM's shadow MMU: what there is.  mmu.c has the faults and what they
 * lead to, mmu_page.c the shadow pages, mmu_root.c the roots of the vCPUs.
 *
 * A shadow page exists once for each guest page table and level.  A page that
 * maps other pages has slots for them; a page that maps memory has one bit for
 * each SPTE that is present.  A page without parents stays where it is, and is
 * found again by the next fault that wants it.
 */
#ifndef EVICT_SIM_MMU_H
#define EVICT_SIM_MMU_H

#include "map.h"
#include "model.h"
#include "util.h"

#define SPTES_PER_PAGE		512
#define WORDS_PER_PAGE		(SPTES_PER_PAGE / 64)
/* KVM's PTE_PREFETCH_NUM. */
#define PREFETCH		8
/* Those of a PAE guest, else the first one is used alone. */
#define MAX_ROOTS		4
/* KVM_MMU_NUM_PREV_ROOTS, and the current one. */
#define CACHED_ROOTS		4
#define MAX_TLB			4096

struct bits {
	u64 word[WORDS_PER_PAGE];
};

static inline bool get_bit(const struct bits *bits, unsigned int i)
{
	return bits->word[i / 64] >> i % 64 & 1;
}

static inline void set_bit(struct bits *bits, unsigned int i)
{
	bits->word[i / 64] |= 1ull << i % 64;
}

struct sp;

/* An SPTE that points to another page. */
struct slot {
	struct sp *child;
	/* On the child's list of parents. */
	struct list_head sibling;
	bool accessed;
};

struct sp {
	struct page page;
	struct list_head parents;
	/* How many vCPUs have it for a root, current or cached. */
	unsigned int root_count;
	/* Level 1: which SPTEs are present, and their Accessed bits. */
	struct bits present;
	struct bits accessed;
	/* Above that: SPTES_PER_PAGE of them. */
	struct slot *slots;
};

/* A guest page table, shadowed or not; level 1: with its Accessed bits. */
struct table {
	struct sp *sp;
	bool was_shadowed;
	struct bits accessed;
};

struct root {
	bool valid;
	u64 process;
	struct sp *sp[MAX_ROOTS];
};

struct vcpu {
	/* The first is the current one, the others in the order of their use. */
	struct root roots[CACHED_ROOTS];
	/* The tables whose translations the TLB has, plus one; direct mapped. */
	u64 tlb[MAX_TLB];
};

struct mmu {
	struct model model;
	unsigned int levels;
	unsigned int nr_vcpus;
	/* Pages below the root are shadowed twice as nested TDP: see mmu_zap(). */
	bool nested;
	bool prefetch;
	/* Entries of a TLB that survives exits, and whether a sweep flushes it. */
	unsigned int tlb;
	bool flush;
	/* Pages of each process that the guest uses all the time. */
	unsigned int nr_own;

	struct vcpu vcpu[MAX_VCPUS];
	/* Numbers the tables by process, level and address. */
	struct map map;
	struct table *tables;
	size_t nr_tables;
	/* Pages that were freed, to be used again. */
	struct list_head free[2];
};

static inline struct mmu *to_mmu(struct model *model)
{
	return container_of(model, struct mmu, model);
}

static inline struct sp *to_sp(const struct page *page)
{
	return container_of(page, struct sp, page);
}

/* The level of the pages that vCPUs have for roots, and how many a process has. */
static inline unsigned int root_level(const struct mmu *mmu)
{
	return mmu->levels == 3 ? 2 : mmu->levels;
}

static inline unsigned int nr_roots(const struct mmu *mmu)
{
	return mmu->levels == 3 ? MAX_ROOTS : 1;
}

/* Which SPTE of a page of @level translates the page number @vpn. */
static inline unsigned int spte_index(u64 vpn, unsigned int level)
{
	return vpn >> TABLE_SHIFT * (level - 1) & (SPTES_PER_PAGE - 1);
}

/* Which of the roots does. */
static inline unsigned int root_index(const struct mmu *mmu, u64 vpn)
{
	return mmu->levels == 3 ? vpn >> 2 * TABLE_SHIFT & (MAX_ROOTS - 1) : 0;
}

/* The number of a guest page table. */
u32 mmu_number(struct mmu *mmu, u64 process, u64 vpn, unsigned int level);

/*
 * Find the shadow page of a guest page table, or create it.  *@found tells which;
 * *@before, whether there had been one that was evicted.
 */
struct sp *mmu_get_page(struct mmu *mmu, u64 process, u64 vpn, unsigned int level,
			bool *found, bool *before);
struct table *mmu_table(struct mmu *mmu, const struct sp *sp);
void mmu_link(struct slot *slot, struct sp *child);
unsigned long mmu_zap(struct model *model, struct page *page);
void mmu_free_pages(struct mmu *mmu);

/* Make the roots of @process the vCPU's current ones. */
void mmu_switch_root(struct mmu *mmu, struct vcpu *vcpu, u64 process);

#endif /* EVICT_SIM_MMU_H */
