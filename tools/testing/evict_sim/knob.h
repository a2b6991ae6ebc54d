/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, and at most one text, that a job may set: each trace, model and policy
 * declares its own, with a default, so that `evict_sim list` can tell and a misspelt
 * one is an error.
 */
#ifndef EVICT_SIM_KNOB_H
#define EVICT_SIM_KNOB_H

#include <stdbool.h>

#include <linux/types.h>

#define MAX_KNOBS	12
#define MAX_TEXT	256

struct knob {
	const char *name;
	u64 value;
	u64 min;
	u64 max;
	const char *help;
	/* Takes any text, and ends up in knobs->text. */
	bool text;
};

/* The values of one user of a table of knobs, in the order of the table. */
struct knobs {
	/* Ends with an entry without a name; NULL: no knobs at all. */
	const struct knob *table;
	u64 value[MAX_KNOBS];
	/* Empty unless it was set. */
	char text[MAX_TEXT];
};

void knobs_init(struct knobs *knobs, const struct knob *table);

/*
 * Returns 1 if there is a knob of that name and it takes @text, 0 if there is
 * none, and -1 if the text is no number in its range, or too long.
 */
int knobs_set(struct knobs *knobs, const char *name, const char *text);

#endif /* EVICT_SIM_KNOB_H */
