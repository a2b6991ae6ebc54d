// SPDX-License-Identifier: GPL-2.0
/*
 * The policies: hits and misses as in a naive implementation of the paper, access by
 * access, and counts of a fixed trace.
 *
 *	test_policies -g	print the table in golden_policies.h, to be pasted
 */
#include <inttypes.h>
#include <string.h>

#include "policy_test.h"
#include "reference.h"

#define LENGTH		2500
#define GOLDEN_LENGTH	100000

/* Returns at the first difference. */
static void compare(const struct reference *ref, const char *line, const struct job *job,
		    const u64 *objects)
{
	unsigned long pool = job->knobs.value[JOB_POOL];
	struct model *model = create_model(job, objects, LENGTH);
	bool full = false, hit, ok = true;
	u64 faults;
	size_t i;

	ref->start(pool, objects, LENGTH);
	for (i = 0; i < LENGTH && ok; i++) {
		faults = model->counters.faults;
		job->type->run(model, &objects[i], 1);
		hit = model->counters.faults == faults;
		ok = EXPECT(ref->access(objects[i], i) == hit,
			    "%s: access %zu is a %s", line, i, hit ? "hit" : "miss");
		full = full || model->used == pool;
		ok = ok && EXPECT(model->used <= pool && (!full || model->used == pool),
				  "%s: access %zu leaves %lu pages", line, i, model->used);
	}
	destroy_model(job, model);
}

static void matches_reference(const void *what)
{
	static const unsigned int pools[] = { 8, 9, 17, 40, 64 };
	const struct reference *ref = what;
	u64 objects[LENGTH];
	unsigned int k, pool;
	struct job job;
	char line[128];
	enum kind kind;
	size_t i;

	for (k = 0; k < sizeof(pools) / sizeof(*pools) * NR_KINDS * 2; k++) {
		struct trace trace = { .random = 1 + k % 2 };

		kind = k / 2 % NR_KINDS;
		pool = pools[k / 2 / NR_KINDS];
		for (i = 0; i < LENGTH; i++)
			objects[i] = next_object(&trace, kind, pool, i);
		snprintf(line, sizeof(line), "trace=hot model=flat policy=%s pool=%u %s",
			 ref->name, pool, ref->knobs);
		job_parse(&job, line);
		compare(ref, line, &job, objects);
	}
}

static u64 golden_faults(const struct policy_ops *ops, const char *type)
{
	static u64 accesses[GOLDEN_LENGTH];
	struct trace trace = { .random = 1 };
	struct model *model;
	unsigned int object;
	struct job job;
	char line[128];
	u64 faults;
	size_t i;

	snprintf(line, sizeof(line), "trace=hot model=%s policy=%s pool=64", type, ops->name);
	job_parse(&job, line);
	for (i = 0; i < GOLDEN_LENGTH; i++) {
		object = next_object(&trace, MIX, 64, i);
		accesses[i] = job.type == &mmu_model ? guest_access(&trace, object / 4, 4) : object;
	}
	model = create_model(&job, accesses, GOLDEN_LENGTH);
	job.type->run(model, accesses, GOLDEN_LENGTH);
	faults = model->counters.faults;
	destroy_model(&job, model);
	return faults;
}

static const struct golden {
	const char *name;
	u64 flat, mmu;
} goldens[] = {
#include "golden_policies.h"
	{}
};

static void matches_golden(const void *what)
{
	const struct policy_ops *ops = what;
	const struct golden *golden = goldens;
	u64 flat = golden_faults(ops, "flat"), mmu = golden_faults(ops, "mmu");

	while (golden->name && strcmp(golden->name, ops->name))
		golden++;
	EXPECT(flat == golden->flat, "flat: %" PRIu64 ", not %" PRIu64, flat, golden->flat);
	EXPECT(mmu == golden->mmu, "mmu: %" PRIu64 ", not %" PRIu64, mmu, golden->mmu);
}

static void print_goldens(void)
{
	unsigned int i;

	for (i = 0; i < nr_policies; i++)
		if (policies[i] != &lower_bound)
			printf("{ \"%s\", %" PRIu64 ", %" PRIu64 " },\n", policies[i]->name,
			       golden_faults(policies[i], "flat"),
			       golden_faults(policies[i], "mmu"));
}

int main(int argc, char *argv[])
{
	const struct reference *ref;

	if (argc == 2 && !strcmp(argv[1], "-g")) {
		print_goldens();
		return 0;
	}
	for (ref = references; ref->name; ref++)
		add_test("reference", ref->name, matches_reference, ref);
	add_policies("golden", matches_golden);
	return run_added();
}
