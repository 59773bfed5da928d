// SPDX-License-Identifier: MIT
/* For gdb.c: a program that is dispatched to all the time. */
#include <pthread.h>
#include <sched.h>
#include <sys/upcall.h>
#include "debuggee.h"

#define LEAST_HITS	20

static struct upcall upc = UPCALL_INITIALIZER;
static volatile int hits, over;
static volatile int id;

void cfunc(void *data)
{
	(void)data;
	hits++;
}

static int enough(void)
{
	return hits >= LEAST_HITS;
}

static void *dispatcher(void *arg)
{
	volatile struct upcall *u = &upc;

	while (!over) {
		/* Else the other might never come out of its upcalls. */
		if (id > 0 && !u->crit_count && !u->pending)
			upc_control(UPC_CONTROL_DISPATCH, id, NULL);
		sched_yield();
	}
	return arg;
}

int main(void)
{
	pthread_t thread;
	int right;

	if (pthread_create(&thread, NULL, dispatcher, NULL))
		return 1;
	id = upc_register(&upc, upc_callused_wrapper, cfunc, NULL);
	right = program(enough);
	over = 1;
	pthread_join(thread, NULL);
	if (right && !upc.crit_count && !upc.pending)
		puts("the result is right");
	return 0;
}
