// SPDX-License-Identifier: GPL-2.0
/*
 * WAIT and SUSPEND called when what they wait for is already pending: they
 * do not sleep. upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits, high_hits, order;

static void note_order_cfunc(void *data)
{
	int *at = data;

	WRITE_ONCE(*at, ++order);
}

FIXTURE(wait_pending) {
	int id;
};

FIXTURE_VARIANT(wait_pending) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(wait_pending, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(wait_pending, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(wait_pending)
{
	self->id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(wait_pending)
{
}

TEST_F(wait_pending, wait_in_a_section)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(self->id, 3));
	ASSERT_EQ(self->id, upc_wait(3));
	ASSERT_EQ(self->id, upc_wait(1));
	EXPECT_EQ(0, READ_ONCE(hits));
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	crit_exit(&upc);
	EXPECT_EQ(1, READ_ONCE(hits));
}

/* Held by pending alone; WAIT does not acknowledge it. */
TEST_F(wait_pending, wait_with_pending_set)
{
	WRITE_ONCE(upc.pending, 1);
	ASSERT_EQ(0, upc_dispatch(self->id, 1));
	ASSERT_EQ(self->id, upc_wait(1));
	EXPECT_EQ(0, READ_ONCE(hits));
	EXPECT_EQ(1, upc_poll(self->id, 1));
	EXPECT_LE(1, READ_ONCE(upc.pending));
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, READ_ONCE(hits));
}

TEST_F(wait_pending, suspend)
{
	int i;

	for (i = 1; i <= 100; i++) {
		crit_enter(&upc);
		ASSERT_EQ(0, upc_dispatch(self->id, 3));
		ASSERT_EQ(i - 1, READ_ONCE(hits));
		ASSERT_LE(1, READ_ONCE(upc.pending));
		ASSERT_EQ(self->id, upc_suspend(3));
		ASSERT_EQ(i, READ_ONCE(hits));
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, READ_ONCE(upc.pending));
	}
}

TEST_F(wait_pending, suspend_enters_all_highest_first)
{
	int low, high;

	low = upc_register_ctx(&upc, variant->ctx, note_order_cfunc, &hits);
	ASSERT_GT(low, 0);
	high = upc_register_ctx(&upc, variant->ctx, note_order_cfunc,
				&high_hits);
	ASSERT_GT(high, 0);

	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(low, 3));
	ASSERT_EQ(0, upc_dispatch(high, 5));
	ASSERT_EQ(high, upc_wait(1));
	ASSERT_EQ(high, upc_suspend(1));
	EXPECT_EQ(1, READ_ONCE(high_hits));
	EXPECT_EQ(2, READ_ONCE(hits));
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, READ_ONCE(upc.pending));
}

TEST_HARNESS_MAIN
