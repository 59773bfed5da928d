/* SPDX-License-Identifier: MIT */
#ifndef ARCH_H
#define ARCH_H

/* What the tests have to know of IA-32. */
#include <sys/user.h>

/* The general registers in DWARF's order, and which is the stack pointer. */
#define ARCH_REGS	8
#define ARCH_SP		4
#define ARCH_REG_NAMES	"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"

/* To make a value of a register of a seed of 32 bits, and of its number. */
#define ARCH_SPREAD	1UL
#define ARCH_STEP	0x13579bdfUL

/* Below the stack pointer, in use. */
#define ARCH_RED_ZONE	0

/* In struct user_regs_struct, and in gregs of a signal's context. */
#define ARCH_USER_IP	eip
#define ARCH_REG_IP	REG_EIP

static __inline__ int arch_at_call(const unsigned char *code)
{
	return code[0] == 0xcd && code[1] == 0x80;
}

/* At a call of upc_control(): its command, and where NEXT goes on. */
static __inline__ int arch_command(const struct user_regs_struct *regs)
{
	return regs->ebx;
}

static __inline__ unsigned long
arch_resumed_by_next(const struct user_regs_struct *regs)
{
	return ((const struct upcall_frame_ia32 *)regs->edx)->origip;
}

static __inline__ long arch_call(long nr, long a, long b)
{
	long ret;

	__asm__ __volatile__ ("int $0x80" : "=a" (ret)
			      : "0" (nr), "b" (a), "c" (b) : "memory", "cc");
	return ret;
}

/* Everything that a C function may change. */
static __inline__ void arch_clobber(void)
{
	__asm__ __volatile__ ("movl $-1, %%eax; movl $-1, %%ecx;"
			      "movl $-1, %%edx; addl %%eax, %%eax"
			      : : : "eax", "ecx", "edx", "cc");
}

/* NEXT that fails; returns whether all that a C function keeps survives. */
static __inline__ int arch_next_keeps(int id, void *frame, int *ret)
{
	unsigned int bx = 0xb1b2b3b4, si = 0x51525354, di = 0x61626364;

	__asm__ volatile ("pushl %[frame]\n\t"
			  "pushl %[id]\n\t"
			  "pushl %[next]\n\t"
			  "call *%%eax\n\t"
			  "addl $12, %%esp"
			  : "=a" (*ret), "+b" (bx), "+S" (si), "+D" (di),
			    [id] "+c" (id), [frame] "+d" (frame)
			  : "0" (upc_control), [next] "i" (UPC_CONTROL_NEXT)
			  : "memory", "cc");
	return bx == 0xb1b2b3b4 && si == 0x51525354 && di == 0x61626364;
}

#endif /* ARCH_H */
