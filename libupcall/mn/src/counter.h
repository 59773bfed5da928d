/* SPDX-License-Identifier: MIT */
#ifndef MN_COUNTER_H
#define MN_COUNTER_H

/*
 * A counter of 64 bits that one kernel thread writes, always in a section, and any
 * other reads, on a machine that has 32. A reader waits for nobody:
 *
 *   writer, every 2^32nd time		reader
 *
 *   high = h + 1			again
 *   low = 0				low
 *   again = h + 1			high
 *
 * If he finds high and again equal, low belongs to them: what is written first he
 * reads last. If not, the writer was at it, and h + 1 times 2^32 is what it has come
 * to.
 */
#include <stdint.h>

struct counter {
	uint32_t	high, low, again;
};

static inline void count(struct counter *c)
{
	if (__builtin_expect(c->low != UINT32_MAX, 1)) {
		__atomic_store_n(&c->low, c->low + 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_store_n(&c->high, c->high + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&c->low, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&c->again, c->high, __ATOMIC_RELEASE);
}

static inline uint64_t counted(const struct counter *c)
{
	uint32_t again = __atomic_load_n(&c->again, __ATOMIC_ACQUIRE);
	uint32_t low = __atomic_load_n(&c->low, __ATOMIC_ACQUIRE);
	uint32_t high = __atomic_load_n(&c->high, __ATOMIC_ACQUIRE);

	return (uint64_t)high << 32 | (high == again ? low : 0);
}

#endif /* MN_COUNTER_H */
