// SPDX-License-Identifier: GPL-2.0
/*
 * The traces: always the same, and of addresses that a guest can have.
 *
 *	test_traces -g		print the table in golden_traces.h, to be pasted
 */
#include <inttypes.h>

#include "../map.h"
#include "make_trace.h"

static const struct golden {
	const char *name;
	u64 hash;
} golden[] = {
#include "golden_traces.h"
};

static u64 others[NR];

/* The next of all traces but those that are read from somewhere, or NULL. */
static const struct trace_ops *next_trace(unsigned int *i)
{
	const struct trace_ops *ops;

	while (*i < nr_traces) {
		ops = traces[(*i)++];
		if (!ops->knobs || !ops->knobs->text)
			return ops;
	}
	return NULL;
}

static void names_and_defaults(void)
{
	const struct trace_ops *ops;
	const struct knob *knob;
	unsigned int nr = 0;

	while ((ops = next_trace(&nr))) {
		EXPECT(find_trace(ops->name) == ops, "two traces are called %s", ops->name);
		for (knob = ops->knobs; knob && knob->name; knob++)
			EXPECT(knob->value >= knob->min && knob->value <= knob->max,
			       "%s: %s=%" PRIu64, ops->name, knob->name, knob->value);
		EXPECT(!knob || knob - ops->knobs <= MAX_KNOBS, "%s has too many knobs",
		       ops->name);
	}
}

static void same_seed(void)
{
	const struct trace_ops *ops;
	unsigned int nr = 0;

	while ((ops = next_trace(&nr))) {
		make(ops, 7, "", accesses, NR);
		make(ops, 7, "", others, NR);
		EXPECT(!memcmp(accesses, others, sizeof(accesses)), "%s", ops->name);
	}
}

static bool is_random(const struct trace_ops *ops)
{
	return strcmp(ops->name, "loop") && strncmp(ops->name, "cyclic", 6);
}

static void other_seed(void)
{
	const struct trace_ops *ops;
	unsigned int nr = 0;
	size_t i, same;

	while ((ops = next_trace(&nr))) {
		make(ops, 1, "", accesses, NR);
		make(ops, 2, "", others, NR);
		for (i = same = 0; i < NR; i++)
			same += accesses[i] == others[i];
		EXPECT(is_random(ops) ? same < NR / 2 : same == NR, "%s: %zu of %d are the same",
		       ops->name, same, NR);
	}
}

static void chunks(void)
{
	static const size_t sizes[] = { 1, 7, 1023, 4096 };
	const struct trace_ops *ops;
	const size_t end = 20000;
	size_t i, done, some;
	unsigned int nr = 0;
	struct trace trace;

	while ((ops = next_trace(&nr))) {
		make(ops, 3, "", accesses, end);
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			open_trace(&trace, ops, 3, "");
			for (done = 0; done < end; done += some) {
				some = end - done < sizes[i] ? end - done : sizes[i];
				ops->fill(&trace, others + done, some);
			}
			trace_exit(&trace);
			EXPECT(!memcmp(accesses, others, end * sizeof(*accesses)),
			       "%s by %zu", ops->name, sizes[i]);
		}
	}
}

static u64 hash_of(const struct trace_ops *ops)
{
	u64 hash = 0;
	size_t i;

	make(ops, 1, "", accesses, NR);
	for (i = 0; i < NR; i++)
		hash = mix(hash * 31 + accesses[i]);
	return hash;
}

static void print_golden(void)
{
	const struct trace_ops *ops;
	unsigned int nr = 0;

	while ((ops = next_trace(&nr)))
		printf("\t{ \"%s\", 0x%016" PRIx64 " },\n", ops->name, hash_of(ops));
}

static void golden_hashes(void)
{
	unsigned int nr_golden = sizeof(golden) / sizeof(*golden);
	const struct trace_ops *ops;
	unsigned int nr = 0, i;

	for (i = 0; (ops = next_trace(&nr)); i++) {
		if (!EXPECT(i < nr_golden && !strcmp(golden[i].name, ops->name),
			    "%s isn't golden", ops->name))
			return;
		EXPECT(hash_of(ops) == golden[i].hash, "%s", ops->name);
	}
	EXPECT(i == nr_golden, "%s is no trace", golden[i].name);
}

/* With few objects, the last ones are drawn. */
static void universe(void)
{
	static const char * const words[] = { "objects=2", "objects=5", "objects=1000000" };
	const struct trace_ops *ops;
	unsigned int nr = 0;
	struct trace trace;
	u64 below, last;
	size_t i, k;

	while ((ops = next_trace(&nr))) {
		for (k = 0; ops->universe && k < 3; k++) {
			open_trace(&trace, ops, 1, words[k]);
			below = ops->universe(&trace);
			trace_exit(&trace);
			make(ops, 1, words[k], accesses, NR);
			for (i = last = 0; i < NR; i++)
				last = accesses[i] > last ? accesses[i] : last;
			EXPECT(last < below && (last == below - 1 || k == 2),
			       "%s %s: %" PRIu64, ops->name, words[k], last);
		}
	}
}

/* Does it make something that a guest with tables of 4 levels can have? */
static void check_addresses(const struct trace_ops *ops, const char *words)
{
	size_t i, nr = 2000;

	make(ops, 1, words, accesses, nr);
	for (i = 0; i < nr; i++)
		if (!EXPECT(page_of(accesses[i]) < 1ull << 36 &&
			    accesses[i] >> PAGE_BITS < MAX_PROCESSES,
			    "%s %s: %" PRIx64, ops->name, words, accesses[i]))
			break;
}

/* The sanitizers look on. */
static void limits_of_knobs(void)
{
	size_t (*last)(struct trace *trace, u64 *accesses, size_t nr) = NULL;
	const struct trace_ops *ops;
	const struct knob *knob;
	unsigned int nr = 0;
	char word[64];

	while ((ops = next_trace(&nr))) {
		check_addresses(ops, "");
		/* One of a family will do. */
		for (knob = ops->knobs; knob && knob->name && ops->fill != last; knob++) {
			snprintf(word, sizeof(word), "%s=%" PRIu64, knob->name, knob->min);
			check_addresses(ops, word);
			snprintf(word, sizeof(word), "%s=%" PRIu64, knob->name, knob->max);
			check_addresses(ops, word);
		}
		last = ops->fill;
	}
}

/* Each index once, and none where another one is. */
static void regions_are_distinct(void)
{
	static u64 (* const region[])(u64 i) = { user_region, process_region, kernel_region };
	struct map map = {};
	u64 i;
	int k;

	for (i = 0; i < 2048; i++)
		for (k = 0; k < 3; k++) {
			map_number(&map, region[k](i));
			EXPECT(in_kernel(region[k](i) << TABLE_SHIFT) == (k == 2), "%d: %" PRIu64,
			       k, i);
		}
	EXPECT(map.nr == 3 * 2048, "%u", map.nr);
	map_free(&map);
}

static const struct test tests[] = {
	{ "names_and_defaults_make_sense", names_and_defaults },
	{ "same_seed_makes_the_same_trace", same_seed },
	{ "another_seed_makes_another_trace", other_seed },
	{ "size_of_chunks_does_not_matter", chunks },
	{ "first_accesses_are_the_golden_ones", golden_hashes },
	{ "accesses_are_below_the_universe", universe },
	{ "knobs_take_their_limits", limits_of_knobs },
	{ "regions_are_distinct", regions_are_distinct },
};

int main(int argc, char *argv[])
{
	if (argc == 2 && !strcmp(argv[1], "-g")) {
		print_golden();
		return 0;
	}
	return run_tests(tests, sizeof(tests) / sizeof(*tests));
}
