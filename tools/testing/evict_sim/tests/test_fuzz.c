// SPDX-License-Identifier: GPL-2.0
/*
 * All policies in a model where everything that may happen to a page happens at
 * random, also what other models would never do.
 */
#include <string.h>

#include "checked.h"
#include "policy_test.h"

#define STUB_PAGES	48

static struct stub {
	struct model model;
	struct trace random;
	struct page page[STUB_PAGES];
	bool there[STUB_PAGES], pinned[STUB_PAGES], accessed[STUB_PAGES];
	/* Percentages: pages that are pinned, used, and go along with another one. */
	unsigned int percent_pinned, percent_used, percent_along;
	/* Looks at Accessed bits since the eviction began. */
	u64 looks;
} stub;

static struct policy *policy = &stub.model.policy;

static u64 random_below(u64 limit)
{
	return next_random(&stub.random) % limit;
}

static bool chance(unsigned int percent)
{
	return random_below(100) < percent;
}

static bool stub_pinned(const struct page *page)
{
	return stub.pinned[page - stub.page];
}

static bool stub_test_clear(struct model *model, struct page *page)
{
	bool accessed = stub.accessed[page - stub.page];

	stub.looks++;
	stub.accessed[page - stub.page] = false;
	return accessed;
}

static unsigned int stub_nr_present(const struct page *page)
{
	return page->id % 512;
}

static void stub_unlink(unsigned int i)
{
	policy->ops->unlink(policy, &stub.page[i]);
	stub.there[i] = false;
	stub.model.used--;
	/* Nobody may look at it anymore. */
	memset(&stub.page[i], 0xee, sizeof(stub.page[i]));
}

static unsigned long stub_zap(struct model *model, struct page *page)
{
	unsigned long freed = 1;
	unsigned int i;

	for (i = 0; i < STUB_PAGES && chance(stub.percent_along); i++) {
		if (&stub.page[i] == page || !stub.there[i] || stub.pinned[i])
			continue;
		stub_unlink(i);
		freed++;
	}
	stub_unlink(page - stub.page);
	return freed;
}

static struct model_ops stub_ops = {
	.pinned			= stub_pinned,
	.test_clear_parents	= stub_test_clear,
	.test_clear_leaves	= stub_test_clear,
	.nr_present		= stub_nr_present,
	.zap			= stub_zap,
};

static void randomize_knobs(struct knobs *knobs)
{
	const struct knob *knob;
	u64 range;

	for (knob = knobs->table; knob && knob->name; knob++) {
		range = knob->max - knob->min + 1;
		knobs->value[knob - knobs->table] = knob->min +
						    random_below(range < 300 ? range : 300);
	}
}

static void stub_init(const struct policy_ops *ops, unsigned int seed, bool odd_knobs)
{
	check_policy(ops);
	memset(&stub, 0, sizeof(stub));
	stub.random.random = seed;
	stub.model.ops = &stub_ops;
	stub.model.max = STUB_PAGES;
	stub.model.min_free = 1;
	stub.model.refill = 1 + seed % 8;
	policy->ops = &checked;
	policy->model = &stub.model;
	knobs_init(&policy->knobs, ops->knobs);
	if (odd_knobs)
		randomize_knobs(&policy->knobs);
	ops->init(policy);
}

static void stub_exit(void)
{
	if (inner->exit)
		inner->exit(policy);
	free(policy->data);
}

static void stub_link(unsigned int i, u32 id)
{
	unsigned int k;

	for (k = 0; k < STUB_PAGES; k++)
		if (stub.there[k] && stub.page[k].id == id)
			return;
	if (inner->miss)
		inner->miss(policy, id);
	stub.page[i] = (struct page) { .id = id, .level = 1 + id % 4 };
	stub.there[i] = true;
	stub.pinned[i] = false;
	stub.accessed[i] = stub_ops.born_accessed;
	stub.model.used++;
	policy->ops->link(policy, &stub.page[i]);
	if (inner->fill)
		inner->fill(policy, &stub.page[i]);
}

static void stub_use(unsigned int i)
{
	stub.accessed[i] = true;
	stub.page[i].next_use = stub.model.now + random_below(100);
	if (inner->access)
		inner->access(policy, &stub.page[i]);
	if (inner->touch && chance(30))
		inner->touch(policy, &stub.page[i]);
	if (inner->fill && chance(30))
		inner->fill(policy, &stub.page[i]);
}

static void step(bool odd_knobs)
{
	unsigned int i = random_below(STUB_PAGES);
	unsigned long used, target, freed;

	stub.model.now++;
	if (!stub.there[i])
		stub_link(i, random_below(3 * STUB_PAGES));
	else if (chance(stub.percent_used))
		stub_use(i);
	else if (chance(3) && !stub.pinned[i])
		stub_unlink(i);
	else
		stub.pinned[i] = chance(stub.percent_pinned);
	if (stub.model.used < STUB_PAGES && !chance(1))
		return;

	stub.looks = 0;
	used = stub.model.used;
	target = 1 + random_below(12);
	freed = policy->ops->evict(policy, target, target / 2);
	check(odd_knobs || stub.looks <= 16 * (used + 1) * (freed + 1),
	      "an eviction takes too long");
}

static void survives_anything(const void *ops)
{
	static const unsigned int percents_pinned[] = { 0, 10, 90, 100 };
	static const unsigned int percents_used[] = { 50, 95, 100 };
	unsigned int seed, i;
	bool odd_knobs;

	for (seed = 1; seed <= 36; seed++) {
		odd_knobs = seed > 24;
		stub_ops.born_accessed = seed % 2;
		stub_init(ops, seed, odd_knobs);
		stub.percent_pinned = percents_pinned[seed % 4];
		stub.percent_used = percents_used[seed % 3];
		stub.percent_along = seed % 8 > 3 ? 80 : 0;
		for (i = 0; i < 2000 && !broken; i++)
			step(odd_knobs);
		stub_exit();
		if (!EXPECT(!broken, "seed %u, step %u", seed, i))
			break;
	}
}

static void link_pages(unsigned int nr)
{
	unsigned int i;

	stub_ops.born_accessed = true;
	for (i = 0; i < nr; i++)
		stub_link(i, i);
}

/* All pages that are there are used @times. */
static void use_all(unsigned int times)
{
	unsigned int i;

	while (times--)
		for (i = 0; i < nr_checked; i++)
			stub_use(checked_pages[i] - stub.page);
}

/* All pages are very much in use; then, all but one are pinned; then, all are. */
static void finds_the_only_victim(const void *ops)
{
	unsigned int seed, i;

	for (seed = 1; seed <= 30; seed++) {
		stub_init(ops, seed, seed > 1);
		link_pages(16);
		use_all(40);
		EXPECT(checked.evict(policy, 4, 4) == 4, "seed %u: all in use", seed);

		for (i = 0; i < nr_checked; i++)
			stub.pinned[checked_pages[i] - stub.page] = i != 5;
		use_all(40);
		EXPECT(checked.evict(policy, 4, 4) == 1, "seed %u: all but one pinned", seed);
		EXPECT(checked.evict(policy, 4, 4) == 0, "seed %u: all pinned", seed);
		EXPECT(nr_checked == 11 && !broken, "seed %u: %u pages", seed, nr_checked);
		stub_exit();
	}
}

/*
 * Pages that were created, and neither touched nor used again, are all the same, so
 * that none is spared, although the Accessed bit of each is set.  Those are different
 * that are made to fall for it, and those that give each page a credit.
 */
static void ignores_first_bit(const void *what)
{
	static const char * const others[] = {
		"clock-creation", "clock-fill", "clock-leaf", "gclock",
	};
	const struct policy_ops *ops = what;
	bool ignores = true;
	unsigned int i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		ignores = ignores && strcmp(ops->name, others[i]);
	stub_init(ops, 1, false);
	link_pages(16);
	EXPECT(checked.evict(policy, 4, 4) == 4, "too few");
	EXPECT(!stub.model.counters.spared == ignores, "%llu pages were spared",
	       (unsigned long long)stub.model.counters.spared);
	stub_exit();
}

/*
 * Pages whose SPTEs were set 4, 3, 2 and 1 times after their creation go in the
 * reverse order, and it takes no revolution for each of these levels to find them.
 */
static void takes_lowest_level(const void *what)
{
	const struct policy_ops *ops = what;
	unsigned int i, k;

	stub_init(ops, 1, false);
	link_pages(4);
	for (i = 0; i < 4; i++)
		for (k = i; k < 4; k++)
			ops->fill(policy, &stub.page[i]);
	for (i = 4; i--; ) {
		EXPECT(checked.evict(policy, 1, 1) == 1, "too few");
		EXPECT(!stub.there[i], "page %u is still there", i);
	}
	EXPECT(stub.model.counters.scanned <= 4 + 3 + 2 + 1, "%llu pages were scanned",
	       (unsigned long long)stub.model.counters.scanned);
	stub_exit();
}

int main(void)
{
	add_policies("fuzz", survives_anything);
	add_policies("only_victim", finds_the_only_victim);
	add_policies("first_bit", ignores_first_bit);
	add_test("lowest_level", "cost", takes_lowest_level, find_policy("cost"));
	return run_added();
}
