// SPDX-License-Identifier: GPL-2.0
/*
 * Sequential scans side by side, each through a range of its own, again and again.
 * They start somewhere in their ranges, and one goes on for a while before the
 * next one does.
 */
#include "zoo.h"

enum { KNOB_STREAMS, KNOB_SPAN, KNOB_STRIDE, KNOB_BURST };

struct state {
	u64 stream, burst;
	/* Of each stream, in its range of pages. */
	u64 page[];
};

static u64 nr_pages(const struct trace *trace)
{
	return trace_knob(trace, KNOB_SPAN) * PAGES_PER_TABLE;
}

static void streams_init(struct trace *trace)
{
	u64 nr = trace_knob(trace, KNOB_STREAMS), stride = trace_knob(trace, KNOB_STRIDE), i;
	struct state *state = zoo_init(trace, sizeof(*state) + nr * sizeof(u64));

	for (i = 0; i < nr; i++)
		state->page[i] = draw_below(trace, nr_pages(trace)) / stride * stride;
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	u64 stream = state->stream, page = state->page[stream];
	u64 next = page + trace_knob(trace, KNOB_STRIDE);
	u64 region = stream * trace_knob(trace, KNOB_SPAN) + page / PAGES_PER_TABLE;

	state->page[stream] = next < nr_pages(trace) ? next : 0;
	if (++state->burst >= trace_knob(trace, KNOB_BURST)) {
		state->burst = 0;
		if (++state->stream == trace_knob(trace, KNOB_STREAMS))
			state->stream = 0;
	}
	return region_access(0, user_region(region), page % PAGES_PER_TABLE);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define STREAMS_TRACE(ident, text, streams, span, stride, burst)			\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_STREAMS] = { "streams", streams, 1, 1024, "side by side" },	\
		[KNOB_SPAN] = { "span", span, 1, 1024, "regions of each" },		\
		[KNOB_STRIDE] = { "stride", stride, 1, PAGES_PER_TABLE, "pages of a step" }, \
		[KNOB_BURST] = { "burst", burst, 1, 1 << 20, "accesses of one at a time" }, \
		{}									\
	},										\
	.init	= streams_init,								\
	.fill	= fill,									\
}

STREAMS_TRACE(streams, "4 scans of 64 regions each", 4, 64, 32, 1);
STREAMS_TRACE(streams_many, "24 scans of 16 regions each", 24, 16, 64, 1);
STREAMS_TRACE(streams_burst, "8 scans of 16 regions each, half a region at a time", 8, 16, 16, 16);
