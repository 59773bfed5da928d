/* SPDX-License-Identifier: MIT */
/* See regs.h. */
#define EAX	0
#define ECX	4
#define EDX	8
#define EBX	12
#define ESP	16
#define EBP	20
#define ESI	24
#define EDI	28
#define EFLAGS	32

	.bss
	.balign	4
	.globl	regs_in, regs_out, regs_target, regs_ready
	.globl	regs_ctx, regs_cfunc, regs_data, regs_upc
regs_in:	.skip	36
regs_out:	.skip	36
regs_target:	.skip	4
regs_ready:	.skip	4
regs_ctx:	.skip	4
regs_cfunc:	.skip	4
regs_data:	.skip	4
regs_upc:	.skip	4
regs_esp:	.skip	4
	.balign	16
	.globl	regs_stack
regs_stack:	.skip	0x40000

	.text
	.globl	regs_run, regs_spin, regs_push, regs_done, regs_end
	.type	regs_run, @function
regs_run:
	.cfi_startproc
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	pushl	%esi
	.cfi_adjust_cfa_offset 4
	pushl	%edi
	.cfi_adjust_cfa_offset 4
	movl	%esp, regs_esp

	/* On a stack of its own: a backtrace ends here. */
	movl	regs_in + ESP, %esp
	.cfi_undefined eip
	.cfi_def_cfa esp, 4
	pushl	regs_in + EFLAGS
	popfl
	movl	regs_in + EAX, %eax
	movl	regs_in + ECX, %ecx
	movl	regs_in + EDX, %edx
	movl	regs_in + EBX, %ebx
	movl	regs_in + EBP, %ebp
	movl	regs_in + ESI, %esi
	movl	regs_in + EDI, %edi
	movl	$1, regs_ready
regs_spin:
	jmp	*regs_target

regs_push:
	pushl	$regs_done
	pushfl
	pushl	%edx
	pushl	%ecx
	pushl	%eax
	movl	regs_cfunc, %eax
	movl	regs_data, %ecx
	movl	regs_upc, %edx
	cld
	jmp	*regs_ctx

regs_done:
	movl	%eax, regs_out + EAX
	movl	%ecx, regs_out + ECX
	movl	%edx, regs_out + EDX
	movl	%ebx, regs_out + EBX
	movl	%esp, regs_out + ESP
	movl	%ebp, regs_out + EBP
	movl	%esi, regs_out + ESI
	movl	%edi, regs_out + EDI
	movl	regs_esp, %esp
	pushfl
	popl	regs_out + EFLAGS
	pushl	$0x202
	popfl
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
regs_end:
	.cfi_endproc
	.size	regs_run, . - regs_run

	.section .note.GNU-stack, "", @progbits
