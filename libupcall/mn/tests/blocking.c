// SPDX-License-Identifier: MIT
/*
 * mn_blocking(): calls wait elsewhere, and the virtual CPUs go on.
 */
#include <signal.h>
#include <sys/resource.h>
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

/* Those in the calls wait for what the next call does. */
#define WAITING	200

static int in_calls;

static void counted_read(void *arg)
{
	add(&in_calls, 1);
	wait_in_read(arg);
}

static void *reads(void *arg)
{
	pid_t tid;

	CHECK(!mn_blocking(counted_read, &tid));
	return arg;
}

static void feeds(void *arg)
{
	char lots[WAITING];

	memset(lots, 'x', sizeof(lots));
	CHECK(write(*(int *)arg, lots, sizeof(lots)) == sizeof(lots));
}

static void *all_wait(void *arg)
{
	mn_t t[WAITING];
	int i;

	called = in_calls = 0;
	CHECK(!pipe(pipes));
	for (i = 0; i < WAITING; i++)
		spawn(&t[i], reads, NULL);
	wait_for(&in_calls, WAITING);
	CHECK(!mn_blocking(feeds, &pipes[1]));
	for (i = 0; i < WAITING; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(called == WAITING);
	close(pipes[0]);
	close(pipes[1]);
	return arg;
}

/* As much stack as the manual page says, but for what it takes to get here. */
static void __attribute__((noinline)) use_stack(void *arg)
{
	volatile char much[240 << 10];
	size_t i;

	for (i = 0; i < sizeof(much); i += 4096)
		much[i] = 1;
	*(int *)arg = much[0];
}

static void *roomy(void *arg)
{
	int used = 0;

	CHECK(!mn_blocking(use_stack, &used) && used);
	return arg;
}

static const struct mn_case cases[] = {
	{ "who waits in a call waits for the next call", all_wait, ONCE },
	{ "the stack of a call", roomy, ONCE },
	{ "more calls than helpers, and who ends them", others_run, 0 },
	{ "each call is made once, and then it is over", counted, 0 },
};

/* More than that: the process ends by SIGSEGV, and stderr says why. */
static void __attribute__((noinline)) use_more(void *arg)
{
	volatile char much[280 << 10];

	much[0] = *(int *)arg;
	__asm__ volatile ("" : : "r" (much) : "memory");
}

static void *overflows(void *arg)
{
	int used = 0;

	mn_blocking(use_more, &used);
	return arg;
}

static int overflow_run(void *arg)
{
	static const struct rlimit no_core;
	struct mn_config c = config_of(arg);

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(60);
	return mn_run(&c, overflows, NULL, NULL);
}

static void overflow(void)
{
	struct child c;

	in_child(&c, overflow_run, (void *)this_setup);
	if (!ok(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGSEGV &&
		strstr(c.said, "stack overflow"), "%s, %d: a call's overflow",
		backend_names[this_setup->backend], this_setup->vcpus))
		child_said(&c);
}

int main(void)
{
	return mn_main(overflow, cases, N_OF(cases));
}
