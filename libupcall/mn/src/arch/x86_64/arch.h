/* SPDX-License-Identifier: MIT */
#ifndef MN_ARCH_H
#define MN_ARCH_H

/*
 * What the runtime asks of x86-64, beside switch_context() and first_context().
 */
#include <sys/ucontext.h>

#define ARCH_TLS	"%%fs"		/* has the thread pointer */
#define ARCH_PC		REG_RIP		/* in a signal frame */
#define ARCH_SP		REG_RSP

#define SAVED_REGISTERS	8	/* by switch_context() */

/* UPC_CONTROL_DISPATCH of -1; mn_section_end is where the call returns to. */
static inline void arch_dispatch_pending(long nr, long command)
{
	__asm__ volatile ("syscall\n"
			  "	.globl	mn_section_end\n"
			  "	.hidden	mn_section_end\n"
			  "mn_section_end:"
			  : "+a" (nr)
			  : "D" (command), "S" (-1l), "d" (0l)
			  : "rcx", "r11", "memory");
}

#endif /* MN_ARCH_H */
