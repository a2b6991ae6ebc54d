/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Logarithms and powers in fixed point: the C library's differ in the last bit
 * from machine to machine, and that would be another trace.
 */
#ifndef EVICT_SIM_FIXED_H
#define EVICT_SIM_FIXED_H

#include <linux/types.h>

/* Bits behind the point of logarithms, and of powers. */
#define LOG_SHIFT	32
#define POWER_SHIFT	62

/* The binary logarithm of @x, which is not 0. */
u64 fixed_log2(u64 x);

/* 2 to the power of @fraction / 2^32, which is 1 to 2. */
u64 fixed_exp2(u32 fraction);

#endif /* EVICT_SIM_FIXED_H */
