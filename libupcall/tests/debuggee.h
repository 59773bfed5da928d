/* SPDX-License-Identifier: MIT */
#ifndef DEBUGGEE_H
#define DEBUGGEE_H

/*
 * What gdb.c and gdb_mn.c have a debugger look at, compiled without optimization.
 * They know the lines with a number by their comments.
 */
#include <stdio.h>

#define LEAST_TURNS	50

static volatile int stepped;

int thrice(int x)
{
	int y = x + x;

	return x + y;
}

void work(int x, int *sum)
{
	*sum += x;
}

void steps(void)
{
	int a = 1;		/* step 1 */

	a += 2;			/* step 2 */
	stepped = a;		/* step 3 */
	a += thrice(a);		/* step 4 */
	stepped = a;		/* step 5 */
	a -= 12;		/* step 6 */
	stepped = a;		/* step 7 */
}

/* Says whether all came out as it does without a debugger and upcalls. */
static int program(int (*enough)(void))
{
	int i, sum = 0, expected = 0;

	for (i = 0; i < LEAST_TURNS || !enough(); i++) {
		work(thrice(i % 3), &sum);
		expected += 3 * (i % 3);
	}
	steps();
	work(-1, &sum);
	return sum == expected - 1 && !stepped;
}

#endif /* DEBUGGEE_H */
