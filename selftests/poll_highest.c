// SPDX-License-Identifier: GPL-2.0
/*
 * POLL of -1: the identifier of the caller's highest pending upcall, if its
 * priority is at least the one given, and 1 where that is less; or 0.
 *
 * upc_register(2), UPC_CONTROL_POLL; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, c, hits;

FIXTURE(poll) {
};

FIXTURE_SETUP(poll)
{
	a = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	b = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	c = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(a, 0);
	ASSERT_GT(b, 0);
	ASSERT_GT(c, 0);
	crit_enter(&upc);
}

FIXTURE_TEARDOWN(poll)
{
	EXPECT_EQ(0, hits);
}

TEST_F(poll, none)
{
	EXPECT_EQ(0, upc_poll(-1, 0));
	EXPECT_EQ(0, upc_poll(-1, 1));
	EXPECT_EQ(0, upc_poll(-1, -1));
	EXPECT_EQ(0, upc_poll(-1, INT_MIN));
	EXPECT_EQ(0, upc_poll(-1, INT_MAX));
}

TEST_F(poll, highest)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	EXPECT_EQ(a, upc_poll(-1, 0));
	ASSERT_EQ(0, upc_dispatch(b, 9));
	EXPECT_EQ(b, upc_poll(-1, 0));
	ASSERT_EQ(0, upc_dispatch(c, 7));
	EXPECT_EQ(b, upc_poll(-1, 0));
	ASSERT_EQ(0, upc_dispatch(c, 9));
	EXPECT_EQ(b, upc_poll(-1, 0));
	ASSERT_EQ(0, upc_dispatch(c, 10));
	EXPECT_EQ(c, upc_poll(-1, 0));

	/* Nothing was cleared, neither there nor here. */
	EXPECT_EQ(1, upc_poll(a, 5));
	EXPECT_EQ(1, upc_poll(b, 9));
	EXPECT_EQ(1, upc_poll(c, 10));
	EXPECT_EQ(10, upc.pending);
}

TEST_F(poll, of_at_least_a_priority)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 9));
	EXPECT_EQ(b, upc_poll(-1, INT_MIN));
	EXPECT_EQ(b, upc_poll(-1, 1));
	EXPECT_EQ(b, upc_poll(-1, 5));
	EXPECT_EQ(b, upc_poll(-1, 9));
	EXPECT_EQ(0, upc_poll(-1, 10));
	EXPECT_EQ(0, upc_poll(-1, INT_MAX));
}

static void *poll_thread(void *arg)
{
	return (void *)(long)upc_poll(-1, 0);
}

TEST_F(poll, not_another_task_s)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_thread, NULL));
	pthread_join(thread, &ret);
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(a, upc_poll(-1, 0));
}

TEST_HARNESS_MAIN
