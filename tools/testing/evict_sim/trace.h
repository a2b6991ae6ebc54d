/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A trace: memory accesses, one number each.
 *
 *	63        40 39                                        0
 *	+-----------+------------------------------------------+
 *	|  process  |  4 KiB page of its address space         |
 *	+-----------+------------------------------------------+
 *
 * To the flat model, the whole number is the name of an object.
 *
 * Traces are streams, made or read as they are used, and functions of their knobs
 * and seed alone: integers only, the same on every machine.
 */
#ifndef EVICT_SIM_TRACE_H
#define EVICT_SIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "knob.h"

#define PAGE_BITS		40
#define PAGE_MASK		((1ull << PAGE_BITS) - 1)
#define TABLE_SHIFT		9
#define PAGES_PER_TABLE		(1u << TABLE_SHIFT)

static inline u64 make_access(u64 process, u64 page)
{
	return process << PAGE_BITS | page;
}

/* Page @page of the 2 MiB region @region. */
static inline u64 region_access(u64 process, u64 region, u64 page)
{
	return make_access(process, region << TABLE_SHIFT | page);
}

struct trace;

struct trace_ops {
	const char *name;
	/* One line: what it stands for. */
	const char *help;
	const struct knob *knobs;
	/* Of the third of the zoo that isn't looked at while a policy is tuned. */
	bool held_out;

	/* Optional: allocate and fill trace->state, which is freed afterwards. */
	void (*init)(struct trace *trace);
	/* Optional: free what else there is. */
	void (*exit)(struct trace *trace);
	/* Returns how many there were, less than @nr only at the end of a file. */
	size_t (*fill)(struct trace *trace, u64 *accesses, size_t nr);
	/*
	 * Optional: all accesses are below this number, which is small enough for
	 * an array.
	 */
	u64 (*universe)(const struct trace *trace);
	/* Optional: how many accesses there are, if the trace has an end. */
	u64 (*length)(const struct trace *trace);
};

struct trace {
	const struct trace_ops *ops;
	struct knobs knobs;
	/* The state of next_random(): the seed, at first. */
	u64 random;
	/* For the trace: where it is. */
	u64 pos;
	void *state;
};

/* Marsaglia, "Xorshift RNGs", 2003: period 2^64 - 1; never 0. */
static inline u64 xorshift64(u64 x)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static inline u64 next_random(struct trace *trace)
{
	return trace->random = xorshift64(trace->random);
}

void trace_init(struct trace *trace, const struct trace_ops *ops,
		const struct knobs *knobs, u64 seed);
void trace_exit(struct trace *trace);

/* All of them, by families. */
extern const struct trace_ops hot_trace, scan_trace, loop_trace;
extern const struct trace_ops zipf600_trace, zipf800_trace, zipf1000_trace;
extern const struct trace_ops zipf1200_trace, zipf1400_trace, zipf_big_trace;
extern const struct trace_ops loguniform_trace;
extern const struct trace_ops uniform_trace, uniform_wide_trace;
extern const struct trace_ops phases_trace, phases_fast_trace, phases_new_trace;
extern const struct trace_ops drift_trace, drift_slow_trace, slide_trace;
extern const struct trace_ops drift_30_trace, drift_90_trace, drift_200_trace;
extern const struct trace_ops turn_trace, turn_wide_trace;
extern const struct trace_ops streams_trace, streams_many_trace, streams_burst_trace;
extern const struct trace_ops sparse_trace, sparse_wide_trace;
extern const struct trace_ops procs_trace, procs_many_trace;
extern const struct trace_ops procs_zipf_trace, procs_zipf_short_trace;
extern const struct trace_ops churn_trace, churn_fast_trace;
extern const struct trace_ops build_trace, build_wide_trace;
extern const struct trace_ops chase_trace, chase_small_trace, chase_wide_trace;
extern const struct trace_ops stack_trace, stack_far_trace, stack_deep_trace;
extern const struct trace_ops mix_trace, mix_cold_trace;
extern const struct trace_ops ws_scan_trace, ws_scan_big_trace;
extern const struct trace_ops cyclic60_trace, cyclic120_trace;
extern const struct trace_ops cyclic250_trace, cyclic1000_trace;
extern const struct trace_ops two_speed_trace, two_speed_wide_trace;
extern const struct trace_ops file_trace;

extern const struct trace_ops * const traces[];
extern const unsigned int nr_traces;
const struct trace_ops *find_trace(const char *name);

#endif /* EVICT_SIM_TRACE_H */
