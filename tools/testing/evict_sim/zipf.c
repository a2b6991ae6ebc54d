// SPDX-License-Identifier: GPL-2.0
#include "fixed.h"
#include "util.h"
#include "zipf.h"

/* The weight of the first rank: the sum of all, times their number, is in a u64. */
#define WEIGHT_SHIFT	40

/* 2^WEIGHT_SHIFT times @rank^-@skew, and at least 1. */
static u64 weight_of(u32 rank, unsigned int skew)
{
	u64 log = fixed_log2(rank) * skew / 1000;
	u64 all = (u64)WEIGHT_SHIFT << LOG_SHIFT;
	unsigned int exponent;

	if (log >= all)
		return 1;
	exponent = (all - log) >> LOG_SHIFT;
	return fixed_exp2(all - log) >> (POWER_SHIFT - exponent);
}

/*
 * A weight below the average leaves room in its place, and one above it fills it,
 * and may be below the average afterwards.
 */
static void share_places(struct zipf *zipf, u64 *weight, u64 average)
{
	u32 *work = xcalloc(zipf->nr, sizeof(*work));
	u32 nr_below = 0, above = zipf->nr, low, high, i;

	for (i = 0; i < zipf->nr; i++) {
		zipf->places[i] = (struct zipf_place) { .keep = UINT64_MAX, .other = i };
		if (weight[i] < average)
			work[nr_below++] = i;
		else
			work[--above] = i;
	}

	while (nr_below && above < zipf->nr) {
		low = work[--nr_below];
		high = work[above];
		zipf->places[low].keep = ((__u128)weight[low] << 64) / average;
		zipf->places[low].other = high;
		weight[high] -= average - weight[low];
		if (weight[high] < average) {
			above++;
			work[nr_below++] = high;
		}
	}
	free(work);
}

void zipf_init(struct zipf *zipf, u32 nr, unsigned int skew)
{
	u64 *weight = xcalloc(nr, sizeof(*weight));
	u64 sum = 0;
	u32 i;

	zipf->nr = nr;
	zipf->places = xcalloc(nr, sizeof(*zipf->places));
	for (i = 0; i < nr; i++) {
		weight[i] = weight_of(i + 1, skew);
		sum += weight[i];
		/* In units in which the average is the sum. */
		weight[i] *= nr;
	}
	share_places(zipf, weight, sum);
	free(weight);
}

void zipf_free(struct zipf *zipf)
{
	free(zipf->places);
}
