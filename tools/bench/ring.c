// SPDX-License-Identifier: GPL-2.0
/*
 * Events of KVM's MMU, a short line each: a letter, then fields in hexadecimal.
 * What they mean for a fault is decided on the host, by causes.py.
 *
 * The ring buffer takes all of a run: reading it meanwhile would disturb the guest
 * that is measured.  Its pages are read raw, as text made by the kernel would take
 * longer than the run.  Layout: events/header_page and include/linux/ring_buffer.h.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

#define TRACING		"/sys/kernel/tracing/"
#define BUFFER		TRACING "per_cpu/cpu0/"
#define BUFFER_KIB	"400000"
#define MAX_FIELDS	3

struct field {
	const char *name;
	unsigned int offset, size;
};

static struct event {
	const char *path;
	char letter;
	struct field fields[MAX_FIELDS];
	unsigned int id;
} events[] = {
	{ "kvm/kvm_page_fault", 'F', { { "fault_address" }, { "error_code" } } },
	{ "kvmmmu/kvm_mmu_paging_element", 'L', { { "level" }, { "pte" } } },
	{ "kvmmmu/kvm_mmu_get_page", 'G', { { "gfn" }, { "role" }, { "created" } } },
	{ "kvmmmu/kvm_mmu_spte_requested", 'R', { { "gfn" } } },
	{ "kvmmmu/kvm_mmu_set_spte", 'S', { { "sptep" }, { "gfn" }, { "level" } } },
	{ "kvmmmu/kvm_mmu_evict_page", 'V', { { "gfn" }, { "role" }, { "verdict" } } },
	{ "kvmmmu/kvm_mmu_prepare_zap_page", 'Z', { { "gfn" }, { "role" } } },
	{ "kvmmmu/kvm_mmu_unsync_page", 'U', { { "gfn" }, { "role" } } },
	{ "kvmmmu/kvm_mmu_walker_error", 'W', { { "pferr" } } },
	{ "kvmmmu/mark_mmio_spte", 'K', { { "gfn" } } },
	{ "kvmmmu/handle_mmio_page_fault", 'H', { { "gfn" } } },
	{ "kvmmmu/fast_page_fault", 'P', { { "ret" } } },
	/* What ring_mark() writes. */
	{ "ftrace/print", 'M', { { "buf" } } },
};

#define NR_EVENTS	(sizeof(events) / sizeof(events[0]))

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!done)
		perror(path);
	if (fd >= 0)
		close(fd);
	return done;
}

/* "	field:u64 gfn;	offset:16;	size:8;	signed:0;" */
static bool read_format(struct event *event)
{
	char path[200], line[500], name[100];
	unsigned int offset, size, i;
	FILE *file;

	snprintf(path, sizeof(path), TRACING "events/%s/format", event->path);
	file = fopen(path, "r");
	if (!file) {
		perror(path);
		return false;
	}
	while (fgets(line, sizeof(line), file)) {
		char *end = strchr(line, ';'), *start = end;

		if (sscanf(line, "ID: %u", &event->id) == 1 || !end || strncmp(line, "\tfield:", 7))
			continue;
		while (start > line && start[-1] != ' ')
			start--;
		snprintf(name, sizeof(name), "%.*s", (int)(end - start), start);
		name[strcspn(name, "[")] = '\0';
		if (sscanf(end, ";\toffset:%u;\tsize:%u;", &offset, &size) != 2)
			continue;
		for (i = 0; i < MAX_FIELDS; i++) {
			if (event->fields[i].name && !strcmp(event->fields[i].name, name)) {
				event->fields[i].offset = offset;
				event->fields[i].size = size;
			}
		}
	}
	fclose(file);
	for (i = 0; i < MAX_FIELDS && event->fields[i].name; i++) {
		if (!event->fields[i].offset)
			return fprintf(stderr, "agent: %s has no field %s\n", path, event->fields[i].name), false;
	}
	return event->id;
}

bool ring_start(void)
{
	char path[200];
	size_t i;

	/* What does not fit is dropped and counted, not what was there first. */
	if (!write_file(TRACING "tracing_on", "0") || !write_file(TRACING "options/overwrite", "0") ||
	    !write_file(TRACING "buffer_size_kb", BUFFER_KIB))
		return false;
	for (i = 0; i < NR_EVENTS; i++) {
		if (!read_format(&events[i]))
			return false;
		snprintf(path, sizeof(path), TRACING "events/%s/enable", events[i].path);
		if (strncmp(events[i].path, "ftrace/", 7) && !write_file(path, "1"))
			return false;
	}
	return write_file(TRACING "tracing_on", "1");
}

void ring_mark(const char *word)
{
	write_file(TRACING "trace_marker", word);
}

static void print_event(FILE *out, const uint8_t *data, size_t size)
{
	/* The level of the last element of a fault's walk. */
	static uint32_t above;
	uint16_t id;
	size_t i, f;

	memcpy(&id, data, sizeof(id));
	for (i = 0; i < NR_EVENTS && events[i].id != id; i++)
		;
	if (i == NR_EVENTS)
		return;
	/* The emulator walks the guest's tables, too, at times right after the fault did. */
	if (events[i].letter == 'L') {
		uint32_t level;

		memcpy(&level, data + events[i].fields[0].offset, sizeof(level));
		if (level >= above)
			return;
		above = level;
	} else {
		above = events[i].letter == 'F' ? UINT32_MAX : 0;
	}
	fputc(events[i].letter, out);
	if (events[i].letter == 'M') {
		fprintf(out, " %.*s\n", (int)(size - events[i].fields[0].offset),
		       (const char *)data + events[i].fields[0].offset);
		return;
	}
	for (f = 0; f < MAX_FIELDS && events[i].fields[f].name; f++) {
		uint64_t value = 0;

		memcpy(&value, data + events[i].fields[f].offset, events[i].fields[f].size);
		fprintf(out, " %llx", (unsigned long long)value);
	}
	fputc('\n', out);
}

/* Each event begins with 5 bits of type and 27 bits of time. */
static void print_page(FILE *out, const uint8_t *page, size_t size)
{
	const uint8_t *at = page, *end = page + size;

	while (at + 4 <= end) {
		uint32_t head, length;

		memcpy(&head, at, sizeof(head));
		memcpy(&length, at + 4, sizeof(length));
		switch (head & 31) {
		case 29:
			/* Padding up to the end of the page, or an event that was taken back. */
			if (!(head >> 5))
				return;
			at += length + 4;
			break;
		case 30:
		case 31:
			at += 8;
			break;
		case 0:
			print_event(out, at + 8, length - 4);
			at += length + 4;
			break;
		default:
			print_event(out, at + 4, (head & 31) * 4);
			at += (head & 31) * 4 + 4;
		}
	}
}

static bool print_lost(FILE *out)
{
	FILE *file = fopen(BUFFER "stats", "r");
	unsigned long long n, lost = 0;
	char line[200];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "overrun: %llu", &n) == 1 || sscanf(line, "commit overrun: %llu", &n) == 1 ||
		    sscanf(line, "dropped events: %llu", &n) == 1)
			lost += n;
	}
	if (file)
		fclose(file);
	fprintf(out, "lost %llu\n", lost);
	return file;
}

bool ring_print(FILE *out)
{
	static uint8_t page[65536];
	int fd = open(BUFFER "trace_pipe_raw", O_RDONLY | O_NONBLOCK);
	ssize_t got;

	if (fd < 0 || !write_file(TRACING "tracing_on", "0"))
		return false;
	while ((got = read(fd, page, 4096)) > 16) {
		uint64_t commit;

		/* The upper bits are flags. */
		memcpy(&commit, page + 8, sizeof(commit));
		commit &= 0xfffff;
		print_page(out, page + 16, commit < (size_t)got - 16 ? commit : (size_t)got - 16);
	}
	close(fd);
	return print_lost(out);
}
