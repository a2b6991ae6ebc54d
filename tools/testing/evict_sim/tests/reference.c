// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "reference_lists.h"

int capacity;
struct seq a, b, c, d;
int bit[MAX_OBJECTS];

/* Of a ring, or of SIEVE. */
static int hand;

void start(unsigned int pages, const u64 *trace, size_t nr)
{
	capacity = pages;
	a.nr = b.nr = c.nr = d.nr = 0;
	memset(bit, 0, sizeof(bit));
	hand = 0;
}

static bool fifo_access(unsigned int x, size_t now)
{
	if (has(&a, x))
		return true;
	if (a.nr == capacity)
		pop(&a);
	push(&a, x);
	return false;
}

static bool lru_access(unsigned int x, size_t now)
{
	bool hit = has(&a, x);

	if (hit)
		delete(&a, x);
	else if (a.nr == capacity)
		pop(&a);
	push(&a, x);
	return hit;
}

/* A ring of frames: frame @hand is the next one to look at. */
static bool ring_access(unsigned int x, int init, int max)
{
	if (has(&a, x)) {
		if (bit[x] < max)
			bit[x]++;
		return true;
	}
	bit[x] = init;
	if (a.nr < capacity) {
		a.x[a.nr++] = x;
		return false;
	}
	while (bit[a.x[hand]]) {
		bit[a.x[hand]]--;
		hand = (hand + 1) % capacity;
	}
	a.x[hand] = x;
	hand = (hand + 1) % capacity;
	return false;
}

static bool second_chance_access(unsigned int x, size_t now)
{
	return ring_access(x, 0, 1);
}

static bool gclock_access(unsigned int x, size_t now)
{
	return ring_access(x, 1, 5);
}

/* NSDI '24, algorithm 1; @hand is p's distance from the tail, 0 if p is NULL. */
static bool sieve_access(unsigned int x, size_t now)
{
	int o;

	if (has(&a, x)) {
		bit[x] = 1;
		return true;
	}
	if (a.nr == capacity) {
		o = a.nr - 1 - hand;
		while (bit[a.x[o]]) {
			bit[a.x[o]] = 0;
			o = o ? o - 1 : a.nr - 1;
		}
		hand = a.nr - 1 - o;
		take(&a, o);
		/* The one before it has the same distance now, if there is one. */
		if (!o)
			hand = 0;
	}
	push(&a, x);
	bit[x] = 0;
	return false;
}

/* SOSP '23, algorithm 1: a is S, b is M, c is G. */
static void s3fifo_evict_main(void)
{
	unsigned int t;

	while (b.nr) {
		t = pop(&b);
		if (!bit[t])
			return;
		bit[t]--;
		push(&b, t);
	}
}

static void s3fifo_evict_small(void)
{
	unsigned int t;

	while (a.nr) {
		t = pop(&a);
		if (bit[t] <= 1) {
			push(&c, t);
			if (c.nr > 9 * capacity / 10)
				pop(&c);
			return;
		}
		bit[t] = 0;
		push(&b, t);
		if (10 * b.nr > 9 * capacity) {
			s3fifo_evict_main();
			return;
		}
	}
}

static bool s3fifo_access(unsigned int x, size_t now)
{
	if (has(&a, x) || has(&b, x)) {
		if (bit[x] < 3)
			bit[x]++;
		return true;
	}
	while (a.nr + b.nr == capacity) {
		if (10 * a.nr >= capacity)
			s3fifo_evict_small();
		else
			s3fifo_evict_main();
	}
	bit[x] = 0;
	if (has(&c, x)) {
		delete(&c, x);
		push(&b, x);
	} else {
		push(&a, x);
	}
	return false;
}

/* VLDB '94, full version: a is A1in, b is A1out, c is Am. */
static void twoq_reclaim(void)
{
	if (a.nr + c.nr < capacity)
		return;
	if (a.nr > capacity / 4) {
		push(&b, pop(&a));
		if (b.nr > capacity / 2)
			pop(&b);
	} else {
		pop(&c);
	}
}

static bool twoq_access(unsigned int x, size_t now)
{
	if (has(&c, x)) {
		delete(&c, x);
		push(&c, x);
		return true;
	}
	if (has(&b, x)) {
		twoq_reclaim();
		if (has(&b, x))
			delete(&b, x);
		push(&c, x);
		return false;
	}
	if (has(&a, x))
		return true;
	twoq_reclaim();
	push(&a, x);
	return false;
}

/* MIN: the future is @trace itself. */
static const u64 *future;
static size_t nr_future;

static void belady_start(unsigned int pages, const u64 *trace, size_t nr)
{
	start(pages, trace, nr);
	future = trace;
	nr_future = nr;
}

/* Strike out what shows up, until one is left; it may be one of several. */
static unsigned int last_to_show_up(size_t now)
{
	struct seq left = a;

	for (; left.nr > 1 && now < nr_future; now++)
		if (has(&left, future[now]))
			delete(&left, future[now]);
	return left.x[0];
}

static bool belady_access(unsigned int x, size_t now)
{
	if (has(&a, x))
		return true;
	if (a.nr == capacity)
		delete(&a, last_to_show_up(now));
	push(&a, x);
	return false;
}

const struct reference references[] = {
	{ "fifo", "", start, fifo_access },
	{ "lru", "", start, lru_access },
	{ "second-chance", "", start, second_chance_access },
	{ "second-chance", "exact=1", start, second_chance_access },
	{ "gclock", "exact=1", start, gclock_access },
	{ "sieve", "", start, sieve_access },
	{ "s3fifo", "exact=1", start, s3fifo_access },
	{ "2q", "", start, twoq_access },
	{ "arc", "", arc_start, arc_access },
	{ "car", "", arc_start, car_access },
	{ "lirs", "", start, lirs_access },
	{ "clockpro", "", clockpro_start, clockpro_access },
	{ "belady", "", belady_start, belady_access },
	/* As each object costs the same. */
	{ "belady-cost", "", belady_start, belady_access },
	{}
};
