// SPDX-License-Identifier: MIT
/*
 * Barriers: nobody goes on before all have come.
 */
#include "mn_test.h"

#define CREW	5

static struct mn_barrier barrier;
static int at[CREW], lasts, timed_out, late;

/* Whoever is in round n has seen all others in round n. */
static void *goes_round(void *arg)
{
	unsigned int seed = (long)arg + 5;
	int me = (long)arg, i, j, n = turns(3000);

	for (i = 1; i <= n; i++) {
		int last = 2;

		spin(random_next(&seed) % 256);
		at[me] = i;
		CHECK(!mn_barrier_wait(&barrier, i % 2 ? &last : NULL));
		for (j = 0; j < CREW; j++)
			CHECK(get(&at[j]) == i || get(&at[j]) == i + 1);
		if (i % 2) {
			CHECK(last == 0 || last == 1);
			add(&lasts, last);
		}
	}
	return NULL;
}

static void *rounds(void *arg)
{
	memset(at, 0, sizeof(at));
	lasts = 0;
	CHECK(!mn_barrier_init(&barrier, CREW));
	crew(CREW, goes_round);
	CHECK(lasts == (turns(3000) + 1) / 2);
	return arg;
}

/* One comes for a while only, over and over; it counts when it is there alone. */
static void *comes_and_goes(void *arg)
{
	int err;

	while ((err = mn_barrier_timedwait(&barrier, NULL, mn_now() + 100000))) {
		CHECK(err == ETIMEDOUT);
		add(&timed_out, 1);
	}
	return arg;
}

static void *comes_late(void *arg)
{
	int last;

	wait_for(&timed_out, 5);
	add(&late, 1);
	CHECK(!mn_barrier_wait(&barrier, &last));
	return arg;
}

static void *patient_or_not(void *arg)
{
	return arg ? comes_late(arg) : comes_and_goes(arg);
}

static void *gives_up(void *arg)
{
	int i;

	for (i = 0; i < turns(50); i++) {
		CHECK(!mn_barrier_init(&barrier, 3));
		timed_out = late = 0;
		crew(3, patient_or_not);
		CHECK(late == 2);
		/* As if they had never come. */
		CHECK(mn_barrier_timedwait(&barrier, NULL, mn_now()) == ETIMEDOUT);
	}
	return arg;
}

static void *limits(void *arg)
{
	static struct mn_barrier one = MN_BARRIER_INITIALIZER(1);
	int last = 0;

	CHECK(mn_barrier_init(&barrier, 0) == EINVAL);
	CHECK(!mn_barrier_wait(&one, &last) && last == 1);
	CHECK(!mn_barrier_timedwait(&one, NULL, mn_now() - SECOND));
	return arg;
}

static const struct mn_case cases[] = {
	{ "rounds", rounds, 0 },
	{ "one that gives up", gives_up, 0 },
	{ "one alone, none", limits, 0 },
};

MN_MAIN(cases)
