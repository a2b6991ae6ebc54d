// SPDX-License-Identifier: GPL-2.0-only
/*
 * Antagonists of the stress test that are users of the guest's memory on the
 * host: each has the MMU notifiers unmap or write-protect it.
 */
#include <sys/mman.h>

#include "mmu_evict_antagonist.h"

#define MAX_PROTECT	256

/* Each of them costs the host a page for good. */
#define MAX_OFFLINE	32

static const char *never_missing(struct evict_stress *stress)
{
	return NULL;
}

static u64 read_number(const char *path)
{
	u64 number = 0;
	FILE *f = fopen(path, "r");

	TEST_ASSERT(f && fscanf(f, "%lu", &number) == 1, "Reading '%s' failed", path);
	fclose(f);
	return number;
}

static void protect(u8 *memory, u32 pages, int prot)
{
	TEST_ASSERT(!mprotect(memory, pages * PAGE_SIZE, prot), "mprotect() failed: %s",
		    strerror(errno));
}

/* The guest has to wait for memory that is read-only, and can't write it. */
static void mprotect_round(struct evict_stress *stress, u64 *rng)
{
	u32 i, nr = evict_stress_pick(rng, 1, MAX_PROTECT), first;
	u64 words[MAX_PROTECT];

	first = evict_stress_pick(rng, 0, stress->data_pages - nr);
	protect(stress->data + first * PAGE_SIZE, nr, PROT_READ);
	for (i = 0; i < nr; i++)
		words[i] = READ_ONCE(*evict_stress_page(stress->data, first + i));
	evict_stress_wait(stress, evict_stress_pick(rng, 1, 32), 50);
	for (i = 0; i < nr; i++)
		TEST_ASSERT(words[i] == READ_ONCE(*evict_stress_page(stress->data, first + i)),
			    "The guest wrote page %u, which is read-only", first + i);
	protect(stress->data + first * PAGE_SIZE, nr, PROT_READ | PROT_WRITE);
}

static void mprotect_start(struct evict_stress *stress)
{
	stress->may_refuse = true;
}

const struct evict_antagonist evict_antagonist_mprotect = {
	.name = "mprotect",
	.missing = never_missing,
	.start = mprotect_start,
	.round = mprotect_round,
};

/* Pages that are gone, i.e. zeroes, and then have new words. */
static void dontneed_round(struct evict_stress *stress, u64 *rng)
{
	u32 i, nr = evict_stress_pick(rng, 1, 16), first;
	u32 *seq = stress->shared->hosted;

	first = evict_stress_pick(rng, 0, EVICT_STRESS_OTHER_PAGES - nr);
	for (i = first; i < first + nr; i++)
		WRITE_ONCE(seq[i], seq[i] + 1);
	TEST_ASSERT(!madvise(stress->hosted + first * PAGE_SIZE, nr * PAGE_SIZE, MADV_DONTNEED),
		    "MADV_DONTNEED failed: %s", strerror(errno));
	if (evict_stress_pick(rng, 0, 1))
		evict_stress_wait(stress, evict_stress_pick(rng, 1, 16), EVICT_STRESS_MAX_MS);

	for (i = first; i < first + nr; i++) {
		WRITE_ONCE(*evict_stress_page(stress->hosted, i),
			   evict_stress_word(EVICT_STRESS_BY_HOST,
					     i / EVICT_STRESS_PAGES + EVICT_STRESS_HOSTED,
					     i % EVICT_STRESS_PAGES, seq[i] + 1));
		WRITE_ONCE(seq[i], seq[i] + 1);
	}
}

const struct evict_antagonist evict_antagonist_dontneed = {
	.name = "MADV_DONTNEED",
	.missing = never_missing,
	.round = dontneed_round,
};

static const char *ksm_missing(struct evict_stress *stress)
{
	return access(EVICT_STRESS_KSM "run", W_OK) ? "no KSM" : NULL;
}

static void ksm_start(struct evict_stress *stress)
{
	mmu_evict_write_file(EVICT_STRESS_KSM "sleep_millisecs", "5");
	mmu_evict_write_file(EVICT_STRESS_KSM "pages_to_scan", "500");
	mmu_evict_write_file(EVICT_STRESS_KSM "run", "1");
	TEST_ASSERT(!madvise(stress->data, stress->data_pages * PAGE_SIZE, MADV_MERGEABLE),
		    "MADV_MERGEABLE failed: %s", strerror(errno));
}

/* Give every merged page back to its owner once in a while. */
static void ksm_round(struct evict_stress *stress, u64 *rng)
{
	usleep(evict_stress_pick(rng, 1, 20000));
	if (!evict_stress_pick(rng, 0, 9)) {
		mmu_evict_write_file(EVICT_STRESS_KSM "run", "2");
		mmu_evict_write_file(EVICT_STRESS_KSM "run", "1");
	}
	stress->merged = max(stress->merged, read_number(EVICT_STRESS_KSM "pages_sharing"));
}

static void ksm_stop(struct evict_stress *stress)
{
	mmu_evict_write_file(EVICT_STRESS_KSM "run", "2");
}

const struct evict_antagonist evict_antagonist_ksm = {
	.name = "KSM",
	.missing = ksm_missing,
	.start = ksm_start,
	.stop = ksm_stop,
	.round = ksm_round,
};

/* Try with a page of no use. */
static const char *offline_missing(struct evict_stress *stress)
{
	void *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int r = madvise(page, PAGE_SIZE, MADV_SOFT_OFFLINE);

	munmap(page, PAGE_SIZE);
	return r ? "no MADV_SOFT_OFFLINE" : NULL;
}

/* Have the host believe that a page is about to fail.  It may find it busy. */
static void offline_round(struct evict_stress *stress, u64 *rng)
{
	u32 page = evict_stress_pick(rng, 0, stress->data_pages - 1);

	if (stress->offlined < MAX_OFFLINE &&
	    !madvise(stress->data + page * PAGE_SIZE, PAGE_SIZE, MADV_SOFT_OFFLINE))
		stress->offlined++;
}

const struct evict_antagonist evict_antagonist_offline = {
	.name = "MADV_SOFT_OFFLINE",
	.missing = offline_missing,
	.round = offline_round,
};
