// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall comes in user mode, when the next instruction is the system call
 * that restart_syscall is due in, and its cfunc is interrupted in a sleep of
 * its own. The outer sleep does not end early. A tracer's breakpoint on that
 * instruction makes the moment. upcall.rst, section 8, system call restart.
 */
#include "upcall_trace.h"
#include "upcall_util.h"

#define TIMEOUT_NS	600000000LL
#define CFUNC_NS	200000000LL
#define SLACK_NS	50000LL		/* what a timer may be late by */

static struct worker {
	struct upcall upc;
	void *ctx;
	int id, ready, in_cfunc, hits, cfunc_wrong, ret;
	long long start, end;
	struct timespec rem;
} worker = { .upc = UPCALL_INIT };

static int __attribute_noinline__ sleep_call(const struct timespec *ts,
					     struct timespec *rem)
{
	long ret;

	asm volatile("sleep_call_at: " CALL_INSN : "=a" (ret)
		     : "0" ((long)SYS_nanosleep), CALL_ARG1(ts), CALL_ARG2(rem)
		     : CALL_CLOBBERS "memory", "cc");
	return ret;
}

static void sleep_cfunc(void *data)
{
	struct timespec ts = { .tv_nsec = CFUNC_NS };
	struct worker *w = data;
	long long start = now_ns();

	WRITE_ONCE(w->in_cfunc, 1);
	if (upc_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0) ||
	    now_ns() - start < CFUNC_NS)
		w->cfunc_wrong++;
	count_cfunc(&w->hits);
}

static int worker_main(void *data)
{
	struct timespec ts = { .tv_nsec = TIMEOUT_NS };
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, sleep_cfunc, w);
	w->start = now_ns();
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	w->ret = sleep_call(&ts, &w->rem);
	w->end = now_ns();
	return w->hits != 1;
}

FIXTURE(restart_boundary) {
};

FIXTURE_VARIANT(restart_boundary) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(restart_boundary, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(restart_boundary, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(restart_boundary)
{
	worker.ctx = variant->ctx;
}

FIXTURE_TEARDOWN(restart_boundary)
{
}

TEST_F(restart_boundary, does_not_end_the_sleep)
{
	long long rem, interrupted;
	struct user_regs_struct regs;
	int status;
	pid_t pid;

	pid = clone_worker(worker_main, &worker);
	ASSERT_GT(pid, 0);
	WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	ASSERT_TRUE(wait_until_asleep(pid));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	interrupted = now_ns();
	if (!trace_break(pid, LABEL(sleep_call_at)))
		SKIP(return, "no hardware breakpoints");

	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(SIGTRAP, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, 0, &regs));
	ASSERT_EQ((long)LABEL(sleep_call_at), (long)regs.ur_ip);
	ASSERT_EQ(SYS_restart_syscall, (long)regs.ur_ax);

	/* Between instructions now, and this is the upcall. */
	ASSERT_TRUE(trace_break(pid, NULL));
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	WAIT_UNTIL(READ_ONCE(worker.in_cfunc) || waitpid(pid, &status, WNOHANG));
	ASSERT_TRUE(READ_ONCE(worker.in_cfunc));
	ASSERT_TRUE(wait_until_asleep(pid));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, 0, 0));

	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(0, worker.cfunc_wrong);
	EXPECT_EQ(0, worker.upc.crit_count);
	if (worker.ret == -EINTR) {
		rem = worker.rem.tv_sec * NSEC_PER_SEC + worker.rem.tv_nsec;
		EXPECT_GE(TIMEOUT_NS + SLACK_NS, rem);
		EXPECT_LE(TIMEOUT_NS - (interrupted - worker.start), rem);
	} else {
		EXPECT_EQ(0, worker.ret);
		EXPECT_LE(TIMEOUT_NS, worker.end - worker.start);
	}
}

TEST_HARNESS_MAIN
