// SPDX-License-Identifier: GPL-2.0
/*
 * Clairvoyant policies, to tell what there is to gain.
 *
 * belady: the page goes whose next use is farthest away.  Belady, "A Study of
 * Replacement Algorithms for a Virtual-Storage Computer", IBM Systems Journal 5(2),
 * 1966, "MIN"; Mattson et al. 1970, "OPT".  If there are several, the lowest in the
 * guest's page tables goes, then the one with the lowest id.  A heap, O(log n).
 *
 * belady-cost: what counts is the time until the next use for each SPTE that has to
 * be set again then, plus @base for the page itself.  It takes looking at all pages,
 * so it is O(n).
 *
 * Both are optimal in a cache of single objects, and neither is in the MMU, where
 * pages differ in what they cost, and evictions come in batches, before it is known
 * which pages come next.
 */
#include "policy_common.h"

struct heap_page {
	u64 place;
	/* page->next_use as of the page's place in the heap. */
	u64 key;
};

struct heap {
	struct page **pages;
	unsigned long nr, size;
	/* Pinned pages that were in the way. */
	struct page **aside;
};

static struct heap_page *to_heap(struct page *page)
{
	static_assert(sizeof(struct heap_page) <= POLICY_BYTES);
	return (struct heap_page *)page->private;
}

static void belady_init(struct policy *policy)
{
	policy->data = xcalloc(1, sizeof(struct heap));
}

static void belady_exit(struct policy *policy)
{
	struct heap *heap = policy->data;

	free(heap->pages);
	free(heap->aside);
}

/* Does @a go before @b? */
static bool before(struct page *a, struct page *b)
{
	u64 key_a = to_heap(a)->key, key_b = to_heap(b)->key;

	if (key_a != key_b)
		return key_a > key_b;
	if (a->level != b->level)
		return a->level < b->level;
	return a->id < b->id;
}

static void place(struct heap *heap, unsigned long i, struct page *page)
{
	heap->pages[i] = page;
	to_heap(page)->place = i;
}

/* Put @page where it belongs, given that there is a hole at @i. */
static void sift(struct heap *heap, unsigned long i, struct page *page)
{
	struct page **pages = heap->pages;
	unsigned long k;

	for (; i && before(page, pages[(i - 1) / 2]); i = (i - 1) / 2)
		place(heap, i, pages[(i - 1) / 2]);
	for (; (k = 2 * i + 1) < heap->nr; i = k) {
		if (k + 1 < heap->nr && before(pages[k + 1], pages[k]))
			k++;
		if (!before(pages[k], page))
			break;
		place(heap, i, pages[k]);
	}
	place(heap, i, page);
}

static void belady_access(struct policy *policy, struct page *page)
{
	to_heap(page)->key = page->next_use;
	sift(policy->data, to_heap(page)->place, page);
}

static void belady_link(struct policy *policy, struct page *page)
{
	struct heap *heap = policy->data;

	if (heap->nr == heap->size) {
		unsigned long size = 2 * heap->size + 64;

		heap->pages = xgrow(heap->pages, heap->size, size, sizeof(*heap->pages));
		heap->aside = xgrow(heap->aside, heap->size, size, sizeof(*heap->aside));
		heap->size = size;
	}
	to_heap(page)->key = page->next_use;
	sift(heap, heap->nr++, page);
}

static void belady_unlink(struct policy *policy, struct page *page)
{
	struct heap *heap = policy->data;
	struct page *last = heap->pages[--heap->nr];

	if (last != page)
		sift(heap, to_heap(page)->place, last);
}

static struct page *belady_pick(struct policy *policy)
{
	struct heap *heap = policy->data;
	unsigned long nr_aside = 0;
	struct page *page = NULL;

	while (heap->nr) {
		page = heap->pages[0];
		policy->model->counters.scanned++;
		if (!policy_pinned(policy, page))
			break;
		belady_unlink(policy, page);
		heap->aside[nr_aside++] = page;
		page = NULL;
	}
	while (nr_aside)
		belady_link(policy, heap->aside[--nr_aside]);
	return page;
}

static unsigned long belady_evict(struct policy *policy, unsigned long target,
				  unsigned long need)
{
	return evict_picked(policy, target, belady_pick);
}

enum { KNOB_BASE };

static const struct knob belady_cost_knobs[] = {
	[KNOB_BASE]	= { "base", 1, 1, 1000, "what the page itself costs, in SPTEs" },
	{}
};

/* What is gained by the eviction of a page: time over cost. */
struct gain {
	u64 time;
	u64 cost;
};

static struct gain gain_of(const struct policy *policy, const struct page *page)
{
	const struct model *model = policy->model;
	struct gain gain = {
		.cost = policy_knob(policy, KNOB_BASE) + model->ops->nr_present(page),
	};

	if (page->next_use > model->now)
		gain.time = page->next_use - model->now;
	return gain;
}

static bool more(struct gain a, struct gain b)
{
	return (__u128)a.time * b.cost > (__u128)b.time * a.cost;
}

/* Of the oldest ones, if there is a choice. */
static struct page *belady_cost_pick(struct policy *policy)
{
	struct queue *queue = policy->data;
	struct page *page, *best = NULL;
	struct gain gain, best_gain = {};

	list_for_each_entry_reverse(page, &queue->pages, link) {
		policy->model->counters.scanned++;
		if (policy_pinned(policy, page))
			continue;
		gain = gain_of(policy, page);
		if (best && !more(gain, best_gain))
			continue;
		best = page;
		best_gain = gain;
	}
	return best;
}

static unsigned long belady_cost_evict(struct policy *policy, unsigned long target,
				       unsigned long need)
{
	return evict_picked(policy, target, belady_cost_pick);
}

const struct policy_ops belady_policy = {
	.name		= "belady",
	.source		= "Belady, A Study of Replacement Algorithms, IBM Sys. J. 1966 (MIN)",
	.clairvoyant	= true,
	.init		= belady_init,
	.exit		= belady_exit,
	.link		= belady_link,
	.unlink		= belady_unlink,
	.access		= belady_access,
	.evict		= belady_evict,
};

const struct policy_ops belady_cost_policy = {
	.name		= "belady-cost",
	.source		= "MIN, but for each SPTE that has to be set again",
	.knobs		= belady_cost_knobs,
	.clairvoyant	= true,
	.init		= queue_init,
	.link		= queue_link,
	.unlink		= queue_unlink,
	.evict		= belady_cost_evict,
};
