// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks of L1's kernel as `perf record -e cpu-clock -g` takes them, by the same
 * system call: perf itself, with its libraries, would be half of L1's image, and
 * would run between the programs that are measured.
 *
 * A line is "C MODE ADDRESS...", innermost first and in hexadecimal; MODE is k for
 * the kernel, u for a program, g where the clock struck while L2 was running.
 *
 * The clock strikes by an interrupt.  Where L1 has disabled them, the sample is
 * taken where it enables them again.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "samples.h"

#define PAGE		4096ul
/* Takes all of a run, so that nobody has to read meanwhile. */
#define BUFFER		(64ul << 20)
#define MAX_MARKS	100
/* Above these are PERF_CONTEXT_KERNEL and the like. */
#define LAST_ADDRESS	((uint64_t)-4096)

static struct perf_event_mmap_page *buffer;
static int event;
static struct {
	uint64_t at;
	char word[60];
} marks[MAX_MARKS];
static unsigned int nr_marks;

bool samples_start(unsigned long period_ns)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = period_ns,
		.sample_type = PERF_SAMPLE_CALLCHAIN,
		.exclude_callchain_user = 1,
		.exclude_idle = 1,
	};

	event = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return false;
	buffer = mmap(NULL, PAGE + BUFFER, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	return buffer != MAP_FAILED;
}

void samples_mark(const char *word)
{
	if (nr_marks == MAX_MARKS)
		return;
	marks[nr_marks].at = buffer->data_head;
	snprintf(marks[nr_marks++].word, sizeof(marks[0].word), "%s", word);
}

static void print_sample(FILE *out, unsigned int misc, const uint64_t *data)
{
	unsigned int mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;
	uint64_t i;

	fprintf(out, "C %c", mode == PERF_RECORD_MISC_KERNEL ? 'k' : mode == PERF_RECORD_MISC_USER ? 'u' : 'g');
	for (i = 0; i < data[0]; i++) {
		if (data[i + 1] < LAST_ADDRESS)
			fprintf(out, " %llx", (unsigned long long)data[i + 1]);
	}
	fputc('\n', out);
}

bool samples_print(FILE *out)
{
	const uint8_t *data = (const uint8_t *)buffer + PAGE;
	uint64_t at = 0, lost = 0, head;
	unsigned int mark = 0;

	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	head = __atomic_load_n(&buffer->data_head, __ATOMIC_ACQUIRE);
	/* Nobody reads meanwhile: the buffer is full once, and does not turn around. */
	while (at < head && at < BUFFER) {
		const struct perf_event_header *record = (const void *)(data + at);

		for (; mark < nr_marks && marks[mark].at <= at; mark++)
			fprintf(out, "M %s\n", marks[mark].word);
		if (record->type == PERF_RECORD_SAMPLE)
			print_sample(out, record->misc, (const void *)(record + 1));
		else if (record->type == PERF_RECORD_LOST)
			lost += ((const uint64_t *)(record + 1))[1];
		at += record->size;
	}
	for (; mark < nr_marks; mark++)
		fprintf(out, "M %s\n", marks[mark].word);
	if (head + PAGE > BUFFER)
		lost++;
	fprintf(out, "lost %llu\n", (unsigned long long)lost);
	return true;
}
