// SPDX-License-Identifier: MIT
/*
 * Sleeping: never too short, for as many as like.
 */
#include "mn_test.h"

#define CREW	100

static void *sleeps(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(200);

	for (i = 0; i < n; i++) {
		int64_t length = random_next(&seed) % 2000000;
		int64_t until = mn_now() + length;

		CHECK(!(i % 2 ? mn_sleep_until(until) : mn_sleep(length)));
		CHECK(mn_now() >= until);
	}
	return NULL;
}

static void *many(void *arg)
{
	crew(CREW, sleeps);
	return arg;
}

/* Others run meanwhile. */
static int counted, over;

static void *counts(void *arg)
{
	while (!get(&over)) {
		add(&counted, 1);
		mn_yield();
	}
	return arg;
}

static void *meanwhile(void *arg)
{
	mn_t t;

	counted = over = 0;
	spawn(&t, counts, NULL);
	while (get(&counted) < 10)
		CHECK(!mn_sleep(MILLISECOND));
	add(&over, 1);
	CHECK(!mn_join(t, NULL));
	return arg;
}

static void *refusals(void *arg)
{
	int64_t now = mn_now();

	CHECK(mn_sleep(-1) == EINVAL);
	CHECK(!mn_sleep(0));
	CHECK(!mn_sleep_until(now));
	CHECK(!mn_sleep_until(0));
	CHECK(!mn_sleep_until(-SECOND));
	CHECK(mn_now() >= now);
	return arg;
}

static const struct mn_case cases[] = {
	{ "never too short", many, 0 },
	{ "others run", meanwhile, 0 },
	{ "what is over already; EINVAL", refusals, ONCE },
};

MN_MAIN(cases)
