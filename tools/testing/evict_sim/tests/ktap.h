/* SPDX-License-Identifier: GPL-2.0 */
/* Tests that print KTAP: what failed is told by comments above the verdict. */
#ifndef EVICT_SIM_KTAP_H
#define EVICT_SIM_KTAP_H

#include <stdbool.h>
#include <stdio.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Of the test that runs. */
static unsigned int nr_failures;

#define MAX_TOLD	10

/* Goes on after a failure; returns whether @condition holds. */
#define EXPECT(condition, fmt, ...)						\
({										\
	bool holds = (condition);						\
										\
	if (!holds && nr_failures++ < MAX_TOLD)					\
		printf("# %s:%d: " fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__);	\
	holds;									\
})

/* Returns the program's exit code. */
static int run_tests(const struct test *tests, unsigned int nr)
{
	bool failed = false;
	unsigned int i;

	printf("KTAP version 1\n1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		nr_failures = 0;
		tests[i].run();
		printf("%s %u %s\n", nr_failures ? "not ok" : "ok", i + 1, tests[i].name);
		fflush(stdout);
		failed |= nr_failures;
	}
	return failed;
}

#endif /* EVICT_SIM_KTAP_H */
