/* SPDX-License-Identifier: GPL-2.0 */
/* Short traces to test policies with, and models to run them in. */
#ifndef EVICT_SIM_OBJECTS_H
#define EVICT_SIM_OBJECTS_H

#include "../job.h"

/* Objects are numbers below this. */
#define MAX_OBJECTS	512

enum kind { ZIPF, LOOP, RANDOM, MIX, DRIFT, NR_KINDS };

/* The object of access @i; @size is what loops and sets scale with. */
unsigned int next_object(struct trace *trace, enum kind kind, unsigned int size, size_t i);

/* The same as an access to a page that a guest of @levels could make. */
u64 guest_access(struct trace *trace, unsigned int object, unsigned int levels);

/* A model with its policy, made from a job; its accesses are for the clairvoyant. */
struct model *create_model(const struct job *job, const u64 *accesses, size_t nr);
void destroy_model(const struct job *job, struct model *model);

#endif /* EVICT_SIM_OBJECTS_H */
