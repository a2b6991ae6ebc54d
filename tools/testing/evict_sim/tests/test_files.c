// SPDX-License-Identifier: GPL-2.0
/* Traces in files: saved, read, recorded, and refused. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../job.h"
#include "../oracle.h"
#include "../record.h"
#include "../util.h"
#include "ktap.h"

static char folder[32], path[64], errors[64];

static void save(const char *line)
{
	struct job job;

	job_parse(&job, line);
	job_save(&job, path);
}

/* All records of the file, to be freed. */
static struct oracle_record *read_records(size_t *nr)
{
	FILE *file = fopen(path, "r");
	struct oracle_record *records = NULL;
	long size = 0;

	if (file && !fseek(file, 0, SEEK_END))
		size = ftell(file);
	records = xcalloc(size + 1, 1);
	if (file) {
		rewind(file);
		size = fread(records, 1, size, file);
		fclose(file);
	}
	EXPECT(size % sizeof(*records) == 0, "%ld bytes", size);
	*nr = size / sizeof(*records);
	return records;
}

static void write_text(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	if (EXPECT(file, "cannot create %s", path)) {
		EXPECT(fwrite(text, 1, size, file) == size, "cannot write %s", path);
		fclose(file);
	}
}

/* Open the trace of a line. */
static void open_trace(struct trace *trace, const char *line)
{
	struct job job;

	job_parse(&job, line);
	trace_init(trace, job.trace_ops, &job.trace_knobs, job.knobs.value[JOB_SEED]);
}

static void read_back(void)
{
	/* Around the sizes of chunks. */
	static const size_t sizes[] = { 1, 1023, 1024, 1025, 4095, 4096, 4097, 10000 };
	u64 made[10001], read[10001];
	struct trace trace;
	char line[128];
	size_t i, nr, done;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		nr = sizes[i];
		snprintf(line, sizeof(line), "trace=churn seed=3 warmup=0 accesses=%zu", nr);
		save(line);
		open_trace(&trace, line);
		trace.ops->fill(&trace, made, nr);
		trace_exit(&trace);

		snprintf(line, sizeof(line), "trace=file path=%s", path);
		open_trace(&trace, line);
		EXPECT(trace.ops->length(&trace) == nr, "%zu", nr);
		done = trace.ops->fill(&trace, read, nr / 3);
		done += trace.ops->fill(&trace, read + done, 10001 - done);
		EXPECT(done == nr && !trace.ops->fill(&trace, read, 1), "%zu of %zu", done, nr);
		EXPECT(!memcmp(made, read, nr * sizeof(*made)), "%zu are others", nr);
		trace_exit(&trace);
	}
}

static void next_access(void)
{
	struct oracle_record *records;
	size_t nr, i, k;
	s64 next;

	save("trace=zipf1200 warmup=4000 accesses=6000");
	records = read_records(&nr);
	EXPECT(nr == 10000, "%zu records", nr);
	for (i = 0; i < nr; i++) {
		next = le64toh(records[i].next_access_vtime);
		for (k = i + 1; k < nr && records[k].obj_id != records[i].obj_id; k++)
			;
		EXPECT(next == (k < nr ? (s64)k : ORACLE_NEVER), "%zu: %lld", i, (long long)next);
	}
	free(records);
}

/* As libCacheSim has it; written down, not taken from the code. */
static void bytes_of_a_file(void)
{
	static const u8 expected[3][24] = {
		{ 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0,
		  1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0x00, 0x80, 0x88, 0x88, 0x08, 0, 0, 0,
		  1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 },
		{ 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0,
		  1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 },
	};
	char list[] = "1234000\nffff888888000fff\n0x1234567\n";
	FILE *in = fmemopen(list, strlen(list), "r");
	struct oracle_record *records;
	size_t nr;

	record_list(in, path, 0, UINT64_MAX);
	fclose(in);
	records = read_records(&nr);
	EXPECT(nr == 3 && !memcmp(records, expected, sizeof(expected)), "%zu records", nr);
	free(records);
}

static void same_result(void)
{
	struct result made, read;
	char line[128];
	struct job job;

	job_parse(&job, "trace=procs policy=clock pool=64 warmup=5000 accesses=20000");
	job_run(&job, &made);
	job_save(&job, path);
	snprintf(line, sizeof(line),
		 "trace=file path=%s policy=clock pool=64 warmup=5000 accesses=20000", path);
	job_parse(&job, line);
	job_run(&job, &read);
	EXPECT(!memcmp(&made.counters, &read.counters, sizeof(made.counters)) &&
	       made.counters.faults > 1000, "%llu and %llu faults",
	       (unsigned long long)made.counters.faults, (unsigned long long)read.counters.faults);
}

static void run_line(const char *line)
{
	struct result result;
	struct job job;

	job_parse(&job, line);
	job_run(&job, &result);
}

/* What record_line() leaves out. */
static u64 recent, limit = UINT64_MAX;

static void record_line(const char *line)
{
	FILE *in = fmemopen((char *)line, strlen(line), "r");

	record_list(in, path, recent, limit);
	fclose(in);
}

/* Returns the exit code of what die()s, or 0; what it says is in @output. */
static int run_child(void (*act)(const char *text), const char *text, char output[1024])
{
	int status = -1;
	FILE *file;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (freopen(errors, "w", stderr))
			act(text);
		exit(0);
	}
	waitpid(pid, &status, 0);
	file = fopen(errors, "r");
	output[file ? fread(output, 1, 1023, file) : 0] = '\0';
	if (file)
		fclose(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_pass(void (*act)(const char *text), const char *text)
{
	char output[1024];
	int code = run_child(act, text, output);

	EXPECT(!code && !*output, "%s: exit code %d, %s", text, code, output);
}

/* With code 2, and one line that says @why. */
static void must_die(void (*act)(const char *text), const char *text, const char *why)
{
	char output[1024];
	int code = run_child(act, text, output);

	EXPECT(code == 2 && strstr(output, why) && strchr(output, '\n') && !strchr(output, '\n')[1],
	       "%s: expected '%s', not exit code %d, %s", text, why, code, output);
}

static void bad_files(void)
{
	char line[400], name[300];

	snprintf(line, sizeof(line), "trace=file policy=fifo warmup=10 accesses=90 path=%s", path);
	remove(path);
	must_die(run_line, line, "No such file");
	write_text("", 0);
	must_die(run_line, line, "is empty");
	write_text("0123456789012345678901234", 25);
	must_die(run_line, line, "no oracleGeneral trace");
	save("trace=hot warmup=9 accesses=90");
	must_die(run_line, line, "100 accesses are needed");
	save("trace=hot warmup=10 accesses=90");
	must_pass(run_line, line);

	snprintf(line, sizeof(line), "trace=file policy=fifo path=%s", folder);
	must_die(run_line, line, "is no file");
	must_die(run_line, "trace=file policy=fifo", "needs path=");
	must_die(run_line, "trace=hot policy=fifo path=x", "nobody here knows 'path'");
	must_die(run_line, "trace=hot", "no policy=");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(line, sizeof(line), "trace=file policy=fifo path=%s", name);
	must_die(run_line, line, "out of range");
}

/* Each has all of the file, and the job ends with them. */
static void several_vcpus(void)
{
	char line[200];

	save("trace=hot warmup=0 accesses=5000");
	snprintf(line, sizeof(line),
		 "trace=file policy=fifo vcpus=3 warmup=1000 accesses=14000 path=%s", path);
	must_pass(run_line, line);
	snprintf(line, sizeof(line),
		 "trace=file policy=fifo vcpus=3 warmup=1000 accesses=14001 path=%s", path);
	must_die(run_line, line, "5001 accesses are needed");
}

/* Is this what was recorded? */
static void expect_accesses(const u64 *accesses, size_t expected)
{
	struct oracle_record *records;
	size_t nr, i;

	records = read_records(&nr);
	EXPECT(nr == expected, "%zu records", nr);
	for (i = 0; i < nr && i < expected; i++)
		EXPECT(le64toh(records[i].obj_id) == accesses[i], "%zu: %llx", i,
		       (unsigned long long)le64toh(records[i].obj_id));
	free(records);
}

static void recorded_list(void)
{
	static const u64 expected[] = {
		0x4001, 0x1ffeffffd, 0x4020, 0x4a2b, 0x7fffffffc, 0xfffffffff,
	};

	must_pass(record_line,
		  "==77== Lackey, an example Valgrind tool\n"
		  "I  04001000,3\n"
		  " L 1ffeffffd540,8\n"
		  " S 04020ff8,8\n"
		  " M 04a2b010,4\n"
		  "\n"
		  "# our own\n"
		  "0x7fffffffc000\n"
		  "ffffffffffffffff");
	expect_accesses(expected, 6);
}

/* The start of /bin/true, and what goes on from there. */
static void recorded_pages(void)
{
	static const char lackey[] =
		"==10847== Command: /bin/true\n"
		"I  0401ab70,3\n"
		"I  0401ab73,5\n"
		" S 1fff000628,8\n"
		"I  0401b770,1\n"
		" S 1fff000620,8\n"
		"I  0401b771,7\n"
		" S 04033b30,8\n"
		"I  0401b81d,4\n"
		" L 04032e60,8\n"
		"I  0401b821,4\n"
		" M 1fff000620,8\n"
		"I  0401ab78,4\n";
	static const u64 pages[] = {
		0x401a, 0x1fff000, 0x401b, 0x1fff000, 0x401b, 0x4033, 0x401b, 0x4032,
		0x401b, 0x1fff000, 0x401a,
	};
	static const u64 of_two[] = {
		0x401a, 0x1fff000, 0x401b, 0x4033, 0x4032, 0x401b, 0x1fff000, 0x401a,
	};
	static const u64 of_four[] = { 0x401a, 0x1fff000, 0x401b, 0x4033, 0x4032, 0x401a };
	static const struct {
		u64 recent, limit;
		const u64 *expected;
		size_t nr;
	} cases[] = {
		{ 1, UINT64_MAX, pages, 11 }, { 1, 5, pages, 5 }, { 2, UINT64_MAX, of_two, 8 },
		{ 4, UINT64_MAX, of_four, 6 }, { 64, UINT64_MAX, of_four, 5 }, { 2, 4, of_two, 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		recent = cases[i].recent;
		limit = cases[i].limit;
		must_pass(record_line, lackey);
		expect_accesses(cases[i].expected, cases[i].nr);
	}
	recent = 65;
	must_die(record_line, lackey, "at most 64");
	recent = 0;
	limit = UINT64_MAX;
}

/* What the next test looks for in a trace of faults. */
static const char *event;

static void record_text(const char *text)
{
	FILE *in = fmemopen((char *)text, strlen(text), "r");

	record_faults(in, path, event);
	fclose(in);
}

static void recorded_faults(void)
{
	static const char tracefs[] =
		"# tracer: nop\n"
		"#\n"
		"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.1: kvm_page_fault: vcpu 0 rip 0x401136 address 0x00000000c0001234 error_code 0x6\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.2: kvm_cr: cr_write 3 = 0x1003000\n"
		" CPU 1/KVM-7-1235    [000] d..1.   7.3: kvm_cr: cr_write 3 = 0x8000000001004001\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.4: kvm_cr: cr_write 4 = 0x6f0\n"
		" CPU 0/KVM-7-1234    [000] d..1.   7.5: kvm_page_fault: vcpu 0 rip 0x401136 address 0x00000000c0002000 error_code 0x4\n"
		" CPU 1/KVM-7-1235    [001] d..1.   7.6: kvm_page_fault: vcpu 1 rip 0x401136 address 0xffff888000005000 error_code 0x0\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.7: kvm_cr: cr_write 3 = 0x1004002\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.8: kvm_mmu_pagetable_walk: addr c0003000 pferr 2 W\n"
		" CPU 0/KVM-7-1234    [001] d..1.   7.9: kvm_page_fault: vcpu 0 rip 0x401136 address 0x00000000c0003000 error_code 0x6\n";
	static const u64 expected[] = {
		0xc0001, 1ull << 40 | 0xc0002, 2ull << 40 | 0x888000005, 2ull << 40 | 0xc0003,
	};

	event = "kvm_page_fault";
	must_pass(record_text, tracefs);
	expect_accesses(expected, 4);
}

/* As trace-cmd pads, other events, and kernels before 5.19. */
static void recorded_others(void)
{
	static const char report[] =
		"cpus=2\n"
		" qemu-1234  [001]    7.100000: kvm_page_fault:       address c0001234 error_code 6\n"
		" qemu-1234  [001]    7.200000: kvm_mmu_pagetable_walk: addr c0002234 pferr 6 W|U\n"
		" qemu-1234  [001]    7.300000: fast_page_fault:      vcpu 0 gva c0003234 error_code P|W sptep 0xffff old 0x1 new 2 spurious 0 fixed 1\n";
	static const char * const events[] = {
		"kvm_page_fault", "kvm_mmu_pagetable_walk", "fast_page_fault",
	};
	size_t i;

	for (i = 0; i < 3; i++) {
		u64 expected = 0xc0001 + i;

		event = events[i];
		must_pass(record_text, report);
		expect_accesses(&expected, 1);
	}
}

static void bad_records(void)
{
	char part[80];

	event = "kvm_page_fault";
	remove(path);
	must_die(record_line, "1000\nhello\n", "line 2: no address: hello");
	must_die(record_line, "-1000\n", "line 1: no address");
	must_die(record_line, "12345678123456781\n", "line 1: no address");
	must_die(record_line, "ff00000000000000\n", "line 1: no address of 48 bits");
	must_die(record_line, "# nothing\n", "there was no access");
	must_die(record_text, "x-1 [0] 1: kvm_exit: addr 1000\n", "there was no access");
	must_die(record_text, "x-1 [0] 1: kvm_page_fault: vcpu 0\n", "line 1: no address");
	snprintf(part, sizeof(part), "%s.part", path);
	EXPECT(access(path, F_OK) && access(part, F_OK), "a file was left over");
}

static const struct test tests[] = {
	{ "what_was_saved_is_read_back", read_back },
	{ "next_access_is_right", next_access },
	{ "bytes_are_as_documented", bytes_of_a_file },
	{ "file_gives_the_result_of_its_trace", same_result },
	{ "bad_files_are_refused", bad_files },
	{ "vcpus_have_a_file_each", several_vcpus },
	{ "lists_are_recorded", recorded_list },
	{ "recent_pages_are_left_out", recorded_pages },
	{ "faults_are_recorded", recorded_faults },
	{ "other_events_are_recorded", recorded_others },
	{ "bad_lines_are_refused", bad_records },
};

int main(void)
{
	int failed;

	snprintf(folder, sizeof(folder), "/tmp/evict_sim.XXXXXX");
	if (!mkdtemp(folder))
		die("cannot create a folder in /tmp");
	snprintf(path, sizeof(path), "%s/trace", folder);
	snprintf(errors, sizeof(errors), "%s/errors", folder);
	failed = run_tests(tests, sizeof(tests) / sizeof(*tests));
	remove(path);
	remove(errors);
	remove(folder);
	return failed;
}
