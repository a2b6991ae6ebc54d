/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job: one simulation, and all that it needs is its line, e.g.
 *
 *	trace=hot policy=clock pool=64 seed=1 warmup=100000 accesses=200000
 *
 * The line is also its name: the same line gives the same result anywhere.
 */
#ifndef EVICT_SIM_JOB_H
#define EVICT_SIM_JOB_H

#include "model.h"

enum { JOB_POOL, JOB_SEED, JOB_WARMUP, JOB_ACCESSES, NR_JOB_KNOBS };

struct job {
	const struct model_type *type;
	const struct trace_ops *trace_ops;
	/* NULL: the job can be saved, but not run. */
	const struct policy_ops *policy_ops;
	struct knobs knobs;
	struct knobs model_knobs;
	struct knobs trace_knobs;
	struct knobs policy_knobs;
};

struct result {
	struct counters counters;
	unsigned long used;
	double seconds;
};

extern const struct knob job_knobs[];
extern const struct model_type * const model_types[];
extern const unsigned int nr_model_types;

/* Read a line, or die(). */
void job_parse(struct job *job, const char *line);
void job_run(const struct job *job, struct result *result);
/* Write all accesses of the job to a file: see oracle.h. */
void job_save(const struct job *job, const char *path);

#endif /* EVICT_SIM_JOB_H */
