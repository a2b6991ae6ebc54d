// SPDX-License-Identifier: GPL-2.0
#include "fixed.h"

/* Digit by digit: squaring the mantissa doubles its logarithm. */
u64 fixed_log2(u64 x)
{
	unsigned int zeros = __builtin_clzll(x), i;
	u64 log = 63 - zeros;
	__u128 square;

	x <<= zeros;
	for (i = 0; i < LOG_SHIFT; i++) {
		square = (__u128)x * x;
		log = log << 1 | square >> 127;
		x = square >> (square >> 127 ? 64 : 63);
	}
	return log;
}

/* The largest number whose square is at most @x. */
static u64 square_root(__u128 x)
{
	u64 root = 0, bit;

	for (bit = 1ull << 63; bit; bit >>= 1)
		if ((__u128)(root | bit) * (root | bit) <= x)
			root |= bit;
	return root;
}

/* The product of 2^(1/2), 2^(1/4), ..., as the bits of the fraction say. */
u64 fixed_exp2(u32 fraction)
{
	static u64 roots[LOG_SHIFT];
	u64 power = 1ull << POWER_SHIFT;
	unsigned int i;

	if (!roots[0]) {
		roots[0] = square_root((__u128)2 << 2 * POWER_SHIFT);
		for (i = 1; i < LOG_SHIFT; i++)
			roots[i] = square_root((__u128)roots[i - 1] << POWER_SHIFT);
	}
	for (i = 0; i < LOG_SHIFT; i++)
		if (fraction >> (LOG_SHIFT - 1 - i) & 1)
			power = (__u128)power * roots[i] >> POWER_SHIFT;
	return power;
}
