// SPDX-License-Identifier: MIT
/*
 * Wait groups: who waits goes on when all is done, and not before.
 */
#include <limits.h>
#include <pthread.h>
#include "mn_test.h"

#define CREW	6

static struct mn_wg group;
static int done, waited;

static void *does(void *arg)
{
	unsigned int seed = (long)arg + 7;

	spin(random_next(&seed) % 4096);
	add(&done, 1);
	CHECK(!mn_wg_done(&group));
	return arg;
}

static void *waits(void *arg)
{
	CHECK(!mn_wg_wait(&group));
	CHECK(get(&done) == CREW);
	add(&waited, 1);
	return arg;
}

/* Half of them wait for the others. */
static void *does_or_waits(void *arg)
{
	return (long)arg % 2 ? does(arg) : waits(arg);
}

static void *all_done(void *arg)
{
	int i;

	for (i = 0; i < turns(500); i++) {
		done = waited = 0;
		CHECK(!mn_wg_init(&group, CREW));
		crew(2 * CREW, does_or_waits);
		CHECK(waited == CREW && !mn_wg_wait(&group));
	}
	return arg;
}

/* Whoever adds before it is done is waited for as well. */
static void *passes_on(void *arg)
{
	mn_t next;

	if ((long)arg) {
		CHECK(!mn_wg_add(&group, 1));
		spawn(&next, passes_on, (void *)((long)arg - 1));
		CHECK(!mn_detach(next));
	}
	spin(1000);
	add(&done, 1);
	CHECK(!mn_wg_done(&group));
	return NULL;
}

static void *chain(void *arg)
{
	int n = turns(200);
	mn_t t;

	done = 0;
	CHECK(!mn_wg_init(&group, 1));
	spawn(&t, passes_on, (void *)(long)n);
	CHECK(!mn_wg_wait(&group));
	CHECK(done == n + 1);
	CHECK(!mn_join(t, NULL));
	return arg;
}

static void *limits(void *arg)
{
	static struct mn_wg none = MN_WG_INITIALIZER(0);

	CHECK(mn_wg_init(&group, -1) == EINVAL);
	CHECK(!mn_wg_init(&group, 1));
	CHECK(mn_wg_timedwait(&group, mn_now() + MILLISECOND) == ETIMEDOUT);
	CHECK(mn_wg_add(&group, -2) == EINVAL);
	CHECK(mn_wg_add(&group, INT_MIN) == EINVAL);
	CHECK(mn_wg_add(&group, INT_MAX) == EOVERFLOW);
	CHECK(mn_wg_timedwait(&group, mn_now()) == ETIMEDOUT);
	CHECK(!mn_wg_add(&group, INT_MAX - 1) && !mn_wg_add(&group, -INT_MAX));
	CHECK(!mn_wg_wait(&group) && mn_wg_done(&group) == EINVAL);
	CHECK(!mn_wg_wait(&none) && !mn_wg_timedwait(&none, mn_now()));
	return arg;
}

/* By a kernel thread that is no virtual CPU. */
static void *from_outside(void *arg)
{
	CHECK(!mn_wg_add(&group, 1) && !mn_wg_done(&group));
	CHECK(mn_wg_wait(&group) == EPERM);
	add(&done, 1);
	CHECK(!mn_wg_done(&group));
	return arg;
}

static void *kernel_threads(void *arg)
{
	pthread_t t;

	done = 0;
	CHECK(!mn_wg_init(&group, 1));
	CHECK(!pthread_create(&t, NULL, from_outside, NULL));
	CHECK(!mn_wg_wait(&group) && done == 1);
	CHECK(!pthread_join(t, NULL));
	return arg;
}

static const struct mn_case cases[] = {
	{ "all is done", all_done, 0 },
	{ "what is added meanwhile", chain, 0 },
	{ "EINVAL, EOVERFLOW, ETIMEDOUT", limits, 0 },
	{ "kernel threads", kernel_threads, ONCE },
};

MN_MAIN(cases)
