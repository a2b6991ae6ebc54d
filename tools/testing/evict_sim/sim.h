/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all parts of the simulator share: pages, counters, and a model, i.e. what
 * a policy evicts pages from.
 *
 * There are two models.  mmu.c is KVM's shadow MMU: guest page tables, shadow
 * pages, SPTEs, roots and faults.  flat.c is a cache of single objects, which is
 * what most papers about eviction are about; its page is an object.
 */
#ifndef EVICT_SIM_H
#define EVICT_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/list.h>
#include <linux/types.h>

#define NR_PRIVATE_WORDS	4

struct page {
	/* For the policy: on which of its lists the page is. */
	struct list_head link;
	/* The page table or object, counted from 0 in the order of appearance. */
	u32 id;
	/* 1 for pages that map memory; those above map other pages. */
	u8 level;
	/* For policies made of evict.h. */
	u8 state;
	/* Used since the policy last looked; the flat model only. */
	bool accessed;
	/* When it will be used again, for clairvoyant policies. */
	u64 next_use;
	/* For the policy; all zero in a new page. */
	u64 private[NR_PRIVATE_WORDS];
};

#define NEVER	UINT64_MAX

/* Counted from the start of the measured phase on. */
struct counters {
	u64 accesses;
	/* VM exits for a page fault: KVM's pf_taken.  Flat: misses. */
	u64 faults;
	/* ... by what was missing: a page that was never shadowed, */
	u64 faults_new;
	/* a page that was evicted before, */
	u64 faults_evicted;
	/* a link to a page that is there, or the SPTE of a page that is there. */
	u64 faults_link;
	u64 faults_spte;
	/* Of all faults, those on the guest's own code and stack. */
	u64 faults_own;
	/* Shadow pages created, and zapped: KVM's mmu_shadow_zapped. */
	u64 created;
	u64 zapped;
	/* Sweeps that evicted something, each of which flushes TLBs. */
	u64 flushes;
	/* What the policy did: pages examined, spared and taken by force. */
	u64 scanned;
	u64 spared;
	u64 forced;
	/* SPTEs that it read. */
	u64 spte_reads;
};

struct model;

struct model_ops {
	/* The creation of a page sets its first Accessed bit, which tells nothing. */
	bool born_accessed;

	/* An active root can't be evicted. */
	bool (*pinned)(const struct page *page);
	/* Test and clear the Accessed bits in the SPTEs that point to the page. */
	bool (*test_clear_parents)(struct model *model, struct page *page);
	/* Test and clear those in the page's own SPTEs. */
	bool (*test_clear_leaves)(struct model *model, struct page *page);
	/* The number of SPTEs that are present. */
	unsigned int (*nr_present)(const struct page *page);
	/* Evict it.  Returns how many pages went away, as some go with another. */
	unsigned long (*zap)(struct model *model, struct page *page);
};

#endif /* EVICT_SIM_H */
