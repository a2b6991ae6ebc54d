// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read what KVM does to shadow pages from a private tracefs instance.
 *
 * The tracepoints don't name the VM, hence the thread that traces, and those
 * that it creates from then on, must not run more than one.
 */
#include <sys/stat.h>

#include "mmu_evict_trace.h"
#include "test_util.h"

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/kvm_mmu_evict_test"

static FILE *trace;

bool mmu_evict_trace_supported(void)
{
	return !access(TRACING "/instances", W_OK) &&
	       !access(TRACING "/events/kvmmmu/kvm_mmu_evict_page", F_OK);
}

void mmu_evict_require_trace(void)
{
	__TEST_REQUIRE(mmu_evict_trace_supported(),
		       "needs tracefs, and in it the event kvm_mmu_evict_page");
}

static void trace_write(const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	fd = open_path_or_exit(path, O_WRONLY);
	test_write(fd, text, strlen(text));
	close(fd);
}

void mmu_evict_trace_stop(void)
{
	if (trace)
		fclose(trace);
	trace = NULL;
	rmdir(INSTANCE);
}

static void trace_event(const char *event)
{
	char path[64];

	snprintf(path, sizeof(path), "events/kvmmmu/%s/enable", event);
	trace_write(path, "1");
}

/* Trace the caller and the threads that it will create, i.e. all vCPUs. */
static void trace_threads(void)
{
	char pid[16];

	trace_write("options/event-fork", "1");
	snprintf(pid, sizeof(pid), "%d", kvm_gettid());
	trace_write("set_event_pid", pid);
}

void mmu_evict_trace_start(void)
{
	int fd;

	/* Remove what a test that was killed left behind. */
	rmdir(INSTANCE);
	TEST_ASSERT(!mkdir(INSTANCE, 0700), "mkdir(%s) failed", INSTANCE);
	atexit(mmu_evict_trace_stop);

	trace_write("buffer_size_kb", "8192");
	/* One order of events for all CPUs. */
	trace_write("trace_clock", "counter");
	trace_threads();
	trace_event("kvm_mmu_get_page");
	trace_event("kvm_mmu_prepare_zap_page");
	trace_event("kvm_mmu_evict_page");
	trace_event("kvm_mmu_zap_all_fast");

	fd = open_path_or_exit(INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK);
	trace = fdopen(fd, "r");
	TEST_ASSERT(trace, "fdopen() failed");
}

static enum mmu_evict_event_type event_type(const char *line)
{
	static const char * const endings[] = {
		" new", " existing", "sync", " pinned", " spared", " evicted", " forced",
	};
	size_t len = strlen(line);
	int i;

	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && !strcmp(line + len - ending, endings[i]))
			return i;
	}
	TEST_FAIL("Unknown ending of trace event '%s'", line);
}

/* The event that makes all pages obsolete tells nothing but their generation. */
static bool parse_obsoleted(const char *line, struct mmu_evict_event *event)
{
	const char *gen = strstr(line, ": kvm-mmu-valid-gen ");

	memset(event, 0, sizeof(*event));
	event->type = MMU_EVICT_OBSOLETED;
	return gen && sscanf(gen, ": kvm-mmu-valid-gen %u", &event->gen) == 1;
}

static void parse_event(char *line, struct mmu_evict_event *event)
{
	char *sp = strstr(line, ": sp gen "), *root, *invalid, *touched;
	unsigned long long gfn;
	char sync[8];

	TEST_ASSERT(sp, "Unknown trace event '%s'", line);
	memset(event, 0, sizeof(*event));
	event->type = event_type(line);

	root = strstr(sp, " root ");
	TEST_ASSERT(root && sscanf(root, " root %u %7s", &event->roots, sync) == 2 &&
		    sscanf(sp, ": sp gen %u gfn %llx l%u", &event->gen, &gfn,
			   &event->level) == 3, "Unknown page in '%s'", line);
	event->gfn = gfn;
	event->unsync = !strcmp(sync, "unsync");

	touched = strstr(root, " touched ");
	TEST_ASSERT((event->type < MMU_EVICT_PINNED) == !touched &&
		    (!touched || sscanf(touched, " touched %u accessed %u parents %u",
					&event->touched, &event->accessed,
					&event->nr_parents) == 3),
		    "Unknown verdict in '%s'", line);

	*root = '\0';
	invalid = strstr(sp, " invalid");
	event->invalid = invalid;
	if (invalid)
		memmove(invalid, invalid + strlen(" invalid"),
			strlen(invalid + strlen(" invalid")) + 1);
	snprintf(event->page, sizeof(event->page), "%s", strstr(sp, "gfn "));
}

/* Returns false when all that has happened so far has been read. */
bool mmu_evict_trace_next(struct mmu_evict_event *event)
{
	char line[512];

	clearerr(trace);
	if (!fgets(line, sizeof(line), trace))
		return false;

	TEST_ASSERT(!strstr(line, "LOST"), "Trace buffer overflow: %s", line);
	line[strcspn(line, "\n")] = '\0';
	if (!parse_obsoleted(line, event))
		parse_event(line, event);
	return true;
}
