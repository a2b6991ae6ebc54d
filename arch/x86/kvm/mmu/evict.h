/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Second-chance (clock) selection of shadow pages to evict.
 *
 * KVM keeps one shadow page per shadowed guest page table, in a pool of bounded
 * size.  When the pool runs dry, a sweep picks the pages to zap:
 *
 *	                    stop                hand
 *	                     |                   |
 *	                     v                   v
 *	head <-> [ f ] <-> [ e ] <-> [ d ] <-> [ c ] <-> [ b ] <-> [ a ] <-> (head)
 *	        newest           |                               oldest
 *	     next revolution     |   this revolution, the hand moves this way <---
 *
 * The pages stay in the order of their creation; only the hand moves, from the
 * oldest page to the newest, and around to the oldest again.  It keeps its
 * place between sweeps.  What it meets decides:
 *
 *	active root		skipped, KVM cannot free it
 *	obsolete page		evicted, nobody can use it anymore
 *	referenced page		spared, and its reference is taken away
 *	page without reference	evicted
 *
 * This is the clock of Corbato ("A Paging Experiment with the Multics System",
 * 1968).  In a ring, a new page takes the place right behind the hand.  In this
 * list, it enters at the head, and the revolution stops in front of the first
 * page that is younger than the revolution itself.  So every page has one whole
 * revolution to be referenced for the first time.
 *
 * Without the stop, the hand would follow the new pages for as long as there are
 * any, as in SIEVE (Zhang et al., NSDI '24).  That suits a popularity that is
 * skewed and stable.  But when the guest moves on to other page tables, those
 * have to share the few places in front of the hand, while the stale ones behind
 * it are never looked at.
 *
 * What is a reference
 *
 * Creating a page is not a reference: the access that creates a page says
 * nothing about a second one.  There are two sources, sampled together:
 *
 *  - The TOUCHED bit, set by software when a guest fault comes across a page
 *    that existed before that fault, and when a root goes out of use.
 *  - The Accessed bits in the SPTEs that point to the page, set by the CPU when
 *    it walks through them.  The first one is void, as KVM itself sets it when
 *    linking a new page.  Hence new pages are FRESH until a sweep has dropped
 *    their first Accessed bits (the page has "settled").
 *
 * Fresh pages are a prefix of the list, so that settling them costs O(1) per
 * created page.  If there are too many for one sweep, the hand settles the
 * remaining ones, as it ignores the Accessed bits of a fresh page.
 *
 * Why a sweep is short and always ends
 *
 * Every examined page costs one unit of budget, and ->classify() charges for
 * what it reads beyond the page itself.  When the budget is spent, or after two
 * revolutions, the sweep is forced, i.e. takes every page that isn't an active
 * root: FIFO from the hand on.  Only a forced sweep may give up, after two
 * revolutions without evicting anything, and that means that only active roots
 * are left.  Giving up earlier would fail where FIFO succeeds, e.g. when running
 * vCPUs set Accessed bits as quickly as the hand clears them.
 *
 * This file knows neither struct kvm nor locks, flushes or statistics, so that
 * the MMU, the KUnit suite on any architecture and programs in userspace can all
 * run these lines.  The MMU protects the list, hand and stop, and the pages'
 * state with mmu_lock held for write.
 */
#ifndef __KVM_X86_MMU_EVICT_H
#define __KVM_X86_MMU_EVICT_H

#include <linux/list.h>
#include <linux/types.h>

/* The state of a page, one byte in the page. */
#define KVM_MMU_EVICT_TOUCHED	0x1
#define KVM_MMU_EVICT_FRESH	0x2

/* What a page is, returned by ->classify(). */
enum kvm_mmu_evict_class {
	KVM_MMU_EVICT_PINNED,
	KVM_MMU_EVICT_OBSOLETE,
	KVM_MMU_EVICT_REFERENCED,
	KVM_MMU_EVICT_IDLE,
};

/* What becomes of it. */
enum kvm_mmu_evict_verdict {
	/* Pinned: not a candidate. */
	KVM_MMU_EVICT_SKIP,
	/* Referenced: gets a second chance. */
	KVM_MMU_EVICT_SPARE,
	/* Idle or obsolete: evicted. */
	KVM_MMU_EVICT_TAKE,
	/* Referenced, but the sweep is forced: evicted. */
	KVM_MMU_EVICT_FORCE,
};

/* One sweep; callers embed it to hand their own context to the callbacks. */
struct kvm_mmu_evict_sweep {
	/* In: the number of pages to free. */
	unsigned long target;
	/* In: work allowed before the sweep is forced; forced at once if <= 0. */
	long budget;

	/* Out: pages freed, as reported by ->evict(), at times above target. */
	unsigned long freed;
	/* Out: pages examined, and how many of them were spared and forced. */
	unsigned long scanned;
	unsigned long spared;
	unsigned long forced;
};

struct kvm_mmu_evict_ops {
	/*
	 * Drop the first Accessed bits of @page if it is fresh.  Returns false
	 * if it isn't, i.e. if all pages from here on have settled.
	 */
	bool (*settle)(struct list_head *page);

	/*
	 * Tell what @page is, and take its reference away.  May charge
	 * @sweep->budget for work that isn't O(1).
	 */
	enum kvm_mmu_evict_class (*classify)(struct kvm_mmu_evict_sweep *sweep,
					     struct list_head *page);

	/* Optional: learn of a verdict, before it is carried out. */
	void (*report)(struct kvm_mmu_evict_sweep *sweep, struct list_head *page,
		       enum kvm_mmu_evict_verdict verdict);

	/*
	 * Evict @page, and any other page that has to go along with it.  Every
	 * page must leave the list by way of kvm_mmu_evict_unlink().  Returns
	 * the number of pages freed.
	 */
	unsigned long (*evict)(struct kvm_mmu_evict_sweep *sweep,
			       struct list_head *page);
};

static inline void kvm_mmu_evict_init_page(u8 *state)
{
	*state = KVM_MMU_EVICT_FRESH;
}

static inline void kvm_mmu_evict_touch(u8 *state)
{
	*state |= KVM_MMU_EVICT_TOUCHED;
}

/* Returns true if the page was fresh, i.e. if its Accessed bits are void. */
static inline bool kvm_mmu_evict_settle_page(u8 *state)
{
	bool fresh = *state & KVM_MMU_EVICT_FRESH;

	*state &= ~KVM_MMU_EVICT_FRESH;
	return fresh;
}

/*
 * Take the reference of a page away, given whether its parents' Accessed bits
 * (which the caller has cleared) were set.  Returns true if there was one.
 */
static inline bool kvm_mmu_evict_test_clear_ref(u8 *state, bool accessed)
{
	bool fresh = kvm_mmu_evict_settle_page(state);
	bool touched = *state & KVM_MMU_EVICT_TOUCHED;

	*state &= ~KVM_MMU_EVICT_TOUCHED;
	return touched || (accessed && !fresh);
}

/*
 * Every page that enters the list must do so by way of this function, as the
 * first one created during a revolution is where the revolution stops.
 */
static inline void kvm_mmu_evict_link(struct list_head *pages,
				      struct list_head **stop,
				      struct list_head *page)
{
	if (!*stop || *stop == pages)
		*stop = page;
	list_add(page, pages);
}

/*
 * Every page that leaves the list must do so by way of this function, for
 * whatever reason it leaves, as hand and stop have to move on if they are at
 * the page.
 */
static inline void kvm_mmu_evict_unlink(struct list_head **hand,
					struct list_head **stop,
					struct list_head *page)
{
	if (*hand == page)
		*hand = page->prev;
	if (*stop == page)
		*stop = page->prev;
	list_del(page);
}

static __always_inline void
kvm_mmu_evict_settle(struct list_head *pages, const struct kvm_mmu_evict_ops *ops,
		     long budget)
{
	struct list_head *page;

	list_for_each(page, pages) {
		if (budget-- <= 0 || !ops->settle(page))
			break;
	}
}

static __always_inline enum kvm_mmu_evict_verdict
kvm_mmu_evict_judge(enum kvm_mmu_evict_class class, bool force)
{
	switch (class) {
	case KVM_MMU_EVICT_PINNED:
		return KVM_MMU_EVICT_SKIP;
	case KVM_MMU_EVICT_REFERENCED:
		return force ? KVM_MMU_EVICT_FORCE : KVM_MMU_EVICT_SPARE;
	case KVM_MMU_EVICT_OBSOLETE:
	case KVM_MMU_EVICT_IDLE:
		break;
	}
	return KVM_MMU_EVICT_TAKE;
}

/*
 * Free @sweep->target pages of the list @pages.  @hand is the next page to
 * examine and @stop the first page to leave for the next revolution; both are
 * the head of the list or NULL if there is no such page, i.e. are valid when
 * zero-initialized.  Returns the number of pages freed, which is less than the
 * target only if nothing but pinned pages is left.  No page may enter the list
 * during a sweep.
 *
 * 1. Drop the first Accessed bits of the pages created since the last sweep.
 * 2. Start the next revolution if the hand has come to the end of this one.
 * 3. Go over to a forced sweep, or give up, if it is time to.
 * 4. Examine the page that the hand has left.  The hand is one step ahead, so
 *    that it never points to the victim, while kvm_mmu_evict_unlink() keeps it
 *    off everything that is evicted along with the victim.
 */
static __always_inline unsigned long
kvm_mmu_evict_sweep(struct list_head *pages, struct list_head **hand,
		    struct list_head **stop, const struct kvm_mmu_evict_ops *ops,
		    struct kvm_mmu_evict_sweep *sweep)
{
	enum kvm_mmu_evict_verdict verdict;
	struct list_head *page;
	bool force = false;
	int laps = 0;

	kvm_mmu_evict_settle(pages, ops, sweep->budget);

	while (sweep->freed < sweep->target && !list_empty(pages)) {
		if (!*hand || *hand == pages || *hand == *stop) {
			*hand = pages->prev;
			*stop = pages;
			laps += !!sweep->scanned;
		}

		if (laps >= 2 && force)
			break;

		if (!force && (laps >= 2 || sweep->budget <= 0)) {
			force = true;
			laps = 0;
		}

		page = *hand;
		*hand = page->prev;

		sweep->budget--;
		sweep->scanned++;
		verdict = kvm_mmu_evict_judge(ops->classify(sweep, page), force);
		if (ops->report)
			ops->report(sweep, page, verdict);

		switch (verdict) {
		case KVM_MMU_EVICT_SKIP:
			continue;
		case KVM_MMU_EVICT_SPARE:
			sweep->spared++;
			continue;
		case KVM_MMU_EVICT_FORCE:
			sweep->forced++;
			break;
		case KVM_MMU_EVICT_TAKE:
			break;
		}

		sweep->freed += ops->evict(sweep, page);
		if (force)
			laps = 0;
	}

	return sweep->freed;
}

#endif /* __KVM_X86_MMU_EVICT_H */
