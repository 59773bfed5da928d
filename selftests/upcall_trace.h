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

/* For the child: asks to be traced, and waits for the tracer. */
static inline void be_traced(void)
{
	CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
}

#endif /* UPCALL_TRACE_H */
