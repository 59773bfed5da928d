// SPDX-License-Identifier: GPL-2.0
/*
 * DELETE of a pending upcall drops it: it is never entered, and those that
 * are pending beside it are, in their order.
 *
 * upc_register(2), UPC_CONTROL_DELETE; the upcall.rst, sections 4 and 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static const int priorities[] = { 9, 8, 8, 2 };
static int ids[4], hits[4];

FIXTURE(delete) {
};

FIXTURE_VARIANT(delete) {
	int which;
	bool other_task;
};

FIXTURE_VARIANT_ADD(delete, highest) { .which = 0, .other_task = false };
FIXTURE_VARIANT_ADD(delete, second) { .which = 1, .other_task = false };
FIXTURE_VARIANT_ADD(delete, lowest) { .which = 3, .other_task = false };
FIXTURE_VARIANT_ADD(delete, highest_by_thread) {
	.which = 0, .other_task = true,
};

FIXTURE_VARIANT_ADD(delete, lowest_by_thread) {
	.which = 3, .other_task = true,
};

FIXTURE_SETUP(delete)
{
	int i;

	crit_enter(&upc);
	for (i = 0; i < 4; i++) {
		ids[i] = upc_register_ctx(&upc, ctx_next, count_cfunc,
					  &hits[i]);
		ASSERT_GT(ids[i], 0);
	}
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, upc_dispatch(ids[i], priorities[i]));
}

FIXTURE_TEARDOWN(delete)
{
}

static void *delete_one(void *arg)
{
	return (void *)(long)upc_delete(*(int *)arg);
}

TEST_F(delete, is_never_entered)
{
	int *id = &ids[variant->which], i;
	pthread_t thread;
	void *ret;

	if (variant->other_task) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, delete_one, id));
		pthread_join(thread, &ret);
	} else {
		ret = delete_one(id);
	}
	ASSERT_EQ(0, (long)ret);
	EXPECT_EQ(-ENOENT, upc_poll(*id, 0));
	crit_exit(&upc);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(i != variant->which, hits[i]);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

/* The next entry's pending speaks of those that are left. */
TEST_F(delete, counts_no_longer)
{
	int which = variant->which, i;

	ASSERT_EQ(0, upc_delete(ids[which]));
	upc.pending = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, hits[i]);
	EXPECT_EQ(priorities[which ? 0 : 1], upc.pending);
	ASSERT_EQ(0, upc_delete(-1));
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(0, upc.pending);
}

/* The owner sleeps, and would enter this one alone when it wakes. */
static void *delete_after_dispatch(void *arg)
{
	pid_t *owner = arg;
	long bad;

	bad = !wait_until_asleep(*owner);
	bad += upc_dispatch(ids[0], 100) != 0;
	bad += upc_delete(ids[0]) != 0;
	return (void *)bad;
}

TEST_F(delete, on_its_way)
{
	pid_t owner = sys_gettid();
	pthread_t thread;
	void *bad;

	upc.crit_count = 50;
	upc.pending = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, delete_after_dispatch,
				    &owner));
	pthread_join(thread, &bad);
	EXPECT_EQ(0, (long)bad);
	EXPECT_EQ(0, hits[0]);
	upc.crit_count = UPC_CRITADD;
	crit_exit(&upc);
	EXPECT_EQ(0, hits[0]);
	EXPECT_EQ(1, hits[1]);
}

TEST_HARNESS_MAIN
