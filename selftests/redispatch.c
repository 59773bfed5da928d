// SPDX-License-Identifier: GPL-2.0
/*
 * DISPATCH of -1: re-dispatches the caller's highest pending upcall of at
 * least the priority given, by the rules. It acknowledges pending, whether
 * or not the caller has cleared it.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, a_hits, b_hits, b_pending;

static void enter_b(void *data)
{
	b_pending = upc.pending;
	b_hits++;
}

FIXTURE(redispatch) {
};

FIXTURE_VARIANT(redispatch) {
	void *ctx;
	bool clear;		/* pending, before the call */
};

FIXTURE_VARIANT_ADD(redispatch, next) { .ctx = ctx_next, .clear = false };
FIXTURE_VARIANT_ADD(redispatch, next_clear) { .ctx = ctx_next, .clear = true };
FIXTURE_VARIANT_ADD(redispatch, pop) { .ctx = ctx_pop, .clear = false };
FIXTURE_VARIANT_ADD(redispatch, pop_clear) { .ctx = ctx_pop, .clear = true };

/* Two are pending, at 5 and at 9, and no section holds them any more. */
FIXTURE_SETUP(redispatch)
{
	a = upc_register_ctx(&upc, variant->ctx, count_cfunc, &a_hits);
	ASSERT_GT(a, 0);
	b = upc_register_ctx(&upc, variant->ctx, enter_b, NULL);
	ASSERT_GT(b, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 9));
	ASSERT_EQ(9, upc.pending);
	upc.crit_count = 0;
	barrier();
}

FIXTURE_TEARDOWN(redispatch)
{
}

TEST_F(redispatch, takes_the_highest)
{
	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, b_hits);
	EXPECT_EQ(5, b_pending);
	/* The other one followed, as NEXT does. */
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_F(redispatch, of_at_least_a_priority)
{
	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 9));
	EXPECT_EQ(1, b_hits);
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(0, upc.pending);
}

/* What is pending below that priority neither runs nor is forgotten. */
TEST_F(redispatch, none_of_that_priority)
{
	ASSERT_EQ(0, upc_dispatch(-1, 10));
	EXPECT_EQ(0, a_hits);
	EXPECT_EQ(0, b_hits);
	EXPECT_EQ(1, upc_poll(a, 5));
	EXPECT_EQ(1, upc_poll(b, 9));
	EXPECT_EQ(9, upc.pending);

	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(1, b_hits);
}

TEST_F(redispatch, still_held)
{
	upc.crit_count = 9;
	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(0, a_hits);
	EXPECT_EQ(0, b_hits);
	EXPECT_EQ(9, upc.pending);
	EXPECT_EQ(9, upc.crit_count);
	EXPECT_EQ(1, upc_poll(b, 9));
	EXPECT_EQ(1, upc_poll(a, 5));

	/* One lower, and only the other one is held. */
	upc.crit_count = 8;
	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(0, a_hits);
	EXPECT_EQ(1, b_hits);
	EXPECT_EQ(5, upc.pending);
	EXPECT_EQ(8, upc.crit_count);

	/* pending may be compared with crit_count to tell when to call. */
	upc.crit_count = 4;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(4, upc.crit_count);
}

TEST_F(redispatch, none_pending)
{
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, a_hits);
	ASSERT_EQ(1, b_hits);

	/* A pending field set for nothing is acknowledged all the same. */
	upc.pending = variant->clear ? 0 : 1;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(0, upc_dispatch(-1, 7));
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(1, b_hits);
}

TEST_F(redispatch, priorities_below_one)
{
	if (variant->clear)
		upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, INT_MIN));
	EXPECT_EQ(1, a_hits);
	EXPECT_EQ(1, b_hits);
	EXPECT_EQ(0, upc.pending);
}

static void *without_upcalls(void *arg)
{
	return (void *)(long)upc_dispatch(-1, 0);
}

/* Only the caller's own count. */
TEST_F(redispatch, not_another_task_s)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, without_upcalls, NULL));
	pthread_join(thread, &ret);
	EXPECT_EQ(0, (long)ret);
	EXPECT_EQ(0, a_hits);
	EXPECT_EQ(0, b_hits);
	EXPECT_EQ(b, upc_poll(-1, 0));
	EXPECT_EQ(9, upc.pending);
}

TEST_HARNESS_MAIN
