// SPDX-License-Identifier: MIT
/*
 * mn_once(): once, and nobody goes on before it is done.
 */
#include "mn_test.h"

#define CREW	6
#define ONCES	8

static struct mn_once onces[ONCES];
static int begun[ONCES], done[ONCES];
static int current;

/* mn_once()'s function has no argument: each object its own. */
#define INIT(n)								\
static void init_##n(void)						\
{									\
	add(&begun[n], 1);						\
	spin(3000);							\
	mn_yield();							\
	spin(3000);							\
	add(&done[n], 1);						\
}
INIT(0) INIT(1) INIT(2) INIT(3) INIT(4) INIT(5) INIT(6) INIT(7)

static void (*const inits[ONCES])(void) = {
	init_0, init_1, init_2, init_3, init_4, init_5, init_6, init_7,
};

static void *calls(void *arg)
{
	int i;

	for (i = 0; i < ONCES; i++) {
		int n = (i + (long)arg) % ONCES;

		CHECK(!mn_once(&onces[n], inits[n]));
		CHECK(get(&begun[n]) == 1 && get(&done[n]) == 1);
	}
	return NULL;
}

static void *once(void *arg)
{
	int i, j, n = turns(1000);

	for (i = 0; i < n; i++) {
		for (j = 0; j < ONCES; j++) {
			onces[j] = (struct mn_once)MN_ONCE_INITIALIZER;
			begun[j] = done[j] = 0;
		}
		crew(CREW, calls);
	}
	return arg;
}

/* One that calls another. */
static void outer(void)
{
	CHECK(!mn_once(&onces[1], init_1));
	add(&current, 1);
}

static void *nested(void *arg)
{
	onces[0] = onces[1] = (struct mn_once)MN_ONCE_INITIALIZER;
	begun[1] = done[1] = current = 0;
	CHECK(!mn_once(&onces[0], outer));
	CHECK(!mn_once(&onces[0], outer));
	CHECK(!mn_once(&onces[1], init_1));
	CHECK(current == 1 && begun[1] == 1 && done[1] == 1);
	return arg;
}

static const struct mn_case cases[] = {
	{ "once, and done for all", once, 0 },
	{ "one in another", nested, 0 },
};

MN_MAIN(cases)
