// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer of system calls sees DISPATCH to oneself, SUSPEND, WAIT and NEXT as
 * calls with a begin and an end each, in the order in which they are made.
 * upcall.rst, section 8, ptrace.
 */
#include "upcall_trace.h"

#include <linux/ptrace.h>

static struct upcall upc = UPCALL_INIT;
static int hits;

/* What the child does next, with ctx_next(): each upcall is left by NEXT. */
static const int expected[] = {
	UPC_CONTROL_DISPATCH, UPC_CONTROL_NEXT,
	UPC_CONTROL_DISPATCH, UPC_CONTROL_SUSPEND, UPC_CONTROL_NEXT,
	UPC_CONTROL_DISPATCH, UPC_CONTROL_WAIT, UPC_CONTROL_DISPATCH,
	UPC_CONTROL_NEXT,
};

static void traced_main(void)
{
	int id;

	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	CHECK(id > 0);
	be_traced();
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(hits == 1);
	crit_enter(&upc);
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(upc_suspend(1) == id);
	CHECK(hits == 2);
	crit_enter(&upc);
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(upc_wait(1) == id);
	CHECK(hits == 2);
	crit_exit(&upc);
	CHECK(hits == 3);
	CHECK(!upc.crit_count && !upc.pending);
	_exit(0);
}

static bool next_stop(pid_t pid, struct ptrace_syscall_info *info)
{
	return trace_until(pid, PTRACE_SYSCALL, SIGTRAP | 0x80) &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(*info), info) > 0;
}

TEST(sees_each_call_begin_and_end)
{
	struct ptrace_syscall_info info;
	unsigned int i;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		traced_main();
	ASSERT_TRUE(trace_stopped(pid, SIGSTOP));
	ASSERT_EQ(0, ptrace(PTRACE_SETOPTIONS, pid, NULL,
			    PTRACE_O_TRACESYSGOOD));

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		/* The C library may still be on its way out of raise(). */
		do {
			ASSERT_TRUE(next_stop(pid, &info));
		} while (i == 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
			 info.entry.nr != __NR_upc_control &&
			 next_stop(pid, &info));
		ASSERT_EQ(PTRACE_SYSCALL_INFO_ENTRY, info.op);
		ASSERT_EQ((__u64)__NR_upc_control, info.entry.nr);
		ASSERT_EQ((__u64)expected[i], info.entry.args[0]);

		ASSERT_TRUE(next_stop(pid, &info));
		ASSERT_EQ(PTRACE_SYSCALL_INFO_EXIT, info.op);
		/* NEXT does not return: what it shows is another call's. */
		switch (expected[i]) {
		case UPC_CONTROL_DISPATCH:
			EXPECT_EQ(0, info.exit.rval);
			break;
		case UPC_CONTROL_SUSPEND:
		case UPC_CONTROL_WAIT:
			EXPECT_LT(0, info.exit.rval);
			EXPECT_EQ(0, info.exit.is_error);
			break;
		}
	}
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, child_status(pid));
}

TEST_HARNESS_MAIN
