// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay a reference trace of memory accesses in a guest whose page tables
 * don't fit in its pool of shadow pages, and count what that costs under a
 * given eviction policy.
 *
 * The guest maps 256 regions of 2 MiB with 4 KiB pages, i.e. needs 256 shadow
 * pages besides the few for its code, and reads one byte per access:
 *
 *   hot   90% of the accesses go to random pages of 16 regions, the others to
 *         random pages of the other 240
 *   scan  the same, but the 240 regions are taken in order
 *   loop  all regions in order
 *
 * The trace is a function of mode and seed alone, so are the counters of one
 * vCPU but for a handful of faults on the guest's own code and data.  With more
 * vCPUs, vCPU i replays the trace of seed + i over the same mapping.
 *
 * Measures, judges nothing: the test fails only if the run is not valid.
 */
#include <getopt.h>
#include <pthread.h>

#include "mmu_evict.h"
#include "ucall_common.h"

#define REGIONS		256
#define HOT_REGIONS	16
#define COLD_REGIONS	(REGIONS - HOT_REGIONS)
#define HOT_PERCENT	90
#define MAX_VCPUS	64

enum mode { HOT, SCAN, LOOP, NR_MODES };

static const char * const mode_names[NR_MODES] = { "hot", "scan", "loop" };

static const char * const policies[] = { "fifo", "clock" };

enum counter_kind { VM_COUNTER, VCPU_COUNTER, EVICT_COUNTER };

static const struct {
	const char *name;
	enum counter_kind kind;
} counters[] = {
	{ "pf_taken", VCPU_COUNTER },
	{ "pf_fixed", VCPU_COUNTER },
	{ "mmu_shadow_zapped", VM_COUNTER },
	{ "mmu_recycled", VM_COUNTER },
	{ "mmu_cache_miss", VM_COUNTER },
	{ "mmu_pte_write", VM_COUNTER },
	{ "remote_tlb_flush", VM_COUNTER },
	{ "remote_tlb_flush_requests", VM_COUNTER },
	{ "tlb_flush", VCPU_COUNTER },
	{ "mmu_evict_scanned", EVICT_COUNTER },
	{ "mmu_evict_spared", EVICT_COUNTER },
	{ "mmu_evict_forced", EVICT_COUNTER },
};

#define NR_COUNTERS	ARRAY_SIZE(counters)

struct params {
	struct mmu_evict_config vm;
	bool upstream;
	u64 seed;
};

/* What the guest has to do; a global, thus part of the guest's image. */
static struct {
	enum mode mode;
	u64 warmup;
	u64 accesses;
} job = {
	.mode = HOT,
	.warmup = 100000,
	.accesses = 200000,
};

struct trace {
	u64 random;
	u64 pos;
};

static u64 next_random(struct trace *trace)
{
	u64 x = trace->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return trace->random = x;
}

static void next_access(struct trace *trace, u32 *region, u32 *page)
{
	u64 r = next_random(trace);

	*page = (r >> 32) % MMU_EVICT_REGION_PAGES;

	if (job.mode == LOOP) {
		*region = trace->pos % REGIONS;
		*page = (trace->pos++ / REGIONS) % MMU_EVICT_REGION_PAGES;
	} else if (r % 100 < HOT_PERCENT) {
		*region = (r >> 8) % HOT_REGIONS;
	} else if (job.mode == SCAN) {
		*region = HOT_REGIONS + trace->pos++ % COLD_REGIONS;
	} else {
		*region = HOT_REGIONS + (r >> 8) % COLD_REGIONS;
	}
}

static void guest_replay(struct trace *trace, u64 accesses)
{
	u32 region, page;
	u8 byte;

	while (accesses--) {
		next_access(trace, &region, &page);
		byte = READ_ONCE(*(u8 *)mmu_evict_gva(region, page));
		GUEST_ASSERT_EQ(byte, (u8)mmu_evict_value(region, page));
	}
}

static void guest_code(u64 seed)
{
	struct trace trace = { .random = seed };

	guest_replay(&trace, job.warmup);
	GUEST_SYNC(0);
	guest_replay(&trace, job.accesses);
	GUEST_SYNC(1);
}

static void *run_vcpu(void *vcpu)
{
	mmu_evict_run(vcpu);
	return NULL;
}

/* All vCPUs have left the guest when this returns. */
static void run_phase(struct kvm_vcpu *vcpus[], u32 nr)
{
	pthread_t threads[MAX_VCPUS];
	u32 i;

	for (i = 0; i < nr; i++)
		TEST_ASSERT(!pthread_create(&threads[i], NULL, run_vcpu, vcpus[i]),
			    "pthread_create() failed");
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

static u64 read_counter(struct kvm_vm *vm, struct kvm_vcpu *vcpus[], u32 nr, int i)
{
	u64 value, sum = 0;
	u32 vcpu;

	if (counters[i].kind != VCPU_COUNTER) {
		kvm_get_stat(&vm->stats, counters[i].name, &sum, 1);
		return sum;
	}

	for (vcpu = 0; vcpu < nr; vcpu++) {
		kvm_get_stat(&vcpus[vcpu]->stats, counters[i].name, &value, 1);
		sum += value;
	}
	return sum;
}

/* The counters of eviction policies are missing where there are none. */
static bool has_counter(struct kvm_vm *vm, int i)
{
	return counters[i].kind != EVICT_COUNTER ||
	       mmu_evict_has_stat(vm, counters[i].name);
}

static void print_result(const struct params *p, const u64 *delta,
			 struct kvm_vm *vm)
{
	int i;

	printf("{\"test\": \"mmu_evict_perf_test\"");
	printf(", \"policy\": \"%s\"", p->vm.policy ?: "fifo");
	printf(", \"mode\": \"%s\"", mode_names[job.mode]);
	printf(", \"pool\": %u, \"seed\": %lu", p->vm.pool, p->seed);
	printf(", \"vcpus\": %u", p->vm.vcpus);
	printf(", \"warmup\": %lu, \"accesses\": %lu", job.warmup, job.accesses);

	for (i = 0; i < NR_COUNTERS; i++) {
		if (has_counter(vm, i))
			printf(", \"%s\": %lu", counters[i].name, delta[i]);
		else
			printf(", \"%s\": null", counters[i].name);
	}
	printf(", \"mmu_shadow_pages\": %lu}\n", vm_get_stat(vm, mmu_shadow_pages));
}

static void run_test(const struct params *p)
{
	u64 before[NR_COUNTERS] = {}, delta[NR_COUNTERS] = {};
	struct kvm_vcpu *vcpus[MAX_VCPUS];
	struct kvm_vm *vm;
	int i;

	vm = mmu_evict_vm_create(&p->vm, guest_code, vcpus);
	for (i = 0; i < NR_COUNTERS; i++)
		__TEST_REQUIRE(p->upstream || has_counter(vm, i),
			       "KVM has no counter '%s'", counters[i].name);

	sync_global_to_guest(vm, job);
	for (i = 0; i < p->vm.vcpus; i++)
		vcpu_args_set(vcpus[i], 1, p->seed + i);

	run_phase(vcpus, p->vm.vcpus);
	for (i = 0; i < NR_COUNTERS; i++)
		if (has_counter(vm, i))
			before[i] = read_counter(vm, vcpus, p->vm.vcpus, i);

	run_phase(vcpus, p->vm.vcpus);
	for (i = 0; i < NR_COUNTERS; i++)
		if (has_counter(vm, i))
			delta[i] = read_counter(vm, vcpus, p->vm.vcpus, i) - before[i];

	TEST_ASSERT(vm_get_stat(vm, mmu_recycled),
		    "%lu shadow pages never filled the pool of %u",
		    vm_get_stat(vm, mmu_shadow_pages), p->vm.pool);

	print_result(p, delta, vm);
	kvm_vm_free(vm);
}

/* Adopt what is set if no policy was asked for. */
static void require_policy(struct params *p)
{
	static char current[32];

	__TEST_REQUIRE(!kvm_is_tdp_enabled(), "needs shadow paging, but TDP is on");

	if (!mmu_evict_has_param()) {
		__TEST_REQUIRE(p->upstream, "KVM has no parameter mmu_evict (see -u)");
		__TEST_REQUIRE(!p->vm.policy || !strcmp(p->vm.policy, "fifo"),
			       "KVM has no policy but fifo");
		p->vm.policy = NULL;
		return;
	}

	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	mmu_evict_get_param(current, sizeof(current));
	if (!p->vm.policy)
		p->vm.policy = current;
}

static void __printf(1, 2) __noreturn bad_usage(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "error: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, " (-h for help)\n");
	va_end(args);
	exit(KSFT_FAIL);
}

static u64 parse_number(char option, const char *text, u64 min, u64 max)
{
	char *end;
	u64 number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || number < min || number > max)
		bad_usage("-%c takes a number from %lu to %lu, not '%s'",
			  option, min, max, text);
	return number;
}

static int parse_word(char option, const char *text, const char * const *words, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(text, words[i]))
			return i;

	bad_usage("-%c doesn't know '%s'", option, text);
}

static void help(const char *name)
{
	printf("usage: %s [options]\n"
	       "  -m MODE      hot, scan or loop (default: hot)\n"
	       "  -p POOL      shadow pages that the VM may have, at least %u (default)\n"
	       "  -s SEED      of the trace, not 0 (default: 1)\n"
	       "  -w ACCESSES  before the measured ones (default: %lu)\n"
	       "  -n ACCESSES  to measure (default: %lu)\n"
	       "  -v VCPUS     at most %u (default: 1)\n"
	       "  -e POLICY    fifo or clock (default: what kvm.mmu_evict says)\n"
	       "  -u           accept a KVM without that parameter, and call it fifo\n"
	       "  -h           print this\n"
	       "Prints one line of JSON: the counters of the measured accesses.\n",
	       name, MMU_EVICT_MIN_POOL, job.warmup, job.accesses, MAX_VCPUS);
}

static void parse_options(int argc, char *argv[], struct params *p)
{
	int opt;

	while ((opt = getopt(argc, argv, ":m:p:s:w:n:v:e:uh")) != -1) {
		switch (opt) {
		case 'm':
			job.mode = parse_word(opt, optarg, mode_names, NR_MODES);
			break;
		case 'p':
			p->vm.pool = parse_number(opt, optarg, MMU_EVICT_MIN_POOL, UINT_MAX);
			break;
		case 's':
			p->seed = parse_number(opt, optarg, 1, ULONG_MAX - MAX_VCPUS);
			break;
		case 'w':
			job.warmup = parse_number(opt, optarg, 0, LONG_MAX);
			break;
		case 'n':
			job.accesses = parse_number(opt, optarg, 1, LONG_MAX);
			break;
		case 'v':
			p->vm.vcpus = parse_number(opt, optarg, 1, MAX_VCPUS);
			break;
		case 'e':
			p->vm.policy = policies[parse_word(opt, optarg, policies,
							   ARRAY_SIZE(policies))];
			break;
		case 'u':
			p->upstream = true;
			break;
		case 'h':
			help(argv[0]);
			exit(0);
		case ':':
			bad_usage("-%c takes an argument", optopt);
		default:
			bad_usage("unknown option -%c", optopt);
		}
	}
	if (optind < argc)
		bad_usage("unknown argument '%s'", argv[optind]);
}

int main(int argc, char *argv[])
{
	struct params params = {
		.vm = {
			.pool = MMU_EVICT_MIN_POOL,
			.vcpus = 1,
			.regions = REGIONS,
			.pages = MMU_EVICT_REGION_PAGES,
		},
		.seed = 1,
	};

	parse_options(argc, argv, &params);
	require_policy(&params);
	run_test(&params);
	return 0;
}
