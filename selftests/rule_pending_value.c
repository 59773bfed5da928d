// SPDX-License-Identifier: GPL-2.0
/*
 * The value the kernel stores in pending: the highest priority among all
 * the owner's upcalls that are still pending, and 0 where there is none.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 2 and section 4.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, c;

/* What pending was in each cfunc, by order of entry. */
static int values[8], entries;

static void note(void *data)
{
	if (entries < 8)
		values[entries] = upc.pending;
	entries++;
}

FIXTURE(value) {
};

FIXTURE_VARIANT(value) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(value, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(value, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(value)
{
	a = upc_register_ctx(&upc, variant->ctx, note, NULL);
	b = upc_register_ctx(&upc, variant->ctx, note, NULL);
	c = upc_register_ctx(&upc, variant->ctx, note, NULL);
	ASSERT_GT(a, 0);
	ASSERT_GT(b, 0);
	ASSERT_GT(c, 0);
	upc.crit_count = 100;
}

FIXTURE_TEARDOWN(value)
{
}

TEST_F(value, is_the_highest_pending)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	EXPECT_EQ(5, upc.pending);
	ASSERT_EQ(0, upc_dispatch(b, 9));
	EXPECT_EQ(9, upc.pending);
	ASSERT_EQ(0, upc_dispatch(b, 3));
	EXPECT_EQ(9, upc.pending);
	ASSERT_EQ(0, upc_dispatch(c, 7));
	EXPECT_EQ(9, upc.pending);
	ASSERT_EQ(0, upc_dispatch(a, 11));
	EXPECT_EQ(11, upc.pending);
	EXPECT_EQ(0, entries);

	/* Entered in order 11, 9, 7, each with the next one's in pending. */
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(3, entries);
	EXPECT_EQ(9, values[0]);
	EXPECT_EQ(7, values[1]);
	EXPECT_EQ(0, values[2]);
	EXPECT_EQ(0, upc.pending);
}

/* Whatever the user made of the field, the highest comes back. */
TEST_F(value, counts_those_pending_before)
{
	ASSERT_EQ(0, upc_dispatch(a, 9));
	upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(b, 5));
	EXPECT_EQ(9, upc.pending);
	upc.pending = 3;
	ASSERT_EQ(0, upc_dispatch(b, 6));
	EXPECT_EQ(9, upc.pending);
	EXPECT_EQ(0, entries);
}

TEST_F(value, on_entry_counts_equals)
{
	ASSERT_EQ(0, upc_dispatch(a, 5));
	ASSERT_EQ(0, upc_dispatch(b, 5));
	ASSERT_EQ(0, upc_dispatch(c, 1));
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(3, entries);
	EXPECT_EQ(5, values[0]);
	EXPECT_EQ(1, values[1]);
	EXPECT_EQ(0, values[2]);
}

/* If one that comes while another runs is held, pending shows it. */
static void dispatch_c(void *data)
{
	note(NULL);
	upc_dispatch(c, 20);
	if (entries < 8)
		values[entries] = upc.pending;
	entries++;
}

TEST_F(value, set_while_one_runs)
{
	int d;

	d = upc_register_ctx(&upc, variant->ctx, dispatch_c, NULL);
	ASSERT_GT(d, 0);
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(d, 1));
	ASSERT_EQ(3, entries);
	EXPECT_EQ(0, values[0]);
	EXPECT_EQ(20, values[1]);
	EXPECT_EQ(0, values[2]);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
