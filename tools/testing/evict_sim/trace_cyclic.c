// SPDX-License-Identifier: GPL-2.0
/*
 * A few regions too many for the pool, in order, again and again: what LRU and FIFO
 * are worst at.  With the tables above them and the guest's own, the defaults are
 * 2 to 14 tables more than the pool that they are meant for has.
 */
#include "zoo.h"

enum { KNOB_REGIONS, KNOB_PAGES };

static u64 next_access(struct trace *trace)
{
	u64 regions = trace_knob(trace, KNOB_REGIONS), pos = trace->pos++;

	return region_access(0, user_region(pos % regions),
			     pos / regions % trace_knob(trace, KNOB_PAGES));
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define CYCLIC_TRACE(ident, text, regions)						\
const struct trace_ops ident##_trace = {						\
	.name	= #ident,								\
	.help	= text,									\
	.knobs	= (const struct knob[]) {						\
		[KNOB_REGIONS] = { "regions", regions, 1, MAX_REGIONS, "of 2 MiB" },	\
		[KNOB_PAGES] = { "pages", 64, 1, PAGES_PER_TABLE, "of each region" },	\
		{}									\
	},										\
	.fill	= fill,									\
}

CYCLIC_TRACE(cyclic60, "60 regions in order, just too much for a pool of 64", 60);
CYCLIC_TRACE(cyclic120, "120 regions in order, just too much for a pool of 128", 120);
CYCLIC_TRACE(cyclic250, "250 regions in order, just too much for a pool of 256", 250);
CYCLIC_TRACE(cyclic1000, "1000 regions in order, just too much for a pool of 1024", 1000);
