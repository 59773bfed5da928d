// SPDX-License-Identifier: MIT
/*
 * Structs that carry their size, from programs that were made with an older header
 * or with a newer one.
 */
#include <stddef.h>
#include "mn_test.h"

#define SIZE_UP_TO(type, member) ((unsigned int)offsetof(struct type, member))

/* Of a library to come. */
#define NEWER(type)							\
	struct newer_##type {						\
		struct type	known;					\
		char		more[20];				\
	}

NEWER(mn_config);
NEWER(mn_attr);
NEWER(mn_stats);

static struct mn_stats seen;

static void *looks(void *arg)
{
	seen = (struct mn_stats){ .size = sizeof(seen) };
	CHECK(!mn_stats(&seen));
	return arg;
}

static int runs(unsigned int size, int more)
{
	struct newer_mn_config c = {
		{ .size = size, .vcpus = 2, .backend = MN_COOPERATIVE,
		  .stack_size = 1 }, "",
	};

	/* That is too small for a stack, and is not looked at. */
	if (size > SIZE_UP_TO(mn_config, stack_size))
		c.known.stack_size = 0;
	c.more[19] = more;
	seen.vcpus = 0;
	return mn_run(&c.known, looks, NULL, NULL);
}

static void configurations(void)
{
	unsigned int size = sizeof(struct mn_config);

	is(runs(size, 1), 0, "mn_run(): its own size");
	is(seen.vcpus, 2, "what is there counts");
	is(runs(SIZE_UP_TO(mn_config, stack_size), 1), 0,
	   "an older one: the rest is not looked at");
	is(seen.vcpus, 2, "what is there counts");
	is(runs(size + 20, 0), 0, "a newer one, with nothing in it");
	is(seen.vcpus, 2, "what is known counts");
	is(runs(size + 20, 1), E2BIG, "a newer one, with something in it");
	is(runs(size + 19, 1), 0, "what is behind it is not looked at");
	is(runs(3, 0), EINVAL, "no room for the size itself");
	is(runs(4097, 0), E2BIG, "no struct is as large");
	is(runs(~0u, 0), E2BIG, "nor as that");
}

/* An old one has no guard_size; the one that is there would be too large. */
static int spawns(unsigned int size, int more)
{
	struct newer_mn_attr a = {
		{ .size = size, .detached = 1, .name = "sized" }, "",
	};

	if (size && size <= SIZE_UP_TO(mn_attr, guard_size))
		a.known.guard_size = ~(size_t)0;
	a.more[19] = more;
	return mn_spawn(NULL, &a.known, looks, NULL);
}

static void *named(void *arg)
{
	CHECK(!strcmp(mn_name(mn_self()), arg));
	return arg;
}

static void *attributes(void *arg)
{
	unsigned int size = sizeof(struct mn_attr);
	struct mn_attr old = { .name = "old", .urgent = 1 };
	mn_t t;

	CHECK(!spawns(0, 1));
	CHECK(!spawns(size, 1));
	CHECK(!spawns(SIZE_UP_TO(mn_attr, guard_size), 1));
	CHECK(!spawns(size + 20, 0));
	CHECK(spawns(size + 20, 1) == E2BIG);
	CHECK(!spawns(size + 19, 1));
	CHECK(spawns(3, 0) == EINVAL);
	CHECK(spawns(4097, 0) == E2BIG);
	CHECK(!mn_spawn(&t, &old, named, "old"));
	CHECK(!mn_join(t, NULL));
	return arg;
}

static int all_are(const char *p, size_t n, char c)
{
	while (n && *p == c) {
		p++;
		n--;
	}
	return !n;
}

/* What it stores is as long as it says, and no longer. */
static void stats_of(unsigned int size, unsigned int stored)
{
	struct newer_mn_stats s;

	memset(&s, 0x5a, sizeof(s));
	s.known.size = size;
	CHECK(!mn_stats(&s.known));
	CHECK(s.known.size == stored);
	CHECK(all_are((char *)&s + stored, sizeof(s) - stored, 0x5a));
	if (stored > SIZE_UP_TO(mn_stats, vcpus))
		CHECK(s.known.vcpus == this_setup->vcpus);
	if (stored == sizeof(struct mn_stats))
		CHECK(s.known.spawned >= 1 && s.known.spawned < 100000);
}

static void *counters(void *arg)
{
	struct newer_mn_stats s = { { .size = 3 }, "" };
	unsigned int all = sizeof(struct mn_stats);

	crew(1, looks);
	stats_of(0, all);
	stats_of(all, all);
	stats_of(all + 20, all);
	stats_of(SIZE_UP_TO(mn_stats, switches), SIZE_UP_TO(mn_stats, switches));
	CHECK(mn_stats(&s.known) == EINVAL);
	CHECK(all_are((char *)&s + 4, sizeof(s) - 4, 0));
	return arg;
}

static const struct mn_case cases[] = {
	{ "mn_spawn()", attributes, ONCE },
	{ "mn_stats()", counters, ONCE },
};

int main(void)
{
	tap_plan(11 + count_cases(cases, N_OF(cases)));
	configurations();
	run_cases(cases, N_OF(cases));
	return tap_done();
}
