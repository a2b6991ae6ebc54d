/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An eviction policy.  The kernel's own is policy_clock.c, made of evict.h; the
 * others are rivals, each in a file of its own.
 *
 * What a policy may know is in what it implements: ->touch() and the Accessed
 * bits are what the kernel has.  A policy with ->access() sees every single
 * access, and one with @clairvoyant sees the future, to tell what there is to
 * gain; neither could be in a kernel.
 */
#ifndef EVICT_SIM_POLICY_H
#define EVICT_SIM_POLICY_H

#include "knob.h"
#include "sim.h"

struct policy;

struct policy_ops {
	const char *name;
	/* One line: the paper or the code that it follows. */
	const char *source;
	const struct knob *knobs;
	/* Needs page->next_use. */
	bool clairvoyant;

	void (*init)(struct policy *policy);
	void (*exit)(struct policy *policy);

	/*
	 * Optional: the page of this id is missing, and the next ->link() is for it.
	 * The flat model says so before the eviction that makes room for the page.
	 * The MMU evicts before it knows which pages it needs, so that it comes after.
	 */
	void (*miss)(struct policy *policy, u32 id);
	/* A page was created, by an access that ->access() doesn't report. */
	void (*link)(struct policy *policy, struct page *page);
	/* A page goes, evicted or along with another one. */
	void (*unlink)(struct policy *policy, struct page *page);
	/* Optional: a fault came across a page that had existed before. */
	void (*touch)(struct policy *policy, struct page *page);
	/* Optional: a fault has set an SPTE in the page. */
	void (*fill)(struct policy *policy, struct page *page);
	/*
	 * Optional: the page was used, by an access that didn't create it.  To
	 * clairvoyant policies, each change of page->next_use is reported.
	 */
	void (*access)(struct policy *policy, struct page *page);

	/*
	 * Evict @target pages with policy_evict().  May end early, but only once
	 * @need pages are gone, or nothing but pinned pages is left.  Returns how
	 * many went away.
	 */
	unsigned long (*evict)(struct policy *policy, unsigned long target,
			       unsigned long need);
};

struct policy {
	const struct policy_ops *ops;
	struct knobs knobs;
	struct model *model;
	void *data;
};

extern const struct policy_ops lower_bound;
extern const struct policy_ops fifo_policy, clock_policy;
extern const struct policy_ops lru_policy;
extern const struct policy_ops second_chance_policy, gclock_policy;
extern const struct policy_ops sieve_policy, clock_creation_policy, clock_fill_policy, clock_leaf_policy;
extern const struct policy_ops twoq_policy;
extern const struct policy_ops s3fifo_policy;
extern const struct policy_ops arc_policy, car_policy;
extern const struct policy_ops lirs_policy;
extern const struct policy_ops clockpro_policy;
extern const struct policy_ops mglru_policy;
extern const struct policy_ops cost_policy;
extern const struct policy_ops learned_policy;
extern const struct policy_ops belady_policy, belady_cost_policy;

/* All of them, and the one that is called @name, or NULL. */
extern const struct policy_ops * const policies[];
extern const unsigned int nr_policies;
const struct policy_ops *find_policy(const char *name);

#endif /* EVICT_SIM_POLICY_H */
