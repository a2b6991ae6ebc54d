// SPDX-License-Identifier: GPL-2.0
/*
 * A model of KVM's shadow MMU: accesses, faults, and the pool.
 *
 * What is in it: tables of three to five levels, orphans that the hash finds
 * again, links that have to be made again, the prefetch of SPTEs, roots that are
 * pinned, several processes and vCPUs, Accessed bits, and the guest's own code and
 * stack, which every entry to the guest needs.  What is not: guest writes to page
 * tables, i.e. write protection and unsync pages, huge pages, the host's memory
 * management, and time.
 */
#include <string.h>

#include "bound.h"
#include "mmu.h"

enum {
	KNOB_LEVELS, KNOB_VCPUS, KNOB_NESTED, KNOB_PREFETCH, KNOB_TLB, KNOB_FLUSH,
	KNOB_OWN, KNOB_MIN_FREE, KNOB_REFILL,
};

static const struct knob mmu_knobs[] = {
	[KNOB_LEVELS]	= { "levels", 4, 3, 5, "of page tables; 3 is PAE" },
	[KNOB_VCPUS]	= { "vcpus", 1, 1, MAX_VCPUS, "vCPUs, which take turns" },
	[KNOB_NESTED]	= { "nested", 0, 0, 1, "shadow the TDP of a nested guest: children go along" },
	[KNOB_PREFETCH]	= { "prefetch", 1, 0, 1, "set neighbouring SPTEs, too" },
	[KNOB_TLB]	= { "tlb", 0, 0, MAX_TLB, "tables whose Accessed bits it hides; 0: none" },
	[KNOB_FLUSH]	= { "flush", 1, 0, 1, "let each sweep flush the TLB" },
	[KNOB_OWN]	= { "own", 3, 0, 3, "the guest's own pages: code, data, stack" },
	[KNOB_MIN_FREE]	= { "min_free", 5, 1, 1000, "evict if fewer pages are available" },
	[KNOB_REFILL]	= { "refill", 25, 1, 1000, "... until so many are: KVM_REFILL_PAGES" },
	{}
};

/* Where mmu_evict_perf_test has them; the first two share a table. */
static const u64 own_pages[] = { 0x404, 0x449, 0xaba };

/* KVM_MMU_CLOCK_MAX_PARENTS. */
#define MAX_PARENTS	32

static bool mmu_pinned(const struct page *page)
{
	return to_sp(page)->root_count;
}

/* Of those that were linked last, as kvm_mmu_test_clear_parents_accessed(). */
static bool mmu_test_clear_parents(struct model *model, struct page *page)
{
	unsigned int left = MAX_PARENTS;
	bool accessed = false;
	struct slot *slot;

	list_for_each_entry(slot, &to_sp(page)->parents, sibling) {
		if (!left--)
			break;
		model->counters.spte_reads++;
		accessed |= slot->accessed;
		slot->accessed = false;
	}
	return accessed;
}

static bool mmu_test_clear_leaves(struct model *model, struct page *page)
{
	struct bits *bits = &to_sp(page)->accessed;
	bool accessed = false;
	unsigned int i;

	model->counters.spte_reads += SPTES_PER_PAGE;
	for (i = 0; i < WORDS_PER_PAGE; i++) {
		accessed |= bits->word[i];
		bits->word[i] = 0;
	}
	return accessed;
}

static unsigned int mmu_nr_present(const struct page *page)
{
	const struct sp *sp = to_sp(page);
	unsigned int i, nr = 0;

	for (i = 0; !sp->slots && i < WORDS_PER_PAGE; i++)
		nr += __builtin_popcountll(sp->present.word[i]);
	for (i = 0; sp->slots && i < SPTES_PER_PAGE; i++)
		nr += !!sp->slots[i].child;
	return nr;
}

static const struct model_ops mmu_ops = {
	.born_accessed		= true,
	.pinned			= mmu_pinned,
	.test_clear_parents	= mmu_test_clear_parents,
	.test_clear_leaves	= mmu_test_clear_leaves,
	.nr_present		= mmu_nr_present,
	.zap			= mmu_zap,
};

static void flush_tlbs(struct mmu *mmu)
{
	unsigned int i;

	for (i = 0; mmu->tlb && i < mmu->nr_vcpus; i++)
		memset(mmu->vcpu[i].tlb, 0, sizeof(mmu->vcpu[i].tlb));
}

/* Does the TLB hide this access from the Accessed bits in parents? */
static bool tlb_hides(struct mmu *mmu, struct vcpu *vcpu, u64 vpn)
{
	u64 table = (vpn >> TABLE_SHIFT) + 1;
	u64 *entry;

	if (!mmu->tlb)
		return false;

	entry = &vcpu->tlb[table % mmu->tlb];
	if (*entry == table)
		return true;
	*entry = table;
	return false;
}

/* An access of the trace, the same again after a fault, or one to an own page. */
enum walk { FIRST, AGAIN, OWN };

static void report_use(struct model *model, struct page *page)
{
	if (model->policy.ops->access)
		model->policy.ops->access(&model->policy, page);
}

static void set_next_use(struct model *model, struct page *page, u64 next_use)
{
	page->next_use = next_use;
	report_use(model, page);
}

/* After an access has found all it needs. */
static void use_path(struct mmu *mmu, struct sp **path, enum walk kind)
{
	struct model *model = &mmu->model;
	unsigned int level;

	if (model->future) {
		for (level = root_level(mmu); level; level--)
			set_next_use(model, &path[level]->page, kind == OWN ? model->now + 1 :
				     model->future->next[level][model->now]);
	} else if (kind != AGAIN) {
		/* Else the fault has, for those that it found. */
		for (level = root_level(mmu) - 1; level; level--)
			report_use(model, &path[level]->page);
	}
}

/* Walk as the CPU does.  Returns false if something is missing on the way. */
static bool walk(struct mmu *mmu, struct vcpu *vcpu, u64 vpn, enum walk kind)
{
	struct sp *path[MAX_LEVELS + 1];
	struct sp *sp = vcpu->roots[0].sp[root_index(mmu, vpn)];
	bool hidden = tlb_hides(mmu, vcpu, vpn);
	unsigned int level, top = root_level(mmu);
	unsigned int i = spte_index(vpn, 1);

	path[top] = sp;
	for (level = top; level > 1; level--) {
		struct slot *slot = &sp->slots[spte_index(vpn, level)];

		if (!slot->child)
			return false;
		slot->accessed |= !hidden;
		sp = path[level - 1] = slot->child;
	}

	if (!get_bit(&sp->present, i))
		return false;
	set_bit(&sp->accessed, i);
	use_path(mmu, path, kind);
	return true;
}

/* As FNAME(pte_prefetch), which stops at a page that the guest never used. */
static void prefetch(struct sp *sp, const struct bits *used, unsigned int i)
{
	unsigned int first = i & ~(PREFETCH - 1u), k;

	for (k = first; k < first + PREFETCH; k++) {
		if (k == i || get_bit(&sp->present, k))
			continue;
		if (!get_bit(used, k))
			break;
		set_bit(&sp->present, k);
	}
}

/* As FNAME(page_fault). */
static void fault(struct mmu *mmu, struct vcpu *vcpu, u64 vpn)
{
	struct model *model = &mmu->model;
	struct policy *policy = &model->policy;
	bool found = true, before = false, linked = false;
	unsigned int level, i = spte_index(vpn, 1);
	u64 flushes = model->counters.flushes;
	struct table *table;
	struct sp *sp;

	model->counters.faults++;
	model_make_available(model);
	if (mmu->flush && model->counters.flushes != flushes)
		flush_tlbs(mmu);

	sp = vcpu->roots[0].sp[root_index(mmu, vpn)];
	for (level = root_level(mmu); level > 1; level--) {
		struct slot *slot = &sp->slots[spte_index(vpn, level)];

		if (slot->child) {
			found = true;
			sp = slot->child;
		} else {
			sp = mmu_get_page(mmu, vcpu->roots[0].process, vpn, level - 1,
					  &found, &before);
			mmu_link(slot, sp);
			linked = true;
		}
		if (found) {
			if (policy->ops->touch)
				policy->ops->touch(policy, &sp->page);
			report_use(model, &sp->page);
		}
	}

	table = mmu_table(mmu, sp);
	set_bit(&table->accessed, i);
	set_bit(&sp->present, i);
	set_bit(&sp->accessed, i);
	if (mmu->prefetch)
		prefetch(sp, &table->accessed, i);
	if (policy->ops->fill)
		policy->ops->fill(policy, &sp->page);

	if (!found)
		(*(before ? &model->counters.faults_evicted : &model->counters.faults_new))++;
	else
		(*(linked ? &model->counters.faults_link : &model->counters.faults_spte))++;
}

static void use_own_page(struct mmu *mmu, struct vcpu *vcpu, unsigned int i)
{
	while (i < mmu->nr_own && !walk(mmu, vcpu, own_pages[i], OWN)) {
		fault(mmu, vcpu, own_pages[i]);
		mmu->model.counters.faults_own++;
	}
}

/*
 * The vCPU leaves a process, and no page of it is used before that runs again.  The
 * own ones are said to be used all the time, and it might be never.
 */
static void leave_process(struct mmu *mmu, struct vcpu *vcpu)
{
	struct model *model = &mmu->model;
	u64 left = model->now - mmu->nr_vcpus;
	unsigned int i, level, top = root_level(mmu);
	struct sp *sp;

	for (i = 0; i < mmu->nr_own; i++) {
		sp = vcpu->roots[0].sp[root_index(mmu, own_pages[i])];
		for (level = top; sp && level; level--) {
			set_next_use(model, &sp->page, model->future->next[top][left]);
			sp = level > 1 ? sp->slots[spte_index(own_pages[i], level)].child : NULL;
		}
	}
}

/*
 * Every fault makes the CPU fetch the instruction again, and TLBs start from
 * scratch under an emulator, so that is when own pages are used.
 */
static void access(struct mmu *mmu, struct vcpu *vcpu, u64 process, u64 vpn)
{
	bool valid = vcpu->roots[0].valid;
	unsigned int i;

	if (!valid || vcpu->roots[0].process != process) {
		if (valid && mmu->model.future)
			leave_process(mmu, vcpu);
		mmu_switch_root(mmu, vcpu, process);
	}
	if (walk(mmu, vcpu, vpn, FIRST))
		return;

	do {
		fault(mmu, vcpu, vpn);
		use_own_page(mmu, vcpu, 0);
	} while (!walk(mmu, vcpu, vpn, AGAIN));
	for (i = 1; i < mmu->nr_own; i++)
		use_own_page(mmu, vcpu, i);
}

static void mmu_run(struct model *model, const u64 *accesses, size_t nr)
{
	struct mmu *mmu = to_mmu(model);
	size_t i;

	for (i = 0; i < nr; i++, model->now++)
		access(mmu, &mmu->vcpu[model->now % mmu->nr_vcpus],
		       accesses[i] >> PAGE_BITS, accesses[i] & PAGE_MASK);
	model->counters.accesses += nr;
}

static struct model *mmu_create(const struct knobs *knobs, const struct trace *trace,
				unsigned long max)
{
	struct mmu *mmu = xcalloc(1, sizeof(*mmu));

	mmu->model.ops = &mmu_ops;
	model_init_pool(&mmu->model, max, knobs->value[KNOB_MIN_FREE], knobs->value[KNOB_REFILL]);
	mmu->levels = knobs->value[KNOB_LEVELS];
	mmu->nr_vcpus = knobs->value[KNOB_VCPUS];
	mmu->nested = knobs->value[KNOB_NESTED];
	mmu->prefetch = knobs->value[KNOB_PREFETCH];
	mmu->tlb = knobs->value[KNOB_TLB];
	mmu->flush = knobs->value[KNOB_FLUSH];
	mmu->nr_own = knobs->value[KNOB_OWN];
	INIT_LIST_HEAD(&mmu->free[0]);
	INIT_LIST_HEAD(&mmu->free[1]);
	return &mmu->model;
}

static unsigned int mmu_nr_vcpus(const struct knobs *knobs)
{
	return knobs->value[KNOB_VCPUS];
}

static void mmu_destroy(struct model *model)
{
	struct mmu *mmu = to_mmu(model);

	mmu_free_pages(mmu);
	free(mmu);
}

const struct model_type mmu_model = {
	.name		= "mmu",
	.help		= "KVM's shadow MMU",
	.knobs		= mmu_knobs,
	.create		= mmu_create,
	.nr_vcpus	= mmu_nr_vcpus,
	.run		= mmu_run,
	.lower_bound	= mmu_lower_bound,
	.destroy	= mmu_destroy,
};
