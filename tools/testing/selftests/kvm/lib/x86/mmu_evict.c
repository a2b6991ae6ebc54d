// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM with a given eviction policy, and a guest whose page tables don't fit in
 * the VM's pool of shadow pages.
 */
#include "mmu_evict.h"
#include "test_util.h"
#include "ucall_common.h"

struct mmu_evict_walk mmu_evict_walk;

bool mmu_evict_has_stat(struct kvm_vm *vm, const char *name)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	bool found = false;
	int fd, i;

	fd = vm_get_stats_fd(vm);
	read_stats_header(fd, &header);
	desc = read_stats_descriptors(fd, &header);
	for (i = 0; i < header.num_desc && !found; i++)
		found = !strcmp(get_stats_descriptor(desc, i, &header)->name, name);

	free(desc);
	close(fd);
	return found;
}

/* Skip the test unless KVM has eviction policies, and counts what they do. */
void mmu_evict_require_policies(void)
{
	static const char * const stats[] = {
		"mmu_evict_scanned", "mmu_evict_spared", "mmu_evict_forced",
	};
	struct kvm_vm *vm;
	int i;

	__TEST_REQUIRE(mmu_evict_has_param(), "KVM has no parameter mmu_evict");

	vm = vm_create_barebones();
	for (i = 0; i < ARRAY_SIZE(stats); i++)
		__TEST_REQUIRE(mmu_evict_has_stat(vm, stats[i]),
			       "KVM has no stat %s", stats[i]);
	kvm_vm_free(vm);
}

/* ... and unless it shadows the page tables of every guest. */
void mmu_evict_require_shadow_paging(void)
{
	__TEST_REQUIRE(!kvm_is_tdp_enabled(), "needs shadow paging, but TDP is on");
}

void mmu_evict_require(void)
{
	mmu_evict_require_shadow_paging();
	mmu_evict_require_policies();
}

/*
 * Take -s SEED off the command line, as the harness doesn't know it, and tell
 * about the seed, so that whatever happens can be had again.
 */
u32 mmu_evict_take_seed(int *argc, char *argv[])
{
	u32 seed = 1;
	int i, left = 1;

	for (i = 1; i < *argc; i++) {
		if (!strcmp(argv[i], "-s") && i + 1 < *argc)
			seed = atoi_non_negative("Seed", argv[++i]);
		else
			argv[left++] = argv[i];
		if (!strcmp(argv[i], "-h"))
			fprintf(stderr, "usage: %s [-s SEED] [options]\n", argv[0]);
	}
	argv[left] = NULL;
	*argc = left;
	ksft_print_msg("seed %u: use -s %u to do the same again\n", seed, seed);
	return seed;
}

/* Write the word of each page, so that every page has memory of its own. */
void mmu_evict_fill(const struct mmu_evict_config *config, u64 *word, u64 stamp)
{
	u32 region, page;

	for (region = 0; region < config->regions; region++) {
		for (page = 0; page < config->pages; page++) {
			*word = mmu_evict_value(region, page) ^ stamp;
			word += PAGE_SIZE / sizeof(*word);
		}
	}
}

/*
 * Back each guest page with a page of its own: two mappings of one page would
 * share a reverse map, and KVM's work per fault would grow with the aliases.
 */
static void map_regions(struct kvm_vm *vm, const struct mmu_evict_config *config)
{
	gpa_t gpa = MMU_EVICT_GPA;
	u32 region;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, gpa, MMU_EVICT_SLOT,
				    config->regions * config->pages, 0);
	for (region = 0; region < config->regions; region++) {
		virt_map(vm, mmu_evict_gva(region, 0), gpa, config->pages);
		gpa += config->pages * PAGE_SIZE;
	}
	mmu_evict_fill(config, addr_gpa2hva(vm, MMU_EVICT_GPA), 0);
}

/*
 * A VM with a policy and a pool, but without regions.  @nr_pages is what the
 * caller is going to allocate in slot 0, e.g. for page tables.
 */
struct kvm_vm *mmu_evict_vm_create_empty(const struct mmu_evict_config *config,
					 u64 nr_pages, void *guest_code,
					 struct kvm_vcpu *vcpus[])
{
	/* What counts isn't in slot 0, but two pages per page table are. */
	u64 mapped_pages = nr_pages * PTES_PER_MIN_PAGE / 2;
	char old[MMU_EVICT_WORD_LEN];
	struct kvm_vm *vm;

	if (config->policy) {
		mmu_evict_get_param(old, sizeof(old));
		TEST_ASSERT(!mmu_evict_set_param(config->policy),
			    "KVM doesn't know the policy '%s'", config->policy);
	}
	vm = __vm_create_with_vcpus(VM_SHAPE_DEFAULT, config->vcpus, mapped_pages,
				    guest_code, vcpus);
	if (config->policy)
		TEST_ASSERT(!mmu_evict_set_param(old),
			    "Failed to restore the policy '%s'", old);

	mmu_evict_set_pool(vm, config->pool);
	return vm;
}

struct kvm_vm *mmu_evict_vm_create(const struct mmu_evict_config *config,
				   void *guest_code, struct kvm_vcpu *vcpus[])
{
	struct kvm_vm *vm;

	vm = mmu_evict_vm_create_empty(config, 2 * config->regions, guest_code, vcpus);
	map_regions(vm, config);
	return vm;
}

/* The guest's page table that maps the 4 KiB pages of @region. */
gpa_t mmu_evict_table(struct kvm_vm *vm, u32 region)
{
	u64 *pte = vm_get_pte(vm, mmu_evict_gva(region, 0));

	return addr_hva2gpa(vm, pte) & ~(PAGE_SIZE - 1);
}

/* One more root, which shares all tables below with the VM's own. */
gpa_t mmu_evict_copy_root(struct kvm_vm *vm)
{
	gpa_t root = vm_alloc_page_table(vm);

	memcpy(addr_gpa2hva(vm, root), addr_gpa2hva(vm, vm->mmu.pgd), PAGE_SIZE);
	return root;
}

/* Let the guest write the page tables of its first @regions regions. */
void mmu_evict_map_tables(struct kvm_vm *vm, u32 regions)
{
	u32 region;

	for (region = 0; region < regions; region++)
		virt_pg_map(vm, MMU_EVICT_TABLES_GVA + region * PAGE_SIZE,
			    mmu_evict_table(vm, region));
}

/* Run until the guest's next ucall, which must be a GUEST_SYNC. */
void mmu_evict_run(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		return;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("Unexpected exit: %s",
			  exit_reason_str(vcpu->run->exit_reason));
	}
}

static void guest_touch(const struct mmu_evict_walk *walk, u32 region)
{
	u64 *table = (void *)(MMU_EVICT_TABLES_GVA + region * PAGE_SIZE);

	GUEST_ASSERT_EQ(READ_ONCE(*(u64 *)mmu_evict_gva(region, walk->page)),
			mmu_evict_value(region, walk->page) ^ walk->stamp);

	/* Nobody uses the last PTE. */
	if (walk->write_tables)
		WRITE_ONCE(table[PTES_PER_MIN_PAGE - 1], 0);
}

/* One walk by a guest's own code. */
void mmu_evict_guest_walk(const struct mmu_evict_walk *walk)
{
	u32 i, hot;

	for (i = walk->first; i < walk->first + walk->nr; i++) {
		if (walk->nr_roots)
			set_cr3(walk->roots[i % walk->nr_roots]);
		for (hot = 0; walk->hot && !(i % 4) && hot < MMU_EVICT_HOT_REGIONS; hot++)
			guest_touch(walk, hot);
		guest_touch(walk, i);
	}
}

void mmu_evict_guest_code(void)
{
	for (;;) {
		mmu_evict_guest_walk(&mmu_evict_walk);
		GUEST_SYNC(0);
	}
}

/* Have mmu_evict_guest_code() walk, in other respects as mmu_evict_walk says. */
void mmu_evict_run_walk(struct kvm_vcpu *vcpu, u32 first, u32 nr, bool hot, u32 page)
{
	mmu_evict_walk.first = first;
	mmu_evict_walk.nr = nr;
	mmu_evict_walk.hot = hot;
	mmu_evict_walk.page = page;
	sync_global_to_guest(vcpu->vm, mmu_evict_walk);
	mmu_evict_run(vcpu);
}
