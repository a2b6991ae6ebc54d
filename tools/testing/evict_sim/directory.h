/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache directory of a policy with ghosts: an entry for each page that is there
 * and each evicted one that is still remembered, all of them on lists.
 *
 * Everything is O(1).  Memory: 8 bytes for each id, and the entries.
 */
#ifndef EVICT_SIM_DIRECTORY_H
#define EVICT_SIM_DIRECTORY_H

#include "policy_common.h"

/* At the start of what a policy keeps about a page. */
struct entry {
	struct list_head link;
	/* NULL: a ghost. */
	struct page *page;
	u32 id;
	/* Which of the directory's lists it is on. */
	u8 list;
};

/* Where new entries are; the others belong to the policy. */
#define LIST_NEW	0
#define MAX_LISTS	5

struct directory {
	struct entry **by_id;
	size_t nr_ids;
	size_t entry_size;
	/* The head of a list is where entries come in. */
	struct list_head list[MAX_LISTS];
	unsigned long nr[MAX_LISTS];
};

void directory_init(struct directory *dir, size_t entry_size);
void directory_exit(struct directory *dir);

/* The entry of that id, or NULL. */
static inline struct entry *directory_find(const struct directory *dir, u32 id)
{
	return id < dir->nr_ids ? dir->by_id[id] : NULL;
}

/* The entry of a page, which is created if there is none, and is no ghost now. */
struct entry *directory_link(struct directory *dir, struct page *page);
void directory_forget(struct directory *dir, struct entry *entry);

/* Move an entry to the head of that list. */
void directory_move(struct directory *dir, struct entry *entry, u8 list);

/* The entry at the tail of a list, or NULL. */
static inline struct entry *directory_last(const struct directory *dir, u8 list)
{
	return list_last_entry_or_null(&dir->list[list], struct entry, link);
}

/* Forget entries of a list of ghosts, from its tail on, until @max are left. */
void directory_trim(struct directory *dir, u8 list, unsigned long max);

/* The page next to the tail of a list that can be evicted, or NULL. */
struct page *directory_victim(struct policy *policy, const struct directory *dir, u8 list);

/* The same of any list, if the policy finds none by its own rules. */
struct page *directory_any(struct policy *policy, const struct directory *dir);

#endif /* EVICT_SIM_DIRECTORY_H */
