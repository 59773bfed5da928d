// SPDX-License-Identifier: MIT
/*
 * The counters: each as often as what it counts, and none more often than what
 * it is a part of.
 */
#include "mn_test.h"

#define CREW	12

static int yields, over;

static void *works(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(3000);

	for (i = 0; i < n; i++) {
		spin(random_next(&seed) % 5000);
		if (random_next(&seed) % 4 == 0)
			mn_yield();
		if (random_next(&seed) % 64 == 0)
			CHECK(!mn_sleep(random_next(&seed) % 100000));
	}
	return NULL;
}

static struct mn_stats now(void)
{
	struct mn_stats s = { .size = sizeof(s) };

	mn_stats(&s);
	return s;
}

static void *work(void *arg)
{
	struct mn_stats s = now();

	CHECK(s.threads == 1 && !s.spawned);
	CHECK(s.vcpus == this_setup->vcpus);
	CHECK(s.backend == this_setup->backend);
	crew(CREW, works);
	s = now();
	CHECK(s.threads == 1 && s.spawned == CREW);
	return arg;
}

static void add_up(void)
{
	struct mn_config c = config_of(this_setup);
	struct mn_stats s;

	mn_problems = 0;
	CHECK(!mn_run(&c, work, NULL, NULL));
	s = now();
	CHECK(s.spawned == CREW);
	CHECK(s.preemptions <= s.switches);
	CHECK(s.preemptions <= s.entered);
	CHECK(s.deferred <= s.entered);
	CHECK(s.migrations <= s.steals);
	CHECK(s.entered <= s.sent + s.held);
	if (this_setup->vcpus == 1)
		CHECK(!s.steals && !s.migrations);
	if (this_setup->backend == MN_COOPERATIVE)
		CHECK(!s.preemptions && !s.entered && !s.held && !s.deferred);
	ok(!mn_problems, "%s, %d: they add up",
	   backend_names[this_setup->backend], this_setup->vcpus);
	printf("# switches %llu preemptions %llu steals %llu sent %llu "
	       "coalesced %llu entered %llu held %llu deferred %llu "
	       "migrations %llu\n", (unsigned long long)s.switches,
	       (unsigned long long)s.preemptions, (unsigned long long)s.steals,
	       (unsigned long long)s.sent, (unsigned long long)s.coalesced,
	       (unsigned long long)s.entered, (unsigned long long)s.held,
	       (unsigned long long)s.deferred,
	       (unsigned long long)s.migrations);
}

/* On one virtual CPU without preemption the number is known beforehand. */
static void *turns_about(void *arg)
{
	int i;

	for (i = 0; i < 100; i++) {
		add(&yields, 1);
		mn_yield();
	}
	add(&over, 1);
	return arg;
}

static void *two(void *arg)
{
	uint64_t before = now().switches;

	yields = over = 0;
	crew(2, turns_about);
	/* 100 each to the other, to begin with, and back. */
	CHECK(now().switches - before >= 200);
	if (this_setup->backend == MN_COOPERATIVE)
		CHECK(now().switches - before <= 205);
	CHECK(yields == 200 && over == 2);
	return arg;
}

/* A thread that never yields makes room for each other one. */
static int shares[4];

static void *never_yields(void *arg)
{
	while (!get(&over))
		add(&shares[(long)arg], 1);
	return NULL;
}

static void *preempted(void *arg)
{
	uint64_t before = preemptions();
	mn_t t[4];
	int i;

	over = 0;
	memset(shares, 0, sizeof(shares));
	for (i = 0; i < 4; i++)
		spawn(&t[i], never_yields, (void *)(long)i);
	for (i = 0; i < 4; i++)
		while (!get(&shares[i]))
			mn_yield();
	add(&over, 1);
	for (i = 0; i < 4; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(preemptions() - before >= 3);
	return arg;
}

static const struct mn_case cases[] = {
	{ "a switch for each turn", two, ONE_VCPU | ONCE },
	{ "who never yields is preempted", preempted, ONE_VCPU | PREEMPTED },
};

int main(void)
{
	return mn_main(add_up, cases, N_OF(cases));
}
