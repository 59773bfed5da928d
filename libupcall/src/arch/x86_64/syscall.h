/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_SYSCALL_H
#define LIBUPCALL_SYSCALL_H

/* A system call: 0 or more, or a negative errno. */
static inline int sys_call4(int nr, long a, long b, long c, long d)
{
	register long r10 __asm__ ("r10") = d;
	long ret;

	__asm__ __volatile__ ("syscall"
			      : "=a" (ret)
			      : "0" ((long)nr), "D" (a), "S" (b), "d" (c),
				"r" (r10)
			      : "rcx", "r11", "memory", "cc");
	return ret;
}

#endif /* LIBUPCALL_SYSCALL_H */
