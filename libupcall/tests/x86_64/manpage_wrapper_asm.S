/* SPDX-License-Identifier: MIT */
/*
 * What the manual page of 2003 gives as an example for IA-32, for x86-64: it
 * always leaves by upc_control(UPC_CONTROL_NEXT, -1, frame), the C function. No
 * vector registers are saved.
 */
#define CRIT_COUNT	4
#define PENDING		8

	.text
	.globl	callused_wrapper
	.type	callused_wrapper, @function
callused_wrapper:
	endbr64
	pushq	%rbp			/* keeps the stack pointer */
	movq	%rsp, %rbp
	pushq	%r8			/* neither in the frame nor cfunc's */
	pushq	%r9
	pushq	%r10
	pushq	%rdx			/* the struct upcall */
	andq	$-16, %rsp
	call	*%rax			/* func(data) */
	movq	-32(%rbp), %rax
	incl	PENDING(%rax)		/* setting pending stops upcalls */
	subl	$32, CRIT_COUNT(%rax)	/* cleanup crit section count */
	movq	-24(%rbp), %r10
	movq	-16(%rbp), %r9
	movq	-8(%rbp), %r8
	leave
	movq	%rsp, %rdx		/* the frame */
	movl	$-1, %esi		/* upcid */
	movl	$2, %edi		/* fetch next */
	call	upc_control
	ud2				/* not reached */
	.size	callused_wrapper, . - callused_wrapper

	.section .note.GNU-stack, "", @progbits
