/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranks that follow Zipf's law: rank k, from 1 on, is drawn with a probability
 * proportional to k^-skew.  In integers: see fixed.h.
 */
#ifndef EVICT_SIM_ZIPF_H
#define EVICT_SIM_ZIPF_H

#include <linux/types.h>

/* What the table of weights has the bits for. */
#define ZIPF_MAX_RANKS	(1u << 20)
/* In thousandths; 0 makes all ranks the same. */
#define ZIPF_MAX_SKEW	2000

/*
 * Walker's alias method: as many places of the same size as there are ranks, each
 * shared by two of them.
 */
struct zipf {
	u32 nr;
	struct zipf_place {
		/* Below it, the place is its own rank's. */
		u64 keep;
		u32 other;
	} *places;
};

void zipf_init(struct zipf *zipf, u32 nr, unsigned int skew);
void zipf_free(struct zipf *zipf);

/* The rank that a random number makes, counted from 0. */
static inline u32 zipf_draw(const struct zipf *zipf, u64 random)
{
	__u128 where = (__u128)random * zipf->nr;
	u32 rank = where >> 64;

	return (u64)where < zipf->places[rank].keep ? rank : zipf->places[rank].other;
}

#endif /* EVICT_SIM_ZIPF_H */
