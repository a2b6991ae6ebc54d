// SPDX-License-Identifier: GPL-2.0
/*
 * Objects 0 to n - 1 with log-uniform popularity, and as cheap as can be: for the
 * throughput of the flat model.  To the shadow MMU they are pages.
 */
#include "fixed.h"
#include "zoo.h"

#define TABLE_BITS	8
#define REST_BITS	(LOG_SHIFT - TABLE_BITS)
#define ENTRY_SHIFT	30

enum { KNOB_OBJECTS };

static const struct knob knobs[] = {
	[KNOB_OBJECTS] = { "objects", 1000000, 2, 1 << ENTRY_SHIFT, "different ones" },
	{}
};

struct state {
	u64 log;
	/* Powers of 2, from 1 to 2, with ENTRY_SHIFT bits behind the point. */
	u32 power[(1 << TABLE_BITS) + 1];
};

static void loguniform_init(struct trace *trace)
{
	struct state *state = zoo_init(trace, sizeof(*state));
	u32 i;

	/* Of the powers from 1 on, which are objects from 0 on, the last one, too. */
	state->log = fixed_log2(trace_knob(trace, KNOB_OBJECTS) + 1);
	for (i = 0; i < 1 << TABLE_BITS; i++)
		state->power[i] = fixed_exp2(i << REST_BITS) >> (POWER_SHIFT - ENTRY_SHIFT);
	state->power[i] = 2u << ENTRY_SHIFT;
}

/* 2 to the power of @log, rounded down; between entries of the table, linear. */
static u64 exp2_roughly(const struct state *state, u64 log)
{
	u32 i = (u32)log >> REST_BITS, rest = log & ((1 << REST_BITS) - 1);
	u64 step = state->power[i + 1] - state->power[i];

	return (state->power[i] + (step * rest >> REST_BITS)) >>
	       (ENTRY_SHIFT - (log >> LOG_SHIFT));
}

static size_t fill_loguniform(struct trace *trace, u64 *accesses, size_t nr)
{
	u64 last = trace_knob(trace, KNOB_OBJECTS) - 1;
	const struct state *state = trace->state;
	u64 random = trace->random;
	u64 object;
	size_t i;

	for (i = 0; i < nr; i++) {
		random = xorshift64(random);
		object = exp2_roughly(state, (__u128)random * state->log >> 64) - 1;
		/* A power between two entries is rounded up a little. */
		accesses[i] = object < last ? object : last;
	}
	trace->random = random;
	return nr;
}

static u64 loguniform_universe(const struct trace *trace)
{
	return trace_knob(trace, KNOB_OBJECTS);
}

const struct trace_ops loguniform_trace = {
	.name		= "loguniform",
	.help		= "objects with log-uniform popularity, for the flat model",
	.knobs		= knobs,
	.init		= loguniform_init,
	.fill		= fill_loguniform,
	.universe	= loguniform_universe,
};
