/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A system call with six arguments, and what is in their registers after it.
 */
#ifndef UPCALL_SIX_H
#define UPCALL_SIX_H

#include "upcall_test.h"

/* A system call's number, arguments, and what was in the registers after. */
static long call_nr __attribute_used__;
static long args[6] __attribute_used__;
static long args_after[6] __attribute_used__;
static long call_ret __attribute_used__;

static inline void set_args(long nr, long a, long b, long c, long d, long e)
{
	call_nr = nr;
	args[0] = a;
	args[1] = b;
	args[2] = c;
	args[3] = d;
	args[4] = e;
	args[5] = 0x5d5d5d5d;
}

static void __attribute__((naked)) __attribute_noinline__ call_six(void)
{
#ifdef __x86_64__
	asm volatile("movq call_nr, %rax\n\t"
		     "movq args, %rdi\n\t"
		     "movq args + 8, %rsi\n\t"
		     "movq args + 16, %rdx\n\t"
		     "movq args + 24, %r10\n\t"
		     "movq args + 32, %r8\n\t"
		     "movq args + 40, %r9\n\t"
		     "syscall\n\t"
		     "movq %rax, call_ret\n\t"
		     "movq %rdi, args_after\n\t"
		     "movq %rsi, args_after + 8\n\t"
		     "movq %rdx, args_after + 16\n\t"
		     "movq %r10, args_after + 24\n\t"
		     "movq %r8, args_after + 32\n\t"
		     "movq %r9, args_after + 40\n\t"
		     "ret\n\t");
#else
	asm volatile("pushal\n\t"
		     "movl call_nr, %eax\n\t"
		     "movl args, %ebx\n\t"
		     "movl args + 4, %ecx\n\t"
		     "movl args + 8, %edx\n\t"
		     "movl args + 12, %esi\n\t"
		     "movl args + 16, %edi\n\t"
		     "movl args + 20, %ebp\n\t"
		     "int $0x80\n\t"
		     "movl %eax, call_ret\n\t"
		     "movl %ebx, args_after\n\t"
		     "movl %ecx, args_after + 4\n\t"
		     "movl %edx, args_after + 8\n\t"
		     "movl %esi, args_after + 12\n\t"
		     "movl %edi, args_after + 16\n\t"
		     "movl %ebp, args_after + 20\n\t"
		     "popal\n\t"
		     "ret\n\t");
#endif
}

#endif /* UPCALL_SIX_H */
