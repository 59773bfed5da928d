// SPDX-License-Identifier: MIT
/*
 * Mutexes keep others out, preempted or not.
 */
#include "mn_test.h"

#define CREW	8

static struct mn_mutex mutex;
static volatile long counter;		/* guarded by it, and not atomic */
static volatile int inside;

static void critical(unsigned int *seed)
{
	long n = counter;

	CHECK(inside++ == 0);
	spin(random_next(seed) % 256);
	counter = n + 1;
	CHECK(--inside == 0);
}

static void *locks(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(20000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_mutex_lock(&mutex));
		critical(&seed);
		/* Now and then it waits in there. */
		if (i % 64 == 0)
			mn_yield();
		CHECK(!mn_mutex_unlock(&mutex));
	}
	return NULL;
}

static void *counted(void *arg)
{
	mn_mutex_init(&mutex);
	counter = inside = 0;
	crew(CREW, locks);
	CHECK(counter == CREW * (long)turns(20000));
	return arg;
}

static void *tries(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int err, i, n = turns(5000);

	for (i = 0; i < n; i++) {
		while ((err = mn_mutex_trylock(&mutex))) {
			CHECK(err == EBUSY);
			mn_yield();
		}
		critical(&seed);
		CHECK(!mn_mutex_unlock(&mutex));
	}
	return NULL;
}

static void *tried(void *arg)
{
	mn_mutex_init(&mutex);
	counter = inside = 0;
	crew(CREW, tries);
	CHECK(counter == CREW * (long)turns(5000));
	return arg;
}

/* Money is moved between accounts, each with a mutex; none is made or lost. */
#define ACCOUNTS	5

static struct account {
	struct mn_mutex	mutex;
	volatile int	money;
} accounts[ACCOUNTS];

static void *moves(void *arg)
{
	unsigned int seed = (long)arg + 77;
	int i, n = turns(10000);

	for (i = 0; i < n; i++) {
		int a = random_next(&seed) % ACCOUNTS;
		int b = (a + 1 + random_next(&seed) % (ACCOUNTS - 1)) % ACCOUNTS;
		struct account *first = &accounts[a < b ? a : b];
		struct account *second = &accounts[a < b ? b : a];
		int sum;

		CHECK(!mn_mutex_lock(&first->mutex));
		CHECK(!mn_mutex_lock(&second->mutex));
		sum = first->money + second->money;
		first->money = sum / 3;
		spin(random_next(&seed) % 64);
		second->money = sum - first->money;
		CHECK(!mn_mutex_unlock(&first->mutex));
		CHECK(!mn_mutex_unlock(&second->mutex));
	}
	return NULL;
}

static void *bank(void *arg)
{
	int i, sum = 0;

	for (i = 0; i < ACCOUNTS; i++) {
		mn_mutex_init(&accounts[i].mutex);
		accounts[i].money = 1000;
	}
	crew(CREW, moves);
	for (i = 0; i < ACCOUNTS; i++)
		sum += accounts[i].money;
	CHECK(sum == ACCOUNTS * 1000);
	return arg;
}

static void *stranger(void *arg)
{
	CHECK(mn_mutex_unlock(&mutex) == EPERM);
	CHECK(mn_mutex_trylock(&mutex) == EBUSY);
	return arg;
}

static void *refusals(void *arg)
{
	static struct mn_mutex own = MN_MUTEX_INITIALIZER;

	mn_mutex_init(&mutex);
	CHECK(mn_mutex_unlock(&mutex) == EPERM);
	CHECK(!mn_mutex_lock(&mutex));
	CHECK(mn_mutex_lock(&mutex) == EDEADLK);
	CHECK(mn_mutex_trylock(&mutex) == EBUSY);
	crew(1, stranger);
	CHECK(!mn_mutex_unlock(&mutex));
	CHECK(mn_mutex_unlock(&mutex) == EPERM);
	CHECK(!mn_mutex_trylock(&own) && !mn_mutex_unlock(&own));
	return arg;
}

static const struct mn_case cases[] = {
	{ "one at a time", counted, 0 },
	{ "one at a time by mn_mutex_trylock()", tried, 0 },
	{ "two mutexes at once", bank, 0 },
	{ "EDEADLK, EPERM, EBUSY", refusals, 0 },
};

MN_MAIN(cases)
