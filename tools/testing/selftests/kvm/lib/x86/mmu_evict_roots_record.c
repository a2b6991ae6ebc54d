// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record of how steps ended, which must be the same under each policy.
 */
#include "mmu_evict_roots.h"

static const char * const outcome_names[EVICT_ROOTS_NR_OUTCOMES] = { "done", "stuck", "ENOSPC" };

enum evict_roots_outcome evict_roots_record_step(struct evict_roots_record *record,
						 u32 vcpu, u32 root)
{
	u64 faults = evict_roots_faults(vcpu);
	enum evict_roots_outcome outcome = evict_roots_step(vcpu, root);

	faults = evict_roots_faults(vcpu) - faults;
	if (outcome == EVICT_ROOTS_DONE)
		record->faults = max(record->faults, faults);
	TEST_ASSERT(record->nr < EVICT_ROOTS_MAX_STEPS, "The record is too small");
	record->steps[record->nr++] = outcome;
	record->count[outcome]++;
	return outcome;
}

/* All vCPUs use all of their roots, as far as they get. */
void evict_roots_record_round(struct evict_roots_record *record, u32 nr_vcpus)
{
	u32 i, j;

	for (i = 0; i < nr_vcpus; i++)
		for (j = 0; j < EVICT_ROOTS_PER_VCPU; j++)
			if (evict_roots_record_step(record, i, j) != EVICT_ROOTS_DONE)
				break;
}

/* Run a scenario under each policy, and expect the same of both. */
void evict_roots_compare(void (*scenario)(const char *policy,
					  struct evict_roots_record *record),
			 struct evict_roots_record *fifo)
{
	struct evict_roots_record clock = {};
	u32 i;

	*fifo = clock;
	scenario("fifo", fifo);
	scenario("clock", &clock);
	ksft_print_msg("%u steps: %u done, %u stuck, %u ENOSPC; at most %lu and %lu faults\n",
		       fifo->nr, fifo->count[EVICT_ROOTS_DONE], fifo->count[EVICT_ROOTS_STUCK],
		       fifo->count[EVICT_ROOTS_NO_SPACE], fifo->faults, clock.faults);

	for (i = 0; i < min(fifo->nr, clock.nr); i++)
		TEST_ASSERT(fifo->steps[i] == clock.steps[i],
			    "Step %u is %s under fifo, %s under clock", i,
			    outcome_names[fifo->steps[i]], outcome_names[clock.steps[i]]);
	TEST_ASSERT_EQ(fifo->nr, clock.nr);
}
