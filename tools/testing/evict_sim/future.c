// SPDX-License-Identifier: GPL-2.0
#include "future.h"
#include "map.h"
#include "util.h"

/* The upper half of a guest with four levels: see table_key() in mmu_page.c. */
static bool is_shared(u64 page, unsigned int level)
{
	return level && level < 4 && page >> (4 * TABLE_SHIFT - 1) & 1;
}

/* The page or table of @level that an access uses. */
static u64 used_at(u64 access, unsigned int level)
{
	u64 process = access >> PAGE_BITS, page = access & PAGE_MASK;

	if (is_shared(page, level))
		process = ~0ull;
	return make_access(process, page >> TABLE_SHIFT * level);
}

static u64 *next_uses(const u64 *accesses, size_t nr, unsigned int level)
{
	u64 *next = xcalloc(nr, sizeof(*next));
	u64 *last = NULL;
	struct map map = {};
	size_t nr_last = 0, i;
	u32 id;

	for (i = nr; i--; ) {
		id = map_number(&map, used_at(accesses[i], level));
		if (id >= nr_last) {
			last = xgrow(last, nr_last, 2 * nr_last + 1024, sizeof(*last));
			nr_last = 2 * nr_last + 1024;
		}
		next[i] = last[id] ? last[id] - 1 : NEVER;
		last[id] = i + 1;
	}
	map_free(&map);
	free(last);
	return next;
}

void future_init(struct future *future, const u64 *accesses, size_t nr)
{
	unsigned int level;

	for (level = 0; level <= MAX_LEVELS; level++)
		future->next[level] = next_uses(accesses, nr, level);
}

void future_free(struct future *future)
{
	unsigned int level;

	for (level = 0; level <= MAX_LEVELS; level++)
		free(future->next[level]);
}
