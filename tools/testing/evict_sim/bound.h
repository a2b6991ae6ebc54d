/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EVICT_SIM_BOUND_H
#define EVICT_SIM_BOUND_H

#include "model.h"

/*
 * A number of faults that no policy can beat: as many does each take at least
 * from access @warmup on.
 */
u64 mmu_lower_bound(struct model *model, const u64 *accesses, size_t nr, size_t warmup);

#endif /* EVICT_SIM_BOUND_H */
