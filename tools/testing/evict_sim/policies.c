// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "policy.h"

/* No policy, but what there is to compare policies with. */
const struct policy_ops lower_bound = {
	.name	= "bound",
	.source	= "a lower bound on the faults of any policy, see bound.c",
};

const struct policy_ops * const policies[] = {
	/* The kernel's, and what it might have been. */
	&fifo_policy,
	&clock_policy,
	&clock_creation_policy,
	&clock_fill_policy,
	&clock_leaf_policy,
	/* Others that a kernel could have. */
	&second_chance_policy,
	&gclock_policy,
	&sieve_policy,
	&s3fifo_policy,
	&car_policy,
	&clockpro_policy,
	&mglru_policy,
	&cost_policy,
	&learned_policy,
	/* Those that see every access. */
	&lru_policy,
	&twoq_policy,
	&arc_policy,
	&lirs_policy,
	/* Those that see the future. */
	&belady_policy,
	&belady_cost_policy,
	/* Not a policy. */
	&lower_bound,
};

const unsigned int nr_policies = sizeof(policies) / sizeof(*policies);

const struct policy_ops *find_policy(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_policies; i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}
