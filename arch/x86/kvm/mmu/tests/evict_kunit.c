// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the eviction core, evict.h: no KVM, any architecture.  The core
 * runs what is in a table, every short list, and random operations.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "evict_ops.h"
#include "evict_rows.h"

KUNIT_ARRAY_PARAM_DESC(rows, rows, sentence);

static void sweep_and_unlink(struct kunit *test)
{
	const struct row *row = test->param_value;
	struct rig *rig = test->priv;
	char buf[128], *ops = buf, *op;
	struct picture before;
	bool used;

	strscpy(buf, row->ops);
	used = parse(row->list, &before);
	set_up(rig, &before, !used);
	while ((op = strsep(&ops, ";")) && !rig->wrong)
		run_op(rig, skip_spaces(op));

	KUNIT_EXPECT_STREQ(test, rig->visits.buf, row->visits);
	KUNIT_EXPECT_STREQ(test, draw(&rig->model.now, strchr(row->left, 'T'), &rig->drawn),
			   row->left);
	KUNIT_EXPECT_STREQ(test, rig->wrong ?: "", "");
}

/*
 * Print what went wrong in the notation, ready to become a new row.  One is
 * enough: a broken rule breaks thousands of lists.
 */
static void fail(struct kunit *test, const struct picture *before, const char *op)
{
	struct rig *rig = test->priv;
	struct picture real;

	look(rig, &real);
	kunit_err(test, "\"%s\", \"%s\"\n", draw(before, true, &rig->drawn), op);
	kunit_err(test, "core:  \"%s\", \"%s\"\n", rig->visits.buf,
		  draw(&real, true, &rig->drawn));
	kunit_err(test, "model: \"%s\", \"%s\"\n", rig->model.visits.buf,
		  draw(&rig->model.now, true, &rig->drawn));
	KUNIT_FAIL_AND_ABORT(test, "%s", rig->wrong);
}

/* With trust, the hand follows new pages for two creations, then for four ... */
#define POOL_SIZE	8

/* Sweep the list @p for each target, with three budgets. */
static int sweep_all_ways(struct kunit *test, const struct picture *p, bool unused)
{
	static const int budgets[] = { 0, 3, PLENTY };
	struct rig *rig = test->priv;
	int target, i, cases = 0;
	char op[32];

	for (target = 1; target <= p->nr + 1; target++) {
		for (i = 0; i < ARRAY_SIZE(budgets); i++, cases++) {
			set_up(rig, p, unused);
			rig->world.size = POOL_SIZE;
			sweep(rig, target, budgets[i]);
			compare(rig);
			if (!rig->wrong)
				continue;
			sprintf(op, "size %d; evict %d/%d", POOL_SIZE, target, budgets[i]);
			fail(test, p, op);
		}
	}
	return cases;
}

/*
 * Sweep the list @p with hand and stop at each place that they can have, and
 * without either, i.e. never used.  The hand never is behind the stop.
 */
static int sweep_everywhere(struct kunit *test, struct picture *p)
{
	int cases;

	p->young = p->nr;
	p->hand = p->nr;
	p->stop = 0;
	cases = sweep_all_ways(test, p, true);

	for (p->hand = 0; p->hand <= p->nr; p->hand++)
		for (p->stop = p->hand; p->stop <= p->nr; p->stop++)
			cases += sweep_all_ways(test, p, false);
	for (p->hand = p->nr, p->stop = 0; p->stop < p->nr; p->stop++)
		cases += sweep_all_ways(test, p, false);
	return cases;
}

static const u8 kinds[] = { 0, KEPT, TOUCHED, TOUCHED | KEPT, PINNED, OBSOLETE };

/*
 * The list of @nr pages that has the number @list, followed by @new ones.  There
 * is luck for the second idle page, and trust if there are new ones.
 */
static struct picture make_list(int nr, int list, int new)
{
	struct picture p = { .nr = nr + new };
	int i;

	for (i = 0; i < p.nr; i++, list /= ARRAY_SIZE(kinds)) {
		p.name[i] = 'a' + i;
		p.marks[i] = i < nr ? kinds[list % ARRAY_SIZE(kinds)] : FRESH | ACCESSED;
	}
	p.number[LOTTERY] = KVM_MMU_EVICT_LOTTERY - 2;
	p.number[TRUST] = !!new;
	return p;
}

/* Returns how many cases are missing. */
static int sweep_all_lists(struct kunit *test, int nr, int new)
{
	int i, cases = 0, lists = int_pow(ARRAY_SIZE(kinds), nr), all = nr + new;
	/* Hand below the stop or at it, hand on the head, never used. */
	int places = all * (all + 3) / 2 + all + 1 + 1;

	for (i = 0; i < lists; i++) {
		struct picture p = make_list(nr, i, new);

		cases += sweep_everywhere(test, &p);
	}
	return lists * places * (all + 1) * 3 - cases;
}

/* Up to 4 pages, or up to 3 and as many new ones as the hand keeps away from. */
static void sweep_equals_model_on_all_short_lists(struct kunit *test)
{
	int nr;

	for (nr = 0; nr <= 4; nr++)
		KUNIT_EXPECT_EQ(test, sweep_all_lists(test, nr, 0), 0);
	for (nr = 0; nr <= 3; nr++)
		KUNIT_EXPECT_EQ(test, sweep_all_lists(test, nr, KVM_MMU_EVICT_NEWEST), 0);
}

/* A random operation that makes sense for a random page. */
static void random_op(struct rig *rig, struct rnd_state *rnd, char *op)
{
	static const char * const verbs[] = {
		"touch", "access", "touch", "zap", "pin", "unpin",
	};
	static const int budgets[] = { -1, 0, 1, 3, 10, 30, PLENTY };
	u32 r = prandom_u32_state(rnd);
	int id = r % NR_NAMES;
	char name = 'a' + id;

	r >>= 8;
	if (r % 8 == 0)
		sprintf(op, "evict %u/%d", r / 8 % 8,
			budgets[r / 64 % ARRAY_SIZE(budgets)]);
	else if (r % 64 == 1)
		sprintf(op, "drag %c%c%c", name, 'a' + r / 64 % NR_NAMES,
			'a' + r / 2048 % NR_NAMES);
	else if (r % 64 == 2)
		sprintf(op, r & 64 ? "cost %d" : "busy %d", r / 128 % 3);
	else if (r % 64 == 3)
		sprintf(op, "size %d", r / 64 % 9 * 8);
	else if (r % 512 == 5)
		sprintf(op, "retire");
	else if (r % 512 == 4)
		sprintf(op, "mute");
	else if (rig->page[id].place == NOWHERE)
		sprintf(op, "new %c", name);
	else if (rig->page[id].place == UNLINKED)
		sprintf(op, "unpin %c", name);
	else
		sprintf(op, "%s %c", verbs[r / 512 % ARRAY_SIZE(verbs)], name);
}

#define FUZZ_SEED	20240707
#define FUZZ_OPS	200000

static void core_equals_model_after_any_operation(struct kunit *test)
{
	struct rig *rig = test->priv;
	struct picture before = {};
	struct rnd_state rnd;
	char op[32];
	int i;

	prandom_seed_state(&rnd, FUZZ_SEED);
	set_up(rig, &before, true);
	for (i = 0; i < FUZZ_OPS && !rig->wrong; i++) {
		before = rig->model.now;
		clear(&rig->model.visits);
		clear(&rig->visits);
		random_op(rig, &rnd, op);
		run_op(rig, op);
	}
	if (rig->wrong)
		fail(test, &before, op);
	KUNIT_EXPECT_EQ(test, i, FUZZ_OPS);
	/* The operations have met all there is to meet. */
	for (i = 0; i < ARRAY_SIZE(rig->seen); i++)
		KUNIT_EXPECT_GT_MSG(test, rig->seen[i], FUZZ_OPS / 100,
				    "verdict %d is rare", i);
}

static int init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct rig), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(sweep_and_unlink, rows_gen_params),
	KUNIT_CASE_SLOW(sweep_equals_model_on_all_short_lists),
	KUNIT_CASE_SLOW(core_equals_model_after_any_operation),
	{}
};

static struct kunit_suite suite = {
	.name = "kvm_mmu_evict",
	.init = init,
	.test_cases = cases,
};

kunit_test_suite(suite);

MODULE_DESCRIPTION("KUnit tests of the eviction of KVM's shadow pages");
MODULE_LICENSE("GPL");
