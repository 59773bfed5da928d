// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall dispatched to a task that a tracer steps is entered when the task is
 * let run, in each of the ways there are: PTRACE_CONT, with a signal too,
 * PTRACE_SYSCALL, PTRACE_SYSEMU, PTRACE_DETACH, and the end of the tracer, between
 * two steps or while the task makes one. The other requests that step do not
 * let it run, nor does a step into a signal handler.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_step.h"

static int traps, handled;

/* What a tracer that is a process of its own shares with the test. */
static struct tracer {
	int steps, most;
} *tracer;

/*
 * A tracer that ends between two steps leaves the trap to the task. If the signal
 * was blocked in the handler the kernel would do without that from then on.
 */
static void on_trap(int sig)
{
	traps++;
}

static void __attribute_noinline__ on_signal(int sig)
{
	WRITE_ONCE(handled, handled + 1);
}

FIXTURE(let_run) {
	pid_t pid;
	int pipe[2];
};

FIXTURE_VARIANT(let_run) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(let_run, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(let_run, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(let_run)
{
	struct sigaction sa = { .sa_handler = on_trap, .sa_flags = SA_NODEFER };

	ASSERT_EQ(0, sigaction(SIGTRAP, &sa, NULL));
	sa.sa_handler = on_signal;
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, pipe(self->pipe));
	tracer = mmap(NULL, sizeof(*tracer), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(tracer != MAP_FAILED);
	worker.ctx = variant->ctx;
	self->pid = stepped_worker();
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(let_run)
{
}

/* What cannot have been entered yet. */
static void assert_deferred(struct __test_metadata *_metadata, int hits)
{
	ASSERT_EQ(1, upc_poll(worker.id, 1));
	ASSERT_EQ(0, worker.upc.pending);
	ASSERT_EQ(0, worker.upc.crit_count);
	ASSERT_EQ(hits, worker.noted.hits);
}

/* Four steps, and a dispatch in their midst. regs: where the task is then. */
static void dispatch_stepped(struct __test_metadata *_metadata, pid_t pid,
			     struct user_regs_struct *regs)
{
	ASSERT_TRUE(trace_step(pid, regs));
	ASSERT_TRUE(trace_step(pid, regs));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_TRUE(trace_step(pid, regs));
	ASSERT_TRUE(trace_step(pid, regs));
	assert_deferred(_metadata, 0);
}

/* Continued, the task ends as it should, and was in the upcall once. */
static void expect_entered(struct __test_metadata *_metadata, pid_t pid,
			   struct user_regs_struct *regs)
{
	WAIT_UNTIL(READ_ONCE(worker.noted.hits));
	EXPECT_EQ((long)regs->ur_ip, (long)worker.noted.copy.fr_ip);
	EXPECT_EQ((long)regs->ur_ax, (long)worker.noted.copy.fr_ax);
	ASSERT_TRUE(trace_until(pid, PTRACE_INTERRUPT, SIGTRAP));
	EXPECT_EQ(0, finish_worker(pid));
	EXPECT_EQ(1, worker.noted.hits);
	EXPECT_EQ(0, traps);
}

TEST_F(let_run, by_cont)
{
	struct user_regs_struct regs;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

TEST_F(let_run, by_detach)
{
	struct user_regs_struct regs;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.noted.hits));
	EXPECT_EQ((long)regs.ur_ip, (long)worker.noted.copy.fr_ip);
	WRITE_ONCE(step_over, 1);
	EXPECT_EQ(0, child_status(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
	EXPECT_EQ(0, traps);
}

/* Before the next call, be it NEXT. */
TEST_F(let_run, by_syscall)
{
	struct user_regs_struct regs;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_TRUE(trace_until(self->pid, PTRACE_SYSCALL, SIGTRAP | 0x80));
	EXPECT_EQ(1, worker.noted.hits);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

/* The call that it was to make is not made: it makes it again. */
TEST_F(let_run, by_sysemu)
{
	struct user_regs_struct regs, at_call;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_TRUE(trace_until(self->pid, PTRACE_SYSEMU, SIGTRAP | 0x80));
	EXPECT_EQ(1, worker.noted.hits);
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &at_call));
	at_call.ur_ax = at_call.ur_orig_ax;
	at_call.ur_orig_ax = -1;
	at_call.ur_ip -= 2;
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, self->pid, NULL, &at_call));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

/* At the end of a call, which the tracer saw: stepped from there, then let run. */
TEST_F(let_run, after_a_call_was_traced)
{
	struct user_regs_struct regs;

	ASSERT_TRUE(trace_until(self->pid, PTRACE_SYSCALL, SIGTRAP | 0x80));
	ASSERT_TRUE(trace_until(self->pid, PTRACE_SYSCALL, SIGTRAP | 0x80));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_TRUE(trace_step(self->pid, &regs));
	ASSERT_EQ((long)LABEL(step_leaf), (long)regs.ur_ip);
	assert_deferred(_metadata, 0);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

/* A step that becomes another thing does not let the task run. */
TEST_F(let_run, not_by_singleblock)
{
	struct user_regs_struct regs;
	int i;

	dispatch_stepped(_metadata, self->pid, &regs);
	if (ptrace(PTRACE_SINGLEBLOCK, self->pid, NULL, NULL)) {
		ASSERT_EQ(EIO, errno);
		SKIP(return, "no steps over blocks");
	}
	ASSERT_TRUE(trace_stopped(self->pid, SIGTRAP));
	for (i = 0; i < 2 * STEPS_A_TURN; i++) {
		ASSERT_TRUE(trace_until(self->pid, PTRACE_SINGLEBLOCK,
					SIGTRAP));
		assert_deferred(_metadata, 0);
	}
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

#ifndef PTRACE_SYSEMU_SINGLESTEP
#define PTRACE_SYSEMU_SINGLESTEP	32
#endif

TEST_F(let_run, not_by_sysemu_singlestep)
{
	struct user_regs_struct regs;
	int i;

	ASSERT_TRUE(trace_steps_to(self->pid, LABEL(step_leaf), &regs));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	for (i = 0; i < 7; i++) {
		ASSERT_TRUE(trace_until(self->pid, PTRACE_SYSEMU_SINGLESTEP,
					SIGTRAP));
		assert_deferred(_metadata, 0);
	}
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
}

/* The step ends at the handler's first instruction. */
TEST_F(let_run, not_by_a_step_into_a_handler)
{
	struct user_regs_struct regs;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, self->pid, NULL, SIGUSR1));
	ASSERT_TRUE(trace_stopped(self->pid, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &regs));
	ASSERT_EQ((long)on_signal, (long)regs.ur_ip);
	assert_deferred(_metadata, 0);
	ASSERT_TRUE(trace_step(self->pid, &regs));
	assert_deferred(_metadata, 0);
	EXPECT_EQ(0, handled);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	expect_entered(_metadata, self->pid, &regs);
	EXPECT_EQ(1, handled);
}

/* Both come on the same return, the signal's frame first. */
TEST_F(let_run, by_cont_with_a_signal)
{
	struct user_regs_struct regs;

	dispatch_stepped(_metadata, self->pid, &regs);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, SIGUSR1));
	WAIT_UNTIL(READ_ONCE(worker.noted.hits) && READ_ONCE(handled));
	EXPECT_EQ((long)on_signal, (long)worker.noted.copy.fr_ip);
	ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	EXPECT_EQ(0, finish_worker(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
	EXPECT_EQ(1, handled);
}

/* The task is where it was interrupted, out of upcalls and signal handlers. */
static void wait_for_turns(void)
{
	int turns = READ_ONCE(step_turns);

	WAIT_UNTIL(READ_ONCE(step_turns) != turns);
}

/* A task that has been let run once is stepped again. */
TEST_F(let_run, again_and_again)
{
	struct user_regs_struct regs;
	int i;

	for (i = 1; i <= 20; i++) {
		ASSERT_EQ(0, upc_dispatch(worker.id, i % 3));
		ASSERT_TRUE(trace_step(self->pid, &regs));
		assert_deferred(_metadata, i - 1);
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
		WAIT_UNTIL(READ_ONCE(worker.noted.hits) == i);
		wait_for_turns();
		EXPECT_EQ((long)regs.ur_ip, (long)worker.noted.copy.fr_ip);
		ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	}
	EXPECT_EQ(0, finish_worker(self->pid));
	EXPECT_EQ(20, worker.noted.hits);
}

/* Another tracer. */
static void tracer_main(pid_t pid)
{
	struct user_regs_struct regs;

	CHECK(trace_seize(pid));
	for (;;) {
		while (READ_ONCE(tracer->steps) >= READ_ONCE(tracer->most))
			sched_yield();
		CHECK(trace_step(pid, &regs));
		WRITE_ONCE(tracer->steps, tracer->steps + 1);
	}
}

/* It has made some steps when this returns, and makes so many in all. */
static pid_t begin_tracer(pid_t pid, int most)
{
	pid_t child;

	tracer->steps = 0;
	tracer->most = most;
	child = fork();
	if (!child)
		tracer_main(pid);
	WAIT_UNTIL(READ_ONCE(tracer->steps) > STEPS_A_TURN);
	return child;
}

static bool end_tracer(pid_t child)
{
	return !kill(child, SIGKILL) && child_status(child) == SIGKILL;
}

TEST_F(let_run, by_the_tracers_end)
{
	int most = 2 * STEPS_A_TURN;
	pid_t child;

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, NULL, NULL));
	child = begin_tracer(self->pid, most);
	ASSERT_GT(child, 0);
	WAIT_UNTIL(READ_ONCE(tracer->steps) == most);
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	WRITE_ONCE(tracer->most, 2 * most);
	WAIT_UNTIL(READ_ONCE(tracer->steps) == 2 * most);
	assert_deferred(_metadata, 0);

	ASSERT_TRUE(end_tracer(child));
	WAIT_UNTIL(READ_ONCE(worker.noted.hits));
	WRITE_ONCE(step_over, 1);
	EXPECT_EQ(0, child_status(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
}

/* At any moment of the steps, of one over a call too. */
TEST_F_TIMEOUT(let_run, by_the_end_of_a_tracer_that_steps, 120)
{
	int i, steps, n = iterations(20);
	long long start = now_ns();
	pid_t child;

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, NULL, NULL));
	for (i = 1; i <= n && !time_is_up(start, 30); i++) {
		child = begin_tracer(self->pid, INT_MAX);
		ASSERT_GT(child, 0);
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
		steps = READ_ONCE(tracer->steps);
		WAIT_UNTIL(READ_ONCE(tracer->steps) > steps + i);
		assert_deferred(_metadata, i - 1);
		ASSERT_TRUE(end_tracer(child));
		WAIT_UNTIL(READ_ONCE(worker.noted.hits) == i);
		wait_for_turns();
	}
	WRITE_ONCE(step_over, 1);
	EXPECT_EQ(0, child_status(self->pid));
	EXPECT_EQ(i - 1, worker.noted.hits);
}

/* The task is asleep in the call that it was to step over. */
TEST_F(let_run, by_the_tracers_end_in_a_call)
{
	pid_t child;
	char byte;

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, NULL, NULL));
	child = begin_tracer(self->pid, INT_MAX);
	ASSERT_GT(child, 0);
	step_args[0] = self->pipe[0];
	step_args[1] = (long)&byte;
	step_args[2] = 1;
	WRITE_ONCE(step_nr, SYS_read);
	ASSERT_TRUE(wait_until_asleep(self->pid));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	assert_deferred(_metadata, 0);

	ASSERT_TRUE(end_tracer(child));
	WRITE_ONCE(step_nr, SYS_getppid);
	ASSERT_EQ(1, write(self->pipe[1], "x", 1));
	WAIT_UNTIL(READ_ONCE(worker.noted.hits));
	WRITE_ONCE(step_over, 1);
	EXPECT_EQ(0, child_status(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
	EXPECT_EQ('x', byte);
}

TEST_HARNESS_MAIN
