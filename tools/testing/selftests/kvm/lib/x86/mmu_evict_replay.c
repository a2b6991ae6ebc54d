// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay the record of a VM's shadow pages through KVM's own policy core.
 *
 * What the tracepoints tell about a page when it is examined (active root,
 * generation, references) is what the core gets to know.  Which page is next,
 * what becomes of it, and when the sweep ends, is what the core has to come to
 * by itself, in the same order as KVM.  So this finds where the MMU departs from
 * the core, e.g. a page that leaves the list behind the core's back, a reference
 * that is lost or not taken away, a wrong target or budget.  What is wrong with
 * the core itself is for its KUnit tests, which have a model of their own, and for
 * what tests expect of each policy.
 *
 * FIFO is the core, too: forced from the start, with the hand put back to the
 * oldest page for every sweep, and whenever other pages go along with a victim.
 *
 * Sweeps run with mmu_lock held for write.  Thus one sweep is one piece of the
 * record, however many vCPUs there are.
 */
#include "mmu_evict.h"
#include "mmu_evict_replay.h"
#include "test_util.h"

/* What KVM doesn't tell, see arch/x86/kvm/mmu.h. */
#define MIN_FREE_PAGES	5
#define REFILL_PAGES	25
#define BUDGET		256
#define MAX_PARENTS	32

struct replay_page {
	struct list_head link;
	struct mmu_evict_event created;
	u8 state;
	/* Was an active root when it was examined. */
	bool was_root;
	/* The last sweep that has examined the page. */
	u32 sweep;
};

/* The ->settle() callback gets no context, and there is one replay at a time. */
static struct mmu_evict_replay *current;

/* The record, and where it begins that has yet to be replayed. */
static struct mmu_evict_event *events;
static u32 nr_events, pos;

/* Read all that has happened since the last time, to be able to look ahead. */
static void read_events(void)
{
	static u32 room;

	nr_events = pos = 0;
	do {
		if (nr_events == room) {
			room = room ? 2 * room : 4096;
			events = realloc(events, room * sizeof(*events));
			TEST_ASSERT(events, "realloc() failed");
		}
	} while (mmu_evict_trace_next(&events[nr_events++]));
	nr_events--;
}

static const struct mmu_evict_event *peek(void)
{
	static const struct mmu_evict_event none = { .type = NR_MMU_EVICT_EVENTS };

	return pos < nr_events ? &events[pos] : &none;
}

static const struct mmu_evict_event *take_event(void)
{
	const struct mmu_evict_event *e = &events[pos++];
	u32 i;

	current->count[e->type]++;
	for (i = 0; i < current->nr_watched; i++)
		current->seen[i][e->type] += e->gfn == current->watched[i];
	return e;
}

static bool is_verdict(const struct mmu_evict_event *e)
{
	return e->type >= MMU_EVICT_PINNED && e->type <= MMU_EVICT_FORCED;
}

static struct replay_page *page_of(struct list_head *link)
{
	return list_entry(link, struct replay_page, link);
}

static bool is_page(const struct replay_page *page, const struct mmu_evict_event *e)
{
	return page->created.gen == e->gen && !strcmp(page->created.page, e->page);
}

static struct replay_page *find_page(struct list_head *list,
				     const struct mmu_evict_event *e)
{
	struct replay_page *page;

	list_for_each_entry(page, list, link) {
		if (is_page(page, e))
			return page;
	}
	TEST_FAIL("Page isn't on the list: '%s' gen %u", e->page, e->gen);
}

/* Returns the number of pages that the zap makes available. */
static u32 zap_page(const struct mmu_evict_event *e)
{
	struct replay_page *page;

	if (e->invalid) {
		page = find_page(&current->unlinked, e);
		list_del(&page->link);
	} else {
		page = find_page(&current->pages, e);
		kvm_mmu_evict_unlink(&current->hands, &page->link);
	}

	/* An active root stays until it is out of use. */
	if (e->roots) {
		list_add(&page->link, &current->unlinked);
		return 0;
	}

	free(page);
	current->nr--;
	return 1;
}

static bool settle(struct list_head *link)
{
	return kvm_mmu_evict_settle_page(&page_of(link)->state);
}

/* Compare the references that KVM has found with those that it must know of. */
static void check_references(const struct replay_page *page,
			     const struct mmu_evict_event *e)
{
	bool retired = page->was_root && !e->roots;

	TEST_ASSERT(e->touched || !(retired || page->state & KVM_MMU_EVICT_TOUCHED),
		    "'%s' isn't touched, but was %s since its last visit", e->page,
		    retired ? "a root" : "found by a fault");
	TEST_ASSERT(e->nr_parents >= e->accessed && e->nr_parents <= MAX_PARENTS,
		    "'%s' was read through %u parents", e->page, e->nr_parents);
	TEST_ASSERT(!e->accessed || !(page->state & KVM_MMU_EVICT_FRESH),
		    "The first Accessed bit of '%s' isn't void", e->page);
	/* To touch a page takes mmu_lock, to access it takes a running vCPU. */
	TEST_ASSERT(page->sweep != current->sweeps ||
		    !(e->touched || (e->accessed && current->alone)),
		    "'%s' was spared, but has kept its reference", e->page);
}

static enum kvm_mmu_evict_class classify(struct kvm_mmu_evict_sweep *sweep,
					 struct list_head *link)
{
	const struct mmu_evict_event *e = peek();
	struct replay_page *page = page_of(link);

	TEST_ASSERT(is_verdict(e), "Sweep ends with %lu of %lu pages freed, before '%s'",
		    sweep->freed, sweep->target, page->created.page);
	TEST_ASSERT(is_page(page, e), "'%s' gen %u is next, not '%s' gen %u",
		    page->created.page, page->created.gen, e->page, e->gen);
	current->revisits += page->sweep == current->sweeps;
	if (current->clock)
		check_references(page, e);

	if (e->roots) {
		page->was_root = true;
		return KVM_MMU_EVICT_PINNED;
	}
	if (!current->clock)
		return KVM_MMU_EVICT_IDLE;
	if (page->created.gen != current->gen)
		return KVM_MMU_EVICT_OBSOLETE;

	sweep->budget -= e->nr_parents;
	current->retired_roots += page->was_root;
	page->was_root = false;
	page->sweep = current->sweeps;
	if (e->touched)
		kvm_mmu_evict_touch(&page->state);
	return kvm_mmu_evict_meet_page(&page->state, e->accessed);
}

static void report(struct kvm_mmu_evict_sweep *sweep, struct list_head *link,
		   enum kvm_mmu_evict_verdict verdict)
{
	static const enum mmu_evict_event_type types[] = {
		[KVM_MMU_EVICT_SKIP]	= MMU_EVICT_PINNED,
		[KVM_MMU_EVICT_SPARE]	= MMU_EVICT_SPARED,
		[KVM_MMU_EVICT_TAKE]	= MMU_EVICT_EVICTED,
		[KVM_MMU_EVICT_FORCE]	= MMU_EVICT_FORCED,
	};
	const struct mmu_evict_event *e = take_event();

	TEST_ASSERT(e->type == types[verdict],
		    "Verdict %d, not %d, on page %lu of a sweep, budget %ld: '%s' roots %u touched %u accessed %u",
		    e->type, types[verdict], sweep->scanned, sweep->budget, e->page,
		    e->roots, e->touched, e->accessed);
}

/*
 * Evicting a page takes its unsync descendants along, and, with nested TDP, all of
 * them.  Others may be zapped next for another reason, but not before the sweep is
 * over.
 */
static unsigned long evict(struct kvm_mmu_evict_sweep *sweep, struct list_head *link)
{
	const struct mmu_evict_event *e = peek();
	u32 freed, dragged = 0;

	TEST_ASSERT(e->type == MMU_EVICT_ZAPPED && is_page(page_of(link), e),
		    "The victim '%s' wasn't zapped", page_of(link)->created.page);

	freed = zap_page(take_event());
	for (e = peek(); e->type == MMU_EVICT_ZAPPED && (e->unsync || current->nested);
	     e = peek(), dragged++)
		freed += zap_page(take_event());

	current->dragged += dragged;
	if (!current->clock && dragged)
		current->hands.hand = NULL;
	return freed;
}

static const struct kvm_mmu_evict_ops ops = {
	.settle		= settle,
	.classify	= classify,
	.report		= report,
	.evict		= evict,
};

static void sweep_pages(u32 target)
{
	struct kvm_mmu_evict_sweep sweep = {
		.target = target,
		.budget = current->clock ? BUDGET : 0,
		.pool = current->pool,
	};

	current->sweeps++;
	if (!current->clock)
		current->hands.hand = NULL;
	kvm_mmu_evict_sweep(&current->pages, &current->hands, &ops, &sweep);
	current->longest = max_t(u32, current->longest, sweep.scanned);
}

/* A fault finds too few pages available, and sweeps until there are enough. */
static void refill_pool(void)
{
	u32 available = current->pool > current->nr ? current->pool - current->nr : 0;

	TEST_ASSERT(available < MIN_FREE_PAGES, "Sweep %s with %u pages available",
		    pos && is_verdict(&events[pos - 1]) ? "goes on" : "starts", available);
	sweep_pages(REFILL_PAGES - available);
}

static void add_page(const struct mmu_evict_event *e)
{
	struct replay_page *page = calloc(1, sizeof(*page));

	TEST_ASSERT(page, "calloc() failed");
	TEST_ASSERT(e->gen == current->gen, "New page of generation %u", e->gen);
	/* Five pages are free before a fault, which takes four at most. */
	TEST_ASSERT(current->nr < current->pool, "More pages than %u", current->pool);

	page->created = *e;
	kvm_mmu_evict_init_page(&page->state);
	kvm_mmu_evict_link(&current->pages, &current->hands, &page->link);
	current->nr++;
}

static void replay_event(void)
{
	struct replay_page *page;

	switch (peek()->type) {
	case MMU_EVICT_NEW:
		add_page(take_event());
		break;
	case MMU_EVICT_FOUND:
		page = find_page(&current->pages, take_event());
		kvm_mmu_evict_touch(&page->state);
		break;
	case MMU_EVICT_ZAPPED:
		zap_page(take_event());
		break;
	case MMU_EVICT_OBSOLETED:
		current->gen = !take_event()->gen;
		break;
	default:
		refill_pool();
		break;
	}
}

/* Start to record what happens to a VM's shadow pages, of which there are none. */
void mmu_evict_replay_start(struct mmu_evict_replay *replay, u32 pool, bool clock)
{
	memset(replay, 0, sizeof(*replay));
	replay->pool = pool;
	replay->clock = clock;
	INIT_LIST_HEAD(&replay->pages);
	INIT_LIST_HEAD(&replay->unlinked);
	mmu_evict_trace_start();
}

/* Take in all that has happened since the last time. */
void mmu_evict_replay_run(struct mmu_evict_replay *replay)
{
	current = replay;
	for (read_events(); pos < nr_events; )
		replay_event();
}

/* Resize the pool of a VM that doesn't run, and expect a sweep if it shrinks. */
void mmu_evict_replay_resize(struct mmu_evict_replay *replay, struct kvm_vm *vm, u32 pool)
{
	mmu_evict_replay_run(replay);
	mmu_evict_set_pool(vm, pool);

	read_events();
	if (current->nr > pool)
		sweep_pages(current->nr - pool);
	TEST_ASSERT(pos == nr_events, "Shrinking from %u to %u goes on", current->nr, pool);
	current->pool = max(pool, current->nr);
}

/* Count the events of the guest page table at @table apart. */
void mmu_evict_watch(struct mmu_evict_replay *replay, gpa_t table)
{
	TEST_ASSERT(replay->nr_watched < MMU_EVICT_MAX_WATCHED, "Too much to watch");
	replay->watched[replay->nr_watched++] = table >> MIN_PAGE_SHIFT;
}

/* Sum up @type of @nr page tables, in the order in which they are watched. */
u32 mmu_evict_seen(const struct mmu_evict_replay *replay, u32 first, u32 nr,
		   enum mmu_evict_event_type type)
{
	u32 i, sum = 0;

	for (i = first; i < first + nr; i++)
		sum += replay->seen[i][type];
	return sum;
}
