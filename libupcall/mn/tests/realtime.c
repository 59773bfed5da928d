// SPDX-License-Identifier: MIT
/*
 * Virtual CPUs under SCHED_FIFO and SCHED_RR, on one processor: a thread that
 * computes is preempted, sleeps end, calls that block are made and descriptors have
 * events all the same. Where there is no priority for what sees to that, mn_run()
 * says so.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include "mn_test.h"

static int over, pipes[2];

static void *computes(void *arg)
{
	int *mine = arg;

	while (!get(&over)) {
		spin(1000);
		add(mine, 1);
		if (this_setup->backend == MN_COOPERATIVE)
			mn_yield();
	}
	return arg;
}

static void feeds(void *arg)
{
	CHECK(write(*(int *)arg, "x", 1) == 1);
}

static void *reads(void *arg)
{
	char c;

	CHECK(mn_read(pipes[0], &c, 1) == 1);
	return arg;
}

static void *first(void *arg)
{
	int counts[2] = { 0 }, i;
	mn_t t[2], reader;

	over = 0;
	CHECK(!pipe(pipes));
	for (i = 0; i < 2; i++)
		spawn(&t[i], computes, &counts[i]);
	spawn(&reader, reads, NULL);
	/* Nothing but slices that end lets this one go on. */
	for (i = 0; i < 3; i++)
		CHECK(!mn_sleep(5 * MILLISECOND));
	CHECK(!mn_blocking(feeds, &pipes[1]));
	CHECK(!mn_join(reader, NULL));
	CHECK(mn_poll(pipes[0], POLLIN, mn_now() + MILLISECOND) == 0);
	wait_for(&counts[0], 1);
	wait_for(&counts[1], 1);
	add(&over, 1);
	for (i = 0; i < 2; i++)
		CHECK(!mn_join(t[i], NULL));
	close(pipes[0]);
	close(pipes[1]);
	return arg;
}

static int on_one_processor(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		return -1;
	for (i = 0; !CPU_ISSET(i, &set); i++)
		;
	CPU_ZERO(&set);
	CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -1;
	return sched_setscheduler(0, policy, &param);
}

/* Exit status: 0, 1 for what CHECK() found, or 2 and more for an error. */
static int run(int policy, int priority)
{
	struct mn_config c = config_of(this_setup);
	struct sched_param param;
	int ret;

	/* By default it ends the process, whatever the virtual CPUs do. */
	alarm(60);
	if (on_one_processor(policy, priority))
		return 255;
	ret = mn_run(&c, first, NULL, NULL);
	if (ret)
		return 1 + ret;
	/* As it was. */
	sched_getparam(0, &param);
	return mn_problems || sched_getscheduler(0) != policy ||
	       param.sched_priority != priority;
}

static int fifo(void *arg)
{
	(void)arg;
	return run(SCHED_FIFO, 10);
}

static int round_robin(void *arg)
{
	(void)arg;
	return run(SCHED_RR | SCHED_RESET_ON_FORK, 10);
}

static int highest(void *arg)
{
	(void)arg;
	return run(SCHED_FIFO, sched_get_priority_max(SCHED_FIFO));
}

static void tried(int (*fn)(void *), int status, const char *what)
{
	struct child c;

	in_child(&c, fn, NULL);
	if (WIFEXITED(c.status) && WEXITSTATUS(c.status) == 255) {
		printf("# no real-time priority here\n");
		ok(1, "%s # SKIP", what);
		return;
	}
	if (!ok(WIFEXITED(c.status) && WEXITSTATUS(c.status) == status,
		"%s, %d: %s", backend_names[this_setup->backend],
		this_setup->vcpus, what))
		child_said(&c);
}

int main(void)
{
	int i, n = 0;

	for (i = 0; i < SETUPS; i++)
		n += 2 * suits(&mn_setups[i], 0) +
		     suits(&mn_setups[i], ONE_VCPU);
	tap_plan(n);
	for (i = 0; i < SETUPS; i++) {
		this_setup = &mn_setups[i];
		if (!suits(this_setup, 0))
			continue;
		/* Several on one processor would not make room for each other. */
		if (suits(this_setup, ONE_VCPU))
			tried(fifo, 0, "SCHED_FIFO");
		tried(round_robin, 0, "SCHED_RR");
		tried(highest, 1 + EPERM, "the highest priority");
	}
	return tap_done();
}
