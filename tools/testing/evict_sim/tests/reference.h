/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policies of the papers once more, naively: arrays, searched from end to end,
 * written down from the pseudo code, with the papers' constants.  They share no
 * code with the simulator.
 */
#ifndef EVICT_SIM_REFERENCE_H
#define EVICT_SIM_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "objects.h"

struct reference {
	/* The policy that it is for, and the knobs that the policy needs. */
	const char *name;
	const char *knobs;
	/* Start with an empty cache.  @trace is for the clairvoyant. */
	void (*start)(unsigned int capacity, const u64 *trace, size_t nr);
	/* Access number @now of the trace is to object @x.  Returns true for a hit. */
	bool (*access)(unsigned int x, size_t now);
};

/* Ends with one without a name. */
extern const struct reference references[];

#endif /* EVICT_SIM_REFERENCE_H */
