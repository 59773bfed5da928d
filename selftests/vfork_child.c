// SPDX-License-Identifier: GPL-2.0
/*
 * A vfork() child sees its parent's table and may use it, but owns nothing in
 * it; what it registers itself leaves with it.
 *
 * upc_register(2), DESCRIPTION (processes sharing a VM space) and
 * UPC_CONTROL_DELETE; upcall.rst, section 1.
 */
#include "upcall_proc.h"

static struct upcall upc = UPCALL_INIT;
static struct upcall child_upc = UPCALL_INIT;
static int hits, child_hits, child_id;

TEST(dispatches_to_the_parent)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	pid_t pid;

	ASSERT_GT(id, 0);
	pid = vfork();
	if (!pid) {
		CHECK(upc_dispatch(id, 1) == 0);
		/* The parent sleeps: pending, and nothing of the child's. */
		CHECK(upc_poll(id, 1) == 1);
		CHECK(upc_poll(-1, 1) == 0);
		CHECK(!hits);
		_exit(KSFT_PASS);
	}
	/* Entered at the end of the call that it did not interrupt. */
	ASSERT_EQ(1, hits);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(0, upc_poll(id, 1));
	ASSERT_EQ(0, upc.crit_count);
}

TEST(owns_nothing)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	pid_t pid;

	ASSERT_GT(id, 0);
	upc.crit_count = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(id, 1));
	pid = vfork();
	if (!pid) {
		CHECK(upc_poll(-1, 0) == 0);
		CHECK(upc_pollclear(-1, 1) == 0);
		CHECK(upc_delete(-1) == 0);
		CHECK(upc_dispatch(-1, 0) == 0);
		CHECK(upc.pending == 1 && upc.crit_count == UPC_CRITADD);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(id, upc_poll(-1, 1));
	upc.crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
}

TEST(deletes_by_id)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	int kept = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	pid_t pid;

	ASSERT_GT(id, 0);
	ASSERT_GT(kept, 0);
	pid = vfork();
	if (!pid) {
		CHECK(upc_delete(id) == 0);
		_exit(KSFT_PASS);
	}
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(-ENOENT, upc_dispatch(id, 1));
	ASSERT_EQ(0, upc_dispatch(kept, 1));
	ASSERT_EQ(1, hits);
}

TEST(its_own_leave_with_it)
{
	int id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	pid_t pid;

	ASSERT_GT(id, 0);
	pid = vfork();
	if (!pid) {
		child_id = upc_register_ctx(&child_upc, ctx_next, count_cfunc,
					    &child_hits);
		CHECK(child_id > 0 && child_id != id);
		CHECK(upc_dispatch(child_id, 1) == 0);
		CHECK(child_hits == 1 && !hits);
		/* One is pending when it goes. */
		child_upc.crit_count = UPC_CRITADD;
		CHECK(upc_dispatch(child_id, 1) == 0);
		CHECK(upc_poll(child_id, 1) == 1);
		_exit(KSFT_PASS);
	}
	/* The parent runs again: the child has left the memory they shared. */
	ASSERT_EQ(-ENOENT, upc_poll(child_id, 0));
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(-ENOENT, upc_dispatch(child_id, 1));
	ASSERT_EQ(1, child_hits);

	/* The parent's upc is its own still. */
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(1, hits);
	ASSERT_EQ(UPC_CRITADD, child_upc.crit_count);
}

TEST_HARNESS_MAIN
