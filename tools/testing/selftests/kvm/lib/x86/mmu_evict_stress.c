// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM of the stress test, and the threads that run it.
 */
#include <sys/mman.h>

#include "mmu_evict_antagonist.h"
#include "ucall_common.h"

const char * const evict_stress_op_names[EVICT_STRESS_NR_OPS] = {
	[EVICT_STRESS_WRITE] = "write",
	[EVICT_STRESS_READ] = "read",
	[EVICT_STRESS_PEEK] = "peek",
	[EVICT_STRESS_READ_HOSTED] = "read hosted",
	[EVICT_STRESS_READ_MOVED] = "read moved",
	[EVICT_STRESS_SWITCH_ROOT] = "switch root",
	[EVICT_STRESS_FLOOD] = "flood",
	[EVICT_STRESS_UNSYNC] = "unsync",
	[EVICT_STRESS_REMAP] = "remap",
	[EVICT_STRESS_STALL] = "stall",
};

static u64 *entry_of(struct kvm_vm *vm, gpa_t table, int level)
{
	u64 *entries = addr_gpa2hva(vm, table);

	return &entries[MMU_EVICT_GVA >> (PAGE_SHIFT + 9 * (level - 1)) & (PTES_PER_MIN_PAGE - 1)];
}

/* Page tables of its own for the way to the data, down to the directory. */
static gpa_t copy_tables(struct kvm_vm *vm, gpa_t table, int level)
{
	gpa_t copy = vm_alloc_page_table(vm);
	u64 *entry;

	memcpy(addr_gpa2hva(vm, copy), addr_gpa2hva(vm, table), PAGE_SIZE);
	if (level > PG_LEVEL_2M) {
		entry = entry_of(vm, copy, level);
		*entry = (*entry & ~PHYSICAL_PAGE_MASK) |
			 copy_tables(vm, PTE_GET_PA(*entry), level - 1);
	}
	return copy;
}

static gpa_t directory_of(struct kvm_vm *vm, gpa_t root)
{
	int level;

	for (level = vm->mmu.pgtable_levels; level > PG_LEVEL_2M; level--)
		root = PTE_GET_PA(*entry_of(vm, root, level));
	return root;
}

/*
 * Every other root shares all of its tables with the first one, the others have
 * directories of their own.  The guest may write those.
 */
static void create_roots(struct evict_stress *stress)
{
	struct evict_stress_shared *shared = stress->shared;
	struct kvm_vm *vm = stress->vm;
	u32 i;

	for (i = 0; i < EVICT_STRESS_ROOTS; i++) {
		bool shares = i % 2;

		shared->roots[i] = copy_tables(vm, vm->mmu.pgd,
					       shares ? PG_LEVEL_2M : vm->mmu.pgtable_levels);
		if (!shares)
			virt_pg_map(vm, EVICT_STRESS_PDS_GVA + shared->nr_pds++ * PAGE_SIZE,
				    directory_of(vm, shared->roots[i]));
	}
}

static void map_regions(struct kvm_vm *vm, u32 first, u32 nr, gpa_t gpa)
{
	u32 region;

	for (region = first; region < first + nr; region++) {
		virt_map(vm, mmu_evict_gva(region, 0), gpa, EVICT_STRESS_PAGES);
		gpa += EVICT_STRESS_PAGES * PAGE_SIZE;
	}
}

static void map_windows(struct evict_stress *stress)
{
	struct kvm_vm *vm = stress->vm;
	u32 i, region, first;

	for (i = 0; i < stress->config.vcpus; i++) {
		region = EVICT_STRESS_WINDOWS + i;
		first = i * stress->shared->regions;
		/* To begin with, all windows show the first page. */
		for (u32 page = 0; page < EVICT_STRESS_WINDOW; page++)
			virt_pg_map(vm, mmu_evict_gva(region, page),
				    evict_stress_data_gpa(first, 0));
		virt_pg_map(vm, MMU_EVICT_TABLES_GVA + region * PAGE_SIZE,
			    mmu_evict_table(vm, region));
	}
}

static void fill(struct evict_stress *stress)
{
	u32 i, region, page;

	for (i = 0; i < stress->data_pages; i++) {
		region = i / EVICT_STRESS_PAGES;
		page = i % EVICT_STRESS_PAGES;
		*evict_stress_page(stress->data, i) =
			evict_stress_data_word(region / stress->shared->regions, region, page, 0);
	}
	for (i = 0; i < EVICT_STRESS_OTHER_PAGES; i++)
		*evict_stress_page(stress->hosted, i) =
			evict_stress_word(EVICT_STRESS_BY_HOST,
					  i / EVICT_STRESS_PAGES + EVICT_STRESS_HOSTED,
					  i % EVICT_STRESS_PAGES, 0);
	evict_stress_fill_moved(stress, 0, 0);
}

void evict_stress_fill_moved(struct evict_stress *stress, u32 era, u32 home)
{
	u32 i, first = EVICT_STRESS_MOVED + home * EVICT_STRESS_OTHER_REGIONS;

	for (i = 0; i < EVICT_STRESS_OTHER_PAGES; i++)
		*evict_stress_page(stress->moved[0], i) =
			evict_stress_word(EVICT_STRESS_BY_MOVER, first + i / EVICT_STRESS_PAGES,
					  i % EVICT_STRESS_PAGES, era);
}

static void add_slots(struct evict_stress *stress)
{
	struct kvm_vm *vm = stress->vm;
	u32 i;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, EVICT_STRESS_HOSTED_GPA,
				    EVICT_STRESS_HOSTED_SLOT, EVICT_STRESS_OTHER_PAGES, 0);
	map_regions(vm, EVICT_STRESS_HOSTED, EVICT_STRESS_OTHER_REGIONS, EVICT_STRESS_HOSTED_GPA);

	for (i = 0; i < ARRAY_SIZE(stress->moved); i++) {
		stress->moved[i] = mmap(NULL, EVICT_STRESS_OTHER_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		TEST_ASSERT(stress->moved[i] != MAP_FAILED, "mmap() failed");
	}
	vm_set_user_memory_region(vm, EVICT_STRESS_MOVED_SLOT, 0, EVICT_STRESS_MOVED_GPA,
				  EVICT_STRESS_OTHER_SIZE, stress->moved[0]);
	/* Both of its homes. */
	map_regions(vm, EVICT_STRESS_MOVED, 2 * EVICT_STRESS_OTHER_REGIONS, EVICT_STRESS_MOVED_GPA);
}

static void share(struct evict_stress *stress)
{
	const struct evict_stress_config *config = &stress->config;
	gva_t gva = vm_alloc(stress->vm, sizeof(*stress->shared), KVM_UTIL_MIN_VADDR);
	struct evict_stress_shared *shared = addr_gva2hva(stress->vm, gva);
	u32 i;

	memset(shared, 0, sizeof(*shared));
	shared->seed = config->seed;
	shared->nr_vcpus = config->vcpus;
	shared->nr_ops = config->ops;
	shared->stall = config->stall;
	shared->pcid = kvm_cpu_has(X86_FEATURE_PCID);
	shared->regions = stress->data_pages / EVICT_STRESS_PAGES / config->vcpus;
	stress->shared = shared;

	for (i = 0; i < config->vcpus; i++)
		vcpu_args_set(stress->vcpus[i], 2, (u64)i, gva);
}

void evict_stress_create(struct evict_stress *stress)
{
	u32 vcpus = stress->config.vcpus;
	struct mmu_evict_config config = {
		.policy = stress->config.policy,
		.pool = MMU_EVICT_MIN_POOL,
		.vcpus = vcpus,
		/* Together, far more than the pool. */
		.regions = max(96 / vcpus, (u32)EVICT_STRESS_MIN_REGIONS) * vcpus,
		.pages = EVICT_STRESS_PAGES,
	};

	stress->vm = mmu_evict_vm_create(&config, evict_stress_guest_code, stress->vcpus);
	mmu_evict_map_tables(stress->vm, config.regions);
	stress->data_pages = config.regions * config.pages;
	stress->data = addr_gpa2hva(stress->vm, MMU_EVICT_GPA);
	share(stress);
	add_slots(stress);
	stress->hosted = addr_gpa2hva(stress->vm, EVICT_STRESS_HOSTED_GPA);
	map_windows(stress);
	create_roots(stress);
	fill(stress);
}

void evict_stress_free(struct evict_stress *stress)
{
	u32 i;

	kvm_vm_free(stress->vm);
	for (i = 0; i < ARRAY_SIZE(stress->moved); i++)
		munmap(stress->moved[i], EVICT_STRESS_OTHER_SIZE);
}
