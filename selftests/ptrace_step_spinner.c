// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer dispatches to a task that it has stopped in user mode. Steps lead on
 * in the interrupted code. When the tracer lets the task run, that enters the
 * context function before any further instruction of this code, whose registers
 * are in the frame, without the trap flag that the tracer had set.
 *
 * upcall.rst, section 4, rule 6, and section 8, ptrace.
 */
#include "upcall_step.h"

FIXTURE(ptrace_step_spinner) {
	pid_t pid;
};

FIXTURE_VARIANT(ptrace_step_spinner) {
	void *ctx;
	int steps;
};

FIXTURE_VARIANT_ADD(ptrace_step_spinner, no_step_next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(ptrace_step_spinner, no_step_pop) { .ctx = ctx_pop };

FIXTURE_VARIANT_ADD(ptrace_step_spinner, next) {
	.ctx = ctx_next, .steps = 9,
};

FIXTURE_VARIANT_ADD(ptrace_step_spinner, pop) {
	.ctx = ctx_pop, .steps = 9,
};

FIXTURE_SETUP(ptrace_step_spinner)
{
	worker.ctx = variant->ctx;
	self->pid = stepped_worker();
	ASSERT_GT(self->pid, 0);
}

FIXTURE_TEARDOWN(ptrace_step_spinner)
{
}

TEST_F(ptrace_step_spinner, enters_the_context_function)
{
	struct user_regs_struct before, regs;
	struct upcall_frame *frame;
	int i;

	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, NULL, &before));
	for (i = 0; i < variant->steps; i++)
		ASSERT_TRUE(trace_step(self->pid, &before));
	ASSERT_LE((long)step_loop, (long)before.ur_ip);
	ASSERT_GE((long)LABEL(step_end), (long)before.ur_ip);

	if (!trace_break(self->pid, variant->ctx))
		SKIP(return, "no hardware breakpoints");
	ASSERT_TRUE(trace_to(self->pid, variant->ctx, &regs));
	EXPECT_EQ(before.ur_sp - FRAME_SPACE, (unsigned long)regs.ur_sp);
	EXPECT_EQ((long)note_cfunc, (long)regs.ur_ax);
	EXPECT_EQ((long)&worker.noted, (long)regs.ur_data);
	EXPECT_EQ((long)&worker.upc, (long)regs.ur_dx);
	EXPECT_EQ(0, (long)regs.eflags & FLAGS_TF);

	/* Its memory is the test's own. */
	frame = (struct upcall_frame *)regs.ur_sp;
	EXPECT_EQ((long)before.ur_ip, (long)frame->fr_ip);
	EXPECT_EQ((long)before.ur_ax, (long)frame->fr_ax);
	EXPECT_EQ((long)before.ur_cx, (long)frame->fr_cx);
	EXPECT_EQ((long)before.ur_dx, (long)frame->fr_dx);
	EXPECT_EQ(0, (long)frame->fr_flags & FLAGS_TF);
	EXPECT_EQ(UPC_CRITADD, worker.upc.crit_count);

	worker.noted.frame = frame;
	EXPECT_EQ(0, finish_worker(self->pid));
	EXPECT_EQ(1, worker.noted.hits);
}

TEST_HARNESS_MAIN
