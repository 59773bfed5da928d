// SPDX-License-Identifier: MIT
/*
 * A watchdog. A computation that has run too long is interrupted, looked at,
 * and resumed or abandoned. It makes no system call and tests no flag.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/upcall.h>
#include <time.h>

static struct upcall upc = UPCALL_INITIALIZER;	/* the computing thread's */
static jmp_buf abandoned;
static int patience;			/* how often it is resumed */

/* What the computation is doing; looked at while it is interrupted. */
static volatile int computing, resumed;
static volatile unsigned long steps;

/*
 * In the computing thread, in the middle of the computation. That calls no
 * library, so this may.
 */
static void bark(void *data)
{
	(void)data;
	if (!computing)			/* done just before */
		return;
	printf("  barked at after %lu steps\n", steps);
	if (resumed == patience)
		longjmp(abandoned, 1);	/* crit_count stays: see compute() */
	resumed++;
}

/*
 * Walk from n to 1 by Collatz' rule, until there have been so many steps, and
 * so many barks. Returns whether it came to that.
 */
static int compute(unsigned int n, unsigned long enough, int barks)
{
	unsigned int k;

	resumed = 0;
	steps = 0;
	if (setjmp(abandoned)) {
		computing = 0;
		upc_crit_exit(&upc);	/* of the upcall we jumped out of */
		return 0;
	}
	computing = 1;
	while (steps < enough || resumed < barks) {
		for (k = n; k != 1; k = k % 2 ? 3 * k + 1 : k / 2)
			steps = steps + 1;
	}
	computing = 0;
	return 1;
}

/* Barks every tenth of a second until it is told to stop. */
static volatile int id, stop;

static void *watchdog(void *arg)
{
	const struct timespec tenth = { 0, 100000000 };

	while (!stop) {
		nanosleep(&tenth, NULL);
		upc_control(UPC_CONTROL_DISPATCH, id, NULL);
	}
	return arg;
}

int main(void)
{
	int endless, patient, quick;
	pthread_t dog;

	id = upc_register(&upc, upc_fpu_wrapper, bark, NULL);
	if (id < 0) {
		perror("upc_register");
		return 1;
	}
	if (pthread_create(&dog, NULL, watchdog, NULL))
		return 1;

	puts("an endless computation, which may be resumed twice");
	patience = 2;
	endless = compute(27, -1ul, 0);
	puts(endless ? "done" : "abandoned");

	puts("one that takes long, and may");
	patience = 1000000;
	patient = compute(27, 100000, 3);
	puts(patient ? "done" : "abandoned");

	stop = 1;
	pthread_join(dog, NULL);
	puts("a quick one");
	quick = compute(27, 1, 0);
	puts(quick ? "done" : "abandoned");

	/* And nothing of the one that was abandoned is left. */
	return endless || !patient || !quick || upc.crit_count || upc.pending;
}
