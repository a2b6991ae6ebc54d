/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A naive model of the eviction core, evict.h, and the notation of its tests.
 *
 * A list is its pages in the order of the hand, oldest first; the marks follow
 * the name of the page:
 *
 *	^a	the hand: the next page to examine is a; a lone ^ at the end is
 *		a hand on the head of the list, and no ^ is a hand never used
 *	a*	touched		a+	Accessed bit set in a parent
 *	a'	fresh		a=	kept, i.e. met by the hand before
 *	a!	pinned		a~	obsolete
 *	| a	the stop: a and what follows waits for the next revolution; no |
 *		is a stop on the head of the list
 *	: a	young: a and what follows settled in the last sweep; no : is the
 *		head of the list
 *
 * and then the numbers of the clock, of which those that are zero may be left out:
 *
 *	T1	trust		B-1	balance
 *	C2	created		L63	idle pages in the lottery
 *
 * A list without T is about the pages alone: no young, no numbers.
 *
 * A sweep is its visits, in order:
 *
 *	!a	skipped: pinned		=a	spared: got its second chance
 *	-a	evicted			#a	evicted by force
 *
 * The model is made of arrays and indices, so that it has no pointer that could
 * go astray, and counts the laps of the hand in two plain loops.
 */
#ifndef __KVM_X86_MMU_EVICT_MODEL_H
#define __KVM_X86_MMU_EVICT_MODEL_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/string.h>

#include "../evict.h"

#define NR_NAMES	26

/* The signs of the marks, in the order of their bits. */
static const char mark_signs[] = "*'=+!~";
#define TOUCHED		KVM_MMU_EVICT_TOUCHED
#define FRESH		KVM_MMU_EVICT_FRESH
#define KEPT		KVM_MMU_EVICT_KEPT
#define ACCESSED	BIT(3)
#define PINNED		BIT(4)
#define OBSOLETE	BIT(5)
static_assert(TOUCHED == BIT(0) && FRESH == BIT(1) && KEPT == BIT(2));

/* The numbers of the clock, and the letters that they go by. */
enum number { TRUST, BALANCE, CREATED, LOTTERY, NR_NUMBERS };
static const char number_names[] = "TBCL";

struct text {
	int len;
	char buf[1024];
};

/* A list; hand, stop and young are on the head of the list if equal to @nr. */
struct picture {
	int nr;
	int hand;
	int stop;
	int young;
	int number[NR_NUMBERS];
	char name[NR_NAMES];
	u8 marks[NR_NAMES];
};

/* How the world around the core behaves, for model and core alike. */
struct world {
	/* Pages that go along with a victim. */
	u32 drag[NR_NAMES];
	/* What it costs to look for the references of a page. */
	long cost;
	/* The size of the pool: how long the hand may follow new pages. */
	unsigned long size;
	/* Which pages the guest touches during a sweep, if any. */
	int busy;
	/* Sweep without ->report(). */
	bool mute;
};

struct model {
	struct picture now;
	struct text visits;
};

static void clear(struct text *text)
{
	text->len = 0;
	text->buf[0] = '\0';
}

static void put(struct text *text, char c)
{
	if (text->len < sizeof(text->buf) - 1)
		text->buf[text->len++] = c;
	text->buf[text->len] = '\0';
}

static void put_string(struct text *text, const char *string)
{
	while (*string)
		put(text, *string++);
}

static void put_visit(struct text *text, char verdict, char name)
{
	if (text->len)
		put(text, ' ');
	put(text, verdict);
	put(text, name);
}

/* With young and the numbers if @whole. */
static const char *draw(const struct picture *p, bool whole, struct text *text)
{
	char number[16];
	int i, bit;

	clear(text);
	for (i = 0; i < p->nr; i++) {
		if (i)
			put(text, ' ');
		if (i == p->young && whole)
			put_string(text, ": ");
		/* Where the hand was never used, there's no revolution to stop. */
		if (i == p->stop && (i || p->hand < p->nr))
			put_string(text, "| ");
		if (i == p->hand)
			put(text, '^');
		put(text, p->name[i]);
		for (bit = 0; mark_signs[bit]; bit++)
			if (p->marks[i] & BIT(bit))
				put(text, mark_signs[bit]);
	}
	for (i = 0; i < NR_NUMBERS && whole; i++) {
		if (i != TRUST && !p->number[i])
			continue;
		sprintf(number, " %c%d", number_names[i], p->number[i]);
		put_string(text, number + !text->len);
	}
	return text->buf;
}

/* Returns false if @text doesn't place the hand, i.e. if it was never used. */
static bool parse(const char *text, struct picture *p)
{
	*p = (struct picture) { .hand = -1, .stop = -1, .young = -1 };

	for (; *text; text++) {
		const char *sign = strchr(mark_signs, *text);
		const char *name = strchr(number_names, *text);
		int len = 0;

		if (*text == '^') {
			p->hand = p->nr;
		} else if (*text == '|') {
			p->stop = p->nr;
		} else if (*text == ':') {
			p->young = p->nr;
		} else if (sign) {
			p->marks[p->nr - 1] |= BIT(sign - mark_signs);
		} else if (name) {
			if (sscanf(text + 1, "%d%n", &p->number[name - number_names], &len) == 1)
				text += len;
		} else if (*text != ' ') {
			p->name[p->nr++] = *text;
		}
	}
	if (p->young < 0)
		p->young = p->nr;
	if (p->stop < 0)
		p->stop = p->nr;
	if (p->hand >= 0)
		return true;
	p->hand = p->nr;
	p->stop = 0;
	return false;
}

/* The page that the guest touches during the nth visit of a sweep, or -1. */
static int touched_meanwhile(const struct world *w, int visited, unsigned long nth)
{
	if (!w->busy)
		return -1;
	return w->busy < 0 ? visited : (nth * w->busy + visited) % NR_NAMES;
}

static int model_find(const struct picture *m, int id)
{
	const char *name = memchr(m->name, 'a' + id, m->nr);

	return name ? name - m->name : -1;
}

static void model_add(struct picture *m, int id, u8 marks)
{
	m->hand += m->hand == m->nr;
	m->young += m->young == m->nr;
	m->number[CREATED]++;
	m->name[m->nr] = 'a' + id;
	m->marks[m->nr++] = marks;
}

/* Returns the number of pages freed: none if @id is a root or off the list. */
static int model_zap(struct picture *m, int id)
{
	int i = model_find(m, id);
	bool pinned;

	if (i < 0)
		return 0;
	pinned = m->marks[i] & PINNED;
	m->nr--;
	m->hand -= i < m->hand;
	m->stop -= i < m->stop;
	m->young -= i < m->young;
	memmove(m->name + i, m->name + i + 1, m->nr - i);
	memmove(m->marks + i, m->marks + i + 1, m->nr - i);
	m->name[m->nr] = 0;
	m->marks[m->nr] = 0;
	return !pinned;
}

static void model_mark(struct picture *m, int id, u8 set, u8 clear)
{
	int i = id < 0 ? -1 : model_find(m, id);

	if (i >= 0)
		m->marks[i] = (m->marks[i] | set) & ~clear;
}

/* May the hand go on into the pages that are newer than its revolution? */
static bool model_follows(const struct picture *m, unsigned long size)
{
	return m->number[TRUST] && m->hand + KVM_MMU_EVICT_NEWEST < m->nr &&
	       m->number[CREATED] < size / 8 * BIT(m->number[TRUST]);
}

/* Returns 1 if the hand starts over. */
static int model_wrap(struct picture *m, unsigned long size, bool force)
{
	int trust = m->number[BALANCE] < 0 ? m->number[TRUST] / 2 : m->number[TRUST] + 1;

	if (m->hand < m->nr && m->hand != m->stop)
		return 0;
	if (m->hand < m->nr && model_follows(m, size)) {
		m->stop++;
		return 0;
	}
	m->hand = 0;
	m->stop = m->young && !force ? m->young : m->nr;
	m->number[TRUST] = min(trust, KVM_MMU_EVICT_MAX_TRUST);
	m->number[BALANCE] = 0;
	m->number[CREATED] = 0;
	return 1;
}

/* The verdict on a page, which has been met from then on. */
static char model_judge(struct picture *m, u8 *marks, bool force)
{
	bool referenced = *marks & TOUCHED || (*marks & (ACCESSED | FRESH)) == ACCESSED;
	bool kept = *marks & KEPT;

	if (*marks & PINNED)
		return '!';
	if (*marks & OBSOLETE)
		return '-';
	*marks &= ~(TOUCHED | ACCESSED | FRESH);
	*marks |= KEPT;
	if (kept)
		m->number[BALANCE] += referenced ? 1 : -1;
	if (referenced)
		return force ? '#' : '=';
	if (kept || force)
		return '-';
	return ++m->number[LOTTERY] % KVM_MMU_EVICT_LOTTERY ? '-' : '=';
}

/* Returns true if the page was evicted. */
static bool model_visit(struct model *model, const struct world *w,
			struct kvm_mmu_evict_sweep *s, bool force)
{
	struct picture *m = &model->now;
	u8 *marks = &m->marks[m->hand];
	int id = m->name[m->hand++] - 'a';
	char verdict;
	int i;

	s->budget -= 1 + (*marks & (PINNED | OBSOLETE) ? 0 : w->cost);
	verdict = model_judge(m, marks, force);
	model_mark(m, touched_meanwhile(w, id, ++s->scanned), TOUCHED, 0);
	s->spared += verdict == '=';
	s->forced += verdict == '#';
	if (!w->mute)
		put_visit(&model->visits, verdict, 'a' + id);
	if (verdict == '!' || verdict == '=')
		return false;

	for (i = 0; i < NR_NAMES; i++)
		if (w->drag[id] & BIT(i))
			s->freed += model_zap(m, i);
	s->freed += model_zap(m, id);
	return true;
}

static void model_sweep(struct model *model, const struct world *w,
			struct kvm_mmu_evict_sweep *s)
{
	struct picture *m = &model->now;
	bool first;
	int laps;

	m->young = m->nr;
	while (m->young && m->marks[m->young - 1] & FRESH && m->nr - m->young < s->budget)
		m->marks[--m->young] &= ~(FRESH | ACCESSED);

	/* With second chances, until the hand has come around twice ... */
	for (laps = 0, first = true; s->freed < s->target && m->nr; first = false) {
		laps += model_wrap(m, w->size, false) && !first;
		if (laps == 2 || s->budget <= 0)
			break;
		model_visit(model, w, s, false);
	}

	/* ... and by force, until it has come around twice without a victim. */
	for (laps = 0, first = true; s->freed < s->target && m->nr; first = false) {
		laps += model_wrap(m, w->size, true) && !first;
		if (laps == 2)
			break;
		if (model_visit(model, w, s, true))
			laps = 0;
	}
}

#endif /* __KVM_X86_MMU_EVICT_MODEL_H */
