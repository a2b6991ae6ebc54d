// SPDX-License-Identifier: GPL-2.0
/*
 * One page of each region, and few regions of each GiB: what is shadowed for one
 * access alone is a table of each level.
 */
#include "zipf.h"
#include "zoo.h"

enum { KNOB_REGIONS, KNOB_SKEW, KNOB_PER_GIB };

struct state {
	struct zipf ranks;
	u64 access_of_rank[];
};

static void sparse_init(struct trace *trace)
{
	u32 nr = trace_knob(trace, KNOB_REGIONS), per_gib = trace_knob(trace, KNOB_PER_GIB), i;
	struct state *state = zoo_init(trace, sizeof(*state) + nr * sizeof(u64));
	u32 *order = xcalloc(nr, sizeof(*order));
	u64 region;

	zipf_init(&state->ranks, nr, trace_knob(trace, KNOB_SKEW));
	draw_order(trace, order, nr);
	for (i = 0; i < nr; i++) {
		region = user_region((u64)order[i] / per_gib * REGIONS_PER_MAPPING);
		region += order[i] % per_gib;
		state->access_of_rank[i] =
			region_access(0, region, draw_below(trace, PAGES_PER_TABLE));
	}
	free(order);
}

static void sparse_exit(struct trace *trace)
{
	struct state *state = trace->state;

	zipf_free(&state->ranks);
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;

	return state->access_of_rank[zipf_draw(&state->ranks, draw(trace))];
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define SPARSE_TRACE(ident, text, regions, skew, per_gib)				\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_REGIONS] = { "regions", regions, 1, 1 << 16, "of 2 MiB" },	\
		[KNOB_SKEW] = { "skew", skew, 0, ZIPF_MAX_SKEW,				\
				"of their use, in thousandths" },			\
		[KNOB_PER_GIB] = { "per_gib", per_gib, 1, REGIONS_PER_MAPPING,		\
				   "regions of each GiB" },				\
		{}									\
	},										\
	.init	= sparse_init,								\
	.exit	= sparse_exit,								\
	.fill	= fill,									\
}

SPARSE_TRACE(sparse, "one page of each of 2000 regions, 4 in each GiB", 2000, 900, 4);
SPARSE_TRACE(sparse_wide, "one page of each of 20000 regions, 1 in each GiB", 20000, 1100, 1);
