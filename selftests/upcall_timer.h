/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of timers share. On a kernel without them they are skipped.
 */
#ifndef UPCALL_TIMER_H
#define UPCALL_TIMER_H

#include "upcall_util.h"

#define MSEC		1000000LL
#define ABSTIME		(CLOCK_MONOTONIC | UPCALL_TIMER_ABSTIME)

static inline int upc_timer_by(int clock, int id, long long value,
			       long long interval, int priority)
{
	struct upcall_timer timer = {
		.value = value, .interval = interval,
		.clock = clock, .priority = priority,
	};

	return upc_control(UPC_CONTROL_TIMER, id, (long)&timer);
}

static inline int upc_timer(int id, long long value, long long interval,
			    int priority)
{
	return upc_timer_by(CLOCK_MONOTONIC, id, value, interval, priority);
}

/* Nothing is to happen meanwhile. In user mode: whatever comes, comes. */
static inline void spin_for(long long ns)
{
	long long end = now_ns() + ns;

	while (now_ns() < end)
		cpu_relax();
}

static void __attribute__((constructor(1000))) skip_without_timers(void)
{
	if (upc_supported() && upc_control(UPC_CONTROL_TIMER, 1, 0) == -EINVAL)
		ksft_exit_skip("no upcalls with timers in this kernel\n");
}

#endif /* UPCALL_TIMER_H */
