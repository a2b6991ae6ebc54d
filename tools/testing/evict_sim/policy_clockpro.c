// SPDX-License-Identifier: GPL-2.0
/*
 * CLOCK-Pro: Jiang, Chen, Zhang, "CLOCK-Pro: An Effective Improvement of the CLOCK
 * Replacement", USENIX ATC '05, sections 3.2 to 3.4.
 *
 * LIRS with Accessed bits.  Hot pages, cold ones and ghosts share one clock with
 * three hands.  It is a list here, cut open at HAND_hot: the oldest page, at the
 * tail, is what HAND_hot points to, and what it passes moves to the head.
 *
 *  - HAND_cold points to the next resident cold page.  It evicts what wasn't used,
 *    makes hot what was used in its test period, and spares what was used after it.
 *  - HAND_hot makes cold the oldest hot page that wasn't used, whenever there are too
 *    many hot ones, and ends the test periods of cold pages on its way.
 *  - HAND_test points to the next page in its test period, and ends that of the
 *    oldest ones, whenever there are more ghosts than pages.
 *
 * The share of the cold pages, m_c, grows with each one that is used in its test
 * period, and shrinks with each one whose period ends before that.
 *
 * The paper says that a cold page that is used after its test period keeps its
 * status.  A new period begins here, as in LIRS; retest=0 takes it literally.
 */
#include "directory.h"

enum { KNOB_COLD, KNOB_RETEST };

static const struct knob clockpro_knobs[] = {
	[KNOB_COLD]	= { "cold", 1, 0, 100, "percent of the pages that are cold at first" },
	[KNOB_RETEST]	= { "retest", 1, 0, 1, "a use after the test period starts another one" },
	{}
};

enum { CLOCK = LIST_NEW + 1 };

enum status { HOT, COLD, GHOST, NR_STATUS };

struct clockpro_entry {
	struct entry entry;
	enum status status;
	/* In its test period; always true for a ghost. */
	bool test;
};

struct clockpro {
	struct directory dir;
	struct refs refs;
	struct list_head *clock;
	/* NULL: there is no such page. */
	struct clockpro_entry *hand_cold, *hand_test;
	unsigned long nr[NR_STATUS];
	/* Pages in the cache, and how many of them should be cold. */
	unsigned long m, m_c;
};

static void clockpro_init(struct policy *policy)
{
	struct clockpro *cp = policy->data = xcalloc(1, sizeof(*cp));

	directory_init(&cp->dir, sizeof(struct clockpro_entry));
	refs_init(&cp->refs);
	cp->clock = &cp->dir.list[CLOCK];
	cp->m = policy_capacity(policy);
	cp->m_c = percent_of(cp->m, policy_knob(policy, KNOB_COLD));
}

static void clockpro_exit(struct policy *policy)
{
	struct clockpro *cp = policy->data;

	directory_exit(&cp->dir);
}

static struct clockpro_entry *to_clockpro(struct entry *entry)
{
	return container_of(entry, struct clockpro_entry, entry);
}

static bool is_cold(const struct clockpro_entry *ce)
{
	return ce->status == COLD;
}

static bool is_test(const struct clockpro_entry *ce)
{
	return ce->test;
}

/* Where a hand goes from an entry, or NULL if that is the only one of its kind. */
static struct clockpro_entry *next(struct clockpro *cp, struct clockpro_entry *from,
				   bool (*fits)(const struct clockpro_entry *ce))
{
	struct list_head *link = &from->entry.link;
	struct clockpro_entry *ce;

	for (;;) {
		link = link->prev == cp->clock ? cp->clock->prev : link->prev;
		ce = to_clockpro(list_entry(link, struct entry, link));
		if (ce == from)
			return NULL;
		if (fits(ce))
			return ce;
	}
}

static void end_test(struct clockpro *cp, struct clockpro_entry *ce)
{
	if (cp->hand_test == ce)
		cp->hand_test = next(cp, ce, is_test);
	ce->test = false;
}

/* Take an entry out of the clock, for now or for good. */
static void take(struct clockpro *cp, struct clockpro_entry *ce)
{
	if (cp->hand_cold == ce)
		cp->hand_cold = next(cp, ce, is_cold);
	end_test(cp, ce);
	cp->nr[ce->status]--;
}

static void set_status(struct clockpro *cp, struct clockpro_entry *ce, enum status status,
		       bool test)
{
	ce->status = status;
	ce->test = test;
	cp->nr[status]++;
	if (!cp->hand_cold && is_cold(ce))
		cp->hand_cold = ce;
	if (!cp->hand_test && test)
		cp->hand_test = ce;
}

/* Put an entry into the clock, at the head. */
static void put(struct clockpro *cp, struct clockpro_entry *ce, enum status status, bool test)
{
	directory_move(&cp->dir, &ce->entry, CLOCK);
	set_status(cp, ce, status, test);
}

static void pass_test(struct clockpro *cp, struct clockpro_entry *ce)
{
	if (cp->m_c < cp->m)
		cp->m_c++;
}

/* Its test period ends, and it wasn't used. */
static void fail_test(struct clockpro *cp, struct clockpro_entry *ce)
{
	if (cp->m_c > 1)
		cp->m_c--;
	if (ce->status == GHOST) {
		take(cp, ce);
		directory_forget(&cp->dir, &ce->entry);
	} else {
		end_test(cp, ce);
	}
}

static void run_hand_test(struct clockpro *cp)
{
	while (cp->nr[GHOST] > cp->m)
		fail_test(cp, cp->hand_test);
}

/* Let HAND_hot pass whatever isn't hot. */
static struct clockpro_entry *find_hot(struct clockpro *cp)
{
	struct clockpro_entry *ce;
	bool ghost;

	for (;;) {
		ce = to_clockpro(directory_last(&cp->dir, CLOCK));
		if (ce->status == HOT)
			return ce;
		ghost = ce->status == GHOST;
		if (ce->test)
			fail_test(cp, ce);
		if (!ghost)
			list_move(&ce->entry.link, cp->clock);
	}
}

/* There is a hot page. */
static void run_hand_hot(struct policy *policy, struct clockpro *cp)
{
	struct clockpro_entry *ce;

	/* Ends in the second revolution, as it clears the Accessed bits. */
	while (ce = find_hot(cp), refs_test_clear(policy, ce->entry.page))
		list_move(&ce->entry.link, cp->clock);

	cp->nr[HOT]--;
	set_status(cp, ce, COLD, false);
	list_move(&ce->entry.link, cp->clock);
	if (cp->nr[HOT])
		find_hot(cp);
}

static void make_hot(struct policy *policy, struct clockpro *cp, struct clockpro_entry *ce)
{
	pass_test(cp, ce);
	take(cp, ce);
	put(cp, ce, HOT, false);
	while (cp->nr[HOT] > cp->m - cp->m_c)
		run_hand_hot(policy, cp);
}

static void clockpro_link(struct policy *policy, struct page *page)
{
	struct clockpro *cp = policy->data;
	struct entry *entry = directory_link(&cp->dir, page);
	struct clockpro_entry *ce = to_clockpro(entry);

	refs_link(policy, &cp->refs, page);
	if (entry->list == LIST_NEW)
		put(cp, ce, COLD, true);
	else
		make_hot(policy, cp, ce);
	run_hand_test(cp);
}

static void clockpro_unlink(struct policy *policy, struct page *page)
{
	struct clockpro *cp = policy->data;
	struct clockpro_entry *ce = to_clockpro(directory_find(&cp->dir, page->id));

	refs_unlink(page);
	ce->entry.page = NULL;
	if (ce->status == COLD && ce->test) {
		if (cp->hand_cold == ce)
			cp->hand_cold = next(cp, ce, is_cold);
		cp->nr[COLD]--;
		set_status(cp, ce, GHOST, true);
	} else {
		take(cp, ce);
		directory_forget(&cp->dir, &ce->entry);
	}
}

/* HAND_cold examines one page. */
static struct page *run_hand_cold(struct policy *policy, struct clockpro *cp)
{
	struct clockpro_entry *ce = cp->hand_cold;

	policy->model->counters.scanned++;
	if (policy_pinned(policy, ce->entry.page)) {
		cp->hand_cold = next(cp, ce, is_cold) ?: ce;
		return NULL;
	}
	if (!refs_test_clear(policy, ce->entry.page))
		return ce->entry.page;

	policy->model->counters.spared++;
	if (ce->test) {
		make_hot(policy, cp, ce);
	} else {
		take(cp, ce);
		put(cp, ce, COLD, policy_knob(policy, KNOB_RETEST));
	}
	return NULL;
}

static struct page *clockpro_pick(struct policy *policy)
{
	/* Each page may get hot, turn cold, and be found idle after that. */
	unsigned long left = 4 * policy->model->used;
	struct clockpro *cp = policy->data;
	struct page *page;

	for (; left; left--) {
		if (!cp->hand_cold)
			run_hand_hot(policy, cp);
		page = run_hand_cold(policy, cp);
		if (page)
			return page;
	}
	return directory_any(policy, &cp->dir);
}

static unsigned long clockpro_evict(struct policy *policy, unsigned long target,
				    unsigned long need)
{
	struct clockpro *cp = policy->data;

	refs_settle(policy, &cp->refs);
	return evict_picked(policy, target, clockpro_pick);
}

const struct policy_ops clockpro_policy = {
	.name	= "clockpro",
	.source	= "Jiang, Chen, Zhang, CLOCK-Pro, USENIX ATC '05, sections 3.2 to 3.4",
	.knobs	= clockpro_knobs,
	.init	= clockpro_init,
	.exit	= clockpro_exit,
	.link	= clockpro_link,
	.unlink	= clockpro_unlink,
	.touch	= refs_touch,
	.evict	= clockpro_evict,
};
