// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction of the shadow pages of nested TDP, the only ones there are with TDP.
 *
 * L1 runs L2 on several nested page tables by turns, all of which map the same
 * L2 addresses, each to memory of its own:
 *
 *	          L2's page table    table 0 .. 7          memslot 1
 *	L2 address ----------> L2 GPA ----------> GPA of (table, region, page)
 *
 * so that a stale translation shows in what L2 reads and writes.  The tables
 * share what maps memslot 0, i.e. code, data, stacks and L2's page tables, thus
 * some shadow pages have several parents.
 *
 * What is special: KVM zaps a page of nested TDP with all of its descendants,
 * and each switch of tables changes the root.  Accessed bits can be off with
 * nested EPT only.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_model.h"
#include "svm_util.h"
#include "ucall_common.h"
#include "vmx.h"

#define HOT_TABLES	2
#define HOT_REGIONS	6
#define TABLES		8
#define REGIONS		24

/* One page per fault: KVM prefetches up to eight. */
#define PAGES		4
#define PAGE_STRIDE	8

/* The same address for L2's own page table, but not the address of the memory. */
#define L2_GPA		BIT_ULL(33)

#define EPTP_AD_ENABLED	BIT_ULL(6)

/* Emulation with all debug options on is slow. */
#define TIMEOUT		240

/* What L2 does until its next exit: read a word per region, or add 1 to it. */
struct job {
	u64 pgd;
	u32 table;
	u32 first;
	u32 nr;
	u32 page;
	bool write;
};

static struct job job;
static bool is_vmx;
static bool eptp_has_ad;

/* What L2 did with each page; host and guest keep an account of their own. */
static struct {
	bool used;
	u16 writes;
} account[TABLES][REGIONS][PAGES];

static u32 seed;

static gpa_t l2_gpa(u32 region, u32 page)
{
	return L2_GPA + region * PG_SIZE_2M + page * PAGE_STRIDE * PAGE_SIZE;
}

static gpa_t l1_gpa(u32 table, u32 region, u32 page)
{
	return MMU_EVICT_GPA + (table * REGIONS + region) * PG_SIZE_2M +
	       page * PAGE_STRIDE * PAGE_SIZE;
}

static u64 expected_word(u32 table, u32 region, u32 page)
{
	return mmu_evict_value(table * REGIONS + region, page) +
	       account[table][region][page].writes;
}

static void l2_guest_code(void)
{
	u32 table = job.table, page = job.page, region;

	for (region = job.first; region < job.first + job.nr; region++) {
		u64 *word = (u64 *)l2_gpa(region, page);

		GUEST_ASSERT_EQ(READ_ONCE(*word), expected_word(table, region, page));
		if (!job.write)
			continue;

		WRITE_ONCE(*word, *word + 1);
		account[table][region][page].writes++;
	}

	if (is_vmx)
		vmcall();
	else
		vmmcall();
}

/* L2 never comes back from its exit, but starts over with the next job. */
static void l1_run_svm(struct svm_test_data *svm)
{
	svm->vmcb->control.nested_cr3 = job.pgd;
	svm->vmcb->save.rip = (u64)l2_guest_code;
	svm->vmcb->save.rsp = (u64)svm->stack;
	run_guest(svm->vmcb, svm->vmcb_gpa);
	GUEST_ASSERT_EQ(svm->vmcb->control.exit_code, SVM_EXIT_VMMCALL);
}

static void l1_run_vmx(struct vmx_pages *vmx, bool launched)
{
	u64 eptp = vmreadz(EPT_POINTER) & ~PHYSICAL_PAGE_MASK;

	if (!eptp_has_ad)
		eptp &= ~EPTP_AD_ENABLED;
	vmwrite(EPT_POINTER, eptp | job.pgd);
	vmwrite(GUEST_RIP, (u64)l2_guest_code);
	vmwrite(GUEST_RSP, (u64)vmx->stack);
	GUEST_ASSERT(!(launched ? vmresume() : vmlaunch()));
	GUEST_ASSERT_EQ(vmreadz(VM_EXIT_REASON), EXIT_REASON_VMCALL);
}

static void l1_guest_code(void *nested)
{
	bool launched = false;

	if (is_vmx) {
		GUEST_ASSERT(prepare_for_vmx_operation(nested));
		GUEST_ASSERT(load_vmcs(nested));
		prepare_vmcs(nested, l2_guest_code);
	} else {
		generic_svm_setup(nested, l2_guest_code);
	}

	for (;; launched = true) {
		GUEST_SYNC(0);
		if (is_vmx)
			l1_run_vmx(nested, launched);
		else
			l1_run_svm(nested);
	}
}

struct kind {
	int level;
	bool preset_ad;
	bool no_ad;
};

struct guest {
	const struct kind *kind;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_mmu tables[TABLES];
};

/* The leaf PTE of a page.  Sets @ad in it, and Accessed in the PTEs above it. */
static u64 *get_pte(struct guest *guest, u32 table, gpa_t gpa, u64 ad)
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
static void share_slot0(struct guest *guest, u32 table)
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

static void create_table(struct guest *guest, u32 table)
{
	const struct kind *kind = guest->kind;
	struct kvm_mmu *mmu = &guest->tables[table];
	u64 ad = kind->preset_ad ? PTE_ACCESSED_MASK(mmu) | PTE_DIRTY_MASK(mmu) : 0;
	u32 region, page;

	for (region = 0; region < REGIONS; region++) {
		for (page = 0; page < PAGES; page++) {
			gpa_t gpa = l1_gpa(table, region, page);

			if (kind->level == PG_LEVEL_4K || !page)
				__virt_pg_map(guest->vm, mmu, l2_gpa(region, page),
					      gpa, kind->level);
			get_pte(guest, table, l2_gpa(region, page), ad);
			*(u64 *)addr_gpa2hva(guest->vm, gpa) = expected_word(table, region, page);
		}
	}
	if (table)
		share_slot0(guest, table);
}

static void create_tables(struct guest *guest)
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

static void create_guest(struct guest *guest, const struct kind *kind,
			 const char *policy, u32 pool)
{
	struct mmu_evict_config config = {
		.policy = policy,
		.pool = pool,
		.vcpus = 1,
	};
	gva_t nested;

	is_vmx = kvm_cpu_has(X86_FEATURE_VMX);
	eptp_has_ad = !kind->no_ad;
	memset(account, 0, sizeof(account));

	guest->kind = kind;
	guest->vm = mmu_evict_vm_create_empty(&config, 2 * TABLES * REGIONS,
					      l1_guest_code, &guest->vcpu);
	vm_enable_tdp(guest->vm);
	if (is_vmx)
		vcpu_alloc_vmx(guest->vm, &nested);
	else
		vcpu_alloc_svm(guest->vm, &nested);
	vcpu_args_set(guest->vcpu, 1, nested);

	/* L1 never uses these addresses. */
	virt_map_level(guest->vm, L2_GPA, L2_GPA, REGIONS * PG_SIZE_2M, PG_LEVEL_2M);
	create_tables(guest);

	sync_global_to_guest(guest->vm, is_vmx);
	sync_global_to_guest(guest->vm, eptp_has_ad);
	sync_global_to_guest(guest->vm, account);
	mmu_evict_run(guest->vcpu);
}

/* Returns how many shadow pages KVM has created for that. */
static u64 run_l2(struct guest *guest, u32 table, u32 first, u32 nr, u32 page, bool write)
{
	u64 created = vm_get_stat(guest->vm, mmu_cache_miss);
	u32 i;

	job.pgd = guest->tables[table].pgd;
	job.table = table;
	job.first = first;
	job.nr = nr;
	job.page = page;
	job.write = write;
	sync_global_to_guest(guest->vm, job);
	mmu_evict_run(guest->vcpu);

	for (i = first; i < first + nr; i++) {
		account[table][i][page].used = true;
		account[table][i][page].writes += write;
	}
	return vm_get_stat(guest->vm, mmu_cache_miss) - created;
}

/*
 * Cold tables, one after the other, and all the while the hot ones.  Only
 * read, as a write to a page whose PTE isn't dirty is another fault, i.e. it is
 * a use of a page table that has been used only once by other standards.
 */
static u64 scan(struct guest *guest, u32 first, u32 last)
{
	u32 table, region, hot;
	u64 created = 0;

	for (table = first; table <= last; table++) {
		for (region = 0; region < REGIONS; region++) {
			for (hot = 0; region % 4 == 0 && hot < HOT_TABLES; hot++)
				created += run_l2(guest, hot, 0, HOT_REGIONS, 0, false);
			run_l2(guest, table, region, 1, 0, false);
		}
	}
	return created;
}

/* Does L1's table show what L2 did?  A large page has several of these pages. */
static void check_ad(struct guest *guest, u32 table, u32 region, u32 page)
{
	u32 first = guest->kind->level == PG_LEVEL_2M ? 0 : page;
	u32 last = guest->kind->level == PG_LEVEL_2M ? PAGES - 1 : page;
	struct kvm_mmu *mmu = &guest->tables[table];
	u64 pte = *get_pte(guest, table, l2_gpa(region, page), 0);
	bool used = false, written = false;

	for (page = first; page <= last; page++) {
		used |= account[table][region][page].used;
		written |= account[table][region][page].writes;
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
static void check_memory(struct guest *guest)
{
	u32 table, region, page;

	for (table = 0; table < TABLES; table++) {
		for (region = 0; region < REGIONS; region++) {
			for (page = 0; page < PAGES; page++) {
				TEST_ASSERT_EQ(*(u64 *)addr_gpa2hva(guest->vm,
							l1_gpa(table, region, page)),
					       expected_word(table, region, page));
				check_ad(guest, table, region, page);
			}
		}
	}
}

/* As L1 doesn't write its tables, a shadow page goes away by eviction only. */
static void check_counters(struct guest *guest, bool clock)
{
	u64 recycled = vm_get_stat(guest->vm, mmu_recycled);
	u64 gone = vm_get_stat(guest->vm, mmu_cache_miss) -
		   vm_get_stat(guest->vm, mmu_shadow_pages);

	/* FIFO doesn't count all the descendants of a victim. */
	TEST_ASSERT(clock ? recycled == gone : recycled <= gone,
		    "%lu pages are gone, but %lu were recycled", gone, recycled);
	TEST_ASSERT(recycled, "Nothing was evicted");
	TEST_ASSERT(!vm_get_stat(guest->vm, mmu_evict_spared) != clock,
		    "%lu pages were spared", vm_get_stat(guest->vm, mmu_evict_spared));
}

static void free_guest(struct guest *guest, bool clock)
{
	check_memory(guest);
	check_counters(guest, clock);
	kvm_vm_free(guest->vm);
}

FIXTURE(mmu_evict_nested) { struct guest guest; };
FIXTURE_VARIANT(mmu_evict_nested) { struct kind kind; };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages) { .kind = { PG_LEVEL_4K } };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages_preset_ad) {
	.kind = { PG_LEVEL_4K, .preset_ad = true },
};
FIXTURE_VARIANT_ADD(mmu_evict_nested, large_pages) { .kind = { PG_LEVEL_2M } };
FIXTURE_VARIANT_ADD(mmu_evict_nested, small_pages_no_ad) {
	.kind = { PG_LEVEL_4K, .no_ad = true },
};

FIXTURE_SETUP(mmu_evict_nested)
{
	if (variant->kind.no_ad && !kvm_cpu_has(X86_FEATURE_VMX))
		SKIP(return, "NPT always has A/D bits, EPT can go without");
}

FIXTURE_TEARDOWN(mmu_evict_nested)
{
}

static const char * const policies[] = { "fifo", "clock" };

TEST_F_TIMEOUT(mmu_evict_nested, hot_tables_survive_a_scan_of_cold_tables, TIMEOUT)
{
	u64 created[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		create_guest(&self->guest, &variant->kind, policies[i], MMU_EVICT_MIN_POOL);
		scan(&self->guest, HOT_TABLES, HOT_TABLES + 1);
		created[i] = scan(&self->guest, HOT_TABLES + 2, TABLES - 1);
		TEST_ASSERT(vm_get_stat(self->guest.vm, mmu_shadow_pages) <= MMU_EVICT_MIN_POOL,
			    "The pool is no bound");
		free_guest(&self->guest, i);
	}
	ksft_print_msg("shadow pages of hot tables created: fifo %lu, clock %lu\n",
		       created[0], created[1]);

	/* Without Accessed bits, there is no telling that they are hot. */
	if (variant->kind.no_ad)
		return;
	ASSERT_GT(created[0], 2 * HOT_TABLES * HOT_REGIONS);
	ASSERT_LT(created[1], created[0] / 10);
}

/* Use all tables, and return how many shadow pages there were at most. */
static u64 fill_pool(struct guest *guest, u32 step)
{
	u64 most = 0;
	u32 i;

	for (i = 0; i < TABLES * REGIONS; i += step) {
		run_l2(guest, i / REGIONS, i % REGIONS, step, 0, false);
		most = max(most, vm_get_stat(guest->vm, mmu_shadow_pages));
	}
	return most;
}

/* A page that goes with all its descendants must not shrink the pool further. */
TEST_F_TIMEOUT(mmu_evict_nested, shrinking_keeps_the_requested_size, TIMEOUT)
{
	u64 before, goal, left, most;
	u32 i;

	for (i = 0; i < 2; i++) {
		create_guest(&self->guest, &variant->kind, policies[i], 1024);
		before = fill_pool(&self->guest, REGIONS);
		goal = before - 1;
		mmu_evict_set_pool(self->guest.vm, goal);
		left = vm_get_stat(self->guest.vm, mmu_shadow_pages);
		most = fill_pool(&self->guest, 1);
		ksft_print_msg("%s: %lu pages, pool shrunk to %lu: %lu left, then up to %lu\n",
			       policies[i], before, goal, left, most);

		/* Sweeps start below five free pages. */
		ASSERT_LE(left, goal);
		ASSERT_LE(most, goal);
		ASSERT_GE(most + 8, goal);
		check_memory(&self->guest);
		kvm_vm_free(self->guest.vm);
	}
}

/* The same for the same state of @rng. */
static void run_randomly(struct guest *guest, struct kvm_random_state *rng)
{
	u32 first = kvm_random_u32_in_range(rng, 0, REGIONS - 1);
	bool write = kvm_random_bool(rng);
	u32 page = kvm_random_u32_in_range(rng, 0, PAGES - 1);
	u32 nr = kvm_random_u32_in_range(rng, 1, REGIONS - first);
	u32 table = kvm_random_u32_in_range(rng, 0, TABLES - 1);

	run_l2(guest, table, first, nr, page, write);
}

TEST_F_TIMEOUT(mmu_evict_nested, random_switches_of_tables_lose_nothing, TIMEOUT)
{
	struct kvm_random_state rng;
	u32 i, j;

	ksft_print_msg("seed %u\n", seed);
	for (i = 0; i < 2; i++) {
		rng = new_kvm_random_state(seed);
		create_guest(&self->guest, &variant->kind, policies[i], MMU_EVICT_MIN_POOL);
		for (j = 0; j < 150; j++) {
			run_randomly(&self->guest, &rng);
			if (j % 8)
				continue;
			mmu_evict_set_pool(self->guest.vm,
					   kvm_random_u32_in_range(&rng, MMU_EVICT_MIN_POOL,
								   2 * MMU_EVICT_MIN_POOL));
		}
		free_guest(&self->guest, i);
	}
}

static struct mmu_evict_model model;

/* Not for fifo, which loses count of the descendants, thus evicts more than it has to. */
TEST_F_TIMEOUT(mmu_evict_nested, each_decision_of_the_clock_is_right, TIMEOUT)
{
	struct kvm_random_state rng;
	u32 i;

	if (!mmu_evict_trace_supported())
		SKIP(return, "needs tracefs, and in it the event kvm_mmu_evict_page");

	ksft_print_msg("seed %u\n", seed);
	rng = new_kvm_random_state(seed);
	model.pool = MMU_EVICT_MIN_POOL;
	model.clock = true;

	/* From now on, L1 itself doesn't need any more page tables. */
	create_guest(&self->guest, &variant->kind, "clock", model.pool);
	mmu_evict_trace_start();
	for (i = 0; i < 100; i++) {
		run_randomly(&self->guest, &rng);
		mmu_evict_replay(&model);
	}
	ASSERT_EQ(vm_get_stat(self->guest.vm, mmu_shadow_pages), model.nr);
	ASSERT_EQ(vm_get_stat(self->guest.vm, mmu_evict_spared),
		  model.count[MMU_EVICT_SPARED]);
	/* Victims had descendants. */
	ASSERT_GT(model.count[MMU_EVICT_ZAPPED], model.count[MMU_EVICT_EVICTED]);
	mmu_evict_trace_stop();
	free_guest(&self->guest, true);
}

int main(int argc, char *argv[])
{
	seed = mmu_evict_take_seed(&argc, argv);
	__TEST_REQUIRE(kvm_is_tdp_enabled(), "needs TDP, which is what KVM shadows for L2");
	__TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_VMX) || kvm_cpu_has(X86_FEATURE_SVM),
		       "needs nested virtualization, which KVM doesn't have or which is off");
	__TEST_REQUIRE(kvm_cpu_has_tdp(), "needs TDP for L2, which KVM doesn't have");
	mmu_evict_require_policies();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
