// SPDX-License-Identifier: GPL-2.0
/*
 * POLLANDCLEAR of one identifier: answers as POLL does, and what it found
 * pending no longer is. The pending field is the owner's, and left alone.
 *
 * upc_register(2), UPC_CONTROL_POLLANDCLEAR; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, a_hits, b_hits;

static void *clear(void *arg)
{
	return (void *)(long)upc_pollclear(a, *(int *)arg);
}

FIXTURE(clear) {
};

FIXTURE_VARIANT(clear) {
	int priority;
	int found;
	bool other_task;
};

FIXTURE_VARIANT_ADD(clear, null) { .priority = 0, .found = 1 };
FIXTURE_VARIANT_ADD(clear, lowest) { .priority = INT_MIN, .found = 1 };
FIXTURE_VARIANT_ADD(clear, below) { .priority = 4, .found = 1 };
FIXTURE_VARIANT_ADD(clear, equal) { .priority = 5, .found = 1 };
FIXTURE_VARIANT_ADD(clear, above) { .priority = 6, .found = 0 };
FIXTURE_VARIANT_ADD(clear, highest) { .priority = INT_MAX, .found = 0 };
FIXTURE_VARIANT_ADD(clear, equal_by_thread) {
	.priority = 5, .found = 1, .other_task = true,
};

FIXTURE_VARIANT_ADD(clear, above_by_thread) {
	.priority = 6, .found = 0, .other_task = true,
};

FIXTURE_SETUP(clear)
{
	a = upc_register_ctx(&upc, ctx_next, count_cfunc, &a_hits);
	ASSERT_GT(a, 0);
	b = upc_register_ctx(&upc, ctx_next, count_cfunc, &b_hits);
	ASSERT_GT(b, 0);
	crit_enter(&upc);
}

FIXTURE_TEARDOWN(clear)
{
}

static int clear_by(bool other_task, int priority)
{
	pthread_t thread;
	void *ret;

	if (!other_task)
		return (long)clear(&priority);
	if (pthread_create(&thread, NULL, clear, &priority))
		return -1;
	pthread_join(thread, &ret);
	return (long)ret;
}

TEST_F(clear, pending)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 3));
	EXPECT_EQ(variant->found, clear_by(variant->other_task,
					   variant->priority));
	EXPECT_EQ(!variant->found, upc_poll(a, 0));
	EXPECT_EQ(1, upc_poll(b, 3));
	EXPECT_EQ(5, upc.pending);

	crit_exit(&upc);
	EXPECT_EQ(!variant->found, a_hits);
	EXPECT_EQ(1, b_hits);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(clear, not_pending)
{
	upc.pending = 3;
	EXPECT_EQ(0, clear_by(variant->other_task, variant->priority));
	EXPECT_EQ(3, upc.pending);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

/* It can be dispatched again, from the lowest priority up. */
TEST_F(clear, then_dispatched)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(1, upc_pollclear(a, 0));
	ASSERT_EQ(0, upc_pollclear(a, 0));
	ASSERT_EQ(0, upc_dispatch(a, 2));
	EXPECT_EQ(1, upc_poll(a, 2));
	EXPECT_EQ(0, upc_poll(a, 3));
	crit_exit(&upc);
	EXPECT_EQ(1, a_hits);
}

TEST_HARNESS_MAIN
