// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer single-steps over a dispatch of the task to itself, and stops behind
 * it. Let run from there, the task enters the context function, and stepped
 * through that and the cfunc it comes back to where it was. upcall.rst, section
 * 4, rule 6, and section 8, ptrace.
 */
#include "upcall_util.h"
#include "upcall_trace.h"

/* More steps than the longest way through the context function takes. */
#define MANY_STEPS	10000

static struct upcall upc = UPCALL_INIT;
static int hits;

/* Dispatch to oneself, with an address that a tracer can know. */
static int __attribute_noinline__ dispatch_traced(int id)
{
	long ret;

	asm volatile("traced_call: " CALL_INSN "\n\t"
		     "traced_after: nop\n\t"
		     "traced_last: nop"
		     : "=a" (ret)
		     : "0" ((long)__NR_upc_control),
		       CALL_ARG1(UPC_CONTROL_DISPATCH), CALL_ARG2(id), "d" (1)
		     : CALL_CLOBBERS "memory", "cc");
	return ret;
}

FIXTURE(ptrace_singlestep) {
	pid_t pid;
};

FIXTURE_VARIANT(ptrace_singlestep) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(ptrace_singlestep, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(ptrace_singlestep, pop) { .ctx = ctx_pop };

/* The child. Its second upcall, not stepped through, has to work as well. */
static void traced_main(void *ctx)
{
	unsigned long flags;
	int id, ret;

	id = upc_register_ctx(&upc, ctx, count_cfunc, &hits);
	CHECK(id > 0);
	be_traced();
	ret = dispatch_traced(id);
	asm volatile(BELOW_RED_ZONE
		     "pushf" W "\n\tpop %0"
		     ABOVE_RED_ZONE : "=r" (flags));
	CHECK(ret == 0);
	CHECK(!(flags & FLAGS_TF));
	CHECK(hits == 1 && !upc.crit_count && !upc.pending);
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(hits == 2);
	_exit(0);
}

FIXTURE_SETUP(ptrace_singlestep)
{
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid)
		traced_main(variant->ctx);
	ASSERT_TRUE(trace_stopped(self->pid, SIGSTOP));
}

FIXTURE_TEARDOWN(ptrace_singlestep)
{
}

TEST_F(ptrace_singlestep, into_the_context_function_and_out)
{
	struct upcall_frame frame;
	struct user_regs_struct regs;
	unsigned int i;
	int steps = 0;

	do {
		ASSERT_TRUE(trace_step(self->pid, &regs));
		ASSERT_GT(MANY_STEPS, steps++);
	} while ((long)regs.ur_ip != (long)LABEL(traced_call));

	ASSERT_TRUE(trace_step(self->pid, &regs));
	ASSERT_EQ((long)LABEL(traced_after), (long)regs.ur_ip);
	EXPECT_EQ(0, (long)regs.ur_ax);
	ASSERT_TRUE(trace_step(self->pid, &regs));
	ASSERT_EQ((long)LABEL(traced_last), (long)regs.ur_ip);

	if (!trace_break(self->pid, variant->ctx))
		SKIP(return, "no hardware breakpoints");
	ASSERT_TRUE(trace_to(self->pid, variant->ctx, &regs));
	EXPECT_EQ((long)count_cfunc, (long)regs.ur_ax);
	EXPECT_EQ((long)&hits, (long)regs.ur_data);
	EXPECT_EQ((long)&upc, (long)regs.ur_dx);

	for (i = 0; i < sizeof(frame) / sizeof(long); i++)
		((long *)&frame)[i] = ptrace(PTRACE_PEEKDATA, self->pid,
					     (long *)regs.ur_sp + i, NULL);
	EXPECT_EQ(0, (long)frame.fr_ax);
	EXPECT_EQ((long)LABEL(traced_last), (long)frame.fr_ip);
	EXPECT_EQ(0, (long)frame.fr_flags & FLAGS_TF);

	steps = 0;
	do {
		ASSERT_TRUE(trace_step(self->pid, &regs));
		ASSERT_GT(MANY_STEPS, steps++);
	} while ((long)regs.ur_ip != (long)LABEL(traced_last));
	EXPECT_EQ(0, (long)regs.ur_ax);
	EXPECT_LT(10, steps);
	ASSERT_TRUE(trace_step(self->pid, &regs));
	EXPECT_EQ((long)LABEL(traced_last) + 1, (long)regs.ur_ip);

	/* ctx_pop() has a popf. */
	ASSERT_TRUE(trace_clear_tf(self->pid));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	EXPECT_EQ(0, child_status(self->pid));
}

TEST_HARNESS_MAIN
