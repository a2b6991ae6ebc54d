// SPDX-License-Identifier: GPL-2.0
/* Traces are what they say that they are: distributions, distances, shares. */
#include <inttypes.h>
#include <math.h>

#include "../fixed.h"
#include "../map.h"
#include "../zipf.h"
#include "make_trace.h"

static u64 region_of(u64 access)
{
	return page_of(access) >> TABLE_SHIFT;
}

/* Is @count, of @nr draws, what a probability makes?  5 sigma: 1 in a million. */
static bool is_likely(u64 count, u64 nr, double probability)
{
	double expected = nr * probability;

	return fabs(count - expected) <= 5 * sqrt(expected * (1 - probability)) + 1;
}

static void logs_and_powers(void)
{
	u64 state = 1, x;
	int i;

	for (i = 0; i < 10000; i++) {
		state = xorshift64(state);
		x = state >> i % 64 ?: 1;
		EXPECT(fabs(ldexp(fixed_log2(x), -LOG_SHIFT) - log2(x)) < 1e-9,
		       "log2(%" PRIu64 ")", x);
		EXPECT(fabs(ldexp(fixed_exp2(state), -POWER_SHIFT) -
			    exp2(ldexp((u32)state, -LOG_SHIFT))) < 1e-12,
		       "exp2(%u)", (u32)state);
	}
	EXPECT(fixed_log2(1) == 0 && fixed_exp2(0) == 1ull << POWER_SHIFT, "1");
}

static double zipf_probability(u32 rank, u32 nr, unsigned int skew)
{
	double sum = 0;
	u32 i;

	for (i = 1; i <= nr; i++)
		sum += pow(i, skew / -1000.0);
	return pow(rank, skew / -1000.0) / sum;
}

static void zipf_ranks(void)
{
	static const unsigned int skews[] = { 0, 600, 850, 1000, 1200, 1400, 2000 };
	u64 random = 88172645463325252ull, counts[1000];
	const u64 nr = 1000000;
	struct zipf zipf;
	unsigned int i;
	u64 k;

	for (i = 0; i < sizeof(skews) / sizeof(*skews); i++) {
		memset(counts, 0, sizeof(counts));
		zipf_init(&zipf, 1000, skews[i]);
		for (k = 0; k < nr; k++) {
			random = xorshift64(random);
			counts[zipf_draw(&zipf, random)]++;
		}
		zipf_free(&zipf);
		for (k = 0; k < 1000; k += k < 20 ? 1 : 49)
			EXPECT(is_likely(counts[k], nr, zipf_probability(k + 1, 1000, skews[i])),
			       "skew %u, rank %" PRIu64 ": %" PRIu64, skews[i], k + 1, counts[k]);
	}
}

static int descending(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Count @key of all accesses, the most frequent one first. */
static void count(u64 (*key)(u64 access), u64 *counts, u32 max)
{
	struct map map = {};
	size_t i;
	u32 id;

	memset(counts, 0, max * sizeof(*counts));
	for (i = 0; i < NR; i++) {
		id = map_number(&map, key(accesses[i]));
		if (EXPECT(id < max, "more than %u", max))
			counts[id]++;
	}
	map_free(&map);
	qsort(counts, max, sizeof(*counts), descending);
}

static u64 page_in_region(u64 access)
{
	return page_of(access) % PAGES_PER_TABLE;
}

static u64 process_of(u64 access)
{
	return access >> PAGE_BITS;
}

static void check_zipf(const char *name, u64 (*key)(u64 access), u32 nr, unsigned int skew,
		       u64 draws)
{
	u64 counts[512];
	u32 i;

	make(find_trace(name), 1, "", accesses, NR);
	count(key, counts, nr);
	for (i = 0; i < 6; i++)
		EXPECT(is_likely(counts[i] / (NR / draws), draws,
				 zipf_probability(i + 1, nr, skew)),
		       "%s, rank %u: %" PRIu64, name, i + 1, counts[i]);
}

static void zipf_traces(void)
{
	check_zipf("zipf800", region_of, 512, 800, NR);
	check_zipf("zipf1000", region_of, 512, 1000, NR);
	check_zipf("zipf1000", page_in_region, 512, 800, NR);
	/* All accesses of a turn are one draw. */
	check_zipf("procs_zipf_short", process_of, 200, 1200, NR / 50);
}

/* Objects below a limit have its share of the logarithm of all. */
static void loguniform_shares(void)
{
	u64 below, limit;
	size_t i;

	make(find_trace("loguniform"), 1, "objects=1000000", accesses, NR);
	for (limit = 1; limit < 1000000; limit += limit / 4 + 1) {
		for (i = below = 0; i < NR; i++)
			below += accesses[i] < limit;
		EXPECT(is_likely(below, NR, log(limit + 1) / log(1000001)),
		       "%" PRIu64 " below %" PRIu64, below, limit);
	}
}

/* The stack, kept the other way round: the last one used is at the end. */
static u32 stack_distance(u64 *stack, u32 *nr, u64 region)
{
	u32 i, distance = 0;

	for (i = *nr; i--; )
		if (stack[i] == region)
			break;
	if (i < *nr) {
		distance = *nr - i;
		memmove(&stack[i], &stack[i + 1], (distance - 1) * sizeof(*stack));
		--*nr;
	}
	stack[(*nr)++] = region;
	return distance;
}

static void stack_distances(void)
{
	static u64 stack[NR + 1];
	u64 counts[101] = {};
	u32 nr = 0, distance;
	size_t i, start = NR / 10;

	make(find_trace("stack"), 1, "depth=100 skew=700 new=50", accesses, NR);
	for (i = 0; i < NR; i++) {
		distance = stack_distance(stack, &nr, region_of(accesses[i]));
		if (i >= start && EXPECT(distance <= 100, "%u", distance))
			counts[distance]++;
	}
	EXPECT(is_likely(counts[0], NR - start, 0.05), "new: %" PRIu64, counts[0]);
	for (i = 1; i <= 100; i++)
		EXPECT(is_likely(counts[i], NR - start, 0.95 * zipf_probability(i, 100, 700)),
		       "distance %zu: %" PRIu64, i, counts[i]);
}

static void chase_is_a_cycle(void)
{
	const size_t nr = 50 * 20;
	struct map map = {};
	size_t i;

	make(find_trace("chase"), 1, "regions=50 pages=20", accesses, 2 * nr);
	for (i = 0; i < nr; i++) {
		map_number(&map, accesses[i]);
		EXPECT(accesses[i] == accesses[nr + i], "%zu", i);
	}
	EXPECT(map.nr == nr, "%u of %zu pages", map.nr, nr);
	map_free(&map);
}

/* Regions of all processes that the first accesses are to. */
static void regions_in_use(void)
{
	static const struct {
		const char *name;
		size_t nr;
		u32 regions;
	} cases[] = {
		{ "loop", 256, 256 }, { "uniform", NR, 96 },
		{ "phases", 20000, 40 }, { "phases_new", 20000, 200 },
		{ "drift", 1280, 16 }, { "drift", 1281, 17 }, { "drift", 51200, 320 },
		{ "slide", 500, 48 }, { "slide", 1000, 49 }, { "slide", 5000, 57 },
		{ "streams", 4096, 256 }, { "streams_burst", 4096, 128 },
		{ "procs", NR, 6 * (8 + 16) }, { "chase_small", NR, 70 },
		{ "ws_scan", 5000, 40 }, { "ws_scan", 5200, 240 }, { "ws_scan", 10400, 440 },
		{ "cyclic60", 60, 60 }, { "cyclic60", NR, 60 },
		{ "two_speed", 46, 46 }, { "two_speed", 320, 80 }, { "two_speed", NR, 80 },
	};
	struct map map = {};
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make(find_trace(cases[i].name), 1, "", accesses, cases[i].nr);
		for (k = 0; k < cases[i].nr; k++)
			map_number(&map, accesses[k] >> TABLE_SHIFT);
		EXPECT(map.nr == cases[i].regions, "%s: %u in %zu", cases[i].name, map.nr,
		       cases[i].nr);
		map_free(&map);
	}
}

static void share_of_the_kernel(void)
{
	static const struct {
		const char *name;
		double share;
	} cases[] = {
		{ "procs", 0.2 }, { "procs_zipf", 0.2 }, { "churn", 0.25 }, { "build", 0.15 },
		{ "zipf1000", 0 },
	};
	u64 nr_kernel;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make(find_trace(cases[i].name), 1, "", accesses, NR);
		for (k = nr_kernel = 0; k < NR; k++)
			nr_kernel += in_kernel(accesses[k]);
		EXPECT(is_likely(nr_kernel, NR, cases[i].share), "%s: %" PRIu64, cases[i].name,
		       nr_kernel);
	}
}

/* A key, from @first on, may come at most @times, and must be in a row if so. */
static void check_gone(const char *name, u64 (*key)(u64 access), u64 first, u64 times,
		       u64 expected)
{
	struct map map = {};
	u64 run = 0;
	size_t i;
	u32 nr;

	make(find_trace(name), 1, "", accesses, NR);
	for (i = 0; i < NR; i++) {
		if (key(accesses[i]) < first)
			continue;
		nr = map.nr;
		map_number(&map, key(accesses[i]));
		run = map.nr > nr ? 1 : run + 1;
		if (!EXPECT(run <= times, "%s: %" PRIu64 " is back", name, key(accesses[i])))
			break;
	}
	EXPECT(map.nr >= expected, "%s: only %u", name, map.nr);
	map_free(&map);
}

static u64 number_of_region(u64 access)
{
	u64 region = region_of(access);
	u64 i = (MAPPINGS_END - region - 1) / REGIONS_PER_GIB * REGIONS_PER_MAPPING, k;

	for (k = i; k < i + REGIONS_PER_MAPPING; k++)
		if (user_region(k) == region)
			return k;
	return 0;
}

static void gone_for_good(void)
{
	/* Turns of 200 and of 40 accesses; scans of 200 every 5000. */
	check_gone("churn_fast", process_of, 6, 40, NR / 240);
	check_gone("ws_scan", number_of_region, 40, 1, NR / 5200 * 200);
	check_gone("ws_scan_big", number_of_region, 100, 4, NR / 22000 * 500);
}

static const struct test tests[] = {
	{ "logs_and_powers_are_right", logs_and_powers },
	{ "zipf_draws_ranks_by_its_law", zipf_ranks },
	{ "zipf_traces_follow_the_law", zipf_traces },
	{ "loguniform_is_log_uniform", loguniform_shares },
	{ "stack_has_the_distances_asked_for", stack_distances },
	{ "chase_is_one_cycle", chase_is_a_cycle },
	{ "as_many_regions_are_in_use_as_told", regions_in_use },
	{ "kernel_has_its_share", share_of_the_kernel },
	{ "what_is_gone_stays_away", gone_for_good },
};

int main(void)
{
	return run_tests(tests, sizeof(tests) / sizeof(*tests));
}
