// SPDX-License-Identifier: GPL-2.0
/*
 * A task is about to execute the instruction that restarts a call by
 * restart_syscall(), and the restart block is not that call's own: the return
 * from a signal handler has emptied it, or another call has replaced it. An
 * upcall comes there whose cfunc sleeps, is stopped and continued, and so leaves
 * a block of its own. The interrupted call ends with EINTR, whatever the block
 * says. A tracer brings the task there.
 *
 * upcall.rst, section 8, system call restart.
 */
#include "upcall_restart.h"

/* What the tracer has the worker do. */
static void tracer_sleep(void)
{
	cfunc_sleep();
}

FIXTURE(restart) {
	pid_t pid;
	char *at;
	long long interrupted;
};

FIXTURE_VARIANT(restart) {
	int (*call)(struct worker *w);
	bool vdso;
	int flags;
	void *ctx;
};

/* sigreturn() and rt_sigreturn() take turns. */
FIXTURE_VARIANT_ADD(restart, nanosleep_call_next) {
	.call = call_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart, nanosleep_call_pop) {
	.call = call_nanosleep, .ctx = ctx_pop,
	.flags = SA_SIGINFO,
};

#ifndef __x86_64__
FIXTURE_VARIANT_ADD(restart, nanosleep_vdso_next) {
	.call = call_nanosleep, .ctx = ctx_next,
	.vdso = true, .flags = SA_SIGINFO,
};

FIXTURE_VARIANT_ADD(restart, nanosleep_vdso_pop) {
	.call = call_nanosleep, .ctx = ctx_pop,
	.vdso = true,
};
#endif

FIXTURE_VARIANT_ADD(restart, clock_nanosleep_call_next) {
	.call = call_clock_nanosleep, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart, clock_nanosleep_call_pop) {
	.call = call_clock_nanosleep, .ctx = ctx_pop,
	.flags = SA_SIGINFO,
};

#ifndef __x86_64__
FIXTURE_VARIANT_ADD(restart, clock_nanosleep_vdso_next) {
	.call = call_clock_nanosleep, .ctx = ctx_next,
	.vdso = true, .flags = SA_SIGINFO,
};

FIXTURE_VARIANT_ADD(restart, clock_nanosleep_vdso_pop) {
	.call = call_clock_nanosleep, .ctx = ctx_pop,
	.vdso = true,
};
#endif

FIXTURE_VARIANT_ADD(restart, poll_call_next) {
	.call = call_poll, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart, poll_call_pop) {
	.call = call_poll, .ctx = ctx_pop,
	.flags = SA_SIGINFO,
};

#ifndef __x86_64__
FIXTURE_VARIANT_ADD(restart, poll_vdso_next) {
	.call = call_poll, .ctx = ctx_next,
	.vdso = true, .flags = SA_SIGINFO,
};

FIXTURE_VARIANT_ADD(restart, poll_vdso_pop) {
	.call = call_poll, .ctx = ctx_pop,
	.vdso = true,
};
#endif

FIXTURE_VARIANT_ADD(restart, futex_call_next) {
	.call = call_futex, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(restart, futex_call_pop) {
	.call = call_futex, .ctx = ctx_pop,
	.flags = SA_SIGINFO,
};

#ifndef __x86_64__
FIXTURE_VARIANT_ADD(restart, futex_vdso_next) {
	.call = call_futex, .ctx = ctx_next,
	.vdso = true, .flags = SA_SIGINFO,
};

FIXTURE_VARIANT_ADD(restart, futex_vdso_pop) {
	.call = call_futex, .ctx = ctx_pop,
	.vdso = true,
};
#endif

/* Each test begins with the task at the instruction, and its own block. */
FIXTURE_SETUP(restart)
{
	struct sigaction sa = {
		.sa_handler = on_signal, .sa_flags = variant->flags,
	};

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	worker.call = variant->call;
	worker.ctx = variant->ctx;
	worker.entry = variant->vdso ? getauxval(AT_SYSINFO) :
				       (unsigned long)LABEL(call_ret);
	self->pid = traced_sleeper();
	ASSERT_GT(self->pid, 0);
	ASSERT_TRUE(interrupt_call(self->pid, &self->at));
	self->interrupted = now_ns();
	if (!trace_break(self->pid, self->at))
		SKIP(return setup_skipped(), "no hardware breakpoints");
	ASSERT_TRUE(run_to_restart(self->pid, self->at));
}

FIXTURE_TEARDOWN(restart)
{
}

TEST_F(restart, by_the_call_alone)
{
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(0, worker.handled);
}

TEST_F(restart, after_sigreturn)
{
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(1, worker.handled);
}

TEST_F(restart, after_sigreturn_from_user_mode)
{
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	ASSERT_TRUE(run_to_restart_again(self->pid, self->at));
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(1, worker.handled);
}

TEST_F(restart, after_two_signals)
{
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	ASSERT_TRUE(run_to_restart_again(self->pid, self->at));
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(2, worker.handled);
}

/* cfunc sleeps there, too. */
TEST_F(restart, after_an_upcall_in_the_handler)
{
	worker.dispatch_handled = 1;
	ASSERT_TRUE(handle_signal_at(self->pid, self->at));
	EXPECT_EQ(1, worker.handler_hits);
	end_by_upcall(_metadata, self->pid, self->interrupted);
	EXPECT_EQ(1, worker.handled);
	EXPECT_EQ(1, worker.handler_hits);
}

/* As a debugger makes a call, and gives it up. The block is that call's. */
TEST_F(restart, after_a_call_by_the_tracer)
{
	struct user_regs_struct regs, other;
	char *at;

	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &regs));
	other = regs;
	other.ur_ip = (long)tracer_sleep;
	other.ur_sp = ((regs.ur_sp - 256) & ~15) - sizeof(long);
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, self->pid, NULL, &other));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	ASSERT_TRUE(wait_until_asleep(self->pid));
	ASSERT_TRUE(interrupt_call(self->pid, &at));
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, self->pid, NULL, &regs));
	end_by_upcall(_metadata, self->pid, self->interrupted);
}

/*
 * cfunc's own sleep is brought to its restart in the same way, and interrupted
 * there by a more urgent upcall, whose cfunc sleeps.
 */
TEST_F(restart, nested)
{
	pid_t pid = self->pid;
	char *at;

	ASSERT_TRUE(handle_signal_at(pid, self->at));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.in_cfunc));
	ASSERT_TRUE(wait_until_asleep(pid));
	ASSERT_TRUE(interrupt_call(pid, &at));
	ASSERT_TRUE(run_to_restart(pid, at));
	ASSERT_TRUE(handle_signal_at(pid, at));
	ASSERT_EQ(0, upc_dispatch(worker.urgent_id, UPC_CRITADD + 1));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.in_urgent));
	ASSERT_TRUE(interrupt_sleep(pid));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(1, worker.urgent_ret);
	EXPECT_EQ(-EINTR, worker.cfunc_ret);
	expect_eintr(_metadata, self->interrupted);
	EXPECT_EQ(2, worker.handled);
}

TEST_HARNESS_MAIN
