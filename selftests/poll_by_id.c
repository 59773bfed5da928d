// SPDX-License-Identifier: GPL-2.0
/*
 * POLL of one identifier: 1 if it is pending with at least the priority
 * given, and 1 where that is less; 0 otherwise. Whoever owns it, and it
 * changes nothing.
 *
 * upc_register(2), UPC_CONTROL_POLL; the upcall.rst, section 6.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static int id, other, hits;

/* From outside of the test function, for the thread below. */
static int bad_answers(int pending)
{
	int bad = 0;

	bad += upc_poll(id, 0) != (pending >= 1);
	bad += upc_poll(id, -5) != (pending >= 1);
	bad += upc_poll(id, INT_MIN) != (pending >= 1);
	bad += upc_poll(id, 1) != (pending >= 1);
	bad += upc_poll(id, 6) != (pending >= 6);
	bad += upc_poll(id, 7) != (pending >= 7);
	bad += upc_poll(id, 8) != (pending >= 8);
	bad += upc_poll(id, INT_MAX) != (pending == INT_MAX);
	bad += upc_poll(other, 0) != 0;
	return bad;
}

static void *poll_thread(void *arg)
{
	return (void *)(long)bad_answers(*(int *)arg);
}

static int bad_answers_elsewhere(int pending)
{
	pthread_t thread;
	void *bad;

	if (pthread_create(&thread, NULL, poll_thread, &pending))
		return -1;
	pthread_join(thread, &bad);
	return (long)bad;
}

FIXTURE(poll) {
};

FIXTURE_SETUP(poll)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	other = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(other, 0);
	crit_enter(&upc);
}

FIXTURE_TEARDOWN(poll)
{
}

TEST_F(poll, not_pending)
{
	EXPECT_EQ(0, bad_answers(0));
	EXPECT_EQ(0, bad_answers_elsewhere(0));
}

TEST_F(poll, pending)
{
	ASSERT_EQ(0, upc_dispatch(id, 7));
	EXPECT_EQ(0, bad_answers(7));
	EXPECT_EQ(0, bad_answers_elsewhere(7));
	EXPECT_EQ(7, upc.pending);

	ASSERT_EQ(0, upc_dispatch(id, INT_MAX));
	EXPECT_EQ(0, bad_answers(INT_MAX));
	EXPECT_EQ(0, hits);

	crit_exit(&upc);
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, bad_answers(0));
	EXPECT_EQ(0, bad_answers_elsewhere(0));
}

TEST_F(poll, null_priority)
{
	ASSERT_EQ(0, upc_dispatch(id, 0));
	EXPECT_EQ(0, bad_answers(1));
	EXPECT_EQ(0, bad_answers_elsewhere(1));
}

TEST_HARNESS_MAIN
