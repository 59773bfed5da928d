/* SPDX-License-Identifier: MIT */
#ifndef ARCH_H
#define ARCH_H

/* What the tests have to know of x86-64. */
#include <sys/user.h>

/* The general registers in DWARF's order, and which is the stack pointer. */
#define ARCH_REGS	16
#define ARCH_SP		7
#define ARCH_REG_NAMES	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", \
			"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"

/* To make a value of a register of a seed of 32 bits, and of its number. */
#define ARCH_SPREAD	0x100000001UL
#define ARCH_STEP	0x13579bdf2468ace1UL

/* Below the stack pointer, in use. */
#define ARCH_RED_ZONE	128

/* In struct user_regs_struct, and in gregs of a signal's context. */
#define ARCH_USER_IP	rip
#define ARCH_REG_IP	REG_RIP

static __inline__ int arch_at_call(const unsigned char *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

/* At a call of upc_control(): its command, and where NEXT goes on. */
static __inline__ int arch_command(const struct user_regs_struct *regs)
{
	return regs->rdi;
}

static __inline__ unsigned long
arch_resumed_by_next(const struct user_regs_struct *regs)
{
	return ((const struct upcall_frame_x86_64 *)regs->rdx)->rip;
}

static __inline__ long arch_call(long nr, long a, long b)
{
	long ret;

	__asm__ __volatile__ ("syscall" : "=a" (ret)
			      : "0" (nr), "D" (a), "S" (b)
			      : "rcx", "r11", "memory", "cc");
	return ret;
}

/* Everything that a C function may change of the integer registers. */
static __inline__ void arch_clobber(void)
{
	__asm__ __volatile__ ("movq $-1, %%rax; movq %%rax, %%rcx;"
			      "movq %%rax, %%rdx; movq %%rax, %%rsi;"
			      "movq %%rax, %%rdi; movq %%rax, %%r8;"
			      "movq %%rax, %%r9; movq %%rax, %%r10;"
			      "movq %%rax, %%r11; addq %%rax, %%rax"
			      : : : "rax", "rcx", "rdx", "rsi", "rdi", "r8",
			      "r9", "r10", "r11", "cc");
}

/* NEXT that fails; returns whether all that a C function keeps survives. */
static __inline__ int arch_next_keeps(int id, void *frame, int *ret)
{
	unsigned long bx = 0xb1b2b3b4c1c2c3c4, r12 = 0x1212, r13 = 0x1313;
	unsigned long r14 = 0x1414, r15 = 0x1515, next = UPC_CONTROL_NEXT;
	long wide = id;

	__asm__ volatile ("movq %[r12], %%r12; movq %[r13], %%r13\n\t"
			  "movq %[r14], %%r14; movq %[r15], %%r15\n\t"
			  "movq %%rsp, %%rcx; subq $128, %%rsp\n\t"
			  "andq $-16, %%rsp; pushq %%rcx; pushq %%rcx\n\t"
			  "call *%%rax\n\t"
			  "popq %%rcx; movq %%rcx, %%rsp\n\t"
			  "movq %%r12, %[r12]; movq %%r13, %[r13]\n\t"
			  "movq %%r14, %[r14]; movq %%r15, %[r15]"
			  : "=a" (*ret), "+b" (bx), "+D" (next), "+S" (wide),
			    "+d" (frame), [r12] "+m" (r12), [r13] "+m" (r13),
			    [r14] "+m" (r14), [r15] "+m" (r15)
			  : "0" (upc_control)
			  : "rcx", "r8", "r9", "r10", "r11", "r12", "r13",
			    "r14", "r15", "memory", "cc");
	return bx == 0xb1b2b3b4c1c2c3c4 && r12 == 0x1212 && r13 == 0x1313 &&
	       r14 == 0x1414 && r15 == 0x1515;
}

#endif /* ARCH_H */
