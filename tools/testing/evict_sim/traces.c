// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "trace.h"

const struct trace_ops * const traces[] = {
	&hot_trace, &scan_trace, &loop_trace,
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
