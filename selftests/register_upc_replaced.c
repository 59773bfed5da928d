// SPDX-License-Identifier: GPL-2.0
/*
 * struct upcall is one per task, not one per upcall: the last registration
 * wins for all of the task's upcalls, and for nobody else's.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 1.
 */
#include "upcall_test.h"

static struct upcall first = UPCALL_INIT;
static struct upcall second = UPCALL_INIT;

/* The two critical section counts, as the last cfunc saw them. */
static int first_crit, second_crit, hits;

static void look(void *data)
{
	first_crit = first.crit_count;
	second_crit = second.crit_count;
	WRITE_ONCE(hits, hits + 1);
}

TEST(last_wins_for_all)
{
	int a, b;

	a = upc_register_ctx(&first, ctx_next, look, NULL);
	ASSERT_GT(a, 0);
	ASSERT_EQ(0, upc_dispatch(a, 1));
	ASSERT_EQ(1, hits);
	EXPECT_EQ(UPC_CRITADD, first_crit);
	EXPECT_EQ(0, second_crit);

	b = upc_register_ctx(&second, ctx_next, look, NULL);
	ASSERT_GT(b, 0);
	ASSERT_EQ(0, upc_dispatch(a, 1));
	ASSERT_EQ(2, hits);
	EXPECT_EQ(0, first_crit);
	EXPECT_EQ(UPC_CRITADD, second_crit);

	ASSERT_GT(upc_register_ctx(&first, ctx_next, look, NULL), 0);
	ASSERT_EQ(0, upc_dispatch(b, 1));
	ASSERT_EQ(3, hits);
	EXPECT_EQ(UPC_CRITADD, first_crit);
	EXPECT_EQ(0, second_crit);
}

TEST(pending_ones_too)
{
	int a;

	a = upc_register_ctx(&first, ctx_next, look, NULL);
	ASSERT_GT(a, 0);
	crit_enter(&first);
	ASSERT_EQ(0, upc_dispatch(a, 1));
	ASSERT_EQ(0, hits);
	ASSERT_EQ(1, first.pending);

	ASSERT_GT(upc_register_ctx(&second, ctx_next, look, NULL), 0);
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	EXPECT_EQ(UPC_CRITADD, first_crit);
	EXPECT_EQ(UPC_CRITADD, second_crit);

	/* The structure that was replaced is the user's own again. */
	EXPECT_EQ(1, first.pending);
	EXPECT_EQ(UPC_CRITADD, first.crit_count);
	EXPECT_EQ(0, second.pending);
	EXPECT_EQ(0, second.crit_count);
}

static void *other_task(void *arg)
{
	int *id = arg;

	WRITE_ONCE(*id, upc_register_ctx(&second, ctx_next, look, NULL));
	while (*id > 0 && !READ_ONCE(hits))
		cpu_relax();
	return NULL;
}

TEST(other_tasks_keep_theirs)
{
	static int a, b;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, other_task, &b));
	while (!READ_ONCE(b))
		sched_yield();
	ASSERT_GT(b, 0);
	a = upc_register_ctx(&first, ctx_next, look, NULL);
	ASSERT_GT(a, 0);

	ASSERT_EQ(0, upc_dispatch(b, 1));
	pthread_join(thread, NULL);
	ASSERT_EQ(1, hits);
	EXPECT_EQ(0, first_crit);
	EXPECT_EQ(UPC_CRITADD, second_crit);

	ASSERT_EQ(0, upc_dispatch(a, 1));
	ASSERT_EQ(2, hits);
	EXPECT_EQ(UPC_CRITADD, first_crit);
	EXPECT_EQ(0, second_crit);
}

TEST_HARNESS_MAIN
