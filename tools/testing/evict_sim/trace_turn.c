// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that turns from one habit to another, and back: a hot set beside a stream
 * of regions that nobody comes back to, then a new set that fits the pool, used in
 * turn.  Whoever has learned from the first that new pages are not worth a place is
 * wrong about the second.
 */
#include "zoo.h"

enum { KNOB_HOT, KNOB_STREAM, KNOB_SET, KNOB_ROUNDS };

/* After so many regions of the stream, the hot set is used, for so many accesses. */
#define STREAMED	2
#define TOUCHED		2

struct state {
	/* Of this turn: accesses to stream and hot set, and to the new set. */
	u64 first, second;
	/* Of all turns: new regions so far, of both kinds. */
	u64 fresh;
	u64 touches;
};

static void turn_init(struct trace *trace)
{
	struct state *state = zoo_init(trace, sizeof(*state));

	/* What is new is not what another seed calls so. */
	state->fresh = draw_below(trace, MAX_REGIONS);
}

static u64 new_region(struct trace *trace, u64 nr)
{
	u64 hot = trace_knob(trace, KNOB_HOT);

	return hot + nr % (MAX_REGIONS - hot);
}

static u64 draw_region(struct trace *trace, struct state *state)
{
	u64 length = trace_knob(trace, KNOB_STREAM) * (STREAMED + TOUCHED) / STREAMED;
	u64 set = trace_knob(trace, KNOB_SET), nr;

	if (state->first < length) {
		if (state->first++ % (STREAMED + TOUCHED) >= STREAMED)
			return state->touches++ % trace_knob(trace, KNOB_HOT);
		return new_region(trace, state->fresh++);
	}
	nr = state->fresh + ++state->second % set;
	if (state->second == set * trace_knob(trace, KNOB_ROUNDS)) {
		state->first = state->second = 0;
		state->fresh += set;
	}
	return new_region(trace, nr);
}

static u64 next_access(struct trace *trace)
{
	return region_access(0, user_region(draw_region(trace, trace->state)), 0);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define TURN_TRACE(ident, text, hot, stream, set, rounds)				\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_HOT] = { "hot", hot, 1, 4096, "regions beside the stream" },	\
		[KNOB_STREAM] = { "stream", stream, 1, MAX_REGIONS, "regions, used once" }, \
		[KNOB_SET] = { "set", set, 1, 4096, "new regions, used in turn" },	\
		[KNOB_ROUNDS] = { "rounds", rounds, 1, 1 << 20, "through the new set" }, \
		{}									\
	},										\
	.init		= turn_init,							\
	.fill		= fill,								\
}

TURN_TRACE(turn, "10 regions beside a stream of 64, then 48 new ones 11 times", 10, 64, 48, 11);
TURN_TRACE(turn_wide, "77 regions beside a stream of 768, then 192 new ones 11 times", 77, 768, 192,
	   11);
