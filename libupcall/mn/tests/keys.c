// SPDX-License-Identifier: MIT
/*
 * Slots of threads: each its own, with destructors.
 */
#include "mn_test.h"

#define CREW	10

static mn_key_t key, other;
static int destroyed, sum;

static void destroy(void *value)
{
	add(&destroyed, 1);
	add(&sum, (int)(long)value);
}

static void *own(void *arg)
{
	long me = (long)arg + 1;
	int i, n = turns(20000);

	CHECK(mn_getspecific(key) == NULL);
	for (i = 0; i < n; i++) {
		CHECK(!mn_setspecific(key, (void *)me));
		CHECK(!mn_setspecific(other, (void *)-me));
		spin(i % 64);
		CHECK(mn_getspecific(key) == (void *)me);
		CHECK(mn_getspecific(other) == (void *)-me);
	}
	return NULL;
}

static void *each(void *arg)
{
	destroyed = sum = 0;
	CHECK(!mn_key_create(&key, destroy));
	CHECK(!mn_key_create(&other, NULL));
	crew(CREW, own);
	CHECK(destroyed == CREW);
	CHECK(sum == CREW * (CREW + 1) / 2);
	CHECK(!mn_key_delete(key));
	CHECK(!mn_key_delete(other));
	return arg;
}

/* One that sets its slot again is called again, a few times. */
static void again(void *value)
{
	add(&destroyed, 1);
	CHECK(mn_getspecific(key) == NULL);
	if ((long)value > 1)
		CHECK(!mn_setspecific(key, (char *)value - 1));
}

static void *sets(void *arg)
{
	CHECK(!mn_setspecific(key, (void *)((long)arg ? 1000l : 2l)));
	return NULL;
}

static void *destructors(void *arg)
{
	destroyed = 0;
	CHECK(!mn_key_create(&key, again));
	crew(1, sets);
	CHECK(destroyed == 2);
	/* Not for ever. */
	crew(2, sets);
	CHECK(destroyed > 4 && destroyed < 100);
	CHECK(!mn_key_delete(key));
	return arg;
}

static void *stale(void *arg)
{
	mn_key_t keys[MN_KEYS_MAX + 1], old;
	int i, n;

	destroyed = 0;
	for (n = 0; n <= MN_KEYS_MAX; n++)
		if (mn_key_create(&keys[n], destroy))
			break;
	CHECK(n == MN_KEYS_MAX);
	CHECK(mn_key_create(&old, NULL) == EAGAIN);
	for (i = 0; i < n; i++)
		CHECK(!mn_setspecific(keys[i], (void *)(long)(i + 1)));
	for (i = 0; i < n; i++)
		CHECK(mn_getspecific(keys[i]) == (void *)(long)(i + 1));

	/* What was set for a key that is gone is not the next one's. */
	old = keys[3];
	CHECK(!mn_key_delete(old));
	CHECK(mn_key_delete(old) == EINVAL);
	CHECK(mn_setspecific(old, arg) == EINVAL);
	CHECK(!mn_key_create(&keys[3], destroy));
	CHECK(keys[3] != old);
	CHECK(mn_getspecific(keys[3]) == NULL);
	CHECK(mn_setspecific(old, arg) == EINVAL);
	for (i = 0; i < n; i++)
		CHECK(!mn_key_delete(keys[i]));
	CHECK(mn_key_delete(0) == EINVAL);
	CHECK(mn_key_delete(~0u) == EINVAL);
	CHECK(mn_setspecific(0, arg) == EINVAL);
	CHECK(mn_getspecific(~0u) == NULL);
	CHECK(!destroyed);
	return arg;
}

static const struct mn_case cases[] = {
	{ "each thread its own", each, 0 },
	{ "destructors", destructors, 0 },
	{ "EAGAIN, EINVAL, keys that are gone", stale, 0 },
};

MN_MAIN(cases)
