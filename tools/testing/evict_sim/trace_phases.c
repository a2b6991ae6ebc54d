// SPDX-License-Identifier: GPL-2.0
/*
 * Phases: for some time, accesses stay in one set of regions, at random, and then
 * all of a sudden they are elsewhere, in a set that was in use before or is new.
 */
#include "zoo.h"

enum { KNOB_SET, KNOB_SETS, KNOB_PERIOD, KNOB_PAGES };

struct state {
	u64 first_region;
	u64 left;
};

static void phases_init(struct trace *trace)
{
	zoo_init(trace, sizeof(struct state));
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	u64 set = trace_knob(trace, KNOB_SET);
	u64 region;

	if (!state->left) {
		state->left = trace_knob(trace, KNOB_PERIOD);
		state->first_region = draw_below(trace, trace_knob(trace, KNOB_SETS)) * set;
	}
	state->left--;
	region = user_region(state->first_region + draw_below(trace, set));
	return region_access(0, region, draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define PHASES_TRACE(ident, text, set, sets, period)					\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.held_out	= true,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_SET] = { "set", set, 1, 1024, "regions that a phase uses" },	\
		[KNOB_SETS] = { "sets", sets, 1, 1024, "different ones" },		\
		[KNOB_PERIOD] = { "period", period, 1, 1ull << 40, "accesses of a phase" }, \
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init		= phases_init,							\
	.fill		= fill,								\
}

PHASES_TRACE(phases, "one of 8 sets of 40 regions for 20000 accesses", 40, 8, 20000);
PHASES_TRACE(phases_fast, "one of 32 sets of 40 regions for 2000 accesses", 40, 32, 2000);
PHASES_TRACE(phases_new, "100 regions, others every 10000 accesses", 100, 1024, 10000);
