// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what the MMU tells the eviction core about shadow pages: that
 * they come, go, are used, and take others along.  Included by mmu_kunit.c, and
 * as independent of hardware.  The pages are direct, i.e. shadow no page table,
 * and are never committed: the fixture frees them, not the MMU.
 */

#define MAX_TEST_PAGES	4

struct pages_fixture {
	struct kvm *kvm;
	struct kvm_mmu_evict_clock *clock;
	struct kvm_vcpu *vcpu;
	struct list_head zapped;
	bool saved_tdp_enabled;
	int saved_policy;
};

static void fill_page_caches(struct kunit *test, struct kvm_vcpu *vcpu)
{
	struct kvm_mmu_memory_cache *headers = &vcpu->arch.mmu_page_header_cache;
	struct kvm_mmu_memory_cache *pages = &vcpu->arch.mmu_shadow_page_cache;
	int i;

	headers->objects = kunit_kcalloc(test, MAX_TEST_PAGES, sizeof(void *), GFP_KERNEL);
	pages->objects = kunit_kcalloc(test, MAX_TEST_PAGES, sizeof(void *), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, headers->objects);
	KUNIT_ASSERT_NOT_NULL(test, pages->objects);

	for (i = 0; i < MAX_TEST_PAGES; i++) {
		headers->objects[i] = kunit_kzalloc(test, sizeof(struct kvm_mmu_page),
						    GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, headers->objects[i]);
		/* The MMU makes the page table point to its header. */
		pages->objects[i] = alloc_spt(test, NULL);
	}
	headers->capacity = headers->nobjs = MAX_TEST_PAGES;
	pages->capacity = pages->nobjs = MAX_TEST_PAGES;
	fill_cache(test, &vcpu->arch.mmu_pte_list_desc_cache);
}

static int pages_init(struct kunit *test)
{
	struct pages_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->saved_tdp_enabled = tdp_enabled;
	f->saved_policy = mmu_evict_policy;

	f->kvm = kunit_kzalloc(test, sizeof(*f->kvm), GFP_KERNEL);
	f->clock = kunit_kzalloc(test, sizeof(*f->clock), GFP_KERNEL);
	f->vcpu = kunit_kzalloc(test, sizeof(*f->vcpu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->kvm);
	KUNIT_ASSERT_NOT_NULL(test, f->clock);
	KUNIT_ASSERT_NOT_NULL(test, f->vcpu);

	f->kvm->arch.mmu_evict_clock = f->clock;
	rwlock_init(&f->kvm->mmu_lock);
	INIT_LIST_HEAD(&f->kvm->arch.active_mmu_pages);
	INIT_LIST_HEAD(&f->zapped);
	f->kvm->arch.mmu_page_hash = kunit_kcalloc(test, KVM_NUM_MMU_PAGES,
						   sizeof(struct hlist_head), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->kvm->arch.mmu_page_hash);
	f->vcpu->kvm = f->kvm;
	fill_page_caches(test, f->vcpu);
	return 0;
}

static void pages_exit(struct kunit *test)
{
	struct pages_fixture *f = test->priv;

	if (!f)
		return;
	tdp_enabled = f->saved_tdp_enabled;
	mmu_evict_policy = f->saved_policy;
}

static union kvm_mmu_page_role page_role(int level)
{
	return (union kvm_mmu_page_role) {
		.level = level, .direct = true, .guest_mode = true, .access = ACC_ALL,
	};
}

/* A fault creates or finds the page for @gfn. */
static struct kvm_mmu_page *get_page_for(struct pages_fixture *f, gfn_t gfn, int level)
{
	struct kvm_mmu_page *sp;

	write_lock(&f->kvm->mmu_lock);
	sp = kvm_mmu_get_shadow_page(f->vcpu, gfn, page_role(level));
	write_unlock(&f->kvm->mmu_lock);
	return sp;
}

/* A fault creates the page below @parent, or walks through it. */
static struct kvm_mmu_page *get_child_of(struct pages_fixture *f, struct kvm_mmu_page *parent)
{
	struct kvm_mmu_page *sp;

	write_lock(&f->kvm->mmu_lock);
	sp = kvm_mmu_get_child_sp(f->vcpu, &parent->spt[0], parent->gfn, true, ACC_ALL);
	write_unlock(&f->kvm->mmu_lock);
	return sp;
}

static void zap_page(struct pages_fixture *f, struct kvm_mmu_page *sp)
{
	write_lock(&f->kvm->mmu_lock);
	kvm_mmu_prepare_zap_page(f->kvm, sp, &f->zapped);
	write_unlock(&f->kvm->mmu_lock);
}

static void link_page(struct pages_fixture *f, struct kvm_mmu_page *parent,
		      struct kvm_mmu_page *child)
{
	write_lock(&f->kvm->mmu_lock);
	mmu_spte_set(&parent->spt[0], make_nonleaf_spte(child->spt, false));
	mmu_page_add_parent_pte(f->kvm, &f->vcpu->arch.mmu_pte_list_desc_cache, child,
				&parent->spt[0]);
	write_unlock(&f->kvm->mmu_lock);
}

static void new_page_is_fresh_and_ends_the_revolution(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *a = get_page_for(f, 0, 1), *b = get_page_for(f, 1, 1), *c;

	KUNIT_EXPECT_EQ(test, a->evict_state, KVM_MMU_EVICT_FRESH);
	KUNIT_EXPECT_PTR_EQ(test, f->clock->stop, &a->link);
	KUNIT_EXPECT_PTR_EQ(test, f->kvm->arch.active_mmu_pages.next, &b->link);
	KUNIT_EXPECT_PTR_EQ(test, b->link.next, &a->link);

	/* Wherever the hand is. */
	f->clock->hand = &b->link;
	c = get_page_for(f, 2, 1);
	KUNIT_EXPECT_PTR_EQ(test, f->kvm->arch.active_mmu_pages.next, &c->link);
	KUNIT_EXPECT_PTR_EQ(test, f->clock->stop, &a->link);
	KUNIT_EXPECT_EQ(test, f->clock->created, 3);
}

/* The same order without a clock. */
static void fifo_pages_come_and_go(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct list_head *pages = &f->kvm->arch.active_mmu_pages;
	struct kvm_mmu_page *a, *b, *c;

	f->kvm->arch.mmu_evict_clock = NULL;
	a = get_page_for(f, 0, 1);
	b = get_page_for(f, 1, 1);
	c = get_page_for(f, 2, 1);
	zap_page(f, b);
	KUNIT_EXPECT_EQ(test, list_count_nodes(pages), 2);
	KUNIT_EXPECT_PTR_EQ(test, pages->next, &c->link);
	KUNIT_EXPECT_PTR_EQ(test, pages->prev, &a->link);
}

static const struct departure {
	const char *name;
	bool root;
	bool obsolete;
} departures[] = {
	{ "page", false, false },
	{ "active root", true, false },
	{ "obsolete page", false, true },
	{ "obsolete root", true, true },
};

KUNIT_ARRAY_PARAM_DESC(departures, departures, name);

/* Whoever zaps it, e.g. kvm_mmu_zap_all_fast() when a memslot goes. */
static void clock_leaves_a_zapped_page(struct kunit *test)
{
	const struct departure *d = test->param_value;
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp, *newer;

	get_page_for(f, 0, 1);
	sp = get_page_for(f, 1, 1);
	newer = get_page_for(f, 2, 1);
	f->clock->hand = f->clock->stop = f->clock->young = &sp->link;
	f->kvm->arch.mmu_valid_gen ^= d->obsolete;
	sp->root_count = d->root;

	zap_page(f, sp);
	KUNIT_EXPECT_PTR_EQ(test, f->clock->hand, &newer->link);
	KUNIT_EXPECT_PTR_EQ(test, f->clock->stop, &newer->link);
	KUNIT_EXPECT_PTR_EQ(test, f->clock->young, &newer->link);

	/* The last user of a root is gone, while the hand is elsewhere. */
	if (d->root) {
		sp->root_count = 0;
		zap_page(f, sp);
		KUNIT_EXPECT_PTR_EQ(test, f->clock->hand, &newer->link);
	}
}

static void fault_touches_the_page_that_it_finds(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp = get_page_for(f, 0, 1);

	KUNIT_ASSERT_PTR_EQ(test, get_page_for(f, 0, 1), sp);
	KUNIT_EXPECT_TRUE(test, sp->evict_state & KVM_MMU_EVICT_TOUCHED);
}

static void fault_touches_the_page_that_it_walks_through(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *parent = get_page_for(f, 0, 2), *child;

	child = get_child_of(f, parent);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, child);
	link_page(f, parent, child);
	KUNIT_EXPECT_FALSE(test, child->evict_state & KVM_MMU_EVICT_TOUCHED);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST), (void *)get_child_of(f, parent));
	KUNIT_EXPECT_TRUE(test, child->evict_state & KVM_MMU_EVICT_TOUCHED);
}

/* KVM splits huge pages on its own account, and without a vCPU. */
static void split_touches_nothing(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp = get_page_for(f, 0, 1);
	struct shadow_page_caches none = {};
	struct kvm_mmu_page *found;

	write_lock(&f->kvm->mmu_lock);
	found = __kvm_mmu_get_shadow_page(f->kvm, NULL, &none, 0, page_role(1));
	write_unlock(&f->kvm->mmu_lock);
	KUNIT_ASSERT_PTR_EQ(test, sp, found);
	KUNIT_EXPECT_FALSE(test, sp->evict_state & KVM_MMU_EVICT_TOUCHED);
}

static void root_out_of_use_is_touched(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp = get_page_for(f, 0, 4);
	hpa_t root = __pa(sp->spt);

	sp->root_count = 1;
	write_lock(&f->kvm->mmu_lock);
	mmu_free_root_page(f->kvm, &root, &f->zapped);
	write_unlock(&f->kvm->mmu_lock);
	KUNIT_EXPECT_EQ(test, sp->root_count, 0);
	KUNIT_EXPECT_TRUE(test, sp->evict_state & KVM_MMU_EVICT_TOUCHED);
}

/* The TDP MMU's roots aren't on the list, and go out of use with a shared lock. */
static void tdp_mmu_root_out_of_use_is_left_alone(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp = get_page_for(f, 0, 4);
	hpa_t root = __pa(sp->spt);

	if (!IS_ENABLED(CONFIG_X86_64))
		kunit_skip(test, "no TDP MMU");

	sp->tdp_mmu_page = true;
	/* Somebody else still uses it. */
	refcount_set(&sp->tdp_mmu_root_count, 2);
	read_lock(&f->kvm->mmu_lock);
	mmu_free_root_page(f->kvm, &root, &f->zapped);
	read_unlock(&f->kvm->mmu_lock);
	KUNIT_EXPECT_FALSE(test, sp->evict_state & KVM_MMU_EVICT_TOUCHED);
}

/* Nobody holds mmu_lock there. */
static void fast_page_fault_touches_nothing(struct kunit *test)
{
	struct kvm_page_fault fault = { .present = true, .write = true };
	struct pages_fixture *f = test->priv;
	struct kvm_mmu_page *sp = get_page_for(f, 0, 1);
	struct kvm_mmu *mmu = &f->vcpu->arch.root_mmu;

	mmu->root.hpa = __pa(sp->spt);
	mmu->root_role.level = 1;
	f->vcpu->arch.mmu = mmu;

	/* Somebody else has fixed it already. */
	sp->spt[0] = SPTE_MMU_PRESENT_MASK | PT_PRESENT_MASK | PT_WRITABLE_MASK;
	KUNIT_EXPECT_EQ(test, fast_page_fault(f->vcpu, &fault), RET_PF_SPURIOUS);
	KUNIT_EXPECT_FALSE(test, sp->evict_state & KVM_MMU_EVICT_TOUCHED);
}

/* The only page is a root, i.e. a sweep reads it, and frees nothing. */
static void fault_refills_below_five_available_pages(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	int avail, r;

	get_page_for(f, 0, 4)->root_count = 1;
	for (avail = 0; avail < 8; avail++) {
		f->kvm->arch.n_max_mmu_pages = f->kvm->stat.mmu_shadow_pages + avail;
		f->kvm->stat.mmu_evict_scanned = 0;
		write_lock(&f->kvm->mmu_lock);
		r = make_mmu_pages_available(f->vcpu);
		write_unlock(&f->kvm->mmu_lock);
		KUNIT_EXPECT_EQ_MSG(test, !!f->kvm->stat.mmu_evict_scanned, avail < 5,
				    "%d available", avail);
		KUNIT_EXPECT_EQ(test, r, avail ? 0 : -ENOSPC);
	}
}

/* A tree of nested pages goes with its top, and nr_zapped is off by then. */
static void eviction_counts_the_pages_that_go_along(struct kunit *test)
{
	struct pages_fixture *f = test->priv;
	struct mmu_evict_sweep s = {
		.kvm = f->kvm,
		.invalid_list = LIST_HEAD_INIT(s.invalid_list),
	};
	struct kvm_mmu_page *sp[3];
	unsigned long freed;
	int i;

	tdp_enabled = true;
	for (i = 0; i < 3; i++) {
		sp[i] = get_page_for(f, 0, 3 - i);
		if (i)
			link_page(f, sp[i - 1], sp[i]);
	}

	write_lock(&f->kvm->mmu_lock);
	freed = mmu_evict_zap(&s.sweep, &sp[0]->link);
	write_unlock(&f->kvm->mmu_lock);
	KUNIT_EXPECT_EQ(test, freed, 3);
	KUNIT_EXPECT_EQ(test, f->kvm->stat.mmu_shadow_pages, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->kvm->arch.active_mmu_pages));
}

static struct kvm *create_vm(struct kunit *test, int policy)
{
	struct kvm *kvm = kunit_kzalloc(test, sizeof(*kvm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kvm);
	rwlock_init(&kvm->mmu_lock);
	mmu_evict_policy = policy;
	KUNIT_ASSERT_EQ(test, kvm_mmu_init_vm(kvm), 0);
	return kvm;
}

static void vm_takes_over_the_policy(struct kunit *test)
{
	struct kvm *fifo = create_vm(test, KVM_MMU_EVICT_POLICY_FIFO);
	struct kvm *clock = create_vm(test, KVM_MMU_EVICT_POLICY_CLOCK);

	KUNIT_EXPECT_NULL(test, fifo->arch.mmu_evict_clock);
	KUNIT_EXPECT_NOT_NULL(test, clock->arch.mmu_evict_clock);
	kvm_mmu_uninit_vm(clock);
	kvm_mmu_uninit_vm(fifo);
}

/*
 * The verdict is that of kmem_cache_destroy(), which warns about objects that are
 * left, so it takes a runner that doesn't overlook warnings.
 */
static void vm_frees_its_clock(struct kunit *test)
{
	struct kvm *kvm = create_vm(test, KVM_MMU_EVICT_POLICY_FIFO);
	struct kmem_cache *cache = KMEM_CACHE(kvm_mmu_evict_clock, SLAB_NO_MERGE);

	KUNIT_EXPECT_NOT_NULL(test, cache);
	if (cache)
		kvm->arch.mmu_evict_clock = kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, kvm->arch.mmu_evict_clock);
	kvm_mmu_uninit_vm(kvm);
	kmem_cache_destroy(cache);
}

static struct kunit_case pages_test_cases[] = {
	KUNIT_CASE(new_page_is_fresh_and_ends_the_revolution),
	KUNIT_CASE(fifo_pages_come_and_go),
	KUNIT_CASE_PARAM(clock_leaves_a_zapped_page, departures_gen_params),
	KUNIT_CASE(fault_touches_the_page_that_it_finds),
	KUNIT_CASE(fault_touches_the_page_that_it_walks_through),
	KUNIT_CASE(split_touches_nothing),
	KUNIT_CASE(root_out_of_use_is_touched),
	KUNIT_CASE(tdp_mmu_root_out_of_use_is_left_alone),
	KUNIT_CASE(fast_page_fault_touches_nothing),
	KUNIT_CASE(fault_refills_below_five_available_pages),
	KUNIT_CASE(eviction_counts_the_pages_that_go_along),
	KUNIT_CASE(vm_takes_over_the_policy),
	KUNIT_CASE(vm_frees_its_clock),
	{}
};

static struct kunit_suite pages_test_suite = {
	.name = "kvm_mmu_evict_pages",
	.init = pages_init,
	.exit = pages_exit,
	.test_cases = pages_test_cases,
};

kunit_test_suite(pages_test_suite);
