/* SPDX-License-Identifier: MIT */
/*
 * upc_callused_wrapper, the standard context function on IA-32: the integer
 * registers, and nothing else. upc_integer_wrapper, which says so on x86-64 as
 * well, is another name of it.
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

	.globl	upc_integer_wrapper
	.type	upc_integer_wrapper, @function
	.set	upc_integer_wrapper, upc_callused_wrapper
	.size	upc_integer_wrapper, . - upc_callused_wrapper

	.section .note.GNU-stack, "", @progbits
