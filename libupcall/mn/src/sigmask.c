// SPDX-License-Identifier: MIT
/*
 * The signal mask of the kernel thread that this is, by the system call: the
 * functions of the C library are the program's, in which mask.c has a say.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"

/* As pthread_sigmask(); returns what it was before. */
uint64_t kernel_mask(int how, uint64_t mask)
{
	uint64_t old = 0;
	int saved = get_errno();

	if (syscall(SYS_rt_sigprocmask, how, &mask, &old, sizeof(mask)))
		fatal("rt_sigprocmask", errno);
	set_errno(saved);
	return old;
}
