/* SPDX-License-Identifier: GPL-2.0 */
/* The trace of KVM's shadow MMU, from the kernel's ring buffer to short lines. */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <stdbool.h>
#include <stdio.h>

/* From now on events are kept; as many as the buffer takes, see ring.c. */
bool ring_start(void);
/* A line "M WORD" between the events. */
void ring_mark(const char *word);
/* No event is kept any more: print what there is, and what was lost. */
bool ring_print(FILE *out);

#endif
