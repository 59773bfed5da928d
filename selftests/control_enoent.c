// SPDX-License-Identifier: GPL-2.0
/*
 * Identifiers that name no upcall: ENOENT from each command that takes one.
 *
 * upc_register(2), UPC_CONTROL_DISPATCH and ERRORS; upcall.rst,
 * section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int hits;

FIXTURE(enoent) {
};

FIXTURE_VARIANT(enoent) {
	int cmd;
};

FIXTURE_VARIANT_ADD(enoent, dispatch) { .cmd = UPC_CONTROL_DISPATCH };
FIXTURE_VARIANT_ADD(enoent, delete) { .cmd = UPC_CONTROL_DELETE };
FIXTURE_VARIANT_ADD(enoent, poll) { .cmd = UPC_CONTROL_POLL };
FIXTURE_VARIANT_ADD(enoent, pollandclear) { .cmd = UPC_CONTROL_POLLANDCLEAR };
FIXTURE_VARIANT_ADD(enoent, interrupt) { .cmd = UPC_CONTROL_INTERRUPT };

FIXTURE_SETUP(enoent)
{
}

FIXTURE_TEARDOWN(enoent)
{
}

TEST_F(enoent, without_any_registration)
{
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, 1, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, 0, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, INT_MAX, 1));
}

TEST_F(enoent, never_given_out)
{
	int id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, id + 1, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, 0, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, -2, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, -id - 1, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, INT_MAX, 1));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, INT_MIN, 1));
	EXPECT_EQ(0, hits);
}

TEST_F(enoent, deleted)
{
	int id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_delete(id));
	EXPECT_EQ(-ENOENT, upc_control(variant->cmd, id, 1));
	EXPECT_EQ(0, hits);
}

TEST_F(enoent, another_address_space_s)
{
	int id, status;
	pid_t pid;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	pid = fork();
	if (!pid)
		_exit(upc_control(variant->cmd, id, 1) != -ENOENT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, upc_poll(id, 0));
	EXPECT_EQ(0, hits);
}

TEST_HARNESS_MAIN
