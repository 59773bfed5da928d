// SPDX-License-Identifier: GPL-2.0
/*
 * A thread on another CPU dispatches without end to a task that is stepped, that
 * is stopped, and that is asleep in a call which is stepped over. Each step ends,
 * where it does without; the dispatches go on; and when the task is let run, it
 * enters the last one.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_step.h"

static int stop, wrong;

static void *dispatcher(void *data)
{
	pin_to_cpu(1);
	while (!READ_ONCE(stop)) {
		WRITE_ONCE(seq, seq + 1);
		if (upc_dispatch(worker.id, 1))
			WRITE_ONCE(wrong, 1);
	}
	return NULL;
}

FIXTURE(storm) {
	pthread_t thread;
	int pipe[2];
	pid_t pid;
};

FIXTURE_VARIANT(storm) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(storm, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(storm, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(storm)
{
	pin_to_cpu(0);
	ASSERT_EQ(0, pipe(self->pipe));
	worker.ctx = variant->ctx;
	self->pid = stepped_worker();
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(storm)
{
}

static bool dispatches_go_on(void)
{
	int before = READ_ONCE(seq);

	WAIT_UNTIL(READ_ONCE(seq) - before > 100);
	return !READ_ONCE(wrong);
}

TEST_F_TIMEOUT(storm, of_dispatches, 300)
{
	int i, turn, turns = iterations(300);
	struct user_regs_struct regs;
	long plain[STEPS_A_TURN];
	long long start;
	char byte;

	for (i = 0; i < STEPS_A_TURN; i++) {
		ASSERT_TRUE(trace_step(self->pid, &regs));
		plain[i] = regs.ur_ip;
	}
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, dispatcher, NULL));
	ASSERT_TRUE(dispatches_go_on());

	start = now_ns();
	for (turn = 0; turn < turns && !time_is_up(start, 30); turn++) {
		for (i = 0; i < STEPS_A_TURN; i++) {
			ASSERT_TRUE(trace_step(self->pid, &regs));
			ASSERT_EQ(plain[i], (long)regs.ur_ip);
		}
	}
	EXPECT_EQ(0, worker.upc.pending);
	ASSERT_TRUE(dispatches_go_on());
	TH_LOG("%d steps under %d dispatches", turn * STEPS_A_TURN,
	       READ_ONCE(seq));

	step_args[0] = self->pipe[0];
	step_args[1] = (long)&byte;
	step_args[2] = 1;
	step_nr = SYS_read;
	do {
		ASSERT_TRUE(trace_step(self->pid, &regs));
	} while (regs.ur_ax != SYS_read ||
		 (long)regs.ur_ip != (long)LABEL(step_called) - 2);
	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, self->pid, NULL, NULL));
	ASSERT_TRUE(wait_until_asleep(self->pid));
	step_nr = SYS_getppid;
	ASSERT_TRUE(dispatches_go_on());
	ASSERT_EQ(1, write(self->pipe[1], "x", 1));
	ASSERT_TRUE(trace_stopped(self->pid, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &regs));
	EXPECT_EQ((long)LABEL(step_called), (long)regs.ur_ip);
	EXPECT_EQ(1, (long)regs.ur_ax);
	EXPECT_EQ('x', byte);
	EXPECT_EQ(0, worker.noted.hits);
	EXPECT_EQ(0, worker.upc.pending);

	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	ASSERT_EQ(0, wrong);
	ASSERT_EQ(1, upc_poll(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.noted.hits));
	EXPECT_EQ((long)regs.ur_ip, (long)worker.noted.copy.fr_ip);
	EXPECT_EQ(seq, worker.noted.seen);
	ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	EXPECT_EQ(0, finish_worker(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
}

/* It is let run while they come, and stopped again, and stepped. */
TEST_F_TIMEOUT(storm, on_and_off, 300)
{
	int i, j, n = iterations(100);
	struct user_regs_struct regs;
	long long start = now_ns();

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, dispatcher, NULL));
	for (i = 0; i < n && !time_is_up(start, 30); i++) {
		for (j = 0; j < i % 5; j++)
			ASSERT_TRUE(trace_step(self->pid, &regs));
		ASSERT_TRUE(trace_clear_tf(self->pid));
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
		if (i % 3)
			ASSERT_TRUE(dispatches_go_on());
		ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	ASSERT_EQ(0, wrong);
	ASSERT_TRUE(trace_clear_tf(self->pid));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.noted.seen) == seq);
	ASSERT_TRUE(trace_until(self->pid, PTRACE_INTERRUPT, SIGTRAP));
	EXPECT_EQ(0, finish_worker(self->pid));
	TH_LOG("%d entries of %d dispatches", worker.noted.hits, seq);
}

TEST_HARNESS_MAIN
