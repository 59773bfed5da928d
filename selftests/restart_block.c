// SPDX-License-Identifier: GPL-2.0
/*
 * A task is stopped and continued in a call with a timeout, so that a
 * restart_syscall is due, and an upcall comes in between whose cfunc is
 * stopped and continued in such a call itself. The call of cfunc does not end
 * early, and the one around it ends with EINTR.
 * upcall.rst, section 8, system call restart.
 */
#include "upcall_restart.h"

FIXTURE(restart_block) {
	pid_t pid;
};

FIXTURE_VARIANT(restart_block) {
	int (*call)(struct worker *w);
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_block, nanosleep_next) {
	.call = call_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, nanosleep_pop) {
	.call = call_nanosleep, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_block, clock_nanosleep_next) {
	.call = call_clock_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, clock_nanosleep_pop) {
	.call = call_clock_nanosleep, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_block, poll_next) {
	.call = call_poll, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, poll_pop) {
	.call = call_poll, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(restart_block, futex_next) {
	.call = call_futex, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart_block, futex_pop) {
	.call = call_futex, .ctx = ctx_pop,
};

FIXTURE_SETUP(restart_block)
{
	worker.call = variant->call;
	worker.ctx = variant->ctx;
	worker.entry = (unsigned long)LABEL(call_ret);
	self->pid = begin_sleeper();
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(restart_block)
{
}

static void run(struct __test_metadata *_metadata, pid_t pid,
		bool dispatch_stopped)
{
	long long stopped;

	if (!dispatch_stopped)
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_TRUE(stop_worker(pid));
	stopped = now_ns();
	if (dispatch_stopped)
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, worker.in_cfunc);
	ASSERT_TRUE(continue_worker(pid));

	WAIT_UNTIL(READ_ONCE(worker.in_cfunc));
	ASSERT_TRUE(interrupt_sleep(pid));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(1, worker.cfunc_ret);
	expect_eintr(_metadata, stopped);
}

TEST_F(restart_block, dispatched_while_asleep)
{
	run(_metadata, self->pid, false);
}

TEST_F(restart_block, dispatched_while_stopped)
{
	run(_metadata, self->pid, true);
}

TEST_HARNESS_MAIN
