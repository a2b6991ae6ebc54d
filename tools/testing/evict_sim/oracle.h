/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of traces, in libCacheSim's format oracleGeneral, so that its traces can be
 * read here, and ours there (`cachesim FILE oracleGeneral lru 10000`).
 *
 * A file is nothing but records of 24 bytes, packed and little endian:
 *
 *	0		4		12		16		24
 *	+---------------+---------------+---------------+---------------+
 *	| clock_time	| obj_id	| obj_size	| next_access_	|
 *	| u32, seconds	| u64		| u32		| vtime, s64	|
 *	+---------------+---------------+---------------+---------------+
 *
 * next_access_vtime is the number of the next record with that obj_id, counted from
 * 0, or -1 if there is none.  Readers leave out objects of size 0, and expect that
 * time doesn't run backwards.  An access has neither: its size is 1, so that a cache
 * size is a number of objects, and a second is 2^20 accesses.
 *
 * The obj_id is the access of trace.h: process and page.  Files from elsewhere have
 * any 64 bits there, which is fine for the flat model alone.
 */
#ifndef EVICT_SIM_ORACLE_H
#define EVICT_SIM_ORACLE_H

#include <stdio.h>

#include <linux/compiler.h>
#include <linux/types.h>

#define ORACLE_NEVER	(-1)

struct oracle_record {
	__le32 clock_time;
	__le64 obj_id;
	__le32 obj_size;
	__le64 next_access_vtime;
} __packed;

_Static_assert(sizeof(struct oracle_record) == 24, "as libCacheSim has it");

/* A file that is written. */
struct oracle {
	FILE *file;
	const char *path;
	/* What it's called until all of it is right. */
	char *part;
	u64 nr;
};

/*
 * Any length, in one pass forwards, and one backwards for what comes next: what
 * needs memory is the distinct accesses.  All of them die() if they can't.
 */
void oracle_create(struct oracle *oracle, const char *path);
void oracle_add(struct oracle *oracle, const u64 *accesses, size_t nr);
void oracle_finish(struct oracle *oracle);

#endif /* EVICT_SIM_ORACLE_H */
