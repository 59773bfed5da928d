// SPDX-License-Identifier: GPL-2.0
/*
 * DELETE of an upcall that is running, by itself or by another upcall above
 * it: it runs to its end and leaves as ever, and is not entered again.
 *
 * upc_register(2), UPC_CONTROL_DELETE and UPC_CONTROL_NEXT; upcall.rst,
 * sections 1 and 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int id, other, hits, other_hits, ret = -1;

static void delete_self(void *data)
{
	/* Pending again while it runs: that goes too. */
	upc_dispatch(id, 1);
	ret = upc_delete(id);
	hits++;
}

static void delete_it(void *data)
{
	ret = upc_delete(id);
	other_hits++;
}

static void dispatch_other(void *data)
{
	hits++;
	upc_dispatch(other, 33);
	hits++;
}

FIXTURE(running) {
};

FIXTURE_VARIANT(running) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(running, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(running, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(running)
{
}

FIXTURE_TEARDOWN(running)
{
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-ENOENT, upc_dispatch(id, 1));
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(running, by_itself)
{
	id = upc_register_ctx(&upc, variant->ctx, delete_self, NULL);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(1, hits);
}

TEST_F(running, by_one_above)
{
	id = upc_register_ctx(&upc, variant->ctx, dispatch_other, NULL);
	other = upc_register_ctx(&upc, variant->ctx, delete_it, NULL);
	ASSERT_GT(id, 0);
	ASSERT_GT(other, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(2, hits);
	EXPECT_EQ(1, other_hits);
}

TEST_HARNESS_MAIN
