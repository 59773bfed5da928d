// SPDX-License-Identifier: MIT
/*
 * A program that is linked statically: mn_run() can't tell where its C library
 * is, and says so, unless the program takes care of that or is not preempted.
 */
#include "mn_test.h"

static void *yields(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		mn_yield();
	return arg;
}

static void *two(void *arg)
{
	crew(2, yields);
	return arg;
}

static int run(enum mn_backend backend, unsigned int flags)
{
	struct mn_config c = { .backend = backend, .flags = flags };

	return mn_run(&c, two, NULL, NULL);
}

int main(void)
{
	int has = upc_available() == 1;

	unsetenv("MN_BACKEND");
	tap_plan(6);
	is(run(MN_AUTO, 0), ENOTSUP, "ENOTSUP");
	is(run(MN_SIGNAL, 0), ENOTSUP, "with signals");
	is(run(MN_UPCALL, 0), has ? ENOTSUP : ENOSYS, "with upcalls");
	is(run(MN_COOPERATIVE, 0), 0, "without preemption");
	is(run(MN_SIGNAL, MN_LIBC_IS_MINE), 0, "MN_LIBC_IS_MINE, signals");
	is(run(MN_UPCALL, MN_LIBC_IS_MINE), has ? 0 : ENOSYS,
	   "MN_LIBC_IS_MINE, upcalls");
	return tap_done();
}
