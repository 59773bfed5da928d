/* SPDX-License-Identifier: MIT */
/*
 * void switch_context(void **save, void *sp, int has_sse)
 *
 * Leaves the caller's context in *save and goes on with the one at sp, which
 * has left here too, or is a new one. On the stack, lowest address first: the
 * control words of SSE and x87, which a function leaves as it finds them, and
 * their flags, edi, esi, ebx, ebp, and the address to go on at. context.c builds
 * the first one of a thread.
 */
#define SP	esp
#define WORD	4
#include "../switch.h"

	.text
FUNCTION switch_context
	movl	4(%esp), %eax
	movl	8(%esp), %edx
	movl	12(%esp), %ecx
	SAVE	ebp
	SAVE	ebx
	SAVE	esi
	SAVE	edi
	subl	$8, %esp
	.cfi_adjust_cfa_offset 8
	fnstcw	4(%esp)
	fnstsw	6(%esp)
	testl	%ecx, %ecx
	je	1f
	stmxcsr	(%esp)

	/* From here on it is another stack, of the same shape. */
1:	movl	%esp, (%eax)
	movl	%edx, %esp
	testl	%ecx, %ecx
	je	2f
	ldmxcsr	(%esp)
2:	FINISH_SWITCH edi, esi, ebx, ebp
END switch_context

	/*
	 * void call_on_stack(void (*fn)(void *), void *arg, void *top): ebp says
	 * how to unwind it.
	 */
FUNCTION call_on_stack
	SAVE	ebp
	movl	%esp, %ebp
	.cfi_def_cfa_register ebp
	movl	16(%ebp), %esp
	subl	$12, %esp
	pushl	12(%ebp)
	call	*8(%ebp)
	leave
	.cfi_def_cfa esp, 4
	.cfi_restore ebp
	ret
END call_on_stack

	.section .note.GNU-stack, "", @progbits
