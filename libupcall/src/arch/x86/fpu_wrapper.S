/* SPDX-License-Identifier: MIT */
/*
 * upc_fpu_wrapper and upc_vcpu_wrapper, the context functions that also keep
 * the x87, MMX, SSE, AVX and AVX-512 registers of the interrupted code.
 *
 * cfunc finds x87 and SSE as a program does at its start: empty, rounding to
 * nearest, all exceptions masked. libupcall_fpu says how the state is saved on
 * this machine, and how large it is; it goes below the frame, on the
 * interrupted stack.
 */
#include "context.h"

/* Where cfunc's argument is: 16 bytes, so that the area above stays aligned. */
#define ARGS		16

/* The standard form's header of XSAVE, 64 bytes, behind FXSAVE's area. */
#define XSAVE_HEADER	512

	.hidden	libupcall_fpu
	.hidden	libupcall_self

.macro FPU offset, to
	movl	libupcall_fpu@GOTOFF + \offset\()(%ebx), \to
.endm

/*
 * From the kernel's entry to cfunc's return and back to the kernel's frame. In
 * -4(%ebp) is the struct upcall, in -8(%ebp) the interrupted ebx. ebx, esi and
 * edi stay the same over the call.
 */
.macro CALL_WITH_FPU name
	CONTEXT_BEGIN \name
	pushl	%edx
	pushl	%ebx
	.cfi_rel_offset ebx, -8
	pushl	%eax
	pushl	%ecx
	GOT_ADDRESS ebx, libupcall_pc_bx

	FPU	FPU_SIZE, %ecx
	subl	%ecx, %esp
	andl	$-64, %esp
	FPU	FPU_HOW, %ecx
	cmpl	$FPU_XSAVE, %ecx
	je	.Lxsave_\name
	cmpl	$FPU_FNSAVE, %ecx
	je	.Lfnsave_\name
	fxsave	(%esp)
	fninit
	cmpl	$FPU_FXSAVE_SSE, %ecx
	je	.Lmxcsr_\name
	jmp	.Lcall_\name

	/* This one leaves x87 as fninit does. */
.Lfnsave_\name:
	fnsave	(%esp)
	jmp	.Lcall_\name

	/* What XSAVE doesn't write of the header must be 0 for XRSTOR. */
.Lxsave_\name:
	xorl	%edx, %edx
.set i, XSAVE_HEADER
.rept 16
	movl	%edx, i(%esp)
.set i, i + 4
.endr
	FPU	FPU_MASK, %eax
	xsave	(%esp)
	fninit
	/* Upper halves in use would make each SSE instruction of cfunc slow. */
	testl	$FPU_MASK_AVX, %eax
	je	.Lmxcsr_\name
	vzeroupper
.Lmxcsr_\name:
	ldmxcsr	libupcall_fpu@GOTOFF + FPU_MXCSR(%ebx)

	/* cfunc(data) */
.Lcall_\name:
	movl	-12(%ebp), %eax
	movl	-16(%ebp), %ecx
	subl	$ARGS, %esp
	movl	%ecx, (%esp)
	call	*%eax

	FPU	FPU_HOW, %ecx
	cmpl	$FPU_XSAVE, %ecx
	je	.Lxrstor_\name
	cmpl	$FPU_FNSAVE, %ecx
	je	.Lfrstor_\name
	fxrstor	ARGS(%esp)
	jmp	.Lrestored_\name

	/* It would raise what cfunc left pending. */
.Lfrstor_\name:
	fnclex
	frstor	ARGS(%esp)
	jmp	.Lrestored_\name

.Lxrstor_\name:
	FPU	FPU_MASK, %eax
	xorl	%edx, %edx
	xrstor	ARGS(%esp)
.Lrestored_\name:
.endm

	.text

	/* ebx: the address that this returns to. */
	.type	libupcall_pc_bx, @function
libupcall_pc_bx:
	.cfi_startproc
	movl	(%esp), %ebx
	ret
	.cfi_endproc
	.size	libupcall_pc_bx, . - libupcall_pc_bx

	CALL_WITH_FPU upc_fpu_wrapper
	movl	-4(%ebp), %edx
	movl	-8(%ebp), %ebx
	.cfi_same_value ebx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_fpu_wrapper, %edx

	/*
	 * cfunc may have returned on another virtual CPU, that is in another
	 * task, than it was called on; and so may an upcall that is entered at
	 * any instruction from the subtraction on. So no address of a struct
	 * upcall is kept in a register: ecx is the distance from the thread
	 * pointer, the same in every thread, and %gs makes it the struct of
	 * the one that this is, at each instruction anew.
	 *
	 * A move between the subtraction and the test is harmless. The upcall
	 * that made it has left on the new virtual CPU in this same way, and
	 * with it what was pending there was entered or is held back by a
	 * section that somebody else will leave. On the old one whoever runs
	 * there has left a section since, and tested.
	 */
	CALL_WITH_FPU upc_vcpu_wrapper
	movl	libupcall_self@gotntpoff(%ebx), %ecx
	movl	-8(%ebp), %ebx
	.cfi_same_value ebx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_vcpu_wrapper, %ecx, %gs:

	.section .note.GNU-stack, "", @progbits
