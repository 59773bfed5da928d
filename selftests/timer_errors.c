// SPDX-License-Identifier: GPL-2.0
/*
 * TIMER with arguments that it cannot take. It changes nothing then: a timer that
 * was set goes on. upcall.rst, section 6, TIMER.
 */
#include "upcall_timer.h"

static struct upcall upc = UPCALL_INIT, others = UPCALL_INIT;
static int id, hits, others_id, stop;

static void *other_owner(void *data)
{
	int ret = upc_register_ctx(&others, ctx_next, count_cfunc, &hits);

	__atomic_store_n(&others_id, ret, __ATOMIC_RELEASE);
	WAIT_UNTIL(READ_ONCE(stop));
	return NULL;
}

TEST(without_any_registration)
{
	EXPECT_EQ(-ENOENT, upc_timer(1, MSEC, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(1, 0, 0, 1));
	EXPECT_EQ(-EFAULT, upc_control(UPC_CONTROL_TIMER, 1, 0));
	EXPECT_EQ(-EINVAL, upc_timer(-1, MSEC, 0, 1));
}

FIXTURE(errors) {
	int id;
};

/* A timer is set already, or none is. */
FIXTURE_VARIANT(errors) {
	bool set;
};

FIXTURE_VARIANT_ADD(errors, fresh) { };
FIXTURE_VARIANT_ADD(errors, set) { .set = true };

FIXTURE_SETUP(errors)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	if (variant->set)
		ASSERT_EQ(0, upc_timer(id, 100 * MSEC, 0, 1));
}

FIXTURE_TEARDOWN(errors)
{
	spin_for(200 * MSEC);
	EXPECT_EQ(variant->set, hits);
}

TEST_F(errors, memory)
{
	EXPECT_EQ(-EFAULT, upc_control(UPC_CONTROL_TIMER, id, 0));
	EXPECT_EQ(-EFAULT, upc_control(UPC_CONTROL_TIMER, id, KERNEL_ADDR));
}

TEST_F(errors, ids)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, other_owner, NULL));
	WAIT_UNTIL(__atomic_load_n(&others_id, __ATOMIC_ACQUIRE));
	EXPECT_EQ(-EINVAL, upc_timer(-1, 1, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(others_id, 1, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(others_id, 0, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(id + 100, 1, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(0, 1, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(-2, 1, 0, 1));
	EXPECT_EQ(-ENOENT, upc_timer(INT_MIN, 1, 0, 1));
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-ENOENT, upc_timer(others_id, 1, 0, 1));
}

TEST_F(errors, times)
{
	EXPECT_EQ(-EINVAL, upc_timer(id, -1, 0, 1));
	EXPECT_EQ(-EINVAL, upc_timer(id, 1, -1, 1));
	EXPECT_EQ(-EINVAL, upc_timer(id, 0, -1, 1));
	EXPECT_EQ(-EINVAL, upc_timer(id, LLONG_MIN, 0, 1));
	EXPECT_EQ(-EINVAL, upc_timer_by(ABSTIME, id, -1, 0, 1));
}

TEST_F(errors, clocks)
{
	static const int bad[] = {
		CLOCK_REALTIME, CLOCK_PROCESS_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
		CLOCK_BOOTTIME, CLOCK_TAI, 99, -1, INT_MIN, INT_MAX,
		CLOCK_MONOTONIC | 0x200, CLOCK_MONOTONIC | 0x10000,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, upc_timer_by(bad[i], id, 1, 0, 1));
		EXPECT_EQ(-EINVAL, upc_timer_by(bad[i] | UPCALL_TIMER_ABSTIME,
						id, 1, 0, 1));
		EXPECT_EQ(-EINVAL, upc_timer_by(bad[i], id, 0, 0, 1));
	}
	EXPECT_EQ(-EOPNOTSUPP, upc_timer_by(CLOCK_THREAD_CPUTIME_ID, id, 1, 0,
					    1));
}

TEST_HARNESS_MAIN
