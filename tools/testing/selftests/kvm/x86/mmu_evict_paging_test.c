// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction of shadow pages under each mode of paging that KVM shadows: the guest
 * reads what it should, and its hot page tables stay under the clock, which they
 * don't under FIFO.
 *
 * The modes differ in what a shadow page is:
 *
 *   non_pae     half a guest page table of 1024 PTEs, a quarter of a directory
 *   pae         the four page directories are the roots
 *   large_page  2 MiB of the guest, which has no page table, but the host has
 *               no huge page either: a direct shadow page
 *   pcid        two of several roots, both of which KVM keeps
 *   la57        there is one more level
 *
 * KVM selftests run guests in 64-bit mode only.  So page tables, segments and
 * code are this test's own.
 */
#include <linux/sizes.h>
#include <linux/stringify.h>

#include "kvm_test_harness.h"
#include "mmu_evict.h"

/* 64 regions of 2 MiB in each GiB, i.e. under each page directory. */
#define GROUPS		4
#define GROUP_REGIONS	64
#define GROUP_OFFSET	(64 * SZ_1M)
#define REGIONS		(GROUPS * GROUP_REGIONS)

/* The first ones of each group.  Two share a page table of 1024 PTEs. */
#define HOT_REGIONS	4

/* After that many cold regions, the guest comes back to all hot ones. */
#define COLD_STEP	4

#define ROOTS		2

#define CODE_GVA	0x10000
#define TABLES_SLOT	MMU_EVICT_SLOT
#define TABLES_GPA	(256 * SZ_1M)
#define NR_TABLES	512
#define DATA_SLOT	(MMU_EVICT_SLOT + 1)
#define DATA_GPA	SZ_1G

#define PORT		0x10
#define FACTOR		0x9e3779b1

/* Emulation with all debug options on is slow. */
#define TIMEOUT		300

#define PTE_P		BIT(0)
#define PTE_RW		BIT(1)
#define PTE_A		BIT(5)
#define PTE_D		BIT(6)
#define PTE_PS		BIT(7)

/*
 * Check and count ECX regions, EDI apart, at address EBX + ESI: the first word
 * is a function of ESI, the second one is the number of visits.  EDX is CR3, EAX
 * the first word as it should be.  Stops at the first word that is wrong.
 *
 * These instructions have the same encoding, and do the same, in 32-bit and in
 * 64-bit mode, where the addresses have 64 bits.
 */
asm(".pushsection .rodata\n"
	"	.code32\n"
	"guest_walk:\n"
	"	mov	%edx, %cr3\n"
	"1:	imul	$" __stringify(FACTOR) ", %esi, %eax\n"
	"	cmp	(%ebx, %esi), %eax\n"
	"	jne	2f\n"
	"	incl	4(%ebx, %esi)\n"
	"	add	%edi, %esi\n"
	"	sub	$1, %ecx\n"
	"	jnz	1b\n"
	"2:	out	%al, $" __stringify(PORT) "\n"
	"guest_walk_end:\n"
	"	.code64\n"
	".popsection\n");

struct paging_mode {
	/* Levels of page tables, the bits of an address that each translates. */
	u32 levels;
	u32 bits;
	/* The level of the PTEs that map regions: 1 or 2. */
	u32 leaf;
	u64 cr4;
	bool long_mode;
	/* Where the regions are. */
	u64 base;
};

struct guest {
	const struct paging_mode *mode;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 roots[ROOTS];
	/* How many pages of TABLES_SLOT are in use. */
	u32 nr_tables;
	u32 walks;
	u32 visits[REGIONS];
};

FIXTURE(mmu_evict_paging) { struct guest guest; };

FIXTURE_VARIANT(mmu_evict_paging) { struct paging_mode mode; };

FIXTURE_VARIANT_ADD(mmu_evict_paging, non_pae) {
	.mode = { .levels = 2, .bits = 10, .leaf = PG_LEVEL_4K },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pae) {
	.mode = { .levels = 3, .bits = 9, .leaf = PG_LEVEL_4K, .cr4 = X86_CR4_PAE },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pae_large_page) {
	.mode = { .levels = 3, .bits = 9, .leaf = PG_LEVEL_2M, .cr4 = X86_CR4_PAE },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, large_page) {
	.mode = { .levels = 4, .bits = 9, .leaf = PG_LEVEL_2M, .cr4 = X86_CR4_PAE,
		  .long_mode = true, .base = BIT_ULL(40) },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, pcid) {
	.mode = { .levels = 4, .bits = 9, .leaf = PG_LEVEL_4K,
		  .cr4 = X86_CR4_PAE | X86_CR4_PCIDE,
		  .long_mode = true, .base = BIT_ULL(40) },
};

FIXTURE_VARIANT_ADD(mmu_evict_paging, la57) {
	.mode = { .levels = 5, .bits = 9, .leaf = PG_LEVEL_4K,
		  .cr4 = X86_CR4_PAE | X86_CR4_LA57,
		  .long_mode = true, .base = BIT_ULL(50) },
};

/* The region's address, as an offset to the base. */
static u32 region_offset(u32 region)
{
	return region / GROUP_REGIONS * SZ_1G + GROUP_OFFSET +
	       region % GROUP_REGIONS * PG_SIZE_2M;
}

static gpa_t region_gpa(const struct paging_mode *mode, u32 region)
{
	return DATA_GPA + region * (mode->leaf == PG_LEVEL_2M ? PG_SIZE_2M : PAGE_SIZE);
}

static u32 *region_words(struct guest *guest, u32 region)
{
	return addr_gpa2hva(guest->vm, region_gpa(guest->mode, region));
}

static gpa_t new_page(struct guest *guest)
{
	TEST_ASSERT(guest->nr_tables < NR_TABLES, "More than %u tables", NR_TABLES);
	return TABLES_GPA + guest->nr_tables++ * PAGE_SIZE;
}

static u64 read_pte(const struct paging_mode *mode, const void *pte)
{
	return mode->bits == 10 ? *(const u32 *)pte : *(const u64 *)pte;
}

static void write_pte(const struct paging_mode *mode, void *pte, u64 value)
{
	if (mode->bits == 10)
		*(u32 *)pte = value;
	else
		*(u64 *)pte = value;
}

/* A PDPTE of PAE paging has reserved bits where others have these. */
static u64 table_flags(const struct paging_mode *mode, u32 level)
{
	return mode->levels == 3 && level == 3 ? PTE_P : PTE_P | PTE_RW | PTE_A;
}

static void *find_pte(const struct guest *guest, u64 table, u64 gva, u32 level)
{
	const struct paging_mode *mode = guest->mode;
	u32 shift = PAGE_SHIFT + mode->bits * (level - 1);
	u32 index = (gva >> shift) & (BIT(mode->bits) - 1);

	return addr_gpa2hva(guest->vm, table) + index * (PAGE_SIZE >> mode->bits);
}

static void map_page(struct guest *guest, u64 gva, gpa_t gpa, u32 leaf)
{
	const struct paging_mode *mode = guest->mode;
	u64 table = guest->roots[0];
	u32 level;
	void *pte;

	for (level = mode->levels; level > leaf; level--) {
		pte = find_pte(guest, table, gva, level);
		if (!read_pte(mode, pte))
			write_pte(mode, pte, new_page(guest) | table_flags(mode, level));
		table = read_pte(mode, pte) & ~(PAGE_SIZE - 1);
	}

	write_pte(mode, find_pte(guest, table, gva, leaf), gpa |
		  PTE_P | PTE_RW | PTE_A | PTE_D | (leaf == PG_LEVEL_2M ? PTE_PS : 0));
}

static void copy_code(void *to)
{
	const char *start, *end;

	asm("lea guest_walk(%%rip), %0\n\t"
	    "lea guest_walk_end(%%rip), %1" : "=&r"(start), "=r"(end));
	memcpy(to, start, end - start);
}

/* Code, data and page tables, the roots of which have the same contents. */
static void build_guest(struct guest *guest)
{
	gpa_t code;
	u32 i;

	vm_userspace_mem_region_add(guest->vm, VM_MEM_SRC_ANONYMOUS, TABLES_GPA,
				    TABLES_SLOT, NR_TABLES, 0);
	vm_userspace_mem_region_add(guest->vm, VM_MEM_SRC_ANONYMOUS, DATA_GPA, DATA_SLOT,
				    (region_gpa(guest->mode, REGIONS) - DATA_GPA) / PAGE_SIZE, 0);

	for (i = 0; i < ROOTS; i++)
		guest->roots[i] = new_page(guest);
	code = new_page(guest);
	copy_code(addr_gpa2hva(guest->vm, code));
	map_page(guest, CODE_GVA, code, PG_LEVEL_4K);

	for (i = 0; i < REGIONS; i++) {
		*region_words(guest, i) = region_offset(i) * FACTOR;
		map_page(guest, guest->mode->base + region_offset(i), region_gpa(guest->mode, i),
			 guest->mode->leaf);
	}
	for (i = 1; i < ROOTS; i++)
		memcpy(addr_gpa2hva(guest->vm, guest->roots[i]),
		       addr_gpa2hva(guest->vm, guest->roots[0]), PAGE_SIZE);
}

static void enter_mode(struct guest *guest)
{
	struct kvm_sregs sregs;

	vcpu_sregs_get(guest->vcpu, &sregs);
	sregs.cr3 = guest->roots[0];
	sregs.cr4 &= ~(X86_CR4_PAE | X86_CR4_LA57);
	sregs.cr4 |= guest->mode->cr4;
	if (!guest->mode->long_mode) {
		sregs.efer &= ~(EFER_LME | EFER_LMA);
		sregs.cs.l = 0;
		sregs.cs.db = 1;
		sregs.ds.db = 1;
		sregs.es.db = 1;
		sregs.ss.db = 1;
	}
	vcpu_sregs_set(guest->vcpu, &sregs);
}

FIXTURE_SETUP(mmu_evict_paging)
{
	if (variant->mode.cr4 & X86_CR4_PCIDE && !kvm_cpu_has(X86_FEATURE_PCID))
		SKIP(return, "the CPU has no PCIDs");
	if (variant->mode.cr4 & X86_CR4_LA57 && !kvm_cpu_has(X86_FEATURE_LA57))
		SKIP(return, "the CPU has no 5-level paging");
}

FIXTURE_TEARDOWN(mmu_evict_paging)
{
	if (self->guest.vm)
		kvm_vm_free(self->guest.vm);
}

static void create_guest(struct guest *guest, const struct paging_mode *mode,
			 const char *policy)
{
	const struct mmu_evict_config config = {
		.policy = policy,
		.pool = MMU_EVICT_MIN_POOL,
		.vcpus = 1,
	};

	guest->mode = mode;
	guest->vm = mmu_evict_vm_create_empty(&config, 0, NULL, &guest->vcpu);
	build_guest(guest);
	enter_mode(guest);
}

/* Walk through regions that are in the same group. */
static void walk(struct guest *guest, u32 first, u32 nr)
{
	u32 root = guest->walks++ % ROOTS, i;
	struct kvm_regs regs = {
		.rip = CODE_GVA,
		.rflags = X86_EFLAGS_FIXED,
		.rbx = guest->mode->base,
		.rsi = region_offset(first),
		.rdi = PG_SIZE_2M,
		.rcx = nr,
		.rdx = guest->roots[root] | (guest->mode->cr4 & X86_CR4_PCIDE ? root + 1 : 0),
	};

	vcpu_regs_set(guest->vcpu, &regs);
	vcpu_run(guest->vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(guest->vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(guest->vcpu->run->io.port, PORT);

	vcpu_regs_get(guest->vcpu, &regs);
	TEST_ASSERT(!regs.rcx, "The guest didn't read %llx at %llx of region %llu",
		    regs.rax, guest->mode->base + regs.rsi, first + nr - regs.rcx);
	for (i = first; i < first + nr; i++)
		guest->visits[i]++;
}

/* Returns how many shadow pages had to be created for that. */
static u64 walk_hot_regions(struct guest *guest)
{
	u64 before = vm_get_stat(guest->vm, mmu_cache_miss);
	u32 i;

	for (i = 0; i < REGIONS; i += GROUP_REGIONS)
		walk(guest, i, HOT_REGIONS);
	return vm_get_stat(guest->vm, mmu_cache_miss) - before;
}

/* Scan the cold regions, coming back to the hot ones all the time. */
static u64 scan(struct guest *guest)
{
	u64 created = 0;
	u32 i;

	for (i = 0; i < REGIONS; i += COLD_STEP) {
		if (i % GROUP_REGIONS < HOT_REGIONS)
			continue;
		created += walk_hot_regions(guest);
		walk(guest, i, COLD_STEP);
	}
	return created;
}

/* Returns how many shadow pages were created for hot regions, after a while. */
static u64 scan_and_verify(struct guest *guest)
{
	u64 recycled, created;
	u32 i;

	scan(guest);
	recycled = vm_get_stat(guest->vm, mmu_recycled);
	created = scan(guest);

	TEST_ASSERT(vm_get_stat(guest->vm, mmu_recycled) > recycled + REGIONS / 2,
		    "Only %lu pages evicted", vm_get_stat(guest->vm, mmu_recycled) - recycled);
	for (i = 0; i < REGIONS; i++)
		TEST_ASSERT_EQ(region_words(guest, i)[1], guest->visits[i]);
	ksft_print_msg("%lu shadow pages created for %u hot regions\n", created,
		       GROUPS * HOT_REGIONS);
	return created;
}

TEST_F_TIMEOUT(mmu_evict_paging, fifo_evicts_hot_tables, TIMEOUT)
{
	create_guest(&self->guest, &variant->mode, "fifo");
	ASSERT_GT(scan_and_verify(&self->guest), 3 * GROUPS * HOT_REGIONS);
}

TEST_F_TIMEOUT(mmu_evict_paging, clock_keeps_hot_tables, TIMEOUT)
{
	create_guest(&self->guest, &variant->mode, "clock");
	ASSERT_LT(scan_and_verify(&self->guest), GROUPS * HOT_REGIONS / 2);
}

int main(int argc, char *argv[])
{
	mmu_evict_require();
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	return test_harness_run(argc, argv);
}
