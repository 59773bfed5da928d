// SPDX-License-Identifier: GPL-2.0
/*
 * Coalescing: several dispatches before an entry make one entry, at the
 * highest of their priorities.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4, rule 4,
 * and section 6.
 */
#include "upcall_test.h"

#define NR_THREADS	3

static struct upcall upc = UPCALL_INIT;
static int id, hits;

FIXTURE(coalesces) {
};

FIXTURE_SETUP(coalesces)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
}

FIXTURE_TEARDOWN(coalesces)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

TEST_F(coalesces, one_s_own)
{
	int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(0, hits);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

TEST_F(coalesces, at_the_highest_priority)
{
	static const int priorities[] = { 3, 1, 9, 0, -4, 9, 2 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		ASSERT_EQ(0, upc_dispatch(id, priorities[i]));
	EXPECT_EQ(1, upc_poll(id, 9));
	EXPECT_EQ(0, upc_poll(id, 10));
	EXPECT_EQ(9, upc.pending);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

/* Once entered, it is as if it had never been dispatched. */
TEST_F(coalesces, priority_is_forgotten)
{
	ASSERT_EQ(0, upc_dispatch(id, 9));
	crit_exit(&upc);
	ASSERT_EQ(1, hits);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 2));
	EXPECT_EQ(1, upc_poll(id, 2));
	EXPECT_EQ(0, upc_poll(id, 3));
	crit_exit(&upc);
	EXPECT_EQ(2, hits);
}

static void *dispatch_often(void *arg)
{
	long i, bad = 0;

	for (i = 0; i < 1000; i++)
		bad += upc_dispatch(id, 1) != 0;
	return (void *)bad;
}

TEST_F(coalesces, other_tasks)
{
	pthread_t threads[NR_THREADS];
	void *bad;
	int i;

	for (i = 0; i < NR_THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, dispatch_often,
					    NULL));
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &bad);
		EXPECT_EQ(0, (long)bad);
	}
	EXPECT_EQ(0, hits);
	EXPECT_EQ(1, upc.pending);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

/* A dispatch in cfunc comes after this entry, and makes another. */
static void again(void *data)
{
	if (hits++ < 3) {
		upc_dispatch(*(int *)data, 1);
		upc_dispatch(*(int *)data, 1);
	}
}

TEST_F(coalesces, not_with_a_running_one)
{
	static int other;

	other = upc_register_ctx(&upc, ctx_next, again, &other);
	ASSERT_GT(other, 0);
	crit_exit(&upc);
	ASSERT_EQ(0, upc_dispatch(other, 1));
	EXPECT_EQ(4, hits);
}

TEST_HARNESS_MAIN
