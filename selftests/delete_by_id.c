// SPDX-License-Identifier: GPL-2.0
/*
 * DELETE of one identifier: the upcall goes, whichever task registered it,
 * and nothing else does.
 *
 * upc_register(2), UPC_CONTROL_DELETE; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int a, b, a_hits, b_hits;

static int delete_a(void *arg)
{
	return upc_delete(a);
}

static void *delete_a_thread(void *arg)
{
	return (void *)(long)delete_a(arg);
}

FIXTURE(delete) {
};

FIXTURE_SETUP(delete)
{
	a = upc_register_ctx(&upc, ctx_next, count_cfunc, &a_hits);
	ASSERT_GT(a, 0);
	b = upc_register_ctx(&upc, ctx_next, count_cfunc, &b_hits);
	ASSERT_GT(b, 0);
}

FIXTURE_TEARDOWN(delete)
{
	EXPECT_EQ(-ENOENT, upc_dispatch(a, 1));
	EXPECT_EQ(-ENOENT, upc_delete(a));
	EXPECT_EQ(-ENOENT, upc_poll(a, 0));
	EXPECT_EQ(0, a_hits);
	EXPECT_EQ(0, upc_dispatch(b, 1));
	EXPECT_EQ(1, b_hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(delete, by_the_owner)
{
	EXPECT_EQ(0, upc_delete(a));
}

TEST_F(delete, by_a_thread)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, delete_a_thread, NULL));
	pthread_join(thread, &ret);
	EXPECT_EQ(0, (long)ret);
}

TEST_F(delete, by_a_process)
{
	static char stack[65536];
	int status;
	pid_t pid;

	pid = clone(delete_a, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
