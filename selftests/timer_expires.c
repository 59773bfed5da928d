// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall is dispatched when its time has come, not before, and by the rules:
 * to a task that runs, waits, or sleeps in a call.
 * upcall.rst, section 6, TIMER.
 */
#include "upcall_timer.h"

#define AFTER	(30 * MSEC)

static struct upcall upc = UPCALL_INIT;
static int id, hits, tid;
static long long start;

FIXTURE(expires) {
};

FIXTURE_VARIANT(expires) {
	bool absolute;
};

FIXTURE_VARIANT_ADD(expires, relative) { };
FIXTURE_VARIANT_ADD(expires, absolute) { .absolute = true };

FIXTURE_SETUP(expires)
{
	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(expires)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

static int set_timer(bool absolute, long long in, int priority)
{
	start = now_ns();
	return absolute ? upc_timer_by(ABSTIME, id, start + in, 0, priority) :
			  upc_timer(id, in, 0, priority);
}

TEST_F(expires, in_code_that_spins)
{
	ASSERT_EQ(0, set_timer(variant->absolute, AFTER, 1));
	while (!READ_ONCE(hits))
		cpu_relax();
	EXPECT_LE(AFTER, now_ns() - start);
	spin_for(3 * AFTER);
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc_poll(id, 1));
}

TEST_F(expires, at_once)
{
	ASSERT_EQ(0, set_timer(variant->absolute, variant->absolute ? -1 : 1, 1));
	while (!READ_ONCE(hits))
		cpu_relax();
	if (variant->absolute) {
		ASSERT_EQ(0, upc_timer_by(ABSTIME, id, 1, 0, 1));
		while (READ_ONCE(hits) != 2)
			cpu_relax();
	}
}

TEST_F(expires, never)
{
	ASSERT_EQ(0, upc_timer_by(variant->absolute ? ABSTIME : CLOCK_MONOTONIC,
				  id, LLONG_MAX, LLONG_MAX, 1));
	spin_for(AFTER);
	EXPECT_EQ(0, hits);
}

TEST_F(expires, in_wait_and_suspend)
{
	int i;

	for (i = 0; i < 20; i++) {
		crit_enter(&upc);
		ASSERT_EQ(0, set_timer(variant->absolute, i % 2 ? AFTER / 10 : 1,
				       3));
		ASSERT_EQ(id, i % 3 ? upc_suspend(3) : upc_wait(3));
		EXPECT_LE(i % 2 ? AFTER / 10 : 1, now_ns() - start);
		if (i % 3 == 0)
			crit_exit(&upc);
		ASSERT_EQ(i + 1, hits);
	}
}

/* One of lower priority than is waited for does not end the sleep. */
TEST_F(expires, in_wait_for_more)
{
	int urgent = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	long long first = now_ns();

	crit_enter(&upc);
	ASSERT_EQ(0, upc_timer(urgent, 3 * AFTER, 0, 9));
	ASSERT_EQ(0, set_timer(variant->absolute, AFTER, 8));
	ASSERT_EQ(urgent, upc_wait(9));
	EXPECT_LE(3 * AFTER, now_ns() - first);
	crit_exit(&upc);
	EXPECT_EQ(2, hits);
}

TEST_F(expires, in_a_section)
{
	crit_enter(&upc);
	ASSERT_EQ(0, set_timer(variant->absolute, AFTER, 3));
	while (!READ_ONCE(upc.pending))
		cpu_relax();
	EXPECT_EQ(3, upc.pending);
	EXPECT_EQ(1, upc_poll(id, 3));
	EXPECT_EQ(0, upc_poll(id, 4));
	EXPECT_EQ(0, hits);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

TEST_F(expires, above_a_section)
{
	crit_enter(&upc);
	ASSERT_EQ(0, set_timer(variant->absolute, AFTER, UPC_CRITADD + 1));
	while (!READ_ONCE(hits))
		cpu_relax();
	EXPECT_EQ(0, upc.pending);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

TEST_F(expires, with_less_than_1_for_a_priority)
{
	crit_enter(&upc);
	ASSERT_EQ(0, set_timer(variant->absolute, 1, INT_MIN));
	while (!READ_ONCE(upc.pending))
		cpu_relax();
	EXPECT_EQ(1, upc.pending);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

/* A dispatch and an expiry before an entry are one, at the higher priority. */
TEST_F(expires, with_a_dispatch)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 2));
	ASSERT_EQ(0, set_timer(variant->absolute, 1, 5));
	while (READ_ONCE(upc.pending) != 5)
		cpu_relax();
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

static void *sleeper(void *data)
{
	bool absolute = *(bool *)data;

	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	if (set_timer(absolute, AFTER, 3))
		return NULL;
	__atomic_store_n(&tid, sys_gettid(), __ATOMIC_RELEASE);
	usleep(200000);
	return (void *)(long)READ_ONCE(hits);
}

/* Nor does it end a call. Others see that it is pending. */
TEST_F(expires, in_a_call_that_sleeps)
{
	bool absolute = variant->absolute;
	pthread_t thread;
	void *ret;

	memset(&upc, 0, sizeof(upc));
	upc.magic = UPCALL_MAGIC;
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleeper, &absolute));
	WAIT_UNTIL(__atomic_load_n(&tid, __ATOMIC_ACQUIRE));
	WAIT_UNTIL(upc_poll(id, 3) || READ_ONCE(hits));
	EXPECT_LE(AFTER, now_ns() - start);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(1, (long)ret);
	EXPECT_LE(200 * MSEC, now_ns() - start);
}

TEST_HARNESS_MAIN
