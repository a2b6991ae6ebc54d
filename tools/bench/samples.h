/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks of L1's kernel, taken by a clock, from perf's ring buffer to lines. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>
#include <stdio.h>

/* From now on, a stack every @period_ns of the CPU's clock. */
bool samples_start(unsigned long period_ns);
/* A line "M WORD" between the samples. */
void samples_mark(const char *word);
/* No more of them: print what there is, and what was lost. */
bool samples_print(FILE *out);

#endif
