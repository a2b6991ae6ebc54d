// SPDX-License-Identifier: GPL-2.0
/*
 * A working set that moves on: from one group of regions to the next once the
 * group was walked some times (drift), or by a region at a time (slide).
 */
#include "zoo.h"

enum { KNOB_GROUP, KNOB_GROUPS, KNOB_WALKS, KNOB_TOUCHES, KNOB_PAGES };
enum { SLIDE_SET, SLIDE_REGIONS, SLIDE_PERIOD, SLIDE_PAGES };

struct state {
	u64 group, walk, region, touch;
};

static void drift_init(struct trace *trace)
{
	zoo_init(trace, sizeof(struct state));
}

/* Count @digit up to @nr.  Returns true if it starts again. */
static bool carry(u64 *digit, u64 nr)
{
	if (++*digit < nr)
		return false;
	*digit = 0;
	return true;
}

static u64 next_drift(struct trace *trace)
{
	u64 nr = trace_knob(trace, KNOB_GROUP);
	struct state *state = trace->state;
	u64 region = user_region(state->group * nr + state->region);

	if (carry(&state->touch, trace_knob(trace, KNOB_TOUCHES)) &&
	    carry(&state->region, nr) &&
	    carry(&state->walk, trace_knob(trace, KNOB_WALKS)))
		carry(&state->group, trace_knob(trace, KNOB_GROUPS));
	return region_access(0, region, draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static u64 next_slide(struct trace *trace)
{
	u64 moves = trace->pos++ / trace_knob(trace, SLIDE_PERIOD);
	u64 i = moves + draw_below(trace, trace_knob(trace, SLIDE_SET));
	u64 region = user_region(i % trace_knob(trace, SLIDE_REGIONS));

	return region_access(0, region, draw_below(trace, trace_knob(trace, SLIDE_PAGES)));
}

static size_t fill_drift(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_drift);
}

static size_t fill_slide(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_slide);
}

#define DRIFT_TRACE(ident, text, group, walks, touches, pages)				\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_GROUP] = { "group", group, 1, 1024, "regions of a group" },	\
		[KNOB_GROUPS] = { "groups", 20, 1, 1024, "which take turns" },		\
		[KNOB_WALKS] = { "walks", walks, 1, 1 << 20, "through a group" },	\
		[KNOB_TOUCHES] = { "touches", touches, 1, 1 << 20, "of a region in each walk" }, \
		[KNOB_PAGES] = { "pages", pages, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= drift_init,								\
	.fill	= fill_drift,								\
}

DRIFT_TRACE(drift, "20 groups of 16 regions, each walked 10 times", 16, 10, 8, 64);
DRIFT_TRACE(drift_slow, "20 groups of 40 regions, each walked 50 times", 40, 50, 8, 64);
/* Hard on who clings to what was hot: few accesses, and every page counts. */
DRIFT_TRACE(drift_30, "20 groups of 30 regions, a few pages of each", 30, 10, 1, 16);
DRIFT_TRACE(drift_90, "20 groups of 90 regions, a few pages of each", 90, 10, 1, 16);
DRIFT_TRACE(drift_200, "20 groups of 200 regions, 4 pages of each", 200, 10, 1, 4);

const struct trace_ops slide_trace = {
	.name	= "slide",
	.help	= "48 regions, every 500 accesses another one instead of the oldest",
	.knobs	= (const struct knob[]) {
		[SLIDE_SET] = { "set", 48, 1, MAX_REGIONS, "regions in use" },
		[SLIDE_REGIONS] = { "regions", 2000, 1, MAX_REGIONS, "that take turns" },
		[SLIDE_PERIOD] = { "period", 500, 1, 1ull << 40, "accesses until one is replaced" },
		[SLIDE_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },
		{}
	},
	.init	= drift_init,
	.fill	= fill_slide,
};
