// SPDX-License-Identifier: MIT
/*
 * Condition variables: no wake-up is lost, none is made up.
 */
#include "mn_test.h"

static struct mn_mutex mutex;
static struct mn_cond more, less;

#define ROOM		3
#define PRODUCERS	4
#define CONSUMERS	4

static int ring[ROOM], first, held;
static long put_sum, got_sum;
static int got;

static void *produces(void *arg)
{
	int i, n = turns(10000);

	for (i = 1; i <= n; i++) {
		CHECK(!mn_mutex_lock(&mutex));
		while (held == ROOM)
			CHECK(!mn_cond_wait(&less, &mutex));
		ring[(first + held++) % ROOM] = i;
		put_sum += i;
		CHECK(!mn_cond_signal(&more));
		CHECK(!mn_mutex_unlock(&mutex));
	}
	return arg;
}

static void *consumes(void *arg)
{
	int total = PRODUCERS * turns(10000);

	CHECK(!mn_mutex_lock(&mutex));
	while (got < total) {
		if (!held) {
			CHECK(!mn_cond_wait(&more, &mutex));
			continue;
		}
		got_sum += ring[first];
		first = (first + 1) % ROOM;
		held--;
		got++;
		CHECK(!mn_cond_signal(&less));
		/* The others would wait for ever. */
		if (got == total)
			CHECK(!mn_cond_broadcast(&more));
	}
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

static void *either(void *arg)
{
	return (long)arg % 2 ? produces(arg) : consumes(arg);
}

static void *bounded(void *arg)
{
	mn_mutex_init(&mutex);
	mn_cond_init(&more);
	mn_cond_init(&less);
	first = held = got = 0;
	put_sum = got_sum = 0;
	crew(PRODUCERS + CONSUMERS, either);
	CHECK(!held && got == PRODUCERS * turns(10000));
	CHECK(put_sum == got_sum);
	return arg;
}

/* Nobody begins a round before all have ended the one before. */
#define CREW	7

static int round_now, arrived;

static void *rounds(void *arg)
{
	int i, n = turns(4000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_mutex_lock(&mutex));
		CHECK(round_now == i);
		if (++arrived == CREW) {
			arrived = 0;
			round_now++;
			CHECK(!mn_cond_broadcast(&more));
		}
		while (round_now == i)
			CHECK(!mn_cond_wait(&more, &mutex));
		CHECK(!mn_mutex_unlock(&mutex));
		spin((long)arg * 10);
	}
	return arg;
}

static void *barrier(void *arg)
{
	mn_mutex_init(&mutex);
	mn_cond_init(&more);
	round_now = arrived = 0;
	crew(CREW, rounds);
	CHECK(round_now == turns(4000));
	return arg;
}

/* Deadlines and signals meet: each wait ends once, for one of two reasons. */
static int signalled, woken, late, over;

static void *waits_a_while(void *arg)
{
	unsigned int seed = (long)arg + 5;
	int i, n = turns(2000);

	for (i = 0; i < n; i++) {
		int64_t deadline = mn_now() + random_next(&seed) % 100000;
		int err;

		CHECK(!mn_mutex_lock(&mutex));
		err = mn_cond_timedwait(&more, &mutex, deadline);
		if (err) {
			CHECK(err == ETIMEDOUT);
			CHECK(mn_now() >= deadline);
			late++;
		} else {
			woken++;
		}
		/* It is ours again. */
		CHECK(mn_mutex_lock(&mutex) == EDEADLK);
		CHECK(!mn_mutex_unlock(&mutex));
	}
	add(&over, 1);
	return NULL;
}

static void *signals(void *arg)
{
	unsigned int seed = 9;

	while (get(&over) < CREW - 1) {
		CHECK(!mn_mutex_lock(&mutex));
		signalled++;
		CHECK(!mn_cond_signal(&more));
		CHECK(!mn_mutex_unlock(&mutex));
		spin(random_next(&seed) % 20000);
		mn_yield();
	}
	return arg;
}

static void *signal_or_wait(void *arg)
{
	return arg ? waits_a_while(arg) : signals(arg);
}

static void *timed(void *arg)
{
	mn_mutex_init(&mutex);
	mn_cond_init(&more);
	signalled = woken = late = over = 0;
	crew(CREW, signal_or_wait);
	CHECK(woken + late == (CREW - 1) * turns(2000));
	CHECK(woken <= signalled);
	return arg;
}

static void *refusals(void *arg)
{
	int64_t before;

	mn_mutex_init(&mutex);
	mn_cond_init(&more);
	CHECK(mn_cond_wait(&more, &mutex) == EPERM);
	CHECK(mn_cond_timedwait(&more, &mutex, mn_now()) == EPERM);
	CHECK(!mn_cond_signal(&more));
	CHECK(!mn_cond_broadcast(&more));
	CHECK(!mn_mutex_lock(&mutex));
	/* Signals that nobody waited for are gone. */
	CHECK(mn_cond_timedwait(&more, &mutex, mn_now() - 1) == ETIMEDOUT);
	CHECK(mn_cond_timedwait(&more, &mutex, 0) == ETIMEDOUT);
	CHECK(mn_cond_timedwait(&more, &mutex, -SECOND) == ETIMEDOUT);
	before = mn_now();
	CHECK(mn_cond_timedwait(&more, &mutex, before + MILLISECOND) ==
	      ETIMEDOUT);
	CHECK(mn_now() >= before + MILLISECOND);
	CHECK(!mn_mutex_unlock(&mutex));
	return arg;
}

static const struct mn_case cases[] = {
	{ "a bounded queue", bounded, 0 },
	{ "rounds by broadcast", barrier, 0 },
	{ "signals and deadlines", timed, 0 },
	{ "ETIMEDOUT, EPERM", refusals, 0 },
};

MN_MAIN(cases)
