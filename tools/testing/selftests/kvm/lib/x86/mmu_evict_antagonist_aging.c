// SPDX-License-Identifier: GPL-2.0-only
/*
 * Antagonists of the stress test that ask which pages the guest uses, by way of
 * idle page tracking and of MGLRU.  Neither may change what the guest sees.
 */
#include "lru_gen_util.h"
#include "mmu_evict_antagonist.h"

#define PAGE_IDLE	"/sys/kernel/mm/page_idle/bitmap"
#define PAGEMAP_PRESENT	BIT_ULL(63)
#define PAGEMAP_PFN	GENMASK_ULL(54, 0)

static const char *idle_missing(struct evict_stress *stress)
{
	return access(PAGE_IDLE, R_OK | W_OK) ? "no " PAGE_IDLE : NULL;
}

/* The file ends with the last word that has a page, i.e. possibly in its midst. */
static void mark_idle(int idle, u64 pfn)
{
	u64 bits = BIT_ULL(pfn % 64);

	TEST_ASSERT(pwrite(idle, &bits, sizeof(bits), pfn / 64 * sizeof(bits)) >= 0,
		    "Marking page %#lx as idle failed: %s", pfn, strerror(errno));
}

/* KVM looks for young SPTEs when the bitmap is read, as it did when it was written. */
static void query_idle(int idle, u64 pfn)
{
	u64 bits;

	TEST_ASSERT(pread(idle, &bits, sizeof(bits), pfn / 64 * sizeof(bits)) >= 0,
		    "Asking whether page %#lx is idle failed: %s", pfn, strerror(errno));
}

static void idle_round(struct evict_stress *stress, u64 *rng)
{
	int pagemap = open_path_or_exit("/proc/self/pagemap", O_RDONLY);
	int idle = open_path_or_exit(PAGE_IDLE, O_RDWR);
	u32 i, nr = evict_stress_pick(rng, 1, 64), first;
	u64 entries[64];

	first = evict_stress_pick(rng, 0, stress->data_pages - nr);
	TEST_ASSERT(pread(pagemap, entries, nr * sizeof(*entries),
			  ((u64)stress->data / PAGE_SIZE + first) * sizeof(*entries)) > 0,
		    "Reading the pagemap failed");
	for (i = 0; i < nr; i++)
		if (entries[i] & PAGEMAP_PRESENT)
			mark_idle(idle, entries[i] & PAGEMAP_PFN);
	evict_stress_wait(stress, evict_stress_pick(rng, 1, 16), EVICT_STRESS_MAX_MS);
	for (i = 0; i < nr; i++)
		if (entries[i] & PAGEMAP_PRESENT)
			query_idle(idle, entries[i] & PAGEMAP_PFN);
	close(idle);
	close(pagemap);
}

const struct evict_antagonist evict_antagonist_idle = {
	.name = "idle pages",
	.missing = idle_missing,
	.round = idle_round,
};

static const char *lru_gen_missing(struct evict_stress *stress)
{
	if (access(LRU_GEN_DEBUGFS, R_OK | W_OK))
		return "no " LRU_GEN_DEBUGFS;
	return mmu_evict_write_file(LRU_GEN_ENABLED_PATH, "7") ? "can't enable MGLRU" : NULL;
}

/* Have each list age once for each of its generations. */
static void lru_gen_round(struct evict_stress *stress, u64 *rng)
{
	unsigned long memcg = 0, node = 0, gen, age, anon, file;
	FILE *f = fopen(LRU_GEN_DEBUGFS, "r");
	char line[256], command[64];
	int r;

	TEST_ASSERT(f, "Opening " LRU_GEN_DEBUGFS " failed");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " memcg %lu", &memcg) == 1 ||
		    sscanf(line, " node %lu", &node) == 1 ||
		    sscanf(line, "%lu %lu %lu %lu", &gen, &age, &anon, &file) != 4)
			continue;
		snprintf(command, sizeof(command), "+ %lu %lu %lu 1 1\n", memcg, node, gen);
		r = mmu_evict_write_file(LRU_GEN_DEBUGFS, command);
		/* The kernel may have been faster. */
		TEST_ASSERT(!r || r == -EEXIST, "Aging by '%s' failed: %s", command, strerror(-r));
	}
	fclose(f);
}

const struct evict_antagonist evict_antagonist_lru_gen = {
	.name = "MGLRU",
	.missing = lru_gen_missing,
	.round = lru_gen_round,
};
