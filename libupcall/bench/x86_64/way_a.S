/* SPDX-License-Identifier: MIT */
/*
 * upc_integer_wrapper, but for its end: it always leaves by way (A), through
 * NEXT, where the library's own does so only if something is pending.
 */
#include "context.h"	/* of ../src/arch/x86_64 */

	.text
	CONTEXT_BEGIN bench_way_a
	andq	$-16, %rsp
	call	*%rax
	movq	CONTEXT_UPC(%rbp), %rdx
	CONTEXT_UNFRAME

	movl	$1, UPC_PENDING(%rdx)
	subl	$CRITADD, UPC_CRIT_COUNT(%rdx)
	movq	%rsp, %rdx
	movl	$-1, %esi
	movl	$CMD_NEXT, %edi
	movl	$NR_UPC_CONTROL, %eax
	syscall
	ud2
	.cfi_endproc
	.size	bench_way_a, . - bench_way_a

	.section .note.GNU-stack, "", @progbits
