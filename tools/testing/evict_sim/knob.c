// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "knob.h"

void knobs_init(struct knobs *knobs, const struct knob *table)
{
	unsigned int i;

	knobs->table = table;
	knobs->text[0] = '\0';
	for (i = 0; table && table[i].name; i++)
		knobs->value[i] = table[i].value;
}

static int set_text(struct knobs *knobs, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > MAX_TEXT)
		return -1;
	memcpy(knobs->text, text, size);
	return 1;
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
		if (table[i].text)
			return set_text(knobs, text);
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
