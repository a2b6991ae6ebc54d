// SPDX-License-Identifier: GPL-2.0
/*
 * Made from LRU stack distances (Mattson et al., 1970): an access is to the region
 * that was the d-th but last one used, and d follows Zipf's law; or to a new
 * region, and the one at the bottom is forgotten.
 */
#include <string.h>

#include "zipf.h"
#include "zoo.h"

enum { KNOB_DEPTH, KNOB_SKEW, KNOB_NEW, KNOB_PAGES };

struct state {
	struct zipf distances;
	u64 nr_regions;
	/* The last one used is the first. */
	u32 stack[];
};

static void stack_init(struct trace *trace)
{
	u32 depth = trace_knob(trace, KNOB_DEPTH), i;
	struct state *state = zoo_init(trace, sizeof(*state) + depth * sizeof(u32));

	zipf_init(&state->distances, depth, trace_knob(trace, KNOB_SKEW));
	for (i = 0; i < depth; i++)
		state->stack[i] = i;
	state->nr_regions = depth;
}

static void stack_exit(struct trace *trace)
{
	struct state *state = trace->state;

	zipf_free(&state->distances);
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	u32 i, region;

	if (draw_below(trace, 1000) < trace_knob(trace, KNOB_NEW)) {
		i = trace_knob(trace, KNOB_DEPTH) - 1;
		region = state->nr_regions++ % MAX_REGIONS;
	} else {
		i = zipf_draw(&state->distances, draw(trace));
		region = state->stack[i];
	}
	memmove(&state->stack[1], &state->stack[0], i * sizeof(*state->stack));
	state->stack[0] = region;
	return region_access(0, user_region(region),
			     draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define STACK_TRACE(ident, text, depth, skew, fresh)					\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.held_out	= true,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_DEPTH] = { "depth", depth, 1, 4096, "of the stack, in regions" },	\
		[KNOB_SKEW] = { "skew", skew, 0, ZIPF_MAX_SKEW,				\
				"of the distances, in thousandths" },			\
		[KNOB_NEW] = { "new", fresh, 0, 1000, "accesses to new regions, of 1000" }, \
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init		= stack_init,							\
	.exit		= stack_exit,							\
	.fill		= fill,								\
}

STACK_TRACE(stack, "short LRU stack distances, at most 200", 200, 1000, 5);
STACK_TRACE(stack_far, "LRU stack distances of up to 300, almost even", 300, 500, 20);
STACK_TRACE(stack_deep, "LRU stack distances of up to 2000", 2000, 1000, 1);
