// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "future.h"
#include "job.h"
#include "oracle.h"
#include "util.h"

/* So many accesses are made at a time. */
#define BATCH	4096

const struct knob job_knobs[] = {
	[JOB_POOL]	= { "pool", 64, 8, 1u << 28, "pages that there may be" },
	[JOB_SEED]	= { "seed", 1, 1, UINT64_MAX, "of the trace" },
	[JOB_WARMUP]	= { "warmup", 100000, 0, 1ull << 40, "accesses before those that count" },
	[JOB_ACCESSES]	= { "accesses", 200000, 1, 1ull << 40, "accesses that count" },
	{}
};

const struct model_type * const model_types[] = { &mmu_model, &flat_model };
const unsigned int nr_model_types = sizeof(model_types) / sizeof(*model_types);

static const struct model_type *find_model(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_model_types; i++)
		if (!strcmp(model_types[i]->name, name))
			return model_types[i];
	return NULL;
}

/* The value of the word name=value in @line, up to its end, or NULL. */
static const char *find_word(const char *line, const char *name)
{
	size_t len = strlen(name);

	while (*line) {
		line += strspn(line, " ");
		if (!strncmp(line, name, len) && line[len] == '=')
			return line + len + 1;
		line += strcspn(line, " ");
	}
	return NULL;
}

static void copy_word(char *word, size_t size, const char *line, const char *name,
		      const char *otherwise)
{
	const char *text = find_word(line, name) ?: otherwise;
	size_t len = strcspn(text, " ");

	if (len >= size)
		die("%s= is too long: %s", name, line);
	memcpy(word, text, len);
	word[len] = '\0';
}

static void parse_names(struct job *job, const char *line)
{
	char word[64];

	copy_word(word, sizeof(word), line, "model", "mmu");
	job->type = find_model(word);
	if (!job->type)
		die("no model '%s'", word);
	copy_word(word, sizeof(word), line, "trace", "");
	job->trace_ops = find_trace(word);
	if (!job->trace_ops)
		die("no trace '%s' (see evict_sim list)", word);
	copy_word(word, sizeof(word), line, "policy", "");
	job->policy_ops = find_policy(word);
	if (!job->policy_ops && *word)
		die("no policy '%s' (see evict_sim list)", word);
}

static void set_knob(struct job *job, const char *name, const char *text, const char *line)
{
	struct knobs *all[] = {
		&job->knobs, &job->model_knobs, &job->trace_knobs, &job->policy_knobs,
	};
	int i, found = 0;

	for (i = 0; i < 4 && !found; i++)
		found = knobs_set(all[i], name, text);
	if (!found)
		die("nobody here knows '%s': %s", name, line);
	if (found < 0)
		die("%s=%s is out of range (see evict_sim list): %s", name, text, line);
}

void job_parse(struct job *job, const char *line)
{
	char *copy = strdup(line), *rest = copy, *word, *value;

	parse_names(job, line);
	knobs_init(&job->knobs, job_knobs);
	knobs_init(&job->model_knobs, job->type->knobs);
	knobs_init(&job->trace_knobs, job->trace_ops->knobs);
	knobs_init(&job->policy_knobs, job->policy_ops ? job->policy_ops->knobs : NULL);

	while ((word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			die("'%s' is not name=value: %s", word, line);
		*value++ = '\0';
		if (strcmp(word, "model") && strcmp(word, "trace") && strcmp(word, "policy"))
			set_knob(job, word, value, line);
	}
	free(copy);
}

static u64 nr_accesses(const struct job *job)
{
	return job->knobs.value[JOB_WARMUP] + job->knobs.value[JOB_ACCESSES];
}

/* The traces of a job: vCPUs take turns, each has one of its own. */
struct source {
	struct trace trace[MAX_VCPUS];
	unsigned int nr;
	/* What was made and not used yet. */
	u64 batch[BATCH];
	size_t pos, end;
};

static void source_init(struct source *source, const struct job *job)
{
	u64 length, need;
	unsigned int i;

	source->pos = source->end = 0;
	source->nr = job->type->nr_vcpus ? job->type->nr_vcpus(&job->model_knobs) : 1;
	need = DIV_ROUND_UP(nr_accesses(job), source->nr);
	for (i = 0; i < source->nr; i++) {
		trace_init(&source->trace[i], job->trace_ops, &job->trace_knobs,
			   job->knobs.value[JOB_SEED] + i);
		if (!job->trace_ops->length)
			continue;
		length = job->trace_ops->length(&source->trace[i]);
		if (length < need)
			die("%" PRIu64 " accesses are needed, but %s %s has %" PRIu64, need,
			    job->trace_ops->name, job->trace_knobs.text, length);
	}
}

static void source_free(struct source *source)
{
	unsigned int i;

	for (i = 0; i < source->nr; i++)
		trace_exit(&source->trace[i]);
}

static void source_refill(struct source *source)
{
	struct trace *trace = source->trace;
	size_t each = BATCH / source->nr, i;
	u64 some[BATCH];
	unsigned int k;

	if (source->nr == 1)
		each = trace->ops->fill(trace, source->batch, BATCH);
	/* The shortest trace ends all of them. */
	for (k = 0; source->nr > 1 && k < source->nr; k++) {
		each = trace[k].ops->fill(&trace[k], some, each);
		for (i = 0; i < each; i++)
			source->batch[i * source->nr + k] = some[i];
	}
	source->pos = 0;
	source->end = each * source->nr;
	if (!source->end)
		die("the trace '%s' is too short", trace->ops->name);
}

/* Returns how many there are at @accesses, at most @nr. */
static size_t source_take(struct source *source, const u64 **accesses, size_t nr)
{
	if (source->pos == source->end)
		source_refill(source);
	if (nr > source->end - source->pos)
		nr = source->end - source->pos;
	*accesses = source->batch + source->pos;
	source->pos += nr;
	return nr;
}

static void run_phase(const struct job *job, struct model *model, struct source *source,
		      u64 left)
{
	const u64 *accesses;
	size_t nr;

	memset(&model->counters, 0, sizeof(model->counters));
	while (left) {
		nr = source_take(source, &accesses, left);
		job->type->run(model, accesses, nr);
		left -= nr;
	}
}

/* The whole trace at once, for those who need to see all of it. */
static u64 *load(const struct job *job, u64 nr)
{
	u64 *all = xcalloc(nr, sizeof(*all));
	struct source source;
	const u64 *accesses;
	size_t done, some;

	source_init(&source, job);
	for (done = 0; done < nr; done += some) {
		some = source_take(&source, &accesses, nr - done);
		memcpy(all + done, accesses, some * sizeof(*all));
	}
	source_free(&source);
	return all;
}

void job_save(const struct job *job, const char *path)
{
	u64 left = nr_accesses(job);
	struct oracle oracle;
	struct source source;
	const u64 *accesses;
	size_t nr;

	source_init(&source, job);
	oracle_create(&oracle, path);
	for (; left; left -= nr) {
		nr = source_take(&source, &accesses, left);
		oracle_add(&oracle, accesses, nr);
	}
	oracle_finish(&oracle);
	source_free(&source);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void run_bound(const struct job *job, struct model *model, struct result *result)
{
	u64 warmup = job->knobs.value[JOB_WARMUP], counted = job->knobs.value[JOB_ACCESSES];
	u64 *accesses = load(job, warmup + counted);

	if (!job->type->lower_bound)
		die("model=%s has no policy=bound", job->type->name);
	model->counters.accesses = counted;
	model->counters.faults = job->type->lower_bound(model, accesses, warmup + counted, warmup);
	free(accesses);
}

static void run_policy(const struct job *job, struct model *model, struct source *source)
{
	u64 warmup = job->knobs.value[JOB_WARMUP], counted = job->knobs.value[JOB_ACCESSES];
	struct future future = {};
	u64 *accesses;

	if (job->policy_ops->clairvoyant) {
		accesses = load(job, warmup + counted);
		future_init(&future, accesses, warmup + counted);
		free(accesses);
		model->future = &future;
	}
	model->policy.ops->init(&model->policy);
	run_phase(job, model, source, warmup);
	run_phase(job, model, source, counted);
	if (model->policy.ops->exit)
		model->policy.ops->exit(&model->policy);
	free(model->policy.data);
	future_free(&future);
}

void job_run(const struct job *job, struct result *result)
{
	struct source source;
	struct model *model;
	double start = now();

	if (!job->policy_ops)
		die("no policy= (see evict_sim list)");
	source_init(&source, job);
	model = job->type->create(&job->model_knobs, &source.trace[0],
				  job->knobs.value[JOB_POOL]);
	model->policy.ops = job->policy_ops;
	model->policy.knobs = job->policy_knobs;
	model->policy.model = model;
	if (job->policy_ops == &lower_bound)
		run_bound(job, model, result);
	else
		run_policy(job, model, &source);

	result->counters = model->counters;
	result->used = model->used;
	result->seconds = now() - start;
	job->type->destroy(model);
	source_free(&source);
}
