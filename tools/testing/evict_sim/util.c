// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("evict_sim: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

void *xcalloc(size_t nr, size_t size)
{
	void *memory = calloc(nr ?: 1, size);

	if (!memory)
		die("out of memory: %zu objects of %zu bytes", nr, size);
	return memory;
}

void *xgrow(void *old, size_t old_nr, size_t nr, size_t size)
{
	char *memory = reallocarray(old, nr, size);

	if (!memory)
		die("out of memory: %zu objects of %zu bytes", nr, size);
	memset(memory + old_nr * size, 0, (nr - old_nr) * size);
	return memory;
}
