// SPDX-License-Identifier: GPL-2.0
/*
 * A steady working set, and from time to time a scan through regions that nobody
 * comes back to.
 */
#include "zoo.h"

enum { KNOB_SET, KNOB_EVERY, KNOB_SCAN, KNOB_TOUCHES, KNOB_PAGES };

struct state {
	/* Accesses to the working set until the next scan; and those of a scan. */
	u64 until_scan, in_scan;
	/* Accesses of all scans. */
	u64 scanned;
};

static void ws_scan_init(struct trace *trace)
{
	struct state *state = zoo_init(trace, sizeof(*state));

	state->until_scan = trace_knob(trace, KNOB_EVERY);
}

static u64 draw_region(struct trace *trace, struct state *state)
{
	u64 set = trace_knob(trace, KNOB_SET), touches = trace_knob(trace, KNOB_TOUCHES);

	if (state->until_scan) {
		if (!--state->until_scan)
			state->in_scan = trace_knob(trace, KNOB_SCAN) * touches;
		return draw_below(trace, set);
	}
	if (!--state->in_scan)
		state->until_scan = trace_knob(trace, KNOB_EVERY);
	return set + state->scanned++ / touches % (MAX_REGIONS - set);
}

static u64 next_access(struct trace *trace)
{
	u64 region = user_region(draw_region(trace, trace->state));

	return region_access(0, region, draw_below(trace, trace_knob(trace, KNOB_PAGES)));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define WS_SCAN_TRACE(ident, text, set, every, scan, touches)				\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.held_out	= true,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_SET] = { "set", set, 1, 4096, "regions of the working set" },	\
		[KNOB_EVERY] = { "every", every, 1, 1ull << 40, "accesses, a scan" },	\
		[KNOB_SCAN] = { "scan", scan, 1, MAX_REGIONS, "regions of a scan" },	\
		[KNOB_TOUCHES] = { "touches", touches, 1, 1 << 20, "of each of them" },	\
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init		= ws_scan_init,							\
	.fill		= fill,								\
}

WS_SCAN_TRACE(ws_scan, "40 regions, and a scan of 200 every 5000 accesses", 40, 5000, 200, 1);
WS_SCAN_TRACE(ws_scan_big, "100 regions, and a scan of 500 every 20000 accesses", 100, 20000,
	      500, 4);
