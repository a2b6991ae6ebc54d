// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction of shadow pages under stress: vCPUs that verify what they read, from
 * many more page tables than there are shadow pages, while the host pulls their
 * memory away, logs it, ages it, replaces it, and resizes the pool.
 *
 * There is a case for each of these antagonists, and one for all of them.  The
 * outcome must not depend on timing, and a run's operations don't: those of each
 * thread follow from the seed.  What they meet depends on the other threads.
 */
#include <getopt.h>

#include "kvm_test_harness.h"
#include "lru_gen_util.h"
#include "mmu_evict_antagonist.h"

/* A watchdog looks after each case; this is for the case that it fails. */
#define TIMEOUT		600

static const struct evict_antagonist * const antagonists[] = {
	&evict_antagonist_mprotect,
	&evict_antagonist_dontneed,
	&evict_antagonist_idle,
	&evict_antagonist_lru_gen,
	&evict_antagonist_ksm,
	&evict_antagonist_offline,
	&evict_antagonist_dirty_log,
	&evict_antagonist_memslot,
	&evict_antagonist_pool,
	&evict_antagonist_vms,
};

static struct evict_stress_config default_config = {
	.seed = 1,
	.vcpus = 4,
	.patience = 60,
	.stall = UINT_MAX,
};

/* Run on a KVM without policies, too, and call it fifo. */
static bool upstream;

/* Of all vCPUs together, in each case. */
static u32 ops = 1600;

FIXTURE(mmu_evict_stress) {
	struct evict_stress stress;
};

FIXTURE_VARIANT(mmu_evict_stress) { const char *policy; };
FIXTURE_VARIANT_ADD(mmu_evict_stress, fifo) { .policy = "fifo" };
FIXTURE_VARIANT_ADD(mmu_evict_stress, clock) { .policy = "clock" };

FIXTURE_SETUP(mmu_evict_stress)
{
	self->stress.config = default_config;
	if (mmu_evict_has_param())
		self->stress.config.policy = variant->policy;
	else if (strcmp(variant->policy, "fifo"))
		SKIP(return, "KVM has no policy but fifo");
	evict_stress_create(&self->stress);
}

FIXTURE_TEARDOWN(mmu_evict_stress)
{
	evict_stress_free(&self->stress);
}

static void check_stats(struct kvm_vm *vm)
{
	u64 created = vm_get_stat(vm, mmu_cache_miss), zapped = vm_get_stat(vm, mmu_shadow_zapped);
	u64 used = vm_get_stat(vm, mmu_shadow_pages), evicted = vm_get_stat(vm, mmu_recycled);

	ksft_print_msg("%lu shadow pages created, %lu zapped, %lu evicted, %lu left\n",
		       created, zapped, evicted, used);
	TEST_ASSERT(evicted > 0, "Nothing was evicted");
	TEST_ASSERT(used <= MMU_EVICT_MIN_POOL, "More pages than the pool has");
	TEST_ASSERT(created - used <= zapped, "Pages went without having been zapped");
}

/* Each vCPU must have done what the seed says, whatever it met. */
static void check_operations(struct evict_stress *stress)
{
	u32 i, op;

	for (i = 0; i < stress->config.vcpus; i++) {
		u64 rng = evict_stress_stream(stress->config.seed, i), digest = 0;

		for (op = 0; op < stress->config.ops; op++)
			digest = digest * 31 + evict_stress_next(&rng);
		TEST_ASSERT(stress->shared->vcpu[i].done == op &&
			    stress->shared->vcpu[i].digest == digest,
			    "vCPU %u did %u operations, not the seed's %u", i,
			    stress->shared->vcpu[i].done, op);
	}
}

static void run(struct evict_stress *stress, const struct evict_antagonist * const *who, u32 nr)
{
	struct timespec began;
	u32 i;

	clock_gettime(CLOCK_MONOTONIC, &began);
	evict_stress_run(stress, who, nr);
	TEST_ASSERT(!stress->verdict[0], "%s", stress->verdict);

	for (i = 0; i < nr; i++) {
		ksft_print_msg("%s: %u rounds\n", who[i]->name, stress->antagonist[i].rounds);
		TEST_ASSERT(stress->antagonist[i].rounds, "'%s' did nothing", who[i]->name);
	}
	ksft_print_msg("%u operations of each vCPU, %ld s\n", stress->config.ops,
		       timespec_elapsed(began).tv_sec);
	ksft_print_msg("%u writes refused, %u logged; %u pages offlined, %lu merged\n",
		       stress->refused, stress->logged, stress->offlined, stress->merged);
	check_operations(stress);
	check_stats(stress->vm);
}

TEST_F_TIMEOUT(mmu_evict_stress, alone, TIMEOUT)
{
	run(&self->stress, NULL, 0);
}

static void run_against(struct __test_metadata *_metadata, struct evict_stress *stress,
			const struct evict_antagonist *who)
{
	const char *missing = who->missing(stress);

	if (missing)
		SKIP(return, "%s", missing);
	run(stress, &who, 1);
}

TEST_F_TIMEOUT(mmu_evict_stress, mprotect, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_mprotect);
}

TEST_F_TIMEOUT(mmu_evict_stress, dontneed, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_dontneed);
}

TEST_F_TIMEOUT(mmu_evict_stress, idle, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_idle);
}

TEST_F_TIMEOUT(mmu_evict_stress, lru_gen, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_lru_gen);
}

TEST_F_TIMEOUT(mmu_evict_stress, ksm, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_ksm);
}

TEST_F_TIMEOUT(mmu_evict_stress, offline, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_offline);
}

TEST_F_TIMEOUT(mmu_evict_stress, dirty_log, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_dirty_log);
}

TEST_F_TIMEOUT(mmu_evict_stress, memslot, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_memslot);
}

TEST_F_TIMEOUT(mmu_evict_stress, pool, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_pool);
}

TEST_F_TIMEOUT(mmu_evict_stress, vms, TIMEOUT)
{
	run_against(_metadata, &self->stress, &evict_antagonist_vms);
}

TEST_F_TIMEOUT(mmu_evict_stress, all_at_once, TIMEOUT)
{
	const struct evict_antagonist *who[ARRAY_SIZE(antagonists)];
	u32 i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(antagonists); i++)
		if (!antagonists[i]->missing(&self->stress))
			who[nr++] = antagonists[i];
	run(&self->stress, who, nr);
}

/* Seconds: more than anybody needs for an operation, but not worth waiting for. */
#define SHORT_PATIENCE	5

TEST(watchdog_names_the_vcpu)
{
	struct evict_stress stress = { .config = default_config };
	char expected[64];

	stress.config.patience = SHORT_PATIENCE;
	stress.config.ops = 64;
	stress.config.stall = stress.config.vcpus - 1;
	snprintf(expected, sizeof(expected), "vCPU %u stopped in 'stall', operation 32 of 64",
		 stress.config.stall);

	evict_stress_create(&stress);
	evict_stress_run(&stress, NULL, 0);
	ASSERT_STREQ(stress.verdict, expected);
	evict_stress_free(&stress);
}

TEST(watchdog_names_the_antagonist)
{
	const struct evict_antagonist *who = &evict_antagonist_stall;
	struct evict_stress stress = { .config = default_config };

	stress.config.patience = SHORT_PATIENCE;
	stress.config.ops = 64;

	evict_stress_create(&stress);
	evict_stress_run(&stress, &who, 1);
	ASSERT_STREQ(stress.verdict, "'stall' stopped in round 0");
	evict_stress_free(&stress);
}

static void help(const char *name)
{
	printf("usage: %s [-h] [-s seed] [-v vcpus] [-n operations] [-w seconds] [-u]\n"
	       "       [-- options of the harness]\n\n"
	       " -s: what all random numbers follow from (default: %lu)\n"
	       " -v: number of vCPUs, 1 to %u (default: %u)\n"
	       " -n: operations of all vCPUs together in each case (default: %u)\n"
	       " -w: seconds without progress that the watchdog accepts (default: %u)\n"
	       " -u: accept a KVM without the parameter mmu_evict, and call it fifo\n\n"
	       "Cases and policies are chosen by what follows '--', e.g.\n"
	       "  -- -V fifo -t all_at_once       this case under the other policy\n"
	       "  -- -l                           list all cases\n"
	       "  -- -h                           list the other options\n",
	       name, default_config.seed, EVICT_STRESS_MAX_VCPUS, default_config.vcpus,
	       ops, default_config.patience);
}

/* Returns the index of the first argument that is the harness's. */
static int parse_options(int argc, char *argv[])
{
	int opt;

	while ((opt = getopt(argc, argv, "hs:v:n:w:u")) != -1) {
		switch (opt) {
		case 's':
			default_config.seed = strtoul(optarg, NULL, 0);
			break;
		case 'v':
			default_config.vcpus = atoi_positive("Number of vCPUs", optarg);
			TEST_ASSERT(default_config.vcpus <= EVICT_STRESS_MAX_VCPUS,
				    "At most %u vCPUs", EVICT_STRESS_MAX_VCPUS);
			break;
		case 'n':
			ops = atoi_positive("Number of operations", optarg);
			break;
		case 'w':
			default_config.patience = atoi_positive("Number of seconds", optarg);
			break;
		case 'u':
			upstream = true;
			break;
		case 'h':
		default:
			help(argv[0]);
			exit(opt == 'h' ? KSFT_PASS : KSFT_FAIL);
		}
	}
	default_config.ops = ops / default_config.vcpus;
	return optind;
}

int main(int argc, char *argv[])
{
	int first = parse_options(argc, argv);

	/* The harness wants the name of the program in front of its options. */
	argv[first - 1] = argv[0];
	optind = 1;

	if (!upstream || mmu_evict_has_param()) {
		mmu_evict_require();
		mmu_evict_keep_setting(MMU_EVICT_PARAM);
	} else {
		mmu_evict_require_shadow_paging();
	}
	mmu_evict_keep_setting(EVICT_STRESS_KSM "run");
	mmu_evict_keep_setting(EVICT_STRESS_KSM "pages_to_scan");
	mmu_evict_keep_setting(EVICT_STRESS_KSM "sleep_millisecs");
	mmu_evict_keep_setting(LRU_GEN_ENABLED_PATH);
	ksft_print_msg("Seed %lu, %u vCPUs, %s PCID\n", default_config.seed, default_config.vcpus,
		       kvm_cpu_has(X86_FEATURE_PCID) ? "with" : "no");
	return test_harness_run(argc - first + 1, argv + first - 1);
}
