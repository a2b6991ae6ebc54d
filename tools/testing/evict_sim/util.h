/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EVICT_SIM_UTIL_H
#define EVICT_SIM_UTIL_H

#include <stdlib.h>

#include <linux/compiler.h>
#include <linux/types.h>

/* One line to stderr, then exit code 2. */
void __printf(1, 2) __noreturn die(const char *fmt, ...);

/* Memory that is there and zero, or die(). */
void *xcalloc(size_t nr, size_t size);
/* The same for an array that grows: what is new is zero. */
void *xgrow(void *old, size_t old_nr, size_t nr, size_t size);

/* The finalizer of splitmix64 (Steele et al., OOPSLA '14): a number's hash. */
static inline u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

#endif /* EVICT_SIM_UTIL_H */
