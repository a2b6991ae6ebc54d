// SPDX-License-Identifier: GPL-2.0
/*
 * S3-FIFO: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO Queues are All You Need for Cache
 * Eviction", SOSP '23, algorithm 1.
 *
 * A new page goes into a small FIFO.  At its end, one that was used is moved to the
 * main FIFO, another one is evicted, and its id remembered: if it comes back, it
 * goes into the main FIFO at once.  That one spares what was used since, at most
 * three times.
 *
 * The algorithm moves pages of the small FIFO until it evicts one of them, even if
 * it has evicted another one from the main FIFO on the way, when that was full.
 * Here, this other one is enough.
 *
 * "More than once" is what it takes to be moved.  As long as there are just
 * Accessed bits, once must do.
 */
#include "directory.h"

enum { KNOB_SMALL, KNOB_GHOSTS, KNOB_MAX, KNOB_MOVE, KNOB_EXACT };

static const struct knob s3fifo_knobs[] = {
	[KNOB_SMALL]	= { "small", 10, 1, 99, "percent of the pages in the small FIFO" },
	[KNOB_GHOSTS]	= { "ghosts", 90, 0, 10000, "percent of the pages that are remembered" },
	[KNOB_MAX]	= { "max", 3, 1, 255, "the limit of the counter" },
	[KNOB_MOVE]	= { "move", 2, 1, 255, "uses that get a page into the main FIFO; 1 without exact" },
	[KNOB_EXACT]	= { "exact", 0, 0, 1, "count every use, not just Accessed bits" },
	{}
};

enum { SMALL = LIST_NEW + 1, MAIN, GHOSTS };

struct s3fifo_entry {
	struct entry entry;
	u64 uses;
};

struct s3fifo {
	struct directory dir;
	struct refs refs;
	/* Pages in the cache, and ids. */
	unsigned long size;
	unsigned long max_ghosts;
};

static void s3fifo_init(struct policy *policy)
{
	struct s3fifo *s3 = policy->data = xcalloc(1, sizeof(*s3));

	directory_init(&s3->dir, sizeof(struct s3fifo_entry));
	refs_init(&s3->refs);
	s3->size = policy_capacity(policy);
	s3->max_ghosts = s3->size * policy_knob(policy, KNOB_GHOSTS) / 100;
}

static void s3fifo_exit(struct policy *policy)
{
	struct s3fifo *s3 = policy->data;

	directory_exit(&s3->dir);
}

static struct s3fifo_entry *to_s3fifo(struct entry *entry)
{
	return container_of(entry, struct s3fifo_entry, entry);
}

static void s3fifo_link(struct policy *policy, struct page *page)
{
	struct s3fifo *s3 = policy->data;
	struct entry *entry = directory_link(&s3->dir, page);

	to_s3fifo(entry)->uses = 0;
	directory_move(&s3->dir, entry, entry->list == GHOSTS ? MAIN : SMALL);
	refs_link(policy, &s3->refs, page);
}

static void s3fifo_unlink(struct policy *policy, struct page *page)
{
	struct s3fifo *s3 = policy->data;
	struct entry *entry = directory_find(&s3->dir, page->id);

	refs_unlink(page);
	if (entry->list == MAIN) {
		directory_forget(&s3->dir, entry);
		return;
	}
	entry->page = NULL;
	directory_move(&s3->dir, entry, GHOSTS);
	directory_trim(&s3->dir, GHOSTS, s3->max_ghosts);
}

static void count_use(struct policy *policy, struct entry *entry)
{
	if (to_s3fifo(entry)->uses < policy_knob(policy, KNOB_MAX))
		to_s3fifo(entry)->uses++;
}

static void s3fifo_access(struct policy *policy, struct page *page)
{
	struct s3fifo *s3 = policy->data;

	if (policy_knob(policy, KNOB_EXACT))
		count_use(policy, directory_find(&s3->dir, page->id));
}

/* How often the page at the tail of a list was used. */
static u64 uses(struct policy *policy, struct entry *entry)
{
	policy->model->counters.scanned++;
	if (!policy_knob(policy, KNOB_EXACT) && refs_test_clear(policy, entry->page))
		count_use(policy, entry);
	return to_s3fifo(entry)->uses;
}

/* EVICTS: one step, returns the victim if there is one. */
static struct page *step_small(struct policy *policy, struct s3fifo *s3)
{
	u64 move = policy_knob(policy, KNOB_EXACT) ? policy_knob(policy, KNOB_MOVE) : 1;
	struct entry *entry = directory_last(&s3->dir, SMALL);

	if (uses(policy, entry) < move && !policy_pinned(policy, entry->page))
		return entry->page;
	policy->model->counters.spared++;
	to_s3fifo(entry)->uses = 0;
	directory_move(&s3->dir, entry, MAIN);
	return NULL;
}

/* EVICTM */
static struct page *step_main(struct policy *policy, struct s3fifo *s3)
{
	struct entry *entry = directory_last(&s3->dir, MAIN);

	if (!uses(policy, entry) && !policy_pinned(policy, entry->page))
		return entry->page;
	policy->model->counters.spared++;
	if (to_s3fifo(entry)->uses)
		to_s3fifo(entry)->uses--;
	directory_move(&s3->dir, entry, MAIN);
	return NULL;
}

/* Is a part of the cache larger than its share? */
static bool main_is_full(const struct policy *policy, const struct s3fifo *s3)
{
	return s3->dir.nr[MAIN] * 100 > s3->size * (100 - policy_knob(policy, KNOB_SMALL));
}

static bool small_is_full(const struct policy *policy, const struct s3fifo *s3)
{
	return s3->dir.nr[SMALL] * 100 >= s3->size * policy_knob(policy, KNOB_SMALL);
}

static struct page *s3fifo_pick(struct policy *policy)
{
	/* Through the small FIFO once, then until all counters are zero. */
	u64 left = policy->model->used * (policy_knob(policy, KNOB_MAX) + 3);
	struct s3fifo *s3 = policy->data;
	bool from_main = !small_is_full(policy, s3);
	struct page *page;

	for (; left; left--) {
		if (!s3->dir.nr[SMALL] || (from_main && s3->dir.nr[MAIN]))
			page = step_main(policy, s3);
		else
			page = step_small(policy, s3);
		if (page)
			return page;
		/* Having moved a page there, or to go on there. */
		from_main = from_main || main_is_full(policy, s3);
	}
	return directory_any(policy, &s3->dir);
}

static unsigned long s3fifo_evict(struct policy *policy, unsigned long target,
				  unsigned long need)
{
	struct s3fifo *s3 = policy->data;

	refs_settle(policy, &s3->refs);
	return evict_picked(policy, target, s3fifo_pick);
}

const struct policy_ops s3fifo_policy = {
	.name	= "s3fifo",
	.source	= "Yang et al., FIFO Queues are All You Need for Cache Eviction, SOSP '23, algorithm 1",
	.knobs	= s3fifo_knobs,
	.init	= s3fifo_init,
	.exit	= s3fifo_exit,
	.link	= s3fifo_link,
	.unlink	= s3fifo_unlink,
	.touch	= refs_touch,
	.access	= s3fifo_access,
	.evict	= s3fifo_evict,
};
