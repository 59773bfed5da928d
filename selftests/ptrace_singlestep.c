// SPDX-License-Identifier: GPL-2.0
/*
 * A tracer single-steps over a dispatch: it stops at the first instruction of
 * the context function, as it would at a handler's, and when the upcall is
 * over goes on in the interrupted code. upcall.rst, section 8, ptrace.
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
	int ret;

	asm volatile("traced_int80: int $0x80\n\t"
		     "traced_after: nop"
		     : "=a" (ret)
		     : "0" (__NR_upc_control), "b" (UPC_CONTROL_DISPATCH),
		       "c" (id), "d" (1)
		     : "memory", "cc");
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
	asm volatile("pushfl\n\tpopl %0" : "=r" (flags));
	CHECK(ret == 0);
	CHECK(!(flags & FLAGS_TF));
	CHECK(hits == 1 && !upc.crit_count && !upc.pending);
	CHECK(upc_dispatch(id, 1) == 0);
	CHECK(hits == 2);
	_exit(0);
}

/* One step, and where it led. */
static bool step(pid_t pid, struct user_regs_struct *regs)
{
	return trace_until(pid, PTRACE_SINGLESTEP, SIGTRAP) &&
	       !ptrace(PTRACE_GETREGS, pid, NULL, regs);
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
	struct upcall_frame_ia32 frame;
	struct user_regs_struct regs;
	unsigned int i;
	int steps = 0;

	do {
		ASSERT_TRUE(step(self->pid, &regs));
		ASSERT_GT(MANY_STEPS, steps++);
	} while (regs.eip != (long)LABEL(traced_int80));

	/* A system call being over is an event of its own, for signals too. */
	ASSERT_TRUE(step(self->pid, &regs));
	if (regs.eip == (long)LABEL(traced_after)) {
		EXPECT_EQ(0, regs.eax);
		ASSERT_TRUE(step(self->pid, &regs));
	}
	ASSERT_EQ((long)variant->ctx, regs.eip);
	EXPECT_EQ((long)count_cfunc, regs.eax);
	EXPECT_EQ((long)&hits, regs.ecx);
	EXPECT_EQ((long)&upc, regs.edx);

	for (i = 0; i < sizeof(frame); i += 4)
		((long *)&frame)[i / 4] = ptrace(PTRACE_PEEKDATA, self->pid,
						 regs.esp + i, NULL);
	EXPECT_EQ(0, frame.eax);
	EXPECT_EQ((long)LABEL(traced_after), frame.origip);
	EXPECT_EQ(0, frame.eflags & FLAGS_TF);

	steps = 0;
	do {
		ASSERT_TRUE(step(self->pid, &regs));
		ASSERT_GT(MANY_STEPS, steps++);
	} while (regs.eip != (long)LABEL(traced_after));
	EXPECT_EQ(0, regs.eax);
	EXPECT_LT(10, steps);
	ASSERT_TRUE(step(self->pid, &regs));
	EXPECT_EQ((long)LABEL(traced_after) + 1, regs.eip);

	/*
	 * With or without upcalls: once it has stepped over a popf, the kernel
	 * takes the trap flag for the program's own, and leaves it set.
	 */
	ASSERT_EQ(0, ptrace(PTRACE_POKEUSER, self->pid,
			    offsetof(struct user, regs.eflags),
			    regs.eflags & ~FLAGS_TF));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, NULL, NULL));
	EXPECT_EQ(0, child_status(self->pid));
}

TEST_HARNESS_MAIN
