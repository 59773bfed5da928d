// SPDX-License-Identifier: MIT
/*
 * fork() by a user thread: the child has that thread alone, which goes on, and
 * may do what does not wait for others; the parent's threads notice nothing.
 */
#include <poll.h>
#include <signal.h>
#include "mn_test.h"

static struct mn_mutex mutex;
static struct mn_sem sem;
static int over;

static void nothing(void *arg)
{
	(void)arg;
}

static void *thread(void *arg)
{
	return arg;
}

/* In the child; returns how much was wrong. */
static int alone(void)
{
	struct mn_mutex own = MN_MUTEX_INITIALIZER;
	double third = 1.0 / 3;
	volatile double sum = 0;
	char *p;
	mn_t t;
	int i;

	mn_problems = 0;
	CHECK(mn_self() != NULL);
	CHECK(!strcmp(mn_name(mn_self()), "main"));
	CHECK(mn_now() > 0);
	mn_crit_enter();
	mn_hold();
	mn_release();
	mn_crit_exit();
	mn_yield();
	CHECK(mn_spawn(&t, NULL, thread, NULL) == EPERM);
	CHECK(mn_mutex_lock(&own) == EPERM);
	CHECK(mn_sem_wait(&sem) == EPERM);
	CHECK(mn_sem_post(&sem) == EPERM);
	CHECK(mn_sleep(1) == EPERM);
	CHECK(mn_blocking(nothing, NULL) == EPERM);
	CHECK(mn_poll(0, POLLIN, 0) == -EPERM);
	CHECK(mn_dump(1) == EPERM);
	CHECK(mn_run(NULL, thread, NULL, NULL) == EBUSY);
	/* The C library is whole, as after any fork(). */
	for (i = 0; i < 1000; i++) {
		p = malloc(1 + i * 7 % 5000);
		CHECK(p != NULL);
		free(p);
		sum += third;
	}
	CHECK(sum > 333.32 && sum < 333.34);
	return mn_problems;
}

static void *busy(void *arg)
{
	unsigned int seed = (long)arg + 1;

	while (!get(&over)) {
		CHECK(!mn_mutex_lock(&mutex));
		free(malloc(random_next(&seed) % 5000));
		spin(100);
		CHECK(!mn_mutex_unlock(&mutex));
		if (this_setup->backend == MN_COOPERATIVE)
			mn_yield();
	}
	return NULL;
}

static void *forks(void *arg)
{
	int i, n = turns(300), status;
	mn_t t[4];

	mn_mutex_init(&mutex);
	mn_sem_init(&sem, 0);
	over = 0;
	for (i = 0; i < 4; i++)
		spawn(&t[i], busy, (void *)(long)i);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			alarm(30);
			if (alone())
				_exit(1);
			/* As a process has ended whose last thread does. */
			if (i % 2)
				mn_exit(NULL);
			_exit(0);
		}
		CHECK(pid > 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
		if (this_setup->backend == MN_COOPERATIVE)
			mn_yield();
	}
	add(&over, 1);
	for (i = 0; i < 4; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

/* The child of a helper has no user thread at all. */
static void fork_there(void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(30);
		_exit(mn_self() || mn_sleep(1) != EPERM || mn_vcpu() != -1);
	}
	waitpid(pid, &status, 0);
	*(int *)arg = status;
}

static void *from_helper(void *arg)
{
	int status = -1;

	CHECK(!mn_blocking(fork_there, &status));
	CHECK(status == 0);
	return arg;
}

static const struct mn_case cases[] = {
	{ "by a user thread, among busy ones", forks, ONCE },
	{ "by a helper", from_helper, ONCE },
};

MN_MAIN(cases)
