/* SPDX-License-Identifier: MIT */
/*
 * void switch_context(void **save, void *sp, int has_sse)
 *
 * Leaves the caller's context in *save and goes on with the one at sp, which
 * has left here too, or is a new one. On the stack, lowest address first: the
 * control words of x87 and SSE, which a function leaves as it finds them, edi,
 * esi, ebx, ebp, and the address to go on at. thread.c builds the first one of
 * a thread.
 */
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

	.text
	.globl	switch_context
	.hidden	switch_context
	.type	switch_context, @function
	.balign	16
switch_context:
	.cfi_startproc
	_CET_ENDBR
	movl	4(%esp), %eax
	movl	8(%esp), %edx
	movl	12(%esp), %ecx
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	pushl	%esi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset esi, 0
	pushl	%edi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset edi, 0
	subl	$8, %esp
	.cfi_adjust_cfa_offset 8
	fnstcw	4(%esp)
	testl	%ecx, %ecx
	je	1f
	stmxcsr	(%esp)

	/* From here on it is another stack, of the same shape. */
1:	movl	%esp, (%eax)
	movl	%edx, %esp
	testl	%ecx, %ecx
	je	2f
	ldmxcsr	(%esp)
2:	fldcw	4(%esp)
	addl	$8, %esp
	.cfi_adjust_cfa_offset -8
	popl	%edi
	.cfi_adjust_cfa_offset -4
	.cfi_restore edi
	popl	%esi
	.cfi_adjust_cfa_offset -4
	.cfi_restore esi
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	popl	%ebp
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebp
	ret
	.cfi_endproc
	.size	switch_context, . - switch_context

	.section .note.GNU-stack, "", @progbits
