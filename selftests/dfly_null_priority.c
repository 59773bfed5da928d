// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 7: DISPATCH with a NULL priority, which is how its
 * manual page calls it, was never delivered. It counts as priority 1.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH; the upcall.rst, section 4.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

FIXTURE(null) {
	int id;
};

FIXTURE_SETUP(null)
{
	self->id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(self->id, 0);
}

FIXTURE_TEARDOWN(null)
{
}

TEST_F(null, is_delivered)
{
	ASSERT_EQ(0, upc_control(UPC_CONTROL_DISPATCH, self->id, (long)NULL));
	EXPECT_EQ(1, hits);
}

TEST_F(null, counts_as_one)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_control(UPC_CONTROL_DISPATCH, self->id, (long)NULL));
	EXPECT_EQ(0, hits);
	EXPECT_EQ(1, upc.pending);
	EXPECT_EQ(1, upc_poll(self->id, 1));
	EXPECT_EQ(0, upc_poll(self->id, 2));

	/* The manual page's way out of a critical section passes NULL too. */
	upc.crit_count -= UPC_CRITADD;
	ASSERT_EQ(0, upc_control(UPC_CONTROL_DISPATCH, -1, (long)NULL));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(null, does_not_lower)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(self->id, 7));
	ASSERT_EQ(0, upc_dispatch(self->id, 0));
	EXPECT_EQ(1, upc_poll(self->id, 7));
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

TEST_HARNESS_MAIN
