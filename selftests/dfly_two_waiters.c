// SPDX-License-Identifier: GPL-2.0
/*
 * Two tasks sleep in WAIT or SUSPEND: each is woken by a dispatch of its own
 * upcall, and by no other. DragonFly kept the wake-up in the process, where
 * the first to look took it. upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_test.h"

#define ROUNDS	50

static struct waiter {
	struct upcall upc;
	pthread_t thread;
	int cmd, tid, id, hits, asked, returned, ret;
} waiters[2] = { { .upc = UPCALL_INIT }, { .upc = UPCALL_INIT } };

static void *waiter_main(void *data)
{
	struct waiter *w = data;

	w->tid = sys_gettid();
	w->id = upc_register_ctx(&w->upc, ctx_pop, count_cfunc, &w->hits);
	for (;;) {
		if (w->cmd == UPC_CONTROL_SUSPEND)
			crit_enter(&w->upc);
		__atomic_store_n(&w->asked, w->asked + 1, __ATOMIC_RELEASE);
		w->ret = upc_control(w->cmd, -1, 1);
		__atomic_store_n(&w->returned, w->returned + 1,
				 __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Returns when the waiter sleeps in its nth call. */
static bool until_asleep_in_call(struct waiter *w, int n)
{
	while (__atomic_load_n(&w->asked, __ATOMIC_ACQUIRE) != n)
		sched_yield();
	return wait_until_asleep(w->tid);
}

FIXTURE(two_waiters) {
};

FIXTURE_VARIANT(two_waiters) {
	int cmd;
};

FIXTURE_VARIANT_ADD(two_waiters, wait) { .cmd = UPC_CONTROL_WAIT };
FIXTURE_VARIANT_ADD(two_waiters, suspend) { .cmd = UPC_CONTROL_SUSPEND };

FIXTURE_SETUP(two_waiters)
{
	int i;

	for (i = 0; i < 2; i++) {
		waiters[i].cmd = variant->cmd;
		ASSERT_EQ(0, pthread_create(&waiters[i].thread, NULL,
					    waiter_main, &waiters[i]));
	}
}

FIXTURE_TEARDOWN(two_waiters)
{
}

TEST_F(two_waiters, each_by_its_own_dispatch)
{
	int i, n[2] = { 0, 0 };

	for (i = 0; i < ROUNDS; i++) {
		/* 0, 1, 1, 0, 0, 1, 1, ...: neither order alone */
		int woken = ((i + 1) / 2) % 2, other = !woken;

		ASSERT_TRUE(until_asleep_in_call(&waiters[0], n[0] + 1));
		ASSERT_TRUE(until_asleep_in_call(&waiters[1], n[1] + 1));
		ASSERT_EQ(0, upc_dispatch(waiters[woken].id, 1));
		n[woken]++;
		ASSERT_TRUE(until_asleep_in_call(&waiters[woken],
						 n[woken] + 1));
		ASSERT_EQ(waiters[woken].id, waiters[woken].ret);
		ASSERT_EQ(n[woken], waiters[woken].returned);
		ASSERT_EQ(n[woken], waiters[woken].hits);
		ASSERT_EQ(n[other], READ_ONCE(waiters[other].returned));
		ASSERT_EQ(n[other], READ_ONCE(waiters[other].hits));
	}
}

/* Dispatched one directly after the other: neither takes the other's. */
TEST_F(two_waiters, both_at_once)
{
	int i, w;

	for (i = 1; i <= ROUNDS; i++) {
		for (w = 0; w < 2; w++)
			ASSERT_TRUE(until_asleep_in_call(&waiters[w], i));
		for (w = 0; w < 2; w++)
			ASSERT_EQ(0, upc_dispatch(waiters[(i + w) % 2].id, 1));
		for (w = 0; w < 2; w++) {
			ASSERT_TRUE(until_asleep_in_call(&waiters[w], i + 1));
			ASSERT_EQ(waiters[w].id, waiters[w].ret);
			ASSERT_EQ(i, waiters[w].hits);
		}
	}
}

TEST_HARNESS_MAIN
