// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read what KVM does to shadow pages from a private tracefs instance, and check
 * every decision against a model of the list of shadow pages.
 *
 * The tracepoints don't name the VM, hence the thread that traces must not run
 * more than one.
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

/* Enable an event for the caller, which is the thread that runs the vCPUs. */
static void trace_event(const char *event)
{
	char path[64], filter[32];

	snprintf(path, sizeof(path), "events/kvmmmu/%s/filter", event);
	snprintf(filter, sizeof(filter), "common_pid == %d", kvm_gettid());
	trace_write(path, filter);

	snprintf(path, sizeof(path), "events/kvmmmu/%s/enable", event);
	trace_write(path, "1");
}

void mmu_evict_trace_start(void)
{
	int fd;

	/* Remove what a test that was killed left behind. */
	rmdir(INSTANCE);
	TEST_ASSERT(!mkdir(INSTANCE, 0700), "mkdir(%s) failed", INSTANCE);
	atexit(mmu_evict_trace_stop);

	trace_write("buffer_size_kb", "8192");
	trace_write("trace_clock", "counter");
	trace_event("kvm_mmu_get_page");
	trace_event("kvm_mmu_prepare_zap_page");
	trace_event("kvm_mmu_evict_page");

	fd = open_path_or_exit(INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK);
	trace = fdopen(fd, "r");
	TEST_ASSERT(trace, "fdopen() failed");
}

static enum mmu_evict_event_type event_type(const char *line)
{
	static const char * const endings[NR_MMU_EVICT_EVENTS] = {
		" new", " existing", "sync", " pinned", " spared", " evicted", " forced",
	};
	size_t len = strlen(line);
	int i;

	for (i = 0; i < NR_MMU_EVICT_EVENTS; i++) {
		size_t ending = strlen(endings[i]);

		if (len > ending && !strcmp(line + len - ending, endings[i]))
			return i;
	}
	TEST_FAIL("Unknown ending of trace event '%s'", line);
}

static void parse_event(char *line, struct mmu_evict_event *event)
{
	char *sp = strstr(line, ": sp gen "), *root, *invalid, *touched;
	unsigned long long gfn;

	TEST_ASSERT(sp, "Unknown trace event '%s'", line);
	memset(event, 0, sizeof(*event));
	event->type = event_type(line);

	root = strstr(sp, " root ");
	TEST_ASSERT(root && sscanf(root, " root %u", &event->roots) == 1 &&
		    sscanf(sp, ": sp gen %u gfn %llx l%u", &event->gen, &gfn,
			   &event->level) == 3, "Unknown page in '%s'", line);
	event->gfn = gfn;

	touched = strstr(root, " touched ");
	TEST_ASSERT((event->type < MMU_EVICT_PINNED) == !touched &&
		    (!touched || sscanf(touched, " touched %u accessed %u",
					&event->touched, &event->accessed) == 2),
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
static bool next_event(struct mmu_evict_event *event)
{
	char line[512];

	clearerr(trace);
	if (!fgets(line, sizeof(line), trace))
		return false;

	TEST_ASSERT(!strstr(line, "LOST"), "Trace buffer overflow: %s", line);
	line[strcspn(line, "\n")] = '\0';
	parse_event(line, event);
	return true;
}

static u32 find_page(const struct mmu_evict_model *model, const char *page)
{
	u32 i;

	for (i = 0; i < model->nr && strcmp(model->pages[i], page); i++)
		;
	return i;
}

/* A page leaves the list: hand and stop move on if they are there. */
static void forget_page(struct mmu_evict_model *model, const char *page)
{
	u32 i = find_page(model, page);

	TEST_ASSERT(i < model->nr, "Zapped page isn't on the list: '%s'", page);

	model->nr--;
	memmove(model->pages[i], model->pages[i + 1],
		(model->nr - i) * sizeof(model->pages[0]));
	memmove(model->to_be_touched + i, model->to_be_touched + i + 1,
		(model->nr - i) * sizeof(model->to_be_touched[0]));
	memmove(model->was_root + i, model->was_root + i + 1,
		(model->nr - i) * sizeof(model->was_root[0]));
	if (model->hand > i)
		model->hand--;
	if (model->stop > i)
		model->stop--;
}

/* A page enters the list, behind the stop. */
static void add_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	/* Five pages are free before a fault, which takes four at most. */
	TEST_ASSERT(model->nr < model->pool, "More shadow pages than %u", model->pool);
	TEST_ASSERT(model->nr < MMU_EVICT_MAX_PAGES, "The model is too small");

	strcpy(model->pages[model->nr], e->page);
	model->was_root[model->nr] = false;
	model->to_be_touched[model->nr++] = false;
	model->gen = e->gen;
}

static enum mmu_evict_event_type verdict_on(const struct mmu_evict_model *model,
					    const struct mmu_evict_event *e)
{
	if (e->roots)
		return MMU_EVICT_PINNED;
	if (!model->clock || e->gen != model->gen || !(e->touched || e->accessed))
		return MMU_EVICT_EVICTED;
	/* Budgets are KVM's business, but force is for the rest of a sweep. */
	return model->forced ? MMU_EVICT_FORCED : MMU_EVICT_SPARED;
}

/* A fault that finds fewer than 5 pages available sweeps until there are this many. */
static u32 refill(const struct mmu_evict_model *model)
{
	if (!model->clock)
		return 25;
	return min(max(model->pool / 5, 18u), 25u);
}

/* A visit takes the touch away, unless the page is an active root. */
static void expect_touch(struct mmu_evict_model *model, u32 i,
			 const struct mmu_evict_event *e)
{
	if (e->roots) {
		model->was_root[i] = true;
		return;
	}

	TEST_ASSERT(e->touched || !(model->to_be_touched[i] || model->was_root[i]),
		    "'%s' isn't touched, but was %s since its last visit", e->page,
		    model->was_root[i] ? "a root" : "found by a fault");
	model->retired_roots += model->was_root[i];
	model->was_root[i] = false;
	model->to_be_touched[i] = false;
}

static void examine_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	u32 available = model->pool - model->nr;
	enum mmu_evict_event_type verdict;
	const char *page;

	TEST_ASSERT(available < (model->examined ? refill(model) : 5),
		    "Sweep %s with %u pages available",
		    model->examined ? "goes on" : "starts", available);

	/* FIFO knows no revolutions. */
	if (!model->clock)
		model->stop = model->nr;
	if (model->hand == model->stop) {
		model->hand = 0;
		model->stop = model->nr;
	}
	page = model->nr ? model->pages[model->hand] : "(none)";
	TEST_ASSERT(!strcmp(page, e->page), "'%s' (%u of %u) is next, not '%s'",
		    page, model->hand, model->nr, e->page);
	if (model->clock)
		expect_touch(model, model->hand, e);
	model->hand++;

	model->longest = max(model->longest, ++model->examined);
	model->forced |= e->type == MMU_EVICT_FORCED;
	verdict = verdict_on(model, e);
	TEST_ASSERT(e->type == verdict,
		    "Verdict %d, not %d, on '%s' roots %u gen %u touched %u accessed %u",
		    e->type, verdict, e->page, e->roots, e->gen, e->touched, e->accessed);

	if (verdict == MMU_EVICT_EVICTED || verdict == MMU_EVICT_FORCED)
		strcpy(model->victim, e->page);
}

static void zap_page(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	/* Its root count has kept it alive, but it has left the list before. */
	if (!e->invalid)
		forget_page(model, e->page);

	/* FIFO starts over if other pages go along with a victim. */
	if (!model->clock && strcmp(model->victim, e->page))
		model->hand = 0;
	model->victim[0] = '\0';
}

/* A fault comes across a page that has lost its parent. */
static void find_and_mark(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	u32 i = find_page(model, e->page);

	TEST_ASSERT(i < model->nr, "Found page isn't on the list: '%s'", e->page);
	model->to_be_touched[i] = true;
}

static void count_event(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	u32 i;

	model->count[e->type]++;
	for (i = 0; i < model->nr_watched; i++)
		model->seen[i][e->type] += e->gfn == model->watched[i];
}

static void replay_event(struct mmu_evict_model *model, const struct mmu_evict_event *e)
{
	TEST_ASSERT(!model->victim[0] || (e->type == MMU_EVICT_ZAPPED &&
					  !strcmp(model->victim, e->page)),
		    "The victim '%s' wasn't zapped", model->victim);

	count_event(model, e);

	switch (e->type) {
	case MMU_EVICT_ZAPPED:
		zap_page(model, e);
		return;
	case MMU_EVICT_NEW:
	case MMU_EVICT_FOUND:
		break;
	default:
		examine_page(model, e);
		return;
	}

	/* The end of a sweep, if there was one. */
	TEST_ASSERT(!model->examined || model->pool - model->nr >= refill(model),
		    "Sweep ends with %u pages available", model->pool - model->nr);
	model->examined = 0;
	model->forced = false;
	if (e->type == MMU_EVICT_NEW)
		add_page(model, e);
	else
		find_and_mark(model, e);
	if (!model->clock)
		model->hand = 0;
}

/* Count the events of the guest page table at @table apart. */
void mmu_evict_watch(struct mmu_evict_model *model, gpa_t table)
{
	TEST_ASSERT(model->nr_watched < MMU_EVICT_MAX_PAGES, "The model is too small");
	model->watched[model->nr_watched++] = table >> MIN_PAGE_SHIFT;
}

/* Count the events of @nr page tables, in the order in which they are watched. */
u32 mmu_evict_seen(const struct mmu_evict_model *model, u32 first, u32 nr,
		   enum mmu_evict_event_type type)
{
	u32 i, sum = 0;

	for (i = first; i < first + nr; i++)
		sum += model->seen[i][type];
	return sum;
}

/* Take in all that has happened since the last time. */
void mmu_evict_replay(struct mmu_evict_model *model)
{
	struct mmu_evict_event event;

	while (next_event(&event))
		replay_event(model, &event);
}
