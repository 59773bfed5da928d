/* SPDX-License-Identifier: MIT */
/*
 * void upc_self_crit_enter(void)
 * void upc_self_crit_exit(void)
 *
 * Critical sections of the thread that this is at the very instruction. In C,
 * the address of the struct upcall would be in a register for a while, in
 * which a runtime's upcall might move the code to another virtual CPU.
 *
 * With rcx the distance of the struct upcall from the thread pointer.
 */
#include "context.h"

	.hidden	libupcall_self
	.hidden	libupcall_control

	.text
	.globl	upc_self_crit_enter
	.type	upc_self_crit_enter, @function
	.balign	16
upc_self_crit_enter:
	.cfi_startproc
	_CET_ENDBR
	movq	libupcall_self@gottpoff(%rip), %rcx
	addl	$CRITADD, %fs:UPC_CRIT_COUNT(%rcx)
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
	movq	libupcall_self@gottpoff(%rip), %rcx
	subl	$CRITADD, %fs:UPC_CRIT_COUNT(%rcx)
	movl	%fs:UPC_PENDING(%rcx), %eax
	cmpl	%fs:UPC_CRIT_COUNT(%rcx), %eax
	jg	.Lpending
	ret

	/* A word makes the stack a multiple of 16 again. */
.Lpending:
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movl	$CMD_DISPATCH, %edi
	movl	$-1, %esi
	xorl	%edx, %edx
	call	libupcall_control
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size	upc_self_crit_exit, . - upc_self_crit_exit

	.section .note.GNU-stack, "", @progbits
