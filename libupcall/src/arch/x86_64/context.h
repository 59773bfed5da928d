/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_CONTEXT_H
#define LIBUPCALL_CONTEXT_H

/*
 * What the context functions on x86-64 have in common.
 *
 * The kernel enters one between any two instructions of the interrupted code,
 * with a frame of eight words below that code's red zone and
 *
 *	rax	cfunc
 *	rdi	its argument
 *	rdx	the task's struct upcall
 *	rsp	the frame: rax, rcx, rdx, rsi, rdi, r11, rflags, rip of the
 *		interrupted code
 *
 * with nothing of interest in rcx, rsi and r11, with a clear direction flag,
 * and with everything else as the interrupted code had it. All that is at rsp
 * and above is in use; what lies more than 128 bytes below may be overwritten
 * at any time.
 *
 * The CFI describes a signal frame whose caller is the interrupted code: CFA
 * is the interrupted rsp, 128 bytes above the frame. The flags are not in it:
 * LLVM's unwinder refuses a register of a number that high. The personality
 * routine ends the search for an exception's handler: the interrupted code did
 * not call cfunc.
 */
#include "offsets.h"

#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

/* How a personality routine is named: relative to here, in four bytes. */
#define DW_EH_PE_PCREL_SDATA4	0x1b

/* From the frame to the interrupted rsp. */
#define FRAME_TO_CFA		(FRAME_SIZE + RED_ZONE)

	.hidden	libupcall_personality

.macro CONTEXT_BEGIN name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	.cfi_startproc
	.cfi_personality DW_EH_PE_PCREL_SDATA4, libupcall_personality
	.cfi_signal_frame
	.cfi_def_cfa rsp, FRAME_TO_CFA
	.cfi_offset rip, FRAME_RIP - FRAME_TO_CFA
	.cfi_offset r11, FRAME_R11 - FRAME_TO_CFA
	.cfi_offset rdi, FRAME_RDI - FRAME_TO_CFA
	.cfi_offset rsi, FRAME_RSI - FRAME_TO_CFA
	.cfi_offset rdx, FRAME_RDX - FRAME_TO_CFA
	.cfi_offset rcx, FRAME_RCX - FRAME_TO_CFA
	.cfi_offset rax, FRAME_RAX - FRAME_TO_CFA
	_CET_ENDBR

	/*
	 * A frame as a function makes it, with a copy of the interrupted rip
	 * for a return address: whoever follows frame pointers comes through.
	 * rbp keeps the stack pointer, of any alignment, over the call.
	 */
	pushq	FRAME_RIP(%rsp)
	.cfi_adjust_cfa_offset 8
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp

	/* What neither the frame has nor cfunc keeps; and the struct upcall. */
	pushq	%r8
	.cfi_rel_offset r8, -8
	pushq	%r9
	.cfi_rel_offset r9, -16
	pushq	%r10
	.cfi_rel_offset r10, -24
	pushq	%rdx
.endm

/* Where the struct upcall is until then, by rbp. */
#define CONTEXT_UPC	-32

/* Back to the kernel's frame; what is in that is free, and rdx is kept. */
.macro CONTEXT_UNFRAME
	movq	-24(%rbp), %r10
	.cfi_same_value r10
	movq	-16(%rbp), %r9
	.cfi_same_value r9
	movq	-8(%rbp), %r8
	.cfi_same_value r8
	leave
	.cfi_def_cfa rsp, FRAME_TO_CFA + 8
	.cfi_same_value rbp
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
.endm

.macro CONTEXT_POP reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_same_value \reg
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
	 * follow popfq: any other instruction could change the flags again,
	 * and only ret takes rip off the stack, and the red zone with it,
	 * without reading what a signal handler may have overwritten.
	 */
	.cfi_remember_state
	CONTEXT_POP rax
	CONTEXT_POP rcx
	CONTEXT_POP rdx
	CONTEXT_POP rsi
	CONTEXT_POP rdi
	CONTEXT_POP r11
	popfq
	.cfi_adjust_cfa_offset -8
	ret	$RED_ZONE
	.cfi_restore_state

	/*
	 * Way (A): pending is not 0, so nothing more is pushed, and NEXT
	 * enters the next upcall on this same frame or resumes it. What its
	 * arguments and SYSCALL destroy is in the frame; every other register
	 * is the interrupted code's already.
	 */
.Lnext_\name:
	movq	%rsp, %rdx
	movl	$-1, %esi
	movl	$CMD_NEXT, %edi
	movl	$NR_UPC_CONTROL, %eax
	syscall

	/* The frame or the struct upcall is gone: there is no way on. */
	ud2
	.cfi_endproc
	.size	\name, . - \name
.endm

/* The same function by another name, which is a symbol of its own. */
.macro CONTEXT_ALIAS alias, name
	.globl	\alias
	.type	\alias, @function
	.set	\alias, \name
	.size	\alias, . - \name
.endm

#endif /* LIBUPCALL_CONTEXT_H */
