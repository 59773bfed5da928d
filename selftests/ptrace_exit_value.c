// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer that changes what a system call returns changes that, and not what
 * the context function is entered with. upcall.rst, section 8, ptrace.
 */
#include "upcall_trace.h"

#define CHANGED		77

static struct upcall upc = UPCALL_INIT;
static int hits;

static void traced_main(void *ctx, int cmd)
{
	int id, ret;

	id = upc_register_ctx(&upc, ctx, count_cfunc, &hits);
	CHECK(id > 0);
	if (cmd == UPC_CONTROL_SUSPEND) {
		crit_enter(&upc);
		CHECK(upc_dispatch(id, 1) == 0);
	}
	be_traced();
	if (cmd == UPC_CONTROL_DISPATCH)
		ret = upc_dispatch(id, 1);
	else
		ret = upc_control(cmd, -1, 1);
	CHECK(ret == CHANGED);
	CHECK(hits == 1);
	CHECK(!upc.crit_count && !upc.pending);
	_exit(0);
}

FIXTURE(ptrace_exit_value) {
};

FIXTURE_VARIANT(ptrace_exit_value) {
	int cmd;
	void *ctx;
};

FIXTURE_VARIANT_ADD(ptrace_exit_value, dispatch_next) {
	.cmd = UPC_CONTROL_DISPATCH, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(ptrace_exit_value, dispatch_pop) {
	.cmd = UPC_CONTROL_DISPATCH, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(ptrace_exit_value, suspend_next) {
	.cmd = UPC_CONTROL_SUSPEND, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(ptrace_exit_value, suspend_pop) {
	.cmd = UPC_CONTROL_SUSPEND, .ctx = ctx_pop,
};

FIXTURE_SETUP(ptrace_exit_value)
{
}

FIXTURE_TEARDOWN(ptrace_exit_value)
{
}

TEST_F(ptrace_exit_value, changed_by_the_tracer)
{
	struct user_regs_struct regs;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		traced_main(variant->ctx, variant->cmd);
	ASSERT_TRUE(trace_stopped(pid, SIGSTOP));
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, pid, NULL,
			    PTRACE_O_TRACESYSGOOD));
	do {
		ASSERT_TRUE(trace_until(pid, PTRACE_SYSCALL, SIGTRAP | 0x80));
		ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	} while (regs.ur_orig_ax != __NR_upc_control);
	ASSERT_TRUE(trace_until(pid, PTRACE_SYSCALL, SIGTRAP | 0x80));
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, pid,
			    offsetof(struct user, regs.ur_ax), CHANGED));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, child_status(pid));
}

TEST_HARNESS_MAIN
