// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls are pending when a registration replaces struct upcall, and the new
 * one holds them back as well. Before the call returns, pending in the new one
 * must be raised to the highest priority, so that the code that leaves the
 * critical section finds it. The old struct upcall must not change.
 *
 * upcall.rst, sections 3 and 4, rule 1.
 */
#include "upcall_proc.h"

static struct upcall old = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static struct upcall third = UPCALL_INIT;
static int low, high, low_hits, high_hits, pending_inside;

static void enter_high(void *data)
{
	pending_inside = new.pending;
	high_hits++;
}

FIXTURE(holds) {
};

FIXTURE_VARIANT(holds) {
	int crit, pending;	/* of the new one */
	int high;		/* the highest priority that is pending */
	int noted;		/* pending in the new one afterwards */
	bool old_pending;	/* the old one holds by pending */
};

FIXTURE_VARIANT_ADD(holds, by_a_section) {
	.crit = UPC_CRITADD, .high = 7, .noted = 7,
};

FIXTURE_VARIANT_ADD(holds, by_a_section_of_that_priority) {
	.crit = 40, .high = 40, .noted = 40, .old_pending = true,
};

FIXTURE_VARIANT_ADD(holds, by_pending) {
	.pending = 1, .high = 7, .noted = 7, .old_pending = true,
};

FIXTURE_VARIANT_ADD(holds, by_pending_whatever_the_priority) {
	.pending = 1, .high = 1000, .noted = 1000,
};

FIXTURE_VARIANT_ADD(holds, by_pending_that_is_higher) {
	.pending = 9, .high = 7, .noted = 9,
};

FIXTURE_VARIANT_ADD(holds, by_pending_of_that_priority) {
	.pending = 7, .high = 7, .noted = 7, .old_pending = true,
};

FIXTURE_VARIANT_ADD(holds, by_pending_below_0) {
	.pending = -1, .high = 7, .noted = 7,
};

FIXTURE_VARIANT_ADD(holds, by_both) {
	.crit = 3 * UPC_CRITADD, .pending = 2, .high = 7, .noted = 7,
};

/* Two upcalls are pending, the lower one at priority 3. */
FIXTURE_SETUP(holds)
{
	low = upc_register_ctx(&old, ctx_next, count_cfunc, &low_hits);
	high = upc_register_ctx(&old, ctx_pop, enter_high, NULL);
	ASSERT_GT(low, 0);
	ASSERT_GT(high, 0);
	if (variant->old_pending)
		old.pending = 1;
	else
		old.crit_count = INT_MAX;
	ASSERT_EQ(0, upc_dispatch(low, 3));
	ASSERT_EQ(0, upc_dispatch(high, variant->high));
	new.crit_count = variant->crit;
	new.pending = variant->pending;
}

FIXTURE_TEARDOWN(holds)
{
}

static int add(struct upcall *upc)
{
	return upc_register_ctx(upc, ctx_next, count_cfunc, NULL);
}

TEST_F(holds, and_is_told)
{
	struct upcall before = old;

	ASSERT_GT(add(&new), 0);
	EXPECT_EQ(0, low_hits + high_hits);
	EXPECT_EQ(variant->noted, new.pending);
	EXPECT_EQ(variant->crit, new.crit_count);
	EXPECT_EQ(0, memcmp(&before, &old, sizeof(old)));
	EXPECT_EQ(1, upc_poll(high, variant->high));
	EXPECT_EQ(1, upc_poll(low, 3));

	/* The code that leaves the section calls DISPATCH of -1. */
	new.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, high_hits);
	EXPECT_EQ(1, low_hits);
	EXPECT_EQ(3, pending_inside);
	EXPECT_EQ(0, new.pending);
	EXPECT_EQ(0, memcmp(&before, &old, sizeof(old)));
}

/* Replaces the new one by a third, and that by the old one. */
TEST_F(holds, and_is_replaced_again)
{
	struct upcall before;

	ASSERT_GT(add(&new), 0);
	before = new;
	third.crit_count = INT_MAX;
	ASSERT_GT(add(&third), 0);
	EXPECT_EQ(variant->high, third.pending);
	EXPECT_EQ(INT_MAX, third.crit_count);
	EXPECT_EQ(0, memcmp(&before, &new, sizeof(new)));
	EXPECT_EQ(0, low_hits + high_hits);

	old.crit_count = 0;
	old.pending = 0;
	ASSERT_GT(add(&old), 0);
	EXPECT_EQ(1, high_hits);
	EXPECT_EQ(1, low_hits);
	EXPECT_EQ(variant->high, third.pending);
	EXPECT_EQ(INT_MAX, third.crit_count);
}

/* A registration with the same structure changes nothing. */
TEST_F(holds, and_registers_the_same_again)
{
	struct upcall before = old;

	ASSERT_GT(add(&old), 0);
	EXPECT_EQ(0, low_hits + high_hits);
	EXPECT_EQ(0, memcmp(&before, &old, sizeof(old)));
	EXPECT_EQ(1, upc_poll(high, variant->high));
}

/* The higher one is entered; the lower one is noted then and at its NEXT. */
TEST(holds_the_lower_one_alone)
{
	low = upc_register_ctx(&old, ctx_next, count_cfunc, &low_hits);
	high = upc_register_ctx(&old, ctx_next, enter_high, NULL);
	ASSERT_GT(low, 0);
	ASSERT_GT(high, 0);
	old.crit_count = 2 * UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(low, 7));
	ASSERT_EQ(0, upc_dispatch(high, UPC_CRITADD + 1));
	new.crit_count = UPC_CRITADD;
	ASSERT_GT(add(&new), 0);
	EXPECT_EQ(1, high_hits);
	EXPECT_EQ(0, low_hits);
	EXPECT_EQ(7, pending_inside);
	EXPECT_EQ(7, new.pending);
	EXPECT_EQ(UPC_CRITADD, new.crit_count);
	crit_exit(&new);
	EXPECT_EQ(1, low_hits);
}

TEST_HARNESS_MAIN
