// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of the kernel: evict.h itself.  What surrounds it here is what mmu.c
 * does there: kvm_mmu_zap_idle_mmu_pages() and its callbacks.
 */
#include "policy_common.h"

enum { KNOB_BUDGET };

static const struct knob clock_knobs[] = {
	/* KVM_MMU_CLOCK_BUDGET in arch/x86/kvm/mmu.h. */
	[KNOB_BUDGET] = { "budget", 256, 0, 1u << 30, "pages and SPTEs that a sweep reads before it is forced" },
	{}
};

struct clock {
	struct list_head pages;
	struct kvm_mmu_evict_clock clock;
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
	return kvm_mmu_evict_meet_page(&page->state, accessed);
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

static void clock_link(struct policy *policy, struct page *page)
{
	struct clock *clock = policy->data;

	kvm_mmu_evict_init_page(&page->state);
	kvm_mmu_evict_link(&clock->pages, &clock->clock, &page->link);
}

static void clock_unlink(struct policy *policy, struct page *page)
{
	struct clock *clock = policy->data;

	kvm_mmu_evict_unlink(&clock->clock, &page->link);
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
		.core.pool = policy->model->max,
		.policy = policy,
	};

	sweeping = policy;
	kvm_mmu_evict_sweep(&clock->pages, &clock->clock, &evict_ops, &s.core);

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
	.link	= clock_link,
	.unlink	= clock_unlink,
	.touch	= clock_touch,
	.evict	= clock_evict,
};
