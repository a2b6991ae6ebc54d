/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operations of the tests of the eviction core, evict.h, as text, of which
 * only the first letter and the argument count:
 *
 *	evict 2/5	sweep for 2 pages with a budget of 5 (or plenty)
 *	new a		page a is created, its first Accessed bit set
 *	zap a		page a goes for some other reason; a root stays around,
 *			off the list, until it is unpinned
 *	touch a, access a, pin a, unpin a, retire (all pages: obsolete)
 *	drag abc	evicting a takes b and c along
 *	cost 2		from now on, to look for references takes 2 more of budget
 *	busy		from now on, a guest touches each page after its visit;
 *			busy 7: touches pages all over the place instead
 *	size 64		from now on, the pool may have that many pages; without,
 *			it is so small that the hand never follows new pages
 *	luck 2		the second idle page to be met for the first time from now
 *			on is spared
 *	mute		from now on, sweep without ->report(), or with it again
 */
#ifndef __KVM_X86_MMU_EVICT_OPS_H
#define __KVM_X86_MMU_EVICT_OPS_H

#include "evict_rig.h"

/* A budget that no sweep of these tests uses up. */
#define PLENTY		1000

static void set_number(struct rig *rig, const char *op)
{
	int number, found;

	found = sscanf(op, "%*s %d", &number);

	if (*op == 'b')
		rig->world.busy = found == 1 ? number : -1;
	if (found < 1)
		return;

	if (*op == 'c')
		rig->world.cost = number;
	if (*op == 's')
		rig->world.size = number;
	if (*op == 'l') {
		rig->clock.idle = KVM_MMU_EVICT_LOTTERY - number;
		rig->model.now.number[LOTTERY] = KVM_MMU_EVICT_LOTTERY - number;
	}
}

static void run_op(struct rig *rig, const char *op)
{
	const char *arg = strchr(op, ' ') ? strchr(op, ' ') + 1 : "";
	int i, id = *arg - 'a';
	unsigned long target = 0;
	long budget = PLENTY;

	switch (*op) {
	case 'e':
		sscanf(arg, "%lu/%ld", &target, &budget);
		sweep(rig, target, budget);
		break;
	case 'n':
		add(rig, id, FRESH | ACCESSED);
		model_add(&rig->model.now, id, FRESH | ACCESSED);
		break;
	case 'z':
		zap(rig, &rig->page[id]);
		commit(rig);
		model_zap(&rig->model.now, id);
		break;
	case 't':
		mark(rig, id, TOUCHED, 0);
		break;
	case 'a':
		mark(rig, id, ACCESSED, 0);
		break;
	case 'p':
		mark(rig, id, PINNED, 0);
		break;
	case 'u':
		mark(rig, id, 0, PINNED);
		break;
	case 'r':
		for (i = 0; i < NR_NAMES; i++)
			if (rig->page[i].place == LISTED)
				mark(rig, i, OBSOLETE, 0);
		break;
	case 'd':
		for (rig->world.drag[id] = 0; *++arg; )
			rig->world.drag[id] |= BIT(*arg - 'a');
		break;
	case 'c':
	case 'b':
	case 's':
	case 'l':
		set_number(rig, op);
		break;
	case 'm':
		rig->world.mute = !rig->world.mute;
		break;
	default:
		go_wrong(rig, "no such operation");
	}
	compare(rig);
}

#endif /* __KVM_X86_MMU_EVICT_OPS_H */
