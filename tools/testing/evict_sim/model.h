/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both models have: a pool of pages, the policy that evicts from it, and the
 * counters.
 */
#ifndef EVICT_SIM_MODEL_H
#define EVICT_SIM_MODEL_H

#include <assert.h>

#include "policy.h"
#include "trace.h"

#define MAX_LEVELS	5
#define MAX_VCPUS	8

/*
 * When what an access uses will be used again, for clairvoyant policies: the
 * position of the next access of the trace below the same table of a level, or
 * NEVER.  Level 0 is the page, or object, itself.
 */
struct future {
	u64 *next[MAX_LEVELS + 1];
};

struct model {
	const struct model_ops *ops;
	struct policy policy;
	struct counters counters;
	/* KVM's n_max_mmu_pages, and mmu_shadow_pages. */
	unsigned long max;
	unsigned long used;
	/* Evict if fewer are available: KVM_MIN_FREE_MMU_PAGES. */
	unsigned long min_free;
	/* ... until so many are: KVM_REFILL_PAGES. */
	unsigned long refill;
	/* Position in the trace. */
	u64 now;
	/* NULL: unknown. */
	const struct future *future;
};

struct model_type {
	const char *name;
	const char *help;
	const struct knob *knobs;
	struct model *(*create)(const struct knobs *knobs, const struct trace *trace,
				unsigned long max);
	/* Optional: each has a trace of its own. */
	unsigned int (*nr_vcpus)(const struct knobs *knobs);
	void (*run)(struct model *model, const u64 *accesses, size_t nr);
	/* Optional: how many faults from access @warmup on no policy can avoid. */
	u64 (*lower_bound)(struct model *model, const u64 *accesses, size_t nr,
			   size_t warmup);
	void (*destroy)(struct model *model);
};

extern const struct model_type flat_model;
extern const struct model_type mmu_model;

static inline void model_init_pool(struct model *model, unsigned long max,
				   unsigned long min_free, unsigned long refill)
{
	model->max = max;
	model->min_free = min_free;
	model->refill = refill < min_free ? min_free : refill;
}

/* As KVM's make_mmu_pages_available(). */
static inline void model_make_available(struct model *model)
{
	unsigned long available = model->max > model->used ? model->max - model->used : 0;
	struct policy *policy = &model->policy;
	unsigned long used = model->used, freed;

	if (available >= model->min_free)
		return;
	assert(available <= model->refill);
	freed = policy->ops->evict(policy, model->refill - available,
				   model->min_free - available);
	assert(freed == used - model->used);
	model->counters.flushes += !!freed;
}

/* What a policy does to a page that it has decided to evict. */
static inline unsigned long policy_evict(struct policy *policy, struct page *page)
{
	return policy->model->ops->zap(policy->model, page);
}

static inline bool policy_pinned(const struct policy *policy, const struct page *page)
{
	return policy->model->ops->pinned(page);
}

static inline bool policy_test_clear_parents(struct policy *policy, struct page *page)
{
	return policy->model->ops->test_clear_parents(policy->model, page);
}

static inline bool policy_test_clear_leaves(struct policy *policy, struct page *page)
{
	return policy->model->ops->test_clear_leaves(policy->model, page);
}

static inline u64 policy_knob(const struct policy *policy, unsigned int nr)
{
	return policy->knobs.value[nr];
}

#endif /* EVICT_SIM_MODEL_H */
