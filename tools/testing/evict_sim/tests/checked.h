/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A policy that stands between a model and another policy, and checks that each does
 * what it has to.
 */
#ifndef EVICT_SIM_CHECKED_H
#define EVICT_SIM_CHECKED_H

#include "../model.h"

/* What the model sees: a copy of @inner's ops with checks. */
extern struct policy_ops checked;
extern const struct policy_ops *inner;

/* The pages that the policy knows of. */
#define MAX_CHECKED	128
extern struct page *checked_pages[MAX_CHECKED];
extern unsigned int nr_checked;

/* Since check_policy(). */
extern bool broken;

void check_policy(const struct policy_ops *ops);

/* Tells about the first thing that is wrong, and leaves it to the caller to stop. */
void check(bool ok, const char *what);

#endif /* EVICT_SIM_CHECKED_H */
