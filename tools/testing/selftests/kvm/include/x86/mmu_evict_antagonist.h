/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of the stress test: the VM, a thread for each vCPU and for
 * each antagonist, and a watchdog.
 */
#ifndef SELFTEST_KVM_MMU_EVICT_ANTAGONIST_H
#define SELFTEST_KVM_MMU_EVICT_ANTAGONIST_H

#include "mmu_evict_stress.h"

#define EVICT_STRESS_HOSTED_SLOT	2
#define EVICT_STRESS_MOVED_SLOT		3
#define EVICT_STRESS_HOSTED_GPA		BIT_ULL(33)
#define EVICT_STRESS_MOVED_GPA		(BIT_ULL(33) + BIT_ULL(30))
#define EVICT_STRESS_OTHER_SIZE		(EVICT_STRESS_OTHER_PAGES * PAGE_SIZE)

#define EVICT_STRESS_KSM		"/sys/kernel/mm/ksm/"

/* How long antagonists wait for a guest that makes little progress. */
#define EVICT_STRESS_MAX_MS		5000

#define EVICT_STRESS_MAX_ANTAGONISTS	16

struct evict_stress;

struct evict_antagonist {
	const char *name;
	/* Returns why it can't run here, or NULL. */
	const char *(*missing)(struct evict_stress *stress);
	/* Optional: before the first round, and after the last one. */
	void (*start)(struct evict_stress *stress);
	void (*stop)(struct evict_stress *stress);
	/* Every draw must be from @rng. */
	void (*round)(struct evict_stress *stress, u64 *rng);
};

extern const struct evict_antagonist evict_antagonist_mprotect;
extern const struct evict_antagonist evict_antagonist_dontneed;
extern const struct evict_antagonist evict_antagonist_idle;
extern const struct evict_antagonist evict_antagonist_lru_gen;
extern const struct evict_antagonist evict_antagonist_ksm;
extern const struct evict_antagonist evict_antagonist_offline;
extern const struct evict_antagonist evict_antagonist_dirty_log;
extern const struct evict_antagonist evict_antagonist_memslot;
extern const struct evict_antagonist evict_antagonist_pool;
extern const struct evict_antagonist evict_antagonist_vms;
extern const struct evict_antagonist evict_antagonist_stall;

struct evict_stress_config {
	const char *policy;
	u64 seed;
	u32 vcpus;
	u32 ops;
	/* Seconds without progress that the watchdog tolerates. */
	u32 patience;
	/* The vCPU that is to stop, or UINT_MAX. */
	u32 stall;
};

/* A thread of the host, and how far it got. */
struct evict_stress_thread {
	struct evict_stress *stress;
	pthread_t pthread;
	const struct evict_antagonist *antagonist;
	u32 id;
	u32 rounds;
	bool done;
	/* The watchdog's. */
	u32 seen;
	u32 quiet;
};

struct evict_stress {
	struct evict_stress_config config;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[EVICT_STRESS_MAX_VCPUS];
	struct evict_stress_shared *shared;

	u32 data_pages;
	u8 *data;
	u8 *hosted;
	/* The moved slot's memory is the first of these, while it exists. */
	u8 *moved[3];

	struct evict_stress_thread vcpu[EVICT_STRESS_MAX_VCPUS];
	struct evict_stress_thread antagonist[EVICT_STRESS_MAX_ANTAGONISTS];
	u32 nr_antagonists;

	/* The vCPUs are done; give up on them. */
	bool stop;
	bool abort;
	/* The guest's writes that the host refused. */
	u32 refused;
	bool may_refuse;
	/* What it came to: pages that KSM saved at its best, ... */
	u64 merged;
	/* ... taken out of service, ... */
	u32 offlined;
	/* ... and found in the dirty log, as they should be. */
	u32 logged;
	/* Who stopped making progress, and at what. */
	char verdict[256];
};

static inline u32 evict_stress_pick(u64 *rng, u32 min, u32 max)
{
	return min + (evict_stress_next(rng) >> 32) % (max - min + 1);
}

static inline u64 *evict_stress_page(u8 *memory, u32 page)
{
	return (u64 *)(memory + page * PAGE_SIZE);
}

/* The guest's operations so far. */
static inline u32 evict_stress_progress(struct evict_stress *stress)
{
	u32 i, done = 0;

	for (i = 0; i < stress->config.vcpus; i++)
		done += READ_ONCE(stress->shared->vcpu[i].done);
	return done;
}

void evict_stress_create(struct evict_stress *stress);
void evict_stress_free(struct evict_stress *stress);
void evict_stress_fill_moved(struct evict_stress *stress, u32 era, u32 home);
void evict_stress_wait(struct evict_stress *stress, u32 ops, u32 max_ms);
void evict_stress_run(struct evict_stress *stress,
		      const struct evict_antagonist * const *antagonists, u32 nr);

#endif /* SELFTEST_KVM_MMU_EVICT_ANTAGONIST_H */
