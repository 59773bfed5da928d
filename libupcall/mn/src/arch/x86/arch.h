/* SPDX-License-Identifier: MIT */
#ifndef MN_ARCH_H
#define MN_ARCH_H

/*
 * What the runtime asks of IA-32, beside switch_context() and first_context().
 */
#include <sys/ucontext.h>

#define ARCH_TLS	"%%gs"		/* has the thread pointer */
#define ARCH_PC		REG_EIP		/* in a signal frame */
#define ARCH_SP		REG_ESP

#define SAVED_REGISTERS	6	/* by switch_context() */

/* UPC_CONTROL_DISPATCH of -1; mn_section_end is where the call returns to. */
static inline void arch_dispatch_pending(long nr, long command)
{
	__asm__ volatile ("int	$0x80\n"
			  "	.globl	mn_section_end\n"
			  "	.hidden	mn_section_end\n"
			  "mn_section_end:"
			  : "+a" (nr)
			  : "b" (command), "c" (-1), "d" (0)
			  : "memory");
}

#endif /* MN_ARCH_H */
