// SPDX-License-Identifier: GPL-2.0
/*
 * LIRS: Jiang, Zhang, "LIRS: An Efficient Low Inter-reference Recency Set Replacement
 * Policy to Improve Buffer Cache Performance", SIGMETRICS '02, section 3.3.
 *
 *	stack S, bottom:  LIR ... HIR ... (ghost) ... LIR ... HIR  :top
 *	queue Q, front:   HIR, HIR                                 :end
 *
 * Most of the cache belongs to LIR pages, which are never evicted.  HIR pages go
 * through a small queue.  One that is used while it is still in S, i.e. above a
 * LIR page, takes the place of the LIR page at the bottom.  S has ghosts of HIR
 * pages, too, as many as there are above the last LIR page.
 *
 * The queue has 1% of the cache and at least two pages, as in the authors' program.
 * Batches that are larger than that take LIR pages from the bottom.
 */
#include "directory.h"

enum { KNOB_HIR, KNOB_MIN_HIR };

static const struct knob lirs_knobs[] = {
	[KNOB_HIR]	= { "hir", 1, 0, 99, "percent of the pages for those used once" },
	[KNOB_MIN_HIR]	= { "min_hir", 2, 1, 1000, "... but at least so many" },
	{}
};

/* The queue, and entries that are in the stack only: LIR pages, ghosts. */
enum { QUEUE = LIST_NEW + 1, STACK };

struct lirs_entry {
	struct entry entry;
	/* Empty: not in S.  The head of the list is its top. */
	struct list_head stack;
	bool lir;
};

struct lirs {
	struct directory dir;
	struct list_head stack;
	unsigned long nr_lir, max_lir;
};

static void lirs_init(struct policy *policy)
{
	struct lirs *lirs = policy->data = xcalloc(1, sizeof(*lirs));
	unsigned long pages = policy_capacity(policy);
	u64 hir = pages * policy_knob(policy, KNOB_HIR) / 100;

	if (hir < policy_knob(policy, KNOB_MIN_HIR))
		hir = policy_knob(policy, KNOB_MIN_HIR);
	directory_init(&lirs->dir, sizeof(struct lirs_entry));
	INIT_LIST_HEAD(&lirs->stack);
	lirs->max_lir = pages > hir ? pages - hir : 1;
}

static void lirs_exit(struct policy *policy)
{
	struct lirs *lirs = policy->data;

	directory_exit(&lirs->dir);
}

static struct lirs_entry *to_lirs(struct entry *entry)
{
	return container_of(entry, struct lirs_entry, entry);
}

/* Stack pruning: the bottom of the stack is a LIR page. */
static void prune(struct lirs *lirs)
{
	struct lirs_entry *le;

	while (!list_empty(&lirs->stack)) {
		le = list_last_entry(&lirs->stack, struct lirs_entry, stack);
		if (le->lir)
			break;
		list_del_init(&le->stack);
		if (!le->entry.page)
			directory_forget(&lirs->dir, &le->entry);
	}
}

static void promote(struct lirs *lirs, struct lirs_entry *le)
{
	le->lir = true;
	lirs->nr_lir++;
	directory_move(&lirs->dir, &le->entry, STACK);
}

/* The LIR page at the bottom of the stack goes to the end of the queue. */
static void demote(struct lirs *lirs)
{
	struct lirs_entry *le = list_last_entry(&lirs->stack, struct lirs_entry, stack);

	le->lir = false;
	lirs->nr_lir--;
	list_del_init(&le->stack);
	directory_move(&lirs->dir, &le->entry, QUEUE);
}

/* A page is used that is there, perhaps since just now. */
static void use(struct lirs *lirs, struct lirs_entry *le)
{
	bool in_stack = !list_empty(&le->stack);

	list_move(&le->stack, &lirs->stack);
	if (!le->lir && in_stack)
		promote(lirs, le);
	else if (!le->lir)
		directory_move(&lirs->dir, &le->entry, QUEUE);
	if (lirs->nr_lir > lirs->max_lir)
		demote(lirs);
	prune(lirs);
}

static void lirs_link(struct policy *policy, struct page *page)
{
	struct lirs *lirs = policy->data;
	struct entry *entry = directory_link(&lirs->dir, page);
	struct lirs_entry *le = to_lirs(entry);

	if (entry->list == LIST_NEW) {
		INIT_LIST_HEAD(&le->stack);
		/* At first, all pages are LIR pages. */
		if (lirs->nr_lir < lirs->max_lir)
			promote(lirs, le);
	}
	use(lirs, le);
}

static void lirs_unlink(struct policy *policy, struct page *page)
{
	struct lirs *lirs = policy->data;
	struct entry *entry = directory_find(&lirs->dir, page->id);
	struct lirs_entry *le = to_lirs(entry);

	lirs->nr_lir -= le->lir;
	le->lir = false;
	entry->page = NULL;
	directory_move(&lirs->dir, entry, STACK);
	if (list_empty(&le->stack))
		directory_forget(&lirs->dir, entry);
	prune(lirs);
}

static void lirs_access(struct policy *policy, struct page *page)
{
	struct lirs *lirs = policy->data;

	use(lirs, to_lirs(directory_find(&lirs->dir, page->id)));
}

static struct page *lirs_pick(struct policy *policy)
{
	struct lirs *lirs = policy->data;
	struct page *page;

	for (;;) {
		page = directory_victim(policy, &lirs->dir, QUEUE);
		if (page || !lirs->nr_lir)
			return page;
		demote(lirs);
		prune(lirs);
	}
}

static unsigned long lirs_evict(struct policy *policy, unsigned long target,
				unsigned long need)
{
	return evict_picked(policy, target, lirs_pick);
}

const struct policy_ops lirs_policy = {
	.name	= "lirs",
	.source	= "Jiang, Zhang, LIRS, SIGMETRICS '02, section 3.3",
	.knobs	= lirs_knobs,
	.init	= lirs_init,
	.exit	= lirs_exit,
	.link	= lirs_link,
	.unlink	= lirs_unlink,
	.touch	= lirs_access,
	.access	= lirs_access,
	.evict	= lirs_evict,
};
