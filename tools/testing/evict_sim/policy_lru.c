// SPDX-License-Identifier: GPL-2.0
/*
 * LRU: the page whose last use is longest ago goes.
 *
 * Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies",
 * IBM Systems Journal 9(2), 1970, section "LRU".  An oracle, as no kernel sees
 * every access.
 */
#include "policy_common.h"

static void lru_access(struct policy *policy, struct page *page)
{
	struct queue *queue = policy->data;

	list_move(&page->link, &queue->pages);
}

static struct page *lru_pick(struct policy *policy)
{
	struct queue *queue = policy->data;

	return last_unpinned(policy, &queue->pages);
}

static unsigned long lru_evict(struct policy *policy, unsigned long target,
			       unsigned long need)
{
	return evict_picked(policy, target, lru_pick);
}

const struct policy_ops lru_policy = {
	.name	= "lru",
	.source	= "Mattson et al., Evaluation techniques for storage hierarchies, IBM Sys. J. 1970",
	.init	= queue_init,
	.link	= queue_link,
	.unlink	= queue_unlink,
	.touch	= lru_access,
	.access	= lru_access,
	.evict	= lru_evict,
};
