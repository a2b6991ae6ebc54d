/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of arch/x86/kvm/mmu/evict.h for SPIN: the list of shadow pages, hand,
 * stop and young, sweeps, and everything that happens between and during sweeps.
 * SPIN visits every state that up to NR_PAGES pages can get into, and proves that
 *
 *  - hand, stop and young are NULL, or at the head of the list, or at a page in
 *    it,
 *  - a revolution meets each page that was there when it began, once, but for
 *    those that are young by then, unless the sweep is forced or there are no
 *    others; and none of the newer ones, but for those that the hand follows,
 *    once,
 *  - every sweep ends, however quickly the guest's CPUs set Accessed bits,
 *  - a sweep that frees less than its target leaves nothing but pinned pages.
 *
 * Four kinds of actors:
 *
 *	sweeper	a vCPU that needs shadow pages, and sweeps with mmu_lock held
 *	fault	a vCPU that creates a page, with mmu_lock held
 *	host	whatever else takes mmu_lock: roots come into use and go out of
 *		use, pages are zapped for other reasons
 *	cpu	hardware: sets Accessed bits whenever it likes, takes no lock
 *
 * What a line of C does is below a quotation of it, in a comment that starts with
 * "C:".  run-models fails unless the quotations are, line by line, what the
 * modelled functions of evict.h consist of: an edit of those has to come here.
 *
 * What is left out, and why the model still tells something about the code:
 *
 *  - TOUCHED, FRESH and the Accessed bits of all parents are one bit, what
 *    ->classify() would find now.  The CPUs set it at any time.  Touching a page
 *    with mmu_lock held is nothing else, but at fewer times.
 *  - The budget is spent at any examination, as a page has any number of parents,
 *    or never.  No claim depends on its size.
 *  - Evicting a page takes along any other pages, pinned ones included.  In KVM,
 *    these are unsync children and parentless nested pages.
 *  - An obsolete page is one that is idle whenever the hand comes across it.
 *  - A sweep settles any number of pages from the newest on.  Young is anywhere.
 *  - Trust, and what it is made of, is any: wherever the revolution ends, the hand
 *    follows newer pages or does not, even into the newest.
 *  - Anybody wins the lottery.  The code lets fewer pages win, and the hand follow
 *    less, i.e. does a part of what the model does.
 *
 * Each of the macros BUG_* plants a bug that SPIN has to find, see run-models.
 */

#ifndef NR_PAGES
#define NR_PAGES 4
#endif

/* Nodes of the list: its head, the pages from 1 on, and no node at all. */
#define HEAD 0
#define NONE (NR_PAGES + 1)

byte next[NR_PAGES + 1], prev[NR_PAGES + 1];
/* What an access to a node may rely on; the head is always there. */
bool linked[NR_PAGES + 1];
byte hand = NONE, stop = NONE, young = NONE;

/* root_count != 0 */
bool pinned[NR_PAGES + 1];
bool referenced[NR_PAGES + 1];
/* For the claims: what a page is to this revolution, which DUE pages have yet to see. */
#define LATER 0
#define DUE 1
#define MET 2
byte due[NR_PAGES + 1];

bool mmu_lock, sweeping;

mtype = { PINNED, REFERENCED, IDLE };
mtype = { SKIP, SPARE, TAKE, FORCE };

ltl every_sweep_ends { [] (sweeping -> <> !sweeping) }

/* Never part of the state: scratch variables of single steps. */
hidden byte p, nr, map[NR_PAGES + 2];
hidden byte was_pinned[NR_PAGES + 1], was_referenced[NR_PAGES + 1], was_due[NR_PAGES + 1];
hidden byte part;

inline check_pointers()
{
	assert(hand == NONE || linked[hand]);
	assert(stop == NONE || linked[stop]);
	assert(young == NONE || linked[young])
}

/* kvm_mmu_evict_link() */
inline link(page)
{
	/* C: if (!clock->stop || clock->stop == pages) */
	if
#ifndef BUG_NO_STOP
	:: stop == NONE || stop == HEAD ->
		/* C: clock->stop = page; */
		stop = page
#endif
	:: else
	fi;

	/* A part of trust. */
	/* C: clock->created++; */
	/* C: list_add(page, pages); */
	next[page] = next[HEAD];
	prev[page] = HEAD;
	prev[next[HEAD]] = page;
	next[HEAD] = page;
	linked[page] = true;
	check_pointers()
}

/* kvm_mmu_evict_unlink() */
inline unlink(page)
{
	if
#ifdef BUG_HAND_BACK
	:: hand == page -> hand = next[page]
#elif !defined(BUG_NO_HAND_FIXUP)
	/* C: if (clock->hand == page) */
	:: hand == page ->
		/* C: clock->hand = page->prev; */
		hand = prev[page]
#endif
	:: else
	fi;
	if
#ifndef BUG_NO_STOP_FIXUP
	/* C: if (clock->stop == page) */
	:: stop == page ->
		/* C: clock->stop = page->prev; */
		stop = prev[page]
#endif
	:: else
	fi;
	if
#ifndef BUG_NO_YOUNG_FIXUP
	/* C: if (clock->young == page) */
	:: young == page ->
		/* C: clock->young = page->prev; */
		young = prev[page]
#endif
	:: else
	fi;

	/* C: list_del(page); */
	next[prev[page]] = next[page];
	prev[next[page]] = prev[page];
	linked[page] = false;

	/* Nobody may look at these anymore: spare SPIN their values. */
	next[page] = 0;
	prev[page] = 0;
	pinned[page] = false;
	referenced[page] = false;
	due[page] = LATER;
	check_pointers()
}

/*
 * Number the pages by age, from the oldest on.  Lists that differ in nothing but
 * the numbers are the same to the code, and to SPIN from here on.
 */
inline renumber()
{
	map[HEAD] = HEAD;
	map[NONE] = NONE;
	nr = 0;
	p = prev[HEAD];
	do
	:: p != HEAD ->
		nr++;
		map[p] = nr;
		was_pinned[nr] = pinned[p];
		was_referenced[nr] = referenced[p];
		was_due[nr] = due[p];
		p = prev[p]
	:: else -> break
	od;
	hand = map[hand];
	stop = map[stop];
	young = map[young];
	for (p : 1 .. NR_PAGES) {
		linked[p] = p <= nr;
		pinned[p] = p <= nr && was_pinned[p];
		referenced[p] = p <= nr && was_referenced[p];
		due[p] = (p <= nr -> was_due[p] : LATER);
		next[p] = (p <= nr -> p - 1 : 0);
		prev[p] = (p < nr -> p + 1 : 0)
	}
	next[HEAD] = nr;
	prev[HEAD] = (nr -> 1 : 0);
	p = 0
}

/* Any page in the list, or none. */
inline pick(page)
{
	page = prev[HEAD];
	do
	:: break
	:: page != HEAD -> page = prev[page]
	od
}

inline assert_only_pinned_left()
{
	for (p : 1 .. NR_PAGES) {
		assert(freed >= target || !linked[p] || pinned[p])
	}
	p = 0
}

/* For the claims: a revolution begins, and all pages that were due have been met. */
inline begin_revolution()
{
	d_step {
		for (p : 1 .. NR_PAGES) {
			assert(due[p] != DUE)
		}
		part = DUE;
		p = prev[HEAD];
		do
		:: p != HEAD ->
			part = (p == young && p != prev[HEAD] && !force -> LATER : part);
			due[p] = part;
			p = prev[p]
		:: else -> break
		od;
		part = 0;
		p = 0
	}
}

/* kvm_mmu_evict_settle(): any number of pages. */
inline settle()
{
	/* C: struct list_head *page; */
	/* C: clock->young = pages; */
	/* C: list_for_each(page, pages) { */
	/* C: if (budget-- <= 0 || !ops->settle(page)) */
	/* C: break; */
	/* C: clock->young = page; */
	pick(young)
}

/* kvm_mmu_evict_at_end(); whatever trust says may be or not. */
inline at_end()
{
	/* C: struct list_head *hand = clock->hand; */
	if
	/* C: if (!hand || hand == pages) */
	/* C: return true; */
	:: hand == NONE || hand == HEAD -> end = true
	/* C: if (hand != clock->stop) */
	/* C: return false; */
	:: hand != NONE && hand != HEAD && hand != stop -> end = false
	/* C: if (!clock->trust || clock->created >= pool / 8 << clock->trust || */
	/* C: kvm_mmu_evict_is_newest(pages, hand)) */
	/* C: return true; */
	:: hand != HEAD && hand == stop -> end = true
	:: hand != HEAD && hand == stop ->
		assert(due[hand] == LATER);
		due[hand] = DUE;
#ifndef BUG_FOLLOW_PAST_STOP
		/* C: clock->stop = hand->prev; */
		stop = prev[hand];
#endif
		/* C: return false; */
		end = false
	fi
}

/* kvm_mmu_evict_revolve() */
inline revolve()
{
	/* C: clock->hand = pages->prev; */
	hand = prev[HEAD];
	/* C: clock->stop = force || clock->young == clock->hand ? pages : clock->young; */
#if defined(BUG_STOP_STAYS)
	skip;
#elif defined(BUG_YOUNG_BY_FORCE)
	stop = (young == hand -> HEAD : young);
#elif defined(BUG_YOUNG_IS_ALL)
	stop = (force -> HEAD : young);
#else
	stop = (force || young == hand -> HEAD : young);
#endif
	/* Any trust will do. */
	/* C: if (clock->balance < 0) */
	/* C: clock->trust /= 2; */
	/* C: else if (clock->trust < KVM_MMU_EVICT_MAX_TRUST) */
	/* C: clock->trust++; */
	/* C: clock->balance = 0; */
	/* C: clock->created = 0; */
	begin_revolution()
}

/* kvm_mmu_evict_judge(); kept pages are no different but for trust and lottery. */
inline judge()
{
	/* C: switch (class) { */
	if
	/* C: case KVM_MMU_EVICT_PINNED: */
	/* C: return KVM_MMU_EVICT_SKIP; */
	:: class == PINNED -> verdict = SKIP
	/* C: case KVM_MMU_EVICT_KEPT_REFERENCED: */
	/* C: clock->balance++; */
	/* C: fallthrough; */
	/* C: case KVM_MMU_EVICT_REFERENCED: */
	/* C: return force ? KVM_MMU_EVICT_FORCE : KVM_MMU_EVICT_SPARE; */
	:: class == REFERENCED -> verdict = (force -> FORCE : SPARE)
	/* C: case KVM_MMU_EVICT_IDLE: */
	/* C: if (!force && !(++clock->idle % KVM_MMU_EVICT_LOTTERY)) */
	/* C: return KVM_MMU_EVICT_SPARE; */
	:: class == IDLE && !force -> verdict = SPARE
	/* C: break; */
	/* C: case KVM_MMU_EVICT_KEPT_IDLE: */
	/* C: clock->balance--; */
	/* C: break; */
	/* C: case KVM_MMU_EVICT_OBSOLETE: */
	/* C: break; */
	/* C: return KVM_MMU_EVICT_TAKE; */
	:: class == IDLE -> verdict = TAKE
	fi;
	class = 0
}

/* mmu_evict_classify(); a reference is tested and cleared in one step. */
inline classify(page)
{
	if
	:: pinned[page] -> class = PINNED
	:: !pinned[page] && referenced[page] -> class = REFERENCED
	:: else -> class = IDLE
	fi;
	referenced[page] = referenced[page] && pinned[page]
}

/*
 * mmu_evict_zap(): those that go along with the victim leave first, as in
 * __kvm_mmu_prepare_zap_page().
 */
inline evict(page)
{
	do
	:: pick(victim);
		if
		:: victim == HEAD || victim == page -> break
		:: else ->
			/* Active roots are unlinked, but not freed yet. */
			freed = freed + !pinned[victim];
			unlink(victim)
		fi
	od;
	victim = 0;
	unlink(page);
	/* Pages beyond the target don't matter. */
	freed = (freed + 1 < target -> freed + 1 : target)
}

/*
 * kvm_mmu_evict_sweep().  The CPUs may come in wherever a step ends, i.e. before
 * and behind ->classify(), the only place where the code looks at references.
 */
proctype sweeper()
{
	byte target, freed, page, victim, laps;
	bool force, scanned, spent, end;
	mtype class, verdict;

idle:
	atomic {
		!mmu_lock ->
		mmu_lock = true;
		sweeping = true;
		select (target : 1 .. NR_PAGES)
		/* C: enum kvm_mmu_evict_verdict verdict; */
		/* C: struct list_head *page; */
		/* C: bool force = false; */
		/* C: int laps = 0; */

		/* C: kvm_mmu_evict_settle(pages, clock, ops, sweep->budget); */
		settle()
	}

next_page:
	atomic {
		page = 0;
		verdict = 0;
		/* C: while (sweep->freed < sweep->target && !list_empty(pages)) { */
		if
		:: freed < target && next[HEAD] != HEAD
		:: else -> goto out
		fi;

		/* C: if (kvm_mmu_evict_at_end(pages, clock, sweep->pool)) { */
		at_end();
		if
		:: end ->
			/* C: kvm_mmu_evict_revolve(pages, clock, force); */
			revolve();
			/* C: laps += !!sweep->scanned; */
			laps = laps + scanned
		:: else
		fi;
		end = false;

		/* How soon to give up. */
#if defined(BUG_GIVE_UP_UNFORCED)
		if
		:: laps >= 2 -> goto out
#elif defined(BUG_GIVE_UP_EARLY)
		if
		:: laps >= 1 && force -> goto out
#elif defined(BUG_NEVER_GIVE_UP)
		if
#else
		/* C: if (laps >= 2 && force) */
		if
		:: laps >= 2 && force ->
			/* C: break; */
			goto out
#endif
		:: else
		fi;

		if
		:: spent = true
		:: skip
		fi;
#ifndef BUG_NO_FORCE
		/* C: if (!force && (laps >= 2 || sweep->budget <= 0)) { */
		if
		:: !force && (laps >= 2 || spent) ->
			/* C: force = true; */
			force = true;
			/* C: laps = 0; */
			laps = 0
		:: else
		fi;
#endif

		/* C: page = clock->hand; */
		page = hand;
		/* C: clock->hand = page->prev; */
		assert(linked[page]);
		hand = prev[page];

		/* C: sweep->budget--; */
		/* C: sweep->scanned++; */
		scanned = true
	}

	/* C: verdict = kvm_mmu_evict_judge(clock, ops->classify(sweep, page), force); */
	atomic {
		assert(linked[page]);
		assert(due[page] == DUE);
		due[page] = MET;
		classify(page);
		judge()
	}

	/* No influence on the list and the clock. */
	/* C: if (ops->report) */
	/* C: ops->report(sweep, page, verdict); */

	atomic {
		assert(linked[page]);
		/* C: switch (verdict) { */
		if
		/* C: case KVM_MMU_EVICT_SKIP: */
		/* C: continue; */
		:: verdict == SKIP -> goto next_page
		/* C: case KVM_MMU_EVICT_SPARE: */
		/* C: sweep->spared++; */
		/* C: continue; */
		:: verdict == SPARE -> goto next_page
		/* C: case KVM_MMU_EVICT_FORCE: */
		/* C: sweep->forced++; */
		/* C: break; */
		:: verdict == FORCE
		/* C: case KVM_MMU_EVICT_TAKE: */
		/* C: break; */
		:: verdict == TAKE
		fi;

		/* C: sweep->freed += ops->evict(sweep, page); */
		evict(page);
		/* C: if (force) */
		/* C: laps = 0; */
		laps = (force -> 0 : laps);
		goto next_page
	}

out:
	/* C: return sweep->freed; */
	assert(sweeping);
	d_step {
		assert_only_pinned_left();
		renumber();
		target = 0;
		freed = 0;
		laps = 0;
		force = false;
		scanned = false;
		spent = false;
		sweeping = false;
		mmu_lock = false
	}
	goto idle
}

/* kvm_mmu_alloc_shadow_page() */
proctype fault()
{
	byte page;

end:	do
	:: atomic {
		!mmu_lock && !linked[NR_PAGES] ->
		/* Numbered by age, there are no gaps. */
		page = 1;
		do
		:: linked[page] -> page++
		:: else -> break
		od;
		link(page);
		page = 0
	}
	od
}

/* Changes of root_count, and __kvm_mmu_prepare_zap_page() for all other reasons. */
proctype host()
{
	byte page;

end:	do
	:: atomic {
#ifdef BUG_NO_LOCK
		next[HEAD] != HEAD ->
#else
		!mmu_lock && next[HEAD] != HEAD ->
#endif
		pick(page);
		if
		:: page == HEAD
#ifndef BUG_NO_FORCE
		/* Nothing is pinned there: only the CPUs keep its sweeps going. */
		:: page != HEAD -> pinned[page] = !pinned[page]
#endif
		/* Any page, active roots included. */
		:: page != HEAD -> unlink(page)
		fi;
		page = 0;
		if
		:: !sweeping -> d_step { renumber() }
		:: else
		fi
	}
	od
}

/*
 * The CPUs, as far as they set Accessed bits in the SPTEs that point to a page.
 * That takes no lock, and nothing keeps them from doing it again at once.
 */
proctype cpu(byte page)
{
end:	do
	:: d_step { linked[page] && !referenced[page] -> referenced[page] = true }
	od
}

init
{
	atomic {
		linked[HEAD] = true;
		for (p : 1 .. NR_PAGES) {
			run cpu(p)
		}
		p = 0;
		run sweeper();
		run fault();
		run host()
	}
}
