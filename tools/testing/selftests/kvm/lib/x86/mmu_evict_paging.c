// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest whose page tables, segments and code are this file's own, as KVM
 * selftests run guests in 64-bit mode only.
 */
#include <linux/sizes.h>
#include <linux/stringify.h>

#include "mmu_evict_paging.h"

#define REGIONS		EVICT_PAGING_REGIONS
#define GROUP_REGIONS	EVICT_PAGING_GROUP_REGIONS
#define GROUP_OFFSET	(64 * SZ_1M)
#define ROOTS		EVICT_PAGING_ROOTS

#define CODE_GVA	0x10000
#define TABLES_SLOT	MMU_EVICT_SLOT
#define TABLES_GPA	(256 * SZ_1M)
#define NR_TABLES	512
#define DATA_SLOT	(MMU_EVICT_SLOT + 1)
#define DATA_GPA	SZ_1G

#define PORT		0x10
#define FACTOR		0x9e3779b1

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

/* The region's address, as an offset to the base. */
static u32 region_offset(u32 region)
{
	return region / GROUP_REGIONS * SZ_1G + GROUP_OFFSET +
	       region % GROUP_REGIONS * PG_SIZE_2M;
}

static gpa_t region_gpa(const struct evict_paging_mode *mode, u32 region)
{
	return DATA_GPA + region * (mode->leaf == PG_LEVEL_2M ? PG_SIZE_2M : PAGE_SIZE);
}

static u32 *region_words(struct evict_paging *guest, u32 region)
{
	return addr_gpa2hva(guest->vm, region_gpa(guest->mode, region));
}

static gpa_t new_page(struct evict_paging *guest)
{
	TEST_ASSERT(guest->nr_tables < NR_TABLES, "More than %u tables", NR_TABLES);
	return TABLES_GPA + guest->nr_tables++ * PAGE_SIZE;
}

static u64 read_pte(const struct evict_paging_mode *mode, const void *pte)
{
	return mode->bits == 10 ? *(const u32 *)pte : *(const u64 *)pte;
}

static void write_pte(const struct evict_paging_mode *mode, void *pte, u64 value)
{
	if (mode->bits == 10)
		*(u32 *)pte = value;
	else
		*(u64 *)pte = value;
}

/* A PDPTE of PAE paging has reserved bits where others have these. */
static u64 table_flags(const struct evict_paging_mode *mode, u32 level)
{
	return mode->levels == 3 && level == 3 ? PTE_P : PTE_P | PTE_RW | PTE_A;
}

static void *find_pte(const struct evict_paging *guest, u64 table, u64 gva, u32 level)
{
	const struct evict_paging_mode *mode = guest->mode;
	u32 shift = PAGE_SHIFT + mode->bits * (level - 1);
	u32 index = (gva >> shift) & (BIT(mode->bits) - 1);

	return addr_gpa2hva(guest->vm, table) + index * (PAGE_SIZE >> mode->bits);
}

static void map_page(struct evict_paging *guest, u64 gva, gpa_t gpa, u32 leaf)
{
	const struct evict_paging_mode *mode = guest->mode;
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
static void build_guest(struct evict_paging *guest)
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

static void enter_mode(struct evict_paging *guest)
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

void evict_paging_create(struct evict_paging *guest, const struct evict_paging_mode *mode,
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
void evict_paging_walk(struct evict_paging *guest, u32 first, u32 nr)
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

/* Has each region counted its visits, whatever was evicted? */
void evict_paging_check(struct evict_paging *guest)
{
	u32 i;

	for (i = 0; i < REGIONS; i++)
		TEST_ASSERT_EQ(region_words(guest, i)[1], guest->visits[i]);
}
