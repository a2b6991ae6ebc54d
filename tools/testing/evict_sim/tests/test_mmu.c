// SPDX-License-Identifier: GPL-2.0
/* All policies in the model of the MMU, in pools that are hardly large enough. */
#include "checked.h"
#include "objects.h"
#include "policy_test.h"

#define LENGTH	1500

static void run(const struct policy_ops *ops, const char *knobs, unsigned int levels)
{
	struct trace trace = { .random = levels };
	u64 accesses[LENGTH];
	struct model *model;
	struct job job;
	char line[160];
	size_t i;

	for (i = 0; i < LENGTH; i++)
		accesses[i] = guest_access(&trace, next_object(&trace, i / 300 % NR_KINDS, 60, i),
					   levels);
	check_policy(ops);
	snprintf(line, sizeof(line), "trace=hot policy=%s levels=%u %s", ops->name, levels, knobs);
	job_parse(&job, line);
	job.policy_ops = &checked;
	model = create_model(&job, accesses, LENGTH);
	for (i = 0; i < LENGTH && !broken; i++) {
		job.type->run(model, &accesses[i], 1);
		check(model->used <= model->max, "there are more pages than may be");
		check(model->used == nr_checked, "the policy doesn't know all pages");
	}
	EXPECT(!broken, "%s: access %zu", line, i);
	destroy_model(&job, model);
}

/*
 * Roots are pinned, twelve of them with three levels.  An access needs up to nine
 * other pages at the same time, and a policy that doesn't know which they are should
 * not have to guess for ever.
 */
static void keeps_rules(const void *ops)
{
	static const char * const knobs[] = {
		"pool=32 vcpus=1 nested=0", "pool=32 vcpus=1 nested=1",
		"pool=32 vcpus=4 nested=0", "pool=32 vcpus=4 nested=1",
		"pool=48 vcpus=4 nested=1 refill=2", "pool=64 vcpus=1 nested=0 tlb=64",
		"pool=40 vcpus=1 nested=0 min_free=8 refill=8",
	};
	unsigned int i, levels;

	for (i = 0; i < sizeof(knobs) / sizeof(*knobs); i++)
		for (levels = 3; levels <= 5; levels++)
			run(ops, knobs[i], levels);
}

static u64 faults(const char *policy, unsigned int levels, const u64 *accesses)
{
	struct model *model;
	struct job job;
	char line[160];
	u64 nr;

	snprintf(line, sizeof(line), "trace=hot policy=%s levels=%u pool=48 refill=8", policy,
		 levels);
	job_parse(&job, line);
	model = create_model(&job, accesses, LENGTH);
	job.type->run(model, accesses, LENGTH);
	nr = model->counters.faults;
	destroy_model(&job, model);
	return nr;
}

/* One process stays, others come and go, and nobody uses what is left of those. */
static void knows_what_is_gone(const void *ops)
{
	struct trace trace = { .random = 1 };
	unsigned int levels;
	u64 accesses[LENGTH];
	size_t i, turn;

	for (i = 0; i < LENGTH; i++) {
		turn = i / 30;
		accesses[i] = region_access(turn % 2 ? turn : 0, 16 + next_random(&trace) % 24,
					    i % 4);
	}
	for (levels = 3; levels <= 5; levels++)
		EXPECT(faults("belady", levels, accesses) < faults("lru", levels, accesses),
		       "levels=%u: %llu faults", levels,
		       (unsigned long long)faults("belady", levels, accesses));
}

int main(void)
{
	add_policies("mmu", keeps_rules);
	add_test("processes", "belady", knows_what_is_gone, find_policy("belady"));
	return run_added();
}
