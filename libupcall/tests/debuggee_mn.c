// SPDX-License-Identifier: MIT
/* For gdb_mn.c: user threads that are preempted all the time. */
#include <upcall/mn.h>
#include "debuggee.h"

#define SPINNERS	3
#define LEAST_SPINS	20

static volatile int spins[SPINNERS], over;

static void *spin(void *arg)
{
	volatile int *mine = (volatile int *)arg;
	int i, sum = 0;

	for (i = 0; !over; i++) {
		work(i % 3 - 1 < 0 ? 2 : 1, &sum);
		*mine = *mine + 1;
	}
	return NULL;
}

static int enough(void)
{
	int i;

	for (i = 0; i < SPINNERS; i++)
		if (spins[i] < LEAST_SPINS)
			return 0;
	return 1;
}

static void *first(void *arg)
{
	mn_t t[SPINNERS];
	int i;

	for (i = 0; i < SPINNERS; i++)
		if (mn_spawn(&t[i], NULL, spin, (void *)&spins[i]))
			return NULL;
	if (!program(enough))
		return NULL;
	over = 1;
	for (i = 0; i < SPINNERS; i++)
		if (mn_join(t[i], NULL))
			return NULL;
	return arg;
}

int main(void)
{
	struct mn_config config = { .backend = MN_UPCALL };
	void *result = NULL;

	if (!mn_run(&config, first, &config, &result) && result)
		puts("the result is right");
	return 0;
}
