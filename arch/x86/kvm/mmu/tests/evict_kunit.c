// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the eviction core, evict.h: no KVM, any architecture.
 *
 * A test is a list, operations on it, the visits of all sweeps, and the list
 * that is left, in the notation of evict_model.h and evict_ops.h.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "evict_ops.h"

/* Sentence, list, operations -> visits, list. */
static const struct row {
	const char *sentence, *list, *ops, *visits, *left;
} rows[] = {
	/* Order. */
	{ "sweep of an empty list frees nothing",
	  "", "evict 1; new a; zap a; evict 1", "", "" },
	{ "sweep evicts idle pages in the order of creation",
	  "a b c", "evict 2", "-a -b", "^c" },
	{ "sweep spares the referenced and skips the roots",
	  "a* b c! d", "evict 1; evict 1", "=a -b !c -d", "a c!" },
	{ "sweep of referenced pages evicts the oldest on the second lap",
	  "a* b* c*", "evict 2", "=a =b =c -a -b", "^c" },
	{ "sweep ends with the first page that meets the target",
	  "a b c", "evict 0; evict 1", "-a", "^b c" },
	{ "sweep for more than there is leaves only roots",
	  "a b! c*", "evict 9", "-a !b =c !b -c !b !b", "^b!" },
	{ "sweep without report does the same",
	  "a* b c! d", "mute; evict 1", "", "a ^c! d" },
	/* The hand. */
	{ "hand keeps its place between sweeps",
	  "a b* c d", "evict 1; evict 1", "-a =b -c", "b ^d" },
	{ "hand passes the newest page and goes on with the oldest",
	  "a b ^c", "evict 2", "-c -a", "^b" },
	{ "hand on the head starts with the oldest",
	  "a b ^", "evict 1", "-a", "^b" },
	{ "hand meets a new page last",
	  "a ^b*", "new c; evict 3", "=b -a -b -c", "" },
	{ "hand on the head does not fall for a new page",
	  "a b ^", "new c; evict 1", "-a", "^b c" },
	/* The stop. */
	{ "new pages wait for the next revolution",
	  "a* ^b c", "new d; new e; evict 2; evict 2", "-b -c =a -d -e", "a" },
	{ "new pages wait no longer than that",
	  "a* ^b", "new c; evict 2; new d; evict 1", "-b =a -c -a", "^d" },
	{ "stop moves on to the next page if its own one goes",
	  "a ^b", "new c; new d; zap c; evict 2", "-b -a", "^d" },
	{ "stop moves to the head if there is no next page",
	  "a ^b | c", "zap c; new d; evict 2", "-b -a", "^d" },
	{ "stop stays if a page on either side goes",
	  "^a b* | c d", "zap d; zap a; evict 1", "=b -b", "^c" },
	{ "hand that is moved to the stop starts over",
	  "a ^b | c d", "zap b; evict 1", "-a", "^c d" },
	/* Pages that leave the list. */
	{ "unlink of the page under the hand moves the hand on",
	  "a ^b c", "zap b; evict 1", "-c", "a" },
	{ "unlink of the newest page under the hand moves it to the head",
	  "a b ^c", "zap c; evict 1", "-a", "^b" },
	{ "unlink on both sides leaves the hand alone",
	  "a b ^c d e", "zap b; zap d; evict 2", "-c -e", "a" },
	{ "unlink of the last page leaves the hand on the head",
	  "^a", "zap a; new b; new c; evict 1", "-b", "^c" },
	{ "eviction may take the page under the hand and the next one along",
	  "a b c d", "drag abc; evict 4", "-a -d", "" },
	{ "eviction may take the newest page along and the hand wraps",
	  "a b ^c d", "drag cd; evict 3", "-c -a", "^b" },
	{ "eviction may take all pages along",
	  "a b c", "drag babc; evict 1; evict 1; evict 1; new d", "-a -b", "d'+" },
	{ "eviction may unlink a root that it does not free",
	  "a b! c d", "drag ab; evict 2; unpin b; evict 1", "-a -c -d", "" },
	{ "root unlinked under the hand goes to another list later",
	  "^a! b", "zap a; evict 1; unpin a; evict 1", "-b", "" },
	{ "root is a page like any other once it is unpinned",
	  "a! b c", "evict 1; unpin a; evict 2", "!a -b -c -a", "" },
	/* Termination. */
	{ "sweep of nothing but roots gives up after twice two laps",
	  "a! b!", "evict 1", "!a !b !a !b !a !b !a !b", "^a! b!" },
	{ "forced sweep of nothing but roots gives up after two laps",
	  "a! b!", "evict 1/0", "!a !b !a !b", "^a! b!" },
	{ "sweep with only roots ahead comes around to what it spared",
	  "a* b* ^c! d!", "evict 1", "!c !d =a =b !c !d -a", "^b c! d!" },
	{ "sweep evicts pages that are always referenced",
	  "a* b*", "busy; evict 1", "=a =b =a =b #a", "^b*" },
	{ "forced sweep goes on for as long as it evicts",
	  "a b! ^c! d", "evict 9/0", "!c -d -a !b !c !b !c", "^b! c!" },
	{ "sweep that turns forced has two laps of its own",
	  "a! b! ^c* d!", "drag cd; evict 1/3", "=c !d !a !b -c", "a! b!" },
	/* Budget. */
	{ "sweep without budget is FIFO",
	  "a* b! c d* e", "evict 3/0; evict 1/-1", "#a !b -c #d -e", "b!" },
	{ "spent budget forces the sweep",
	  "a* b* c* d*", "evict 2/2", "=a =b #c #d", "a b" },
	{ "budget is spent by roots too",
	  "a! b! c* d*", "evict 1/2", "!a !b #c", "a! b! ^d*" },
	{ "budget is spent by what classification costs",
	  "a* b* c* d*", "cost 1; evict 1/3", "=a =b #c", "a b ^d*" },
	{ "page found idle by a forced sweep is not counted as forced",
	  "a* b*", "evict 1/2", "=a =b -a", "^b" },
	/* Obsolete pages. */
	{ "obsolete page gets no second chance",
	  "a* b*~ c+~ d", "evict 2", "=a -b -c", "a ^d" },
	{ "obsolete root is skipped",
	  "a!~ b", "evict 1", "!a -b", "a!~" },
	{ "obsolete pages stay behind the valid ones",
	  "a* b! c* d", "evict 1; retire; new e; new f; touch e; evict 3",
	  "=a !b =c -d -a !b -c =e -f", "b!~ e" },
	/* References. */
	{ "reference is taken from both sources at once",
	  "a*+ b", "evict 2", "=a -b -a", "" },
	{ "Accessed bit alone is a reference",
	  "a+ b", "evict 1; access a; evict 1", "=a -b =a -a", "" },
	{ "touch alone is a reference, each time anew",
	  "a* b c", "evict 1; touch a; evict 1; evict 1", "=a -b -c =a -a", "" },
	{ "sweep spends references only on the pages that it visits",
	  "a b* c+ d", "evict 1", "-a", "^b* c+ d" },
	/* Fresh pages. */
	{ "new page is not a referenced page",
	  "a*", "new b; new c; evict 2", "=a -b -c", "a" },
	{ "first Accessed bit is dropped, the second one counts",
	  "a", "new b; evict 1; access b; evict 1", "-a =b -b", "" },
	{ "first Accessed bit is dropped for all new pages, the hand elsewhere",
	  "^a b*", "new c; new d; evict 1", "-a", "^b* | c d" },
	{ "touch of a fresh page counts",
	  "a", "new b; touch b; evict 2", "-a =b -b", "" },
	{ "settling stops at the first page that has settled",
	  "a'+ b+ ^c'+ d'+", "evict 1", "-c", "a'+ b+ ^d" },
	{ "settling stops when the budget is used up",
	  "a b'+ c'+ d'+", "evict 1/2", "-a", "^b'+ c d" },
	{ "hand ignores the first Accessed bit of a page that was not settled",
	  "a'+ b'*+ c d'+", "evict 2/2", "-a =b -c", "b ^d" },
};

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
	KUNIT_EXPECT_STREQ(test, draw(&rig->model.now, &rig->drawn), row->left);
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
	kunit_err(test, "\"%s\", \"%s\"\n", draw(before, &rig->drawn), op);
	kunit_err(test, "core:  \"%s\", \"%s\"\n", rig->visits.buf,
		  draw(&real, &rig->drawn));
	kunit_err(test, "model: \"%s\", \"%s\"\n", rig->model.visits.buf,
		  draw(&rig->model.now, &rig->drawn));
	KUNIT_FAIL_AND_ABORT(test, "%s", rig->wrong);
}

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
			sweep(rig, target, budgets[i]);
			compare(rig);
			if (!rig->wrong)
				continue;
			sprintf(op, "evict %d/%d", target, budgets[i]);
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

/* Each list of up to 5 pages. */
static void sweep_equals_model_on_all_short_lists(struct kunit *test)
{
	static const u8 kinds[] = { 0, TOUCHED, PINNED, OBSOLETE };
	int i, lists, places, cases = 0, expected = 0;
	struct picture p = {};

	for (p.nr = 0; p.nr <= 5; p.nr++) {
		lists = 1 << 2 * p.nr;
		/* Hand below the stop or at it, hand on the head, never used. */
		places = p.nr * (p.nr + 3) / 2 + p.nr + 1 + 1;
		expected += lists * places * (p.nr + 1) * 3;
		while (lists--) {
			for (i = 0; i < p.nr; i++) {
				p.name[i] = 'a' + i;
				p.marks[i] = kinds[lists >> 2 * i & 3];
			}
			cases += sweep_everywhere(test, &p);
		}
	}
	KUNIT_EXPECT_EQ(test, cases, expected);
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
	else if (r % 512 == 3)
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
