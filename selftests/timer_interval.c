// SPDX-License-Identifier: GPL-2.0
/*
 * An interval timer dispatches again and again, but rests while its upcall is
 * pending. Setting a timer again, and taking it back.
 * upcall.rst, section 6, TIMER.
 */
#include "upcall_timer.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits;

FIXTURE(interval) {
};

FIXTURE_SETUP(interval)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(interval)
{
	EXPECT_EQ(0, upc_timer(id, 0, 0, 1));
	upc_dispatch(-1, 0);
	EXPECT_EQ(0, upc.crit_count);
}

TEST_F(interval, goes_on)
{
	long long start = now_ns();

	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, 5 * MSEC, 1));
	while (READ_ONCE(hits) < 20)
		cpu_relax();
	EXPECT_LE((20 + 19 * 5) * MSEC, now_ns() - start);
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
	hits = 0;
	spin_for(20 * MSEC);
	EXPECT_EQ(0, hits);
}

/* The times are those that were asked for, whenever it was entered. */
TEST_F(interval, keeps_time)
{
	long long first = now_ns() + 20 * MSEC;
	int i;

	ASSERT_EQ(0, upc_timer_by(ABSTIME, id, first, 20 * MSEC, 1));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(id, upc_wait(1));
		spin_for(7 * MSEC);
	}
	EXPECT_LE(first + 4 * 20 * MSEC, now_ns());
}

TEST_F(interval, rests_while_held)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_timer(id, 1, 1, 1));
	spin_for(20 * MSEC);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(1, upc_poll(id, 1));
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
	crit_exit(&upc);
	EXPECT_EQ(1, hits);
}

/* As short as can be: the thread gets on, if slowly. */
TEST_F(interval, of_a_nanosecond)
{
	ASSERT_EQ(0, upc_timer(id, 1, 1, 1));
	while (READ_ONCE(hits) < 1000)
		cpu_relax();
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
}

TEST_F(interval, goes_on_after_pollandclear)
{
	int i;

	crit_enter(&upc);
	ASSERT_EQ(0, upc_timer(id, 1, MSEC, 1));
	for (i = 0; i < 10; i++)
		WAIT_UNTIL(upc_pollclear(i % 2 ? id : -1, 1));
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
	upc_pollclear(id, 1);
	crit_exit(&upc);
	EXPECT_EQ(0, hits);
}

TEST_F(interval, goes_on_when_another_clears)
{
	pid_t pid;
	int i;

	crit_enter(&upc);
	ASSERT_EQ(0, upc_timer(id, 1, MSEC, 1));
	pid = vfork();
	if (!pid) {
		for (i = 0; i < 10; i++)
			WAIT_UNTIL(upc_pollclear(id, 1));
		_exit(0);
	}
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
	upc_pollclear(id, 1);
	crit_exit(&upc);
}

TEST_F(interval, is_set_again)
{
	long long start = now_ns();

	ASSERT_EQ(0, upc_timer(id, 1000000 * MSEC, MSEC, 1));
	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, 0, 1));
	while (!READ_ONCE(hits))
		cpu_relax();
	EXPECT_GT(1000000 * MSEC, now_ns() - start);
	spin_for(20 * MSEC);
	EXPECT_EQ(1, hits);
	ASSERT_EQ(0, upc_timer(id, MSEC, 0, 1));
	ASSERT_EQ(0, upc_timer(id, 1000000 * MSEC, 0, 1));
	hits = 0;
	spin_for(20 * MSEC);
	EXPECT_EQ(0, hits);
}

/* What is pending stays so, and the new time counts from now. */
TEST_F(interval, is_set_again_while_pending)
{
	crit_enter(&upc);
	ASSERT_EQ(0, upc_timer(id, 1, 1, 2));
	while (!READ_ONCE(upc.pending))
		cpu_relax();
	ASSERT_EQ(0, upc_timer(id, 20 * MSEC, 0, 4));
	EXPECT_EQ(1, upc_poll(id, 2));
	while (READ_ONCE(upc.pending) != 4)
		cpu_relax();
	crit_exit(&upc);
	spin_for(20 * MSEC);
	EXPECT_EQ(1, hits);
}

static void rearm_cfunc(void *data)
{
	count_cfunc(data);
	if (READ_ONCE(hits) < 100)
		upc_timer(id, 1 + hits * 1000, 0, 1);
}

TEST_F(interval, is_set_again_in_cfunc)
{
	id = upc_register_ctx(&upc, ctx_next, rearm_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_timer(id, 1, 0, 1));
	while (READ_ONCE(hits) < 100)
		cpu_relax();
}

/* Whether an expiry comes just then or not, none is left when it is stopped. */
TEST_F_TIMEOUT(interval, is_stopped_as_it_expires, 60)
{
	int i, n = iterations(50000), entered = 0;
	long long start = now_ns();
	unsigned int seed = 1;

	for (i = 0; i < n && !time_is_up(start, 10); i++) {
		ASSERT_EQ(0, upc_timer(id, 1 + next_random(&seed) % 100000,
				       i & 1 ? 500000 : 0, 1));
		spin_for(next_random(&seed) % 100000);
		ASSERT_EQ(0, upc_timer(id, 0, 0, 1));
		entered += READ_ONCE(hits);
		WRITE_ONCE(hits, 0);
		ASSERT_EQ(0, upc_poll(id, 1));
		if (i % 64 == 0) {
			spin_for(MSEC);
			ASSERT_EQ(0, READ_ONCE(hits));
		}
	}
	TH_LOG("%d times, entered %d times", i, entered);
}

TEST_HARNESS_MAIN
