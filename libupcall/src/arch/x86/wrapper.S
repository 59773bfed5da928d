/* SPDX-License-Identifier: MIT */
/*
 * upc_callused_wrapper, the standard context function on IA-32: the integer
 * registers, and nothing else.
 */
#include "context.h"

	.text
	CONTEXT_BEGIN upc_callused_wrapper

	/* cfunc itself keeps ebx, esi and edi. */
	pushl	%edx

	/* cfunc(data), with esp a multiple of 16 at the call. */
	subl	$4, %esp
	andl	$-16, %esp
	movl	%ecx, (%esp)
	call	*%eax

	movl	-4(%ebp), %edx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_callused_wrapper, %edx

	.section .note.GNU-stack, "", @progbits
