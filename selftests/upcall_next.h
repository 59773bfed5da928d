/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of NEXT's frame share: a call of NEXT with all registers
 * known, and a place for the frame to lead to that notes what it finds.
 */
#ifndef UPCALL_NEXT_H
#define UPCALL_NEXT_H

#include "upcall_fault.h"

#define CF_FLAG		0x00000001
#define PF_FLAG		0x00000004
#define ZF_FLAG		0x00000040
#define TF_FLAG		0x00000100
#define IF_FLAG		0x00000200
#define DF_FLAG		0x00000400
#define IOPL		0x00003000
#define NT_FLAG		0x00004000
#define VM_FLAG		0x00020000
#define VIF_VIP		0x00180000
#define ARITHMETIC	0x000008d5	/* CF PF AF ZF SF OF */

/* The assembly knows this layout. */
struct seen {
	unsigned long bx, cx, dx, si, di, bp, sp, ax, flags;
	unsigned long saved_sp;
	unsigned long vdso;	/* call through this entry, if it is not 0 */
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15;
} seen;

/* What do_next() puts in the registers that are not NEXT's arguments. */
#define NEXT_BX		0x0b0b0b0b	/* where ebx is an argument: in ecx */
#define NEXT_SI		0x51515151
#define NEXT_DI		0x1d1d1d1d
#define NEXT_BP		0x5b5b5b5b
#define NEXT_FLAGS	(CF_FLAG | PF_FLAG | ZF_FLAG | DF_FLAG)
#define NEXT_R(n)	(0x7000000000000000 + (n))	/* r8 and further, but for r11 */

/*
 * Calls NEXT and returns, with seen filled: when NEXT failed, or from
 * next_leads_here, which a frame or a signal handler is to resume at. The
 * stack that it is resumed on is not used.
 */
void do_next(void *frame);
void next_leads_here(void);

#ifdef __x86_64__
asm(".pushsection .text\n"
	".globl do_next, next_leads_here\n"
	"do_next:\n\t"
	".irp reg, rbx, rbp, r12, r13, r14, r15\n\t"
	"pushq %\\reg\n\t"
	".endr\n\t"
	"pushfq\n\t"
	"movq %rsp, seen + " AT(9) "\n\t"
	"movq %rdi, %rdx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"movl $" UPC_STR(UPC_CONTROL_NEXT) ", %edi\n\t"
	"movq $-1, %rsi\n\t"
	"movl $" UPC_STR(NEXT_BX) ", %ebx\n\t"
	"movl $" UPC_STR(NEXT_BP) ", %ebp\n\t"
	".irp n, 8, 9, 10, 12, 13, 14, 15\n\t"
	"movabsq $" UPC_STR(NEXT_R(\\n)) ", %r\\n\n\t"
	".endr\n\t"
	"cmpl $0, seen + " AT(10) "\n\t"
	"stc\n\t"
	"std\n\t"
	"syscall\n"
	"next_leads_here:\n\t"
	"movq %rbx, seen\n\t"
	"movq %rcx, seen + " AT(1) "\n\t"
	"movq %rdx, seen + " AT(2) "\n\t"
	"movq %rsi, seen + " AT(3) "\n\t"
	"movq %rdi, seen + " AT(4) "\n\t"
	"movq %rbp, seen + " AT(5) "\n\t"
	"movq %rsp, seen + " AT(6) "\n\t"
	"movq %rax, seen + " AT(7) "\n\t"
	".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	"movq %r\\n, seen + (\\n + 3) * 8\n\t"
	".endr\n\t"
	"movq seen + " AT(9) ", %rsp\n\t"
	"pushfq\n\t"
	"popq seen + " AT(8) "\n\t"
	"popfq\n\t"
	".irp reg, r15, r14, r13, r12, rbp, rbx\n\t"
	"popq %\\reg\n\t"
	".endr\n\t"
	"ret\n"
	".popsection");
#else
asm(".pushsection .text\n"
	".globl do_next, next_leads_here\n"
	"do_next:\n\t"
	"pushl %ebx\n\t"
	"pushl %esi\n\t"
	"pushl %edi\n\t"
	"pushl %ebp\n\t"
	"pushfl\n\t"
	"movl %esp, seen+36\n\t"
	"movl 24(%esp), %edx\n\t"
	"movl $" UPC_STR(__NR_upc_control) ", %eax\n\t"
	"movl $" UPC_STR(UPC_CONTROL_NEXT) ", %ebx\n\t"
	"movl $" UPC_STR(NEXT_BX) ", %ecx\n\t"
	"movl $" UPC_STR(NEXT_SI) ", %esi\n\t"
	"movl $" UPC_STR(NEXT_DI) ", %edi\n\t"
	"movl $" UPC_STR(NEXT_BP) ", %ebp\n\t"
	"cmpl $0, seen+40\n\t"
	"stc\n\t"
	"std\n\t"
	"jne 1f\n\t"
	"int $0x80\n\t"
	"jmp next_leads_here\n"
	"1:\n\t"
	"call *seen+40\n"
	"next_leads_here:\n\t"
	"movl %ebx, seen\n\t"
	"movl %ecx, seen+4\n\t"
	"movl %edx, seen+8\n\t"
	"movl %esi, seen+12\n\t"
	"movl %edi, seen+16\n\t"
	"movl %ebp, seen+20\n\t"
	"movl %esp, seen+24\n\t"
	"movl %eax, seen+28\n\t"
	"movl seen+36, %esp\n\t"
	"pushfl\n\t"
	"popl seen+32\n\t"
	"popfl\n\t"
	"popl %ebp\n\t"
	"popl %edi\n\t"
	"popl %esi\n\t"
	"popl %ebx\n\t"
	"ret\n"
	".popsection");
#endif

/* What no call changes, and no frame has. */
static inline void expect_others_kept(struct __test_metadata *_metadata)
{
	EXPECT_EQ(NEXT_BP, (long)seen.bp);
#ifdef __x86_64__
	EXPECT_EQ(NEXT_BX, (long)seen.bx);
	EXPECT_EQ((unsigned long)NEXT_R(8), seen.r8);
	EXPECT_EQ((unsigned long)NEXT_R(9), seen.r9);
	EXPECT_EQ((unsigned long)NEXT_R(10), seen.r10);
	EXPECT_EQ((unsigned long)NEXT_R(12), seen.r12);
	EXPECT_EQ((unsigned long)NEXT_R(13), seen.r13);
	EXPECT_EQ((unsigned long)NEXT_R(14), seen.r14);
	EXPECT_EQ((unsigned long)NEXT_R(15), seen.r15);
#else
	EXPECT_EQ(NEXT_SI, (long)seen.si);
	EXPECT_EQ(NEXT_DI, (long)seen.di);
#endif
}

/* Calls NEXT on a frame that leads here, and checks all that it is to give. */
static inline void next_resumes(struct __test_metadata *_metadata,
				struct upcall_frame *frame)
{
	struct upcall_frame f = *frame;

	do_next(frame);
	EXPECT_EQ((unsigned long)f.fr_ax, seen.ax);
	EXPECT_EQ((unsigned long)f.fr_cx, seen.cx);
	EXPECT_EQ((unsigned long)f.fr_dx, seen.dx);
#ifdef __x86_64__
	EXPECT_EQ(f.rsi, seen.si);
	EXPECT_EQ(f.rdi, seen.di);
	EXPECT_EQ(f.r11, seen.r11);
#else
	EXPECT_EQ(NEXT_BX, (int)seen.bx);
#endif
	expect_others_kept(_metadata);
	EXPECT_EQ(frame_sp(frame), seen.sp);
	EXPECT_EQ((long)f.fr_flags & (ARITHMETIC | DF_FLAG),
		  (long)seen.flags & (ARITHMETIC | DF_FLAG));
	EXPECT_EQ(IF_FLAG, (int)seen.flags &
			   (IF_FLAG | IOPL | NT_FLAG | VM_FLAG | VIF_VIP));
}

/* Calls NEXT, which fails, and changes no register but what a call changes. */
static inline void next_fails(struct __test_metadata *_metadata, void *frame,
			      int error)
{
	do_next(frame);
	EXPECT_EQ(error, (long)seen.ax);
	EXPECT_EQ((unsigned long)frame, seen.dx);
#ifdef __x86_64__
	EXPECT_EQ(UPC_CONTROL_NEXT, (long)seen.di);
	EXPECT_EQ(-1, (long)seen.si);
#else
	EXPECT_EQ(UPC_CONTROL_NEXT, (long)seen.bx);
	EXPECT_EQ(NEXT_BX, (long)seen.cx);
#endif
	expect_others_kept(_metadata);
	EXPECT_EQ(NEXT_FLAGS, (int)seen.flags & (ARITHMETIC | DF_FLAG));
}

#ifdef __x86_64__
#define FRAME_THAT_LEADS_HERE						\
	{								\
		.rax = 0x0a0a0a0a0a0a0a0a, .rcx = 0x0c0c0c0c0c0c0c0c,	\
		.rdx = 0x0d0d0d0d0d0d0d0d, .rsi = 0x5151515151515151,	\
		.rdi = 0x1d1d1d1d1d1d1d1d, .r11 = 0x1111111111111111,	\
		.rflags = IF_FLAG, .rip = (unsigned long)next_leads_here, \
	}
#else
#define FRAME_THAT_LEADS_HERE						\
	{								\
		.eax = 0x0a0a0a0a, .ecx = 0x0c0c0c0c, .edx = 0x0d0d0d0d,\
		.eflags = IF_FLAG, .origip = (__s32)next_leads_here,	\
	}
#endif

#endif /* UPCALL_NEXT_H */
