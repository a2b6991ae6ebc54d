/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EVICT_SIM_UTIL_H
#define EVICT_SIM_UTIL_H

#include <stdlib.h>

/* One line to stderr, then exit code 2. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Memory that is there and zero, or die(). */
void *xcalloc(size_t nr, size_t size);
/* The same for an array that grows: what is new is zero. */
void *xgrow(void *old, size_t old_nr, size_t nr, size_t size);

#endif /* EVICT_SIM_UTIL_H */
