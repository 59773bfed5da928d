// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT in an upcall that interrupted a critical section: what the section
 * holds back must not be run on top of it, and is left pending; what passes
 * is run.
 *
 * upc_register(2), UPC_CONTROL_NEXT; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int first, low, high;
static int low_hits, high_hits, high_crit, high_pending, leave_pending;

/* Runs at a crit_count of 64: both are held for now. */
static void enter_first(void *data)
{
	upc_dispatch(low, 10);
	if (data)
		upc_dispatch(high, 40);
	leave_pending = upc.pending;
}

static void enter_high(void *data)
{
	high_hits++;
	high_crit = upc.crit_count;
	high_pending = upc.pending;
}

FIXTURE(next) {
};

FIXTURE_VARIANT(next) {
	void *ctx;
	bool high;
};

FIXTURE_VARIANT_ADD(next, next_low) { .ctx = ctx_next, .high = false };
FIXTURE_VARIANT_ADD(next, pop_low) { .ctx = ctx_pop, .high = false };
FIXTURE_VARIANT_ADD(next, next_high) { .ctx = ctx_next, .high = true };
FIXTURE_VARIANT_ADD(next, pop_high) { .ctx = ctx_pop, .high = true };

FIXTURE_SETUP(next)
{
	low = upc_register_ctx(&upc, variant->ctx, count_cfunc, &low_hits);
	ASSERT_GT(low, 0);
	high = upc_register_ctx(&upc, variant->ctx, enter_high, NULL);
	ASSERT_GT(high, 0);
	first = upc_register_ctx(&upc, variant->ctx, enter_first,
				 variant->high ? &high : NULL);
	ASSERT_GT(first, 0);
}

FIXTURE_TEARDOWN(next)
{
}

TEST_F(next, leaves_what_the_section_holds)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(first, 33));
	EXPECT_EQ(variant->high ? 40 : 10, leave_pending);
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	EXPECT_EQ(10, upc.pending);
	EXPECT_EQ(0, low_hits);
	EXPECT_EQ(1, upc_poll(low, 10));

	EXPECT_EQ(variant->high, high_hits);
	if (variant->high) {
		EXPECT_EQ(2 * UPC_CRITADD, high_crit);
		EXPECT_EQ(10, high_pending);
	}

	crit_exit(&upc);
	EXPECT_EQ(1, low_hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

/* The same where the section is no multiple of UPC_CRITADD. */
TEST_F(next, at_the_boundary)
{
	upc.crit_count = 10;
	ASSERT_EQ(0, upc_dispatch(first, 33));
	EXPECT_EQ(0, low_hits);
	EXPECT_EQ(10, upc.pending);

	upc.crit_count = 9;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, low_hits);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(9, upc.crit_count);

	/* One below: NEXT runs it. */
	ASSERT_EQ(0, upc_dispatch(first, 33));
	EXPECT_EQ(2, low_hits);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(9, upc.crit_count);
}

TEST_HARNESS_MAIN
