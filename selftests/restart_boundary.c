// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall comes in user mode, when the next instruction is the system call
 * that restart_syscall is due in, and the tracer that has brought the task there
 * interrupts its cfunc in a sleep of its own. The outer sleep ends with EINTR.
 * upcall.rst, section 8, system call restart.
 */
#include "upcall_restart.h"

FIXTURE(restart_boundary) {
};

FIXTURE_VARIANT(restart_boundary) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_boundary, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(restart_boundary, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(restart_boundary)
{
	worker.ctx = variant->ctx;
	worker.call = call_nanosleep;
	worker.entry = (unsigned long)LABEL(call_ret);
}

FIXTURE_TEARDOWN(restart_boundary)
{
}

TEST_F(restart_boundary, does_not_end_the_sleep_early)
{
	long long interrupted;
	pid_t pid;
	char *at;

	pid = traced_sleeper();
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(interrupt_call(pid, &at));
	interrupted = now_ns();
	if (!trace_break(pid, at))
		SKIP(return, "no hardware breakpoints");
	ASSERT_TRUE(run_to_restart(pid, at));

	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.in_cfunc));
	ASSERT_TRUE(wait_until_asleep(pid));
	ASSERT_TRUE(trace_until(pid, PTRACE_INTERRUPT, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	ASSERT_TRUE(release_sleep());

	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(1, worker.cfunc_ret);
	expect_eintr(_metadata, interrupted);
}

TEST_HARNESS_MAIN
