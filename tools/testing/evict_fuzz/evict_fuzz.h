/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __EVICT_FUZZ_H
#define __EVICT_FUZZ_H

#include <stddef.h>
#include <linux/types.h>

/* The longest operation as text, and as bytes. */
#define OP_TEXT		32
#define OP_BYTES	3

/* Make bytes of the operation @op.  Returns how many, none if it isn't one. */
int encode_op(const char *op, u8 *bytes);

/* Print all operations that the bytes stand for. */
void print_ops(const u8 *bytes, size_t size);

/* Run them.  Returns what went wrong, having told the details, or NULL. */
const char *run_bytes(const u8 *bytes, size_t size);

/* How often the pages met each verdict so far. */
extern unsigned long seen_verdicts[4];

#endif /* __EVICT_FUZZ_H */
