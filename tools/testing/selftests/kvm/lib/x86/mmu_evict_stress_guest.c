// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's side of the stress test: random operations, each of which checks
 * what it reads.
 */
#include "mmu_evict_stress.h"
#include "ucall_common.h"

/* Let the host have a say after so many operations. */
#define OPS_PER_SYNC	32

struct self {
	struct evict_stress_shared *shared;
	u32 id;
	u32 op;
	u32 nr;
	/* This operation's random bits, and where the next ones come from. */
	u64 bits;
	u64 rng;
	/* CR3, without NOFLUSH. */
	u64 cr3;
	/* The data pages that this vCPU's windows show. */
	u16 window[EVICT_STRESS_WINDOW];
};

static u32 pick(const struct self *self, int shift, u32 nr)
{
	return (u16)(self->bits >> shift) % nr;
}

static u64 *page_of(u32 region, u32 page)
{
	return (u64 *)mmu_evict_gva(region, page);
}

static u64 *table_of(u32 region)
{
	return (u64 *)(MMU_EVICT_TABLES_GVA + region * PAGE_SIZE);
}

static void check(const struct self *self, u32 region, u32 page, u64 got, u64 want)
{
	__GUEST_ASSERT(got == want,
		       "vCPU %u, operation %u (%s, bits %#lx): region %u page %u has %#lx, not %#lx",
		       self->id, self->nr, evict_stress_op_names[self->op], self->bits,
		       region, page, got, want);
}

static u64 expected(const struct self *self, u32 region, u32 page)
{
	return evict_stress_data_word(self->id, region, page,
				      READ_ONCE(self->shared->gen[region][page]));
}

static void check_page(const struct self *self, u32 region, u32 page)
{
	check(self, region, page, READ_ONCE(*page_of(region, page)),
	      expected(self, region, page));
}

/* Write by way of @word, i.e. possibly by an alias. */
static void write_page(struct self *self, u64 *word, u32 region, u32 page)
{
	u32 *gen = &self->shared->gen[region][page];

	WRITE_ONCE(self->shared->begun[region][page], *gen + 1);
	WRITE_ONCE(*word, evict_stress_data_word(self->id, region, page, *gen + 1));
	/* Whoever sees the new generation must see the new word. */
	WRITE_ONCE(*gen, *gen + 1);
}

/* What others write may be newer than their generation says, but not older. */
static void guest_peek(struct self *self, u32 region, u32 page)
{
	struct evict_stress_shared *shared = self->shared;
	u32 by = pick(self, 40, shared->nr_vcpus), floor, gen;
	u64 word;

	region = region % shared->regions + by * shared->regions;
	floor = READ_ONCE(shared->gen[region][page]);
	word = READ_ONCE(*page_of(region, page));
	gen = page == EVICT_STRESS_PAGES - 1 ? word & 1 : max_t(u32, floor, word);
	check(self, region, page, word, evict_stress_data_word(by, region, page, gen));
}

static void read_hosted(struct self *self, u32 i)
{
	u32 region = i / EVICT_STRESS_PAGES + EVICT_STRESS_HOSTED;
	u32 page = i % EVICT_STRESS_PAGES, before, after;
	u64 word;

	before = READ_ONCE(self->shared->hosted[i]);
	word = READ_ONCE(*page_of(region, page));
	after = READ_ONCE(self->shared->hosted[i]);

	/* Gone and back while looking: there were zeroes, or any of the words. */
	if (before != after || before % 2) {
		if (!word)
			return;
		before = clamp((u32)word, before & ~1u, (after + 1) & ~1u);
	}
	check(self, region, page, word,
	      evict_stress_word(EVICT_STRESS_BY_HOST, region, page, before));
}

/* Several, for KVM to have mapped pages that the host changes. */
static void guest_read_hosted(struct self *self)
{
	u32 i, first = pick(self, 8, EVICT_STRESS_OTHER_PAGES) & ~7u;

	for (i = first; i < first + 8; i++)
		read_hosted(self, i);
}

static void guest_read_moved(struct self *self)
{
	struct evict_stress_shared *shared = self->shared;
	u32 *inside = &shared->vcpu[self->id].inside;
	u32 region = pick(self, 8, EVICT_STRESS_OTHER_REGIONS) + EVICT_STRESS_MOVED;
	u32 page = pick(self, 24, EVICT_STRESS_PAGES);
	u32 era;

	/* Either the host sees this vCPU inside, or this vCPU sees it closed. */
	WRITE_ONCE(*inside, 1);
	asm volatile("mfence" ::: "memory");
	era = READ_ONCE(shared->era);
	if (!(era % 2)) {
		region += READ_ONCE(shared->home) * EVICT_STRESS_OTHER_REGIONS;
		check(self, region, page, READ_ONCE(*page_of(region, page)),
		      evict_stress_word(EVICT_STRESS_BY_MOVER, region, page, era));
	}
	WRITE_ONCE(*inside, 0);
}

/* Every root has a PCID of its own. */
static void guest_switch_root(struct self *self)
{
	u32 i = pick(self, 8, EVICT_STRESS_ROOTS);
	bool noflush = pick(self, 40, 2);

	self->cr3 = self->shared->roots[i] | (self->shared->pcid ? i + 1 : 0);
	set_cr3(self->cr3 | (self->shared->pcid && noflush ? MMU_EVICT_CR3_NOFLUSH : 0));
}

/* KVM zaps the shadow page of a table that is written over and over again. */
static void guest_flood(struct self *self, u32 region, u32 page)
{
	u64 *pd = (u64 *)(EVICT_STRESS_PDS_GVA + pick(self, 40, self->shared->nr_pds) * PAGE_SIZE);
	u64 *pde = &pd[mmu_evict_gva(region, 0) / PG_SIZE_2M % PTES_PER_MIN_PAGE];
	u32 i, nr = 2 + pick(self, 48, 6);

	for (i = 0; i < nr; i++)
		WRITE_ONCE(*pde, READ_ONCE(*pde));
	check_page(self, region, page);
}

/* Write PTEs: one that nobody uses, and one that stays what it is. */
static void guest_unsync(struct self *self, u32 region, u32 page)
{
	u64 *table = table_of(region);

	WRITE_ONCE(table[PTES_PER_MIN_PAGE - 1], self->bits & ~1ull);
	if (pick(self, 40, 2))
		WRITE_ONCE(table[page], READ_ONCE(table[page]));
	check_page(self, region, page);
}

/* Have a window show another page, which the guest must see after a flush. */
static void guest_remap(struct self *self, u32 region, u32 page)
{
	u32 i = pick(self, 48, EVICT_STRESS_WINDOW), how = pick(self, 40, 3);
	u32 first = self->id * self->shared->regions;
	u64 *window = page_of(EVICT_STRESS_WINDOWS + self->id, i), word;
	u64 *pte = &table_of(EVICT_STRESS_WINDOWS + self->id)[i];
	u64 old = expected(self, first + self->window[i] / EVICT_STRESS_PAGES,
			   self->window[i] % EVICT_STRESS_PAGES);

	/* This PCID may know what the window was before the one that's known. */
	if (how == 2)
		invlpg((u64)window);

	WRITE_ONCE(*pte, evict_stress_data_gpa(region, page) | (*pte & ~PHYSICAL_PAGE_MASK));
	if (how == 1)
		set_cr3(self->cr3);
	if (how == 2) {
		word = READ_ONCE(*window);
		if (word != old)
			check(self, region, page, word, expected(self, region, page));
	}
	if (how != 1)
		invlpg((u64)window);

	self->window[i] = (region - first) * EVICT_STRESS_PAGES + page;
	check(self, region, page, READ_ONCE(*window), expected(self, region, page));
	write_page(self, window, region, page);
	check_page(self, region, page);
}

static u32 pick_op(const struct self *self)
{
	/* Out of 32. */
	static const u8 share[] = { 8, 6, 4, 3, 3, 2, 1, 2, 3 };
	u32 op, bits = pick(self, 0, 32);

	for (op = 0; bits >= share[op]; op++)
		bits -= share[op];
	return op;
}

static void run_op(struct self *self)
{
	u32 region = self->id * self->shared->regions + pick(self, 16, self->shared->regions);
	u32 page = pick(self, 32, EVICT_STRESS_PAGES);

	switch (self->op) {
	case EVICT_STRESS_WRITE:
		check_page(self, region, page);
		return write_page(self, page_of(region, page), region, page);
	case EVICT_STRESS_READ:
		return check_page(self, region, page);
	case EVICT_STRESS_PEEK:
		return guest_peek(self, region, page);
	case EVICT_STRESS_READ_HOSTED:
		return guest_read_hosted(self);
	case EVICT_STRESS_READ_MOVED:
		return guest_read_moved(self);
	case EVICT_STRESS_SWITCH_ROOT:
		return guest_switch_root(self);
	case EVICT_STRESS_FLOOD:
		return guest_flood(self, region, page);
	case EVICT_STRESS_UNSYNC:
		return guest_unsync(self, region, page);
	case EVICT_STRESS_REMAP:
		return guest_remap(self, region, page);
	case EVICT_STRESS_STALL:
		for (;;)
			cpu_relax();
	}
}

void evict_stress_guest_code(u32 id, struct evict_stress_shared *shared)
{
	struct self self = {
		.shared = shared,
		.id = id,
		.rng = evict_stress_stream(shared->seed, id),
		.cr3 = shared->roots[0],
	};

	if (shared->pcid)
		set_cr4(get_cr4() | X86_CR4_PCIDE);
	set_cr3(self.cr3);

	for (self.nr = 0; self.nr < shared->nr_ops; self.nr++) {
		self.bits = evict_stress_next(&self.rng);
		self.op = pick_op(&self);
		if (id == shared->stall && self.nr == shared->nr_ops / 2)
			self.op = EVICT_STRESS_STALL;

		WRITE_ONCE(shared->vcpu[id].op, self.op);
		shared->vcpu[id].digest = shared->vcpu[id].digest * 31 + self.bits;
		run_op(&self);
		WRITE_ONCE(shared->vcpu[id].done, self.nr + 1);
		if (!(self.nr % OPS_PER_SYNC))
			GUEST_SYNC(self.nr);
	}
	GUEST_DONE();
}
