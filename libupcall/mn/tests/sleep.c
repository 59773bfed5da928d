// SPDX-License-Identifier: MIT
/*
 * Sleeping: never too short, for as many as like.
 */
#include <dirent.h>
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

/* Where nobody has anything to do, no kernel thread does anything. */
static long switches_of(const char *task)
{
	char line[256];
	long n = -1;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/task/%s/status", task);
	f = fopen(line, "r");
	CHECK(f);
	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "voluntary_ctxt_switches: %ld", &n) != 1)
		;
	if (f)
		fclose(f);
	CHECK(n >= 0);
	return n;
}

static long kernel_switches(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	long n = 0;

	CHECK(tasks);
	while (tasks && (task = readdir(tasks)))
		if (task->d_name[0] != '.')
			n += switches_of(task->d_name);
	if (tasks)
		closedir(tasks);
	return n;
}

/*
 * A time to sleep is that of many slices. Each costs the virtual CPU one switch,
 * and the clock a few.
 */
static void *nobody(void *arg)
{
	int i, n = 20;
	long before;

	CHECK(!mn_sleep(100 * MILLISECOND));
	before = kernel_switches();
	for (i = 0; i < n; i++)
		CHECK(!mn_sleep(20 * MILLISECOND));
	CHECK(kernel_switches() - before <= 10 * n);
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

/*
 * Deadlines come in their order whatever has been given up meanwhile: one that is
 * soon does not come to stand behind one that is far away, where another was.
 */
static const int64_t far_and_near[] = {
	500 * MILLISECOND, 1000 * SECOND, 501 * MILLISECOND, 1001 * SECOND,
	1002 * SECOND, 502 * MILLISECOND, 503 * MILLISECOND,
	/* From here on, when one has been given up: the last one takes its place. */
	1003 * SECOND, 1004 * SECOND, 1005 * SECOND, 1006 * SECOND,
};

#define GIVEN_UP	3
#define FIRST		7
#define NEAR(i)	(far_and_near[i] < SECOND)

static struct mn_sem sems[N_OF(far_and_near)];
static int waiting;

static void *waits_until(void *arg)
{
	int i = (long)arg, err;

	add(&waiting, 1);
	err = mn_sem_timedwait(&sems[i], mn_now() + far_and_near[i]);
	CHECK(err == (NEAR(i) ? ETIMEDOUT : 0));
	return arg;
}

static void *in_order(void *arg)
{
	mn_t t[N_OF(far_and_near)];
	int i;

	waiting = 0;
	for (i = 0; i < N_OF(t); i++) {
		mn_sem_init(&sems[i], 0);
		spawn(&t[i], waits_until, (void *)(long)i);
		wait_for(&waiting, i + 1);
		if (i == FIRST - 1)
			CHECK(!mn_sem_post(&sems[GIVEN_UP]));
	}
	/* Were one forgotten, that would be for a quarter of an hour. */
	for (i = 0; i < N_OF(t); i++)
		if (NEAR(i))
			CHECK(!mn_join(t[i], NULL));
	for (i = 0; i < N_OF(t); i++) {
		if (!NEAR(i) && i != GIVEN_UP)
			CHECK(!mn_sem_post(&sems[i]));
		if (!NEAR(i))
			CHECK(!mn_join(t[i], NULL));
	}
	return arg;
}

static const struct mn_case cases[] = {
	{ "never too short", many, 0 },
	{ "others run", meanwhile, 0 },
	{ "nobody does anything meanwhile", nobody, ONCE },
	{ "near deadlines and far ones", in_order, ONE_VCPU | ONCE },
	{ "what is over already; EINVAL", refusals, ONCE },
};

MN_MAIN(cases)
