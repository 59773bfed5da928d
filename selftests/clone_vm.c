// SPDX-License-Identifier: GPL-2.0
/*
 * A process cloned with CLONE_VM shares the table with its parent: each may
 * dispatch to, poll and delete the other's upcalls, owns only its own, and
 * takes only its own away when it exits.
 *
 * upc_register(2), DESCRIPTION; upcall.rst, section 1.
 */
#include "upcall_proc.h"

#define STACK	65536

static struct upcall upc = UPCALL_INIT;
static struct upcall child_upc = UPCALL_INIT;
static int hits, child_hits, id, child_id, gone_id, phase;
static char stack[STACK];

static pid_t start(int (*fn)(void *arg))
{
	return clone(fn, stack + STACK, CLONE_VM | SIGCHLD, NULL);
}

static int reads_the_table(void *arg)
{
	CHECK(upc_poll(id, 0) == 0);
	CHECK(upc_poll(-1, 0) == 0);
	CHECK(upc_delete(-1) == 0);
	/* No upc: nothing that the parent has pending is this task's. */
	CHECK(upc_dispatch(-1, 0) == 0);
	CHECK(upc_dispatch(id, 1) == 0);
	WAIT_UNTIL(READ_ONCE(hits) == 1);
	CHECK(upc_delete(gone_id) == 0);
	CHECK(upc_delete(gone_id) == -ENOENT);
	return KSFT_PASS;
}

TEST(the_child_uses_the_parents)
{
	pid_t pid;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	gone_id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_GT(gone_id, 0);

	pid = start(reads_the_table);
	ASSERT_GT(pid, 0);
	/* Interrupted in user mode, without a system call. */
	while (!READ_ONCE(hits))
		cpu_relax();
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(-ENOENT, upc_poll(gone_id, 0));
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(2, hits);
}

static int spins_for_the_parent(void *arg)
{
	child_id = upc_register_ctx(&child_upc, ctx_next, count_cfunc,
				    &child_hits);
	CHECK(child_id > 0 && child_id != id);
	WRITE_ONCE(phase, 1);
	while (READ_ONCE(child_hits) < 10)
		cpu_relax();
	CHECK(!hits);
	child_upc.crit_count = UPC_CRITADD;
	WRITE_ONCE(phase, 2);
	WAIT_UNTIL(READ_ONCE(phase) == 3);
	return KSFT_PASS;
}

TEST(the_parent_uses_the_childs)
{
	pid_t pid;
	int i;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	pid = start(spins_for_the_parent);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(READ_ONCE(phase) == 1);
	for (i = 1; i <= 10; i++) {
		ASSERT_EQ(0, upc_dispatch(child_id, 1));
		WAIT_UNTIL(READ_ONCE(child_hits) == i);
	}
	ASSERT_EQ(0, hits);

	/* Held by the child's section, and the child's alone. */
	WAIT_UNTIL(READ_ONCE(phase) == 2);
	ASSERT_EQ(0, upc_dispatch(child_id, 1));
	ASSERT_EQ(1, upc_poll(child_id, 1));
	ASSERT_EQ(0, upc_poll(-1, 1));
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(1, hits);

	/* Deleting what is the caller's leaves the child's pending. */
	ASSERT_EQ(0, upc_delete(-1));
	ASSERT_EQ(1, upc_poll(child_id, 1));
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);

	WRITE_ONCE(phase, 3);
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(-ENOENT, upc_poll(child_id, 0));
	ASSERT_EQ(-ENOENT, upc_dispatch(child_id, 1));
	ASSERT_EQ(10, child_hits);
	ASSERT_EQ(0, upc_dispatch(id, 1));
	ASSERT_EQ(2, hits);
}

TEST_HARNESS_MAIN
