/* SPDX-License-Identifier: MIT */
/*
 * Leaves to be interrupted: each spins in one instruction, jmp *leaf_target,
 * at a place that is hard for an unwinder, and returns once leaf_target says
 * so. None has a frame pointer.
 */
	.bss
	.balign	4
	.globl	leaf_target
leaf_target:	.skip	4

	.text

/* Nothing returns through this: whoever looks one byte back lands here. */
	.type	leaf_trap, @function
leaf_trap:
	.cfi_startproc
	.cfi_undefined eip
	ud2
	.cfi_endproc

/* At the first instruction, with the previous function's CFI just before. */
	.globl	leaf_first, leaf_first_end
	.type	leaf_first, @function
leaf_first:
	.cfi_startproc
	jmp	*leaf_target
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
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
	movl	$0x55555555, %ebp
	.globl	leaf_prologue_spin
leaf_prologue_spin:
	jmp	*leaf_target
	.globl	leaf_prologue_out
leaf_prologue_out:
	pushl	%esi
	.cfi_adjust_cfa_offset 4
	popl	%esi
	.cfi_adjust_cfa_offset -4
	popl	%ebp
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebp
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	ret
leaf_prologue_end:
	.cfi_endproc

/* With the stack pointer at an odd address, and arguments half pushed. */
	.globl	leaf_odd, leaf_odd_end
	.type	leaf_odd, @function
leaf_odd:
	.cfi_startproc
	subl	$7, %esp
	.cfi_adjust_cfa_offset 7
	pushl	$1
	.cfi_adjust_cfa_offset 4
	.globl	leaf_odd_spin
leaf_odd_spin:
	jmp	*leaf_target
	.globl	leaf_odd_out
leaf_odd_out:
	addl	$11, %esp
	.cfi_adjust_cfa_offset -11
	ret
leaf_odd_end:
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
