// SPDX-License-Identifier: GPL-2.0
/*
 * WAIT called inside a critical section returns with the upcall still held,
 * unless its priority is above the section. upcall.rst, section 6, WAIT, and
 * section 4, rule 1.
 */
#include "upcall_test.h"

static struct waiter {
	struct upcall upc;
	pthread_t thread;
	int tid, id, asked;
	int hits, ret, crit, pending, hits_held;
} waiter = { .upc = UPCALL_INIT };

static void *wait_in_section(void *data)
{
	struct waiter *w = data;

	w->tid = sys_gettid();
	w->id = upc_register_ctx(&w->upc, ctx_pop, count_cfunc, &w->hits);
	crit_enter(&w->upc);
	__atomic_store_n(&w->asked, 1, __ATOMIC_RELEASE);
	w->ret = upc_wait(1);
	w->hits_held = READ_ONCE(w->hits);
	w->crit = w->upc.crit_count;
	w->pending = READ_ONCE(w->upc.pending);
	crit_exit(&w->upc);
	return NULL;
}

FIXTURE(wait_critical) {
};

FIXTURE_VARIANT(wait_critical) {
	int prio;
	bool held;
};

FIXTURE_VARIANT_ADD(wait_critical, low) { .prio = 1, .held = true };

FIXTURE_VARIANT_ADD(wait_critical, equal) {
	.prio = UPC_CRITADD, .held = true,
};

FIXTURE_VARIANT_ADD(wait_critical, above) {
	.prio = UPC_CRITADD + 1, .held = false,
};

FIXTURE_SETUP(wait_critical)
{
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_in_section,
				    &waiter));
}

FIXTURE_TEARDOWN(wait_critical)
{
}

TEST_F(wait_critical, held_until_the_section_ends)
{
	while (!__atomic_load_n(&waiter.asked, __ATOMIC_ACQUIRE))
		sched_yield();
	ASSERT_TRUE(wait_until_asleep(waiter.tid));
	ASSERT_EQ(0, upc_dispatch(waiter.id, variant->prio));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));

	EXPECT_EQ(waiter.id, waiter.ret);
	EXPECT_EQ(!variant->held, waiter.hits_held);
	EXPECT_EQ(UPC_CRITADD, waiter.crit);
	EXPECT_LE(variant->held ? variant->prio : 0, waiter.pending);
	EXPECT_EQ(variant->held, waiter.pending != 0);
	EXPECT_EQ(1, waiter.hits);
	EXPECT_EQ(0, waiter.upc.crit_count);
	EXPECT_EQ(0, waiter.upc.pending);
}

TEST_HARNESS_MAIN
