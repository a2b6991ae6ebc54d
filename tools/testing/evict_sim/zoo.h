/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the generators of traces share: random numbers, and where a guest has its
 * memory, which is nowhere dense, as not only tables of level 1 are shadowed.
 *
 *	5555 5540 0000	code	\
 *	5555 9700 0000	heap	 | One of many processes: in four places far apart,
 *	7f10 0300 0000	mmap	 | with up to eight tables above them.
 *	7fff 9000 0000	libs	/
 *	7f80 0000 0000	A single process: down from here, 64 MiB of each GiB, i.e. a
 *			table of level 2 for 32 of level 1.
 *	ffff 8880...	The kernel: in four places, shared by all processes.
 */
#ifndef EVICT_SIM_ZOO_H
#define EVICT_SIM_ZOO_H

#include "trace.h"
#include "util.h"

#define REGION_SHIFT		21
#define REGIONS_PER_GIB		512
#define REGIONS_PER_MAPPING	32
#define MAX_REGIONS		(1u << 20)
#define MAPPINGS_END		(0x7f8000000000ull >> REGION_SHIFT)

/* Of 48 bits of address, the upper half is the kernel's. */
#define KERNEL_ADDRESS(address)	((address) & ((1ull << 48) - 1))

/* The model's key of the kernel's tables. */
#define MAX_PROCESSES		((1u << (64 - PAGE_BITS)) - 1)

/* Region @i of a single process. */
static inline u64 user_region(u64 i)
{
	u64 mapping = i / REGIONS_PER_MAPPING;
	u64 start = mapping * 97 % (REGIONS_PER_GIB - REGIONS_PER_MAPPING);

	return MAPPINGS_END - (mapping + 1) * REGIONS_PER_GIB + start + i % REGIONS_PER_MAPPING;
}

/* Region @i of one of many processes. */
static inline u64 process_region(u64 i)
{
	static const u64 places[] = {
		0x555555400000ull >> REGION_SHIFT, 0x555597000000ull >> REGION_SHIFT,
		0x7f1003000000ull >> REGION_SHIFT, 0x7fff90000000ull >> REGION_SHIFT,
	};

	return places[i % 4] + i / 4;
}

/* Region @i of the kernel: direct map, vmalloc, vmemmap, text. */
static inline u64 kernel_region(u64 i)
{
	static const u64 places[] = {
		KERNEL_ADDRESS(0xffff888008000000ull) >> REGION_SHIFT,
		KERNEL_ADDRESS(0xffffc90000000000ull) >> REGION_SHIFT,
		KERNEL_ADDRESS(0xffffea0000000000ull) >> REGION_SHIFT,
		KERNEL_ADDRESS(0xffffffff81000000ull) >> REGION_SHIFT,
	};

	return places[i % 4] + i / 4;
}

/* Returns trace->state, and leaves nothing of the likeness of similar seeds. */
static inline void *zoo_init(struct trace *trace, size_t size)
{
	trace->random = mix(trace->random) ?: 1;
	return trace->state = xcalloc(1, size);
}

/* xorshift64* (Vigna, ACM TOMS 42, 2016): the upper bits are the best. */
static inline u64 draw(struct trace *trace)
{
	return next_random(trace) * 0x2545f4914f6cdd1dull;
}

/* 0 to @nr - 1, all the same but for what 2^64 % @nr makes. */
static inline u64 draw_below(struct trace *trace, u64 nr)
{
	return (__u128)draw(trace) * nr >> 64;
}

/* Put 0 to @nr - 1 into @numbers, in any order. */
void draw_order(struct trace *trace, u32 *numbers, u32 nr);

static inline u64 trace_knob(const struct trace *trace, unsigned int nr)
{
	return trace->knobs.value[nr];
}

/* A ->fill() made of a function that makes one access. */
static __always_inline size_t fill_with(struct trace *trace, u64 *accesses, size_t nr,
					u64 (*next)(struct trace *trace))
{
	size_t i;

	for (i = 0; i < nr; i++)
		accesses[i] = next(trace);
	return nr;
}

#endif /* EVICT_SIM_ZOO_H */
