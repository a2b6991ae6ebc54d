/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test rig of the eviction core, evict.h: a list of pages that the core
 * sweeps, and the model that has to look the same after every operation.
 *
 * The callbacks do what the MMU does, as far as the core can tell.  They watch
 * the core on the way, and end a sweep that went astray.
 */
#ifndef __KVM_X86_MMU_EVICT_RIG_H
#define __KVM_X86_MMU_EVICT_RIG_H

#include "evict_model.h"

enum place { NOWHERE, LISTED, UNLINKED };

/* The marks that the core keeps by itself. */
#define STATE_MARKS	(TOUCHED | FRESH | KEPT)

struct test_page {
	struct list_head link;
	enum place place;
	unsigned int born;
	u8 state;
	/* The other marks. */
	u8 marks;
};

struct rig {
	struct list_head list;
	struct list_head zapped;
	struct kvm_mmu_evict_clock clock;
	struct test_page page[NR_NAMES];
	unsigned int births;
	struct world world;
	/* How many pages met each verdict. */
	unsigned long seen[KVM_MMU_EVICT_FORCE + 1];
	/* Fresh pages are behind settled ones: a budget did not suffice. */
	bool mixed;
	/* The first thing to go wrong. */
	const char *wrong;

	/* From here on, set_up() clears only what has to be. */
	struct model model;
	struct text visits;
	struct text drawn;
};

struct test_sweep {
	struct kvm_mmu_evict_sweep core;
	struct rig *rig;
	unsigned long classified;
};

static void go_wrong(struct rig *rig, const char *why)
{
	if (!rig->wrong)
		rig->wrong = why;
}

static struct test_page *to_page(struct list_head *link)
{
	return container_of(link, struct test_page, link);
}

static bool is_listed(struct rig *rig, struct list_head *link)
{
	struct test_page *page = to_page(link);

	return page >= rig->page && page < rig->page + NR_NAMES &&
	       page->place == LISTED;
}

/* Leaves the list like a shadow page does, see __kvm_mmu_prepare_zap_page(). */
static int zap(struct rig *rig, struct test_page *page)
{
	struct kvm_mmu_evict_clock *clock = &rig->clock;
	bool pinned = page->marks & PINNED;

	if (page->place != LISTED)
		return 0;
	kvm_mmu_evict_unlink(clock, &page->link);
	if (!pinned)
		list_add(&page->link, &rig->zapped);
	page->place = pinned ? UNLINKED : NOWHERE;
	if (clock->hand == &page->link || clock->stop == &page->link ||
	    clock->young == &page->link) {
		go_wrong(rig, "hand, stop or young is on a page that left the list");
		clock->hand = clock->stop = clock->young = NULL;
	}
	return !pinned;
}

/* Free zapped pages; whoever looks at them from now on is in for a surprise. */
static void commit(struct rig *rig)
{
	struct test_page *page, *next;

	list_for_each_entry_safe(page, next, &rig->zapped, link) {
		list_del(&page->link);
		memset(page, 0x6b, sizeof(*page));
		page->place = NOWHERE;
	}
}

static bool is_fresh(struct list_head *link)
{
	return to_page(link)->state & FRESH;
}

static void add(struct rig *rig, int id, u8 marks)
{
	struct test_page *page = &rig->page[id];

	if (!list_empty(&rig->list) && is_fresh(rig->list.next) && !(marks & FRESH))
		rig->mixed = true;
	kvm_mmu_evict_init_page(&page->state);
	if (!(marks & FRESH))
		kvm_mmu_evict_settle_page(&page->state);
	if (marks & TOUCHED)
		kvm_mmu_evict_touch(&page->state);
	page->state |= marks & KEPT;
	page->marks = marks & ~STATE_MARKS;
	page->place = LISTED;
	page->born = ++rig->births;
	kvm_mmu_evict_link(&rig->list, &rig->clock, &page->link);
}

static bool settle(struct list_head *link)
{
	struct test_page *page = to_page(link);

	if (!kvm_mmu_evict_settle_page(&page->state))
		return false;
	page->marks &= ~ACCESSED;
	return true;
}

static enum kvm_mmu_evict_class classify(struct kvm_mmu_evict_sweep *core,
					 struct list_head *link)
{
	struct test_sweep *s = container_of(core, struct test_sweep, core);
	struct test_page *page = to_page(link);
	enum kvm_mmu_evict_class class;
	struct rig *rig = s->rig;
	int meanwhile;

	/* End a sweep that left the list or doesn't stop. */
	if (!is_listed(rig, link) || ++s->classified > 50 * NR_NAMES) {
		go_wrong(rig, "the sweep went astray");
		core->target = 0;
		return KVM_MMU_EVICT_PINNED;
	}

	if (page->marks & PINNED) {
		class = KVM_MMU_EVICT_PINNED;
	} else if (page->marks & OBSOLETE) {
		class = KVM_MMU_EVICT_OBSOLETE;
	} else {
		class = kvm_mmu_evict_meet_page(&page->state, page->marks & ACCESSED);
		page->marks &= ~ACCESSED;
		core->budget -= rig->world.cost;
	}

	meanwhile = touched_meanwhile(&rig->world, page - rig->page, s->classified);
	if (meanwhile >= 0 && rig->page[meanwhile].place == LISTED)
		kvm_mmu_evict_touch(&rig->page[meanwhile].state);
	return class;
}

static void report(struct kvm_mmu_evict_sweep *core, struct list_head *link,
		   enum kvm_mmu_evict_verdict verdict)
{
	struct rig *rig = container_of(core, struct test_sweep, core)->rig;

	rig->seen[verdict]++;
	if (is_listed(rig, link))
		put_visit(&rig->visits, "!=-#"[verdict],
			  'a' + (to_page(link) - rig->page));
}

/* The order of the signs above. */
static_assert(KVM_MMU_EVICT_SKIP == 0 && KVM_MMU_EVICT_FORCE == 3);

static unsigned long evict(struct kvm_mmu_evict_sweep *core, struct list_head *link)
{
	struct rig *rig = container_of(core, struct test_sweep, core)->rig;
	struct test_page *page = to_page(link);
	unsigned long freed = 0;
	int i;

	for (i = 0; i < NR_NAMES; i++)
		if (rig->world.drag[page - rig->page] & BIT(i))
			freed += zap(rig, &rig->page[i]);
	freed += zap(rig, page);
	if (rig->wrong)
		core->target = 0;
	return freed;
}

static const struct kvm_mmu_evict_ops loud_ops = {
	.settle = settle, .classify = classify, .report = report, .evict = evict,
};

static const struct kvm_mmu_evict_ops mute_ops = {
	.settle = settle, .classify = classify, .evict = evict,
};

/* The index of a page, or -1 if @link is nowhere. */
static int find(struct rig *rig, struct list_head *link)
{
	struct list_head *page;
	int i = 0;

	list_for_each_prev(page, &rig->list) {
		if (page == link)
			return i;
		i++;
	}
	return !link || link == &rig->list ? i : -1;
}

/* Take a picture of the real list. */
static void look(struct rig *rig, struct picture *p)
{
	const struct kvm_mmu_evict_clock *clock = &rig->clock;
	struct list_head *link;
	unsigned int born = 0;
	bool fresh = false;

	memset(p, 0, sizeof(*p));
	list_for_each_prev(link, &rig->list) {
		struct test_page *page = to_page(link);

		if (!is_listed(rig, link) || page->born <= born)
			return go_wrong(rig, "the list is not in the order of creation");
		born = page->born;
		if (fresh && !is_fresh(link) && !rig->mixed)
			return go_wrong(rig, "a page settled behind fresh ones");
		fresh = is_fresh(link);
		p->name[p->nr] = 'a' + (page - rig->page);
		p->marks[p->nr++] = page->marks | page->state;
	}
	p->hand = find(rig, clock->hand);
	p->stop = find(rig, clock->stop);
	p->young = find(rig, clock->young);
	if (p->hand < 0 || p->stop < 0 || p->young < 0)
		go_wrong(rig, "hand, stop or young is neither on the list nor on its head");
	p->number[TRUST] = clock->trust;
	p->number[BALANCE] = clock->balance;
	p->number[CREATED] = clock->created;
	p->number[LOTTERY] = clock->idle;
}

static void compare(struct rig *rig)
{
	struct picture real;

	look(rig, &real);
	if (memcmp(&real, &rig->model.now, sizeof(real)))
		go_wrong(rig, "the list differs from the model");
}

struct stock {
	long pages;
	long roots;
	/* At the head of the list. */
	long fresh;
};

static struct stock take_stock(struct rig *rig)
{
	struct stock stock = {};
	struct list_head *link;

	list_for_each(link, &rig->list) {
		if (stock.fresh == stock.pages)
			stock.fresh += is_fresh(link);
		stock.pages++;
		stock.roots += !!(to_page(link)->marks & PINNED);
	}
	return stock;
}

/*
 * What holds whatever the model says.  A sweep that isn't forced ends after two
 * laps.  A forced one evicts whatever isn't pinned at first sight, and comes
 * across a root three times at most.
 */
static void check_bounds(struct rig *rig, const struct kvm_mmu_evict_sweep *s,
			 long budget, const struct stock *before)
{
	unsigned long patience = clamp(budget, 0L, 2 * before->pages);
	struct stock after = take_stock(rig);

	if (s->scanned > patience + s->freed + 3 * before->roots)
		go_wrong(rig, "the sweep was too long");
	if (s->freed < s->target && after.pages != after.roots)
		go_wrong(rig, "the sweep gave up too early");
}

static void sweep(struct rig *rig, unsigned long target, long budget)
{
	struct kvm_mmu_evict_sweep m = {
		.target = target, .budget = budget, .pool = rig->world.size,
	};
	struct test_sweep s = { .core = m, .rig = rig };
	struct stock before = take_stock(rig);
	unsigned long freed;

	if (budget > 0 && budget < before.fresh)
		rig->mixed = true;

	if (rig->world.mute)
		freed = kvm_mmu_evict_sweep(&rig->list, &rig->clock, &mute_ops, &s.core);
	else
		freed = kvm_mmu_evict_sweep(&rig->list, &rig->clock, &loud_ops, &s.core);
	commit(rig);
	check_bounds(rig, &s.core, budget, &before);
	model_sweep(&rig->model, &rig->world, &m);

	if (s.classified != s.core.scanned)
		go_wrong(rig, "the pages scanned are not the pages classified");
	if (freed != m.freed || memcmp(&s.core, &m, sizeof(m)))
		go_wrong(rig, "a counter differs from the model");
	if (strcmp(rig->visits.buf, rig->model.visits.buf))
		go_wrong(rig, "the visits differ from the model");
}

static void mark(struct rig *rig, int id, u8 set, u8 clear)
{
	struct test_page *page = &rig->page[id];

	if (set & TOUCHED)
		kvm_mmu_evict_touch(&page->state);
	page->marks = (page->marks | (set & ~TOUCHED)) & ~clear;
	model_mark(&rig->model.now, id, set, clear);

	/* The last user of an unlinked root is gone. */
	if (page->place == UNLINKED && clear & PINNED) {
		list_add(&page->link, &rig->zapped);
		commit(rig);
	}
}

/* The page with the index @i, or the head of the list. */
static struct list_head *link_of(struct rig *rig, const struct picture *p, int i)
{
	return i < p->nr ? &rig->page[p->name[i] - 'a'].link : &rig->list;
}

/* Start over with the list in @p, and a hand never used if @unused. */
static void set_up(struct rig *rig, const struct picture *p, bool unused)
{
	struct kvm_mmu_evict_clock *clock = &rig->clock;
	int i;

	memset(rig, 0, offsetof(struct rig, model));
	INIT_LIST_HEAD(&rig->list);
	INIT_LIST_HEAD(&rig->zapped);
	clear(&rig->model.visits);
	clear(&rig->visits);
	rig->model.now = *p;
	for (i = 0; i < p->nr; i++)
		add(rig, p->name[i] - 'a', p->marks[i]);
	clock->trust = p->number[TRUST];
	clock->balance = p->number[BALANCE];
	clock->created = p->number[CREATED];
	clock->idle = p->number[LOTTERY];
	if (unused)
		return;
	clock->hand = link_of(rig, p, p->hand);
	clock->stop = link_of(rig, p, p->stop);
	clock->young = link_of(rig, p, p->young);
}

#endif /* __KVM_X86_MMU_EVICT_RIG_H */
