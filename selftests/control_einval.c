// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that there are none of: EINVAL, whatever else is passed.
 *
 * upc_register(2), DESCRIPTION of upc_control(); the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

static const int unknown[] = { 0, 12, 13, 500, -1, INT_MAX, INT_MIN };

TEST(commands_are_these)
{
	EXPECT_EQ(1, UPC_CONTROL_DISPATCH);
	EXPECT_EQ(2, UPC_CONTROL_NEXT);
	EXPECT_EQ(3, UPC_CONTROL_DELETE);
	EXPECT_EQ(4, UPC_CONTROL_POLL);
	EXPECT_EQ(5, UPC_CONTROL_POLLANDCLEAR);
	EXPECT_EQ(6, UPC_CONTROL_WAIT);
	EXPECT_EQ(7, UPC_CONTROL_SUSPEND);
	EXPECT_EQ(8, UPC_CONTROL_INTERRUPT);
	EXPECT_EQ(9, UPC_CONTROL_TIMER);
	EXPECT_EQ(10, UPC_CONTROL_ONBLOCK);
	EXPECT_EQ(11, UPC_CONTROL_ONWAKE);
}

TEST(without_any_registration)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-EINVAL, upc_control(unknown[i], -1, 0));
		EXPECT_EQ(-EINVAL, upc_control(unknown[i], 1, 0));
	}
}

TEST(with_a_pending_upcall)
{
	size_t i;
	int id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 3));
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-EINVAL, upc_control(unknown[i], id, 1));
		EXPECT_EQ(-EINVAL, upc_control(unknown[i], -1, 1));
	}
	EXPECT_EQ(1, upc_poll(id, 3));
	EXPECT_EQ(0, hits);
	EXPECT_EQ(3, upc.pending);
	EXPECT_EQ(UPC_CRITADD, upc.crit_count);
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

TEST_HARNESS_MAIN
