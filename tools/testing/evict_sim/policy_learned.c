// SPDX-License-Identifier: GPL-2.0
/*
 * A clock that learns which pages come back, by logistic regression.
 *
 * The hand spares what was used, as in second-chance.  Of the first @candidates pages
 * that weren't, the one goes that is least likely to come back, as a weighted sum of
 * its features says.  Each eviction is an example: its features are kept with a
 * ghost, and if the page comes back while the ghost is remembered, the eviction was
 * bad, else, it was good.  Stochastic gradient descent moves the weights.
 *
 * The idea to learn from evictions that come back is from LeCaR (Vietri et al.,
 * "Driving Cache Replacement with ML-based LeCaR", HotStorage '18), and the one to
 * choose among a few candidates by learned weights is from LHD and LRB (Beckmann et
 * al., NSDI '18; Song et al., NSDI '20); the code follows none of them.
 *
 * All in fixed-point arithmetic: ONE is 1.  The logistic function is a line through
 * 1/2 with its slope there, cut off at 0 and 1.
 *
 * What it costs, with the defaults: for each eviction, 8 candidates, for each of
 * which 7 multiplications, 6 logarithms by count of leading zeros, and to count the
 * SPTEs that are present, unless the kernel keeps that number; and 14 multiplications
 * to learn.  Memory: 88 bytes for each page and each ghost.
 */
#include "directory.h"

enum { KNOB_CANDIDATES, KNOB_GHOSTS, KNOB_RATE };

static const struct knob learned_knobs[] = {
	[KNOB_CANDIDATES] = { "candidates", 8, 1, 64, "idle pages to choose from" },
	[KNOB_GHOSTS]	  = { "ghosts", 100, 1, 10000, "percent of the pages that are remembered" },
	[KNOB_RATE]	  = { "rate", 6, 0, 30, "learning rate: 2 to the power of minus so much" },
	{}
};

#define SHIFT		16
#define ONE		(1ll << SHIFT)
#define MAX_WEIGHT	(64 * ONE)

enum { BIAS, AGE, IDLE, FILLS, SPARED, LEVEL, PRESENT, NR_FEATURES };

struct features {
	/* From 0 to ONE. */
	s32 value[NR_FEATURES];
};

enum { PAGES = LIST_NEW + 1, GHOSTS };

struct learned_entry {
	struct entry entry;
	/* When it was created and last seen in use, in evictions. */
	u64 created, used;
	u32 fills, spared;
	/* When it was evicted. */
	struct features features;
};

struct learned {
	struct directory dir;
	struct refs refs;
	s64 weights[NR_FEATURES];
	u64 evictions;
	unsigned long max_ghosts;
};

static void learned_init(struct policy *policy)
{
	struct learned *learned = policy->data = xcalloc(1, sizeof(*learned));

	directory_init(&learned->dir, sizeof(struct learned_entry));
	refs_init(&learned->refs);
	learned->max_ghosts = percent_of(policy_capacity(policy),
					 policy_knob(policy, KNOB_GHOSTS));
}

static void learned_exit(struct policy *policy)
{
	struct learned *learned = policy->data;

	directory_exit(&learned->dir);
}

static struct learned_entry *to_learned(struct entry *entry)
{
	return container_of(entry, struct learned_entry, entry);
}

static struct learned_entry *find(struct learned *learned, const struct page *page)
{
	return to_learned(directory_find(&learned->dir, page->id));
}

/* The logarithm of @x, where 2^16 makes ONE. */
static s32 log_of(u64 x)
{
	int bits = 63 - __builtin_clzll(x + 1);

	return bits < 16 ? bits * ONE / 16 : ONE;
}

static void observe(const struct policy *policy, const struct learned *learned,
		    const struct learned_entry *le, struct features *features)
{
	const struct page *page = le->entry.page;

	*features = (struct features) { .value = {
		[BIAS]	  = ONE,
		[AGE]	  = log_of(learned->evictions - le->created),
		[IDLE]	  = log_of(learned->evictions - le->used),
		[FILLS]	  = log_of(le->fills),
		[SPARED]  = log_of(le->spared),
		[LEVEL]	  = page->level * ONE / MAX_LEVELS,
		[PRESENT] = log_of(policy->model->ops->nr_present(page)),
	} };
}

/* What the model expects of a page: below 0, it stays away. */
static s64 score(const struct learned *learned, const struct features *features)
{
	s64 sum = 0;
	int i;

	for (i = 0; i < NR_FEATURES; i++)
		sum += learned->weights[i] * features->value[i];
	return sum / ONE;
}

static s64 limit(s64 x, s64 from, s64 to)
{
	return x < from ? from : x > to ? to : x;
}

static void learn(struct policy *policy, struct learned *learned,
		  const struct learned_entry *le, bool came_back)
{
	s64 guess = limit(ONE / 2 + score(learned, &le->features) / 4, 0, ONE);
	s64 error = (came_back ? ONE : 0) - guess;
	s64 rate = 1ll << policy_knob(policy, KNOB_RATE);
	int i;

	for (i = 0; i < NR_FEATURES; i++)
		learned->weights[i] = limit(learned->weights[i] +
					    error * le->features.value[i] / ONE / rate,
					    -MAX_WEIGHT, MAX_WEIGHT);
}

static void learned_link(struct policy *policy, struct page *page)
{
	struct learned *learned = policy->data;
	struct entry *entry = directory_link(&learned->dir, page);
	struct learned_entry *le = to_learned(entry);

	if (entry->list == GHOSTS)
		learn(policy, learned, le, true);
	le->created = le->used = learned->evictions;
	le->fills = le->spared = 0;
	directory_move(&learned->dir, entry, PAGES);
	refs_link(policy, &learned->refs, page);
}

static void learned_unlink(struct policy *policy, struct page *page)
{
	struct learned *learned = policy->data;
	struct learned_entry *le = find(learned, page), *old;

	observe(policy, learned, le, &le->features);
	learned->evictions++;
	refs_unlink(page);
	le->entry.page = NULL;
	directory_move(&learned->dir, &le->entry, GHOSTS);
	while (learned->dir.nr[GHOSTS] > learned->max_ghosts) {
		old = to_learned(directory_last(&learned->dir, GHOSTS));
		learn(policy, learned, old, false);
		directory_forget(&learned->dir, &old->entry);
	}
}

static void learned_fill(struct policy *policy, struct page *page)
{
	find(policy->data, page)->fills++;
}

/* Spare what was used; pinned pages are in use. */
static bool spare(struct policy *policy, struct learned *learned, struct learned_entry *le)
{
	struct page *page = le->entry.page;

	policy->model->counters.scanned++;
	if (!refs_test_clear(policy, page) && !policy_pinned(policy, page))
		return false;
	policy->model->counters.spared++;
	le->spared++;
	le->used = learned->evictions;
	directory_move(&learned->dir, &le->entry, PAGES);
	return true;
}

static struct page *learned_pick(struct policy *policy)
{
	u64 candidates = policy_knob(policy, KNOB_CANDIDATES);
	unsigned long left = 2 * policy->model->used;
	struct learned *learned = policy->data;
	struct page *best = NULL;
	s64 value, best_value = 0;
	struct features features;
	struct entry *entry, *tmp;

restart:
	list_for_each_entry_safe_reverse(entry, tmp, &learned->dir.list[PAGES], link) {
		if (!left-- || !candidates)
			return best;
		if (spare(policy, learned, to_learned(entry)))
			continue;
		observe(policy, learned, to_learned(entry), &features);
		value = score(learned, &features);
		if (!best || value < best_value) {
			best = entry->page;
			best_value = value;
		}
		candidates--;
	}
	if (!best && left)
		goto restart;
	return best;
}

static unsigned long learned_evict(struct policy *policy, unsigned long target,
				   unsigned long need)
{
	struct learned *learned = policy->data;

	refs_settle(policy, &learned->refs);
	return evict_picked(policy, target, learned_pick);
}

const struct policy_ops learned_policy = {
	.name	= "learned",
	.source	= "logistic regression on evictions that came back, as in LeCaR, HotStorage '18",
	.knobs	= learned_knobs,
	.init	= learned_init,
	.exit	= learned_exit,
	.link	= learned_link,
	.unlink	= learned_unlink,
	.touch	= refs_touch,
	.fill	= learned_fill,
	.evict	= learned_evict,
};
