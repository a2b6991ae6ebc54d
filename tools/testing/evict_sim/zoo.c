// SPDX-License-Identifier: GPL-2.0
#include "zoo.h"

/* Fisher and Yates, from the inside out. */
void draw_order(struct trace *trace, u32 *numbers, u32 nr)
{
	u32 i, k;

	for (i = 0; i < nr; i++) {
		k = draw_below(trace, i + 1);
		numbers[i] = numbers[k];
		numbers[k] = i;
	}
}
