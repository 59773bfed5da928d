/* SPDX-License-Identifier: MIT */
/*
 * int upc_control(int command, int upcall_id, void *data)
 *
 * A C function for all commands but UPC_CONTROL_NEXT, which a context function
 * calls with the interrupted code's registers in place: its stack may have any
 * alignment, and ebx, esi, edi and ebp must reach the kernel as they are. NEXT
 * takes its caller's ebx in ecx, in place of upcall_id, as the command is in
 * ebx itself. eax, ecx and edx are in the frame.
 */
#include <asm/errno.h>
#include "offsets.h"

#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

/* The arguments, at entry. */
#define ARG_COMMAND	4
#define ARG_UPCALL_ID	8
#define ARG_DATA	12

	.hidden	libupcall_control
	.hidden	libupcall_fail

	.text
	.globl	upc_control
	.type	upc_control, @function
	.balign	16
upc_control:
	.cfi_startproc
	_CET_ENDBR
	cmpl	$CMD_NEXT, ARG_COMMAND(%esp)
	jne	libupcall_control
	movl	$-EINVAL, %eax
	cmpl	$-1, ARG_UPCALL_ID(%esp)
	jne	libupcall_fail

	/* The frame is above the arguments: nothing here is ours to pop. */
	movl	ARG_DATA(%esp), %edx
	movl	%ebx, %ecx
	.cfi_register ebx, ecx
	movl	$CMD_NEXT, %ebx
	movl	$NR_UPC_CONTROL, %eax
	int	$0x80

	/* Only an error comes back, with every register but eax as it was. */
	movl	%ecx, %ebx
	.cfi_restore ebx
	jmp	libupcall_fail
	.cfi_endproc
	.size	upc_control, . - upc_control

	.section .note.GNU-stack, "", @progbits
