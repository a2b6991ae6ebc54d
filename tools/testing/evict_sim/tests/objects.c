// SPDX-License-Identifier: GPL-2.0
#include "../future.h"
#include "../util.h"
#include "objects.h"

/* Each of the nine powers of two is as likely: popularity falls as in Zipf's law. */
static unsigned int zipf(u64 random)
{
	return (random >> 16) % (2u << random % 9);
}

unsigned int next_object(struct trace *trace, enum kind kind, unsigned int size, size_t i)
{
	u64 random = next_random(trace);

	switch (kind) {
	case ZIPF:
		return zipf(random);
	case LOOP:
		/* Sizes around that of the pool. */
		return i % (size - 3 + i / 500 % 7);
	case RANDOM:
		return random % (2 * size);
	case MIX:
		return i / 200 % 3 ? zipf(random) : i % MAX_OBJECTS;
	case DRIFT:
		return (i / 40 + random % (size - 1)) % MAX_OBJECTS;
	default:
		return 0;
	}
}

u64 guest_access(struct trace *trace, unsigned int object, unsigned int levels)
{
	unsigned int bits = levels == 3 ? 20 : 36;
	u64 vpn = (u64)object * 0x11111 << TABLE_SHIFT, process = object % 3;

	/* Some of it belongs to the guest's kernel, in the upper half, shared by all. */
	if (object % 8 == 7) {
		vpn |= 1ull << (bits - 1);
		process = next_random(trace) % 3;
	}
	vpn |= next_random(trace) % PAGES_PER_TABLE;
	return make_access(process, vpn & ((1ull << bits) - 1));
}

struct model *create_model(const struct job *job, const u64 *accesses, size_t nr)
{
	static const struct trace_ops no_trace = { .name = "none" };
	const struct trace trace = { .ops = &no_trace };
	struct model *model = job->type->create(&job->model_knobs, &trace,
						job->knobs.value[JOB_POOL]);
	struct future *future;

	if (job->policy_ops->clairvoyant) {
		model->future = future = xcalloc(1, sizeof(*future));
		future_init(future, accesses, nr);
	}
	model->policy.ops = job->policy_ops;
	model->policy.knobs = job->policy_knobs;
	model->policy.model = model;
	model->policy.ops->init(&model->policy);
	return model;
}

void destroy_model(const struct job *job, struct model *model)
{
	struct future *future = (struct future *)model->future;

	if (model->policy.ops->exit)
		model->policy.ops->exit(&model->policy);
	free(model->policy.data);
	if (future)
		future_free(future);
	free(future);
	job->type->destroy(model);
}
