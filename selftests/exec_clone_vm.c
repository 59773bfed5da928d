// SPDX-License-Identifier: GPL-2.0
/*
 * exec by a process that shares its memory with another: its upcalls leave the
 * table they share, those of the other stay and go on working, and the new
 * image has none of either.
 *
 * upc_register(2), DESCRIPTION; upcall.rst, section 1 (execve, vfork).
 */
#include "upcall_proc.h"

#define STACK	65536

static struct upcall upc = UPCALL_INIT;
static struct upcall child_upc = UPCALL_INIT;
static int hits, child_hits, ids[2], go;
static char stack[STACK];

static int image(const int *old, int n)
{
	int i;

	CHECK(n == 2);
	for (i = 0; i < n; i++) {
		CHECK(upc_poll(old[i], 0) == -ENOENT);
		CHECK(upc_dispatch(old[i], 1) == -ENOENT);
	}
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(!hits && !child_hits && !upc.pending && !child_upc.pending);
	return KSFT_PASS;
}

static int child(void *arg)
{
	child_upc.crit_count = UPC_CRITADD;
	child_upc.pending = 0;
	ids[1] = upc_register_ctx(&child_upc, ctx_next, count_cfunc,
				  &child_hits);
	CHECK(ids[1] > 0);
	WRITE_ONCE(go, 1);
	WAIT_UNTIL(READ_ONCE(go) == 2);
	exec_image(ids, 2);
	return KSFT_FAIL;
}

TEST(the_other_goes_on)
{
	int round, before, unknown, ret;
	pid_t pid;

	ids[0] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(ids[0], 0);
	for (round = 0; round < 10; round++) {
		WRITE_ONCE(go, 0);
		pid = clone(child, stack + STACK, CLONE_VM | SIGCHLD, NULL);
		ASSERT_GT(pid, 0);
		WAIT_UNTIL(READ_ONCE(go) == 1);
		ASSERT_EQ(0, upc_dispatch(ids[1], 9));
		ASSERT_EQ(1, upc_poll(ids[1], 9));
		WRITE_ONCE(go, 2);

		/* Dispatched to until it is gone, and never known again. */
		for (unknown = 0; unknown < 10; ) {
			ret = upc_dispatch(ids[1], 9);
			if (ret == -ENOENT)
				unknown++;
			else
				ASSERT_EQ(0, unknown);
			before = hits;
			ASSERT_EQ(0, upc_dispatch(ids[0], 1));
			ASSERT_EQ(before + 1, hits);
			sched_yield();
		}
		ASSERT_EQ(0, child_status(pid));
		ASSERT_EQ(-ENOENT, upc_poll(ids[1], 0));
		/* What the child left in the memory it left is not touched. */
		ASSERT_EQ(UPC_CRITADD, child_upc.crit_count);
		ASSERT_EQ(0, child_hits);
	}
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(0, upc.pending);
}

TEST(after_vfork)
{
	pid_t pid;

	ids[0] = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(ids[0], 0);
	pid = vfork();
	if (!pid) {
		ids[1] = upc_register_ctx(&child_upc, ctx_next, count_cfunc,
					  &child_hits);
		CHECK(ids[1] > 0);
		CHECK(upc_dispatch(ids[0], 1) == 0);
		exec_image(ids, 2);
	}
	ASSERT_GT(pid, 0);
	/* Entered on the way out of vfork(), which exec has ended. */
	ASSERT_EQ(1, hits);
	ASSERT_EQ(-ENOENT, upc_poll(ids[1], 0));
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(0, upc_dispatch(ids[0], 1));
	ASSERT_EQ(2, hits);
}

int main(int argc, char **argv)
{
	int old[IMAGE_IDS], n = image_ids(argc, argv, old);

	return n < 0 ? test_harness_run(argc, argv) : image(old, n);
}
