// SPDX-License-Identifier: GPL-2.0
/*
 * WAIT and SUSPEND take no identifier but -1. upcall.rst, section 6.
 */
#include "upcall_test.h"

TEST(upcid_other_than_minus_1)
{
	static struct upcall upc = UPCALL_INIT;
	int cmd, id, hits = 0;

	id = upc_register_ctx(&upc, ctx_pop, count_cfunc, &hits);
	ASSERT_GT(id, 0);

	/* With one pending, so that a kernel that took them returned. */
	WRITE_ONCE(upc.pending, 1);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	for (cmd = UPC_CONTROL_WAIT; cmd <= UPC_CONTROL_SUSPEND; cmd++) {
		EXPECT_EQ(-EINVAL, upc_control(cmd, id, 1));
		EXPECT_EQ(-EINVAL, upc_control(cmd, 0, 1));
		EXPECT_EQ(-EINVAL, upc_control(cmd, -2, 1));
		EXPECT_EQ(-EINVAL, upc_control(cmd, INT_MAX, 1));
		EXPECT_EQ(-EINVAL, upc_control(cmd, INT_MIN, 1));
	}
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(1, upc_poll(id, 1));
	EXPECT_EQ(0, READ_ONCE(hits));
}

TEST_HARNESS_MAIN
