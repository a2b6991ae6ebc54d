// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of the kernel: evict.h itself.  What surrounds it here is what mmu.c
 * does there: kvm_mmu_zap_idle_mmu_pages() and its callbacks.
 */
#include "policy_common.h"

enum { KNOB_BUDGET, KNOB_RATIO, KNOB_MIN_REFILL, KNOB_MAX_REFILL };

static const struct knob clock_knobs[] = {
	/* KVM_MMU_CLOCK_BUDGET in arch/x86/kvm/mmu.h. */
	[KNOB_BUDGET]	  = { "budget", 256, 0, 1u << 30, "pages and SPTEs that a sweep reads before it is forced" },
	[KNOB_RATIO]	  = { "ratio", BATCH_RATIO, 1, 1000, "of the pool to its part that shall be available" },
	[KNOB_MIN_REFILL] = { "min_refill", BATCH_MIN_REFILL, 1, 1000, "... but at least so many pages" },
	[KNOB_MAX_REFILL] = { "max_refill", BATCH_MAX_REFILL, 1, 1u << 30, "... and at most so many" },
	{}
};

struct clock {
	struct list_head pages;
	struct list_head *hand;
	struct list_head *stop;
};

struct sim_sweep {
	struct kvm_mmu_evict_sweep core;
	struct policy *policy;
};

static struct policy *policy_of(struct kvm_mmu_evict_sweep *sweep)
{
	return container_of(sweep, struct sim_sweep, core)->policy;
}

/* Sweeps are not nested: ->settle() knows no sweep. */
static struct policy *sweeping;

static bool settle(struct list_head *link)
{
	struct page *page = to_page(link);

	if (!kvm_mmu_evict_settle_page(&page->state))
		return false;
	policy_test_clear_parents(sweeping, page);
	return true;
}

static enum kvm_mmu_evict_class classify(struct kvm_mmu_evict_sweep *sweep,
					 struct list_head *link)
{
	struct policy *policy = policy_of(sweep);
	struct page *page = to_page(link);
	u64 reads = policy->model->counters.spte_reads;
	bool accessed;

	if (policy_pinned(policy, page))
		return KVM_MMU_EVICT_PINNED;

	accessed = policy_test_clear_parents(policy, page);
	sweep->budget -= policy->model->counters.spte_reads - reads;
	if (kvm_mmu_evict_test_clear_ref(&page->state, accessed))
		return KVM_MMU_EVICT_REFERENCED;
	return KVM_MMU_EVICT_IDLE;
}

static unsigned long evict(struct kvm_mmu_evict_sweep *sweep, struct list_head *link)
{
	return policy_evict(policy_of(sweep), to_page(link));
}

static const struct kvm_mmu_evict_ops evict_ops = {
	.settle		= settle,
	.classify	= classify,
	.evict		= evict,
};

static void clock_init(struct policy *policy)
{
	struct clock *clock = policy->data = xcalloc(1, sizeof(*clock));

	INIT_LIST_HEAD(&clock->pages);
}

/* As kvm_mmu_refill_pages(). */
static unsigned long clock_refill(const struct policy *policy, unsigned long max)
{
	return batch_size(max, policy_knob(policy, KNOB_RATIO),
			  policy_knob(policy, KNOB_MIN_REFILL),
			  policy_knob(policy, KNOB_MAX_REFILL));
}

static void clock_link(struct policy *policy, struct page *page)
{
	struct clock *clock = policy->data;

	kvm_mmu_evict_init_page(&page->state);
	kvm_mmu_evict_link(&clock->pages, &clock->stop, &page->link);
}

static void clock_unlink(struct policy *policy, struct page *page)
{
	struct clock *clock = policy->data;

	kvm_mmu_evict_unlink(&clock->hand, &clock->stop, &page->link);
}

static void clock_touch(struct policy *policy, struct page *page)
{
	kvm_mmu_evict_touch(&page->state);
}

static unsigned long clock_evict(struct policy *policy, unsigned long target,
				 unsigned long need)
{
	struct clock *clock = policy->data;
	struct sim_sweep s = {
		.core.target = target,
		.core.budget = policy_knob(policy, KNOB_BUDGET),
		.policy = policy,
	};

	sweeping = policy;
	kvm_mmu_evict_sweep(&clock->pages, &clock->hand, &clock->stop, &evict_ops, &s.core);

	policy->model->counters.scanned += s.core.scanned;
	policy->model->counters.spared += s.core.spared;
	policy->model->counters.forced += s.core.forced;
	return s.core.freed;
}

const struct policy_ops clock_policy = {
	.name	= "clock",
	.source	= "arch/x86/kvm/mmu/evict.h, as kvm_mmu_zap_idle_mmu_pages() uses it",
	.knobs	= clock_knobs,
	.init	= clock_init,
	.refill	= clock_refill,
	.link	= clock_link,
	.unlink	= clock_unlink,
	.touch	= clock_touch,
	.evict	= clock_evict,
};
