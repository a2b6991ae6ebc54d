// SPDX-License-Identifier: GPL-2.0
/*
 * Run operations of the fuzz test from their text form, and convert between the
 * text and the bytes of the fuzzer.
 *
 *	evict_replay FILE		run each line of FILE, print KTAP
 *	evict_replay -o 'new a; evict 1'	run these operations
 *	evict_replay -b FOLDER FILE	write the bytes of each line to FOLDER
 *	evict_replay -t FILE...		print the bytes of each FILE as a line
 *
 * Each line runs in a process of its own, so that one that crashes or hangs is
 * one that fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evict_fuzz.h"

#define MAX_LINES	1024
#define MAX_BYTES	1024
#define MAX_SECONDS	5

struct line {
	/* Where it stands in its file. */
	int number;
	size_t size;
	u8 bytes[MAX_BYTES];
};

static struct line lines[MAX_LINES];
static int nr_lines;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "evict_replay: %s: %s\n", what, why);
	exit(2);
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file)
		die(path, strerror(errno));
	return file;
}

static void encode_line(char *ops, struct line *line)
{
	char *op;
	int len;

	while ((op = strsep(&ops, ";"))) {
		op += strspn(op, " ");
		len = line->size + OP_BYTES > MAX_BYTES ? 0 :
		      encode_op(op, line->bytes + line->size);
		if (!len)
			die(op, "not an operation, or one too many");
		line->size += len;
	}
}

/* Lines that are neither empty nor a comment. */
static void read_lines(const char *path)
{
	FILE *file = open_file(path, "r");
	char *text = NULL;
	size_t size = 0;
	int number = 0;

	while (getline(&text, &size, file) > 0) {
		number++;
		text[strcspn(text, "\n")] = '\0';
		if (!*text || *text == '#')
			continue;
		if (nr_lines == MAX_LINES)
			die(path, "too many lines");
		lines[nr_lines].number = number;
		encode_line(text, &lines[nr_lines++]);
	}
	free(text);
	fclose(file);
}

/* Returns why it failed, or NULL. */
static const char *run_line(const struct line *line, unsigned long *seen)
{
	int status, i;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork", strerror(errno));
	if (!pid) {
		alarm(MAX_SECONDS);
		status = !!run_bytes(line->bytes, line->size);
		for (i = 0; i < 4; i++)
			seen[i] += seen_verdicts[i];
		fflush(stdout);
		exit(status);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid", strerror(errno));
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status));
	return WEXITSTATUS(status) ? "fails" : NULL;
}

static int run_file(const char *path)
{
	/* Shared with the processes of the lines. */
	unsigned long *seen = mmap(NULL, 4 * sizeof(*seen), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *why;
	int i, failed = 0;
	bool met = true;

	read_lines(path);
	if (seen == MAP_FAILED)
		die("mmap", strerror(errno));
	printf("KTAP version 1\n1..%d\n", nr_lines + 1);
	for (i = 0; i < nr_lines; i++) {
		why = run_line(&lines[i], seen);
		failed += !!why;
		if (why) {
			printf("# %s; run it again: %s -o '", why,
			       program_invocation_name);
			print_ops(lines[i].bytes, lines[i].size);
			printf("'\n");
		}
		printf("%s %d line_%d\n", why ? "not ok" : "ok", i + 1, lines[i].number);
	}
	for (i = 0; i < 4; i++)
		met = met && seen[i];
	printf("# skipped %lu, spared %lu, evicted %lu, forced %lu\n",
	       seen[0], seen[1], seen[2], seen[3]);
	printf("%s %d all_verdicts_were_met\n", met ? "ok" : "not ok", nr_lines + 1);
	return failed || !met;
}

static void write_bytes(const char *folder, const char *path)
{
	char name[4096];
	FILE *file;
	int i;

	read_lines(path);
	for (i = 0; i < nr_lines; i++) {
		snprintf(name, sizeof(name), "%s/line-%d", folder, lines[i].number);
		file = open_file(name, "w");
		fwrite(lines[i].bytes, 1, lines[i].size, file);
		if (fclose(file))
			die(name, strerror(errno));
	}
}

static void print_bytes(const char *path)
{
	FILE *file = open_file(path, "r");
	u8 bytes[MAX_BYTES];
	size_t size = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	print_ops(bytes, size);
	printf("\n");
}

static int run_ops(char *ops)
{
	encode_line(ops, &lines[0]);
	return !!run_bytes(lines[0].bytes, lines[0].size);
}

int main(int argc, char **argv)
{
	const char *option = argc > 1 ? argv[1] : "";
	int i;

	if (argc == 2 && *option != '-')
		return run_file(option);
	if (argc == 3 && !strcmp(option, "-o"))
		return run_ops(argv[2]);
	if (argc == 4 && !strcmp(option, "-b")) {
		write_bytes(argv[2], argv[3]);
		return 0;
	}
	if (argc < 3 || strcmp(option, "-t"))
		die("usage", "evict_replay FILE | -o OPS | -b FOLDER FILE | -t FILE...");
	for (i = 2; i < argc; i++)
		print_bytes(argv[i]);
	return 0;
}
