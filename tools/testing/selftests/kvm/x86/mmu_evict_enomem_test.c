// SPDX-License-Identifier: GPL-2.0-only
/*
 * What allocations that fail do to a VM whose pool of shadow pages is full.
 *
 * KVM fills caches of what a fault may need before it takes mmu_lock, so that
 * eviction never meets half of a page.  When it can't, KVM_RUN has to fail with
 * -ENOMEM, change nothing, and work when it is called again.
 */
#include "kvm_test_harness.h"
#include "mmu_evict.h"
#include "mmu_evict_replay.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define REGIONS		160
#define TIMEOUT		300

/* How much KVM takes into each of its caches at a time. */
#define CACHE_SIZE	40

/* By default, only atomic allocations fail, and each time at length. */
static const struct { const char *path, *text; } settings[] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
	{ DEBUGFS "failslab/verbose", "0" },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
	{ DEBUGFS "fail_page_alloc/min-order", "0" },
	{ DEBUGFS "fail_page_alloc/verbose", "0" },
};

static struct mmu_evict_replay replay;

static void make_allocations_fail(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		mmu_evict_keep_setting(settings[i].path);
		TEST_ASSERT(!mmu_evict_write_file(settings[i].path, settings[i].text),
			    "Writing '%s' failed", settings[i].path);
	}
}

/* Let the @nth allocation of this thread fail from now on, where 0 is none. */
static int fail_nth_start(u32 nth)
{
	int fd = open_path_or_exit(FAIL_NTH, O_RDWR);
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	TEST_ASSERT(write(fd, text, strlen(text)) > 0, "Writing fail-nth failed");
	return fd;
}

/* Returns true if this thread has not come to that allocation. */
static bool fail_nth_stop(int fd)
{
	char left[16] = "";

	TEST_ASSERT(pread(fd, left, sizeof(left) - 1, 0) > 0, "Reading fail-nth failed");
	TEST_ASSERT(pwrite(fd, "0", 1, 0) == 1, "Writing fail-nth failed");
	close(fd);
	return atoi(left);
}

/*
 * Run until the guest's next ucall.  Returns what KVM_RUN does, or 1 if it succeeds
 * without having come to the allocation that fails.
 */
static int run_with_failure(struct kvm_vcpu *vcpu, u32 nth)
{
	int fd = fail_nth_start(nth), r = __vcpu_run(vcpu) ? -errno : 0;
	bool left = fail_nth_stop(fd);
	struct ucall uc;

	if (r)
		return r;
	TEST_ASSERT(get_ucall(vcpu, &uc) == UCALL_SYNC, "The guest read wrong data");
	return left;
}

/* The same for KVM_CREATE_VM. */
static int create_vm_with_failure(int kvm_fd, u32 nth)
{
	int fd = fail_nth_start(nth), vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0), error = errno;
	bool left = fail_nth_stop(fd);

	if (vm_fd < 0)
		return -error;
	close(vm_fd);
	return left;
}

FIXTURE(enomem) {
	struct mmu_evict_config config;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u32 failures;
};

FIXTURE_VARIANT(enomem) { const char *policy; bool clock; };
FIXTURE_VARIANT_ADD(enomem, fifo) { .policy = "fifo" };
FIXTURE_VARIANT_ADD(enomem, clock) { .policy = "clock", .clock = true };

FIXTURE_SETUP(enomem)
{
	self->config = (struct mmu_evict_config) {
		.policy = variant->policy,
		.pool = MMU_EVICT_MIN_POOL,
		.vcpus = 1,
		.regions = REGIONS,
		.pages = 1,
	};

	mmu_evict_replay_start(&replay, self->config.pool, variant->clock);
	replay.alone = true;
	self->vm = mmu_evict_vm_create(&self->config, mmu_evict_guest_code, &self->vcpu);
	mmu_evict_map_tables(self->vm, REGIONS);
}

FIXTURE_TEARDOWN(enomem)
{
	kvm_vm_free(self->vm);
	mmu_evict_trace_stop();
}

/* Every decision follows the policy, and KVM counts as many pages as there are. */
static void check_pages(FIXTURE_DATA(enomem) *self)
{
	mmu_evict_replay_run(&replay);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, mmu_shadow_pages), replay.nr);
}

/* Walk, and let the first, second, third ... allocation of each attempt fail. */
static void walk_with_failures(FIXTURE_DATA(enomem) *self, u32 first, u32 nr)
{
	u32 nth = 0;
	int r;

	mmu_evict_walk.first = first;
	mmu_evict_walk.nr = nr;
	sync_global_to_guest(self->vm, mmu_evict_walk);

	while ((r = run_with_failure(self->vcpu, ++nth)) < 0) {
		TEST_ASSERT(r == -ENOMEM, "KVM_RUN failed with %d", r);
		self->failures++;
		check_pages(self);
	}
	check_pages(self);
}

TEST_F_TIMEOUT(enomem, a_run_that_fails_can_be_repeated, TIMEOUT)
{
	u32 i;

	/* Empty caches, then caches that are drained by evictions and unsync tables. */
	for (i = 0; i < REGIONS; i++) {
		mmu_evict_walk.write_tables = i & 1;
		walk_with_failures(self, i, 1);
	}
	ASSERT_GE(self->failures, REGIONS / CACHE_SIZE);
	ASSERT_GT(vm_get_stat(self->vm, mmu_recycled), REGIONS / 2);

	ASSERT_EQ(run_with_failure(self->vcpu, 0), 0);
	check_pages(self);
}

TEST_F_TIMEOUT(enomem, roots_that_fail_leave_none_behind, TIMEOUT)
{
	u64 roots[2 * MMU_EVICT_MAX_ROOTS];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(roots); i++)
		roots[i] = mmu_evict_copy_root(self->vm);

	/* A root that is new for each run takes the pages of the last one. */
	mmu_evict_walk.nr_roots = 1;
	for (i = 0; i < 4 * ARRAY_SIZE(roots); i++) {
		mmu_evict_walk.roots[0] = roots[i % ARRAY_SIZE(roots)];
		walk_with_failures(self, 4 * i, 20);
	}
	ASSERT_GE(self->failures, REGIONS / CACHE_SIZE);
	ASSERT_GT(vm_get_stat(self->vm, mmu_recycled), REGIONS / 2);
}

/* How many allocations there are without which there is no VM. */
static u32 count_vital_allocations(int kvm_fd, const char *policy)
{
	u32 nth = 0, failures = 0;
	int r;

	TEST_ASSERT(!mmu_evict_set_param(policy), "KVM doesn't know the policy '%s'", policy);
	while ((r = create_vm_with_failure(kvm_fd, ++nth)) <= 0) {
		TEST_ASSERT(!r || r == -ENOMEM, "KVM_CREATE_VM failed with %d", r);
		failures += !!r;
	}
	return failures;
}

/* Not for its setup, but for more time than tests without a fixture have. */
FIXTURE(creation) { int kvm_fd; };

FIXTURE_SETUP(creation)
{
	self->kvm_fd = open_kvm_dev_path_or_exit();
}

FIXTURE_TEARDOWN(creation)
{
	close(self->kvm_fd);
}

/* There is one more for the clock: a VM doesn't do with FIFO instead. */
TEST_F_TIMEOUT(creation, a_vm_without_memory_for_its_clock_is_none, TIMEOUT)
{
	u32 fifo;

	/* Not what the slabs take from time to time. */
	ASSERT_EQ(mmu_evict_write_file(DEBUGFS "fail_page_alloc/min-order", "10"), 0);
	fifo = count_vital_allocations(self->kvm_fd, "fifo");
	ASSERT_GT(fifo, 0);
	ASSERT_EQ(count_vital_allocations(self->kvm_fd, "clock"), fifo + 1);
}

int main(int argc, char *argv[])
{
	mmu_evict_require();
	mmu_evict_require_trace();
	__TEST_REQUIRE(!access(FAIL_NTH, W_OK) && !access(settings[0].path, W_OK) &&
		       !access(settings[2].path, W_OK),
		       "needs CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC and debugfs");
	mmu_evict_keep_setting(MMU_EVICT_PARAM);
	make_allocations_fail();
	return test_harness_run(argc, argv);
}
