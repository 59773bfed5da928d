/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of tracing share: a traced child, and its stops.
 */
#ifndef UPCALL_TRACE_H
#define UPCALL_TRACE_H

#include "upcall_proc.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define FLAGS_TF	0x100
#define FLAGS_RF	0x10000

static inline bool trace_stopped(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == sig;
}

/* The child continues, and has to stop again by the signal. */
static inline bool trace_until(pid_t pid, int request, int sig)
{
	return !ptrace(request, pid, NULL, NULL) && trace_stopped(pid, sig);
}

/* One step, and where it led. */
static inline bool trace_step(pid_t pid, struct user_regs_struct *regs)
{
	return trace_until(pid, PTRACE_SINGLESTEP, SIGTRAP) &&
	       !ptrace(PTRACE_GETREGS, pid, NULL, regs);
}

/* A task that knows nothing of it is stopped, wherever it is. */
static inline bool trace_seize(pid_t pid)
{
	return !ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) &&
	       trace_until(pid, PTRACE_INTERRUPT, SIGTRAP);
}

/* In a debug register; NULL: none any more. Not every machine has them. */
static inline bool trace_break(pid_t pid, const void *addr)
{
	/* Bit 0 of the control register enables, the type 0 is execution. */
	return !ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg),
		       addr) &&
	       !ptrace(PTRACE_POKEUSER, pid,
		       offsetof(struct user, u_debugreg[7]), addr ? 1 : 0);
}

/* It continues, and stops ahead of the instruction there, the next time. */
static inline bool trace_to(pid_t pid, const void *addr,
			    struct user_regs_struct *regs)
{
	return trace_break(pid, addr) &&
	       trace_until(pid, PTRACE_CONT, SIGTRAP) &&
	       trace_break(pid, NULL) &&
	       !ptrace(PTRACE_GETREGS, pid, NULL, regs) &&
	       (unsigned long)regs->ur_ip == (unsigned long)addr;
}

/*
 * The kernel takes a trap flag for the task's own that was there when popf was
 * stepped over, and leaves it set: with or without upcalls.
 */
static inline bool trace_clear_tf(pid_t pid)
{
	unsigned long flags = ptrace(PTRACE_PEEKUSER, pid,
				     offsetof(struct user, regs.eflags), NULL);

	return !ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.eflags),
		       flags & ~FLAGS_TF);
}

/* For the child: asks to be traced, and waits for the tracer. */
static inline void be_traced(void)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
}

#endif /* UPCALL_TRACE_H */
