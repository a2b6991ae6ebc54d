// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "trace.h"

extern const struct trace_ops hot_trace, scan_trace, loop_trace;

const struct trace_ops * const traces[] = {
	&hot_trace,
	&scan_trace,
	&loop_trace,
};

const unsigned int nr_traces = sizeof(traces) / sizeof(*traces);

const struct trace_ops *find_trace(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_traces; i++)
		if (!strcmp(traces[i]->name, name))
			return traces[i];
	return NULL;
}
