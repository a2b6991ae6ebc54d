// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that take turns, or are chosen by Zipf's law.  Each has some regions
 * of its own, and a part of the accesses is to the kernel, which they share.
 */
#include "zipf.h"
#include "zoo.h"

enum {
	KNOB_PROCESSES, KNOB_SKEW, KNOB_QUANTUM, KNOB_SET, KNOB_KERNEL, KNOB_SHARE, KNOB_PAGES,
};

struct state {
	struct zipf ranks;
	u64 process;
	/* Accesses until the next switch. */
	u64 left;
};

static void processes_init(struct trace *trace)
{
	struct state *state = zoo_init(trace, sizeof(*state));

	zipf_init(&state->ranks, trace_knob(trace, KNOB_PROCESSES),
		  trace_knob(trace, KNOB_SKEW));
}

static void processes_exit(struct trace *trace)
{
	struct state *state = trace->state;

	zipf_free(&state->ranks);
}

static void switch_process(struct trace *trace, struct state *state)
{
	state->left = trace_knob(trace, KNOB_QUANTUM);
	if (trace_knob(trace, KNOB_SKEW))
		state->process = zipf_draw(&state->ranks, draw(trace));
	else if (++state->process >= trace_knob(trace, KNOB_PROCESSES))
		state->process = 0;
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	u64 page, region;

	if (!state->left)
		switch_process(trace, state);
	state->left--;

	page = draw_below(trace, trace_knob(trace, KNOB_PAGES));
	if (draw_below(trace, 1000) < trace_knob(trace, KNOB_SHARE))
		region = kernel_region(draw_below(trace, trace_knob(trace, KNOB_KERNEL)));
	else
		region = process_region(draw_below(trace, trace_knob(trace, KNOB_SET)));
	return region_access(state->process, region, page);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define PROCESSES_TRACE(ident, text, processes, skew, quantum, set)			\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_PROCESSES] = { "processes", processes, 1, 1 << 16, "in all" },	\
		[KNOB_SKEW] = { "skew", skew, 0, ZIPF_MAX_SKEW,				\
				"of their choice, in thousandths; 0: they take turns" }, \
		[KNOB_QUANTUM] = { "quantum", quantum, 1, 1ull << 40, "accesses of a turn" }, \
		[KNOB_SET] = { "set", set, 1, 1024, "regions of each" },		\
		[KNOB_KERNEL] = { "kernel", 16, 1, 1024, "regions of the kernel" },	\
		[KNOB_SHARE] = { "share", 200, 0, 1000, "accesses to them, of 1000" },	\
		[KNOB_PAGES] = { "pages", 32, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= processes_init,							\
	.exit	= processes_exit,							\
	.fill	= fill,									\
}

PROCESSES_TRACE(procs, "6 processes take turns", 6, 0, 500, 8);
PROCESSES_TRACE(procs_many, "40 processes take turns, short ones", 40, 0, 100, 6);
PROCESSES_TRACE(procs_zipf, "40 processes by Zipf's law", 40, 1000, 500, 8);
PROCESSES_TRACE(procs_zipf_short, "200 processes by Zipf's law, short turns", 200, 1200, 50, 6);
