// SPDX-License-Identifier: MIT
/*
 * mn_blocking(): calls wait elsewhere, and the virtual CPUs go on.
 */
#include <sys/syscall.h>
#include "mn_test.h"

#define CREW	100		/* more than there are helpers */

static int pipes[2], called, back;

static pid_t gettid_(void)
{
	return syscall(SYS_gettid);
}

static void wait_in_read(void *arg)
{
	char c;

	CHECK(read(pipes[0], &c, 1) == 1 && c == 'x');
	*(pid_t *)arg = gettid_();
	add(&called, 1);
}

static void *blocks(void *arg)
{
	pid_t tid = 0;

	CHECK(!mn_blocking(wait_in_read, &tid));
	CHECK(tid && tid != getpid());
	add(&back, 1);
	return arg;
}

/* More wait than there are virtual CPUs; who feeds them is a user thread. */
static void *others_run(void *arg)
{
	mn_t t[CREW];
	int i;

	called = back = 0;
	CHECK(!pipe(pipes));
	for (i = 0; i < CREW; i++)
		spawn(&t[i], blocks, NULL);
	for (i = 0; i < CREW; i++) {
		mn_yield();
		CHECK(write(pipes[1], "x", 1) == 1);
	}
	for (i = 0; i < CREW; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(called == CREW && back == CREW);
	close(pipes[0]);
	close(pipes[1]);
	return arg;
}

static void add_one(void *arg)
{
	(*(int *)arg)++;
}

static void *often(void *arg)
{
	int i, n = turns(1000), mine = 0;

	for (i = 0; i < n; i++) {
		CHECK(!mn_blocking(add_one, &mine));
		CHECK(mine == i + 1);
	}
	return arg;
}

static void *counted(void *arg)
{
	crew(10, often);
	return arg;
}

static const struct mn_case cases[] = {
	{ "more calls than helpers, and who ends them", others_run, 0 },
	{ "each call is made once, and then it is over", counted, 0 },
};

MN_MAIN(cases)
