// SPDX-License-Identifier: GPL-2.0
/*
 * A task stopped and continued while it sleeps in WAIT or SUSPEND: the call
 * goes on, or returns EINTR, but no id while nothing is pending; SUSPEND does
 * not leave a second section. upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_util.h"

static struct waiter {
	struct upcall upc;
	int cmd, id, asked, hits, interrupted, ret, crit;
} waiter = { .upc = UPCALL_INIT };

static int waiter_main(void *data)
{
	struct waiter *w = data;
	int ret;

	w->id = upc_register_ctx(&w->upc, ctx_pop, count_cfunc, &w->hits);
	do {
		/* SUSPEND is to take off one of the two. */
		w->upc.crit_count = 2 * UPC_CRITADD;
		__atomic_store_n(&w->asked, w->asked + 1, __ATOMIC_RELEASE);
		ret = upc_control(w->cmd, -1, 1);
		w->crit = w->upc.crit_count;
		w->interrupted += ret == -EINTR;
	} while (ret == -EINTR);
	w->ret = ret;
	w->upc.crit_count = UPC_CRITADD;
	crit_exit(&w->upc);
	return 0;
}

FIXTURE(wait_stopped) {
};

FIXTURE_VARIANT(wait_stopped) {
	int cmd;
};

FIXTURE_VARIANT_ADD(wait_stopped, wait) { .cmd = UPC_CONTROL_WAIT };
FIXTURE_VARIANT_ADD(wait_stopped, suspend) { .cmd = UPC_CONTROL_SUSPEND };

FIXTURE_SETUP(wait_stopped)
{
	waiter.cmd = variant->cmd;
}

FIXTURE_TEARDOWN(wait_stopped)
{
}

TEST_F(wait_stopped, and_continued)
{
	int crit = waiter.cmd == UPC_CONTROL_SUSPEND ? UPC_CRITADD :
						       2 * UPC_CRITADD;
	pid_t pid;
	int i;

	pid = clone_worker(waiter_main, &waiter);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&waiter.asked, __ATOMIC_ACQUIRE));
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(wait_until_asleep(pid));
		ASSERT_TRUE(stop_worker(pid));
		ASSERT_TRUE(continue_worker(pid));
		ASSERT_TRUE(wait_until_asleep(pid));
		if (READ_ONCE(waiter.interrupted))
			ASSERT_EQ(crit, READ_ONCE(waiter.crit));
	}
	ASSERT_EQ(0, upc_dispatch(waiter.id, 1));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(waiter.id, waiter.ret);
	EXPECT_EQ(crit, waiter.crit);
	EXPECT_EQ(1, waiter.hits);
}

TEST_HARNESS_MAIN
