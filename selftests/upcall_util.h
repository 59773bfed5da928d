/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of waiting, restarts and signals share: time, and a worker
 * that can be stopped alone. It is a process of its own in the test's address
 * space: the test still sees its memory and can dispatch to it.
 */
#ifndef UPCALL_UTIL_H
#define UPCALL_UTIL_H

#include "upcall_proc.h"

#define NSEC_PER_SEC	1000000000LL

/* The address of a label in assembly. */
#define LABEL(name)							\
	({								\
		char *__label;						\
									\
		asm("movl $" #name ", %k0" : "=r" (__label));		\
		__label;						\
	})

static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/*
 * For storms: on a machine that is busy with other things, two virtual CPUs
 * seldom run at the same time, and so few upcalls a second are entered that a
 * storm had better end by time. UPCALL_SECONDS in the environment gives it more.
 */
static inline bool time_is_up(long long start, int seconds)
{
	const char *more = getenv("UPCALL_SECONDS");

	if (more)
		seconds = atoi(more);
	return now_ns() - start > seconds * NSEC_PER_SEC;
}

/*
 * Dispatches when the last upcall is over: a dispatcher that does not wait for
 * that can keep its receiver in upcalls for ever.
 */
static inline int dispatch_after_last(int id, struct upcall *upc, int *stop)
{
	while ((READ_ONCE(upc->crit_count) || READ_ONCE(upc->pending)) &&
	       !READ_ONCE(*stop))
		cpu_relax();
	return upc_dispatch(id, 1);
}

/*
 * Unlike raise(), which the compiler takes for a function that calls nothing
 * back, so that it need not keep a handler's variables up to date around it.
 */
static inline int signal_self(int sig)
{
	return upc_syscall(SYS_tgkill, getpid(), sys_gettid(), sig, 0);
}

/* The worker shares its parent's thread area: it has to do without errno. */
static inline pid_t clone_worker(int (*fn)(void *data), void *data)
{
	static char stack[65536];

	return clone(fn, stack + sizeof(stack), CLONE_VM | SIGCHLD, data);
}

static inline bool stop_worker(pid_t pid)
{
	int status;

	return !kill(pid, SIGSTOP) &&
	       waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
}

static inline bool continue_worker(pid_t pid)
{
	int status;

	return !kill(pid, SIGCONT) &&
	       waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status);
}

#endif /* UPCALL_UTIL_H */
