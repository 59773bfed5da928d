// SPDX-License-Identifier: MIT
/*
 * Threads that never yield share one virtual CPU: each has counted when the first
 * thread, which waits, looks. Linked statically they are not preempted, as mn(7)
 * says: then each yields.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <upcall/mn.h>

#define THREADS	4

static volatile unsigned long counted[THREADS];
static volatile int over, cooperative;

static void *count(void *arg)
{
	volatile unsigned long *mine = (volatile unsigned long *)arg;

	while (!over) {
		*mine = *mine + 1;
		if (cooperative)
			mn_yield();
	}
	return NULL;
}

static int all_have(void)
{
	int i;

	for (i = 0; i < THREADS; i++)
		if (!counted[i])
			return 0;
	return 1;
}

static void *first(void *arg)
{
	mn_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (mn_spawn(&t[i], NULL, count, (void *)&counted[i]))
			exit(1);
	while (!all_have())
		mn_sleep(1000000);
	over = 1;
	for (i = 0; i < THREADS; i++) {
		mn_join(t[i], NULL);
		printf("%d: %lu\n", i, counted[i]);
	}
	return arg;
}

int main(void)
{
	struct mn_config config;
	int err;

	memset(&config, 0, sizeof(config));
	config.vcpus = 1;
	err = mn_run(&config, first, NULL, NULL);
	if (err == ENOTSUP) {
		cooperative = 1;
		config.backend = MN_COOPERATIVE;
		err = mn_run(&config, first, NULL, NULL);
	}
	if (err)
		fprintf(stderr, "mn_run: %s\n", strerror(err));
	return !!err;
}
