/* SPDX-License-Identifier: MIT */
/*
 * int upc_control(int command, int upcall_id, void *data)
 *
 * A C function for all commands but UPC_CONTROL_NEXT, which a context function
 * calls with the interrupted code's registers in place: its stack may have any
 * alignment, and all that is not in the frame must reach the kernel as it is.
 * The arguments are where the kernel wants them already; what SYSCALL itself
 * destroys is in the frame.
 */
#include <asm/errno.h>
#include "offsets.h"

#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

	.hidden	libupcall_control
	.hidden	libupcall_fail

	.text
	.globl	upc_control
	.type	upc_control, @function
	.balign	16
upc_control:
	.cfi_startproc
	_CET_ENDBR
	cmpl	$CMD_NEXT, %edi
	jne	libupcall_control
	movl	$-EINVAL, %eax
	cmpl	$-1, %esi
	jne	.Lfail

	/* The return address lies below the frame: nothing is ours to pop. */
	movl	$NR_UPC_CONTROL, %eax
	syscall

	/* Only an error comes back. */
.Lfail:
	movl	%eax, %edi
	jmp	libupcall_fail
	.cfi_endproc
	.size	upc_control, . - upc_control

	.section .note.GNU-stack, "", @progbits
