// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer steps a task over a call that sleeps. ONBLOCK tells of it all the same.
 * ONWAKE's upcall is deferred with all others, until the tracer lets the task run.
 * upcall.rst, section 4, rule 6, and section 6, ONBLOCK and ONWAKE.
 */
#include "upcall_block.h"
#include "upcall_trace.h"

static int fds[2], going;
static char byte;

/* The only call while it is stepped: it is found by its instruction. */
static int reads(void *data)
{
	tell_of_sleeps();
	while (!READ_ONCE(going))
		cpu_relax();
	if (upc_syscall(SYS_read, fds[0], (long)&byte, 1, 0) != 1)
		return KSFT_FAIL;
	WRITE_ONCE(sleeper.returned, 1);
	while (!READ_ONCE(sleeper.woken))
		cpu_relax();
	upc_control(UPC_CONTROL_ONBLOCK, 0, 0);
	return sleeper.upc.crit_count || sleeper.upc.pending;
}

static bool step_to_call(pid_t pid, struct user_regs_struct *regs)
{
	do {
		if (!trace_step(pid, regs))
			return false;
	} while ((ptrace(PTRACE_PEEKTEXT, pid, regs->ur_ip, NULL) & 0xffff) !=
		 CALL_CODE);
	return (long)regs->ur_ax == SYS_read;
}

TEST(is_told_and_deferred)
{
	struct user_regs_struct regs;
	pid_t pid;
	int i;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_TRUE(start_standby());
	pid = clone_worker(reads, NULL);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&sleeper.ready, __ATOMIC_ACQUIRE));
	ASSERT_TRUE(trace_seize(pid));
	WRITE_ONCE(going, 1);
	ASSERT_TRUE(step_to_call(pid, &regs));
	ASSERT_EQ(0, READ_ONCE(standby.entered));

	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(standby.entered));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_TRUE(trace_stopped(pid, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	EXPECT_EQ(1, (long)regs.ur_ax);
	for (i = 0; i < 20; i++)
		ASSERT_TRUE(trace_step(pid, &regs));
	EXPECT_EQ(0, sleeper.woken);
	EXPECT_EQ(1, upc_poll(sleeper.id, 1));

	ASSERT_TRUE(trace_clear_tf(pid));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(1, sleeper.woken);
	EXPECT_EQ(1, standby.entered);
	EXPECT_TRUE(end_standby());
}

TEST_HARNESS_MAIN
