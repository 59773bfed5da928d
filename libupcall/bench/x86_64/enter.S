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
	leaq	-128(%rsp), %rsp
	leaq	.Lresumed(%rip), %rax
	pushq	%rax
	pushfq
	pushq	%r11
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	movq	%rsi, %rax
	jmp	*%rdi
.Lresumed:
	ret
	.size	enter, . - enter

	.type	nothing_at_all, @function
nothing_at_all:
	endbr64
	leaq	192(%rsp), %rsp
	jmp	.Lresumed
	.size	nothing_at_all, . - nothing_at_all

	.type	nothing, @function
nothing:
	endbr64
	ret
	.size	nothing, . - nothing

	.section .note.GNU-stack, "", @progbits
