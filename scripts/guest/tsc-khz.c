// SPDX-License-Identifier: GPL-2.0
/*
 * Print how many times in a millisecond this processor's time stamp counter
 * counts. Two moments suffice, if both clocks are read at the same time: that is
 * tried often, and the attempt that took least counts.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void read_both(long long *count, long long *ns)
{
	long long before, between, after, least = 1LL << 62;
	int i;

	for (i = 0; i < 1000; i++) {
		before = now_ns();
		between = __rdtsc();
		after = now_ns();
		if (after - before >= least)
			continue;
		least = after - before;
		*count = between;
		*ns = before;
	}
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	long long count[2], ns[2];

	read_both(&count[0], &ns[0]);
	nanosleep(&pause, NULL);
	read_both(&count[1], &ns[1]);
	printf("%.0f\n", (count[1] - count[0]) * 1e6 / (ns[1] - ns[0]));
	return 0;
}
