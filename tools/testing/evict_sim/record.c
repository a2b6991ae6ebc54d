// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "map.h"
#include "oracle.h"
#include "record.h"
#include "trace.h"
#include "util.h"

#define ADDRESS_BITS	48
#define PAGE_SHIFT	12
#define MAX_RECENT	64
/* Without PCID, and without the bit that says not to flush. */
#define CR3_TABLE	(~(1ull << 63) & ~0xfffull)

struct recorder {
	struct oracle oracle;
	u64 nr_lines;
	/* How often the tracer says that events were lost. */
	u64 nr_gaps;
	/* Of each thread that runs a vCPU, the process. */
	struct map threads;
	u64 *process;
	size_t nr_threads;
	/* CR3s, numbered: the processes. */
	struct map roots;
	/* The end of the trace: record n is at n modulo the size. */
	u64 recent[MAX_RECENT];
	u64 max_recent;
};

static void bad_line(const struct recorder *recorder, const char *what, const char *line)
{
	remove(recorder->oracle.part);
	die("line %llu: %s: %.*s", (unsigned long long)recorder->nr_lines, what,
	    (int)strcspn(line, "\n"), line);
}

/* Is it in the trace already, as of a moment ago? */
static bool is_recent(struct recorder *recorder, u64 access)
{
	u64 nr = recorder->oracle.nr, back;

	for (back = 1; back <= recorder->max_recent && back <= nr; back++)
		if (recorder->recent[(nr - back) % MAX_RECENT] == access)
			return true;
	recorder->recent[nr % MAX_RECENT] = access;
	return false;
}

static void add_address(struct recorder *recorder, u64 process, const char *text,
			const char *line)
{
	u64 address, access;
	char *end;

	errno = 0;
	address = strtoull(text, &end, 16);
	if (!isxdigit(*text) || errno || (*end && !strchr(" ,\n", *end)))
		bad_line(recorder, "no address", line);
	if ((u64)((s64)(address << (64 - ADDRESS_BITS)) >> (64 - ADDRESS_BITS)) != address)
		bad_line(recorder, "no address of 48 bits", line);

	address &= (1ull << ADDRESS_BITS) - 1;
	access = make_access(process, address >> PAGE_SHIFT);
	if (!is_recent(recorder, access))
		oracle_add(&recorder->oracle, &access, 1);
}

static void list_line(struct recorder *recorder, const char *line)
{
	const char *text = line + strspn(line, " ");

	if (strchr("#\n", *text) || !strncmp(text, "==", 2))
		return;
	/* Instruction, load, store, modify. */
	if (strchr("ILSM", *text) && text[1] == ' ')
		text += strspn(text + 1, " ") + 1;
	add_address(recorder, 0, text, line);
}

/* Of the thread whose line it is: "comm-pid [cpu] ...", the comm may have a dash. */
static u64 *process_of_thread(struct recorder *recorder, const char *line)
{
	const char *end = strchr(line, '[') ?: line, *text;
	u64 pid = 0;
	u32 id;

	for (text = line; text < end; text++)
		if (*text == '-' && isdigit(text[1]))
			pid = strtoull(text + 1, NULL, 10);
	id = map_number(&recorder->threads, pid);
	if (id >= recorder->nr_threads) {
		recorder->process = xgrow(recorder->process, recorder->nr_threads, id + 1,
					  sizeof(*recorder->process));
		recorder->nr_threads = id + 1;
	}
	return &recorder->process[id];
}

/* What follows "event: " on a line, or NULL. */
static const char *find_event(const char *line, const char *event)
{
	const char *text = strstr(line, ": ");
	size_t len = strlen(event);

	for (; text; text = strstr(text + 1, ": "))
		if (!strncmp(text + 2, event, len) && !strncmp(text + 2 + len, ": ", 2))
			return text + len + 4;
	return NULL;
}

static const char *find_address(const char *text)
{
	static const char * const names[] = { "address ", "addr ", "gva " };
	const char *found;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		found = strstr(text, names[i]);
		if (found)
			return found + strlen(names[i]);
	}
	return "";
}

static void fault_line(struct recorder *recorder, const char *line, const char *event)
{
	unsigned long long cr3;
	const char *text;

	recorder->nr_gaps += strstr(line, " EVENTS]") && strstr(line, "[LOST ");
	text = find_event(line, "kvm_cr");
	if (text && sscanf(text, " cr_write 3 = %llx", &cr3) == 1)
		*process_of_thread(recorder, line) =
			map_number(&recorder->roots, cr3 & CR3_TABLE) + 1;
	text = find_event(line, event);
	if (text)
		add_address(recorder, *process_of_thread(recorder, line),
			    find_address(text), line);
}

/* With an @event, these are faults, otherwise a list. */
static void record(FILE *in, const char *path, const char *event, u64 recent, u64 limit)
{
	struct recorder recorder = { .max_recent = recent };
	char *line = NULL;
	size_t size = 0;

	oracle_create(&recorder.oracle, path);
	while (recorder.oracle.nr < limit && getline(&line, &size, in) > 0) {
		recorder.nr_lines++;
		if (event)
			fault_line(&recorder, line, event);
		else
			list_line(&recorder, line);
	}
	if (!recorder.oracle.nr)
		bad_line(&recorder, "the end, and there was no access", "");
	oracle_finish(&recorder.oracle);
	if (recorder.nr_gaps)
		fprintf(stderr, "evict_sim: events were lost, in %llu places\n",
			(unsigned long long)recorder.nr_gaps);
	map_free(&recorder.threads);
	map_free(&recorder.roots);
	free(recorder.process);
	free(line);
}

void record_list(FILE *in, const char *path, u64 recent, u64 limit)
{
	if (recent > MAX_RECENT)
		die("%llu recent pages: at most %d", (unsigned long long)recent, MAX_RECENT);
	record(in, path, NULL, recent, limit);
}

void record_faults(FILE *in, const char *path, const char *event)
{
	record(in, path, event, 0, UINT64_MAX);
}
