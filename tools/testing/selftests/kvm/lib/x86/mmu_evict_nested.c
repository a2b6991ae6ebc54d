// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of the nested test: the nested page tables, what L2 is to do
 * on them, and what both L2's memory and these tables must show in the end.
 */
#include <sys/mman.h>

#include "mmu_evict_nested.h"
#include "svm_util.h"
#include "vmx.h"

#define TABLES		EVICT_NESTED_TABLES
#define REGIONS		EVICT_NESTED_REGIONS
#define PAGES		EVICT_NESTED_PAGES

static gpa_t l1_gpa(u32 table, u32 region, u32 page)
{
	return MMU_EVICT_GPA + (table * REGIONS + region) * PG_SIZE_2M +
	       page * EVICT_NESTED_PAGE_STRIDE * PAGE_SIZE;
}

/* The leaf PTE of a page.  Sets @ad in it, and Accessed in the PTEs above it. */
static u64 *get_pte(struct evict_nested *guest, u32 table, gpa_t gpa, u64 ad)
{
	struct kvm_mmu *mmu = &guest->tables[table];
	u64 *pte, next = mmu->pgd;
	int level;

	for (level = mmu->pgtable_levels; ; level--) {
		pte = addr_gpa2hva(guest->vm, next);
		pte += (gpa >> PG_LEVEL_SHIFT(level)) % PTES_PER_MIN_PAGE;
		if (level == guest->kind->level)
			break;
		*pte |= ad & PTE_ACCESSED_MASK(mmu);
		next = PTE_GET_PA(*pte);
	}
	*pte |= ad;
	return pte;
}

/* Have all tables share what the first one has for memslot 0. */
static void share_slot0(struct evict_nested *guest, u32 table)
{
	u64 *from = addr_gpa2hva(guest->vm, guest->tables[0].pgd);
	u64 *to = addr_gpa2hva(guest->vm, guest->tables[table].pgd);
	int level;

	for (level = guest->tables[0].pgtable_levels; level > PG_LEVEL_1G; level--) {
		from = addr_gpa2hva(guest->vm, PTE_GET_PA(*from));
		to = addr_gpa2hva(guest->vm, PTE_GET_PA(*to));
	}
	*to = *from;
}

static void create_table(struct evict_nested *guest, u32 table)
{
	const struct evict_nested_kind *kind = guest->kind;
	struct kvm_mmu *mmu = &guest->tables[table];
	u64 ad = kind->preset_ad ? PTE_ACCESSED_MASK(mmu) | PTE_DIRTY_MASK(mmu) : 0;
	u32 region, page;

	for (region = 0; region < REGIONS; region++) {
		for (page = 0; page < PAGES; page++) {
			gpa_t l2_gpa = evict_nested_l2_gpa(region, page);
			gpa_t gpa = l1_gpa(table, region, page);

			if (kind->level == PG_LEVEL_4K || !page)
				__virt_pg_map(guest->vm, mmu, l2_gpa, gpa, kind->level);
			get_pte(guest, table, l2_gpa, ad);
			*(u64 *)addr_gpa2hva(guest->vm, gpa) =
				evict_nested_word(table, region, page);
		}
	}
	if (table)
		share_slot0(guest, table);
}

static void create_tables(struct evict_nested *guest)
{
	struct kvm_vm *vm = guest->vm;
	void *memory;
	u32 i;

	/* What L2 needs of memslot 0 has been allocated by now. */
	tdp_identity_map_default_memslots(vm);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, MMU_EVICT_GPA, MMU_EVICT_SLOT,
				    TABLES * REGIONS * MMU_EVICT_REGION_PAGES, 0);

	/* Large nested pages are to need shadow pages.  Fails if KVM can't do other. */
	memory = addr_gpa2hva(vm, MMU_EVICT_GPA);
	madvise(memory, TABLES * REGIONS * PG_SIZE_2M, MADV_NOHUGEPAGE);

	for (i = 0; i < TABLES; i++) {
		guest->tables[i] = vm->stage2_mmu;
		if (i)
			guest->tables[i].pgd = vm_alloc_page_table(vm);
		create_table(guest, i);
	}
}

void evict_nested_create(struct evict_nested *guest, const struct evict_nested_kind *kind,
			 const char *policy, u32 pool)
{
	struct mmu_evict_config config = {
		.policy = policy,
		.pool = pool,
		.vcpus = 1,
	};
	gva_t nested;

	evict_nested_job.vmx = kvm_cpu_has(X86_FEATURE_VMX);
	evict_nested_job.has_ad = !kind->no_ad;
	memset(evict_nested_account, 0, sizeof(evict_nested_account));

	guest->kind = kind;
	guest->vm = mmu_evict_vm_create_empty(&config, 2 * TABLES * REGIONS,
					      evict_nested_guest_code, &guest->vcpu);
	vm_enable_tdp(guest->vm);
	if (evict_nested_job.vmx)
		vcpu_alloc_vmx(guest->vm, &nested);
	else
		vcpu_alloc_svm(guest->vm, &nested);
	vcpu_args_set(guest->vcpu, 1, nested);

	/* L1 never uses these addresses. */
	virt_map_level(guest->vm, EVICT_NESTED_L2_GPA, EVICT_NESTED_L2_GPA,
		       REGIONS * PG_SIZE_2M, PG_LEVEL_2M);
	create_tables(guest);

	sync_global_to_guest(guest->vm, evict_nested_job);
	sync_global_to_guest(guest->vm, evict_nested_account);
	mmu_evict_run(guest->vcpu);
}

/* Returns how many shadow pages KVM has created for that. */
u64 evict_nested_run(struct evict_nested *guest, u32 table, u32 first, u32 nr, u32 page,
		     bool write)
{
	u64 created = vm_get_stat(guest->vm, mmu_cache_miss);
	u32 i;

	evict_nested_job.pgd = guest->tables[table].pgd;
	evict_nested_job.table = table;
	evict_nested_job.first = first;
	evict_nested_job.nr = nr;
	evict_nested_job.page = page;
	evict_nested_job.write = write;
	sync_global_to_guest(guest->vm, evict_nested_job);
	mmu_evict_run(guest->vcpu);

	for (i = first; i < first + nr; i++) {
		evict_nested_account[table][i][page].used = true;
		evict_nested_account[table][i][page].writes += write;
	}
	return vm_get_stat(guest->vm, mmu_cache_miss) - created;
}

/* Does L1's table show what L2 did?  A large page has several of these pages. */
static void check_ad(struct evict_nested *guest, u32 table, u32 region, u32 page)
{
	u64 pte = *get_pte(guest, table, evict_nested_l2_gpa(region, page), 0);
	u32 first = guest->kind->level == PG_LEVEL_2M ? 0 : page;
	u32 last = guest->kind->level == PG_LEVEL_2M ? PAGES - 1 : page;
	struct kvm_mmu *mmu = &guest->tables[table];
	bool used = false, written = false;

	for (page = first; page <= last; page++) {
		used |= evict_nested_account[table][region][page].used;
		written |= evict_nested_account[table][region][page].writes;
	}
	/* Not what L2 did, but what they have been from the beginning. */
	if (guest->kind->no_ad || guest->kind->preset_ad) {
		used = guest->kind->preset_ad;
		written = used;
	}

	TEST_ASSERT(!!(pte & PTE_ACCESSED_MASK(mmu)) == used &&
		    !!(pte & PTE_DIRTY_MASK(mmu)) == written,
		    "The PTE of table %u, region %u is %lx, but was %sused, %swritten",
		    table, region, pte, used ? "" : "not ", written ? "" : "not ");
}

/* Whatever was evicted, each write was to the right memory, and there is none missing. */
void evict_nested_check(struct evict_nested *guest)
{
	u32 table, region, page;
	u64 *word;

	for (table = 0; table < TABLES; table++) {
		for (region = 0; region < REGIONS; region++) {
			for (page = 0; page < PAGES; page++) {
				word = addr_gpa2hva(guest->vm, l1_gpa(table, region, page));
				TEST_ASSERT_EQ(*word, evict_nested_word(table, region, page));
				check_ad(guest, table, region, page);
			}
		}
	}
}
