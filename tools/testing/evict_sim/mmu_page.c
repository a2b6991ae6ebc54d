// SPDX-License-Identifier: GPL-2.0
/* Shadow pages: created, found, linked, zapped. */
#include <string.h>

#include "mmu.h"

/*
 * The upper half of the address space is the guest kernel's, whose tables are the
 * same in all processes, but for the root.
 */
static u64 table_key(const struct mmu *mmu, u64 process, u64 vpn, unsigned int level)
{
	unsigned int top = mmu->levels == 3 ? 2 * TABLE_SHIFT + 1 : TABLE_SHIFT * mmu->levels - 1;

	if (level < root_level(mmu) && vpn >> top & 1)
		process = (1u << (64 - PAGE_BITS)) - 1;
	return make_access(process, vpn >> TABLE_SHIFT * level | (u64)level << (PAGE_BITS - 4));
}

u32 mmu_number(struct mmu *mmu, u64 process, u64 vpn, unsigned int level)
{
	return map_number(&mmu->map, table_key(mmu, process, vpn, level));
}

static struct sp *alloc_page(struct mmu *mmu, unsigned int level)
{
	struct list_head *free = &mmu->free[level > 1];
	struct slot *slots = NULL;
	struct sp *sp;

	if (list_empty(free)) {
		sp = xcalloc(1, sizeof(*sp));
		if (level > 1)
			sp->slots = xcalloc(SPTES_PER_PAGE, sizeof(*sp->slots));
	} else {
		/* Its slots are empty, as it was unlinked from all its children. */
		sp = list_first_entry(free, struct sp, page.link);
		list_del(&sp->page.link);
		slots = sp->slots;
		memset(sp, 0, sizeof(*sp));
		sp->slots = slots;
	}
	INIT_LIST_HEAD(&sp->parents);
	return sp;
}

struct sp *mmu_get_page(struct mmu *mmu, u64 process, u64 vpn, unsigned int level,
			bool *found, bool *before)
{
	u32 id = mmu_number(mmu, process, vpn, level);
	struct policy *policy = &mmu->model.policy;
	struct table *table;
	struct sp *sp;

	if (id >= mmu->nr_tables) {
		size_t nr = mmu->nr_tables ? 2 * mmu->nr_tables : 1024;

		mmu->tables = xgrow(mmu->tables, mmu->nr_tables, nr, sizeof(*mmu->tables));
		mmu->nr_tables = nr;
	}

	table = &mmu->tables[id];
	*found = table->sp;
	*before = table->was_shadowed;
	if (*found)
		return table->sp;

	if (policy->ops->miss)
		policy->ops->miss(policy, id);
	sp = alloc_page(mmu, level);
	sp->page.id = id;
	sp->page.level = level;
	/* What a fault creates is used at once.  Some roots never are. */
	if (level == root_level(mmu))
		sp->page.next_use = NEVER;
	table->sp = sp;
	table->was_shadowed = true;
	mmu->model.used++;
	mmu->model.counters.created++;
	policy->ops->link(policy, &sp->page);
	return sp;
}

struct table *mmu_table(struct mmu *mmu, const struct sp *sp)
{
	return &mmu->tables[sp->page.id];
}

/* As make_nonleaf_spte(), which sets the Accessed bit. */
void mmu_link(struct slot *slot, struct sp *child)
{
	slot->child = child;
	slot->accessed = true;
	list_add(&slot->sibling, &child->parents);
}

static void unlink_child(struct slot *slot)
{
	list_del(&slot->sibling);
	slot->child = NULL;
}

/*
 * As __kvm_mmu_prepare_zap_page().  Nested TDP pages take along the children that
 * have no other parent, while those of shadow paging stay, to be found again.
 */
unsigned long mmu_zap(struct model *model, struct page *page)
{
	struct mmu *mmu = to_mmu(model);
	struct sp *child, *sp = to_sp(page);
	unsigned long freed = 1;
	struct slot *slot, *tmp;
	unsigned int i;

	assert(!sp->root_count);
	for (i = 0; sp->slots && i < SPTES_PER_PAGE; i++) {
		child = sp->slots[i].child;
		if (!child)
			continue;
		unlink_child(&sp->slots[i]);
		if (mmu->nested && list_empty(&child->parents) && !child->root_count)
			freed += mmu_zap(model, &child->page);
	}
	list_for_each_entry_safe(slot, tmp, &sp->parents, sibling)
		unlink_child(slot);

	model->policy.ops->unlink(&model->policy, page);
	mmu_table(mmu, sp)->sp = NULL;
	list_add(&page->link, &mmu->free[page->level > 1]);
	model->used--;
	model->counters.zapped++;
	return freed;
}

static void free_list(struct list_head *pages)
{
	struct sp *sp, *tmp;

	list_for_each_entry_safe(sp, tmp, pages, page.link) {
		free(sp->slots);
		free(sp);
	}
}

void mmu_free_pages(struct mmu *mmu)
{
	size_t i;

	for (i = 0; i < mmu->nr_tables; i++) {
		if (!mmu->tables[i].sp)
			continue;
		free(mmu->tables[i].sp->slots);
		free(mmu->tables[i].sp);
	}
	free_list(&mmu->free[0]);
	free_list(&mmu->free[1]);
	free(mmu->tables);
	map_free(&mmu->map);
}
