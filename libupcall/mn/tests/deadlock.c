// SPDX-License-Identifier: MIT
/*
 * When every thread waits for another, mn_run() returns EDEADLK and stderr has
 * who waits for what; when one could still come, it does not.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include "mn_test.h"

static struct mn_mutex a, b;
static struct mn_cond cond;
static struct mn_sem sem;
static struct mn_once once;
static struct mn_chan *full, *empty;
static int both;

static void spawn_named(mn_t *t, const char *name, void *(*fn)(void *))
{
	struct mn_attr attr = { .name = name };

	CHECK(!mn_spawn(t, &attr, fn, NULL));
}

/* Each has one and wants the other. */
static void crossed(struct mn_mutex *first, struct mn_mutex *second)
{
	mn_mutex_lock(first);
	add(&both, 1);
	wait_for(&both, 2);
	mn_mutex_lock(second);
}

static void *a_then_b(void *arg)
{
	crossed(&a, &b);
	return arg;
}

static void *b_then_a(void *arg)
{
	crossed(&b, &a);
	return arg;
}

static void *in_sem(void *arg)
{
	mn_sem_wait(&sem);
	return arg;
}

static void *in_cond(void *arg)
{
	struct mn_mutex own = MN_MUTEX_INITIALIZER;

	mn_mutex_lock(&own);
	mn_cond_wait(&cond, &own);
	return arg;
}

static void *in_send(void *arg)
{
	mn_chan_send(full, "x");
	return arg;
}

static void *in_recv(void *arg)
{
	char c;

	mn_chan_recv(empty, &c);
	return arg;
}

static void *in_select(void *arg)
{
	unsigned int which;
	char c = 'y';
	struct mn_select_case k[2] = {
		{ .op = MN_SELECT_RECV, .chan = empty, .element = &c },
		{ .op = MN_SELECT_SEND, .chan = full, .element = &c },
	};

	mn_select(k, 2, &which, MN_FOREVER);
	return arg;
}

static void never(void)
{
	mn_sem_wait(&sem);
}

static void *in_once(void *arg)
{
	mn_once(&once, never);
	return arg;
}

static void *in_sleep(void *arg)
{
	mn_sleep_until(MN_FOREVER);
	return arg;
}

static void *all_kinds(void *arg)
{
	mn_t t, last;

	mn_mutex_init(&a);
	mn_mutex_init(&b);
	mn_cond_init(&cond);
	mn_sem_init(&sem, 0);
	once = (struct mn_once)MN_ONCE_INITIALIZER;
	both = 0;
	mn_chan_create(&full, 1, 1);
	mn_chan_create(&empty, 1, 1);
	mn_chan_send(full, "x");
	spawn_named(&t, "has-a", a_then_b);
	spawn_named(&t, "has-b", b_then_a);
	spawn_named(&t, "sem", in_sem);
	spawn_named(&t, "cond", in_cond);
	spawn_named(&t, "send", in_send);
	spawn_named(&t, "recv", in_recv);
	spawn_named(&t, "select", in_select);
	spawn_named(&t, "once-1", in_once);
	spawn_named(&t, "once-2", in_once);
	spawn_named(&last, "sleep", in_sleep);
	/* Not at once: most wait when the last comes. */
	mn_sleep(5 * MILLISECOND);
	mn_join(last, NULL);
	return arg;
}

static int deadlocks(void *arg)
{
	struct mn_config c = config_of(arg);

	return mn_run(&c, all_kinds, NULL, NULL);
}

static const char *const expected[] = {
	"deadlock",
	"'main' waiting to join",
	"'has-a' waiting for a mutex",
	"'has-b' waiting for a mutex",
	"'sem' waiting for a semaphore",
	"'cond' waiting for a condition variable",
	"'send' waiting to send",
	"'recv' waiting to receive",
	"'select' waiting for channels",
	"'sleep' sleeping",
};

static void reported(const struct setup *s)
{
	const char *name = backend_names[s->backend];
	struct child c;
	int i, missing = 0;

	in_child(&c, deadlocks, (void *)s);
	ok(WIFEXITED(c.status) && WEXITSTATUS(c.status) == EDEADLK,
	   "%s, %d: EDEADLK", name, s->vcpus);
	for (i = 0; i < N_OF(expected); i++)
		missing += !strstr(c.said, expected[i]);
	/* Of the two one is in mn_once(), the other in its function. */
	missing += !strstr(c.said, "' waiting for mn_once()");
	if (!ok(!missing, "%s, %d: each by name and state", name, s->vcpus))
		child_said(&c);
}

/* What comes from outside, or later, is no deadlock: the last to wait decides. */
static int fds[2];

static void blocked(void *arg)
{
	struct timespec ts = { 0, 1000000 };

	(void)arg;
	nanosleep(&ts, NULL);
}

static void *waits_for_post(void *arg)
{
	CHECK(!mn_sem_wait(&sem));
	return arg;
}

static void *late_enough(void *arg)
{
	int i, n = turns(200);
	mn_t t;
	char c;

	CHECK(!pipe2(fds, O_NONBLOCK));
	for (i = 0; i < n; i++) {
		mn_sem_init(&sem, 0);
		spawn(&t, waits_for_post, NULL);
		mn_yield();
		if (i % 3 == 0) {
			CHECK(!mn_blocking(blocked, NULL));
		} else if (i % 3 == 1) {
			CHECK(!mn_sleep(MILLISECOND / 4));
		} else {
			CHECK(!mn_poll(fds[0], POLLIN,
				       mn_now() + MILLISECOND / 4));
			CHECK(read(fds[0], &c, 1) < 0);
		}
		CHECK(!mn_sem_post(&sem));
		CHECK(!mn_join(t, NULL));
	}
	close(fds[0]);
	close(fds[1]);
	return arg;
}

static const struct mn_case cases[] = {
	{ "no deadlock while something can come", late_enough, ONCE },
};

/* And one after another in the same process, when what was outside is over. */
static void *alone(void *arg)
{
	int64_t deadline = mn_now() + MILLISECOND;
	char c;

	mn_poll(fds[0], POLLIN, deadline);
	mn_timedread(fds[0], &c, 1, deadline);
	mn_timedread(fds[0], &c, 1, 0);
	mn_timedblocking(blocked, NULL, 0);
	mn_blocking(blocked, NULL);
	mn_sem_init(&sem, 0);
	mn_sem_wait(&sem);
	return arg;
}

static int again(void *arg)
{
	struct mn_config c = config_of(arg);
	int i;

	alarm(60);
	if (pipe(fds))
		return 2;
	for (i = 0; i < 20; i++)
		if (mn_run(&c, alone, NULL, NULL) != EDEADLK)
			return 1;
	return 0;
}

int main(void)
{
	struct child c;
	int i, n = 0;

	for (i = 0; i < SETUPS; i++)
		n += suits(&mn_setups[i], 0);
	tap_plan(3 * n + count_cases(cases, N_OF(cases)));
	for (i = 0; i < SETUPS; i++) {
		if (!suits(&mn_setups[i], 0))
			continue;
		reported(&mn_setups[i]);
		in_child(&c, again, (void *)&mn_setups[i]);
		is(c.status, 0, "twenty, one after another");
	}
	run_cases(cases, N_OF(cases));
	return tap_done();
}
