// SPDX-License-Identifier: MIT
/*
 * Semaphores: what is posted is had once.
 */
#include <limits.h>
#include <stdbool.h>
#include "mn_test.h"

#define CREW	8
#define TOKENS	3

static struct mn_sem sem, answer;
static int inside, most;

static void note_most(int now)
{
	int old = get(&most);

	while (now > old &&
	       !__atomic_compare_exchange_n(&most, &old, now, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void *takes_token(void *arg)
{
	unsigned int seed = (long)arg + 3;
	int i, n = turns(10000);

	for (i = 0; i < n; i++) {
		int now;

		CHECK(!mn_sem_wait(&sem));
		now = add(&inside, 1);
		CHECK(now >= 1 && now <= TOKENS);
		note_most(now);
		/* Who comes first stays until there is company. */
		while (get(&most) < 2)
			mn_yield();
		spin(random_next(&seed) % 128);
		if (i % 16 == 0)
			mn_yield();
		add(&inside, -1);
		CHECK(!mn_sem_post(&sem));
	}
	return NULL;
}

static void *tokens(void *arg)
{
	int i;

	CHECK(!mn_sem_init(&sem, TOKENS));
	inside = most = 0;
	crew(CREW, takes_token);
	/* They were in there together, and all tokens are back. */
	CHECK(most > 1);
	for (i = 0; i < TOKENS; i++)
		CHECK(!mn_sem_trywait(&sem));
	CHECK(mn_sem_trywait(&sem) == EAGAIN);
	return arg;
}

static volatile int turn;

static void *ping_or_pong(void *arg)
{
	int me = (long)arg, i, n = turns(20000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_sem_wait(me ? &answer : &sem));
		CHECK(turn == me);
		turn = !me;
		CHECK(!mn_sem_post(me ? &sem : &answer));
	}
	return NULL;
}

static void *ping_pong(void *arg)
{
	mn_sem_init(&sem, 1);
	mn_sem_init(&answer, 0);
	turn = 0;
	crew(2, ping_or_pong);
	CHECK(!mn_sem_trywait(&sem));
	CHECK(mn_sem_trywait(&answer) == EAGAIN);
	return arg;
}

/* Deadlines and posts meet: what is not had is still there. */
static int posted, had, late, over;

static void *waits_a_while(void *arg)
{
	unsigned int seed = (long)arg + 5;
	int i, n = turns(2000);

	for (i = 0; i < n; i++) {
		int64_t deadline = mn_now() + random_next(&seed) % 100000;
		int err = mn_sem_timedwait(&sem, deadline);

		if (err) {
			CHECK(err == ETIMEDOUT);
			CHECK(mn_now() >= deadline);
			add(&late, 1);
		} else {
			add(&had, 1);
		}
	}
	add(&over, 1);
	return NULL;
}

static void *posts(void *arg)
{
	unsigned int seed = 9;

	while (get(&over) < CREW - 1) {
		posted++;
		CHECK(!mn_sem_post(&sem));
		spin(random_next(&seed) % 20000);
		mn_yield();
	}
	return arg;
}

static void *post_or_wait(void *arg)
{
	return arg ? waits_a_while(arg) : posts(arg);
}

static void *timed(void *arg)
{
	int left = 0;

	mn_sem_init(&sem, 0);
	posted = had = late = over = 0;
	crew(CREW, post_or_wait);
	while (!mn_sem_trywait(&sem))
		left++;
	CHECK(had + late == (CREW - 1) * turns(2000));
	CHECK(had + left == posted);
	return arg;
}

static void *refusals(void *arg)
{
	static struct mn_sem two = MN_SEM_INITIALIZER(2);
	int64_t before;

	two._value = 2;
	CHECK(!mn_sem_trywait(&two) && !mn_sem_wait(&two));
	CHECK(mn_sem_trywait(&two) == EAGAIN);
	CHECK(mn_sem_init(&sem, -1) == EINVAL);
	CHECK(!mn_sem_init(&sem, INT_MAX));
	CHECK(mn_sem_post(&sem) == EOVERFLOW);
	CHECK(!mn_sem_wait(&sem));
	CHECK(!mn_sem_post(&sem));
	CHECK(!mn_sem_init(&sem, 0));
	CHECK(mn_sem_timedwait(&sem, 0) == ETIMEDOUT);
	CHECK(mn_sem_timedwait(&sem, -SECOND) == ETIMEDOUT);
	before = mn_now();
	CHECK(mn_sem_timedwait(&sem, before + MILLISECOND) == ETIMEDOUT);
	CHECK(mn_now() >= before + MILLISECOND);
	/* Something to be had is had, deadline or not. */
	CHECK(!mn_sem_post(&sem));
	CHECK(!mn_sem_timedwait(&sem, 0));
	return arg;
}

static const struct mn_case cases[] = {
	{ "no more inside than tokens", tokens, 0 },
	{ "in turns", ping_pong, 0 },
	{ "posts and deadlines", timed, 0 },
	{ "EAGAIN, ETIMEDOUT, EOVERFLOW, EINVAL", refusals, 0 },
};

MN_MAIN(cases)
