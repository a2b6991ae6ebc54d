// SPDX-License-Identifier: GPL-2.0
/*
 * Linked to UML to have gcov's counters at all: gcc leaves them to a destructor
 * with a priority, in a section .fini_array.00100, which the linker script of
 * UML forgets, and so nobody calls it.
 */
void __gcov_dump(void);

__attribute__((destructor)) static void dump_counters(void)
{
	__gcov_dump();
}
