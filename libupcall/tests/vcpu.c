// SPDX-License-Identifier: MIT
/*
 * upc_vcpu_wrapper in a runtime with contexts of its own: an upcall interrupts
 * a context on one thread, cfunc switches to that thread's scheduler, and
 * another thread takes the context up again. Each thread's section is left
 * once, by itself; and with upc_fpu_wrapper, to know that the test would
 * notice, by the wrong one.
 */
#include <pthread.h>
#include <sched.h>
#include <ucontext.h>
#include "tap.h"

#define ROUNDS	200

static upcall_func_t ctx;
static ucontext_t context;			/* the one that moves */
static char stack[0x10000] __attribute__((aligned(16)));
static __thread ucontext_t scheduler;

/* Not inlined, and no address kept: it may be another thread's after. */
static __attribute__((noinline)) ucontext_t *here(void)
{
	__asm__ volatile ("");
	return &scheduler;
}

static volatile int ids[2], turn, moves, over, finished, laps, sum_wrong;
static volatile int count[2], pending[2];

/* Whoever's turn it was gives the context away. */
static void cfunc(void *data)
{
	(void)data;
	swapcontext(&context, here());
}

/* The context's own work: floating point in registers, all the time. */
static void work(void)
{
	while (!over) {
		double sum = 0;
		int i;

		for (i = 1; i <= 100; i++)
			sum += 1.0 / i * i;
		sum_wrong += sum < 99.999 || sum > 100.001;
		laps++;
	}
}

/* The context ends where somebody's scheduler has taken it up. */
static void body(void)
{
	work();
	finished = 1;
	swapcontext(&context, here());
}

static void *vcpu(void *arg)
{
	int me = (int)(long)arg;
	struct upcall *self = upc_thread_init();

	if (!self)
		tap_bail("upc_thread_init");
	ids[me] = upc_register(self, ctx, cfunc, NULL);
	if (ids[me] < 0)
		tap_bail("upc_register");
	for (;;) {
		while (turn != me && turn != 2)
			sched_yield();
		if (turn == 2)
			break;
		/*
		 * In a section, as the one who gave it away was: the end of
		 * the upcall in there leaves it. The first time there is none.
		 */
		if (moves)
			upc_self_crit_enter();
		swapcontext(here(), &context);
		moves++;
		if (finished) {
			turn = 2;
			break;
		}
		/* Back in cfunc's section. */
		upc_self_crit_exit();
		turn = !me;
	}
	count[me] = self->crit_count;
	pending[me] = self->pending;
	self->crit_count = 0;
	upc_thread_fini();
	return arg;
}

static void run(upcall_func_t with, int rounds)
{
	pthread_t threads[2];
	long i;

	ctx = with;
	turn = moves = over = finished = laps = sum_wrong = 0;
	ids[0] = ids[1] = 0;
	getcontext(&context);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = sizeof(stack);
	context.uc_link = NULL;
	makecontext(&context, body, 0);
	for (i = 0; i < 2; i++) {
		if (pthread_create(&threads[i], NULL, vcpu, (void *)i))
			tap_bail("pthread_create");
	}
	while (!ids[0] || !ids[1])
		sched_yield();
	while (moves < rounds) {
		int now = moves, lap = laps;

		/* It has to be at work to be interrupted there. */
		while (laps == lap && moves == now)
			sched_yield();
		upc_control(UPC_CONTROL_DISPATCH, ids[now & 1], UPC_PRIO(1));
		while (moves == now)
			sched_yield();
	}
	over = 1;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	need_upcalls();
	tap_plan(7);
	run(upc_vcpu_wrapper, ROUNDS);
	printf("# %d moves, %d laps\n", moves, laps);
	ok(moves > ROUNDS, "the context has moved");
	is(sum_wrong, 0, "its floating point state with it");
	is(count[0], 0, "each section of the first thread left once");
	is(count[1], 0, "and of the second");
	ok(!pending[0] && !pending[1], "nothing left pending");

	/* An odd number of moves: it is not given back in between. */
	run(upc_fpu_wrapper, 1);
	is(count[0], -UPC_CRITADD, "upc_fpu_wrapper leaves the first's twice");
	is(count[1], UPC_CRITADD, "and never the second's");
	return tap_done();
}
