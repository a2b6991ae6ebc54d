/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What several rivals are made of: a list of pages, and what a kernel knows about
 * their use.
 */
#ifndef EVICT_SIM_POLICY_COMMON_H
#define EVICT_SIM_POLICY_COMMON_H

#include "model.h"
#include "util.h"

#include "evict.h"

/*
 * page->private:
 *
 *	+--------+--------+--------+--------+
 *	|  of the policy  | struct list_head|
 *	|     itself      | of fresh pages  |
 *	+--------+--------+--------+--------+
 */
#define POLICY_WORDS	2
#define POLICY_BYTES	(POLICY_WORDS * sizeof(u64))

/*
 * The uses of pages, with the bits of evict.h in page->state: a page was used if
 * it was touched, or if an Accessed bit in its parents is set, but for the first
 * ones, which are dropped before the next eviction.
 */
struct refs {
	/* Pages that were created since the last eviction, the youngest first. */
	struct list_head fresh;
};

static inline struct list_head *fresh_link(struct page *page)
{
	static_assert(POLICY_BYTES + sizeof(struct list_head) <= sizeof(page->private));
	return (struct list_head *)&page->private[POLICY_WORDS];
}

static inline struct page *to_page(struct list_head *link)
{
	return list_entry(link, struct page, link);
}

static inline void refs_init(struct refs *refs)
{
	INIT_LIST_HEAD(&refs->fresh);
}

void refs_link(struct policy *policy, struct refs *refs, struct page *page);
void refs_unlink(struct page *page);

/* For ->touch(). */
void refs_touch(struct policy *policy, struct page *page);

/* Before an eviction: drop the first Accessed bits. */
void refs_settle(struct policy *policy, struct refs *refs);

/* Was the page used since this was last called? */
static inline bool refs_test_clear(struct policy *policy, struct page *page)
{
	bool accessed = policy_test_clear_parents(policy, page);

	return kvm_mmu_evict_test_clear_ref(&page->state, accessed);
}

/* All pages on one list; what it is ordered by is up to the policy. */
struct queue {
	struct list_head pages;
	struct refs refs;
};

/* For ->init(), ->link(), which adds at the head, and ->unlink(). */
void queue_init(struct policy *policy);
void queue_link(struct policy *policy, struct page *page);
void queue_unlink(struct policy *policy, struct page *page);

/* The page next to the tail of a list that can be evicted, or NULL. */
struct page *last_unpinned(struct policy *policy, struct list_head *pages);

/*
 * Evict what @pick returns, which is NULL once nothing but pinned pages is left.
 * It starts from scratch after each page, as others may go along.
 */
unsigned long evict_picked(struct policy *policy, unsigned long target,
			   struct page *(*pick)(struct policy *policy));

/*
 * The size of the cache that a paper speaks of: the pages that an eviction leaves,
 * and the one that it was for.  It is the whole pool if they go one by one.
 */
static inline unsigned long policy_capacity(const struct policy *policy)
{
	unsigned long max = policy->model->max, refill = policy->model->refill;

	return max > refill ? max - refill + 1 : 1;
}

/* Of @pages, and at least one. */
static inline unsigned long percent_of(unsigned long pages, u64 percent)
{
	return pages * percent / 100 ?: 1;
}

#endif /* EVICT_SIM_POLICY_COMMON_H */
