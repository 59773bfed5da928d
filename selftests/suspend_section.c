// SPDX-License-Identifier: GPL-2.0
/*
 * SUSPEND leaves the critical section it is called in, however it returns,
 * and only that one. upcall.rst, section 6, SUSPEND.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

FIXTURE(suspend_section) {
	int id;
};

FIXTURE_VARIANT(suspend_section) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(suspend_section, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(suspend_section, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(suspend_section)
{
	self->id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(self->id, 0);
	ASSERT_EQ(0, tick_every_ms(20));
}

FIXTURE_TEARDOWN(suspend_section)
{
}

TEST_F(suspend_section, left_on_success)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	ASSERT_EQ(self->id, upc_suspend(1));
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_F(suspend_section, left_on_a_signal)
{
	int i;

	for (i = 0; i < 5; i++) {
		crit_enter(&upc);
		ASSERT_EQ(-EINTR, upc_suspend(1));
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, READ_ONCE(upc.pending));
	}

	/* The section is really left: upcalls are not held. */
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_F(suspend_section, nested_success_holds_in_the_outer_one)
{
	upc.crit_count = 2 * UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	ASSERT_EQ(self->id, upc_suspend(1));
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	EXPECT_EQ(0, READ_ONCE(hits));
	EXPECT_LE(1, READ_ONCE(upc.pending));
	crit_exit(&upc);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_F(suspend_section, nested_success_above_the_outer_one)
{
	upc.crit_count = 2 * UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(self->id, UPC_CRITADD + 1));
	ASSERT_EQ(0, READ_ONCE(hits));
	ASSERT_EQ(self->id, upc_suspend(1));
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	EXPECT_EQ(0, READ_ONCE(upc.pending));
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_F(suspend_section, nested_on_a_signal)
{
	upc.crit_count = 2 * UPC_CRITADD;
	ASSERT_EQ(-EINTR, upc_suspend(1));
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	crit_exit(&upc);
	EXPECT_EQ(0, upc.crit_count);
}

/* Not entered for its own sake, but no longer held by the section either. */
TEST_F(suspend_section, what_was_held_is_entered_after_a_signal)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	ASSERT_EQ(-EINTR, upc_suspend(2));
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, READ_ONCE(upc.pending));
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_HARNESS_MAIN
