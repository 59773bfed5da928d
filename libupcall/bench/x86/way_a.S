/* SPDX-License-Identifier: MIT */
/*
 * upc_integer_wrapper, but for its end: it always leaves by way (A), through
 * NEXT, where the library's own does so only if something is pending.
 */
#include "context.h"	/* of ../src/arch/x86 */

	.text
	CONTEXT_BEGIN bench_way_a
	pushl	%edx
	subl	$4, %esp
	andl	$-16, %esp
	movl	%ecx, (%esp)
	call	*%eax
	movl	-4(%ebp), %edx
	CONTEXT_UNFRAME

	movl	$1, UPC_PENDING(%edx)
	subl	$CRITADD, UPC_CRIT_COUNT(%edx)
	movl	%ebx, %ecx
	.cfi_register ebx, ecx
	movl	%esp, %edx
	movl	$CMD_NEXT, %ebx
	movl	$NR_UPC_CONTROL, %eax
	int	$0x80
	ud2
	.cfi_endproc
	.size	bench_way_a, . - bench_way_a

	.section .note.GNU-stack, "", @progbits
