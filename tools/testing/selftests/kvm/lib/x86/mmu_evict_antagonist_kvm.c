// SPDX-License-Identifier: GPL-2.0-only
/*
 * Antagonists of the stress test that use KVM's own ioctls: the dirty log,
 * memslots, the size of the pool, other VMs.
 */
#include <linux/bitmap.h>

#include "mmu_evict_antagonist.h"

static const char *never_missing(struct evict_stress *stress)
{
	return NULL;
}

static void snapshot(u32 *to, const u32 (*counts)[EVICT_STRESS_PAGES], u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		to[i] = READ_ONCE(counts[i / EVICT_STRESS_PAGES][i % EVICT_STRESS_PAGES]);
}

/* A write that began after @before, and was done before the log was read. */
static void check_log(struct evict_stress *stress, const u32 *before, const u32 *after,
		      const unsigned long *log)
{
	u32 i;

	for (i = 0; i < stress->data_pages; i++) {
		if (after[i] <= before[i])
			continue;
		TEST_ASSERT(test_bit(i, log), "Page %u is not in the dirty log, but has %u writes",
			    i, after[i] - before[i]);
		stress->logged++;
	}
}

static void collect_log(struct evict_stress *stress, unsigned long *log, bool manual)
{
	kvm_vm_get_dirty_log(stress->vm, MMU_EVICT_SLOT, log);
	if (manual)
		kvm_vm_clear_dirty_log(stress->vm, MMU_EVICT_SLOT, log, 0, stress->data_pages);
}

/* Log a few times, have guest and log agree each time, and turn it off again. */
static void dirty_log_round(struct evict_stress *stress, u64 *rng)
{
	u32 *before = calloc(stress->data_pages, sizeof(*before));
	u32 *after = calloc(stress->data_pages, sizeof(*after));
	unsigned long *log = bitmap_zalloc(stress->data_pages);
	bool manual = evict_stress_pick(rng, 0, 1);
	u32 i, nr = evict_stress_pick(rng, 1, 4);

	vm_enable_cap(stress->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual);
	vm_mem_region_set_flags(stress->vm, MMU_EVICT_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	for (i = 0; i < nr; i++) {
		snapshot(before, stress->shared->begun, stress->data_pages);
		evict_stress_wait(stress, evict_stress_pick(rng, 1, 64), EVICT_STRESS_MAX_MS);
		snapshot(after, stress->shared->gen, stress->data_pages);
		collect_log(stress, log, manual);
		check_log(stress, before, after, log);
	}
	vm_mem_region_set_flags(stress->vm, MMU_EVICT_SLOT, 0);

	free(before);
	free(after);
	free(log);
}

const struct evict_antagonist evict_antagonist_dirty_log = {
	.name = "dirty log",
	.missing = never_missing,
	.round = dirty_log_round,
};

static void set_moved_slot(struct evict_stress *stress, u32 home, u64 size)
{
	vm_set_user_memory_region(stress->vm, EVICT_STRESS_MOVED_SLOT, 0,
				  EVICT_STRESS_MOVED_GPA + home * EVICT_STRESS_OTHER_SIZE,
				  size, stress->moved[0]);
}

static bool anyone_inside(struct evict_stress *stress)
{
	u32 i;

	for (i = 0; i < stress->config.vcpus; i++)
		if (READ_ONCE(stress->shared->vcpu[i].inside))
			return true;
	return false;
}

/*
 * Zapping is lazy: KVM has two generations of shadow pages.  What it forgets to
 * zap when the memslot is deleted comes back to life when it is deleted once
 * more, and shows memory of two deletions ago.  That is neither this memory nor
 * the last one.
 */
static void replace_moved_slot(struct evict_stress *stress, u32 from, u32 to)
{
	u8 *last = stress->moved[0];

	set_moved_slot(stress, from, 0);
	stress->moved[0] = stress->moved[1];
	stress->moved[1] = stress->moved[2];
	stress->moved[2] = last;
	set_moved_slot(stress, to, EVICT_STRESS_OTHER_SIZE);
}

/* Nobody reads the slot while the era is odd. */
static void memslot_round(struct evict_stress *stress, u64 *rng)
{
	struct evict_stress_shared *shared = stress->shared;
	u32 from = shared->home, to = evict_stress_pick(rng, 0, 1), ops;
	bool move = evict_stress_pick(rng, 0, 1);

	/* KVM is about to zap all that there is: have it evict some before. */
	ops = evict_stress_pick(rng, MMU_EVICT_MIN_POOL, 3 * MMU_EVICT_MIN_POOL);
	evict_stress_wait(stress, ops, EVICT_STRESS_MAX_MS);

	WRITE_ONCE(shared->era, shared->era + 1);
	__sync_synchronize();
	while (anyone_inside(stress)) {
		if (READ_ONCE(stress->abort))
			return;
		sched_yield();
	}

	if (move && from != to)
		set_moved_slot(stress, to, EVICT_STRESS_OTHER_SIZE);
	else
		replace_moved_slot(stress, from, to);
	evict_stress_fill_moved(stress, shared->era + 1, to);

	WRITE_ONCE(shared->home, to);
	__sync_synchronize();
	WRITE_ONCE(shared->era, shared->era + 1);
}

const struct evict_antagonist evict_antagonist_memslot = {
	.name = "memslot",
	.missing = never_missing,
	.round = memslot_round,
};

static void set_pool(struct evict_stress *stress, u64 pages)
{
	vm_ioctl(stress->vm, KVM_SET_NR_MMU_PAGES, (void *)pages);
}

/* What KVM can't evict, roots in use, always fits in the smallest pool. */
static void pool_round(struct evict_stress *stress, u64 *rng)
{
	u64 used, pages = evict_stress_pick(rng, MMU_EVICT_MIN_POOL, 3 * MMU_EVICT_MIN_POOL / 2);

	set_pool(stress, pages);
	used = vm_get_stat(stress->vm, mmu_shadow_pages);
	TEST_ASSERT(used <= pages, "%lu shadow pages in a pool of %lu", used, pages);
}

static void pool_stop(struct evict_stress *stress)
{
	set_pool(stress, MMU_EVICT_MIN_POOL);
}

const struct evict_antagonist evict_antagonist_pool = {
	.name = "pool",
	.missing = never_missing,
	.round = pool_round,
	.stop = pool_stop,
};

/* Shadow pages of a VM that exists for a moment, of whatever policy. */
static void vms_round(struct evict_stress *stress, u64 *rng)
{
	struct mmu_evict_config config = {
		.policy = !stress->config.policy ? NULL :
			  evict_stress_pick(rng, 0, 1) ? "clock" : "fifo",
		.pool = MMU_EVICT_MIN_POOL,
		.vcpus = 1,
		.regions = evict_stress_pick(rng, 1, 2 * MMU_EVICT_MIN_POOL),
		.pages = 1,
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = mmu_evict_vm_create(&config, mmu_evict_guest_code, &vcpu);
	mmu_evict_run_walk(vcpu, 0, config.regions, false, 0);
	kvm_vm_free(vm);
}

const struct evict_antagonist evict_antagonist_vms = {
	.name = "VMs",
	.missing = never_missing,
	.round = vms_round,
};
