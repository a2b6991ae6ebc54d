// SPDX-License-Identifier: GPL-2.0
/*
 * Generations in the style of Linux's multi-gen LRU, mm/vmscan.c.
 *
 * A page belongs to one generation, from min_seq, the oldest, to max_seq.  The
 * youngest MIN_NR_GENS of them aren't evicted from.  When there are no others,
 * pages age: a walk through all of them moves those that were used to the youngest
 * generation, and then another one begins, see inc_max_seq().  A new page enters
 * the second youngest, like a folio that was mapped by a fault, see
 * lru_gen_folio_seq(), and so does a page that turns out to be used when it is its
 * turn to be evicted.
 *
 * Not here: tiers, which are for file descriptors, and the walk of page tables, as
 * parents' SPTEs are right at hand.
 */
#include "policy_common.h"

enum { KNOB_PROTECTED, KNOB_ENTER };

static const struct knob mglru_knobs[] = {
	/* MIN_NR_GENS in include/linux/mmzone.h, for both. */
	[KNOB_PROTECTED] = { "protected", 2, 1, 16, "youngest generations that are not evicted from" },
	[KNOB_ENTER]	 = { "enter", 2, 1, 16, "where new pages enter; 1: the youngest one" },
	{}
};

/* More than there ever are, a power of two: @protected, @enter, and a new one. */
#define MAX_GENS	32

struct mglru_page {
	u64 seq;
};

struct mglru {
	struct refs refs;
	struct list_head gens[MAX_GENS];
	u64 min_seq, max_seq;
};

static struct mglru_page *to_mglru(struct page *page)
{
	static_assert(sizeof(struct mglru_page) <= POLICY_BYTES);
	return (struct mglru_page *)page->private;
}

static struct list_head *gen(struct mglru *mglru, u64 seq)
{
	return &mglru->gens[seq % MAX_GENS];
}

static void mglru_init(struct policy *policy)
{
	struct mglru *mglru = policy->data = xcalloc(1, sizeof(*mglru));
	int i;

	refs_init(&mglru->refs);
	for (i = 0; i < MAX_GENS; i++)
		INIT_LIST_HEAD(&mglru->gens[i]);
	mglru->max_seq = policy_knob(policy, KNOB_ENTER);
}

/* The generation that a page enters, from @oldest on. */
static u64 entered(const struct policy *policy, const struct mglru *mglru, u64 oldest)
{
	u64 seq = mglru->max_seq + 1 - policy_knob(policy, KNOB_ENTER);

	return seq < oldest ? oldest : seq;
}

static void move(struct mglru *mglru, struct page *page, u64 seq)
{
	to_mglru(page)->seq = seq;
	list_move(&page->link, gen(mglru, seq));
}

static void mglru_link(struct policy *policy, struct page *page)
{
	struct mglru *mglru = policy->data;

	INIT_LIST_HEAD(&page->link);
	move(mglru, page, entered(policy, mglru, mglru->min_seq));
	refs_link(policy, &mglru->refs, page);
}

static void mglru_unlink(struct policy *policy, struct page *page)
{
	list_del(&page->link);
	refs_unlink(page);
}

static void age(struct policy *policy, struct mglru *mglru)
{
	struct page *page, *tmp;
	u64 seq;

	for (seq = mglru->min_seq; seq <= mglru->max_seq; seq++) {
		list_for_each_entry_safe_reverse(page, tmp, gen(mglru, seq), link) {
			policy->model->counters.scanned++;
			if (refs_test_clear(policy, page) && seq < mglru->max_seq)
				move(mglru, page, mglru->max_seq);
		}
	}
	mglru->max_seq++;
}

/* The oldest generation that there is something in, if it may be evicted from. */
static bool find_oldest(const struct policy *policy, struct mglru *mglru)
{
	u64 protected = policy_knob(policy, KNOB_PROTECTED);

	while (mglru->min_seq + protected <= mglru->max_seq &&
	       list_empty(gen(mglru, mglru->min_seq)))
		mglru->min_seq++;
	return mglru->min_seq + protected <= mglru->max_seq;
}

static struct page *mglru_pick(struct policy *policy)
{
	/* A page that isn't used anymore is due after so many walks. */
	u64 walks = 2 * (policy_knob(policy, KNOB_PROTECTED) + policy_knob(policy, KNOB_ENTER));
	struct mglru *mglru = policy->data;
	struct page *page;

	for (;;) {
		if (!find_oldest(policy, mglru)) {
			if (!walks--)
				return NULL;
			age(policy, mglru);
			continue;
		}
		page = list_last_entry(gen(mglru, mglru->min_seq), struct page, link);
		policy->model->counters.scanned++;
		if (!policy_pinned(policy, page) && !refs_test_clear(policy, page))
			return page;
		policy->model->counters.spared++;
		move(mglru, page, entered(policy, mglru, mglru->min_seq + 1));
	}
}

static unsigned long mglru_evict(struct policy *policy, unsigned long target,
				 unsigned long need)
{
	struct mglru *mglru = policy->data;

	refs_settle(policy, &mglru->refs);
	return evict_picked(policy, target, mglru_pick);
}

const struct policy_ops mglru_policy = {
	.name	= "mglru",
	.source	= "multi-gen LRU, mm/vmscan.c of Linux 7.3",
	.knobs	= mglru_knobs,
	.init	= mglru_init,
	.link	= mglru_link,
	.unlink	= mglru_unlink,
	.touch	= refs_touch,
	.evict	= mglru_evict,
};
