// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer dispatches to a task that it has stopped in user mode: the next
 * single step enters the context function, before any further instruction of
 * the interrupted code. upcall.rst, section 8, ptrace.
 */
#include "upcall_util.h"
#include "upcall_trace.h"

static struct worker {
	struct upcall upc;
	void *ctx;
	int id, ready, hits;
} worker = { .upc = UPCALL_INIT };

static int worker_main(void *data)
{
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, count_cfunc, &w->hits);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	while (!READ_ONCE(w->hits))
		cpu_relax();
	return w->upc.crit_count;
}

FIXTURE(ptrace_step_spinner) {
};

FIXTURE_VARIANT(ptrace_step_spinner) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(ptrace_step_spinner, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(ptrace_step_spinner, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(ptrace_step_spinner)
{
	worker.ctx = variant->ctx;
}

FIXTURE_TEARDOWN(ptrace_step_spinner)
{
}

TEST_F(ptrace_step_spinner, enters_the_context_function)
{
	struct user_regs_struct before, regs;
	struct upcall_frame_ia32 *frame;
	pid_t pid;

	pid = clone_worker(worker_main, &worker);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	ASSERT_TRUE(trace_stopped(pid, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &before));

	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_TRUE(trace_until(pid, PTRACE_SINGLESTEP, SIGTRAP));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	ASSERT_EQ((long)variant->ctx, regs.eip);
	ASSERT_EQ(before.esp - (long)sizeof(*frame), regs.esp);

	/* Its memory is the test's own. */
	frame = (struct upcall_frame_ia32 *)regs.esp;
	EXPECT_EQ(before.eip, frame->origip);
	EXPECT_EQ(before.eax, frame->eax);
	EXPECT_EQ(before.ecx, frame->ecx);
	EXPECT_EQ(before.edx, frame->edx);
	EXPECT_EQ(0, frame->eflags & FLAGS_TF);

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(1, worker.hits);
}

TEST_HARNESS_MAIN
