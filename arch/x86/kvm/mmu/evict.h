/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Second-chance (clock) selection of shadow pages to evict.
 *
 * KVM keeps one shadow page per shadowed guest page table, in a pool of bounded
 * size.  When the pool runs dry, a sweep picks the pages to zap:
 *
 *	            young    stop                hand
 *	             |       |                   |
 *	             v       v                   v
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
 *	page without reference	evicted, but for one of 64 that it meets for the
 *				first time
 *
 * This is the clock of Corbato ("A Paging Experiment with the Multics System",
 * 1968), with one question of its own: where does a revolution end?
 *
 * In a ring, a new page takes the place right behind the hand.  In this list, it
 * enters at the head, and the revolution stops in front of the first page that is
 * younger than the revolution itself.  So every page has one whole revolution to
 * be referenced for the first time.  That suits a guest that moves on from one
 * set of page tables to another: the old set is evicted, not the new one.
 *
 * But when a guest uses more page tables than fit, time and again, none of them
 * is referenced in time, and all go.  Then the hand had better follow the new
 * pages, as in SIEVE (Zhang et al., NSDI '24): whatever has got old is left in
 * peace for long enough to be used again, while the others come and go.
 *
 * So let the kept pages decide, i.e. those that the hand has met before.  After
 * each revolution in which no more of them were idle than referenced, the next one
 * may go on into younger pages for twice as long.  Once more of them were idle, that
 * time drops sharply: while the hand follows new pages, a guest that has moved on
 * pays for the old ones with faults.  Every 64th page that is idle when it is met
 * for the first time is kept all the same, so that there is somebody to ask.
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
 * remaining ones, as it ignores the Accessed bits of a fresh page.  Pages that a
 * sweep has settled are young: a revolution that starts in that very sweep ends
 * in front of them.
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
 * run these lines.  The MMU protects the list, the clock, and the pages' state
 * with mmu_lock held for write.
 */
#ifndef __KVM_X86_MMU_EVICT_H
#define __KVM_X86_MMU_EVICT_H

#include <linux/list.h>
#include <linux/types.h>

/* The state of a page, one byte in the page. */
#define KVM_MMU_EVICT_TOUCHED	0x1
#define KVM_MMU_EVICT_FRESH	0x2
#define KVM_MMU_EVICT_KEPT	0x4

/* Of so many idle pages that are met for the first time, one is spared. */
#define KVM_MMU_EVICT_LOTTERY	64

/*
 * The newest pages, to which no revolution is extended: a fault creates so many at
 * most, and the guest is about to use them.
 */
#define KVM_MMU_EVICT_NEWEST	4

/*
 * How often the time for which kept pages are left in peace is doubled: up to four
 * times the creations that a pool takes.
 */
#define KVM_MMU_EVICT_MAX_TRUST	5

/* The clock of one list; all zero is the right state for an empty list. */
struct kvm_mmu_evict_clock {
	/* The next page to examine. */
	struct list_head *hand;
	/* The first page to leave for the next revolution. */
	struct list_head *stop;
	/* The oldest page that the last sweep has settled. */
	struct list_head *young;
	/* Pages created in this revolution. */
	unsigned long created;
	/* Kept pages met in this revolution, those referenced minus the others. */
	long balance;
	/* Idle pages met for the first time by sweeps that weren't forced. */
	unsigned int idle;
	/* 0: don't follow new pages, else for pool / 8 << trust creations. */
	unsigned int trust;
};

/* What a page is, returned by ->classify(). */
enum kvm_mmu_evict_class {
	KVM_MMU_EVICT_PINNED,
	KVM_MMU_EVICT_OBSOLETE,
	/* Met for the first time ... */
	KVM_MMU_EVICT_REFERENCED,
	KVM_MMU_EVICT_IDLE,
	/* ... and not for the first time. */
	KVM_MMU_EVICT_KEPT_REFERENCED,
	KVM_MMU_EVICT_KEPT_IDLE,
};

/* What becomes of it. */
enum kvm_mmu_evict_verdict {
	/* Pinned: not a candidate. */
	KVM_MMU_EVICT_SKIP,
	/* Gets a second chance. */
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
	/* In: the number of pages that the pool may have. */
	unsigned long pool;

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

/* The same for the hand, which tells what the page is, and has met it now. */
static inline enum kvm_mmu_evict_class
kvm_mmu_evict_meet_page(u8 *state, bool accessed)
{
	bool referenced = kvm_mmu_evict_test_clear_ref(state, accessed);
	bool kept = *state & KVM_MMU_EVICT_KEPT;

	*state |= KVM_MMU_EVICT_KEPT;
	if (kept)
		return referenced ? KVM_MMU_EVICT_KEPT_REFERENCED : KVM_MMU_EVICT_KEPT_IDLE;
	return referenced ? KVM_MMU_EVICT_REFERENCED : KVM_MMU_EVICT_IDLE;
}

/*
 * Every page that enters the list must do so by way of this function, as the
 * first one created during a revolution is where the revolution stops.
 */
static inline void kvm_mmu_evict_link(struct list_head *pages,
				      struct kvm_mmu_evict_clock *clock,
				      struct list_head *page)
{
	if (!clock->stop || clock->stop == pages)
		clock->stop = page;
	clock->created++;
	list_add(page, pages);
}

/*
 * Every page that leaves the list must do so by way of this function, for
 * whatever reason it leaves, as what is at the page has to move on.
 */
static inline void kvm_mmu_evict_unlink(struct kvm_mmu_evict_clock *clock,
					struct list_head *page)
{
	if (clock->hand == page)
		clock->hand = page->prev;
	if (clock->stop == page)
		clock->stop = page->prev;
	if (clock->young == page)
		clock->young = page->prev;
	list_del(page);
}

static __always_inline void
kvm_mmu_evict_settle(struct list_head *pages, struct kvm_mmu_evict_clock *clock,
		     const struct kvm_mmu_evict_ops *ops, long budget)
{
	struct list_head *page;

	clock->young = pages;
	list_for_each(page, pages) {
		if (budget-- <= 0 || !ops->settle(page))
			break;
		clock->young = page;
	}
}

static inline bool kvm_mmu_evict_is_newest(struct list_head *pages, struct list_head *page)
{
	int i;

	for (i = 0; i < KVM_MMU_EVICT_NEWEST; i++, page = page->prev)
		if (page->prev == pages)
			return true;
	return false;
}

/* Has the hand come to the end of its revolution? */
static inline bool kvm_mmu_evict_at_end(struct list_head *pages,
					struct kvm_mmu_evict_clock *clock,
					unsigned long pool)
{
	struct list_head *hand = clock->hand;

	if (!hand || hand == pages)
		return true;
	if (hand != clock->stop)
		return false;
	if (!clock->trust || clock->created >= pool / 8 << clock->trust ||
	    kvm_mmu_evict_is_newest(pages, hand))
		return true;

	clock->stop = hand->prev;
	return false;
}

static inline void kvm_mmu_evict_revolve(struct list_head *pages,
					 struct kvm_mmu_evict_clock *clock, bool force)
{
	clock->hand = pages->prev;
	clock->stop = force || clock->young == clock->hand ? pages : clock->young;

	if (clock->balance < 0)
		clock->trust /= 2;
	else if (clock->trust < KVM_MMU_EVICT_MAX_TRUST)
		clock->trust++;

	clock->balance = 0;
	clock->created = 0;
}

static __always_inline enum kvm_mmu_evict_verdict
kvm_mmu_evict_judge(struct kvm_mmu_evict_clock *clock,
		    enum kvm_mmu_evict_class class, bool force)
{
	switch (class) {
	case KVM_MMU_EVICT_PINNED:
		return KVM_MMU_EVICT_SKIP;
	case KVM_MMU_EVICT_KEPT_REFERENCED:
		clock->balance++;
		fallthrough;
	case KVM_MMU_EVICT_REFERENCED:
		return force ? KVM_MMU_EVICT_FORCE : KVM_MMU_EVICT_SPARE;
	case KVM_MMU_EVICT_IDLE:
		if (!force && !(++clock->idle % KVM_MMU_EVICT_LOTTERY))
			return KVM_MMU_EVICT_SPARE;
		break;
	case KVM_MMU_EVICT_KEPT_IDLE:
		clock->balance--;
		break;
	case KVM_MMU_EVICT_OBSOLETE:
		break;
	}
	return KVM_MMU_EVICT_TAKE;
}

/*
 * Free @sweep->target pages of the list @pages.  Returns the number of pages
 * freed, which is less than the target only if nothing but pinned pages is left.
 * No page may enter the list during a sweep.
 *
 * 1. Drop the first Accessed bits of the pages created since the last sweep.
 * 2. Start the next revolution if the hand has come to the end of this one.
 * 3. Go over to a forced sweep, or give up, if it is time to.
 * 4. Examine the page that the hand has left.  The hand is one step ahead, so
 *    that it never points to the victim, while kvm_mmu_evict_unlink() keeps it
 *    off everything that is evicted along with the victim.
 */
static __always_inline unsigned long
kvm_mmu_evict_sweep(struct list_head *pages, struct kvm_mmu_evict_clock *clock,
		    const struct kvm_mmu_evict_ops *ops,
		    struct kvm_mmu_evict_sweep *sweep)
{
	enum kvm_mmu_evict_verdict verdict;
	struct list_head *page;
	bool force = false;
	int laps = 0;

	kvm_mmu_evict_settle(pages, clock, ops, sweep->budget);

	while (sweep->freed < sweep->target && !list_empty(pages)) {
		if (kvm_mmu_evict_at_end(pages, clock, sweep->pool)) {
			kvm_mmu_evict_revolve(pages, clock, force);
			/* Where a sweep starts is no lap. */
			laps += !!sweep->scanned;
		}

		if (laps >= 2 && force)
			break;

		if (!force && (laps >= 2 || sweep->budget <= 0)) {
			force = true;
			laps = 0;
		}

		page = clock->hand;
		clock->hand = page->prev;

		sweep->budget--;
		sweep->scanned++;
		verdict = kvm_mmu_evict_judge(clock, ops->classify(sweep, page), force);
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
