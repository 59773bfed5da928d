// SPDX-License-Identifier: GPL-2.0
/*
 * POLLANDCLEAR of -1: clears and returns the caller's highest pending upcall
 * of at least the priority given. With a priority below 1 and nothing
 * pending, some registered upcall of the caller's comes back.
 *
 * upc_register(2), UPC_CONTROL_POLLANDCLEAR; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, c, hits;

FIXTURE(clear) {
};

FIXTURE_SETUP(clear)
{
	a = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	b = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	c = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(a, 0);
	ASSERT_GT(b, 0);
	ASSERT_GT(c, 0);
	crit_enter(&upc);
}

FIXTURE_TEARDOWN(clear)
{
}

TEST_F(clear, highest_first)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 9));
	ASSERT_EQ(0, upc_dispatch(c, 5));
	EXPECT_EQ(b, upc_pollclear(-1, 1));
	EXPECT_EQ(0, upc_poll(b, 0));
	EXPECT_EQ(a, upc_pollclear(-1, 0));
	EXPECT_EQ(c, upc_pollclear(-1, -7));
	EXPECT_EQ(0, upc_pollclear(-1, 1));
	EXPECT_EQ(9, upc.pending);
	crit_exit(&upc);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(clear, of_at_least_a_priority)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 9));
	EXPECT_EQ(0, upc_pollclear(-1, 10));
	EXPECT_EQ(0, upc_pollclear(-1, INT_MAX));
	EXPECT_EQ(b, upc_pollclear(-1, 9));
	EXPECT_EQ(0, upc_pollclear(-1, 6));
	EXPECT_EQ(a, upc_pollclear(-1, 5));
	EXPECT_EQ(0, upc_pollclear(-1, 1));
	crit_exit(&upc);
	EXPECT_EQ(0, hits);
}

static bool is_one_of_them(int id)
{
	return id == a || id == b || id == c;
}

TEST_F(clear, any_registered_one)
{
	EXPECT_TRUE(is_one_of_them(upc_pollclear(-1, 0)));
	EXPECT_TRUE(is_one_of_them(upc_pollclear(-1, -1)));
	EXPECT_TRUE(is_one_of_them(upc_pollclear(-1, INT_MIN)));
	/* As against a priority of 1, and POLL. */
	EXPECT_EQ(0, upc_pollclear(-1, 1));
	EXPECT_EQ(0, upc_poll(-1, 0));
	EXPECT_EQ(0, upc.pending);

	ASSERT_EQ(0, upc_delete(a));
	ASSERT_EQ(0, upc_delete(c));
	EXPECT_EQ(b, upc_pollclear(-1, 0));
	ASSERT_EQ(0, upc_delete(b));
	EXPECT_EQ(0, upc_pollclear(-1, 0));
}

/* Where something is pending, it is no longer random. */
TEST_F(clear, pending_before_any)
{
	int i, id, *ids[] = { &a, &b, &c };

	for (i = 0; i < 3; i++) {
		id = *ids[i];
		ASSERT_EQ(0, upc_dispatch(id, 1));
		EXPECT_EQ(id, upc_pollclear(-1, 0));
		EXPECT_EQ(0, upc_poll(id, 0));
	}
}

static void *clear_thread(void *arg)
{
	return (void *)(long)upc_pollclear(-1, 0);
}

TEST_F(clear, not_another_task_s)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, pthread_create(&thread, NULL, clear_thread, NULL));
	pthread_join(thread, &ret);
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(1, upc_poll(a, 5));
}

TEST_HARNESS_MAIN
