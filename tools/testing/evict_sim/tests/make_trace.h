/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses of traces, for tests. */
#ifndef EVICT_SIM_MAKE_TRACE_H
#define EVICT_SIM_MAKE_TRACE_H

#include <stdlib.h>
#include <string.h>

#include "../zoo.h"
#include "ktap.h"

#define NR	100000

static u64 accesses[NR];

/* Open a trace with other values of some knobs, which are name=value words. */
static void open_trace(struct trace *trace, const struct trace_ops *ops, u64 seed,
		       const char *words)
{
	char *copy = strdup(words), *rest = copy, *word, *value;
	struct knobs knobs;

	knobs_init(&knobs, ops->knobs);
	while ((word = strsep(&rest, " "))) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		EXPECT(knobs_set(&knobs, word, value) == 1, "%s: %s=%s", ops->name, word, value);
	}
	trace_init(trace, ops, &knobs, seed);
	free(copy);
}

static void make(const struct trace_ops *ops, u64 seed, const char *words, u64 *to, size_t nr)
{
	struct trace trace;

	open_trace(&trace, ops, seed, words);
	EXPECT(ops->fill(&trace, to, nr) == nr, "%s ended", ops->name);
	trace_exit(&trace);
}

static u64 page_of(u64 access)
{
	return access & ((1ull << PAGE_BITS) - 1);
}

static bool in_kernel(u64 access)
{
	return page_of(access) >> 35 & 1;
}

#endif /* EVICT_SIM_MAKE_TRACE_H */
