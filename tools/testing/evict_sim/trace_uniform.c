// SPDX-License-Identifier: GPL-2.0
/* Any page of any region: nothing that a policy could learn. */
#include "zoo.h"

enum { KNOB_REGIONS, KNOB_PAGES };

static void uniform_init(struct trace *trace)
{
	zoo_init(trace, 0);
}

static u64 next_access(struct trace *trace)
{
	u64 region = user_region(draw_below(trace, trace_knob(trace, KNOB_REGIONS)));

	return region_access(0, region, draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define UNIFORM_TRACE(ident, text, regions, pages)					\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_REGIONS] = { "regions", regions, 1, MAX_REGIONS, "of 2 MiB" },	\
		[KNOB_PAGES] = { "pages", pages, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= uniform_init,								\
	.fill	= fill,									\
}

UNIFORM_TRACE(uniform, "96 regions, all the same", 96, 256);
UNIFORM_TRACE(uniform_wide, "300 regions, all the same", 300, 64);
