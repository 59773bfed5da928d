// SPDX-License-Identifier: MIT
/*
 * What mn_run() refuses, what the environment says, and what is refused to
 * those who are not user threads.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include "mn_test.h"

static struct mn_stats stats;

static void *looks(void *arg)
{
	mn_stats(&stats);
	return arg;
}

static int run(struct mn_config c)
{
	return mn_run(&c, looks, NULL, NULL);
}

static void refused_configurations(void)
{
	is(mn_run(NULL, NULL, NULL, NULL), EINVAL, "no function");
	is(run((struct mn_config){ .vcpus = -1 }), EINVAL, "vcpus -1");
	is(run((struct mn_config){ .vcpus = 33 }), EINVAL, "vcpus 33");
	is(run((struct mn_config){ .backend = 4 }), EINVAL, "backend 4");
	is(run((struct mn_config){ .backend = -1 }), EINVAL, "backend -1");
	is(run((struct mn_config){ .slice = 1 }), EINVAL, "slice 1");
	is(run((struct mn_config){ .slice = ~0u }), EINVAL, "slice 2^32 - 1");
	is(run((struct mn_config){ .stack_size = MN_STACK_MIN - 1 }), EINVAL,
	   "a stack that is too small");
	is(run((struct mn_config){ .flags = 2 }), EINVAL, "flag 2");
	is(run((struct mn_config){ .backend = MN_SIGNAL, .signo = 1000 }),
	   EINVAL, "signal 1000");
	is(run((struct mn_config){ .backend = MN_SIGNAL, .signo = SIGKILL }),
	   EINVAL, "SIGKILL");
	is(run((struct mn_config){ .vcpus = 32 }), 0, "vcpus 32");
	is(stats.vcpus, 32, "are 32");
	is(run((struct mn_config){ .flags = MN_LIBC_IS_MINE }), 0,
	   "MN_LIBC_IS_MINE");
}

static int with_env(const char *name, const char *value)
{
	struct mn_config none = { 0 };
	int ret;

	setenv(name, value, 1);
	memset(&stats, 0, sizeof(stats));
	ret = run(none);
	unsetenv(name);
	return ret;
}

static void environment(void)
{
	int has = upc_available() == 1;

	unsetenv("MN_VCPUS");
	unsetenv("MN_BACKEND");
	unsetenv("MN_SLICE");
	is(with_env("MN_VCPUS", "5"), 0, "MN_VCPUS=5");
	is(stats.vcpus, 5, "are 5");
	is(with_env("MN_VCPUS", "-5"), EINVAL, "MN_VCPUS=-5");
	is(with_env("MN_VCPUS", ""), 0, "MN_VCPUS empty");
	is(stats.vcpus, sysconf(_SC_NPROCESSORS_ONLN), "is the default");
	is(with_env("MN_BACKEND", "signal"), 0, "MN_BACKEND=signal");
	is(stats.backend, MN_SIGNAL, "is that");
	is(with_env("MN_BACKEND", "off"), 0, "MN_BACKEND=off");
	is(stats.backend, MN_COOPERATIVE, "is that");
	is(with_env("MN_BACKEND", "upcall"), has ? 0 : ENOSYS,
	   "MN_BACKEND=upcall, ENOSYS without upcalls");
	is(stats.backend, has ? MN_UPCALL : MN_AUTO, "is that");
	is(with_env("MN_BACKEND", ""), 0, "MN_BACKEND empty");
	is(stats.backend, has ? MN_UPCALL : MN_SIGNAL, "is the default");
	is(with_env("MN_SLICE", "1"), EINVAL, "MN_SLICE=1");
	/* What the program asks for comes first. */
	setenv("MN_VCPUS", "5", 1);
	setenv("MN_BACKEND", "off", 1);
	setenv("MN_SLICE", "1", 1);
	is(run((struct mn_config){ .vcpus = 2, .backend = MN_SIGNAL,
				   .slice = 1000 }), 0, "the program's own");
	ok(stats.vcpus == 2 && stats.backend == MN_SIGNAL, "comes first");
	unsetenv("MN_VCPUS");
	unsetenv("MN_BACKEND");
	unsetenv("MN_SLICE");
	is(run((struct mn_config){ .backend = MN_UPCALL }),
	   has ? 0 : ENOSYS, "MN_UPCALL, ENOSYS without upcalls");
}

/* EPERM is for what waits or belongs to a user thread; all else does its work. */
static void nothing(void)
{
}

static void nothing_with(void *arg)
{
	(void)arg;
}

static void *outside(void *arg)
{
	struct mn_mutex mutex = MN_MUTEX_INITIALIZER;
	struct mn_cond cond = MN_COND_INITIALIZER;
	struct mn_sem sem = MN_SEM_INITIALIZER(1);
	struct mn_once once = MN_ONCE_INITIALIZER;
	struct mn_chan *chan;
	mn_key_t key;
	mn_t t;
	char c = 0;

	CHECK(!mn_self());
	CHECK(mn_vcpu() == -1);
	CHECK(mn_spawn(&t, NULL, looks, NULL) == EPERM);
	CHECK(mn_join((mn_t)&c, NULL) == EPERM);
	CHECK(mn_detach((mn_t)&c) == EPERM);
	mn_yield();
	mn_crit_enter();
	mn_hold();
	mn_release();
	mn_crit_exit();
	CHECK(mn_timedjoin((mn_t)&c, NULL, 0) == EPERM);
	CHECK(mn_sleep(1) == EPERM);
	CHECK(mn_sleep_until(1) == EPERM);
	CHECK(mn_now() > 0);
	CHECK(mn_mutex_lock(&mutex) == EPERM);
	CHECK(mn_mutex_timedlock(&mutex, 0) == EPERM);
	CHECK(mn_mutex_trylock(&mutex) == EPERM);
	CHECK(mn_mutex_unlock(&mutex) == EPERM);
	CHECK(mn_cond_wait(&cond, &mutex) == EPERM);
	CHECK(mn_cond_timedwait(&cond, &mutex, 1) == EPERM);
	CHECK(!mn_cond_signal(&cond));
	CHECK(!mn_cond_broadcast(&cond));
	CHECK(mn_sem_wait(&sem) == EPERM);
	CHECK(!mn_sem_trywait(&sem));
	CHECK(mn_sem_timedwait(&sem, 1) == EPERM);
	CHECK(!mn_sem_post(&sem));
	CHECK(mn_once(&once, nothing) == EPERM);
	CHECK(mn_timedonce(&once, nothing, 0) == EPERM);
	CHECK(!mn_chan_create(&chan, 1, 1));
	CHECK(mn_chan_send(chan, &c) == EPERM);
	CHECK(mn_chan_recv(chan, &c) == EPERM);
	CHECK(mn_chan_timedsend(chan, &c, 0) == EPERM);
	CHECK(mn_chan_timedrecv(chan, &c, 0) == EPERM);
	CHECK(!mn_chan_trysend(chan, &c));
	CHECK(!mn_chan_tryrecv(chan, &c));
	CHECK(!mn_chan_close(chan));
	CHECK(!mn_chan_destroy(chan));
	CHECK(!mn_key_create(&key, NULL));
	CHECK(mn_setspecific(key, &c) == EPERM);
	CHECK(!mn_getspecific(key));
	CHECK(!mn_key_delete(key));
	CHECK(mn_blocking(nothing_with, NULL) == EPERM);
	CHECK(mn_timedblocking(nothing_with, NULL, 0) == EPERM);
	CHECK(mn_poll(0, POLLIN, 0) == -EPERM);
	CHECK(mn_read(0, &c, 1) == -EPERM);
	CHECK(mn_write(1, &c, 0) == -EPERM);
	CHECK(mn_accept(0, NULL, NULL, 0) == -EPERM);
	CHECK(mn_connect(0, NULL, 0) == -EPERM);
	CHECK(mn_timedread(0, &c, 1, 0) == -EPERM);
	CHECK(mn_timedwrite(1, &c, 0, 0) == -EPERM);
	CHECK(mn_timedaccept(0, NULL, NULL, 0, 0) == -EPERM);
	CHECK(mn_timedconnect(0, NULL, 0, 0) == -EPERM);
	return arg;
}

static void *second(void *arg)
{
	struct mn_config c = { .backend = MN_COOPERATIVE };

	CHECK(mn_run(&c, looks, NULL, NULL) == EBUSY);
	CHECK(mn_run(NULL, looks, NULL, NULL) == EBUSY);
	return arg;
}

static void outside_too(void *arg)
{
	outside(arg);
	second(arg);
}

/* From a kernel thread of the program's own, while threads run. */
static void *beside(void *arg)
{
	pthread_t thread;
	int here;
	void *done = NULL;

	CHECK(!mn_blocking(outside_too, NULL));
	if (pthread_create(&thread, NULL, outside, &here))
		tap_bail("pthread_create");
	/* It waits for nobody, so neither does this. */
	pthread_join(thread, &done);
	CHECK(done == &here);
	return arg;
}

static void *bad(void *arg)
{
	struct mn_attr small = { .stack_size = MN_STACK_MIN - 1 };
	struct mn_attr huge = { .stack_size = ~(size_t)0 };
	struct mn_attr large = { .stack_size = (size_t)3 << (8 * sizeof(size_t) - 2) };
	struct mn_chan *chan;
	mn_t t;

	CHECK(mn_spawn(&t, NULL, NULL, NULL) == EINVAL);
	CHECK(mn_spawn(NULL, NULL, looks, NULL) == EINVAL);
	CHECK(mn_spawn(&t, &small, looks, NULL) == EINVAL);
	CHECK(mn_spawn(&t, &huge, looks, NULL) == EAGAIN);
	CHECK(mn_spawn(&t, &large, looks, NULL) == EAGAIN);
	CHECK(mn_chan_create(NULL, 1, 1) == EINVAL);
	CHECK(mn_chan_create(&chan, 0, 1) == EINVAL);
	CHECK(mn_chan_create(&chan, 65537, 1) == EINVAL);
	CHECK(mn_chan_create(&chan, 65536, ~(size_t)0) == ENOMEM);
	CHECK(mn_blocking(NULL, NULL) == EINVAL);
	CHECK(mn_sleep(-1) == EINVAL);
	return arg;
}

/* Results of mn_run(): what fn returns, or gives to mn_exit(). */
static void *exits(void *arg)
{
	mn_exit(arg);
}

static void *returns(void *arg)
{
	return arg;
}

static void results(void)
{
	void *result = NULL;
	int i;

	for (i = 0; i < 3; i++) {
		ok(!mn_run(NULL, returns, &result, &result) &&
		   result == &result, "run %d: what fn returns", 2 * i + 1);
		result = NULL;
		ok(!mn_run(NULL, exits, &i, &result) && result == &i,
		   "run %d: what mn_exit() was given", 2 * i + 2);
	}
}

static const struct mn_case cases[] = {
	{ "EPERM beside the user threads, EBUSY for a second mn_run()", beside,
	  ONCE },
	{ "EBUSY for a user thread's mn_run()", second, ONCE },
	{ "bad arguments", bad, ONCE },
};

int main(void)
{
	struct mn_config c = { 0 };

	tap_plan(14 + 17 + 6 + 3 + count_cases(cases, N_OF(cases)));
	refused_configurations();
	environment();
	results();
	outside(NULL);
	is(mn_problems, 0, "EPERM before and after an mn_run()");
	is(mn_dump(1), EPERM, "mn_dump() without one");
	is(mn_run(&c, looks, NULL, NULL), 0, "and one after all");
	run_cases(cases, N_OF(cases));
	return tap_done();
}
