/* SPDX-License-Identifier: MIT */
/*
 * void switch_context(void **save, void *sp, int has_sse)
 *
 * Leaves the caller's context in *save and goes on with the one at sp, which
 * has left here too, or is a new one. On the stack, lowest address first: the
 * control words of SSE and x87, which a function leaves as it finds them, and
 * their flags, r15 to r12, rbx, rbp, and the address to go on at. context.c
 * builds the first one of a thread.
 */
#define SP	rsp
#define WORD	8
#include "../switch.h"

	.text
FUNCTION switch_context
	SAVE	rbp
	SAVE	rbx
	SAVE	r12
	SAVE	r13
	SAVE	r14
	SAVE	r15
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	fnstsw	6(%rsp)

	/* From here on it is another stack, of the same shape. */
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	ldmxcsr	(%rsp)
	FINISH_SWITCH r15, r14, r13, r12, rbx, rbp
END switch_context

	/*
	 * void call_on_stack(void (*fn)(void *), void *arg, void *top): rbp says
	 * how to unwind it.
	 */
FUNCTION call_on_stack
	SAVE	rbp
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsp
	call	*%rax
	leave
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	ret
END call_on_stack

	.section .note.GNU-stack, "", @progbits
