/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of 64-bit programs share that also make 32-bit calls, or run
 * 32-bit code. All that this code sees is linked, or lies on a stack, below 4 GB.
 */
#ifndef UPCALL_MODES_H
#define UPCALL_MODES_H

#include "upcall_proc.h"

/* A call of the 32-bit ABI, whose numbers of upcalls' calls are the same. */
static inline int int80(int nr, long a, long b, long c, long d)
{
	int ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret;
}

static inline int control32(int cmd, int id, long data)
{
	return int80(__NR_upc_control, cmd, id, data, 0);
}

static inline int register32(struct upcall *upc, void *ctxfunc,
			     upcall_func_t cfunc, void *data)
{
	return int80(__NR_upc_register, (long)upc, (long)ctxfunc, (long)cfunc,
		     (long)data);
}

#endif /* UPCALL_MODES_H */
