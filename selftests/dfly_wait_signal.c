// SPDX-License-Identifier: GPL-2.0
/*
 * A signal ends WAIT and SUSPEND with EINTR, and a wake-up that turns out to
 * be for nothing does not end them. DragonFly's kernel ignored the signal and
 * did not check again after a wake-up. upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_proc.h"

static struct waiter {
	struct upcall upc;
	pthread_t thread;
	int cmd, tid, id, hits, asked, returned, ret, hits_then;
} waiter = { .upc = UPCALL_INIT };

static int signals;

static void count_signal(int sig)
{
	signals++;
}

static void *waiter_main(void *data)
{
	struct waiter *w = data;

	w->tid = sys_gettid();
	w->id = upc_register_ctx(&w->upc, ctx_next, count_cfunc, &w->hits);
	if (w->cmd == UPC_CONTROL_SUSPEND)
		crit_enter(&w->upc);
	__atomic_store_n(&w->asked, 1, __ATOMIC_RELEASE);
	w->ret = upc_control(w->cmd, -1, 3);
	w->hits_then = READ_ONCE(w->hits);
	__atomic_store_n(&w->returned, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int set_policy(int policy, int prio)
{
	struct sched_param param = { .sched_priority = prio };

	return sched_setscheduler(0, policy, &param);
}

FIXTURE(wait_signal) {
};

FIXTURE_VARIANT(wait_signal) {
	int cmd;
};

FIXTURE_VARIANT_ADD(wait_signal, wait) { .cmd = UPC_CONTROL_WAIT };
FIXTURE_VARIANT_ADD(wait_signal, suspend) { .cmd = UPC_CONTROL_SUSPEND };

FIXTURE_SETUP(wait_signal)
{
	ASSERT_TRUE(pin_to_cpu(0));
	waiter.cmd = variant->cmd;
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, waiter_main,
				    &waiter));
	WAIT_UNTIL(__atomic_load_n(&waiter.asked, __ATOMIC_ACQUIRE));
	ASSERT_GT(waiter.id, 0);
	ASSERT_TRUE(wait_until_asleep(waiter.tid));
}

FIXTURE_TEARDOWN(wait_signal)
{
}

TEST_F(wait_signal, ends_the_sleep)
{
	signal(SIGUSR1, count_signal);
	ASSERT_EQ(0, pthread_kill(waiter.thread, SIGUSR1));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(-EINTR, waiter.ret);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(0, waiter.hits);
	EXPECT_EQ(0, waiter.upc.crit_count);
}

/* The lower upcall did not end the sleep; it is entered at its end. */
TEST_F(wait_signal, over_a_lower_upcall)
{
	signal(SIGUSR1, count_signal);
	ASSERT_EQ(0, upc_dispatch(waiter.id, 2));
	ASSERT_EQ(0, pthread_kill(waiter.thread, SIGUSR1));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(-EINTR, waiter.ret);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(1, waiter.hits_then);
	EXPECT_EQ(0, waiter.upc.crit_count);
	EXPECT_EQ(0, waiter.upc.pending);
}

/*
 * On the same CPU and of a real-time class, this thread dispatches and takes
 * back before the waiter that it woke can run.
 */
TEST_F(wait_signal, a_wake_up_for_nothing_does_not)
{
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(wait_until_asleep(waiter.tid));
		if (set_policy(SCHED_FIFO, 1))
			SKIP(return, "no real-time class");
		ASSERT_EQ(0, upc_dispatch(waiter.id, 3));
		ASSERT_EQ(1, upc_pollclear(waiter.id, 3));
		ASSERT_EQ(0, set_policy(SCHED_OTHER, 0));
		usleep(10000);
		ASSERT_EQ(0, READ_ONCE(waiter.returned));
	}
	ASSERT_EQ(0, READ_ONCE(waiter.hits));
	ASSERT_EQ(0, upc_dispatch(waiter.id, 3));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(waiter.id, waiter.ret);
	EXPECT_EQ(1, waiter.hits_then);
	EXPECT_EQ(0, waiter.upc.crit_count);
}

TEST_HARNESS_MAIN
