// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "trace.h"

const struct trace_ops * const traces[] = {
	&hot_trace, &scan_trace, &loop_trace,
	&zipf600_trace, &zipf800_trace, &zipf1000_trace,
	&zipf1200_trace, &zipf1400_trace, &zipf_big_trace,
	&loguniform_trace,
	&uniform_trace, &uniform_wide_trace,
	&phases_trace, &phases_fast_trace, &phases_new_trace,
	&drift_trace, &drift_slow_trace, &drift_30_trace, &drift_90_trace, &drift_200_trace,
	&turn_trace, &turn_wide_trace,
	&slide_trace,
	&streams_trace, &streams_many_trace, &streams_burst_trace,
	&sparse_trace, &sparse_wide_trace,
	&procs_trace, &procs_many_trace, &procs_zipf_trace, &procs_zipf_short_trace,
	&churn_trace, &churn_fast_trace,
	&build_trace, &build_wide_trace,
	&chase_trace, &chase_small_trace, &chase_wide_trace,
	&stack_trace, &stack_far_trace, &stack_deep_trace,
	&mix_trace, &mix_cold_trace,
	&ws_scan_trace, &ws_scan_big_trace,
	&cyclic60_trace, &cyclic120_trace, &cyclic250_trace, &cyclic1000_trace,
	&two_speed_trace, &two_speed_wide_trace,
	&file_trace,
};

const unsigned int nr_traces = sizeof(traces) / sizeof(*traces);

void trace_init(struct trace *trace, const struct trace_ops *ops,
		const struct knobs *knobs, u64 seed)
{
	*trace = (struct trace) { .ops = ops, .knobs = *knobs, .random = seed };
	if (ops->init)
		ops->init(trace);
}

void trace_exit(struct trace *trace)
{
	if (trace->ops->exit)
		trace->ops->exit(trace);
	free(trace->state);
}

const struct trace_ops *find_trace(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_traces; i++)
		if (!strcmp(traces[i]->name, name))
			return traces[i];
	return NULL;
}
