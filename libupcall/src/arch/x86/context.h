/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_CONTEXT_H
#define LIBUPCALL_CONTEXT_H

/*
 * What the context functions on IA-32 have in common.
 *
 * The kernel enters one between any two instructions of the interrupted code,
 * with a frame of five words on the interrupted stack and
 *
 *	eax	cfunc
 *	ecx	its argument
 *	edx	the task's struct upcall
 *	esp	the frame: eax, ecx, edx, eflags, eip of the interrupted code
 *
 * and with everything else as the interrupted code had it, but a clear
 * direction flag. There is no red zone on IA-32: all that is at esp and above
 * is in use, all that is below may be overwritten at any time.
 *
 * The CFI describes a signal frame whose caller is the interrupted code: CFA
 * is the interrupted esp, and the five words just below it. The personality
 * routine ends the search for an exception's handler: the interrupted code did
 * not call cfunc.
 */
#include "offsets.h"

#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

/* DWARF's number: the assembler has no name for eflags that clang knows too. */
#define DW_EFLAGS	9

/* How a personality routine is named: relative to here, in four bytes. */
#define DW_EH_PE_PCREL_SDATA4	0x1b

	.hidden	libupcall_personality

.macro CONTEXT_BEGIN name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	.cfi_startproc
	.cfi_personality DW_EH_PE_PCREL_SDATA4, libupcall_personality
	.cfi_signal_frame
	.cfi_def_cfa esp, FRAME_SIZE
	.cfi_offset eip, FRAME_ORIGIP - FRAME_SIZE
	.cfi_offset DW_EFLAGS, FRAME_EFLAGS - FRAME_SIZE
	.cfi_offset edx, FRAME_EDX - FRAME_SIZE
	.cfi_offset ecx, FRAME_ECX - FRAME_SIZE
	.cfi_offset eax, FRAME_EAX - FRAME_SIZE
	_CET_ENDBR

	/*
	 * A frame as a function makes it, with a copy of the interrupted eip
	 * for a return address: whoever follows frame pointers comes through.
	 * ebp keeps the stack pointer, of any alignment, over the call.
	 */
	pushl	FRAME_ORIGIP(%esp)
	.cfi_adjust_cfa_offset 4
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
	movl	%esp, %ebp
	.cfi_def_cfa_register ebp
.endm

/* Back to the kernel's frame; edx, ecx and eax are free. */
.macro CONTEXT_UNFRAME
	leave
	.cfi_def_cfa esp, FRAME_SIZE + 4
	.cfi_same_value ebp
	addl	$4, %esp
	.cfi_adjust_cfa_offset -4
.endm

/*
 * Leave the section first, then look whether something is pending. The other
 * way round an upcall that came between would be held back by a section that
 * nobody leaves any more. From the subtraction on, with pending 0, a further
 * upcall may be entered at each instruction: it goes on top of this frame and
 * comes back to that instruction.
 *
 * The struct upcall is at \seg:(\reg).
 */
.macro CONTEXT_LEAVE name, reg, seg=
	subl	$CRITADD, \seg\()UPC_CRIT_COUNT(\reg)
	cmpl	$0, \seg\()UPC_PENDING(\reg)
	jne	.Lnext_\name

	/*
	 * Way (B): nothing pending, pop the frame here. Nothing but ret may
	 * follow popfl: any other instruction could change the flags again,
	 * and only ret takes eip off the stack without reading below esp.
	 */
	.cfi_remember_state
	popl	%eax
	.cfi_adjust_cfa_offset -4
	.cfi_same_value eax
	popl	%ecx
	.cfi_adjust_cfa_offset -4
	.cfi_same_value ecx
	popl	%edx
	.cfi_adjust_cfa_offset -4
	.cfi_same_value edx
	popfl
	.cfi_adjust_cfa_offset -4
	.cfi_same_value DW_EFLAGS
	ret
	.cfi_restore_state

	/*
	 * Way (A): pending is not 0, so nothing more is pushed, and NEXT
	 * enters the next upcall on this same frame or resumes it. It puts
	 * ecx into ebx again when it does. Every other register is the
	 * interrupted code's already, or in the frame.
	 */
.Lnext_\name:
	movl	%ebx, %ecx
	.cfi_register ebx, ecx
	movl	%esp, %edx
	movl	$CMD_NEXT, %ebx
	movl	$NR_UPC_CONTROL, %eax
	int	$0x80

	/* The frame or the struct upcall is gone: there is no way on. */
	ud2
	.cfi_endproc
	.size	\name, . - \name
.endm

/* The global offset table's address; clobbers the flags. */
.macro GOT_ADDRESS reg, thunk
	call	\thunk
	addl	$_GLOBAL_OFFSET_TABLE_, %\reg
.endm

#endif /* LIBUPCALL_CONTEXT_H */
