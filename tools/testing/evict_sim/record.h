/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turn text into a trace: see oracle.h for the file that is written.  An address is
 * one of 48 bits, of 4 KiB pages.
 */
#ifndef EVICT_SIM_RECORD_H
#define EVICT_SIM_RECORD_H

#include <stdio.h>

#include <linux/types.h>

/*
 * All accesses of one process: an address in hex on each line, or what
 * `valgrind --tool=lackey --trace-mem=yes` prints, e.g. " L 1ffefff540,8".
 * An access whose page is among the last @recent ones of the trace is left out: with
 * 1, what follows itself, with 0, nothing.  So no page that is in use is missing for
 * longer than that, as it would be if the pages that were accessed last were left out
 * (Smith's stack deletion, 1977): a page that is always in use would never be seen
 * again, and a clock would take it for idle.  The end is that of the input, or after
 * @limit accesses.
 */
void record_list(FILE *in, const char *path, u64 recent, u64 limit);

/*
 * Faults, from what `trace-cmd report` or tracefs/trace print of kvm:kvm_page_fault,
 * or of another event with an address, e.g. kvm_mmu_pagetable_walk or
 * fast_page_fault: only one of them, for a fault may be in each.  If there is
 * kvm:kvm_cr, too, a process is what the CR3 stands for that the vCPU's thread has
 * loaded; otherwise all is one process.  Of several vCPUs, one trace is made, in the
 * order of the lines.
 *
 * A trace of faults isn't one of accesses.  It tells what was missing, and when,
 * with the policy and in the pool that the guest had; and besides, faults for other
 * reasons: write protection, or a page of the host that was away.  It can't tell
 * what was used and there, i.e. hits, and what prefetch had brought: the better the
 * policy did, and the larger the pool was, the less of the guest is in it, down to
 * one fault a page where nothing was evicted.  So what is simulated with it tells
 * nothing of the guest's faults with another policy or pool; it's good for the
 * tables that a guest has, and when it first used each of them, and, recorded with
 * FIFO in the smallest pool, for an idea of what is hot.  With TDP, addresses are
 * physical, and of no use here.
 */
void record_faults(FILE *in, const char *path, const char *event);

#endif /* EVICT_SIM_RECORD_H */
