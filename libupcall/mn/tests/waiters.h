/* SPDX-License-Identifier: MIT */
#ifndef WAITERS_H
#define WAITERS_H

/*
 * Threads that wait in each way for what nobody does: for tests of what ends while
 * they do. Each counts itself in begun right before.
 */
#include "mn_test.h"

static struct mn_mutex mutex;
static struct mn_cond cond;
static struct mn_sem sem;
static struct mn_once once;
static struct mn_chan *full, *empty;
static int begun;

/* Of one element, which the full one has. */
static inline void waiters_channels(void)
{
	CHECK(!mn_chan_create(&full, 1, 1) && !mn_chan_create(&empty, 1, 1));
	CHECK(!mn_chan_trysend(full, "a"));
}

static void *in_mutex(void *arg)
{
	add(&begun, 1);
	mn_mutex_lock(&mutex);
	return arg;
}

static void *in_cond(void *arg)
{
	struct mn_mutex own = MN_MUTEX_INITIALIZER;

	mn_mutex_lock(&own);
	add(&begun, 1);
	mn_cond_timedwait(&cond, &own, mn_now() + 1000 * SECOND);
	return arg;
}

static void *in_sem(void *arg)
{
	add(&begun, 1);
	mn_sem_wait(&sem);
	return arg;
}

static void never_returns(void)
{
	add(&begun, 1);
	mn_sleep(1000 * SECOND);
}

/* Of several, one is counted, by never_returns(). */
static void *in_once(void *arg)
{
	mn_once(&once, never_returns);
	return arg;
}

static void *in_send(void *arg)
{
	add(&begun, 1);
	mn_chan_send(full, "b");
	return arg;
}

static void *in_recv(void *arg)
{
	char c;

	add(&begun, 1);
	mn_chan_recv(empty, &c);
	return arg;
}

static void *in_select(void *arg)
{
	unsigned int which;
	char c;
	struct mn_select_case k[2] = {
		{ .op = MN_SELECT_RECV, .chan = empty, .element = &c },
		{ .op = MN_SELECT_SEND, .chan = full, .element = &c },
	};

	add(&begun, 1);
	mn_select(k, 2, &which, MN_FOREVER);
	return arg;
}

#endif /* WAITERS_H */
