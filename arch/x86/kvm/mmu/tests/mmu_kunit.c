// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of how the MMU samples references for the eviction of shadow
 * pages, i.e. of what it feeds to the core in evict.h.  Included at the end of
 * mmu.c to reach its functions.  The tests don't need any hardware, but replace
 * shadow_accessed_mask for as long as they run: don't run them beside VMs.
 */
#include <kunit/test.h>

/* Enough parents to fill two descriptors of the reverse map and to spill. */
#define MAX_TEST_PARENTS	(KVM_MMU_CLOCK_MAX_PARENTS + PTE_LIST_EXT)

struct parents_fixture {
	struct kvm *kvm;
	struct kvm_mmu_page *sp;
	/* The page table whose first SPTEs point to @sp. */
	u64 *sptes;
	struct kvm_mmu_memory_cache cache;
	u64 saved_accessed_mask;
	/* What the tracepoint would tell of the last visit. */
	bool touched;
	bool accessed;
};

static void free_spt(void *spt)
{
	free_page((unsigned long)spt);
}

static u64 *alloc_spt(struct kunit *test, struct kvm_mmu_page *sp)
{
	u64 *spt = (u64 *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, spt);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_spt, spt));
	set_page_private(virt_to_page(spt), (unsigned long)sp);
	return spt;
}

/* Descriptors come from here, as KVM's own cache needs a vendor module. */
static void fill_cache(struct kunit *test, struct kvm_mmu_memory_cache *cache)
{
	const int nr = DIV_ROUND_UP(MAX_TEST_PARENTS, PTE_LIST_EXT) + 1;

	cache->objects = kunit_kcalloc(test, nr, sizeof(void *), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cache->objects);

	for (cache->capacity = nr; cache->nobjs < nr; cache->nobjs++) {
		void *desc = kunit_kzalloc(test, sizeof(struct pte_list_desc),
					   GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, desc);
		cache->objects[cache->nobjs] = desc;
	}
}

static int parents_init(struct kunit *test)
{
	struct parents_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct kvm_mmu_page *parent;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;

	/* Restored by parents_exit(), which runs even if this function fails. */
	f->saved_accessed_mask = shadow_accessed_mask;
	shadow_accessed_mask = PT_ACCESSED_MASK;

	f->kvm = kunit_kzalloc(test, sizeof(*f->kvm), GFP_KERNEL);
	f->sp = kunit_kzalloc(test, sizeof(*f->sp), GFP_KERNEL);
	parent = kunit_kzalloc(test, sizeof(*parent), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->kvm);
	KUNIT_ASSERT_NOT_NULL(test, f->sp);
	KUNIT_ASSERT_NOT_NULL(test, parent);

	rwlock_init(&f->kvm->mmu_lock);
	f->sp->role.level = PG_LEVEL_4K;
	f->sp->spt = alloc_spt(test, f->sp);
	parent->role.level = PG_LEVEL_2M;
	parent->spt = alloc_spt(test, parent);
	f->sptes = parent->spt;
	fill_cache(test, &f->cache);
	return 0;
}

static void parents_exit(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	if (f)
		shadow_accessed_mask = f->saved_accessed_mask;
}

/* Link the page from @nr SPTEs, as __link_shadow_page() does. */
static void link_parents(struct parents_fixture *f, int nr, bool ad_disabled)
{
	int i;

	write_lock(&f->kvm->mmu_lock);
	for (i = 0; i < nr; i++) {
		mmu_spte_set(&f->sptes[i], make_nonleaf_spte(f->sp->spt, ad_disabled));
		mmu_page_add_parent_pte(f->kvm, &f->cache, f->sp, &f->sptes[i]);
	}
	write_unlock(&f->kvm->mmu_lock);
}

static int nr_accessed(struct parents_fixture *f, int nr)
{
	int i, accessed = 0;

	for (i = 0; i < nr; i++)
		accessed += !!(f->sptes[i] & shadow_accessed_mask);
	return accessed;
}

static enum kvm_mmu_evict_class classify(struct parents_fixture *f, long *charged)
{
	struct mmu_evict_sweep s = { .kvm = f->kvm };
	enum kvm_mmu_evict_class class;

	write_lock(&f->kvm->mmu_lock);
	class = mmu_evict_classify(&s.sweep, &f->sp->link);
	write_unlock(&f->kvm->mmu_lock);

	f->touched = s.touched;
	f->accessed = s.accessed;
	if (charged)
		*charged = -s.sweep.budget;
	return class;
}

/* One SPTE per parent; PTE_LIST_EXT SPTEs share a descriptor. */
static const int parent_counts[] = {
	0, 1, 2, PTE_LIST_EXT, PTE_LIST_EXT + 1, 2 * PTE_LIST_EXT + 1,
	KVM_MMU_CLOCK_MAX_PARENTS,
};

static void parent_count_desc(const int *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d parents", *nr);
}

KUNIT_ARRAY_PARAM(parent_counts, parent_counts, parent_count_desc);

static void accessed_parents_are_a_reference_once(struct kunit *test)
{
	const int nr = *(const int *)test->param_value;
	struct parents_fixture *f = test->priv;
	long charged;

	link_parents(f, nr, false);
	KUNIT_ASSERT_EQ(test, nr, nr_accessed(f, nr));

	KUNIT_EXPECT_EQ(test, classify(f, &charged),
			nr ? KVM_MMU_EVICT_REFERENCED : KVM_MMU_EVICT_IDLE);
	KUNIT_EXPECT_EQ(test, charged, nr);
	KUNIT_EXPECT_EQ(test, nr_accessed(f, nr), 0);
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_KEPT_IDLE);
}

static void any_single_parent_is_enough(struct kunit *test)
{
	const int nr = *(const int *)test->param_value;
	struct parents_fixture *f = test->priv;
	int i;

	link_parents(f, nr, false);
	classify(f, NULL);

	for (i = 0; i < nr; i++) {
		f->sptes[i] |= shadow_accessed_mask;
		KUNIT_EXPECT_EQ_MSG(test, classify(f, NULL), KVM_MMU_EVICT_KEPT_REFERENCED,
				    "parent %d of %d", i, nr);
		KUNIT_EXPECT_EQ(test, nr_accessed(f, nr), 0);
	}
}

static void work_per_page_is_bounded(struct kunit *test)
{
	struct parents_fixture *f = test->priv;
	long charged;

	link_parents(f, MAX_TEST_PARENTS, false);
	KUNIT_EXPECT_EQ(test, classify(f, &charged), KVM_MMU_EVICT_REFERENCED);
	KUNIT_EXPECT_EQ(test, charged, KVM_MMU_CLOCK_MAX_PARENTS);
	KUNIT_EXPECT_EQ(test, nr_accessed(f, MAX_TEST_PARENTS),
			MAX_TEST_PARENTS - KVM_MMU_CLOCK_MAX_PARENTS);
}

static void first_accessed_bit_is_void(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	kvm_mmu_evict_init_page(&f->sp->evict_state);
	link_parents(f, 2, false);

	KUNIT_EXPECT_TRUE(test, mmu_evict_settle(&f->sp->link));
	KUNIT_EXPECT_EQ(test, nr_accessed(f, 2), 0);
	KUNIT_EXPECT_FALSE(test, mmu_evict_settle(&f->sp->link));
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_IDLE);
}

static void settling_leaves_later_accesses_alone(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	kvm_mmu_evict_init_page(&f->sp->evict_state);
	link_parents(f, 2, false);
	mmu_evict_settle(&f->sp->link);

	f->sptes[1] |= shadow_accessed_mask;
	KUNIT_EXPECT_FALSE(test, mmu_evict_settle(&f->sp->link));
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_REFERENCED);
}

static void hand_ignores_accessed_bits_of_fresh_page(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	kvm_mmu_evict_init_page(&f->sp->evict_state);
	link_parents(f, 2, false);

	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_IDLE);
	KUNIT_EXPECT_FALSE(test, f->accessed);
	KUNIT_EXPECT_EQ(test, nr_accessed(f, 2), 0);
}

static void touch_and_accessed_bits_are_taken_together(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	link_parents(f, 2, false);
	kvm_mmu_evict_touch(&f->sp->evict_state);

	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_REFERENCED);
	KUNIT_EXPECT_TRUE(test, f->touched && f->accessed);
	KUNIT_EXPECT_EQ(test, nr_accessed(f, 2), 0);
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_KEPT_IDLE);
	KUNIT_EXPECT_FALSE(test, f->touched || f->accessed);
}

static const u64 accessed_masks[] = { PT_ACCESSED_MASK, VMX_EPT_ACCESS_BIT };

static void accessed_mask_desc(const u64 *mask, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "bit %lu", __ffs((unsigned long)*mask));
}

KUNIT_ARRAY_PARAM(accessed_masks, accessed_masks, accessed_mask_desc);

static void only_the_accessed_bit_changes(struct kunit *test)
{
	struct parents_fixture *f = test->priv;
	u64 before;

	shadow_accessed_mask = *(const u64 *)test->param_value;
	link_parents(f, 1, false);
	before = f->sptes[0];

	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_REFERENCED);
	KUNIT_EXPECT_EQ(test, f->sptes[0], before & ~shadow_accessed_mask);
}

/* Without A/D bits, the position of the Accessed bit means something else. */
static void parents_without_ad_bits_are_left_alone(struct kunit *test)
{
	struct parents_fixture *f = test->priv;
	u64 before;

	link_parents(f, 1, true);
	f->sptes[0] |= shadow_accessed_mask;
	before = f->sptes[0];

	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_IDLE);
	KUNIT_EXPECT_EQ(test, f->sptes[0], before);
}

static void active_root_is_pinned_even_with_parents(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	link_parents(f, 2, false);
	f->sp->root_count = 1;
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_PINNED);
	f->sp->root_count = 0;
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_REFERENCED);
}

static void obsolete_page_has_no_second_chance(struct kunit *test)
{
	struct parents_fixture *f = test->priv;

	link_parents(f, 2, false);
	kvm_mmu_evict_touch(&f->sp->evict_state);
	f->kvm->arch.mmu_valid_gen ^= 1;
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_OBSOLETE);
	/* ... but a root is a root. */
	f->sp->root_count = 1;
	KUNIT_EXPECT_EQ(test, classify(f, NULL), KVM_MMU_EVICT_PINNED);
}

static struct kunit_case parents_test_cases[] = {
	KUNIT_CASE_PARAM(accessed_parents_are_a_reference_once, parent_counts_gen_params),
	KUNIT_CASE_PARAM(any_single_parent_is_enough, parent_counts_gen_params),
	KUNIT_CASE(work_per_page_is_bounded),
	KUNIT_CASE(first_accessed_bit_is_void),
	KUNIT_CASE(settling_leaves_later_accesses_alone),
	KUNIT_CASE(hand_ignores_accessed_bits_of_fresh_page),
	KUNIT_CASE(touch_and_accessed_bits_are_taken_together),
	KUNIT_CASE_PARAM(only_the_accessed_bit_changes, accessed_masks_gen_params),
	KUNIT_CASE(parents_without_ad_bits_are_left_alone),
	KUNIT_CASE(active_root_is_pinned_even_with_parents),
	KUNIT_CASE(obsolete_page_has_no_second_chance),
	{}
};

static struct kunit_suite parents_test_suite = {
	.name = "kvm_mmu_evict_parents",
	.init = parents_init,
	.exit = parents_exit,
	.test_cases = parents_test_cases,
};

kunit_test_suite(parents_test_suite);

#include "mmu_pages_kunit.c"
