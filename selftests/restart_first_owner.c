// SPDX-License-Identifier: GPL-2.0
/*
 * A task that has never registered an upcall is in WAIT when a signal comes. The
 * handler registers the first one and goes on with that WAIT by restart_syscall().
 * It must wait for any priority, and end with an upcall that is pending or comes.
 *
 * upcall.rst, section 6 (WAIT) and section 8 (system call restart).
 */
#include "upcall_util.h"

static struct upcall upc = UPCALL_INIT;
static int id, hits, ended, ret, waited;
static bool pending_before;
static pid_t waiter;

static void on_signal(int sig)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	crit_enter(&upc);
	if (pending_before && upc_dispatch(id, 1))
		return;
	ended = 0;
	WRITE_ONCE(waited, 1);
	ret = upc_syscall(SYS_restart_syscall, 0, 0, 0, 0);
	WRITE_ONCE(ended, 1);
	crit_exit(&upc);
}

static void on_end(int sig)
{
}

static void *dispatch_when_asleep(void *arg)
{
	CHECK(wait_until_asleep(waiter));
	CHECK(!syscall(SYS_tgkill, getpid(), waiter, SIGUSR1));
	WAIT_UNTIL(READ_ONCE(waited));
	if (!pending_before) {
		CHECK(wait_until_asleep(waiter));
		CHECK(!upc_dispatch(id, 1));
	}
	/* One that sleeps on does so in the call: that ends it. */
	while (!READ_ONCE(ended)) {
		usleep(100000);
		if (!READ_ONCE(ended))
			syscall(SYS_tgkill, getpid(), waiter, SIGUSR2);
	}
	return NULL;
}

FIXTURE(first_owner) {
};

FIXTURE_VARIANT(first_owner) {
	bool pending_before;
};

FIXTURE_VARIANT_ADD(first_owner, pending_before) { .pending_before = true };
FIXTURE_VARIANT_ADD(first_owner, dispatched_then) { .pending_before = false };

FIXTURE_SETUP(first_owner)
{
	struct sigaction sa = { .sa_handler = on_signal };

	pending_before = variant->pending_before;
	waiter = sys_gettid();
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	sa.sa_handler = on_end;
	ASSERT_EQ(0, sigaction(SIGUSR2, &sa, NULL));
}

FIXTURE_TEARDOWN(first_owner)
{
}

TEST_F(first_owner, waits_for_any_priority)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_when_asleep, NULL));
	EXPECT_EQ(-EINTR, upc_wait(1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_GT(id, 0);
	EXPECT_EQ(id, ret);
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
