// SPDX-License-Identifier: GPL-2.0
#include "policy_common.h"

void refs_link(struct policy *policy, struct refs *refs, struct page *page)
{
	INIT_LIST_HEAD(fresh_link(page));
	if (!policy->model->ops->born_accessed)
		return;
	kvm_mmu_evict_init_page(&page->state);
	list_add(fresh_link(page), &refs->fresh);
}

void refs_unlink(struct page *page)
{
	list_del_init(fresh_link(page));
}

void refs_touch(struct policy *policy, struct page *page)
{
	kvm_mmu_evict_touch(&page->state);
}

static struct page *first_fresh(struct refs *refs)
{
	u64 *words = (u64 *)refs->fresh.next;

	return container_of(words, struct page, private[POLICY_WORDS]);
}

void refs_settle(struct policy *policy, struct refs *refs)
{
	struct page *page;

	while (!list_empty(&refs->fresh)) {
		page = first_fresh(refs);
		refs_unlink(page);
		kvm_mmu_evict_settle_page(&page->state);
		policy_test_clear_parents(policy, page);
	}
}

void queue_init(struct policy *policy)
{
	struct queue *queue = policy->data = xcalloc(1, sizeof(*queue));

	INIT_LIST_HEAD(&queue->pages);
	refs_init(&queue->refs);
}

void queue_link(struct policy *policy, struct page *page)
{
	struct queue *queue = policy->data;

	list_add(&page->link, &queue->pages);
	refs_link(policy, &queue->refs, page);
}

void queue_unlink(struct policy *policy, struct page *page)
{
	list_del(&page->link);
	refs_unlink(page);
}

struct page *last_unpinned(struct policy *policy, struct list_head *pages)
{
	struct page *page;

	list_for_each_entry_reverse(page, pages, link) {
		policy->model->counters.scanned++;
		if (!policy_pinned(policy, page))
			return page;
	}
	return NULL;
}

unsigned long evict_picked(struct policy *policy, unsigned long target,
			   struct page *(*pick)(struct policy *policy))
{
	unsigned long freed = 0;
	struct page *page;

	while (freed < target) {
		page = pick(policy);
		if (!page)
			break;
		freed += policy_evict(policy, page);
	}
	return freed;
}
