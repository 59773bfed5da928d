/* SPDX-License-Identifier: MIT */
/*
 * What switch.S of both widths has in common. SP is the stack pointer's name there,
 * and WORD the size of a register.
 */
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

/* In the status word: the six exceptions, and a stack fault. */
#define X87_FLAGS	0x7f

/* What fnstenv stores, in whole words. */
#define X87_ENVIRONMENT	((28 + WORD - 1) / WORD * WORD)

.macro SAVE reg
	push	%\reg
	.cfi_adjust_cfa_offset WORD
	.cfi_rel_offset \reg, 0
.endm

.macro RESTORE reg
	pop	%\reg
	.cfi_adjust_cfa_offset -WORD
	.cfi_restore \reg
.endm

.macro FUNCTION name
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.balign	16
\name:
	.cfi_startproc
	_CET_ENDBR
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

/*
 * The end of switch_context(), on the stack that goes on, where the control words
 * of SSE, which are loaded, and of x87 are the lowest; then @regs.
 *
 * Exceptions that have been are the thread's: it may ask for them, and if it does not
 * mask them, another one's would be its own. None: fnclex will do, else there is
 * only fldenv. fnstenv leaves all masked.
 */
.macro FINISH_SWITCH regs:vararg
	fnstsw	%ax
	xorb	6(%SP), %al
	testb	$X87_FLAGS, %al
	jne	.Lflags
.Lcontrol:
	fldcw	4(%SP)
.Lloaded:
	.cfi_remember_state
	add	$8, %SP
	.cfi_adjust_cfa_offset -8
	.irp	reg, \regs
	RESTORE	\reg
	.endr
	ret

.Lflags:
	.cfi_restore_state
	movzwl	4(%SP), %edx
	movb	6(%SP), %cl
	testb	$X87_FLAGS, %cl
	jne	.Lenvironment
	fnclex
	jmp	.Lcontrol
.Lenvironment:
	sub	$X87_ENVIRONMENT, %SP
	.cfi_adjust_cfa_offset X87_ENVIRONMENT
	fnstenv	(%SP)
	movw	%dx, (%SP)
	movb	%cl, 4(%SP)
	fldenv	(%SP)
	add	$X87_ENVIRONMENT, %SP
	.cfi_adjust_cfa_offset -X87_ENVIRONMENT
	jmp	.Lloaded
.endm
