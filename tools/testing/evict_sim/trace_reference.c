// SPDX-License-Identifier: GPL-2.0
/*
 * The reference traces, which the guest of mmu_evict_perf_test replays, too: 256
 * regions of 2 MiB from 3 GiB on, one page for each access.
 */
#include "trace.h"

#define FIRST_REGION	(0xc0000000ull >> 21)
#define REGIONS		256
#define HOT_REGIONS	16
#define COLD_REGIONS	(REGIONS - HOT_REGIONS)
#define HOT_PERCENT	90

static u64 reference_access(u64 region, u64 page)
{
	return region_access(0, FIRST_REGION + region, page % PAGES_PER_TABLE);
}

static u64 hot_region(u64 random)
{
	return (random >> 8) % HOT_REGIONS;
}

static size_t fill_hot(struct trace *trace, u64 *accesses, size_t nr)
{
	size_t i;
	u64 r;

	for (i = 0; i < nr; i++) {
		r = next_random(trace);
		accesses[i] = reference_access(r % 100 < HOT_PERCENT ? hot_region(r) :
					       HOT_REGIONS + (r >> 8) % COLD_REGIONS, r >> 32);
	}
	return nr;
}

static size_t fill_scan(struct trace *trace, u64 *accesses, size_t nr)
{
	size_t i;
	u64 r;

	for (i = 0; i < nr; i++) {
		r = next_random(trace);
		accesses[i] = reference_access(r % 100 < HOT_PERCENT ? hot_region(r) :
					       HOT_REGIONS + trace->pos++ % COLD_REGIONS, r >> 32);
	}
	return nr;
}

static size_t fill_loop(struct trace *trace, u64 *accesses, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++, trace->pos++)
		accesses[i] = reference_access(trace->pos % REGIONS, trace->pos / REGIONS);
	return nr;
}

const struct trace_ops hot_trace = {
	.name	= "hot",
	.help	= "9 of 10 accesses to 16 regions of 256, at random",
	.fill	= fill_hot,
};

const struct trace_ops scan_trace = {
	.name	= "scan",
	.help	= "9 of 10 accesses to 16 regions, the others take 240 in order",
	.fill	= fill_scan,
};

const struct trace_ops loop_trace = {
	.name	= "loop",
	.help	= "256 regions in order, again and again",
	.fill	= fill_loop,
};
