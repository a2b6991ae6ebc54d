// SPDX-License-Identifier: GPL-2.0
/* The references of ARC, CAR, LIRS and CLOCK-Pro. */
#include "reference_lists.h"

/* FAST '03, figure 4, and FAST '04, figure 2: a is T1, b is T2, c is B1, d is B2. */
#define ONE	65536
static long p;

void arc_start(unsigned int pages, const u64 *trace, size_t nr)
{
	start(pages, trace, nr);
	p = 0;
}

/* In 1 / ONE, as the paper's are real numbers. */
static void adapt_up(void)
{
	p += c.nr >= d.nr ? ONE : (long)d.nr * ONE / c.nr;
	if (p > (long)capacity * ONE)
		p = (long)capacity * ONE;
}

static void adapt_down(void)
{
	p -= d.nr >= c.nr ? ONE : (long)c.nr * ONE / d.nr;
	if (p < 0)
		p = 0;
}

static void arc_replace(bool in_b2)
{
	long t1 = (long)a.nr * ONE;

	if (a.nr && (t1 > p || (in_b2 && t1 == p)))
		push(&c, pop(&a));
	else
		push(&d, pop(&b));
}

static void arc_make_room(void)
{
	int total = a.nr + b.nr + c.nr + d.nr;

	if (a.nr + c.nr == capacity) {
		if (a.nr < capacity) {
			pop(&c);
			arc_replace(false);
		} else {
			pop(&a);
		}
	} else if (total >= capacity) {
		if (total == 2 * capacity)
			pop(&d);
		arc_replace(false);
	}
}

bool arc_access(unsigned int x, size_t now)
{
	if (has(&a, x) || has(&b, x)) {
		delete(has(&a, x) ? &a : &b, x);
		push(&b, x);
		return true;
	}
	if (has(&c, x)) {
		adapt_up();
		arc_replace(false);
		delete(&c, x);
		push(&b, x);
	} else if (has(&d, x)) {
		adapt_down();
		arc_replace(true);
		delete(&d, x);
		push(&b, x);
	} else {
		arc_make_room();
		push(&a, x);
	}
	return false;
}

static void car_replace(void)
{
	unsigned int x;

	for (;;) {
		if (a.nr >= 1 && (long)a.nr * ONE >= p) {
			x = pop(&a);
			if (!bit[x]) {
				push(&c, x);
				return;
			}
		} else {
			x = pop(&b);
			if (!bit[x]) {
				push(&d, x);
				return;
			}
		}
		bit[x] = 0;
		push(&b, x);
	}
}

bool car_access(unsigned int x, size_t now)
{
	if (has(&a, x) || has(&b, x)) {
		bit[x] = 1;
		return true;
	}
	if (a.nr + b.nr == capacity) {
		car_replace();
		if (!has(&c, x) && !has(&d, x)) {
			if (a.nr + c.nr == capacity)
				pop(&c);
			else if (a.nr + b.nr + c.nr + d.nr == 2 * capacity)
				pop(&d);
		}
	}
	bit[x] = 0;
	if (has(&c, x)) {
		adapt_up();
		delete(&c, x);
		push(&b, x);
	} else if (has(&d, x)) {
		adapt_down();
		delete(&d, x);
		push(&b, x);
	} else {
		push(&a, x);
	}
	return false;
}

/* SIGMETRICS '02, section 3.3: a is S, top first; b is Q, end first; c are all LIR. */
static void lirs_prune(void)
{
	while (a.nr && !has(&c, a.x[a.nr - 1]))
		pop(&a);
}

static void lirs_to_top(unsigned int x)
{
	if (has(&a, x))
		delete(&a, x);
	push(&a, x);
}

static void lirs_swap(unsigned int x)
{
	unsigned int bottom = a.x[a.nr - 1];

	push(&c, x);
	delete(&c, bottom);
	push(&b, bottom);
	pop(&a);
	lirs_prune();
}

bool lirs_access(unsigned int x, size_t now)
{
	int hir = capacity / 100 > 2 ? capacity / 100 : 2;
	bool hit = has(&c, x) || has(&b, x), in_stack = has(&a, x);

	if (has(&c, x)) {
		lirs_to_top(x);
		lirs_prune();
		return true;
	}
	if (!hit && c.nr < capacity - hir) {
		push(&c, x);
		lirs_to_top(x);
		return false;
	}
	if (hit)
		delete(&b, x);
	else if (b.nr == hir)
		pop(&b);
	lirs_to_top(x);
	if (in_stack)
		lirs_swap(x);
	else
		push(&b, x);
	return hit;
}

/*
 * USENIX ATC '05, section 3.3: a is the clock from the list head to HAND_hot, c are
 * the hot pages, b the resident cold ones, and d those in their test period.  The
 * hands are objects, or NOBODY.
 */
#define NOBODY	(~0u)
static unsigned int hand_cold, hand_test;
static int cold_target;

void clockpro_start(unsigned int pages, const u64 *trace, size_t nr)
{
	start(pages, trace, nr);
	hand_cold = hand_test = NOBODY;
	cold_target = pages / 100 > 1 ? pages / 100 : 1;
}

/* The next one of @s after @x in the direction of the hands. */
static unsigned int after(unsigned int x, const struct seq *s)
{
	int i = find(&a, x), k;

	for (k = 1; k < a.nr; k++)
		if (has(s, a.x[(i - k + a.nr) % a.nr]))
			return a.x[(i - k + a.nr) % a.nr];
	return NOBODY;
}

static void leave_cold(unsigned int x)
{
	if (hand_cold == x)
		hand_cold = after(x, &b);
	if (has(&b, x))
		delete(&b, x);
}

static void leave_test(unsigned int x)
{
	if (hand_test == x)
		hand_test = after(x, &d);
	if (has(&d, x))
		delete(&d, x);
}

static void enter_cold(unsigned int x)
{
	push(&b, x);
	if (hand_cold == NOBODY)
		hand_cold = x;
}

static void enter_test(unsigned int x)
{
	push(&d, x);
	if (hand_test == NOBODY)
		hand_test = x;
}

static void terminate_test(unsigned int x)
{
	if (!has(&d, x))
		return;
	leave_test(x);
	if (cold_target > 1)
		cold_target--;
	if (!has(&b, x) && !has(&c, x))
		delete(&a, x);
}

static void hand_hot_pass_cold(void)
{
	unsigned int x;

	while (c.nr && !has(&c, a.x[a.nr - 1])) {
		x = a.x[a.nr - 1];
		terminate_test(x);
		if (has(&a, x))
			push(&a, pop(&a));
	}
}

static void run_hand_hot(void)
{
	unsigned int x;

	hand_hot_pass_cold();
	while (bit[a.x[a.nr - 1]]) {
		bit[a.x[a.nr - 1]] = 0;
		push(&a, pop(&a));
		hand_hot_pass_cold();
	}
	x = a.x[a.nr - 1];
	delete(&c, x);
	enter_cold(x);
	push(&a, pop(&a));
	hand_hot_pass_cold();
}

static void become_hot(unsigned int x)
{
	if (cold_target < capacity)
		cold_target++;
	leave_cold(x);
	leave_test(x);
	delete(&a, x);
	push(&a, x);
	push(&c, x);
	while (c.nr > capacity - cold_target)
		run_hand_hot();
}

static void run_hand_cold(void)
{
	unsigned int x;

	while (bit[hand_cold]) {
		x = hand_cold;
		bit[x] = 0;
		if (has(&d, x)) {
			become_hot(x);
			continue;
		}
		leave_cold(x);
		delete(&a, x);
		push(&a, x);
		enter_cold(x);
		enter_test(x);
	}
	x = hand_cold;
	leave_cold(x);
	if (!has(&d, x))
		delete(&a, x);
}

bool clockpro_access(unsigned int x, size_t now)
{
	if (has(&b, x) || has(&c, x)) {
		bit[x] = 1;
		return true;
	}
	if (b.nr + c.nr == capacity)
		run_hand_cold();
	bit[x] = 0;
	if (has(&a, x)) {
		become_hot(x);
	} else {
		push(&a, x);
		enter_cold(x);
		enter_test(x);
	}
	while (a.nr - b.nr - c.nr > capacity)
		terminate_test(hand_test);
	return false;
}
