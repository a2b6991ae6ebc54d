// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of the list of shadow pages, to check every decision that KVM traces.
 *
 * Knows nothing of KVM's code: the list is an array, hand and stop are indices.
 */
#include "mmu_evict.h"
#include "mmu_evict_model.h"
#include "test_util.h"

static u32 find_page(const struct mmu_evict_model *model, const char *page)
{
	u32 i;

	for (i = 0; i < model->nr && strcmp(model->pages[i], page); i++)
		;
	return i;
}

/* A page leaves the list: hand and stop move on if they are there. */
static void forget_page(struct mmu_evict_model *model, const char *page)
{
	u32 i = find_page(model, page);

	TEST_ASSERT(i < model->nr, "Zapped page isn't on the list: '%s'", page);

	model->nr--;
	memmove(model->pages[i], model->pages[i + 1],
		(model->nr - i) * sizeof(model->pages[0]));
	memmove(model->to_be_touched + i, model->to_be_touched + i + 1,
		(model->nr - i) * sizeof(model->to_be_touched[0]));
	memmove(model->was_root + i, model->was_root + i + 1,
		(model->nr - i) * sizeof(model->was_root[0]));
	if (model->hand > i)
		model->hand--;
	if (model->stop > i)
		model->stop--;
}

/* A page enters the list, behind the stop. */
static void add_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	/* Five pages are free before a fault, which takes four at most. */
	TEST_ASSERT(model->nr < model->pool, "More shadow pages than %u", model->pool);
	TEST_ASSERT(model->nr < MMU_EVICT_MAX_PAGES, "The model is too small");

	strcpy(model->pages[model->nr], e->page);
	model->was_root[model->nr] = false;
	model->to_be_touched[model->nr++] = false;
	TEST_ASSERT(e->gen == model->gen, "New page of generation %u", e->gen);
}

static enum mmu_evict_event_type verdict_on(const struct mmu_evict_model *model,
					    const struct mmu_evict_event *e)
{
	if (e->roots)
		return MMU_EVICT_PINNED;
	if (!model->clock || e->gen != model->gen || !(e->touched || e->accessed))
		return MMU_EVICT_EVICTED;
	/* Budgets are KVM's business, but force is for the rest of a sweep. */
	return model->forced ? MMU_EVICT_FORCED : MMU_EVICT_SPARED;
}

/*
 * A fault that finds fewer than 5 pages available sweeps until there are this
 * many.  Userspace that shrinks the pool wants none.
 */
static int refill(const struct mmu_evict_model *model)
{
	if (model->shrinking)
		return 0;
	if (!model->clock)
		return 25;
	return min(max(model->pool / 5, 18u), 25u);
}

/* A visit takes the touch away, unless the page is an active root. */
static void expect_touch(struct mmu_evict_model *model, u32 i,
			 const struct mmu_evict_event *e)
{
	if (e->roots) {
		model->was_root[i] = true;
		return;
	}

	TEST_ASSERT(e->touched || !(model->to_be_touched[i] || model->was_root[i]),
		    "'%s' isn't touched, but was %s since its last visit", e->page,
		    model->was_root[i] ? "a root" : "found by a fault");
	model->retired_roots += model->was_root[i];
	model->was_root[i] = false;
	model->to_be_touched[i] = false;
}

static void examine_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	int available = model->pool - model->nr;
	enum mmu_evict_event_type verdict;
	const char *page;

	TEST_ASSERT(available < (model->examined || model->shrinking ? refill(model) : 5),
		    "Sweep %s with %d pages available",
		    model->examined ? "goes on" : "starts", available);

	/* FIFO knows no revolutions. */
	if (!model->clock)
		model->stop = model->nr;
	if (model->hand == model->stop) {
		model->hand = 0;
		model->stop = model->nr;
	}
	page = model->nr ? model->pages[model->hand] : "(none)";
	TEST_ASSERT(!strcmp(page, e->page), "'%s' (%u of %u) is next, not '%s'",
		    page, model->hand, model->nr, e->page);
	if (model->clock)
		expect_touch(model, model->hand, e);
	model->hand++;

	model->longest = max(model->longest, ++model->examined);
	model->forced |= e->type == MMU_EVICT_FORCED;
	verdict = verdict_on(model, e);
	TEST_ASSERT(e->type == verdict,
		    "Verdict %d, not %d, on '%s' roots %u gen %u touched %u accessed %u",
		    e->type, verdict, e->page, e->roots, e->gen, e->touched, e->accessed);

	if (verdict == MMU_EVICT_EVICTED || verdict == MMU_EVICT_FORCED)
		strcpy(model->victim, e->page);
}

static void zap_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	/* Its root count has kept it alive, but it has left the list before. */
	if (!e->invalid)
		forget_page(model, e->page);

	/* FIFO starts over if other pages go along with a victim. */
	if (!model->clock && strcmp(model->victim, e->page))
		model->hand = 0;
	model->victim[0] = '\0';
}

/* A fault comes across a page that has lost its parent. */
static void find_and_mark(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	u32 i = find_page(model, e->page);

	TEST_ASSERT(i < model->nr, "Found page isn't on the list: '%s'", e->page);
	model->to_be_touched[i] = true;
}

static void count_event(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	u32 i;

	model->count[e->type]++;
	for (i = 0; i < model->nr_watched; i++)
		model->seen[i][e->type] += e->gfn == model->watched[i];
}

/* The end of a sweep, if there was one. */
static void end_sweep(struct mmu_evict_model *model)
{
	int available = model->pool - model->nr;

	TEST_ASSERT(!model->examined || available >= refill(model),
		    "Sweep ends with %d pages available", available);
	model->sweeps += !!model->examined;
	model->examined = 0;
	model->forced = false;
	if (!model->clock)
		model->hand = 0;
}

static void replay_event(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	TEST_ASSERT(!model->victim[0] || (e->type == MMU_EVICT_ZAPPED &&
					  !strcmp(model->victim, e->page)),
		    "The victim '%s' wasn't zapped", model->victim);

	count_event(model, e);

	switch (e->type) {
	case MMU_EVICT_ZAPPED:
		zap_page(model, e);
		return;
	case MMU_EVICT_OBSOLETED:
		model->gen = !e->gen;
		return;
	case MMU_EVICT_NEW:
	case MMU_EVICT_FOUND:
		break;
	default:
		examine_page(model, e);
		return;
	}

	end_sweep(model);
	if (e->type == MMU_EVICT_NEW)
		add_page(model, e);
	else
		find_and_mark(model, e);
}

/* Count the events of the guest page table at @table apart. */
void mmu_evict_watch(struct mmu_evict_model *model, gpa_t table)
{
	TEST_ASSERT(model->nr_watched < MMU_EVICT_MAX_PAGES, "The model is too small");
	model->watched[model->nr_watched++] = table >> MIN_PAGE_SHIFT;
}

/* Count the events of @nr page tables, in the order in which they are watched. */
u32 mmu_evict_seen(const struct mmu_evict_model *model, u32 first, u32 nr,
		   enum mmu_evict_event_type type)
{
	u32 i, sum = 0;

	for (i = first; i < first + nr; i++)
		sum += model->seen[i][type];
	return sum;
}

/* Take in all that has happened since the last time. */
void mmu_evict_replay(struct mmu_evict_model *model)
{
	struct mmu_evict_event event;

	while (mmu_evict_trace_next(&event))
		replay_event(model, &event);
}

/* Have KVM evict until there are no more than @pool pages, and take that in. */
void mmu_evict_shrink(struct mmu_evict_model *model, struct kvm_vm *vm, u32 pool)
{
	mmu_evict_replay(model);
	end_sweep(model);

	model->pool = pool;
	model->shrinking = true;
	mmu_evict_set_pool(vm, pool);
	mmu_evict_replay(model);
	end_sweep(model);
	model->shrinking = false;
}
