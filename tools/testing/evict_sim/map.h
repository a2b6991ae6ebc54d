/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers the keys that it is shown, in the order of their first appearance. */
#ifndef EVICT_SIM_MAP_H
#define EVICT_SIM_MAP_H

#include <linux/types.h>

struct map {
	/* Open addressing, a power of two of places; a free one has number 0. */
	struct map_place {
		u64 key;
		u32 number;
	} *places;
	u64 mask;
	u32 nr;
};

/* Returns 0 for the first key, 1 for the second one, and so on. */
u32 map_number(struct map *map, u64 key);
void map_free(struct map *map);

#endif /* EVICT_SIM_MAP_H */
