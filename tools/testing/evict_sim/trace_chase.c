// SPDX-License-Identifier: GPL-2.0
/* A pointer chase: all pages in an order that is random, but the same each time. */
#include "zoo.h"

enum { KNOB_REGIONS, KNOB_PAGES };

struct state {
	u32 node;
	/* Node n is in region n % regions. */
	u32 next[];
};

/* Sattolo's algorithm, whose permutations are a single cycle. */
static void draw_cycle(struct trace *trace, u32 *next, u32 nr)
{
	u32 i, k, tmp;

	for (i = 0; i < nr; i++)
		next[i] = i;
	for (i = nr - 1; i; i--) {
		k = draw_below(trace, i);
		tmp = next[i];
		next[i] = next[k];
		next[k] = tmp;
	}
}

static void chase_init(struct trace *trace)
{
	u32 nr = trace_knob(trace, KNOB_REGIONS) * trace_knob(trace, KNOB_PAGES);
	struct state *state = zoo_init(trace, sizeof(*state) + nr * sizeof(u32));

	draw_cycle(trace, state->next, nr);
}

static u64 next_access(struct trace *trace)
{
	u32 regions = trace_knob(trace, KNOB_REGIONS);
	struct state *state = trace->state;
	u32 node = state->node;

	state->node = state->next[node];
	return region_access(0, user_region(node % regions), node / regions);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define CHASE_TRACE(ident, text, regions, pages)					\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.held_out	= true,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_REGIONS] = { "regions", regions, 1, 1 << 16, "of 2 MiB" },	\
		[KNOB_PAGES] = { "pages", pages, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init		= chase_init,							\
	.fill		= fill,								\
}

CHASE_TRACE(chase, "a pointer chase through 160 regions", 160, 32);
CHASE_TRACE(chase_small, "a pointer chase through 70 regions", 70, 64);
CHASE_TRACE(chase_wide, "a pointer chase through 2000 regions, a few pages of each", 2000, 8);
