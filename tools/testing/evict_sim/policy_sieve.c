// SPDX-License-Identifier: GPL-2.0
/*
 * Clocks over a list in the order of creation: pages stay where they are, new ones
 * enter at the head, and a hand goes from the tail to the head and around.
 *
 * sieve: Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI '24,
 * algorithm 1.
 *
 * The others are what prototypes of a clock for shadow pages did, and differ in what
 * marks a page:
 *
 *  - clock-creation: creation, and the Accessed bits in its parents.  Creation
 *    counts a second time with those, as KVM links a page with the bit set.
 *  - clock-fill: an SPTE that is set in the page, or a fault on the way through it.
 *  - clock-leaf: the Accessed bits in its own SPTEs, all 512 of them, which host
 *    reclaim wants, too.  Those of pages above are in their parents.
 */
#include "policy_common.h"

struct sieve {
	struct queue queue;
	/* The next page to look at; NULL or the head of the list: the oldest. */
	struct list_head *hand;
};

static_assert(offsetof(struct sieve, queue) == 0);

static void sieve_init(struct policy *policy)
{
	struct sieve *sieve = policy->data = xcalloc(1, sizeof(*sieve));

	INIT_LIST_HEAD(&sieve->queue.pages);
	refs_init(&sieve->queue.refs);
}

/* All Accessed bits count, the first one, too. */
static void clock_link(struct policy *policy, struct page *page)
{
	struct sieve *sieve = policy->data;

	INIT_LIST_HEAD(fresh_link(page));
	list_add(&page->link, &sieve->queue.pages);
}

static void clock_creation_link(struct policy *policy, struct page *page)
{
	clock_link(policy, page);
	refs_touch(policy, page);
}

static void sieve_unlink(struct policy *policy, struct page *page)
{
	struct sieve *sieve = policy->data;

	if (sieve->hand == &page->link)
		sieve->hand = page->link.prev;
	queue_unlink(policy, page);
}

static bool touched(struct policy *policy, struct page *page)
{
	return kvm_mmu_evict_test_clear_ref(&page->state, false);
}

static bool touched_or_leaf(struct policy *policy, struct page *page)
{
	bool accessed = page->level > 1 ? policy_test_clear_parents(policy, page) :
					  policy_test_clear_leaves(policy, page);

	return kvm_mmu_evict_test_clear_ref(&page->state, accessed);
}

static struct page *sieve_pick(struct policy *policy,
			       bool (*used)(struct policy *policy, struct page *page))
{
	struct sieve *sieve = policy->data;
	/* Nothing is marked anymore in the second revolution. */
	unsigned long left = 2 * policy->model->used;
	struct page *page;

	for (; left; left--) {
		if (!sieve->hand || sieve->hand == &sieve->queue.pages)
			sieve->hand = sieve->queue.pages.prev;
		page = to_page(sieve->hand);
		sieve->hand = page->link.prev;

		policy->model->counters.scanned++;
		if (policy_pinned(policy, page))
			continue;
		if (!used(policy, page))
			return page;
		policy->model->counters.spared++;
	}
	return NULL;
}

static struct page *pick_by_refs(struct policy *policy)
{
	return sieve_pick(policy, refs_test_clear);
}

static struct page *pick_by_touch(struct policy *policy)
{
	return sieve_pick(policy, touched);
}

static struct page *pick_by_leaf(struct policy *policy)
{
	return sieve_pick(policy, touched_or_leaf);
}

static unsigned long sieve_evict(struct policy *policy, unsigned long target,
				 unsigned long need)
{
	struct sieve *sieve = policy->data;

	refs_settle(policy, &sieve->queue.refs);
	return evict_picked(policy, target, pick_by_refs);
}

static unsigned long clock_fill_evict(struct policy *policy, unsigned long target,
				      unsigned long need)
{
	return evict_picked(policy, target, pick_by_touch);
}

static unsigned long clock_leaf_evict(struct policy *policy, unsigned long target,
				      unsigned long need)
{
	return evict_picked(policy, target, pick_by_leaf);
}

const struct policy_ops sieve_policy = {
	.name	= "sieve",
	.source	= "Zhang et al., SIEVE is Simpler than LRU, NSDI '24, algorithm 1",
	.init	= sieve_init,
	.link	= queue_link,
	.unlink	= sieve_unlink,
	.touch	= refs_touch,
	.evict	= sieve_evict,
};

const struct policy_ops clock_creation_policy = {
	.name	= "clock-creation",
	.source	= "prototypes of a clock for KVM: creation marks a page, and so do its parents' Accessed bits",
	.init	= sieve_init,
	.link	= clock_creation_link,
	.unlink	= sieve_unlink,
	.touch	= refs_touch,
	.evict	= sieve_evict,
};

const struct policy_ops clock_fill_policy = {
	.name	= "clock-fill",
	.source	= "prototypes of a clock for KVM: an SPTE that is set marks its page",
	.init	= sieve_init,
	.link	= clock_link,
	.unlink	= sieve_unlink,
	.touch	= refs_touch,
	.fill	= refs_touch,
	.evict	= clock_fill_evict,
};

const struct policy_ops clock_leaf_policy = {
	.name	= "clock-leaf",
	.source	= "prototypes of a clock for KVM: the Accessed bits in a page's own SPTEs mark it",
	.init	= sieve_init,
	.link	= clock_link,
	.unlink	= sieve_unlink,
	.touch	= refs_touch,
	.evict	= clock_leaf_evict,
};
