/* SPDX-License-Identifier: MIT */
/*
 * Leaves to be interrupted: each spins in one instruction, jmp *leaf_target,
 * at a place that is hard for an unwinder, and returns once leaf_target says
 * so. None has a frame pointer.
 */
	.bss
	.balign	8
	.globl	leaf_target
leaf_target:	.skip	8

	.text

/* Nothing returns through this: whoever looks one byte back lands here. */
	.type	leaf_trap, @function
leaf_trap:
	.cfi_startproc
	.cfi_undefined rip
	ud2
	.cfi_endproc

/* At the first instruction, with the previous function's CFI just before. */
	.globl	leaf_first, leaf_first_end
	.type	leaf_first, @function
leaf_first:
	.cfi_startproc
	jmp	*leaf_target(%rip)
	.globl	leaf_first_out
leaf_first_out:
	ret
leaf_first_end:
	.cfi_endproc

/* In a prologue: two registers pushed, the third not yet. */
	.globl	leaf_prologue, leaf_prologue_end
	.type	leaf_prologue, @function
leaf_prologue:
	.cfi_startproc
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	movl	$0x55555555, %ebp
	.globl	leaf_prologue_spin
leaf_prologue_spin:
	jmp	*leaf_target(%rip)
	.globl	leaf_prologue_out
leaf_prologue_out:
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	popq	%r12
	.cfi_adjust_cfa_offset -8
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	ret
leaf_prologue_end:
	.cfi_endproc

/* With the stack pointer at an odd address, and arguments half pushed. */
	.globl	leaf_odd, leaf_odd_end
	.type	leaf_odd, @function
leaf_odd:
	.cfi_startproc
	subq	$7, %rsp
	.cfi_adjust_cfa_offset 7
	pushq	$1
	.cfi_adjust_cfa_offset 8
	.globl	leaf_odd_spin
leaf_odd_spin:
	jmp	*leaf_target(%rip)
	.globl	leaf_odd_out
leaf_odd_out:
	addq	$15, %rsp
	.cfi_adjust_cfa_offset -15
	ret
leaf_odd_end:
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
