// SPDX-License-Identifier: GPL-2.0
/*
 * Simulate the eviction of shadow pages: see README.md.
 *
 *	evict_sim run 'trace=hot policy=clock pool=64'...
 *	evict_sim run < jobs		one line of JSON for each
 *	evict_sim list [-j]		models, traces, policies and their knobs; as JSON
 *	evict_sim save FILE 'trace=hot seed=2 accesses=1000000'
 *	evict_sim record FILE list [RECENT [LIMIT]] < addresses
 *	evict_sim record FILE faults [EVENT] < ftrace
 *
 * Files that were saved or recorded are run by 'trace=file path=FILE': see oracle.h
 * and record.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "list.h"
#include "record.h"
#include "util.h"

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(name)	{ #name, offsetof(struct counters, name) }
	FIELD(accesses), FIELD(faults), FIELD(faults_new), FIELD(faults_evicted),
	FIELD(faults_link), FIELD(faults_spte), FIELD(faults_own), FIELD(created),
	FIELD(zapped), FIELD(flushes), FIELD(scanned), FIELD(spared), FIELD(forced),
	FIELD(spte_reads),
};

static void print_result(const char *line, const struct result *result, bool timed)
{
	size_t i;

	printf("{\"job\": \"%s\"", line);
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		printf(", \"%s\": %" PRIu64, fields[i].name,
		       *(u64 *)((char *)&result->counters + fields[i].offset));
	printf(", \"pages\": %lu", result->used);
	if (timed)
		printf(", \"seconds\": %.3f", result->seconds);
	printf("}\n");
	fflush(stdout);
}

static void run_line(const char *line, bool timed)
{
	struct result result;
	struct job job;

	/* It goes into a string of JSON as it is. */
	if (line[strcspn(line, "\"\\\t")])
		die("a job is name=value words with spaces between them: %s", line);
	job_parse(&job, line);
	job_run(&job, &result);
	print_result(line, &result, timed);
}

static void run_stdin(bool timed)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			run_line(line, timed);
	}
	free(line);
}

static void save_line(const char *path, const char *line)
{
	struct job job;

	job_parse(&job, line);
	job_save(&job, path);
}

static void run(int argc, char *argv[])
{
	bool timed = argc && !strcmp(argv[0], "-t");
	int i;

	for (i = timed; i < argc; i++)
		run_line(argv[i], timed);
	if (argc == timed)
		run_stdin(timed);
}

static u64 to_number(const char *text)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit(*text) || *end || errno)
		die("no number: %s", text);
	return number;
}

int main(int argc, char *argv[])
{
	const char *command = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(command, "list")) {
		list_text();
	} else if (argc == 3 && !strcmp(command, "list") && !strcmp(argv[2], "-j")) {
		list_json();
	} else if (!strcmp(command, "run")) {
		run(argc - 2, argv + 2);
	} else if (argc == 4 && !strcmp(command, "save")) {
		save_line(argv[2], argv[3]);
	} else if (argc > 3 && argc < 7 && !strcmp(command, "record") &&
		   !strcmp(argv[3], "list")) {
		record_list(stdin, argv[2], argc > 4 ? to_number(argv[4]) : 0,
			    argc > 5 ? to_number(argv[5]) : UINT64_MAX);
	} else if (argc > 3 && argc < 6 && !strcmp(command, "record") &&
		   !strcmp(argv[3], "faults")) {
		record_faults(stdin, argv[2], argc == 5 ? argv[4] : "kvm_page_fault");
	} else {
		fprintf(stderr,
			"usage: evict_sim run [-t] [JOB]...\n"
			"       evict_sim list [-j]\n"
			"       evict_sim save FILE JOB\n"
			"       evict_sim record FILE list [RECENT [LIMIT]] | faults [EVENT]\n");
		return 2;
	}
	return 0;
}
