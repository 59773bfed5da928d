// SPDX-License-Identifier: MIT
#ifndef PREEMPTED_FIBERS_H
#define PREEMPTED_FIBERS_H

/*
 * Boost.Fiber, preempted. Its fibers are as they are, and its scheduler is its own:
 * all that is added is that yield() is called for a fiber whose slice is over, by an
 * upcall, or a signal where there are none, wherever the fiber is in this program's
 * code. Boost itself must not be interrupted: call it between enter() and leave(),
 * which do not nest. Every switch is made there, and whoever goes on leaves. The C++
 * library keeps caught exceptions by kernel thread: catch them there, too.
 */
#include <boost/fiber/all.hpp>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/upcall.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#define SLICE	1000000		/* ns */

#ifdef __x86_64__
#define PC	REG_RIP
#else
#define PC	REG_EIP
#endif

extern const char __executable_start[], etext[];

static struct upcall of_signals = UPCALL_INITIALIZER, *upc;
static bool by_signals;

/* Is called when the slice of the fiber that this is has come to its end. */
static void slice_over();

/* In a section, which whoever goes on is in as well. */
static void end_of_slice(unsigned long pc)
{
	if (pc < (unsigned long)__executable_start || pc >= (unsigned long)etext)
		return;			/* in a library: at the next tick */
	slice_over();
	boost::this_fiber::yield();
}

static void enter()
{
	upc_crit_enter(upc);
}

static void leave()
{
	if (!by_signals) {
		upc_crit_exit(upc);
		return;
	}
	for (;;) {
		UPC_BARRIER_();
		upc->crit_count -= UPC_CRITADD;
		UPC_BARRIER_();
		if (!upc->pending || upc->crit_count)
			return;
		enter();
		upc->pending = 0;
		end_of_slice((unsigned long)leave);
	}
}

/* upc_vcpu_wrapper leaves a frame pointer and what was interrupted. */
struct linkage {
	struct linkage	*up;
	unsigned long	pc;
};

static void on_upcall(void *)
{
	end_of_slice(static_cast<linkage *>(__builtin_frame_address(0))->up->pc);
}

static void on_signal(int, siginfo_t *, void *context)
{
	const int saved = errno;

	if (upc->crit_count) {
		upc->pending = 1;
		return;
	}
	enter();
	upc->pending = 0;
	end_of_slice(static_cast<ucontext_t *>(context)->uc_mcontext.gregs[PC]);
	leave();
	errno = saved;
}

/* The clock is a kernel thread; 0 is no upcall's number. */
static int upcall_id;
static pid_t tid;
static volatile bool stopped;

static void *ticks(void *)
{
	const struct timespec slice = { 0, SLICE };

	while (!stopped) {
		nanosleep(&slice, nullptr);
		if (by_signals)
			syscall(SYS_tgkill, getpid(), tid, SIGRTMIN);
		else
			upc_control(UPC_CONTROL_DISPATCH, upcall_id, UPC_PRIO(1));
	}
	return nullptr;
}

static bool attach()
{
	const char *backend = getenv("MN_BACKEND");
	struct sigaction sa = {};

	tid = syscall(SYS_gettid);
	by_signals = upc_available() != 1 || (backend && !strcmp(backend, "signal"));
	sa.sa_sigaction = on_signal;
	sa.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
	upc = by_signals ? &of_signals : upc_thread_init();
	if (by_signals)
		return !sigaction(SIGRTMIN, &sa, nullptr);
	upcall_id = upc ? upc_register(upc, upc_vcpu_wrapper, on_upcall, nullptr) : -1;
	return upcall_id > 0;
}

/* A fiber begins in the section of whoever has switched to it, and ends in one. */
template<class F> static boost::fibers::fiber preempted(F f)
{
	return boost::fibers::fiber([f] {
		leave();
		f();
		enter();
	});
}

#endif /* PREEMPTED_FIBERS_H */
