// SPDX-License-Identifier: GPL-2.0
/*
 * ARC: Megiddo, Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST
 * '03, figure 4.
 *
 * T1 has the pages that were used once recently, T2 those that were used again, and
 * B1 and B2 are the ghosts of both.  The share of T1 that is aimed at, p, grows
 * when a page comes back that is in B1, and shrinks when one does that is in B2.
 *
 * CAR: Bansal, Modha, "CAR: Clock with Adaptive Replacement", FAST '04, figure 2.
 *
 * The same with clocks for T1 and T2, i.e. with Accessed bits in place of uses.  A
 * used page at the hand of T1 goes to T2.  A page that is pinned is one in use.
 *
 * ARC's figure trims the ghosts first and then replaces a page.  It is the other
 * way round here, as the eviction comes before ->link(); the outcome is the same.
 * The figures compare with c; it is "c or more" here, as batches go past it.
 */
#include "directory.h"

enum { T1 = LIST_NEW + 1, B1, T2, B2 };

/* p is a fixed-point number, since it moves by fractions. */
#define ONE	(1ull << 16)

struct arc {
	struct directory dir;
	/* Of CAR. */
	struct refs refs;
	/* Pages in the cache, and how many of them T1 should have, in ONEs. */
	unsigned long c;
	u64 p;
	/* ARC: the list that the missing page is on. */
	u8 missing;
};

static void arc_init(struct policy *policy)
{
	struct arc *arc = policy->data = xcalloc(1, sizeof(*arc));

	directory_init(&arc->dir, sizeof(struct entry));
	refs_init(&arc->refs);
	arc->c = policy_capacity(policy);
}

static void arc_exit(struct policy *policy)
{
	struct arc *arc = policy->data;

	directory_exit(&arc->dir);
}

/* By how much p moves: the smaller the list of the hit, the more that says. */
static u64 step(unsigned long hit, unsigned long other)
{
	return hit >= other ? ONE : ONE * other / hit;
}

static void adapt(struct arc *arc, u8 list)
{
	unsigned long b1 = arc->dir.nr[B1], b2 = arc->dir.nr[B2];
	u64 limit = arc->c * ONE;

	if (list == B1)
		arc->p = min(arc->p + step(b1, b2), limit);
	else if (list == B2)
		arc->p -= min(arc->p, step(b2, b1));
}

/* Make room in the directory for a page that isn't in it. */
static void trim(struct arc *arc)
{
	unsigned long *nr = arc->dir.nr;
	unsigned long rest = nr[T1] + nr[T2] + nr[B1];

	if (nr[T1] + nr[B1] >= arc->c)
		directory_trim(&arc->dir, B1, arc->c > nr[T1] ? arc->c - nr[T1] - 1 : 0);
	else if (rest + nr[B2] >= 2 * arc->c)
		directory_trim(&arc->dir, B2, 2 * arc->c > rest ? 2 * arc->c - rest - 1 : 0);
}

static void arc_miss(struct policy *policy, u32 id)
{
	struct arc *arc = policy->data;
	struct entry *entry = directory_find(&arc->dir, id);

	arc->missing = entry ? entry->list : LIST_NEW;
	adapt(arc, arc->missing);
}

static void arc_link(struct policy *policy, struct page *page)
{
	struct arc *arc = policy->data;

	if (arc->missing == LIST_NEW)
		trim(arc);
	directory_move(&arc->dir, directory_link(&arc->dir, page),
		       arc->missing == LIST_NEW ? T1 : T2);
	arc->missing = LIST_NEW;
}

static void arc_unlink(struct policy *policy, struct page *page)
{
	struct arc *arc = policy->data;
	struct entry *entry = directory_find(&arc->dir, page->id);

	entry->page = NULL;
	directory_move(&arc->dir, entry, entry->list == T1 ? B1 : B2);
}

static void arc_access(struct policy *policy, struct page *page)
{
	struct arc *arc = policy->data;

	directory_move(&arc->dir, directory_find(&arc->dir, page->id), T2);
}

/* REPLACE */
static struct page *arc_pick(struct policy *policy)
{
	struct arc *arc = policy->data;
	u64 t1 = arc->dir.nr[T1] * ONE;
	bool first = t1 && (t1 > arc->p || (arc->missing == B2 && t1 == arc->p));

	return directory_victim(policy, &arc->dir, first ? T1 : T2) ?:
	       directory_any(policy, &arc->dir);
}

static unsigned long arc_evict(struct policy *policy, unsigned long target,
			       unsigned long need)
{
	return evict_picked(policy, target, arc_pick);
}

static void car_link(struct policy *policy, struct page *page)
{
	struct arc *arc = policy->data;
	struct entry *entry = directory_find(&arc->dir, page->id);

	if (entry)
		adapt(arc, entry->list);
	else
		trim(arc);
	directory_move(&arc->dir, directory_link(&arc->dir, page), entry ? T2 : T1);
	refs_link(policy, &arc->refs, page);
}

static void car_unlink(struct policy *policy, struct page *page)
{
	refs_unlink(page);
	arc_unlink(policy, page);
}

/* replace() */
static struct page *car_pick(struct policy *policy)
{
	struct arc *arc = policy->data;
	/* Through T1 once, and through T2 until nothing is marked anymore. */
	unsigned long left = 3 * policy->model->used;
	unsigned long *nr = arc->dir.nr;
	struct entry *entry;
	bool first;

	for (; left; left--) {
		first = nr[T1] && nr[T1] * ONE >= arc->p;
		entry = directory_last(&arc->dir, first || !nr[T2] ? T1 : T2);
		policy->model->counters.scanned++;
		if (!refs_test_clear(policy, entry->page) &&
		    !policy_pinned(policy, entry->page))
			return entry->page;
		policy->model->counters.spared++;
		directory_move(&arc->dir, entry, T2);
	}
	return directory_any(policy, &arc->dir);
}

static unsigned long car_evict(struct policy *policy, unsigned long target,
			       unsigned long need)
{
	struct arc *arc = policy->data;

	refs_settle(policy, &arc->refs);
	return evict_picked(policy, target, car_pick);
}

const struct policy_ops arc_policy = {
	.name	= "arc",
	.source	= "Megiddo, Modha, ARC, FAST '03, figure 4",
	.init	= arc_init,
	.exit	= arc_exit,
	.miss	= arc_miss,
	.link	= arc_link,
	.unlink	= arc_unlink,
	.touch	= arc_access,
	.access	= arc_access,
	.evict	= arc_evict,
};

const struct policy_ops car_policy = {
	.name	= "car",
	.source	= "Bansal, Modha, CAR, FAST '04, figure 2",
	.init	= arc_init,
	.exit	= arc_exit,
	.link	= car_link,
	.unlink	= car_unlink,
	.touch	= refs_touch,
	.evict	= car_evict,
};
