// SPDX-License-Identifier: GPL-2.0
/*
 * chase HOT TABLES ACCESSES: follow pointers through memory of which each page is
 * mapped by a page table that maps PAGES of them and nothing else.  Seven of eight
 * accesses go to the first HOT tables, the others to any of TABLES.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGES		8
#define TABLE_SIZE	(2ul << 20)
#define PAGE_SIZE	4096ul

struct node {
	struct node *next;
	uint64_t visits;
};

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % limit;
}

/* A pointer is good for one access: each goes to where the next one is stored. */
static struct node *choose(char *base, uint64_t hot, uint64_t tables)
{
	uint64_t table = random_below(8) ? random_below(hot) : random_below(tables);

	return (struct node *)(base + table * TABLE_SIZE + random_below(PAGES) * PAGE_SIZE);
}

int main(int argc, char **argv)
{
	uint64_t hot, tables, accesses, i;
	struct node *node;
	char *base;

	if (argc != 4) {
		fprintf(stderr, "usage: chase HOT TABLES ACCESSES\n");
		return 2;
	}
	hot = strtoull(argv[1], NULL, 0);
	tables = strtoull(argv[2], NULL, 0);
	accesses = strtoull(argv[3], NULL, 0);
	base = mmap(NULL, (tables + 1) * TABLE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED || !hot || hot > tables) {
		fprintf(stderr, "chase: no memory for %s tables, or a hot set that is none\n", argv[2]);
		return 1;
	}
	base = (char *)(((uintptr_t)base + TABLE_SIZE - 1) & ~(TABLE_SIZE - 1));
	node = choose(base, hot, tables);
	for (i = 0; i < accesses; i++) {
		node->visits++;
		node->next = choose(base, hot, tables);
		node = node->next;
	}
	printf("chase: %llu accesses\n", (unsigned long long)accesses);
	return 0;
}
