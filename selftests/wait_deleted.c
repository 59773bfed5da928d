// SPDX-License-Identifier: GPL-2.0
/*
 * Another task deletes the upcall that a WAIT is about to return. That gives
 * the id of this one, or of the next that is pending, and of nothing else.
 *
 * upcall.rst, section 6, WAIT and DELETE.
 */
#include "upcall_util.h"

static struct upcall upc = UPCALL_INIT;
static int doomed, stop, refused;

static void entry(void *data)
{
	(*(int *)data)++;
}

/* Its own upcalls come and go where the deleted ones have been. */
static void *deleter(void *arg)
{
	struct upcall own = UPCALL_INIT;
	int id, unused = 0;

	while (!READ_ONCE(stop)) {
		id = READ_ONCE(doomed);
		if (!id)
			continue;
		if (upc_control(UPC_CONTROL_DELETE, id, 0))
			refused++;
		id = upc_register_ctx(&own, ctx_pop, entry, &unused);
		if (id < 0 || upc_control(UPC_CONTROL_DELETE, id, 0))
			refused++;
		__atomic_store_n(&doomed, 0, __ATOMIC_RELEASE);
	}
	return arg;
}

FIXTURE(wait_deleted) {
};

FIXTURE_SETUP(wait_deleted)
{
}

FIXTURE_TEARDOWN(wait_deleted)
{
}

/* In a section, so that both stay pending. */
TEST_F_TIMEOUT(wait_deleted, gives_an_id_that_was_pending, 900)
{
	int i, n = iterations(20000), entries = 0, first = 0, second = 0;
	long long start = now_ns();
	pthread_t thread;
	void *unused;

	crit_enter(&upc);
	ASSERT_EQ(0, pthread_create(&thread, NULL, deleter, NULL));
	for (i = 0; i < n && !time_is_up(start, 30); i++) {
		int low = upc_register_ctx(&upc, ctx_pop, entry, &entries);
		int high = upc_register_ctx(&upc, ctx_pop, entry, &entries);
		int ret;

		ASSERT_LT(0, low);
		ASSERT_LT(0, high);
		ASSERT_EQ(0, upc_dispatch(low, 1));
		ASSERT_EQ(0, upc_dispatch(high, 2));
		__atomic_store_n(&doomed, high, __ATOMIC_RELEASE);
		ret = upc_control(UPC_CONTROL_WAIT, -1, 1);
		ASSERT_TRUE(ret == high || ret == low)
			TH_LOG("%d, and not %d or %d", ret, high, low);
		first += ret == high;
		second += ret == low;
		WAIT_UNTIL(!__atomic_load_n(&doomed, __ATOMIC_ACQUIRE));
		ASSERT_EQ(0, upc_control(UPC_CONTROL_DELETE, low, 0));
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, &unused));
	crit_exit(&upc);
	EXPECT_EQ(0, refused);
	EXPECT_EQ(0, entries);
	TH_LOG("%d times: %d before it was deleted, %d after", i, first, second);
}

TEST_HARNESS_MAIN
