// SPDX-License-Identifier: MIT
#include <string.h>
#include "other.h"

int other_calls(other_fn fn, void *arg)
{
	int ret = fn(arg);

	/* Not the last thing that is done here: this stays on the stack. */
	__asm__ volatile ("" : "+r" (ret));
	return ret;
}

int other_watches(volatile int *n, volatile int *enough)
{
	int before = *n;

	while (*n == before && !*enough)
		;
	return *n != before;
}

int other_clears(volatile int *n, volatile int *enough, void *p, size_t size)
{
	int before = *n;

	while (*n == before && !*enough)
		memset(p, 0, size);
	return *n != before;
}
