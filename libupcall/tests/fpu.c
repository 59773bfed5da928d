// SPDX-License-Identifier: MIT
/*
 * upc_fpu_wrapper and upc_vcpu_wrapper: code interrupted with every x87, SSE,
 * AVX and AVX-512 register in use, and controls of its own, finds all of them
 * as they were, at each alignment of its stack, also if two upcalls follow each
 * other by NEXT. cfunc finds the defaults, and uses all it can. And, to know
 * that the test would notice, upc_integer_wrapper keeps none of it.
 */
#include <pthread.h>
#include <sched.h>
#include "tap.h"
#include "regs.h"
#include "fpu.h"

#define ROUNDS	32

static struct fpu_has has;
static int ids[2];
static volatile int entered, unaligned, not_default, chain;
static volatile int rounds_done, same, integers, balanced;
static upcall_func_t ctx;

static void cfunc(void *data)
{
	entered++;
	unaligned += !REGS_ALIGNED();
	not_default += !fpu_default(has);
	if (!data && chain)
		upc_control(UPC_CONTROL_DISPATCH, ids[1], UPC_PRIO(1));
	else
		regs_target = regs_done;
	fpu_spoil(has);
}

static void *worker(void *arg)
{
	struct upcall *self = upc_thread_init();
	struct fpu_state found;
	int i;

	if (!self)
		tap_bail("upc_thread_init");
	ids[0] = upc_register(self, ctx, cfunc, NULL);
	ids[1] = upc_register(self, ctx, cfunc, (void *)1);
	if (ids[0] < 0 || ids[1] < 0)
		tap_bail("upc_register");
	for (i = 0; i < ROUNDS; i++) {
		regs_pattern(i * 0x01010101, i & 16 ? REGS_FLAGS : 0);
		regs_target = regs_spin;
		memset(&regs_out, 0, sizeof(regs_out));
		memset(&found, 0, sizeof(found));
		fpu_load(has, i + 1);
		regs_run();
		fpu_store(has, &found);
		same += fpu_same(has, i + 1, &found);
		__asm__ volatile ("fninit");
		integers += regs_same();
		balanced += !self->crit_count && !self->pending;
		rounds_done++;
	}
	if (upc_thread_fini())
		tap_bail("upc_thread_fini");
	return arg;
}

static void run(upcall_func_t with, int more)
{
	pthread_t thread;
	int i;

	ctx = with;
	chain = more;
	entered = unaligned = not_default = 0;
	rounds_done = same = integers = balanced = 0;
	regs_ready = 0;
	if (pthread_create(&thread, NULL, worker, NULL))
		tap_bail("pthread_create");
	for (i = 0; i < ROUNDS; i++) {
		while (!regs_ready)
			sched_yield();
		regs_ready = 0;
		if (upc_control(UPC_CONTROL_DISPATCH, ids[0], UPC_PRIO(1)))
			tap_bail("dispatch");
		while (rounds_done <= i)
			sched_yield();
	}
	pthread_join(thread, NULL);
}

static void keeps(const char *name, upcall_func_t with, int more)
{
	run(with, more);
	printf("# %s, %d more by NEXT\n", name, more);
	is(entered, ROUNDS * (1 + more), "all entered");
	is(unaligned, 0, "stack aligned for cfunc");
	is(not_default, 0, "cfunc begins with the ABI's defaults");
	is(same, ROUNDS, "floating point state as it was");
	is(integers, ROUNDS, "and the integer registers");
	is(balanced, ROUNDS, "crit_count and pending are 0 after");
}

int main(void)
{
	need_upcalls();
	has = fpu_has();
	printf("# this CPU has x87%s%s%s%s\n", has.fxsr ? ", FXSAVE" : "",
	       has.sse ? ", SSE" : "", has.avx ? ", AVX" : "",
	       has.avx512 ? ", AVX-512" : "");
	tap_plan(26);
	keeps("upc_fpu_wrapper", upc_fpu_wrapper, 0);
	keeps("upc_fpu_wrapper", upc_fpu_wrapper, 1);
	keeps("upc_vcpu_wrapper", upc_vcpu_wrapper, 0);
	keeps("upc_vcpu_wrapper", upc_vcpu_wrapper, 1);

	run(upc_integer_wrapper, 0);
	is(same, 0, "upc_integer_wrapper does not keep it");
	is(integers, ROUNDS, "but the integer registers");
	return tap_done();
}
