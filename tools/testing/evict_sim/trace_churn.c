// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that come and go, as of a shell script: between the turns of a few
 * that stay, a new one touches its tables, and is never seen again.
 */
#include "zoo.h"

enum {
	KNOB_STAY, KNOB_SET, KNOB_QUANTUM, KNOB_CHILD_SET, KNOB_LIFE, KNOB_KERNEL,
	KNOB_SHARE, KNOB_PAGES,
};

struct state {
	/* Of those that stay; and how many others there were. */
	u64 turn, children;
	u64 left;
	bool child;
};

static void churn_init(struct trace *trace)
{
	zoo_init(trace, sizeof(struct state));
}

static void switch_process(struct trace *trace, struct state *state)
{
	state->child = !state->child;
	state->left = trace_knob(trace, state->child ? KNOB_LIFE : KNOB_QUANTUM);
	if (state->child)
		state->children++;
	else if (++state->turn >= trace_knob(trace, KNOB_STAY))
		state->turn = 0;
}

static u64 process_number(const struct trace *trace, const struct state *state)
{
	u64 stay = trace_knob(trace, KNOB_STAY);

	return state->child ? stay + state->children % (MAX_PROCESSES - stay) : state->turn;
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
		region = process_region(draw_below(trace, trace_knob(trace, state->child ?
					KNOB_CHILD_SET : KNOB_SET)));
	return region_access(process_number(trace, state), region, page);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define CHURN_TRACE(ident, text, stay, quantum, life)					\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_STAY] = { "stay", stay, 1, 1024, "processes that stay" },		\
		[KNOB_SET] = { "set", 6, 1, 1024, "regions of each of them" },		\
		[KNOB_QUANTUM] = { "quantum", quantum, 1, 1ull << 40, "accesses of their turn" }, \
		[KNOB_CHILD_SET] = { "child_set", 5, 1, 1024, "regions of each of the others" }, \
		[KNOB_LIFE] = { "life", life, 1, 1ull << 40, "accesses of each of the others" }, \
		[KNOB_KERNEL] = { "kernel", 16, 1, 1024, "regions of the kernel" },	\
		[KNOB_SHARE] = { "share", 250, 0, 1000, "accesses to them, of 1000" },	\
		[KNOB_PAGES] = { "pages", 32, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.init	= churn_init,								\
	.fill	= fill,									\
}

CHURN_TRACE(churn, "a new process after each turn of one of 3", 3, 600, 300);
CHURN_TRACE(churn_fast, "a new, short-lived process after each short turn of 1 of 6", 6, 200, 40);
