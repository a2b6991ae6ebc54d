// SPDX-License-Identifier: GPL-2.0
/*
 * A clock of levels: what a page would cost if it were evicted, in three bits.
 *
 * After an eviction, each SPTE of the page has to be set by another fault.  So a
 * page rises by a level whenever an SPTE is set in it after its creation, and when
 * the hand finds that it was used; it sinks by a level when the hand finds that it
 * wasn't.  The hand takes pages of the lowest level that there is, in place of
 * making revolutions until one has sunk to zero, as in GCLOCK.  Cost-aware like
 * GreedyDual (Young, "The k-server dual and loose competitiveness for paging",
 * Algorithmica 11, 1994), with the hand for its clock, and no other source.
 *
 * Once as many pages are gone as are needed, it stops in front of a page that is
 * worth keeping, rather than fill a batch.
 */
#include "policy_common.h"

enum { KNOB_MAX, KNOB_STOP };

static const struct knob cost_knobs[] = {
	[KNOB_MAX]	= { "max", 7, 1, 7, "the highest level" },
	[KNOB_STOP]	= { "stop", 2, 0, 7, "the level worth a smaller batch; 0: none" },
	{}
};

#define MAX_LEVEL	7

struct cost_page {
	u8 level;
	/* The SPTE that the page was created for has been set. */
	bool filled;
};

struct cost {
	struct queue queue;
	/* As in policy_sieve.c. */
	struct list_head *hand;
	/* Pages at each level. */
	unsigned long nr[MAX_LEVEL + 1];
};

static_assert(offsetof(struct cost, queue) == 0);

static struct cost_page *to_cost(struct page *page)
{
	static_assert(sizeof(struct cost_page) <= POLICY_BYTES);
	return (struct cost_page *)page->private;
}

static void cost_init(struct policy *policy)
{
	struct cost *cost = policy->data = xcalloc(1, sizeof(*cost));

	INIT_LIST_HEAD(&cost->queue.pages);
	refs_init(&cost->queue.refs);
}

static void cost_link(struct policy *policy, struct page *page)
{
	struct cost *cost = policy->data;

	queue_link(policy, page);
	cost->nr[0]++;
}

static void cost_unlink(struct policy *policy, struct page *page)
{
	struct cost *cost = policy->data;

	cost->nr[to_cost(page)->level]--;
	if (cost->hand == &page->link)
		cost->hand = page->link.prev;
	queue_unlink(policy, page);
}

static void set_level(struct cost *cost, struct page *page, u8 level)
{
	cost->nr[to_cost(page)->level]--;
	cost->nr[level]++;
	to_cost(page)->level = level;
}

static void rise(struct policy *policy, struct page *page)
{
	u8 level = to_cost(page)->level;

	if (level < policy_knob(policy, KNOB_MAX))
		set_level(policy->data, page, level + 1);
}

static void sink(struct policy *policy, struct page *page)
{
	u8 level = to_cost(page)->level;

	if (level)
		set_level(policy->data, page, level - 1);
}

static void cost_fill(struct policy *policy, struct page *page)
{
	if (to_cost(page)->filled)
		rise(policy, page);
	to_cost(page)->filled = true;
}

/* The pages above get no ->fill(). */
static void cost_touch(struct policy *policy, struct page *page)
{
	if (page->level > 1)
		rise(policy, page);
}

/* Returns false for a page to be evicted: one that wasn't used, up to @level. */
static bool pass(struct policy *policy, struct page *page, u8 level)
{
	if (refs_test_clear(policy, page)) {
		rise(policy, page);
		return true;
	}
	if (to_cost(page)->level <= level)
		return false;
	sink(policy, page);
	return true;
}

/* One revolution: the first page to be evicted that there is. */
static struct page *revolve(struct policy *policy, struct cost *cost, u8 level)
{
	unsigned long left = policy->model->used;
	struct page *page;

	for (; left; left--) {
		if (!cost->hand || cost->hand == &cost->queue.pages)
			cost->hand = cost->queue.pages.prev;
		page = to_page(cost->hand);
		policy->model->counters.scanned++;
		if (!policy_pinned(policy, page)) {
			if (!pass(policy, page, level))
				return page;
			policy->model->counters.spared++;
		}
		cost->hand = page->link.prev;
	}
	return NULL;
}

static struct page *cost_pick(struct policy *policy)
{
	u8 level = 0, max = policy_knob(policy, KNOB_MAX);
	struct cost *cost = policy->data;
	struct page *page = NULL;

	while (level < max && !cost->nr[level])
		level++;
	/* Pinned pages may be all that is so low, and all others in use. */
	for (; level <= max + 1 && !page; level++)
		page = revolve(policy, cost, level);
	return page;
}

static unsigned long cost_evict(struct policy *policy, unsigned long target,
				unsigned long need)
{
	u64 stop = policy_knob(policy, KNOB_STOP);
	struct cost *cost = policy->data;
	unsigned long freed = 0;
	struct page *page;

	refs_settle(policy, &cost->queue.refs);
	while (freed < target) {
		page = cost_pick(policy);
		if (!page || (stop && freed >= need && to_cost(page)->level >= stop))
			break;
		freed += policy_evict(policy, page);
	}
	return freed;
}

const struct policy_ops cost_policy = {
	.name	= "cost",
	.source	= "levels of cost, aged by a hand; after GreedyDual, Young, Algorithmica 1994",
	.knobs	= cost_knobs,
	.init	= cost_init,
	.link	= cost_link,
	.unlink	= cost_unlink,
	.touch	= cost_touch,
	.fill	= cost_fill,
	.evict	= cost_evict,
};
