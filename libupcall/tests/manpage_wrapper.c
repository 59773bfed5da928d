// SPDX-License-Identifier: MIT
/*
 * The manual page's own example, callused_wrapper, against the library: code
 * interrupted in a loop keeps every register, several pending upcalls are
 * entered one after the other on the same frame, and the section is left.
 */
#include <pthread.h>
#include <sched.h>
#include "tap.h"
#include "regs.h"

#define ROUNDS	32

void callused_wrapper(void *data);

static struct upcall upc = UPCALL_INITIALIZER;
static int ids[3], order[3], n_entered;
static void *frames[3];
static volatile int rounds_done, same, balanced, entered;

static void ordered_cfunc(void *data)
{
	if (n_entered < 3) {
		frames[n_entered] = __builtin_frame_address(0);
		order[n_entered] = (int)(long)data;
	}
	n_entered++;
}

static void leave_loop(void *data)
{
	(void)data;
	entered++;
	regs_target = regs_done;
}

static void *worker(void *arg)
{
	static struct upcall own = UPCALL_INITIALIZER;
	int i, id;

	id = upc_register(&own, callused_wrapper, leave_loop, NULL);
	if (id < 0)
		tap_bail("upc_register");
	*(int *)arg = id;
	for (i = 0; i < ROUNDS; i++) {
		regs_pattern(i * 0x01010101, i & 16 ? REGS_FLAGS : 0);
		regs_target = regs_spin;
		memset(&regs_out, 0, sizeof(regs_out));
		regs_run();
		if (regs_same())
			same++;
		else
			regs_print();
		balanced += !own.crit_count && !own.pending;
		rounds_done++;
	}
	return arg;
}

int main(void)
{
	pthread_t thread;
	int i, id;

	need_upcalls();
	tap_plan(9);
	for (i = 0; i < 3; i++) {
		ids[i] = upc_register(&upc, callused_wrapper, ordered_cfunc,
				      (void *)(long)i);
		if (ids[i] < 0)
			tap_bail("upc_register");
	}

	upc_control(UPC_CONTROL_DISPATCH, ids[0], NULL);
	is(n_entered, 1, "entered");
	ok(!upc.crit_count && !upc.pending, "and left");

	n_entered = 0;
	upc_crit_enter(&upc);
	for (i = 0; i < 3; i++)
		upc_control(UPC_CONTROL_DISPATCH, ids[i], UPC_PRIO(i + 1));
	upc_crit_exit(&upc);
	is(n_entered, 3, "three held back by a section entered at its end");
	ok(order[0] == 2 && order[1] == 1 && order[2] == 0, "by priority");
	ok(frames[0] == frames[1] && frames[1] == frames[2],
	   "on one frame: %p %p %p", frames[0], frames[1], frames[2]);
	ok(!upc.crit_count && !upc.pending, "and left");

	if (pthread_create(&thread, NULL, worker, &id))
		tap_bail("pthread_create");
	for (i = 0; i < ROUNDS; i++) {
		while (!regs_ready)
			sched_yield();
		regs_ready = 0;
		if (upc_control(UPC_CONTROL_DISPATCH, id, NULL))
			tap_bail("dispatch");
		while (rounds_done <= i)
			sched_yield();
	}
	pthread_join(thread, NULL);
	is(entered, ROUNDS, "a loop interrupted");
	is(same, ROUNDS, "registers, flags and stack pointer as they were");
	is(balanced, ROUNDS, "crit_count and pending are 0 after");
	return tap_done();
}
