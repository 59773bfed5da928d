/* SPDX-License-Identifier: MIT */
/* See regs.h. */
#define RAX	0
#define RDX	8
#define RCX	16
#define RBX	24
#define RSI	32
#define RDI	40
#define RBP	48
#define RSP	56
#define R8	64
#define R9	72
#define R10	80
#define R11	88
#define R12	96
#define R13	104
#define R14	112
#define R15	120
#define RFLAGS	128

	.bss
	.balign	8
	.globl	regs_in, regs_out, regs_target, regs_ready
	.globl	regs_ctx, regs_cfunc, regs_data, regs_upc
regs_in:	.skip	136
regs_out:	.skip	136
regs_target:	.skip	8
regs_ready:	.skip	8
regs_ctx:	.skip	8
regs_cfunc:	.skip	8
regs_data:	.skip	8
regs_upc:	.skip	8
regs_rsp:	.skip	8
	.balign	16
	.globl	regs_stack
regs_stack:	.skip	0x40000

.macro PUSH reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
.endm

	.text
	.globl	regs_run, regs_spin, regs_push, regs_done, regs_end
	.type	regs_run, @function
regs_run:
	.cfi_startproc
	PUSH	rbp
	PUSH	rbx
	PUSH	r12
	PUSH	r13
	PUSH	r14
	PUSH	r15
	movq	%rsp, regs_rsp(%rip)

	/*
	 * On a stack of its own: a backtrace ends here. Nothing is pushed
	 * there, as the red zone is in use.
	 */
	.cfi_undefined rip
	pushq	regs_in + RFLAGS(%rip)
	popfq
	movq	regs_in + RSP(%rip), %rsp
	.cfi_def_cfa rsp, 8
	movq	regs_in + RAX(%rip), %rax
	movq	regs_in + RDX(%rip), %rdx
	movq	regs_in + RCX(%rip), %rcx
	movq	regs_in + RBX(%rip), %rbx
	movq	regs_in + RSI(%rip), %rsi
	movq	regs_in + RDI(%rip), %rdi
	movq	regs_in + RBP(%rip), %rbp
	movq	regs_in + R8(%rip), %r8
	movq	regs_in + R9(%rip), %r9
	movq	regs_in + R10(%rip), %r10
	movq	regs_in + R11(%rip), %r11
	movq	regs_in + R12(%rip), %r12
	movq	regs_in + R13(%rip), %r13
	movq	regs_in + R14(%rip), %r14
	movq	regs_in + R15(%rip), %r15
	movl	$1, regs_ready(%rip)
regs_spin:
	jmp	*regs_target(%rip)

regs_push:
	leaq	-128(%rsp), %rsp
	pushq	$regs_done
	pushfq
	pushq	%r11
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	movq	regs_cfunc(%rip), %rax
	movq	regs_data(%rip), %rdi
	movq	regs_upc(%rip), %rdx
	movq	$-1, %rcx
	movq	$-1, %rsi
	movq	$-1, %r11
	cld
	jmp	*regs_ctx(%rip)

regs_done:
	movq	%rax, regs_out + RAX(%rip)
	movq	%rdx, regs_out + RDX(%rip)
	movq	%rcx, regs_out + RCX(%rip)
	movq	%rbx, regs_out + RBX(%rip)
	movq	%rsi, regs_out + RSI(%rip)
	movq	%rdi, regs_out + RDI(%rip)
	movq	%rbp, regs_out + RBP(%rip)
	movq	%rsp, regs_out + RSP(%rip)
	movq	%r8, regs_out + R8(%rip)
	movq	%r9, regs_out + R9(%rip)
	movq	%r10, regs_out + R10(%rip)
	movq	%r11, regs_out + R11(%rip)
	movq	%r12, regs_out + R12(%rip)
	movq	%r13, regs_out + R13(%rip)
	movq	%r14, regs_out + R14(%rip)
	movq	%r15, regs_out + R15(%rip)
	movq	regs_rsp(%rip), %rsp
	pushfq
	popq	regs_out + RFLAGS(%rip)
	pushq	$0x202
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
regs_end:
	.cfi_endproc
	.size	regs_run, . - regs_run

	.section .note.GNU-stack, "", @progbits
