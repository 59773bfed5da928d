// SPDX-License-Identifier: GPL-2.0
/*
 * The lowest priority that WAIT and SUSPEND wait for: a lower one does not wake the
 * sleeper, and less than 1 counts as 1.
 * upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_proc.h"

static struct sleeper {
	struct upcall upc;
	pthread_t thread;
	int cmd, prio, tid, id[2], hits[2];
	int asked, returned, ret, hits_then[2];
} sleeper = { .upc = UPCALL_INIT };

static void *sleeper_main(void *data)
{
	struct sleeper *s = data;
	int i;

	s->tid = sys_gettid();
	for (i = 0; i < 2; i++)
		s->id[i] = upc_register_ctx(&s->upc, ctx_next, count_cfunc,
					    &s->hits[i]);
	if (s->cmd == UPC_CONTROL_SUSPEND)
		crit_enter(&s->upc);
	__atomic_store_n(&s->asked, 1, __ATOMIC_RELEASE);
	s->ret = upc_control(s->cmd, -1, s->prio);
	s->hits_then[0] = READ_ONCE(s->hits[0]);
	s->hits_then[1] = READ_ONCE(s->hits[1]);
	__atomic_store_n(&s->returned, 1, __ATOMIC_RELEASE);
	return NULL;
}

static bool start_sleeper(int cmd, int prio)
{
	sleeper.cmd = cmd;
	sleeper.prio = prio;
	if (pthread_create(&sleeper.thread, NULL, sleeper_main, &sleeper))
		return false;
	while (!__atomic_load_n(&sleeper.asked, __ATOMIC_ACQUIRE))
		sched_yield();
	return wait_until_asleep(sleeper.tid);
}

FIXTURE(wait_threshold) {
};

FIXTURE_VARIANT(wait_threshold) {
	int cmd;
};

FIXTURE_VARIANT_ADD(wait_threshold, wait) { .cmd = UPC_CONTROL_WAIT };
FIXTURE_VARIANT_ADD(wait_threshold, suspend) { .cmd = UPC_CONTROL_SUSPEND };

FIXTURE_SETUP(wait_threshold)
{
}

FIXTURE_TEARDOWN(wait_threshold)
{
}

TEST_F(wait_threshold, a_lower_one_does_not_wake)
{
	ASSERT_TRUE(start_sleeper(variant->cmd, 3));
	ASSERT_EQ(0, upc_dispatch(sleeper.id[0], 2));
	usleep(20000);
	ASSERT_TRUE(wait_until_asleep(sleeper.tid));
	ASSERT_EQ(0, READ_ONCE(sleeper.returned));
	ASSERT_EQ(1, upc_poll(sleeper.id[0], 2));
	ASSERT_EQ(0, upc_poll(sleeper.id[0], 3));

	ASSERT_EQ(0, upc_dispatch(sleeper.id[1], 3));
	ASSERT_EQ(0, pthread_join(sleeper.thread, NULL));
	EXPECT_EQ(sleeper.id[1], sleeper.ret);
	EXPECT_EQ(1, sleeper.hits_then[0]);
	EXPECT_EQ(1, sleeper.hits_then[1]);
}

TEST_F(wait_threshold, the_same_one_raised_wakes)
{
	ASSERT_TRUE(start_sleeper(variant->cmd, 3));
	ASSERT_EQ(0, upc_dispatch(sleeper.id[0], 2));
	usleep(20000);
	ASSERT_TRUE(wait_until_asleep(sleeper.tid));
	ASSERT_EQ(0, READ_ONCE(sleeper.returned));
	ASSERT_EQ(0, upc_dispatch(sleeper.id[0], 3));
	ASSERT_EQ(0, pthread_join(sleeper.thread, NULL));
	EXPECT_EQ(sleeper.id[0], sleeper.ret);
	EXPECT_EQ(1, sleeper.hits_then[0]);
}

/* What was pending before, but lower, does not end the sleep. */
TEST_F(wait_threshold, a_lower_one_pending_before)
{
	struct upcall upc = UPCALL_INIT;
	int id, hits = 0;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(id, 2));

	ASSERT_EQ(0, tick_every_ms(50));
	EXPECT_EQ(-EINTR, upc_control(variant->cmd, -1, 3));
	if (variant->cmd == UPC_CONTROL_WAIT) {
		EXPECT_EQ(0, READ_ONCE(hits));
		crit_exit(&upc);
	}
	EXPECT_EQ(1, READ_ONCE(hits));
	EXPECT_EQ(0, upc.crit_count);
}

TEST_F(wait_threshold, less_than_1_counts_as_1)
{
	static const int min_prio[] = { 0, -1, -UPC_CRITADD, INT_MIN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(min_prio); i++) {
		memset(&sleeper, 0, sizeof(sleeper));
		sleeper.upc.magic = UPCALL_MAGIC;
		ASSERT_TRUE(start_sleeper(variant->cmd, min_prio[i]));
		/* Nothing is pending: it does sleep, and returns no random id. */
		usleep(5000);
		ASSERT_EQ(0, READ_ONCE(sleeper.returned));
		ASSERT_EQ(0, upc_dispatch(sleeper.id[1], 0));
		ASSERT_EQ(0, pthread_join(sleeper.thread, NULL));
		EXPECT_EQ(sleeper.id[1], sleeper.ret);
		EXPECT_EQ(1, sleeper.hits_then[1]);
	}
}

TEST_HARNESS_MAIN
