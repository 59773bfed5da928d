// SPDX-License-Identifier: MIT
/*
 * mn_crit_enter() and mn_hold(): who stays out, and that the caller stays.
 */
#include "mn_test.h"

#define CREW	5

static volatile long counter;
static volatile int inside;

static void critical(unsigned int *seed)
{
	long n = counter;

	CHECK(inside++ == 0);
	spin(random_next(seed) % 2000);
	counter = n + 1;
	CHECK(--inside == 0);
}

static void *enters(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(20000);

	for (i = 0; i < n; i++) {
		mn_crit_enter();
		critical(&seed);
		/* They nest. */
		mn_crit_enter();
		mn_hold();
		mn_release();
		mn_crit_exit();
		critical(&seed);
		mn_crit_exit();
	}
	return NULL;
}

/* On one virtual CPU a section is as good as a mutex. */
static void *alone(void *arg)
{
	counter = inside = 0;
	crew(CREW, enters);
	CHECK(counter == 2L * CREW * turns(20000));
	return arg;
}

static void *holds(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(20000);

	for (i = 0; i < n; i++) {
		mn_hold();
		critical(&seed);
		mn_hold();
		critical(&seed);
		mn_release();
		critical(&seed);
		mn_release();
	}
	return NULL;
}

static void *held(void *arg)
{
	counter = inside = 0;
	crew(CREW, holds);
	CHECK(counter == 3L * CREW * turns(20000));
	return arg;
}

static void *stays(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(20000);

	for (i = 0; i < n; i++) {
		int at;

		mn_crit_enter();
		at = mn_vcpu();
		spin(random_next(&seed) % 2000);
		CHECK(mn_vcpu() == at);
		mn_crit_exit();
		if (i % 64 == 0)
			mn_yield();
	}
	return NULL;
}

static void *in_place(void *arg)
{
	crew(CREW, stays);
	return arg;
}

/* A section that is waited in is left meanwhile, and is there again after it. */
static void *waits_inside(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(5000);

	for (i = 0; i < n; i++) {
		mn_crit_enter();
		critical(&seed);
		if (i % 2)
			mn_yield();
		else
			CHECK(!mn_sleep(random_next(&seed) % 20000));
		critical(&seed);
		mn_crit_exit();
	}
	return NULL;
}

static void *waiting(void *arg)
{
	counter = inside = 0;
	crew(CREW, waits_inside);
	CHECK(counter == 2L * CREW * turns(5000));
	return arg;
}

/* An urgent thread comes in where no slice ends. */
static struct mn_sem bell;
static int rung, stop, ready;

/* Its own slice does not end before it waits again. */
static void *urgent(void *arg)
{
	mn_hold();
	add(&ready, 1);
	while (!mn_sem_wait(&bell) && !get(&stop))
		add(&rung, 1);
	return arg;
}

static void spawn_urgent(mn_t *t, void *(*fn)(void *))
{
	struct mn_attr attr = { .name = "urgent", .urgent = 1 };

	CHECK(!mn_spawn(t, &attr, fn, NULL));
}

static void end_urgent(mn_t t)
{
	add(&stop, 1);
	CHECK(!mn_sem_post(&bell));
	CHECK(!mn_join(t, NULL));
}

/* Woken by the one who holds, and does not let go before it has run. */
static void *urgent_here(void *arg)
{
	int i, n = turns(2000);
	mn_t t;

	mn_sem_init(&bell, 0);
	rung = stop = ready = 0;
	spawn_urgent(&t, urgent);
	wait_for(&ready, 1);
	for (i = 0; i < n; i++) {
		mn_hold();
		CHECK(!mn_sem_post(&bell));
		while (get(&rung) <= i)
			spin(10);
		mn_release();
	}
	end_urgent(t);
	return arg;
}

/* But not into a section. */
static void *urgent_held(void *arg)
{
	int i, n = turns(2000);
	mn_t t;

	mn_sem_init(&bell, 0);
	rung = stop = ready = 0;
	spawn_urgent(&t, urgent);
	wait_for(&ready, 1);
	for (i = 0; i < n; i++) {
		mn_crit_enter();
		CHECK(!mn_sem_post(&bell));
		spin(100);
		CHECK(get(&rung) == i);
		mn_hold();
		mn_crit_exit();
		while (get(&rung) <= i)
			spin(10);
		mn_release();
	}
	end_urgent(t);
	return arg;
}

static void *sleeps(void *arg)
{
	mn_hold();
	add(&ready, 1);
	while (!get(&stop)) {
		CHECK(!mn_sleep(MILLISECOND / 5));
		add(&rung, 1);
	}
	return arg;
}

/* Woken by the clock, while the only virtual CPU's thread never lets go. */
static void *urgent_clock(void *arg)
{
	int i, n = turns(300);
	mn_t t;

	rung = stop = ready = 0;
	spawn_urgent(&t, sleeps);
	wait_for(&ready, 1);
	mn_hold();
	for (i = 0; i < n; i++) {
		int seen = get(&rung);

		while (get(&rung) == seen)
			spin(10);
	}
	mn_release();
	add(&stop, 1);
	CHECK(!mn_join(t, NULL));
	return arg;
}

/* Woken by another virtual CPU. */
static void *posts(void *arg)
{
	int i, n = turns(3000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_sem_post(&bell));
		while (get(&rung) <= i)
			spin(10);
	}
	add(&stop, 1);
	CHECK(!mn_sem_post(&bell));
	return arg;
}

/* Everybody but the urgent one spins inside mn_hold(). */
static void *hogs(void *arg)
{
	mn_hold();
	while (!get(&stop))
		spin(10);
	mn_release();
	return arg;
}

static void *urgent_elsewhere(void *arg)
{
	mn_t t[4];
	int i;

	mn_sem_init(&bell, 0);
	rung = stop = ready = 0;
	spawn_urgent(&t[0], urgent);
	wait_for(&ready, 1);
	spawn(&t[1], posts, NULL);
	spawn(&t[2], hogs, NULL);
	spawn(&t[3], hogs, NULL);
	for (i = 0; i < 4; i++)
		CHECK(!mn_join(t[i], NULL));
	CHECK(rung == turns(3000));
	return arg;
}

/*
 * An urgent thread that another one comes in on goes on after it, and not after
 * those that compute. Its slice does not end meanwhile.
 */
static int hogged;

static void *counts(void *arg)
{
	while (!get(&stop)) {
		add(&hogged, 1);
		spin(10);
	}
	return arg;
}

static void *urgent_too(void *arg)
{
	int i, n = turns(2000);

	mn_hold();
	for (i = 0; i < n; i++) {
		int before = get(&hogged);

		CHECK(!mn_sem_post(&bell));
		while (get(&rung) <= i)
			spin(10);
		CHECK(get(&hogged) == before);
		/* They have their turns now. */
		while (get(&hogged) == before)
			mn_yield();
		CHECK(!mn_sleep(1));
	}
	mn_release();
	return arg;
}

static void *urgent_two(void *arg)
{
	mn_t first, second, t[3];
	int i;

	mn_sem_init(&bell, 0);
	rung = stop = ready = hogged = 0;
	spawn_urgent(&first, urgent);
	wait_for(&ready, 1);
	for (i = 0; i < 3; i++)
		spawn(&t[i], counts, NULL);
	spawn_urgent(&second, urgent_too);
	CHECK(!mn_join(second, NULL));
	end_urgent(first);
	for (i = 0; i < 3; i++)
		CHECK(!mn_join(t[i], NULL));
	return arg;
}

static const struct mn_case cases[] = {
	{ "nobody comes into a section", alone, ONE_VCPU },
	{ "no slice ends in mn_hold()", held, ONE_VCPU },
	{ "a section stays on its virtual CPU", in_place, 0 },
	{ "waiting in a section", waiting, ONE_VCPU },
	{ "an urgent thread, woken by the one who holds", urgent_here,
	  ONE_VCPU | PREEMPTED },
	{ "an urgent thread waits for the end of a section", urgent_held,
	  ONE_VCPU | PREEMPTED },
	{ "an urgent thread, woken by its deadline", urgent_clock,
	  ONE_VCPU | PREEMPTED },
	{ "an urgent thread goes on before those that compute", urgent_two,
	  ONE_VCPU | PREEMPTED },
	{ "an urgent thread, woken by another virtual CPU", urgent_elsewhere,
	  MANY_VCPUS | PREEMPTED | ONCE },
};

MN_MAIN(cases)
