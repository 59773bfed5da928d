// SPDX-License-Identifier: MIT
/*
 * upc_crit_enter() and upc_crit_exit(): sections nest, hold an upcall back,
 * and their end lets it in; also inside cfunc, and with a higher priority held
 * by an inner section only.
 */
#include <pthread.h>
#include <sched.h>
#include "tap.h"

static struct upcall upc = UPCALL_INITIALIZER;
static int plain, nested;
static int entered, nested_entered, count_seen;
static int inner_before, inner_after, inner_count;

static void plain_cfunc(void *data)
{
	(void)data;
	entered++;
	count_seen = upc.crit_count;
}

static void dispatch(int id, int priority)
{
	if (upc_control(UPC_CONTROL_DISPATCH, id, UPC_PRIO(priority)))
		tap_bail("dispatch");
}

/* Runs at 32, holds priority 40 back at 64, and lets it in again. */
static void nested_cfunc(void *data)
{
	(void)data;
	nested_entered++;
	upc_crit_enter(&upc);
	dispatch(plain, 40);
	inner_before = entered;
	upc_crit_exit(&upc);
	inner_after = entered;
	inner_count = upc.crit_count;
}

static int balanced(void)
{
	return upc.crit_count == 0 && upc.pending == 0;
}

/* Sections ended under a storm of dispatches: none may be left pending. */
static volatile int storm_id, storm_over, storm_entered;

static void storm_cfunc(void *data)
{
	(*(volatile int *)data)++;
}

static void *storm(void *arg)
{
	static struct upcall own = UPCALL_INITIALIZER;
	int i, stuck = 0;

	storm_id = upc_register(&own, upc_callused_wrapper, storm_cfunc,
				(void *)&storm_entered);
	if (storm_id < 0)
		tap_bail("upc_register");
	/*
	 * At crit_count 0 with nothing in between, nothing can be pending:
	 * whatever came before the test was entered, what comes after it is
	 * entered at once.
	 */
	for (i = 0; !storm_over || i < 20000; i++) {
		upc_crit_enter(&own);
		upc_crit_enter(&own);
		upc_crit_exit(&own);
		upc_crit_exit(&own);
		__asm__ volatile ("" : : : "memory");
		stuck += own.pending != 0;
	}
	stuck += own.crit_count != 0;
	*(int *)arg = stuck;
	return arg;
}

int main(void)
{
	pthread_t thread;
	int i, last, stuck = -1;

	need_upcalls();
	tap_plan(25);
	plain = upc_register(&upc, upc_callused_wrapper, plain_cfunc, NULL);
	nested = upc_register(&upc, upc_callused_wrapper, nested_cfunc, NULL);
	ok(plain > 0 && nested > 0, "registered");

	upc_crit_enter(&upc);
	is(upc.crit_count, 32, "one section");
	upc_crit_enter(&upc);
	is(upc.crit_count, 64, "two");
	dispatch(plain, 32);
	is(entered, 0, "held back");
	is(upc.pending, 32, "pending is its priority");
	upc_crit_exit(&upc);
	is(entered, 0, "still held back in the outer section");
	upc_crit_exit(&upc);
	is(entered, 1, "entered at the end of the outer section");
	is(count_seen, 32, "with crit_count 32");
	ok(balanced(), "nothing left behind");

	upc_crit_enter(&upc);
	upc_crit_exit(&upc);
	is(entered, 1, "an end with nothing pending enters nothing");

	upc_crit_enter(&upc);
	upc_crit_enter(&upc);
	dispatch(plain, 33);
	is(entered, 1, "33 is held back at 64");
	upc_crit_exit(&upc);
	is(entered, 2, "and entered at 32");
	is(count_seen, 64, "with crit_count 64");
	is(upc.crit_count, 32, "the outer section is still there");
	dispatch(plain, 32);
	is(entered, 2, "which holds 32 back");
	upc_crit_exit(&upc);
	is(entered, 3, "until its own end");
	ok(balanced(), "nothing left behind");

	dispatch(nested, 1);
	is(nested_entered, 1, "an upcall with a section inside");
	is(inner_before, 3, "the section held another back");
	is(inner_after, 4, "its end let it in, on top of the upcall");
	is(inner_count, 32, "crit_count is the upcall's again");
	ok(balanced(), "nothing left behind");

	upc.pending = 1;
	upc_crit_enter(&upc);
	upc_crit_exit(&upc);
	is(upc.pending, 0, "a pending set by the user is acknowledged");

	if (pthread_create(&thread, NULL, storm, &stuck))
		tap_bail("pthread_create");
	while (!storm_id)
		sched_yield();
	for (i = 0, last = 0; i < 300; i++) {
		dispatch(storm_id, 1);
		/* Each is entered before the next: a lost one hangs here. */
		while (storm_entered == last)
			sched_yield();
		last = storm_entered;
	}
	storm_over = 1;
	pthread_join(thread, NULL);
	is(stuck, 0, "no upcall stuck between two sections");
	is(storm_entered, 300, "each dispatch of 300 entered");
	return tap_done();
}
