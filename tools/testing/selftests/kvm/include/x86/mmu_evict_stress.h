/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that verifies all that it reads while its shadow pages are evicted,
 * and threads of the host that pull its memory away in the meantime.
 *
 * Each page of guest memory starts with a word that says what page it is and
 * how often it was written.  So the reader knows a byte that got lost, that is
 * somebody else's, or that is out of date.
 *
 *	data	written by one vCPU each, read by all; the host must not change it
 *	hosted	written by the host, page by page
 *	moved	written by the host while the memslot is deleted or moved
 *	window	a vCPU's own aliases of its data pages, mapped by itself
 *
 * Everything that a thread decides comes from the seed and its own number, in
 * one draw for each operation, and doesn't depend on what other threads do.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_STRESS_H
#define SELFTEST_KVM_MMU_EVICT_STRESS_H

#include "mmu_evict.h"

#define EVICT_STRESS_MAX_VCPUS		8
#define EVICT_STRESS_MIN_REGIONS	24
#define EVICT_STRESS_MAX_REGIONS	(EVICT_STRESS_MAX_VCPUS * EVICT_STRESS_MIN_REGIONS)
#define EVICT_STRESS_PAGES		16
#define EVICT_STRESS_ROOTS		12
#define EVICT_STRESS_WINDOW		64

/* The regions' numbers, which tell their addresses.  Data starts at 0. */
#define EVICT_STRESS_HOSTED		512
#define EVICT_STRESS_MOVED		528
#define EVICT_STRESS_WINDOWS		544
#define EVICT_STRESS_OTHER_REGIONS	8
#define EVICT_STRESS_OTHER_PAGES	(EVICT_STRESS_OTHER_REGIONS * EVICT_STRESS_PAGES)

/* Where the guest sees the page directories that map its data. */
#define EVICT_STRESS_PDS_GVA		(MMU_EVICT_TABLES_GVA + 0x10000000)

/* Who writes a page: a vCPU, or ... */
#define EVICT_STRESS_BY_HOST		0x40
#define EVICT_STRESS_BY_MOVER		0x41
#define EVICT_STRESS_BY_TWIN		0x42

enum evict_stress_op {
	EVICT_STRESS_WRITE,
	EVICT_STRESS_READ,
	EVICT_STRESS_PEEK,
	EVICT_STRESS_READ_HOSTED,
	EVICT_STRESS_READ_MOVED,
	EVICT_STRESS_SWITCH_ROOT,
	EVICT_STRESS_FLOOD,
	EVICT_STRESS_UNSYNC,
	EVICT_STRESS_REMAP,
	EVICT_STRESS_STALL,
	EVICT_STRESS_NR_OPS,
};

extern const char * const evict_stress_op_names[EVICT_STRESS_NR_OPS];

/* What host and guest share, in memory of the guest. */
struct evict_stress_shared {
	u64 seed;
	u32 nr_vcpus;
	u32 nr_ops;
	/* Data regions of each vCPU. */
	u32 regions;
	bool pcid;
	/* This vCPU stops for no reason, if it is one. */
	u32 stall;

	/* Page tables, and the directories that they use for the data. */
	u64 roots[EVICT_STRESS_ROOTS];
	u32 nr_pds;

	/* How often each data page was written: counted before, and after. */
	u32 begun[EVICT_STRESS_MAX_REGIONS][EVICT_STRESS_PAGES];
	u32 gen[EVICT_STRESS_MAX_REGIONS][EVICT_STRESS_PAGES];
	/* The same for hosted pages.  Odd: may be missing, i.e. read as zeroes. */
	u32 hosted[EVICT_STRESS_OTHER_PAGES];
	/* The contents of the moved slot, odd: closed; and which home it has. */
	u32 era;
	u32 home;

	struct {
		u32 op;
		u32 done;
		/* Don't close the moved slot. */
		u32 inside;
		/* A digest of the operations. */
		u64 digest;
	} vcpu[EVICT_STRESS_MAX_VCPUS];
};

/* xorshift64*: the same numbers in host and guest, for one u64 of state. */
static inline u64 evict_stress_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* A state that is never 0, and a stream for each thread. */
static inline u64 evict_stress_stream(u64 seed, u32 thread)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ull ^ (thread + 1) * 0xbf58476d1ce4e5b9ull ?: 1;
}

static inline u64 evict_stress_word(u32 by, u32 region, u32 page, u32 gen)
{
	return 0xe000000000000000ull | (u64)by << 52 | (u64)region << 40 | (u64)page << 32 | gen;
}

/* The last page of each data region has twins, for KSM to merge. */
static inline u64 evict_stress_data_word(u32 by, u32 region, u32 page, u32 gen)
{
	if (page == EVICT_STRESS_PAGES - 1)
		return evict_stress_word(EVICT_STRESS_BY_TWIN, 0, 0, gen & 1);
	return evict_stress_word(by, region, page, gen);
}

static inline gpa_t evict_stress_data_gpa(u32 region, u32 page)
{
	return MMU_EVICT_GPA + (region * EVICT_STRESS_PAGES + page) * PAGE_SIZE;
}

void evict_stress_guest_code(u32 id, struct evict_stress_shared *shared);

#endif /* SELFTEST_KVM_MMU_EVICT_STRESS_H */
