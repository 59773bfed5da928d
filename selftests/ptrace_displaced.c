// SPDX-License-Identifier: GPL-2.0
/*
 * A debugger goes on from a breakpoint that it leaves in place, as gdb does: it
 * executes a copy of the instruction elsewhere, by one step, and then corrects
 * the pc. An upcall that is dispatched meanwhile is not entered before that, so
 * the step ends behind the copy; none is lost.
 *
 * upcall.rst, section 4, rules 4 and 6, and section 8, ptrace.
 */
#include "upcall_trace.h"
#include "upcall_util.h"

#define COPY_SIZE	16
#define INT3		0xcc

static struct worker {
	struct upcall upc;
	void *ctx;
	int id, ready, hits, seen;
} worker = { .upc = UPCALL_INIT };

static int seq, stop, wrong;

/* How often work was done, and how often by its parts. */
static int work_sum __attribute_used__;
static int work_calls __attribute_used__;
static int work_over __attribute_used__;

asm(".pushsection .text\n"
	"work_loop:\n\t"
	"incl work_calls\n\t"
	"movl $5, %eax\n"
	"work_insn:\n\t"
	"addl %eax, work_sum\n"
	"work_next:\n\t"
	"cmpl $0, work_over\n\t"
	"je work_loop\n\t"
	"ret\n\t"
	".popsection");

static void note_cfunc(void *data)
{
	WRITE_ONCE(worker.seen, READ_ONCE(seq));
	count_cfunc(&worker.hits);
}

static int worker_main(void *data)
{
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, note_cfunc, NULL);
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	asm volatile(BELOW_RED_ZONE
		     "call work_loop"
		     ABOVE_RED_ZONE : : : "eax", "memory", "cc");
	return w->upc.crit_count || w->upc.pending;
}

/* Each when the one before has been entered, so that the worker gets on. */
static void *dispatcher(void *data)
{
	pin_to_cpu(1);
	while (!READ_ONCE(stop)) {
		WRITE_ONCE(seq, seq + 1);
		if (upc_dispatch(worker.id, 1))
			WRITE_ONCE(wrong, 1);
		while (READ_ONCE(worker.seen) != seq && !READ_ONCE(stop))
			sched_yield();
	}
	return NULL;
}

FIXTURE(displaced) {
	pid_t pid;
	long insn;
	char *copy;
};

FIXTURE_VARIANT(displaced) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(displaced, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(displaced, pop) { .ctx = ctx_pop };

/* The breakpoint is there when a test begins. */
FIXTURE_SETUP(displaced)
{
	char *insn = LABEL(work_insn);

	self->copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(self->copy != MAP_FAILED);
	memcpy(self->copy, insn, COPY_SIZE);
	pin_to_cpu(0);
	worker.ctx = variant->ctx;
	self->pid = clone_worker(worker_main, &worker);
	ASSERT_GT(self->pid, 0);
	WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	ASSERT_TRUE(trace_seize(self->pid));
	self->insn = ptrace(PTRACE_PEEKTEXT, self->pid, insn, NULL);
	ASSERT_EQ(0, ptrace(PTRACE_POKETEXT, self->pid, insn,
			    (self->insn & ~0xff) | INT3));
}

FIXTURE_TEARDOWN(displaced)
{
}

/* The step off the breakpoint; dispatches says whether one comes before it. */
static void step_off(struct __test_metadata *_metadata, pid_t pid, char *copy,
		     bool dispatches)
{
	struct user_regs_struct regs;

	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	ASSERT_EQ((long)LABEL(work_insn) + 1, (long)regs.ur_ip);
	regs.ur_ip = (long)copy;
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	if (dispatches) {
		WRITE_ONCE(seq, seq + 1);
		ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	}
	ASSERT_TRUE(trace_step(pid, &regs));
	ASSERT_EQ(LABEL(work_next) - LABEL(work_insn),
		  (long)regs.ur_ip - (long)copy);
	regs.ur_ip += LABEL(work_insn) - copy;
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, pid, NULL, &regs));
}

/* The breakpoint goes, and the worker, too. All its work was done. */
static void finish(struct __test_metadata *_metadata, pid_t pid, long insn)
{
	ASSERT_EQ(0, ptrace(PTRACE_POKETEXT, pid, LABEL(work_insn), insn));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.seen) == seq);
	WRITE_ONCE(work_over, 1);
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(5 * work_calls, work_sum);
	EXPECT_LT(0, worker.hits);
	EXPECT_EQ(0, wrong);
}

TEST_F(displaced, with_a_dispatch_before_each_step)
{
	int i, n = 50;

	for (i = 1; i <= n; i++) {
		ASSERT_TRUE(trace_until(self->pid, PTRACE_CONT, SIGTRAP));
		EXPECT_EQ(i - 1, worker.hits);
		step_off(_metadata, self->pid, self->copy, true);
	}
	finish(_metadata, self->pid, self->insn);
	EXPECT_EQ(n, worker.hits);
}

TEST_F_TIMEOUT(displaced, under_dispatches, 120)
{
	int i, n = iterations(2000);
	long long start = now_ns();
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
	for (i = 0; (i < n || !READ_ONCE(worker.hits)) &&
	     !time_is_up(start, 30); i++) {
		ASSERT_TRUE(trace_until(self->pid, PTRACE_CONT, SIGTRAP));
		step_off(_metadata, self->pid, self->copy, false);
	}
	WRITE_ONCE(stop, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	finish(_metadata, self->pid, self->insn);
	TH_LOG("%d steps off a breakpoint, %d entries", i, worker.hits);
}

TEST_HARNESS_MAIN
