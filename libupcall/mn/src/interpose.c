// SPDX-License-Identifier: MIT
/*
 * pthread_exit() of the program's: in a user thread the kernel thread would end, a
 * virtual CPU, and all of its threads would stand still. The static library has
 * the C library's own instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "rt.h"

void mn_libc_exit(void *result)
{
	void (*leave_it)(void *);

	*(void **)&leave_it = dlsym(RTLD_NEXT, "pthread_exit");
	if (!leave_it)
		fatal("pthread_exit", ENOSYS);
	leave_it(result);
	__builtin_unreachable();
}

MN_EXPORT void pthread_exit(void *result)
{
	mn_exit(result);
}
