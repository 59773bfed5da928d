// SPDX-License-Identifier: MIT
/*
 * The standard context function: code interrupted at each alignment of its
 * stack, with flags set and clear, finds every register as it was, whether the
 * upcall is left by popping the frame or by one or two NEXT.
 */
#include <pthread.h>
#include <sched.h>
#include "tap.h"
#include "regs.h"

#define ROUNDS	32

static struct upcall upc = UPCALL_INITIALIZER;
static int ids[3];
static volatile int chain, chained, entered, unaligned, wrong_count;
static volatile int rounds_done, same, balanced;

static void cfunc(void *data)
{
	int n = (int)(long)data;

	entered++;
	unaligned += !REGS_ALIGNED();
	wrong_count += upc.crit_count != 32;
	if (n < chain) {
		upc_control(UPC_CONTROL_DISPATCH, ids[n + 1], UPC_PRIO(1));
		chained += upc.pending == 1;
	} else {
		regs_target = regs_done;
	}
	arch_clobber();
}

static void *worker(void *arg)
{
	int i;

	for (i = 0; i < 3; i++) {
		ids[i] = upc_register(&upc, upc_callused_wrapper, cfunc,
				      (void *)(long)i);
		if (ids[i] < 0)
			tap_bail("upc_register");
	}
	for (i = 0; i < ROUNDS; i++) {
		regs_pattern(i * 0x01010101, i & 16 ? REGS_FLAGS : 0);
		regs_target = regs_spin;
		memset(&regs_out, 0, sizeof(regs_out));
		regs_run();
		if (regs_same())
			same++;
		else
			regs_print();
		balanced += !upc.crit_count && !upc.pending;
		rounds_done++;
	}
	return arg;
}

static void run_chain(int n)
{
	pthread_t thread;
	int i;

	chain = n;
	chained = entered = unaligned = wrong_count = 0;
	rounds_done = same = balanced = 0;
	regs_ready = 0;
	if (pthread_create(&thread, NULL, worker, NULL))
		tap_bail("pthread_create");
	for (i = 0; i < ROUNDS; i++) {
		while (!regs_ready)
			sched_yield();
		regs_ready = 0;
		if (upc_control(UPC_CONTROL_DISPATCH, ids[0], UPC_PRIO(1)))
			tap_bail("dispatch");
		/* Not the next one before this one has been looked at. */
		while (rounds_done <= i)
			sched_yield();
	}
	pthread_join(thread, NULL);

	printf("# %d more by NEXT\n", n);
	is(entered, ROUNDS * (n + 1), "all entered");
	is(chained, ROUNDS * n, "further ones pending");
	is(unaligned, 0, "stack aligned for cfunc");
	is(wrong_count, 0, "crit_count is 32 in each");
	is(same, ROUNDS, "registers, flags and stack pointer as they were");
	is(balanced, ROUNDS, "crit_count and pending are 0 after");
}

int main(void)
{
	need_upcalls();
	tap_plan(18);
	run_chain(0);
	run_chain(1);
	run_chain(2);
	return tap_done();
}
