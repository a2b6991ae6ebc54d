// SPDX-License-Identifier: GPL-2.0
/*
 * Clocks in a ring: a new page takes the place of the one that was evicted, right
 * behind the hand.  The ring is a list here, cut open at the hand: what the hand
 * passes moves from the tail to the head.
 *
 * second-chance: one bit.  Corbato, "A Paging Experiment with the Multics System",
 * MIT Project MAC, 1968.  Whether loading a page sets its bit is open; here it
 * doesn't by default, as in later papers about caches.
 *
 * gclock: a counter in place of the bit.  Smith, "Sequentiality and Prefetching in
 * Database Systems", ACM TODS 3(3), 1978; Nicola, Dan, Dias, "Analysis of the
 * Generalized Clock Buffer Replacement Scheme for Database Transaction Processing",
 * SIGMETRICS '92.  Both leave the constants open; the defaults are PostgreSQL's
 * (BM_MAX_USAGE_COUNT, and BufferAlloc(), which starts with one).
 */
#include "policy_common.h"

enum { KNOB_INIT, KNOB_MAX, KNOB_EXACT };

static const struct knob second_chance_knobs[] = {
	[KNOB_INIT]	= { "init", 0, 0, 1, "creation is a use" },
	[KNOB_MAX]	= { "max", 1, 1, 1, "one bit" },
	[KNOB_EXACT]	= { "exact", 0, 0, 1, "see every use, not just Accessed bits" },
	{}
};

static const struct knob gclock_knobs[] = {
	[KNOB_INIT]	= { "init", 1, 0, 255, "the counter of a new page" },
	[KNOB_MAX]	= { "max", 5, 1, 255, "the limit of the counter" },
	[KNOB_EXACT]	= { "exact", 0, 0, 1, "count every use, not just Accessed bits" },
	{}
};

struct gclock_page {
	u64 count;
};

static struct gclock_page *to_gclock(struct page *page)
{
	static_assert(sizeof(struct gclock_page) <= POLICY_BYTES);
	return (struct gclock_page *)page->private;
}

static void count_use(struct policy *policy, struct page *page)
{
	struct gclock_page *gp = to_gclock(page);

	if (gp->count < policy_knob(policy, KNOB_MAX))
		gp->count++;
}

static void gclock_link(struct policy *policy, struct page *page)
{
	u64 init = policy_knob(policy, KNOB_INIT);

	queue_link(policy, page);
	to_gclock(page)->count = min(init, policy_knob(policy, KNOB_MAX));
}

static void gclock_access(struct policy *policy, struct page *page)
{
	if (policy_knob(policy, KNOB_EXACT))
		count_use(policy, page);
}

static struct page *gclock_pick(struct policy *policy)
{
	/* Counters are zero after so many revolutions. */
	u64 revolutions = policy_knob(policy, KNOB_MAX) + 2;
	u64 left = policy->model->used * revolutions;
	struct queue *queue = policy->data;
	struct page *page;

	for (; left; left--) {
		page = list_last_entry(&queue->pages, struct page, link);
		policy->model->counters.scanned++;
		if (!policy_knob(policy, KNOB_EXACT) && refs_test_clear(policy, page))
			count_use(policy, page);
		if (!policy_pinned(policy, page)) {
			if (!to_gclock(page)->count)
				return page;
			to_gclock(page)->count--;
			policy->model->counters.spared++;
		}
		list_move(&page->link, &queue->pages);
	}
	return NULL;
}

static unsigned long gclock_evict(struct policy *policy, unsigned long target,
				  unsigned long need)
{
	struct queue *queue = policy->data;

	refs_settle(policy, &queue->refs);
	return evict_picked(policy, target, gclock_pick);
}

const struct policy_ops second_chance_policy = {
	.name	= "second-chance",
	.source	= "Corbato, A Paging Experiment with the Multics System, 1968",
	.knobs	= second_chance_knobs,
	.init	= queue_init,
	.link	= gclock_link,
	.unlink	= queue_unlink,
	.touch	= refs_touch,
	.access	= gclock_access,
	.evict	= gclock_evict,
};

const struct policy_ops gclock_policy = {
	.name	= "gclock",
	.source	= "Smith, Sequentiality and Prefetching in Database Systems, TODS 1978; PostgreSQL's constants",
	.knobs	= gclock_knobs,
	.init	= queue_init,
	.link	= gclock_link,
	.unlink	= queue_unlink,
	.touch	= refs_touch,
	.access	= gclock_access,
	.evict	= gclock_evict,
};
