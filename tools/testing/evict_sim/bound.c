// SPDX-License-Identifier: GPL-2.0
/*
 * A lower bound of the faults of any policy, clairvoyant ones included.
 *
 * The problem is made easier, which can only reduce the number of faults, until
 * it can be solved:
 *
 *  1. Count only faults on pages of level 1 that the trace asks for.  Other pages
 *     are there for free, and so are links to pages.
 *  2. An access faults if its page was never accessed before: neither a fault nor
 *     the prefetch, which leaves out what the guest hasn't used, can have set its
 *     SPTE.  Else it faults only if the table was evicted since the last access
 *     to the same 8 pages, as any of these may have prefetched it.
 *  3. A table may be evicted and come back at any time, not just in sweeps.
 *  4. At an access, the table that it uses is there, and others of at most
 *     @capacity - 1.  Let a policy exceed that, but at a price L[t] >= 0 for each
 *     table too many at access t, and a reward of as much for each too few.
 *
 * Whatever a real policy does costs no more under (4) than it does without, as it
 * exceeds nothing, so the cheapest way to live with (4) is a lower bound for any
 * prices (Lagrangian relaxation; Everett, Operations Research 11(3), 1963).  And
 * with prices instead of a limit, tables don't compete anymore:
 *
 *	bound = sum over tables of the cheapest plan for the table
 *		- sum over t of L[t] * (@capacity - 1)
 *
 * where a plan says in which of the gaps between two accesses to the table it is
 * evicted, and costs its faults, plus L[t] for all t in gaps where it isn't.
 *
 * The price is the same at all accesses that count, and zero before those: during
 * the warm-up, everything may be kept.  The best price is found by a search, as
 * the bound is a concave function of it.
 */
#include <string.h>

#include "bound.h"
#include "mmu.h"
#include "util.h"

/* The unit of costs and prices: one fault. */
#define FAULT		(1ll << 24)
#define GROUPS		(PAGES_PER_TABLE / PREFETCH)
#define NONE		UINT32_MAX

/* One access to a table, with those to the same table next to each other. */
struct use {
	u32 time;
	/* The last use of the same 8 pages of the table, or NONE; relative. */
	u32 before;
	/* Faults whatever the policy does. */
	bool first;
};

struct uses {
	struct use *use;
	/* Where each table starts; one more than there are tables. */
	size_t *start;
	size_t nr_tables;
	size_t warmup;
};

static void sort_by_table(struct uses *uses, const u32 *tables, const u16 *pages, size_t nr)
{
	size_t *next, i, k;
	u32 *last, before;
	struct bits *seen;

	for (i = 0; i < nr; i++)
		if (tables[i] >= uses->nr_tables)
			uses->nr_tables = tables[i] + 1;

	uses->use = xcalloc(nr, sizeof(*uses->use));
	uses->start = xcalloc(uses->nr_tables + 1, sizeof(*uses->start));
	for (i = 0; i < nr; i++)
		uses->start[tables[i] + 1]++;
	for (i = 0; i < uses->nr_tables; i++)
		uses->start[i + 1] += uses->start[i];

	next = xcalloc(uses->nr_tables, sizeof(*next));
	seen = xcalloc(uses->nr_tables, sizeof(*seen));
	last = xcalloc(uses->nr_tables * GROUPS, sizeof(*last));
	for (i = 0; i < nr; i++) {
		k = next[tables[i]]++;
		before = last[tables[i] * GROUPS + pages[i] / PREFETCH];
		last[tables[i] * GROUPS + pages[i] / PREFETCH] = k + 1;
		uses->use[uses->start[tables[i]] + k] = (struct use) {
			.time = i,
			.before = before - 1,
			.first = !get_bit(&seen[tables[i]], pages[i]),
		};
		set_bit(&seen[tables[i]], pages[i]);
	}
	free(next);
	free(seen);
	free(last);
}

/*
 * The plans for one table.  A plan is known by the last use that found the table
 * evicted; value(e) is the cost of the cheapest one that was last evicted before
 * use e.  Use h costs a fault in all plans with e > before(h), i.e. it raises the
 * value of the plans from some e on.  So once value(e) <= value(e') for e < e', e'
 * never gets better than e again and can be forgotten; the values of those that
 * remain descend, and the last one is the cheapest.
 */
struct plans {
	/* Those that remain, as a list, and how much the next one is cheaper. */
	u32 *next, *prev;
	s64 *drop;
	u32 first, last;
	s64 cheapest;
	/* The first one at or behind a use that may remain, see find_plan(). */
	u32 *skip;
};

static void plans_init(struct plans *plans, size_t nr)
{
	plans->next = xcalloc(nr, sizeof(*plans->next));
	plans->prev = xcalloc(nr, sizeof(*plans->prev));
	plans->skip = xcalloc(nr + 1, sizeof(*plans->skip));
	plans->drop = xcalloc(nr, sizeof(*plans->drop));
}

static void plans_free(struct plans *plans)
{
	free(plans->next);
	free(plans->prev);
	free(plans->skip);
	free(plans->drop);
}

/* The first plan that remains with e >= @e; with path halving. */
static u32 find_plan(struct plans *plans, u32 e)
{
	while (plans->skip[e] != e) {
		plans->skip[e] = plans->skip[plans->skip[e]];
		e = plans->skip[e];
	}
	return e;
}

static void forget_plan(struct plans *plans, u32 e)
{
	u32 prev = plans->prev[e], next = plans->next[e];

	plans->skip[e] = e + 1;
	plans->next[prev] = next;
	if (next == NONE) {
		plans->cheapest += plans->drop[prev];
		plans->last = prev;
	} else {
		plans->prev[next] = prev;
		plans->drop[prev] += plans->drop[e];
	}
}

/* Evict the table before use @e, which is cheaper by @drop than to keep it. */
static void add_plan(struct plans *plans, u32 e, s64 drop)
{
	if (!drop) {
		plans->skip[e] = e + 1;
		return;
	}
	plans->skip[e] = e;
	plans->next[e] = NONE;
	plans->prev[e] = plans->last;
	plans->next[plans->last] = e;
	plans->drop[plans->last] = drop;
	plans->cheapest -= drop;
	plans->last = e;
}

/* A use faults in all plans that evicted the table after use @before. */
static void raise_plans(struct plans *plans, u32 before, u32 now)
{
	u32 e = before == NONE ? plans->first : find_plan(plans, before + 1), prev;

	if (e > now)
		return;
	plans->cheapest += FAULT;
	if (e == plans->first)
		return;
	prev = plans->prev[e];
	plans->drop[prev] -= FAULT;
	while (prev != plans->last && plans->drop[prev] <= 0)
		forget_plan(plans, plans->next[prev]);
}

/* How many accesses that count are there between two of a table? */
static s64 gap(const struct uses *uses, const struct use *use)
{
	size_t from = use[0].time + 1, to = use[1].time;

	if (from < uses->warmup)
		from = uses->warmup;
	return to > from ? to - from : 0;
}

static s64 cheapest_plan(const struct uses *uses, struct plans *plans, size_t table, s64 price)
{
	const struct use *use = uses->use + uses->start[table];
	u32 nr = uses->start[table + 1] - uses->start[table], h;
	s64 kept;

	plans->first = plans->last = 0;
	plans->next[0] = plans->prev[0] = NONE;
	plans->skip[0] = 0;
	plans->cheapest = 0;

	for (h = 0; h < nr; h++) {
		plans->skip[h + 1] = h + 1;
		if (h) {
			kept = price * gap(uses, &use[h - 1]);
			plans->cheapest += kept;
			add_plan(plans, h, kept);
		}
		if (use[h].time >= uses->warmup)
			raise_plans(plans, use[h].first ? NONE : use[h].before, h);
	}
	return plans->cheapest;
}

static s64 bound_at(const struct uses *uses, struct plans *plans, s64 price, size_t counted,
		    unsigned long capacity)
{
	s64 sum = -price * (s64)(counted * (capacity - 1));
	size_t i;

	for (i = 0; i < uses->nr_tables; i++)
		if (uses->start[i + 1] > uses->start[i])
			sum += cheapest_plan(uses, plans, i, price);
	return sum;
}

static s64 best_bound(const struct uses *uses, size_t nr, unsigned long capacity)
{
	/* A price of a fault for each access is too much for anybody. */
	s64 low = 0, high = FAULT, third, best;
	size_t counted = nr - uses->warmup;
	struct plans plans;

	plans_init(&plans, nr);
	while (high - low > 2) {
		third = (high - low) / 3;
		if (bound_at(uses, &plans, low + third, counted, capacity) <
		    bound_at(uses, &plans, high - third, counted, capacity))
			low += third;
		else
			high -= third;
	}
	best = bound_at(uses, &plans, (low + high) / 2, counted, capacity);
	plans_free(&plans);
	return best;
}

/*
 * The pool has @max pages, and a fault leaves @min_free of them before it creates
 * what is missing on its way: root, pages above level 1, and the page of level 1.
 * So there may be @levels - 1 pages more, but whenever an access succeeds, that
 * is how many pages there are on its way above level 1.
 */
u64 mmu_lower_bound(struct model *model, const u64 *accesses, size_t nr, size_t warmup)
{
	u32 *tables = xcalloc(nr, sizeof(*tables));
	u16 *pages = xcalloc(nr, sizeof(*pages));
	struct uses uses = { .warmup = warmup };
	s64 best;
	size_t i;

	for (i = 0; i < nr; i++) {
		tables[i] = mmu_number(to_mmu(model), accesses[i] >> PAGE_BITS,
				       accesses[i] & PAGE_MASK, 1);
		pages[i] = spte_index(accesses[i], 1);
	}
	sort_by_table(&uses, tables, pages, nr);
	best = best_bound(&uses, nr, model->max - model->min_free);

	free(uses.use);
	free(uses.start);
	free(tables);
	free(pages);
	return best > 0 ? (best + FAULT - 1) / FAULT : 0;
}
