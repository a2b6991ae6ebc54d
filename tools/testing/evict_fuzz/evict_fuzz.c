// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz test of the eviction core, arch/x86/kvm/mmu/evict.h, in userspace.
 *
 * Any bytes are operations of the KUnit suite, evict_ops.h, whose rig compares
 * the core with a naive model after each of them.  A page and what is done to it
 * is one byte, so that to insert or remove a byte is to insert or remove a single
 * operation.  The text form is that of the suite: what fails here is a row there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/kernel.h>

#include "evict_ops.h"
#include "evict_fuzz.h"

/* Bytes from 0 on: a verb and a page, i.e. NR_NAMES bytes a verb. */
static const char * const page_verbs[] = {
	"new", "touch", "access", "pin", "unpin", "zap", "drag",
};

/* The one that has two more pages, a byte each. */
#define DRAG		6

#define WORLD_VERBS	(ARRAY_SIZE(page_verbs) * NR_NAMES)

/* Then: what concerns all pages. */
static const char * const world_verbs[] = {
	"retire", "mute", "cost", "busy", "size", "luck",
};

/* The first one that has a number, in one byte, or none. */
#define COST		2
#define NO_NUMBER	NR_NAMES

/* The rest: sweeps, each for a different number of pages. */
#define SWEEPS		(WORLD_VERBS + ARRAY_SIZE(world_verbs))
#define MAX_TARGET	(NR_NAMES + 1)

/* A budget is one byte, from -1 on, or left out. */
#define NO_BUDGET	255

struct input {
	const u8 *next;
	const u8 *end;
};

unsigned long seen_verdicts[4];

static u8 get(struct input *in)
{
	return in->next < in->end ? *in->next++ : 0;
}

static char get_name(struct input *in)
{
	return 'a' + get(in) % NR_NAMES;
}

static void decode_op(struct input *in, char *op)
{
	u8 code = get(in), arg;

	if (code < WORLD_VERBS) {
		op += sprintf(op, "%s %c", page_verbs[code / NR_NAMES],
			      'a' + code % NR_NAMES);
		if (code / NR_NAMES == DRAG) {
			*op++ = get_name(in);
			*op++ = get_name(in);
			*op = '\0';
		}
	} else if (code < SWEEPS) {
		op += sprintf(op, "%s", world_verbs[code - WORLD_VERBS]);
		arg = code - WORLD_VERBS < COST ? NO_NUMBER : get(in) % (NO_NUMBER + 1);
		if (arg != NO_NUMBER)
			sprintf(op, " %d", arg);
	} else {
		op += sprintf(op, "evict %zu", (code - SWEEPS) % (MAX_TARGET + 1));
		arg = get(in);
		if (arg != NO_BUDGET)
			sprintf(op, "/%d", arg - 1);
	}
}

static int find_verb(const char *op, const char * const *verbs, int nr)
{
	size_t len = strcspn(op, " ");
	int i;

	for (i = 0; i < nr; i++)
		if (strlen(verbs[i]) == len && !strncmp(op, verbs[i], len))
			return i;
	return -1;
}

/* The inverse for what decode_op() prints; any other text may give any bytes. */
static int __encode_op(const char *op, u8 *bytes)
{
	int target = 0, budget = NO_BUDGET - 1, number, verb;
	char page = 'a', x = 'a', y = 'a';

	verb = find_verb(op, page_verbs, ARRAY_SIZE(page_verbs));
	if (verb >= 0) {
		if (sscanf(op, "%*s %c%c%c", &page, &x, &y) < 1)
			return 0;
		bytes[0] = verb * NR_NAMES + page - 'a';
		bytes[1] = x - 'a';
		bytes[2] = y - 'a';
		return verb == DRAG ? 3 : 1;
	}

	verb = find_verb(op, world_verbs, ARRAY_SIZE(world_verbs));
	if (verb >= 0) {
		if (sscanf(op, "%*s %d", &number) < 1)
			number = NO_NUMBER;
		bytes[0] = WORLD_VERBS + verb;
		bytes[1] = number;
		return verb < COST ? 1 : 2;
	}

	if (sscanf(op, "evict %d/%d", &target, &budget) < 1)
		return 0;
	bytes[0] = SWEEPS + target;
	bytes[1] = budget + 1;
	return 2;
}

int encode_op(const char *op, u8 *bytes)
{
	int len = __encode_op(op, bytes);
	struct input in = { bytes, bytes + len };
	char again[OP_TEXT];

	if (!len)
		return 0;
	decode_op(&in, again);
	return strcmp(op, again) ? 0 : len;
}

void print_ops(const u8 *bytes, size_t size)
{
	struct input in = { bytes, bytes + size };
	const char *separator = "";
	char op[OP_TEXT];

	while (in.next < in.end) {
		decode_op(&in, op);
		printf("%s%s", separator, op);
		separator = "; ";
	}
}

static void explain(struct rig *rig, const char *op)
{
	struct picture real;

	printf("# %s: %s\n", op, rig->wrong);
	/* A sweep without end says all there is to say in a line. */
	printf("# core:  \"%.160s\"", rig->visits.buf);
	look(rig, &real);
	printf(", \"%s\"\n", draw(&real, true, &rig->drawn));
	printf("# model: \"%.160s\"", rig->model.visits.buf);
	printf(", \"%s\"\n", draw(&rig->model.now, true, &rig->drawn));
}

const char *run_bytes(const u8 *bytes, size_t size)
{
	struct input in = { bytes, bytes + size };
	const struct picture empty = {};
	static struct rig rig;
	char op[OP_TEXT];
	int i;

	set_up(&rig, &empty, true);
	while (in.next < in.end && !rig.wrong) {
		decode_op(&in, op);
		/* A page is created once at a time. */
		if (*op == 'n' && rig.page[op[4] - 'a'].place != NOWHERE)
			continue;
		clear(&rig.visits);
		clear(&rig.model.visits);
		run_op(&rig, op);
	}
	if (rig.wrong)
		explain(&rig, op);
	for (i = 0; i < ARRAY_SIZE(rig.seen); i++)
		seen_verdicts[i] += rig.seen[i];
	return rig.wrong;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	if (!run_bytes(bytes, size))
		return 0;
	printf("# ");
	print_ops(bytes, size);
	printf("\n");
	fflush(stdout);
	abort();
}
