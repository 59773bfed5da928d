// SPDX-License-Identifier: MIT
/*
 * Priorities. An upcall interrupts whatever runs at a crit_count below its
 * priority: ordinary code runs at 0, a critical section or an upcall adds 32.
 */
#include <stdio.h>
#include <sys/upcall.h>

enum { LOW, HIGH, URGENT, N };

static const int priority[N] = { 1, 40, 100 };
static const char *const name[N] = { "low", "high", "urgent" };

static struct upcall upc = UPCALL_INITIALIZER;
static int id[N];

/* Who entered, in which order, and at which crit_count. */
static struct { int who, count; } entry[8];
static int entries;

static void dispatch(int who)
{
	upc_control(UPC_CONTROL_DISPATCH, id[who], UPC_PRIO(priority[who]));
}

static void enter(int who)
{
	if (entries < 8) {
		entry[entries].who = who;
		entry[entries].count = upc.crit_count;
	}
	entries++;
	printf("%*s%s entered, crit_count %d\n", upc.crit_count / 16, "",
	       name[who], upc.crit_count);
}

static void low(void *data)
{
	(void)data;
	enter(LOW);
	dispatch(HIGH);		/* interrupts this one here, at 32 */
	printf("    low goes on\n");
}

static void high(void *data)
{
	(void)data;
	enter(HIGH);
	if (entries == 3)
		dispatch(LOW);	/* does not: it is pending until its turn */
}

static void urgent(void *data)
{
	(void)data;
	enter(URGENT);
}

static int expect(int n, int who, int count)
{
	return n < entries && entry[n].who == who && entry[n].count == count;
}

int main(void)
{
	static const upcall_func_t function[N] = { low, high, urgent };
	int i, good = 1;

	for (i = 0; i < N; i++) {
		id[i] = upc_register(&upc, upc_callused_wrapper, function[i],
				     NULL);
		if (id[i] < 0) {
			perror("upc_register");
			return 1;
		}
	}
	/*
	 * In this order. While something is pending nothing else is entered,
	 * whatever its priority, until the section ends or DISPATCH -1 looks.
	 */
	puts("a critical section");
	upc_crit_enter(&upc);
	dispatch(URGENT);	/* 100 is above 32: entered here */
	good &= entries == 1;
	dispatch(LOW);		/* 1 is not: held back */
	good &= entries == 1;
	puts("the section ends");
	upc_crit_exit(&upc);

	/*
	 * Low was entered at its end, high over it, and low, which high had
	 * dispatched again, after the first low.
	 */
	good &= expect(0, URGENT, 64) && expect(1, LOW, 32) &&
		expect(2, HIGH, 64) && expect(3, LOW, 32) &&
		expect(4, HIGH, 64) && entries == 5;
	return !good || upc.crit_count || upc.pending;
}
