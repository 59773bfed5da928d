// SPDX-License-Identifier: MIT
/*
 * Each user thread has a signal mask of its own: pthread_sigmask() and sigprocmask()
 * write down what it is, and a switch makes it the kernel thread's. In the shared
 * library alone, as locks.c.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "rt.h"

/*
 * In a signal handler it is not the thread's: what it was before comes back when that
 * returns.
 */
static void note_change(uint64_t was, uint64_t is)
{
	struct vcpu *v;

	crit_enter();
	v = this_vcpu();
	if (v && was != is && !in_handler(v))
		v->current->mask = (v->current->mask | (is & ~was)) & ~(was & ~is);
	crit_exit();
}

static void change(int how, uint64_t mask, sigset_t *old)
{
	uint64_t was, is;

	if (how != SIG_UNBLOCK)
		mask &= ~LIBC_SIGNALS;
	/* What ends slices is not the program's to block. */
	if (how != SIG_UNBLOCK && this_vcpu() && rt.kind == MN_SIGNAL)
		mask &= ~signal_bit(rt.signo);
	was = kernel_mask(how, mask);
	is = how == SIG_BLOCK ? was | mask :
	     how == SIG_UNBLOCK ? was & ~mask : mask;
	is &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	note_change(was, is);
	if (old) {
		sigemptyset(old);
		memcpy(old, &was, sizeof(was));
	}
}

MN_PUBLIC int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
		return EINVAL;
	change(set ? how : SIG_BLOCK, set ? mask_of(set) : 0, old);
	return 0;
}

MN_PUBLIC int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	int err = pthread_sigmask(how, set, old);

	if (!err)
		return 0;
	errno = err;
	return -1;
}
