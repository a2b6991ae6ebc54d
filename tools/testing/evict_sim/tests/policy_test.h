/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of policies: one for each of them. */
#ifndef EVICT_SIM_POLICY_TEST_H
#define EVICT_SIM_POLICY_TEST_H

#include <signal.h>
#include <unistd.h>

#include "../job.h"
#include "../util.h"
#include "ktap.h"

#define MAX_TESTS	128

static struct test tests[MAX_TESTS];
static struct {
	void (*run)(const void *what);
	const void *what;
} todo[MAX_TESTS];
static unsigned int nr_tests, nr_run;

static void run_next(void)
{
	/* A policy that hangs is killed, and with it, the test. */
	alarm(60);
	todo[nr_run].run(todo[nr_run].what);
	nr_run++;
}

static void add_test(const char *group, const char *name, void (*run)(const void *what),
		     const void *what)
{
	char *full;

	if (nr_tests == MAX_TESTS || asprintf(&full, "%s.%s", group, name) < 0)
		die("there are too many tests");
	tests[nr_tests] = (struct test){ full, run_next };
	todo[nr_tests].run = run;
	todo[nr_tests].what = what;
	nr_tests++;
}

/* Run @run with the ops of each policy. */
static void add_policies(const char *group, void (*run)(const void *what))
{
	unsigned int i;

	for (i = 0; i < nr_policies; i++)
		if (policies[i] != &lower_bound)
			add_test(group, policies[i]->name, run, policies[i]);
}

/* Run what was added.  Returns the program's exit code. */
static int run_added(void)
{
	int code = run_tests(tests, nr_tests);

	while (nr_tests)
		free((char *)tests[--nr_tests].name);
	return code;
}

#endif /* EVICT_SIM_POLICY_TEST_H */
