/* SPDX-License-Identifier: GPL-2.0 */
/* What the references are made of. */
#ifndef EVICT_SIM_REFERENCE_LISTS_H
#define EVICT_SIM_REFERENCE_LISTS_H

#include "reference.h"

/* A list: the first element is the head, where things come in. */
struct seq {
	int nr;
	unsigned int x[MAX_OBJECTS];
};

static inline int find(const struct seq *s, unsigned int x)
{
	int i;

	for (i = 0; i < s->nr; i++)
		if (s->x[i] == x)
			return i;
	return -1;
}

static inline bool has(const struct seq *s, unsigned int x)
{
	return find(s, x) >= 0;
}

static inline unsigned int take(struct seq *s, int i)
{
	unsigned int x = s->x[i];

	for (s->nr--; i < s->nr; i++)
		s->x[i] = s->x[i + 1];
	return x;
}

static inline void delete(struct seq *s, unsigned int x)
{
	take(s, find(s, x));
}

static inline unsigned int pop(struct seq *s)
{
	return take(s, s->nr - 1);
}

static inline void push(struct seq *s, unsigned int x)
{
	int i;

	for (i = s->nr++; i > 0; i--)
		s->x[i] = s->x[i - 1];
	s->x[0] = x;
}

/* Enough for all of them; what they are for is up to each. */
extern int capacity;
extern struct seq a, b, c, d;
extern int bit[MAX_OBJECTS];

void start(unsigned int pages, const u64 *trace, size_t nr);

/* In reference_adaptive.c. */
void arc_start(unsigned int pages, const u64 *trace, size_t nr);
bool arc_access(unsigned int x, size_t now);
bool car_access(unsigned int x, size_t now);
bool lirs_access(unsigned int x, size_t now);
void clockpro_start(unsigned int pages, const u64 *trace, size_t nr);
bool clockpro_access(unsigned int x, size_t now);

#endif /* EVICT_SIM_REFERENCE_LISTS_H */
