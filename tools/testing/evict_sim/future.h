/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EVICT_SIM_FUTURE_H
#define EVICT_SIM_FUTURE_H

#include "model.h"

/*
 * Look into the future of @nr accesses: see struct future.  Needs 8 bytes for each
 * access and level, while everything else streams.
 */
void future_init(struct future *future, const u64 *accesses, size_t nr);
void future_free(struct future *future);

#endif /* EVICT_SIM_FUTURE_H */
