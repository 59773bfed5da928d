// SPDX-License-Identifier: MIT
/*
 * The library's counters of 64 bits: whoever reads one while it counts finds none
 * that is less than before, or more than has been counted.
 */
#include <pthread.h>
#include <stdint.h>
#include "tap.h"
#include "../src/counter.h"

static struct counter counter;
static volatile int over;
static unsigned int wraps;

/* From shortly before each 2^32 to shortly after; what is left out is counted. */
static void *counts(void *arg)
{
	unsigned int i, j;

	for (i = 0; i < wraps; i++) {
		__atomic_store_n(&counter.low, UINT32_MAX - 3, __ATOMIC_RELAXED);
		for (j = 0; j < 8; j++)
			count(&counter);
	}
	over = 1;
	return arg;
}

int main(void)
{
	const char *s = getenv("UPCALL_ITERATIONS");
	uint64_t last = 0, looks = 0, back = 0, far = 0;
	pthread_t thread;

	tap_plan(3);
	wraps = (s ? atoi(s) : 100000) * 50;
	if (pthread_create(&thread, NULL, counts, NULL))
		tap_bail("pthread_create");
	while (!over) {
		uint64_t now = counted(&counter);

		back += now < last;
		far += now >> 32 > wraps;
		last = now;
		looks++;
	}
	pthread_join(thread, NULL);
	is(back, 0, "it never goes back");
	is(far, 0, "nor too far");
	ok(counted(&counter) == ((uint64_t)wraps << 32 | 4), "all are counted");
	printf("# %llu looks, %u times 2^32\n", (unsigned long long)looks, wraps);
	return tap_done();
}
