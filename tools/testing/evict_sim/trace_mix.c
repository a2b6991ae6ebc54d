// SPDX-License-Identifier: GPL-2.0
/*
 * Three in one: regions that are hot all the time, a scan through others in order,
 * and a few that are in use for some time each.
 */
#include "zoo.h"

/* Through so many, what drifts goes on until it is back. */
#define DRIFT_REGIONS	1000

enum { KNOB_HOT, KNOB_HOT_SHARE, KNOB_SCAN, KNOB_SCAN_SHARE, KNOB_DRIFT, KNOB_PERIOD, KNOB_PAGES };

struct state {
	u64 scanned, drifted;
};

static void mix_init(struct trace *trace)
{
	zoo_init(trace, sizeof(struct state));
}

static u64 draw_region(struct trace *trace)
{
	u64 hot = trace_knob(trace, KNOB_HOT), scan = trace_knob(trace, KNOB_SCAN);
	u64 hot_share = trace_knob(trace, KNOB_HOT_SHARE);
	u64 which = draw_below(trace, 1000), moves;
	struct state *state = trace->state;

	if (which < hot_share)
		return draw_below(trace, hot);
	if (which < hot_share + trace_knob(trace, KNOB_SCAN_SHARE))
		return hot + state->scanned++ % scan;
	moves = state->drifted++ / trace_knob(trace, KNOB_PERIOD);
	return hot + scan + (moves + draw_below(trace, trace_knob(trace, KNOB_DRIFT))) %
	       DRIFT_REGIONS;
}

static u64 next_access(struct trace *trace)
{
	u64 region = user_region(draw_region(trace));

	return region_access(0, region, draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define MIX_TRACE(ident, text, hot, hot_share, scan_share)				\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_HOT] = { "hot", hot, 1, 4096, "regions that are hot" },		\
		[KNOB_HOT_SHARE] = { "hot_share", hot_share, 0, 1000,			\
				     "accesses to them, of 1000" },			\
		[KNOB_SCAN] = { "scan", 400, 1, 4096, "regions that are scanned" },	\
		[KNOB_SCAN_SHARE] = { "scan_share", scan_share, 0, 1000,		\
				      "accesses to them, of 1000" },			\
		[KNOB_DRIFT] = { "drift", 16, 1, DRIFT_REGIONS, "regions that drift" },	\
		[KNOB_PERIOD] = { "period", 100, 1, 1ull << 40,				\
				  "accesses to them until one is replaced" },		\
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= mix_init,								\
	.fill	= fill,									\
}

MIX_TRACE(mix, "a hot set of 24 regions, a scan, and a drift", 24, 600, 200);
MIX_TRACE(mix_cold, "a hot set of 60 regions, not very hot, a scan, and a drift", 60, 350, 450);
