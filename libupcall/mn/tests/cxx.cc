// SPDX-License-Identifier: MIT
/*
 * C++: exceptions are the user thread's own while they are thrown, caught and thrown
 * again by several, which wait and are preempted in between; a static variable is
 * made once, by one who is not preempted at it.
 */
#include "mn_test.h"
#include <exception>

#define CREW	6

struct mine {
	int	whose, depth;
};

static void pauses(unsigned int *seed)
{
	switch (random_next(seed) % 4) {
	case 0:
		mn_yield();
		break;
	case 1:
		mn_sleep(1000);
		break;
	default:
		spin(random_next(seed) % 20000);
	}
}

/* Throws @depth of them, each while the ones before have been caught. */
static void throws(int whose, int depth, unsigned int *seed)
{
	try {
		try {
			throw mine{ whose, depth };
		} catch (mine &m) {
			pauses(seed);
			CHECK(m.whose == whose && m.depth == depth);
			if (depth)
				throws(whose, depth - 1, seed);
			pauses(seed);
			throw;
		}
	} catch (mine &m) {
		CHECK(m.whose == whose && m.depth == depth);
		pauses(seed);
	}
}

/* Looks while it is being unwound. */
struct unwound {
	unsigned int	*seed;
	int		*seen;

	~unwound()
	{
		pauses(seed);
		*seen += std::uncaught_exception();
	}
};

static void unwinds(int whose, unsigned int *seed)
{
	int seen = 0;

	try {
		struct unwound u = { seed, &seen };

		throw mine{ whose, 0 };
	} catch (const mine &m) {
		CHECK(m.whose == whose);
	}
	CHECK(seen == 1 && !std::uncaught_exception());
}

static void *thrower(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(100);

	for (i = 0; i < n; i++) {
		throws((long)arg, random_next(&seed) % 4, &seed);
		unwinds((long)arg, &seed);
		CHECK(!std::current_exception());
	}
	return NULL;
}

static void *exceptions(void *arg)
{
	crew(CREW, thrower);
	return arg;
}

static int made, making;

struct slow {
	slow()
	{
		CHECK(add(&making, 1) == 1);
		spin(2000000);
		made++;
		add(&making, -1);
	}
};

struct fails {
	fails()
	{
		spin(200000);
		if (add(&made, 1) < 3)
			throw mine{ 0, 0 };
	}
};

template<int N> static void makes(void)
{
	static slow once;
}

static void fails_twice(void)
{
	static fails at_last;
}

static void (*const makers[])(void) = {
	makes<0>, makes<1>, makes<2>, makes<3>, makes<4>, makes<5>, makes<6>,
};

static int which;

static void *user(void *arg)
{
	makers[which]();
	return arg;
}

static void *statics(void *arg)
{
	made = 0;
	crew(CREW, user);
	CHECK(made == 1);
	which++;
	return arg;
}

static int caught;

static void *tries(void *arg)
{
	try {
		fails_twice();
	} catch (const mine &) {
		add(&caught, 1);
	}
	return arg;
}

static void *aborts(void *arg)
{
	static int before;

	if (add(&before, 1) > 1)
		return arg;
	made = caught = 0;
	crew(CREW, tries);
	CHECK(made == 3 && caught == 2);
	return arg;
}

static const struct mn_case cases[] = {
	{ "exceptions", exceptions, 0 },
	{ "statics", statics, ONCE },
	{ "a static that fails", aborts, ONCE },
};

MN_MAIN(cases)
