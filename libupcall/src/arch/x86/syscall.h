/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_SYSCALL_H
#define LIBUPCALL_SYSCALL_H

/*
 * A system call: 0 or more, or a negative errno.
 *
 * Through int $0x80, not the vDSO. The vDSO's entry would have to be fetched
 * from %gs:0x10, and a task made by a bare clone() may have no TLS, or from
 * the auxiliary vector into a variable, which is not there yet for whoever
 * calls before our constructor has run. There is little to gain: NEXT, WAIT,
 * SUSPEND and a dispatch to oneself that enters the upcall have to leave the
 * kernel by iret, whichever way they came in. And no frame of the vDSO
 * stands between an upcall and the caller in a backtrace.
 */
static inline int sys_call4(int nr, long a, long b, long c, long d)
{
	int ret;

	__asm__ __volatile__ ("int $0x80"
			      : "=a" (ret)
			      : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
			      : "memory", "cc");
	return ret;
}

#endif /* LIBUPCALL_SYSCALL_H */
