// SPDX-License-Identifier: GPL-2.0
#include "map.h"
#include "util.h"

#define MIN_PLACES	1024

static struct map_place *find(const struct map *map, u64 key)
{
	u64 i = mix(key) & map->mask;

	while (map->places[i].number && map->places[i].key != key)
		i = (i + 1) & map->mask;
	return &map->places[i];
}

static void grow(struct map *map)
{
	struct map old = *map;
	u64 i, nr = old.places ? old.mask + 1 : 0;

	map->mask = (nr ? 2 * nr : MIN_PLACES) - 1;
	map->places = xcalloc(map->mask + 1, sizeof(*map->places));
	for (i = 0; i < nr; i++)
		if (old.places[i].number)
			*find(map, old.places[i].key) = old.places[i];
	free(old.places);
}

u32 map_number(struct map *map, u64 key)
{
	struct map_place *place;

	if (2ull * map->nr >= map->mask)
		grow(map);

	place = find(map, key);
	if (!place->number) {
		place->key = key;
		place->number = ++map->nr;
	}
	return place->number - 1;
}

void map_free(struct map *map)
{
	free(map->places);
	*map = (struct map) {};
}
