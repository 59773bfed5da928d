/* SPDX-License-Identifier: MIT */
#ifndef TRACER_H
#define TRACER_H

/*
 * What a tracer does that shares the address space with its tracee. While it
 * single-steps the tracee no upcall is entered: where one is to come the tracee
 * has to run, to a breakpoint in a debug register.
 */
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "tap.h"
#include "regs.h"

/* The status of a tracee that has stopped by anything, or ended. */
static __inline__ int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		tap_bail("waitpid");
	return status;
}

static __inline__ struct user_regs_struct registers(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		tap_bail("PTRACE_GETREGS");
	return regs;
}

static __inline__ unsigned long where(pid_t pid)
{
	return registers(pid).ARCH_USER_IP;
}

static __inline__ void clear_flags(pid_t pid, long flags)
{
	struct user_regs_struct regs = registers(pid);

	regs.eflags &= ~flags;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		tap_bail("PTRACE_SETREGS");
}

static __inline__ void step(pid_t pid)
{
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
		tap_bail("PTRACE_SINGLESTEP");
	if (!WIFSTOPPED(wait_for(pid)))
		tap_bail("the tracee ended in a step");
}

/*
 * The kernel takes a trap flag for the tracee's own that was there when popfl
 * was stepped over: a context function's own popfl was.
 */
static __inline__ int run(pid_t pid, int sig)
{
	clear_flags(pid, REGS_TF);
	if (ptrace(PTRACE_CONT, pid, NULL, sig))
		tap_bail("PTRACE_CONT");
	return wait_for(pid);
}

static __inline__ void set_debug_register(pid_t pid, int n, unsigned long value)
{
	if (ptrace(PTRACE_POKEUSER, pid,
		   (void *)offsetof(struct user, u_debugreg[n]), (void *)value))
		tap_bail("a debug register");
}

/* To the first of three addresses that it comes to, which is returned. */
static __inline__ unsigned long run_to_one(pid_t pid, unsigned long a,
					   unsigned long b, unsigned long c)
{
	unsigned long ip = 0;
	int status;

	set_debug_register(pid, 0, a);
	set_debug_register(pid, 1, b);
	set_debug_register(pid, 2, c);
	set_debug_register(pid, 7, 1 | 4 | 16);
	status = run(pid, 0);
	if (WIFSTOPPED(status))
		ip = where(pid);
	if (!ip || (ip != a && ip != b && ip != c)) {
		printf("# at %#lx, not %#lx, %#lx or %#lx, status %#x\n", ip, a,
		       b, c, status);
		tap_bail("a breakpoint");
	}
	set_debug_register(pid, 7, 0);
	return ip;
}

static __inline__ void run_to(pid_t pid, unsigned long a)
{
	run_to_one(pid, a, a, a);
}

/* So that a breakpoint where it is stopped counts once more. */
static __inline__ void rearm(pid_t pid)
{
	clear_flags(pid, REGS_RF);
}

/* One boundary further; a system call it makes, with what comes of that. */
static __inline__ void go_on(pid_t pid, upcall_func_t ctx)
{
	struct user_regs_struct regs = registers(pid);
	unsigned long ip = regs.ARCH_USER_IP, resumed = (unsigned long)ctx;

	if (!arch_at_call((const unsigned char *)ip)) {
		step(pid);
		return;
	}
	if (arch_command(&regs) == UPC_CONTROL_NEXT)
		resumed = arch_resumed_by_next(&regs);
	run_to_one(pid, ip + 2, (unsigned long)ctx, resumed);
}

#endif /* TRACER_H */
