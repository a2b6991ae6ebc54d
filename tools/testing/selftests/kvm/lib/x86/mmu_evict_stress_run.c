// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of the stress test: vCPUs, antagonists, and a watchdog that says
 * which of them stopped making progress, and at what.
 */
#include <signal.h>

#include "mmu_evict_antagonist.h"
#include "ucall_common.h"

/* The watchdog's rounds. */
#define TICK_US		100000
#define WAIT_US		1000
#define TICKS_PER_S	(1000000 / TICK_US)

/* Streams of random numbers: the guest has those from 0 on. */
#define VCPU_STREAM		100
#define ANTAGONIST_STREAM	200

static void ignore_signal(int signal)
{
}

/* Returns false once there is nothing left to run. */
static bool run_vcpu(struct evict_stress *stress, struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	if (__vcpu_run(vcpu)) {
		/* A watchdog's kick, or memory that is read-only just now. */
		TEST_ASSERT(errno == EINTR || (errno == EFAULT && stress->may_refuse),
			    "KVM_RUN of vCPU %u failed: %s", vcpu->id, strerror(errno));
		if (errno == EFAULT)
			__sync_fetch_and_add(&stress->refused, 1);
		sched_yield();
		return !READ_ONCE(stress->abort);
	}

	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		return !READ_ONCE(stress->abort);
	case UCALL_DONE:
		return false;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("vCPU %u in operation '%s' exits: %s", vcpu->id,
			  evict_stress_op_names[stress->shared->vcpu[vcpu->id].op],
			  exit_reason_str(vcpu->run->exit_reason));
	}
}

/* Where CPUs take turns, a pause makes room for another thread's action. */
static void maybe_pause(u64 *rng)
{
	u32 pause = evict_stress_pick(rng, 0, 7);

	if (!pause)
		usleep(evict_stress_pick(rng, 1, 300));
	else if (pause < 4)
		sched_yield();
}

static void *vcpu_thread(void *arg)
{
	struct evict_stress_thread *thread = arg;
	u64 rng = evict_stress_stream(thread->stress->config.seed, VCPU_STREAM + thread->id);

	while (run_vcpu(thread->stress, thread->stress->vcpus[thread->id]))
		maybe_pause(&rng);

	WRITE_ONCE(thread->done, true);
	return NULL;
}

/*
 * Wait until the vCPUs have done so many operations, at whatever speed, or are
 * done.  If they may have to wait in turn, @max_ms limits that.
 */
void evict_stress_wait(struct evict_stress *stress, u32 ops, u32 max_ms)
{
	u32 us, before = evict_stress_progress(stress);

	for (us = 0; us < max_ms * 1000 && !READ_ONCE(stress->stop); us += WAIT_US) {
		if (evict_stress_progress(stress) - before >= ops)
			break;
		usleep(WAIT_US);
	}
}

static void *antagonist_thread(void *arg)
{
	struct evict_stress_thread *thread = arg;
	struct evict_stress *stress = thread->stress;
	u64 rng = evict_stress_stream(stress->config.seed, ANTAGONIST_STREAM + thread->id);

	while (!READ_ONCE(stress->stop)) {
		thread->antagonist->round(stress, &rng);
		WRITE_ONCE(thread->rounds, thread->rounds + 1);
		evict_stress_wait(stress, evict_stress_pick(&rng, 1, 32), EVICT_STRESS_MAX_MS);
	}
	WRITE_ONCE(thread->done, true);
	return NULL;
}

/* Returns true if the thread made no progress for too long. */
static bool stopped(struct evict_stress_thread *thread, u32 progress)
{
	if (READ_ONCE(thread->done) || progress != thread->seen)
		thread->quiet = 0;
	else
		thread->quiet++;

	thread->seen = progress;
	return thread->quiet > thread->stress->config.patience * TICKS_PER_S;
}

static bool blame_vcpu(struct evict_stress *stress, struct evict_stress_thread *thread)
{
	u32 done = READ_ONCE(stress->shared->vcpu[thread->id].done);

	if (!stopped(thread, done))
		return false;

	snprintf(stress->verdict, sizeof(stress->verdict),
		 "vCPU %u stopped in '%s', operation %u of %u", thread->id,
		 evict_stress_op_names[READ_ONCE(stress->shared->vcpu[thread->id].op)],
		 done, stress->config.ops);
	return true;
}

/* Does nothing, for ever: a test of the watchdog. */
static void stall_round(struct evict_stress *stress, u64 *rng)
{
	while (!READ_ONCE(stress->abort))
		usleep(TICK_US);
}

const struct evict_antagonist evict_antagonist_stall = {
	.name = "stall",
	.round = stall_round,
};

static bool blame_antagonist(struct evict_stress *stress, struct evict_stress_thread *thread)
{
	if (!stopped(thread, READ_ONCE(thread->rounds)))
		return false;

	snprintf(stress->verdict, sizeof(stress->verdict), "'%s' stopped in round %u",
		 thread->antagonist->name, thread->rounds);
	return true;
}

static bool find_culprit(struct evict_stress *stress)
{
	u32 i;

	for (i = 0; i < stress->config.vcpus; i++)
		if (blame_vcpu(stress, &stress->vcpu[i]))
			return true;
	for (i = 0; i < stress->nr_antagonists; i++)
		if (blame_antagonist(stress, &stress->antagonist[i]))
			return true;
	return false;
}

static bool all_done(struct evict_stress *stress)
{
	u32 i, done = 0;

	for (i = 0; i < stress->config.vcpus; i++)
		done += READ_ONCE(stress->vcpu[i].done);
	for (i = 0; i < stress->nr_antagonists; i++)
		done += READ_ONCE(stress->antagonist[i].done);
	return done == stress->config.vcpus + stress->nr_antagonists;
}

/*
 * Name the culprit, then have everybody stop.  Who doesn't is stuck in the
 * kernel: don't wait for that either.
 */
static void *watchdog_thread(void *arg)
{
	struct evict_stress *stress = arg;
	u32 i, ticks;

	while (!find_culprit(stress)) {
		if (all_done(stress))
			return NULL;
		usleep(TICK_US);
	}

	ksft_print_msg("Watchdog: %s\n", stress->verdict);
	WRITE_ONCE(stress->abort, true);
	WRITE_ONCE(stress->stop, true);
	for (ticks = 0; !all_done(stress); ticks++) {
		TEST_ASSERT(ticks < stress->config.patience * TICKS_PER_S,
			    "%s, and can't be interrupted", stress->verdict);
		for (i = 0; i < stress->config.vcpus; i++)
			if (!READ_ONCE(stress->vcpu[i].done))
				pthread_kill(stress->vcpu[i].pthread, SIGUSR1);
		usleep(TICK_US);
	}
	return NULL;
}

static void start(struct evict_stress_thread *thread, struct evict_stress *stress,
		  u32 id, void *(*fn)(void *))
{
	thread->stress = stress;
	thread->id = id;
	TEST_ASSERT(!pthread_create(&thread->pthread, NULL, fn, thread), "pthread_create() failed");
}

/* Returns when all vCPUs have done their operations, or the watchdog barked. */
void evict_stress_run(struct evict_stress *stress,
		      const struct evict_antagonist * const *antagonists, u32 nr)
{
	pthread_t watchdog;
	u32 i;

	signal(SIGUSR1, ignore_signal);
	/* Have the library read the names of the stats before threads do. */
	vm_get_stat(stress->vm, mmu_shadow_pages);

	for (i = 0; i < nr; i++) {
		stress->antagonist[i].antagonist = antagonists[i];
		if (antagonists[i]->start)
			antagonists[i]->start(stress);
	}
	stress->nr_antagonists = nr;
	for (i = 0; i < nr; i++)
		start(&stress->antagonist[i], stress, i, antagonist_thread);
	for (i = 0; i < stress->config.vcpus; i++)
		start(&stress->vcpu[i], stress, i, vcpu_thread);
	TEST_ASSERT(!pthread_create(&watchdog, NULL, watchdog_thread, stress),
		    "pthread_create() failed");

	for (i = 0; i < stress->config.vcpus; i++)
		pthread_join(stress->vcpu[i].pthread, NULL);
	WRITE_ONCE(stress->stop, true);
	for (i = 0; i < nr; i++)
		pthread_join(stress->antagonist[i].pthread, NULL);
	pthread_join(watchdog, NULL);

	for (i = 0; i < nr; i++)
		if (antagonists[i]->stop)
			antagonists[i]->stop(stress);
}
