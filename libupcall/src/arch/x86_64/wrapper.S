/* SPDX-License-Identifier: MIT */
/*
 * upc_integer_wrapper, the context function on x86-64 for what is compiled to
 * leave vector and floating point registers alone.
 */
#include "context.h"

	.text
	CONTEXT_BEGIN upc_integer_wrapper

	/* cfunc(data), with rsp a multiple of 16; cfunc itself keeps the rest. */
	andq	$-16, %rsp
	call	*%rax

	movq	CONTEXT_UPC(%rbp), %rdx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_integer_wrapper, %rdx

	.section .note.GNU-stack, "", @progbits
