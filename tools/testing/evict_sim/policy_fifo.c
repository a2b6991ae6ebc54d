// SPDX-License-Identifier: GPL-2.0
/*
 * FIFO as in KVM: the oldest page goes, see kvm_mmu_zap_oldest_mmu_pages().  But for
 * nested tables, of which KVM counts a subtree that goes along as one page.
 */
#include "model.h"
#include "util.h"

struct fifo {
	struct list_head pages;
};

static void fifo_init(struct policy *policy)
{
	struct fifo *fifo = policy->data = xcalloc(1, sizeof(*fifo));

	INIT_LIST_HEAD(&fifo->pages);
}

static void fifo_link(struct policy *policy, struct page *page)
{
	struct fifo *fifo = policy->data;

	list_add(&page->link, &fifo->pages);
}

static void fifo_unlink(struct policy *policy, struct page *page)
{
	list_del(&page->link);
}

static unsigned long fifo_evict(struct policy *policy, unsigned long target,
				unsigned long need)
{
	struct fifo *fifo = policy->data;
	struct page *page, *tmp;
	unsigned long freed = 0, one;

restart:
	list_for_each_entry_safe_reverse(page, tmp, &fifo->pages, link) {
		policy->model->counters.scanned++;
		if (policy_pinned(policy, page))
			continue;
		one = policy_evict(policy, page);
		freed += one;
		if (freed >= target)
			break;
		/* The next one may have gone along. */
		if (one > 1)
			goto restart;
	}
	return freed;
}

const struct policy_ops fifo_policy = {
	.name	= "fifo",
	.source	= "kvm_mmu_zap_oldest_mmu_pages(), arch/x86/kvm/mmu/mmu.c",
	.init	= fifo_init,
	.link	= fifo_link,
	.unlink	= fifo_unlink,
	.evict	= fifo_evict,
};
