// SPDX-License-Identifier: GPL-2.0
/*
 * A task asleep in WAIT or SUSPEND is woken by another task's dispatch; the
 * call returns the upcall's id, and by then the upcall has been entered.
 * upcall.rst, section 6, WAIT and SUSPEND.
 */
#include "upcall_test.h"

#define ROUNDS	50

static struct sleeper {
	struct upcall upc;
	void *ctx;
	int cmd, tid, id[2];
	int hits[2], ret, round;
} sleeper = { .upc = UPCALL_INIT };

static void *sleep_in_rounds(void *data)
{
	struct sleeper *s = data;
	int i, before;

	s->tid = sys_gettid();
	for (i = 0; i < 2; i++)
		s->id[i] = upc_register_ctx(&s->upc, s->ctx, count_cfunc,
					    &s->hits[i]);
	for (i = 1; i <= ROUNDS; i++) {
		before = s->hits[i % 2];
		if (s->cmd == UPC_CONTROL_SUSPEND)
			crit_enter(&s->upc);
		/* The main thread looks for a sleeping task from here on. */
		__atomic_store_n(&s->round, i, __ATOMIC_RELEASE);
		s->ret = upc_control(s->cmd, -1, 1);
		if (READ_ONCE(s->hits[i % 2]) != before + 1 ||
		    s->ret != s->id[i % 2] || s->upc.crit_count ||
		    READ_ONCE(s->upc.pending))
			break;
	}
	return (void *)(long)i;
}

FIXTURE(wait_woken) {
	pthread_t thread;
};

FIXTURE_VARIANT(wait_woken) {
	int cmd;
	void *ctx;
};

FIXTURE_VARIANT_ADD(wait_woken, wait_next) {
	.cmd = UPC_CONTROL_WAIT, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(wait_woken, wait_pop) {
	.cmd = UPC_CONTROL_WAIT, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(wait_woken, suspend_next) {
	.cmd = UPC_CONTROL_SUSPEND, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(wait_woken, suspend_pop) {
	.cmd = UPC_CONTROL_SUSPEND, .ctx = ctx_pop,
};

FIXTURE_SETUP(wait_woken)
{
	sleeper.cmd = variant->cmd;
	sleeper.ctx = variant->ctx;
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, sleep_in_rounds,
				    &sleeper));
}

FIXTURE_TEARDOWN(wait_woken)
{
}

TEST_F(wait_woken, by_another_thread)
{
	void *rounds;
	int i;

	for (i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&sleeper.round, __ATOMIC_ACQUIRE) != i)
			sched_yield();
		ASSERT_GT(sleeper.id[i % 2], 0);
		ASSERT_TRUE(wait_until_asleep(sleeper.tid));
		ASSERT_EQ(0, upc_dispatch(sleeper.id[i % 2], 1));
	}
	ASSERT_EQ(0, pthread_join(self->thread, &rounds));
	EXPECT_EQ(ROUNDS + 1, (long)rounds) {
		TH_LOG("returned %d, crit_count %d, pending %d", sleeper.ret,
		       sleeper.upc.crit_count, sleeper.upc.pending);
	}
	EXPECT_EQ(ROUNDS, sleeper.hits[0] + sleeper.hits[1]);
}

TEST_HARNESS_MAIN
