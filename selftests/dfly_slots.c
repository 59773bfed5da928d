// SPDX-License-Identifier: GPL-2.0
/*
 * DragonFly's defect 1: deletion did not give the slot back, so that after
 * 32 cycles of registration and deletion no more could be registered.
 *
 * upc_register(2), UPC_CONTROL_DELETE and ERRORS; the upcall.rst, section 1.
 */
#include "upcall_test.h"

/* More than the limit by default, and than most would set. */
#define CYCLES	10000

static struct upcall upc = UPCALL_INIT;
static int hits;

TEST(delete_by_id)
{
	int i, id;

	for (i = 0; i < CYCLES; i++) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_delete(id));
	}
}

TEST(delete_all)
{
	int i;

	for (i = 0; i < CYCLES; i++) {
		ASSERT_GT(upc_register_ctx(&upc, ctx_next, count_cfunc, &hits),
			  0);
		ASSERT_EQ(0, upc_delete(-1));
	}
}

TEST(delete_while_pending)
{
	int i, id;

	crit_enter(&upc);
	for (i = 0; i < CYCLES; i++) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_dispatch(id, 1));
		ASSERT_EQ(0, upc_delete(id));
	}
	crit_exit(&upc);
	EXPECT_EQ(0, hits);
}

TEST(one_stays)
{
	int i, id, stays;

	stays = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(stays, 0);
	for (i = 0; i < CYCLES; i++) {
		id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
		ASSERT_GT(id, 0);
		ASSERT_EQ(0, upc_delete(id));
	}
	ASSERT_EQ(0, upc_dispatch(stays, 1));
	EXPECT_EQ(1, hits);
}

TEST_HARNESS_MAIN
