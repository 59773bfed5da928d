// SPDX-License-Identifier: MIT
/*
 * Nobody waits for ever, whatever the others do, and how much they do meanwhile is
 * bounded as the manual pages say. What is counted is who has run, not time.
 */
#include "mn_test.h"

#define CROWD	30

static struct mn_mutex mutex;
static struct mn_sem to[2];
static int over, got, waiting, ran[CROWD];

/* A case that would wait for ever ends the test. */
static void watch(void)
{
	over = got = waiting = 0;
	memset(ran, 0, sizeof(ran));
	alarm(200);
}

static void computes(unsigned int slices)
{
	int64_t now = mn_now(), until = now + slices * 250000;

	/* In the program's text, but for the vDSO. */
	for (; now < until; now = mn_now())
		spin(1000);
}

/* One of the crowd: notes that it has run. */
static void *one_of_many(void *arg)
{
	while (!get(&over)) {
		__atomic_store_n(&ran[(long)arg], 1, __ATOMIC_SEQ_CST);
		spin(1000);
	}
	return arg;
}

static int how_many_ran(void)
{
	int i, n = 0;

	for (i = 0; i < CROWD; i++)
		n += ran[i];
	return n;
}

static void spawn_crowd(mn_t *t)
{
	int i;

	for (i = 0; i < CROWD; i++)
		spawn(&t[i], one_of_many, (void *)(long)i);
}

static void join_crowd(mn_t *t)
{
	int i;

	add(&over, 1);
	for (i = 0; i < CROWD; i++)
		CHECK(!mn_join(t[i], NULL));
}

static void spawn_urgent(mn_t *t, void *(*fn)(void *))
{
	struct mn_attr attr = { .name = "urgent", .urgent = 1 };

	CHECK(!mn_spawn(t, &attr, fn, NULL));
}

/* It gives the mutex up to take it again. */
static void *greedy(void *arg)
{
	while (!get(&over)) {
		CHECK(!mn_mutex_lock(&mutex));
		spin(50000);
		CHECK(!mn_mutex_unlock(&mutex));
	}
	return arg;
}

static void *greedy_mutex(void *arg)
{
	mn_t t[3];
	int i;

	watch();
	mn_mutex_init(&mutex);
	for (i = 0; i < 3; i++)
		spawn(&t[i], greedy, NULL);
	for (i = 0; i < 30; i++) {
		CHECK(!mn_mutex_lock(&mutex));
		CHECK(!mn_mutex_unlock(&mutex));
		spin(10);
	}
	add(&over, 1);
	for (i = 0; i < 3; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

/* An urgent one waits for it, and the crowd does not come in between. */
static void *wants_it(void *arg)
{
	memset(ran, 0, sizeof(ran));
	CHECK(!mn_mutex_lock(&mutex));
	/* One of five turns may be theirs. */
	CHECK(how_many_ran() < CROWD / 2);
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

/* The owner stands behind all of the crowd, who have had nothing yet. */
static void *has_it(void *arg)
{
	mn_t t[CROWD], urgent;

	CHECK(!mn_mutex_lock(&mutex));
	mn_crit_enter();
	spawn_crowd(t);
	spawn_urgent(&urgent, wants_it);
	mn_yield();
	mn_crit_exit();
	computes(3);
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(!mn_join(urgent, NULL));
	join_crowd(t);
	return arg;
}

static void *inversion(void *arg)
{
	mn_t owner;
	int i;

	for (i = 0; i < 5; i++) {
		watch();
		mn_mutex_init(&mutex);
		spawn(&owner, has_it, NULL);
		CHECK(!mn_join(owner, NULL));
	}
	return arg;
}

/*
 * The urgent one has given up: who has the mutex is one of many again. Many of them
 * have a turn between two of its own, and not one at a time.
 */
static void *gives_up(void *arg)
{
	CHECK(mn_mutex_timedlock(&mutex, mn_now() + MILLISECOND) == ETIMEDOUT);
	add(&waiting, 1);
	return arg;
}

static void *given_up(void *arg)
{
	int turns, between = 0;
	mn_t t[CROWD], urgent;

	watch();
	mn_mutex_init(&mutex);
	CHECK(!mn_mutex_lock(&mutex));
	spawn_crowd(t);
	spawn_urgent(&urgent, gives_up);
	while (!get(&waiting))
		spin(1000);
	for (turns = 0; turns < 100 && between < 5; turns++) {
		memset(ran, 0, sizeof(ran));
		while (!(between = how_many_ran()))
			spin(1000);
	}
	CHECK(between >= 5);
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(!mn_join(urgent, NULL));
	join_crowd(t);
	return arg;
}

/* It takes more than a slice, and does not lose a round by that. */
static void *takes_long(void *arg)
{
	memset(ran, 0, sizeof(ran));
	computes(3);
	CHECK(how_many_ran() < CROWD / 2);
	return arg;
}

static void *overrun(void *arg)
{
	mn_t t[CROWD], urgent;

	watch();
	spawn_crowd(t);
	spawn_urgent(&urgent, takes_long);
	CHECK(!mn_join(urgent, NULL));
	join_crowd(t);
	return arg;
}

/* Two that are urgent wake each other, for ever. */
static void *plays(void *arg)
{
	long me = __atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST) % 2;

	while (!get(&over)) {
		CHECK(!mn_sem_wait(&to[me]));
		CHECK(!mn_sem_post(&to[!me]));
	}
	CHECK(!mn_sem_post(&to[!me]));
	return arg;
}

static void *ping_pong(void *arg)
{
	mn_t t[2];
	int i;

	watch();
	mn_sem_init(&to[0], 1);
	mn_sem_init(&to[1], 0);
	for (i = 0; i < 2; i++)
		spawn_urgent(&t[i], plays);
	for (i = 0; i < 5; i++) {
		mn_sleep(MILLISECOND);
		spin(100000);
	}
	add(&over, 1);
	for (i = 0; i < 2; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

/* It is hardly ever outside. */
static void *holds(void *arg)
{
	while (!get(&over)) {
		mn_hold();
		spin(100000);
		mn_release();
	}
	return arg;
}

static void *held(void *arg)
{
	mn_t t;
	int i;

	watch();
	spawn(&t, holds, NULL);
	for (i = 0; i < 20; i++)
		CHECK(!mn_sleep(MILLISECOND));
	add(&over, 1);
	CHECK(!mn_join(t, NULL));
	return arg;
}

/* One more than there are virtual CPUs: it is not always the same that shares. */
static int seen[4];

static void *moves(void *arg)
{
	while (!get(&over)) {
		__atomic_fetch_or(&seen[(long)arg], 1 << mn_vcpu(),
				  __ATOMIC_SEQ_CST);
		spin(1000);
	}
	return arg;
}

static void *shares(void *arg)
{
	mn_t t[4];
	int i;

	watch();
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 4; i++)
		spawn(&t[i], moves, (void *)(long)i);
	for (i = 0; i < 4; i++)
		while (get(&seen[i]) != 7)
			mn_sleep(MILLISECOND);
	add(&over, 1);
	for (i = 0; i < 4; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

/* Neither can go on without the other, and neither gives way. */
static void *meets(void *arg)
{
	add(&got, 1);
	while (get(&got) < 2)
		spin(10);
	return arg;
}

static void *at_once(void *arg)
{
	int i;

	watch();
	for (i = 0; i < 10; i++) {
		got = 0;
		/* Until the others are idle. */
		mn_sleep(MILLISECOND);
		crew(2, meets);
	}
	return arg;
}

static const struct mn_case cases[] = {
	{ "a mutex that is nearly always taken", greedy_mutex, PREEMPTED | ONCE },
	{ "an urgent thread waits for a mutex", inversion,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "an urgent thread has given up a mutex", given_up,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "an urgent thread takes more than a slice", overrun,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "two urgent threads", ping_pong, PREEMPTED | ONE_VCPU | ONCE },
	{ "a sleep ends beside one in mn_hold()", held,
	  PREEMPTED | ONE_VCPU | ONCE },
	{ "four on three virtual CPUs", shares, PREEMPTED | MANY_VCPUS | ONCE },
	{ "two that need two virtual CPUs", at_once, MANY_VCPUS | ONCE },
};

MN_MAIN(cases)
