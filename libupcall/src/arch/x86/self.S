/* SPDX-License-Identifier: MIT */
/*
 * void upc_self_crit_enter(void)
 * void upc_self_crit_exit(void)
 *
 * Critical sections of the thread that this is at the very instruction. In C,
 * the address of the struct upcall would be in a register for a while, in
 * which a runtime's upcall might move the code to another virtual CPU.
 *
 * With ecx the distance of the struct upcall from the thread pointer.
 */
#include "context.h"

	.hidden	libupcall_self
	.hidden	libupcall_control

	.text

	/* ecx: the address that this returns to. */
	.type	libupcall_pc_cx, @function
libupcall_pc_cx:
	.cfi_startproc
	movl	(%esp), %ecx
	ret
	.cfi_endproc
	.size	libupcall_pc_cx, . - libupcall_pc_cx

	.globl	upc_self_crit_enter
	.type	upc_self_crit_enter, @function
	.balign	16
upc_self_crit_enter:
	.cfi_startproc
	_CET_ENDBR
	GOT_ADDRESS ecx, libupcall_pc_cx
	movl	libupcall_self@gotntpoff(%ecx), %ecx
	addl	$CRITADD, %gs:UPC_CRIT_COUNT(%ecx)
	ret
	.cfi_endproc
	.size	upc_self_crit_enter, . - upc_self_crit_enter

	/*
	 * As upc_crit_exit() in the header. If an upcall in the middle moves
	 * this to another virtual CPU, it has left there and tested: whatever
	 * the comparison says then, nothing is stuck, and a DISPATCH too many
	 * does nothing.
	 */
	.globl	upc_self_crit_exit
	.type	upc_self_crit_exit, @function
	.balign	16
upc_self_crit_exit:
	.cfi_startproc
	_CET_ENDBR
	GOT_ADDRESS ecx, libupcall_pc_cx
	movl	libupcall_self@gotntpoff(%ecx), %ecx
	subl	$CRITADD, %gs:UPC_CRIT_COUNT(%ecx)
	movl	%gs:UPC_PENDING(%ecx), %eax
	cmpl	%gs:UPC_CRIT_COUNT(%ecx), %eax
	jg	.Lpending
	ret

	/* Three words make the stack a multiple of 16 again. */
.Lpending:
	pushl	$0
	.cfi_adjust_cfa_offset 4
	pushl	$-1
	.cfi_adjust_cfa_offset 4
	pushl	$CMD_DISPATCH
	.cfi_adjust_cfa_offset 4
	call	libupcall_control
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	ret
	.cfi_endproc
	.size	upc_self_crit_exit, . - upc_self_crit_exit

	.section .note.GNU-stack, "", @progbits
