// SPDX-License-Identifier: GPL-2.0
/*
 * As a build: compilers side by side, each of which walks through its code, now
 * and then from another function on, fills a heap that grows, and ends; then the
 * next one starts.
 */
#include "zoo.h"

#define CODE_PAGES	64
#define HEAP_PAGES	128
/* Accesses to the heap are mostly to these last pages of it. */
#define RECENT_PAGES	32

enum {
	KNOB_JOBS, KNOB_QUANTUM, KNOB_LIFE, KNOB_CODE, KNOB_HEAP, KNOB_KERNEL, KNOB_SHARE,
};

struct state {
	u64 nr_processes;
	u64 current, left;
	struct compiler {
		u64 process;
		u64 age;
		/* In the code. */
		u64 page;
	} compilers[];
};

static void start_compiler(struct state *state, struct compiler *compiler)
{
	*compiler = (struct compiler) { .process = state->nr_processes++ % MAX_PROCESSES };
}

static void build_init(struct trace *trace)
{
	u64 nr = trace_knob(trace, KNOB_JOBS), i;
	struct state *state = zoo_init(trace, sizeof(*state) + nr * sizeof(struct compiler));

	for (i = 0; i < nr; i++) {
		start_compiler(state, &state->compilers[i]);
		/* They don't end all at once. */
		state->compilers[i].age = draw_below(trace, trace_knob(trace, KNOB_LIFE));
	}
}

static u64 code_access(struct trace *trace, struct compiler *compiler)
{
	u64 nr = trace_knob(trace, KNOB_CODE) * CODE_PAGES;

	if (!draw_below(trace, 16))
		compiler->page = draw_below(trace, nr);
	else if (++compiler->page == nr)
		compiler->page = 0;
	return region_access(compiler->process,
			     process_region(compiler->page / CODE_PAGES),
			     compiler->page % CODE_PAGES);
}

static u64 heap_access(struct trace *trace, struct compiler *compiler)
{
	u64 all = trace_knob(trace, KNOB_HEAP) * HEAP_PAGES;
	u64 size = all * compiler->age / trace_knob(trace, KNOB_LIFE) + 1;
	u64 recent = size < RECENT_PAGES ? size : RECENT_PAGES;
	u64 page = size - 1 - draw_below(trace, draw_below(trace, 4) ? recent : size);

	return region_access(compiler->process,
			     process_region(trace_knob(trace, KNOB_CODE) + page / HEAP_PAGES),
			     page % HEAP_PAGES);
}

static u64 kernel_access(struct trace *trace, struct compiler *compiler)
{
	u64 region = kernel_region(draw_below(trace, trace_knob(trace, KNOB_KERNEL)));

	return region_access(compiler->process, region, draw_below(trace, CODE_PAGES));
}

static u64 next_access(struct trace *trace)
{
	struct state *state = trace->state;
	struct compiler *compiler;

	if (!state->left) {
		state->left = trace_knob(trace, KNOB_QUANTUM);
		if (++state->current >= trace_knob(trace, KNOB_JOBS))
			state->current = 0;
	}
	state->left--;

	compiler = &state->compilers[state->current];
	if (++compiler->age >= trace_knob(trace, KNOB_LIFE))
		start_compiler(state, compiler);
	if (draw_below(trace, 1000) < trace_knob(trace, KNOB_SHARE))
		return kernel_access(trace, compiler);
	return draw_below(trace, 2) ? code_access(trace, compiler) : heap_access(trace, compiler);
}

static size_t fill(struct trace *trace, u64 *accesses, size_t nr)
{
	return fill_with(trace, accesses, nr, next_access);
}

#define BUILD_TRACE(ident, text, jobs, quantum, life)					\
const struct trace_ops ident##_trace = {						\
	.name		= #ident,							\
	.help		= text,								\
	.held_out	= true,								\
	.knobs		= (const struct knob[]) {					\
		[KNOB_JOBS] = { "jobs", jobs, 1, 1024, "compilers at the same time" },	\
		[KNOB_QUANTUM] = { "quantum", quantum, 1, 1ull << 40, "accesses of a turn" }, \
		[KNOB_LIFE] = { "life", life, 2, 1ull << 40, "accesses of a compiler" },	\
		[KNOB_CODE] = { "code", 6, 1, 512, "regions of code of each" },		\
		[KNOB_HEAP] = { "heap", 10, 1, 512, "regions of heap of each" },		\
		[KNOB_KERNEL] = { "kernel", 16, 1, 1024, "regions of the kernel" },	\
		[KNOB_SHARE] = { "share", 150, 0, 1000, "accesses to them, of 1000" },	\
		{}									\
	},										\
	.init		= build_init,							\
	.fill		= fill,								\
}

BUILD_TRACE(build, "4 compilers at the same time, and then the next ones", 4, 400, 8000);
BUILD_TRACE(build_wide, "16 compilers at the same time, with short turns", 16, 100, 20000);
