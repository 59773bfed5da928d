// SPDX-License-Identifier: MIT
/*
 * compare.h with the C library's threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

typedef pthread_t thread_t;
typedef pthread_mutex_t lock_t;
typedef pthread_cond_t cond_t;

#define lock	pthread_mutex_lock
#define unlock	pthread_mutex_unlock
#define wait	pthread_cond_wait
#define signal	pthread_cond_signal
#define yield	sched_yield
#define PREEMPTS

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

static void join(pthread_t t)
{
	pthread_join(t, NULL);
}

static void go_apart(int me, volatile int *where)
{
	(void)where;
	on_cpu(me);
}

static pthread_t spawn(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg)) {
		fprintf(stderr, "pthread_create failed\n");
		exit(1);
	}
	return t;
}

#include "compare.h"

int main(void)
{
	/* All zero is what their initializers are. */
	on_cpu(0);
	row("create_join", create_join, 1000);
	row("yield", yield_switch, 2000);
	row("mutex_one", play, 2000);
	row("channel", channel, 2000);
	row("preemption", preemption, 0);
	game.apart = 1;
	row("mutex_two", play, 2000);
	return 0;
}
