/* SPDX-License-Identifier: MIT */
/*
 * void enter(void (*ctx)(void *), void (*cfunc)(void *), struct upcall *upc)
 *
 * Pushes what the kernel pushes, enters the context function, and is what is
 * resumed. nothing_at_all() stands for a context function, and nothing() is a
 * cfunc.
 */
	.text
	.globl	enter, nothing_at_all, nothing
	.type	enter, @function
enter:
	pushl	%ebx
	movl	8(%esp), %ebx
	movl	12(%esp), %eax
	movl	16(%esp), %edx
	pushl	$.Lresumed
	pushfl
	pushl	%edx
	pushl	%ecx
	pushl	%eax
	jmp	*%ebx
.Lresumed:
	popl	%ebx
	ret
	.size	enter, . - enter

	.type	nothing_at_all, @function
nothing_at_all:
	endbr32
	addl	$20, %esp
	jmp	.Lresumed
	.size	nothing_at_all, . - nothing_at_all

	.type	nothing, @function
nothing:
	endbr32
	ret
	.size	nothing, . - nothing

	.section .note.GNU-stack, "", @progbits
