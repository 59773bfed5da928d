/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of restart_syscall() share: a worker in a call that is
 * restarted in that way, and a tracer that brings it to the instruction that
 * makes the restart, with a restart block of one origin or another.
 */
#ifndef UPCALL_RESTART_H
#define UPCALL_RESTART_H

#include "upcall_trace.h"
#include "upcall_util.h"

#include <poll.h>
#include <linux/futex.h>

#define TIMEOUT_NS	1000000000000LL	/* no call is to get there */
#define SLACK_NS	50000LL		/* what a timer may be late by */

#define RESTARTBLOCK	516

struct worker {
	struct upcall upc;
	void *ctx;
	unsigned long entry;		/* code that makes a call and returns */
	int (*call)(struct worker *w);
	int id, urgent_id, handler_id;
	int ready, in_cfunc, in_urgent, hits, handled;
	int dispatch_handled, handler_hits;
	int cfunc_ret, urgent_ret, ret;
	long long start;
	struct timespec rem;
};

static struct worker worker = { .upc = UPCALL_INIT };
static int futex_word;
static int release_pipe[2];

asm(".pushsection .text\n"
	"call_ret:\n\t"
	CALL_INSN "\n\t"
	"ret\n\t"
	".popsection");

/* A call through call_ret, a copy of it, or what the vDSO has in its place. */
static int __attribute_noinline__ call_entry(struct worker *w, int nr, long a,
					     long b, long c, long d)
{
	long ret;

#ifdef __x86_64__
	register long r10 asm("r10") = d;

	asm volatile(BELOW_RED_ZONE
		     "call *%[entry]"
		     ABOVE_RED_ZONE : "=a" (ret)
		     : "0" ((long)nr), "D" (a), "S" (b), "d" (c), "r" (r10),
		       [entry] "b" (w->entry)
		     : "rcx", "r11", "memory", "cc");
#else
	asm volatile("call *%6" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d),
		       "D" (w->entry)
		     : "memory", "cc");
#endif
	return ret;
}

static inline int call_nanosleep(struct worker *w)
{
	struct timespec ts = { .tv_sec = TIMEOUT_NS / NSEC_PER_SEC };

	return call_entry(w, SYS_nanosleep, (long)&ts, (long)&w->rem, 0, 0);
}

static inline int call_clock_nanosleep(struct worker *w)
{
	struct timespec ts = { .tv_sec = TIMEOUT_NS / NSEC_PER_SEC };

	return call_entry(w, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0,
			  (long)&ts, (long)&w->rem);
}

static inline int call_poll(struct worker *w)
{
	return call_entry(w, SYS_poll, 0, 0, TIMEOUT_NS / 1000000, 0);
}

static inline int call_futex(struct worker *w)
{
	struct timespec ts = { .tv_sec = TIMEOUT_NS / NSEC_PER_SEC };

	return call_entry(w, SYS_futex, (long)&futex_word, FUTEX_WAIT, 0,
			  (long)&ts);
}

/*
 * Until release_sleep(): 1. Unlike other calls, poll() leaves its restart block
 * as it is when it has been restarted and ends.
 */
static inline int cfunc_sleep(void)
{
	static struct pollfd pfd = { .events = POLLIN };

	pfd.fd = release_pipe[0];
	return upc_syscall(SYS_poll, (long)&pfd, 1, TIMEOUT_NS / 1000000, 0);
}

static inline bool release_sleep(void)
{
	return write(release_pipe[1], "x", 1) == 1;
}

static void sleep_cfunc(void *data)
{
	struct worker *w = data;

	WRITE_ONCE(w->in_cfunc, 1);
	w->cfunc_ret = cfunc_sleep();
	count_cfunc(&w->hits);
}

static void urgent_cfunc(void *data)
{
	struct worker *w = data;

	WRITE_ONCE(w->in_urgent, 1);
	w->urgent_ret = cfunc_sleep();
}

static void handler_cfunc(void *data)
{
	struct timespec ts = { .tv_nsec = 1000000 };
	struct worker *w = data;

	upc_syscall(SYS_nanosleep, (long)&ts, 0, 0, 0);
	w->handler_hits++;
}

static inline void on_signal(int sig)
{
	worker.handled++;
	if (worker.dispatch_handled)
		upc_dispatch(worker.handler_id, 1);
}

static int worker_main(void *data)
{
	struct worker *w = data;

	w->id = upc_register_ctx(&w->upc, w->ctx, sleep_cfunc, w);
	w->urgent_id = upc_register_ctx(&w->upc, w->ctx, urgent_cfunc, w);
	w->handler_id = upc_register_ctx(&w->upc, w->ctx, handler_cfunc, w);
	w->start = now_ns();
	__atomic_store_n(&w->ready, 1, __ATOMIC_RELEASE);
	w->ret = w->call(w);
	return 0;
}

/* The worker sleeps in its call. -1: it does not. */
static inline pid_t begin_sleeper(void)
{
	pid_t pid;

	if (pipe(release_pipe))
		return -1;
	pid = clone_worker(worker_main, &worker);
	if (pid < 0)
		return -1;
	WAIT_UNTIL(__atomic_load_n(&worker.ready, __ATOMIC_ACQUIRE));
	return wait_until_asleep(pid) ? pid : -1;
}

/* And is traced. */
static inline pid_t traced_sleeper(void)
{
	pid_t pid = begin_sleeper();

	if (pid > 0 &&
	    ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD))
		return -1;
	return pid;
}

/*
 * Interrupts the task in the sleep that it is in. It will go on with that by the
 * instruction whose address this finds.
 */
static inline bool interrupt_call(pid_t pid, char **restart)
{
	struct user_regs_struct regs;

	if (!trace_until(pid, PTRACE_INTERRUPT, SIGTRAP) ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &regs) ||
	    (long)regs.ur_ax != -RESTARTBLOCK)
		return false;
	*restart = (char *)regs.ur_ip - 2;
	return (ptrace(PTRACE_PEEKTEXT, pid, *restart, NULL) & 0xffff) ==
	       CALL_CODE;
}

/* The next instruction is that one. */
static inline bool run_to_restart(pid_t pid, const char *restart)
{
	struct user_regs_struct regs;

	return trace_to(pid, restart, &regs) &&
	       regs.ur_ax == SYS_restart_syscall;
}

/* It handles a signal there, and stops as sigreturn() leads back. */
static inline bool handle_signal_at(pid_t pid, const char *restart)
{
	struct user_regs_struct regs;

	if (kill(pid, SIGUSR1) || !trace_until(pid, PTRACE_CONT, SIGUSR1) ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, SIGUSR1))
		return false;
	for (;;) {
		if (!trace_stopped(pid, SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GETREGS, pid, NULL, &regs))
			return false;
		if ((char *)regs.ur_ip == restart)
			return regs.ur_ax == SYS_restart_syscall;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			return false;
	}
}

/* The same by way of user mode, from where sigreturn() leads back. */
static inline bool run_to_restart_again(pid_t pid, const char *restart)
{
	unsigned long flags = ptrace(PTRACE_PEEKUSER, pid,
				     offsetof(struct user, regs.eflags), NULL);

	/* The flag passes a breakpoint once: the signal frame has kept it. */
	return !ptrace(PTRACE_POKEUSER, pid,
		       offsetof(struct user, regs.eflags),
		       flags & ~FLAGS_RF) &&
	       run_to_restart(pid, restart);
}

/* The cfunc's sleep that the task is in now leaves a restart block, and ends. */
static inline bool interrupt_sleep(pid_t pid)
{
	return wait_until_asleep(pid) && stop_worker(pid) &&
	       continue_worker(pid) && release_sleep();
}

/* A sleep that was interrupted then says how long it would have gone on. */
static inline bool rem_is_right(long long interrupted)
{
	long long rem = worker.rem.tv_sec * NSEC_PER_SEC + worker.rem.tv_nsec;

	if (worker.call != call_nanosleep &&
	    worker.call != call_clock_nanosleep)
		return true;
	return rem <= TIMEOUT_NS + SLACK_NS &&
	       rem >= TIMEOUT_NS - (interrupted - worker.start);
}

/* The call has been ended by the upcall, and nothing else has changed. */
static inline void expect_eintr(struct __test_metadata *_metadata,
				long long interrupted)
{
	EXPECT_EQ(-EINTR, worker.ret);
	EXPECT_TRUE(rem_is_right(interrupted));
	EXPECT_EQ(1, worker.hits);
	EXPECT_EQ(0, worker.upc.crit_count);
	EXPECT_EQ(0, worker.upc.pending);
}

/*
 * An upcall comes where the task is, which nobody traces any more. Its cfunc's
 * sleep is interrupted. The call is over then.
 */
static inline void end_by_upcall(struct __test_metadata *_metadata, pid_t pid,
				 long long interrupted)
{
	ASSERT_EQ(0, upc_dispatch(worker.id, 1));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
	WAIT_UNTIL(READ_ONCE(worker.in_cfunc));
	ASSERT_TRUE(interrupt_sleep(pid));
	ASSERT_EQ(0, child_status(pid));
	EXPECT_EQ(1, worker.cfunc_ret);
	expect_eintr(_metadata, interrupted);
}

#endif /* UPCALL_RESTART_H */
