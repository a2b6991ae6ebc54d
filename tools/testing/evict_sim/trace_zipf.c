// SPDX-License-Identifier: GPL-2.0
/*
 * Zipf's law twice: for the regions, whose addresses tell nothing of their ranks,
 * and for the pages of each region.
 */
#include "zipf.h"
#include "zoo.h"

enum { KNOB_REGIONS, KNOB_SKEW, KNOB_PAGES, KNOB_PAGE_SKEW };

struct state {
	struct zipf ranks, pages;
	u32 region_of_rank[];
};

static void zipf_trace_init(struct trace *trace)
{
	u32 regions = trace_knob(trace, KNOB_REGIONS);
	struct state *state = zoo_init(trace, sizeof(*state) + regions * sizeof(u32));

	zipf_init(&state->ranks, regions, trace_knob(trace, KNOB_SKEW));
	zipf_init(&state->pages, trace_knob(trace, KNOB_PAGES),
		  trace_knob(trace, KNOB_PAGE_SKEW));
	draw_order(trace, state->region_of_rank, regions);
}

static void zipf_trace_exit(struct trace *trace)
{
	struct state *state = trace->state;

	zipf_free(&state->ranks);
	zipf_free(&state->pages);
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	u32 rank = zipf_draw(&state->ranks, draw(trace));

	return region_access(0, user_region(state->region_of_rank[rank]),
			     zipf_draw(&state->pages, draw(trace)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define ZIPF_TRACE(ident, text, regions, skew)						\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_REGIONS] = { "regions", regions, 1, ZIPF_MAX_RANKS, "of 2 MiB" },	\
		[KNOB_SKEW] = { "skew", skew, 0, ZIPF_MAX_SKEW,				\
				"of the regions, in thousandths" },			\
		[KNOB_PAGES] = { "pages", 512, 1, PAGES_PER_TABLE, "of each region" },	\
		[KNOB_PAGE_SKEW] = { "page_skew", 800, 0, ZIPF_MAX_SKEW, "of its pages" }, \
		{}									\
	},										\
	.init	= zipf_trace_init,							\
	.exit	= zipf_trace_exit,							\
	.fill	= fill,									\
}

ZIPF_TRACE(zipf600, "512 regions by Zipf's law, almost even", 512, 600);
ZIPF_TRACE(zipf800, "512 regions by Zipf's law, less skewed", 512, 800);
ZIPF_TRACE(zipf1000, "512 regions by Zipf's law", 512, 1000);
ZIPF_TRACE(zipf1200, "1024 regions by Zipf's law, more skewed", 1024, 1200);
ZIPF_TRACE(zipf1400, "2048 regions by Zipf's law, skewed most", 2048, 1400);
ZIPF_TRACE(zipf_big, "8192 regions by Zipf's law, for a big pool", 8192, 1000);
