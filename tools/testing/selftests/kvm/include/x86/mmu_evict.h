/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of shadow page eviction share: a VM with a given policy and pool
 * of shadow pages, and a guest working set of 2 MiB regions.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_H
#define SELFTEST_KVM_MMU_EVICT_H

#include "kvm_util.h"
#include "processor.h"

#define MMU_EVICT_PARAM		"/sys/module/kvm/parameters/mmu_evict"
#define MMU_EVICT_WORD_LEN	32

/* The smallest pool that KVM_SET_NR_MMU_PAGES accepts. */
#define MMU_EVICT_MIN_POOL	64

/* The regions' guest addresses, and where the guest sees their page tables. */
#define MMU_EVICT_GVA		0xc0000000ul
#define MMU_EVICT_TABLES_GVA	0x80000000ul
#define MMU_EVICT_GPA		BIT_ULL(32)
#define MMU_EVICT_SLOT		1
#define MMU_EVICT_REGION_PAGES	512

/* Loading CR3 with this bit keeps what the TLB has of the PCID. */
#define MMU_EVICT_CR3_NOFLUSH	BIT_ULL(63)

struct mmu_evict_config {
	/* NULL: whatever kvm.mmu_evict says now, or a KVM without it. */
	const char *policy;
	u32 pool;
	u32 vcpus;
	u32 regions;
	/* Present 4 KiB pages at the start of each region. */
	u32 pages;
};

static inline gva_t mmu_evict_gva(u32 region, u32 page)
{
	return MMU_EVICT_GVA + region * PG_SIZE_2M + page * PAGE_SIZE;
}

static inline void mmu_evict_set_pool(struct kvm_vm *vm, u32 pool)
{
	vm_ioctl(vm, KVM_SET_NR_MMU_PAGES, (void *)(unsigned long)pool);
}

/* The first word of each page: every byte depends on region and page. */
static inline u64 mmu_evict_value(u32 region, u32 page)
{
	u64 id = region * MMU_EVICT_REGION_PAGES + page + 1;

	return __builtin_bswap64(id * 0x9e3779b97f4a7c15ull);
}

/* The first regions are those that a guest may keep coming back to. */
#define MMU_EVICT_HOT_REGIONS	16
#define MMU_EVICT_MAX_ROOTS	4

/* What mmu_evict_guest_code() does until its next GUEST_SYNC. */
struct mmu_evict_walk {
	/* Touch this page of these regions, in order. */
	u32 first;
	u32 nr;
	u32 page;
	/* Before every fourth, touch it in all hot regions, too. */
	bool hot;
	/* Make the shadow page of each region's page table unsync. */
	bool write_tables;
	/* Use these roots by turns, if any. */
	u32 nr_roots;
	u64 roots[MMU_EVICT_MAX_ROOTS];
	/* What was given to mmu_evict_fill(). */
	u64 stamp;
};

extern struct mmu_evict_walk mmu_evict_walk;

int mmu_evict_write_file(const char *path, const char *text);
void mmu_evict_keep_setting(const char *path);
bool mmu_evict_has_param(void);
void mmu_evict_get_param(char *word, size_t size);
int mmu_evict_set_param(const char *word);
bool mmu_evict_has_stat(struct kvm_vm *vm, const char *name);
void mmu_evict_require_policies(void);
void mmu_evict_require_shadow_paging(void);
void mmu_evict_require(void);
u32 mmu_evict_take_seed(int *argc, char *argv[]);

struct kvm_vm *mmu_evict_vm_create_empty(const struct mmu_evict_config *config,
					 u64 nr_pages, void *guest_code,
					 struct kvm_vcpu *vcpus[]);
struct kvm_vm *mmu_evict_vm_create(const struct mmu_evict_config *config,
				   void *guest_code, struct kvm_vcpu *vcpus[]);
void mmu_evict_fill(const struct mmu_evict_config *config, u64 *word, u64 stamp);
gpa_t mmu_evict_table(struct kvm_vm *vm, u32 region);
gpa_t mmu_evict_copy_root(struct kvm_vm *vm);
void mmu_evict_map_tables(struct kvm_vm *vm, u32 regions);
void mmu_evict_run(struct kvm_vcpu *vcpu);
void mmu_evict_guest_walk(const struct mmu_evict_walk *walk);
void mmu_evict_guest_code(void);
void mmu_evict_run_walk(struct kvm_vcpu *vcpu, u32 first, u32 nr, bool hot, u32 page);

#endif /* SELFTEST_KVM_MMU_EVICT_H */
