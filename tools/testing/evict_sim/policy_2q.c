// SPDX-License-Identifier: GPL-2.0
/*
 * 2Q, full version: Johnson, Shasha, "2Q: A Low Overhead High Performance Buffer
 * Management Replacement Algorithm", VLDB '94, section "The Full Version".
 *
 * A new page goes through a FIFO (A1in), where uses don't count.  Once it is
 * evicted, its id goes through another one (A1out), and only a page that comes back
 * while it is in there gets into the LRU list (Am), whose victims are forgotten.
 */
#include "directory.h"

enum { KNOB_KIN, KNOB_KOUT };

static const struct knob twoq_knobs[] = {
	[KNOB_KIN]	= { "kin", 25, 1, 100, "percent of the pages in the FIFO of new ones" },
	[KNOB_KOUT]	= { "kout", 50, 1, 10000, "percent of the pages that are remembered" },
	{}
};

enum { A1IN = LIST_NEW + 1, A1OUT, AM };

struct twoq {
	struct directory dir;
	unsigned long kin, kout;
	/* Was the page that is missing now remembered? */
	bool came_back;
};

static void twoq_init(struct policy *policy)
{
	struct twoq *twoq = policy->data = xcalloc(1, sizeof(*twoq));
	unsigned long pages = policy_capacity(policy);

	directory_init(&twoq->dir, sizeof(struct entry));
	twoq->kin = percent_of(pages, policy_knob(policy, KNOB_KIN));
	twoq->kout = percent_of(pages, policy_knob(policy, KNOB_KOUT));
}

static void twoq_exit(struct policy *policy)
{
	struct twoq *twoq = policy->data;

	directory_exit(&twoq->dir);
}

/* Ask at once: the victim may push the id of this page out. */
static void twoq_miss(struct policy *policy, u32 id)
{
	struct twoq *twoq = policy->data;

	twoq->came_back = directory_find(&twoq->dir, id);
}

static void twoq_link(struct policy *policy, struct page *page)
{
	struct twoq *twoq = policy->data;
	struct entry *entry = directory_link(&twoq->dir, page);

	directory_move(&twoq->dir, entry, twoq->came_back ? AM : A1IN);
}

static void twoq_unlink(struct policy *policy, struct page *page)
{
	struct twoq *twoq = policy->data;
	struct entry *entry = directory_find(&twoq->dir, page->id);

	if (entry->list == AM) {
		directory_forget(&twoq->dir, entry);
		return;
	}
	entry->page = NULL;
	directory_move(&twoq->dir, entry, A1OUT);
	directory_trim(&twoq->dir, A1OUT, twoq->kout);
}

static void twoq_access(struct policy *policy, struct page *page)
{
	struct twoq *twoq = policy->data;
	struct entry *entry = directory_find(&twoq->dir, page->id);

	if (entry->list == AM)
		directory_move(&twoq->dir, entry, AM);
}

static struct page *twoq_pick(struct policy *policy)
{
	struct twoq *twoq = policy->data;
	u8 list = twoq->dir.nr[A1IN] > twoq->kin ? A1IN : AM;

	return directory_victim(policy, &twoq->dir, list) ?:
	       directory_any(policy, &twoq->dir);
}

static unsigned long twoq_evict(struct policy *policy, unsigned long target,
				unsigned long need)
{
	return evict_picked(policy, target, twoq_pick);
}

const struct policy_ops twoq_policy = {
	.name	= "2q",
	.source	= "Johnson, Shasha, 2Q, VLDB '94, full version",
	.knobs	= twoq_knobs,
	.init	= twoq_init,
	.exit	= twoq_exit,
	.miss	= twoq_miss,
	.link	= twoq_link,
	.unlink	= twoq_unlink,
	.touch	= twoq_access,
	.access	= twoq_access,
	.evict	= twoq_evict,
};
