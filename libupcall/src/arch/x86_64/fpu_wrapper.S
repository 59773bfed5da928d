/* SPDX-License-Identifier: MIT */
/*
 * upc_callused_wrapper and upc_vcpu_wrapper, the context functions that keep
 * all that a C function may change: on x86-64 that includes the x87, MMX, SSE,
 * AVX and AVX-512 registers and, where there is APX, r16 to r31.
 *
 * cfunc finds x87 and SSE as a program does at its start: empty, rounding to
 * nearest, all exceptions masked. libupcall_fpu says how the state is saved on
 * this machine, and how large it is; it goes below the frame, on the
 * interrupted stack. XSAVEC does not write what is in its initial state, and
 * says so in the header, as XSAVE does.
 */
#include "context.h"

/* The header, 64 bytes behind FXSAVE's area: first, what is in use. */
#define XSAVE_HEADER	512

	.hidden	libupcall_fpu
	.hidden	libupcall_fpu_choose
	.hidden	libupcall_self

/*
 * From the kernel's entry to cfunc's return, with rbp the frame still. In
 * -40(%rbp) is cfunc, in -48(%rbp) its argument.
 */
.macro CALL_WITH_STATE name
	CONTEXT_BEGIN \name
	pushq	%rax
	pushq	%rdi

	movl	libupcall_fpu + FPU_HOW(%rip), %ecx
	testl	%ecx, %ecx
	je	.Lchoose_\name
.Lchosen_\name:
	movl	libupcall_fpu + FPU_SIZE(%rip), %eax
	subq	%rax, %rsp
	andq	$-64, %rsp
	cmpl	$FPU_FXSAVE, %ecx
	je	.Lfxsave_\name

	/* What neither writes of the header must be 0 for XRSTOR. */
	xorl	%edx, %edx
.set i, XSAVE_HEADER
.rept 8
	movq	%rdx, i(%rsp)
.set i, i + 8
.endr
	movl	libupcall_fpu + FPU_MASK(%rip), %eax
	cmpl	$FPU_XSAVEC, %ecx
	jne	.Lxsave_\name
	xsavec64 (%rsp)

	/* What has not been in use has its defaults. */
.Lsaved_\name:
	testb	$FPU_MASK_X87, XSAVE_HEADER(%rsp)
	je	.Lx87_\name
	fninit
.Lx87_\name:
	/* Upper halves in use would make each SSE instruction of cfunc slow. */
	testb	$(FPU_MASK_AVX | FPU_MASK_ZMM_HI256), XSAVE_HEADER(%rsp)
	je	.Lmxcsr_\name
	vzeroupper
.Lmxcsr_\name:
	ldmxcsr	libupcall_fpu + FPU_MXCSR(%rip)

	/* cfunc(data) */
	movq	-48(%rbp), %rdi
	call	*-40(%rbp)

	cmpl	$FPU_FXSAVE, libupcall_fpu + FPU_HOW(%rip)
	je	.Lfxrstor_\name
	movl	libupcall_fpu + FPU_MASK(%rip), %eax
	xorl	%edx, %edx
	xrstor64 (%rsp)
	jmp	.Lrestored_\name

.Lfxrstor_\name:
	fxrstor64 (%rsp)
	jmp	.Lrestored_\name

.Lxsave_\name:
	xsave64	(%rsp)
	jmp	.Lsaved_\name

.Lfxsave_\name:
	fxsave64 (%rsp)
	fninit
	jmp	.Lmxcsr_\name

	/* The library has not begun, or this is the C library's own begin. */
.Lchoose_\name:
	andq	$-16, %rsp
	call	libupcall_fpu_choose
	movl	libupcall_fpu + FPU_HOW(%rip), %ecx
	jmp	.Lchosen_\name

.Lrestored_\name:
.endm

	.text

	CALL_WITH_STATE upc_callused_wrapper
	movq	CONTEXT_UPC(%rbp), %rdx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_callused_wrapper, %rdx
	CONTEXT_ALIAS upc_fpu_wrapper, upc_callused_wrapper

	/*
	 * cfunc may have returned on another virtual CPU, that is in another
	 * task, than it was called on; and so may an upcall that is entered at
	 * any instruction from the subtraction on. So no address of a struct
	 * upcall is kept in a register: rcx is the distance from the thread
	 * pointer, the same in every thread, and %fs makes it the struct of
	 * the one that this is, at each instruction anew.
	 *
	 * A move between the subtraction and the test is harmless. The upcall
	 * that made it has left on the new virtual CPU in this same way, and
	 * with it what was pending there was entered or is held back by a
	 * section that somebody else will leave. On the old one whoever runs
	 * there has left a section since, and tested.
	 */
	CALL_WITH_STATE upc_vcpu_wrapper
	movq	libupcall_self@gottpoff(%rip), %rcx
	CONTEXT_UNFRAME
	CONTEXT_LEAVE upc_vcpu_wrapper, %rcx, %fs:

	.section .note.GNU-stack, "", @progbits
