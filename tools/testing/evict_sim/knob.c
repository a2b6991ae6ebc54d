// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "knob.h"

void knobs_init(struct knobs *knobs, const struct knob *table)
{
	unsigned int i;

	knobs->table = table;
	for (i = 0; table && table[i].name; i++)
		knobs->value[i] = table[i].value;
}

int knobs_set(struct knobs *knobs, const char *name, const char *text)
{
	const struct knob *table = knobs->table;
	unsigned int i;
	char *end;
	u64 value;

	for (i = 0; table && table[i].name; i++) {
		if (strcmp(table[i].name, name))
			continue;
		errno = 0;
		value = strtoull(text, &end, 0);
		if (errno || end == text || *end || *text == '-' ||
		    value < table[i].min || value > table[i].max)
			return -1;
		knobs->value[i] = value;
		return 1;
	}
	return 0;
}
