// SPDX-License-Identifier: GPL-2.0
#include "directory.h"

void directory_init(struct directory *dir, size_t entry_size)
{
	int i;

	dir->entry_size = entry_size;
	for (i = 0; i < MAX_LISTS; i++)
		INIT_LIST_HEAD(&dir->list[i]);
}

void directory_exit(struct directory *dir)
{
	size_t i;

	for (i = 0; i < dir->nr_ids; i++)
		free(dir->by_id[i]);
	free(dir->by_id);
}

static void grow(struct directory *dir, u32 id)
{
	size_t nr = 2 * (size_t)id + 1024;

	dir->by_id = xgrow(dir->by_id, dir->nr_ids, nr, sizeof(*dir->by_id));
	dir->nr_ids = nr;
}

struct entry *directory_link(struct directory *dir, struct page *page)
{
	struct entry *entry = directory_find(dir, page->id);

	if (!entry) {
		if (page->id >= dir->nr_ids)
			grow(dir, page->id);
		entry = dir->by_id[page->id] = xcalloc(1, dir->entry_size);
		entry->id = page->id;
		list_add(&entry->link, &dir->list[LIST_NEW]);
		dir->nr[LIST_NEW]++;
	}
	entry->page = page;
	return entry;
}

void directory_forget(struct directory *dir, struct entry *entry)
{
	list_del(&entry->link);
	dir->nr[entry->list]--;
	dir->by_id[entry->id] = NULL;
	free(entry);
}

void directory_move(struct directory *dir, struct entry *entry, u8 list)
{
	list_move(&entry->link, &dir->list[list]);
	dir->nr[entry->list]--;
	dir->nr[list]++;
	entry->list = list;
}

void directory_trim(struct directory *dir, u8 list, unsigned long max)
{
	while (dir->nr[list] > max)
		directory_forget(dir, directory_last(dir, list));
}

struct page *directory_victim(struct policy *policy, const struct directory *dir, u8 list)
{
	struct entry *entry;

	list_for_each_entry_reverse(entry, &dir->list[list], link) {
		policy->model->counters.scanned++;
		if (entry->page && !policy_pinned(policy, entry->page))
			return entry->page;
	}
	return NULL;
}

struct page *directory_any(struct policy *policy, const struct directory *dir)
{
	struct page *page = NULL;
	u8 list;

	for (list = 0; list < MAX_LISTS && !page; list++)
		page = directory_victim(policy, dir, list);
	policy->model->counters.forced += !!page;
	return page;
}
