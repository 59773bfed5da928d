// SPDX-License-Identifier: MIT
/*
 * Read-write locks: many readers or one writer, and each gets his turn.
 */
#include "mn_test.h"

#define READERS	6
#define WRITERS	3

static struct mn_rwlock lock;
static int reading, writing, met, stop;
static volatile long first, second;	/* the same, but while somebody writes */

static void *reads(void *arg)
{
	unsigned int seed = (long)arg + 1;
	int i, n = turns(5000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_rwlock_rdlock(&lock));
		add(&reading, 1);
		CHECK(!get(&writing) && first == second);
		spin(random_next(&seed) % 128);
		/* Now and then it waits in there, and others may come in. */
		if (i % 16 == 0)
			mn_yield();
		CHECK(!get(&writing) && first == second);
		add(&reading, -1);
		CHECK(!mn_rwlock_unlock(&lock));
	}
	return NULL;
}

static void *writes(void *arg)
{
	unsigned int seed = (long)arg + 99;
	int i, n = turns(5000);

	for (i = 0; i < n; i++) {
		CHECK(!mn_rwlock_wrlock(&lock));
		CHECK(add(&writing, 1) == 1 && !get(&reading));
		first = first + 1;
		spin(random_next(&seed) % 128);
		if (i % 16 == 0)
			mn_yield();
		second = second + 1;
		CHECK(add(&writing, -1) == 0);
		CHECK(!mn_rwlock_unlock(&lock));
	}
	return NULL;
}

static void *both(void *arg)
{
	long n = (long)arg;

	return n < READERS ? reads(arg) : writes(arg);
}

static void *kept_apart(void *arg)
{
	mn_rwlock_init(&lock);
	first = second = reading = writing = 0;
	crew(READERS + WRITERS, both);
	CHECK(first == WRITERS * (long)turns(5000) && second == first);
	return arg;
}

/* Two readers at once, each waits for the other. */
static void *meets(void *arg)
{
	CHECK(!mn_rwlock_rdlock(&lock));
	add(&met, 1);
	wait_for(&met, 2);
	CHECK(!mn_rwlock_unlock(&lock));
	return arg;
}

static void *together(void *arg)
{
	mn_rwlock_init(&lock);
	met = 0;
	crew(2, meets);
	CHECK(met == 2);
	return arg;
}

/* There is always one who reads, until the writer has written. */
static void *reads_on(void *arg)
{
	while (!get(&stop)) {
		CHECK(!mn_rwlock_rdlock(&lock));
		add(&reading, 1);
		/* It stays until another has come, who is kept out by a writer. */
		if (mn_rwlock_tryrdlock(&lock) == 0)
			CHECK(!mn_rwlock_unlock(&lock));
		mn_yield();
		CHECK(!mn_rwlock_unlock(&lock));
	}
	return arg;
}

static void *writes_once(void *arg)
{
	wait_for(&reading, 1);
	CHECK(!mn_rwlock_wrlock(&lock));
	add(&stop, 1);
	CHECK(!mn_rwlock_unlock(&lock));
	return arg;
}

static void *writer_or_reader(void *arg)
{
	return arg ? reads_on(arg) : writes_once(arg);
}

static void *not_starved(void *arg)
{
	mn_rwlock_init(&lock);
	reading = stop = 0;
	crew(READERS, writer_or_reader);
	return arg;
}

/* The other way round: writers who have it in turn, and one who reads. */
static void *writes_on(void *arg)
{
	while (!get(&stop)) {
		CHECK(!mn_rwlock_wrlock(&lock));
		add(&writing, 1);
		mn_yield();
		CHECK(!mn_rwlock_unlock(&lock));
	}
	return arg;
}

static void *reads_once(void *arg)
{
	wait_for(&writing, 1);
	CHECK(!mn_rwlock_rdlock(&lock));
	add(&stop, 1);
	CHECK(!mn_rwlock_unlock(&lock));
	return arg;
}

static void *reader_or_writer(void *arg)
{
	return arg ? writes_on(arg) : reads_once(arg);
}

static void *readers_not_starved(void *arg)
{
	mn_rwlock_init(&lock);
	writing = stop = 0;
	crew(WRITERS + 1, reader_or_writer);
	writing = 0;
	return arg;
}

static void *stranger(void *arg)
{
	CHECK(mn_rwlock_unlock(&lock) == EPERM);
	CHECK(mn_rwlock_trywrlock(&lock) == EBUSY);
	CHECK(mn_rwlock_tryrdlock(&lock) == EBUSY);
	CHECK(mn_rwlock_timedrdlock(&lock, mn_now()) == ETIMEDOUT);
	CHECK(mn_rwlock_timedwrlock(&lock, mn_now() - SECOND) == ETIMEDOUT);
	CHECK(mn_rwlock_timedwrlock(&lock, INT64_MIN) == ETIMEDOUT);
	return arg;
}

static void *reader(void *arg)
{
	CHECK(mn_rwlock_trywrlock(&lock) == EBUSY);
	CHECK(mn_rwlock_timedwrlock(&lock, mn_now() + MILLISECOND) == ETIMEDOUT);
	CHECK(!mn_rwlock_tryrdlock(&lock));
	CHECK(!mn_rwlock_unlock(&lock));
	return arg;
}

static void *refusals(void *arg)
{
	static struct mn_rwlock own = MN_RWLOCK_INITIALIZER;

	mn_rwlock_init(&lock);
	CHECK(mn_rwlock_unlock(&lock) == EPERM);
	CHECK(!mn_rwlock_wrlock(&lock));
	CHECK(mn_rwlock_wrlock(&lock) == EDEADLK);
	CHECK(mn_rwlock_rdlock(&lock) == EDEADLK);
	CHECK(mn_rwlock_trywrlock(&lock) == EBUSY);
	CHECK(mn_rwlock_tryrdlock(&lock) == EBUSY);
	crew(1, stranger);
	CHECK(!mn_rwlock_unlock(&lock));
	CHECK(!mn_rwlock_timedrdlock(&lock, MN_FOREVER));
	crew(1, reader);
	CHECK(!mn_rwlock_unlock(&lock));
	CHECK(mn_rwlock_unlock(&lock) == EPERM);
	CHECK(!mn_rwlock_trywrlock(&own) && !mn_rwlock_unlock(&own));
	return arg;
}

/*
 * One reads; a writer waits for a while, and a reader behind it for as long as it
 * takes: it comes in when the writer has given up, while the other reads on.
 */
static int gave_up, seen;

static void *gives_up(void *arg)
{
	CHECK(mn_rwlock_timedwrlock(&lock, mn_now() + 5 * MILLISECOND) == ETIMEDOUT);
	add(&gave_up, 1);
	return arg;
}

static void *comes_behind(void *arg)
{
	while (!get(&gave_up)) {
		if (mn_rwlock_tryrdlock(&lock) == EBUSY) {
			add(&seen, 1);
			break;
		}
		CHECK(!mn_rwlock_unlock(&lock));
		mn_yield();
	}
	CHECK(!mn_rwlock_rdlock(&lock));
	CHECK(!mn_rwlock_unlock(&lock));
	return arg;
}

static void *given_up(void *arg)
{
	mn_t writer, behind;

	mn_rwlock_init(&lock);
	/* Again, if the writer has given up before the other one came. */
	for (seen = 0; !seen;) {
		gave_up = 0;
		CHECK(!mn_rwlock_rdlock(&lock));
		spawn(&writer, gives_up, NULL);
		spawn(&behind, comes_behind, NULL);
		CHECK(!mn_join(behind, NULL) && !mn_join(writer, NULL));
		CHECK(!mn_rwlock_unlock(&lock));
	}
	return arg;
}

static const struct mn_case cases[] = {
	{ "readers and writers", kept_apart, 0 },
	{ "readers at once", together, 0 },
	{ "a writer among readers", not_starved, 0 },
	{ "a reader among writers", readers_not_starved, 0 },
	{ "EDEADLK, EPERM, EBUSY, ETIMEDOUT", refusals, 0 },
	{ "a writer that gives up", given_up, 0 },
};

MN_MAIN(cases)
