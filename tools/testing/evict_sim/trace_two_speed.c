// SPDX-License-Identifier: GPL-2.0
/*
 * Two halves, each walked in order: one is reused soon, and the other, to which
 * only every n-th access goes, late.
 */
#include "zoo.h"

enum { KNOB_HALF, KNOB_RATIO, KNOB_PAGES };

static void two_speed_init(struct trace *trace)
{
	zoo_init(trace, 0);
}

static u64 next_access(struct trace *trace)
{
	u64 half = trace_knob(trace, KNOB_HALF), ratio = trace_knob(trace, KNOB_RATIO);
	u64 pos = trace->pos++, slow = pos / ratio;
	u64 region = pos % ratio ? (pos - slow - 1) % half : half + slow % half;

	return region_access(0, user_region(region),
			     draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define TWO_SPEED_TRACE(ident, text, half, ratio)					\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_HALF] = { "half", half, 1, MAX_REGIONS / 2, "the regions" },	\
		[KNOB_RATIO] = { "ratio", ratio, 2, 1 << 20, "accesses to one to the slow half" }, \
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= two_speed_init,							\
	.fill	= fill,									\
}

TWO_SPEED_TRACE(two_speed, "40 regions in order, and 40 others 7 times as slow", 40, 8);
TWO_SPEED_TRACE(two_speed_wide, "150 regions in order, and 150 others 15 times as slow", 150, 16);
