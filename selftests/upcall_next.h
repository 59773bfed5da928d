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
	unsigned int ebx, ecx, edx, esi, edi, ebp, esp, eax, eflags;
	unsigned int saved_esp;
	unsigned int vdso;	/* call through this entry, if it is not 0 */
} seen;

/* What do_next() puts in the registers that are not NEXT's arguments. */
#define NEXT_ECX	0x0b0b0b0b
#define NEXT_ESI	0x51515151
#define NEXT_EDI	0x1d1d1d1d
#define NEXT_EBP	0x5b5b5b5b
#define NEXT_EFLAGS	(CF_FLAG | PF_FLAG | ZF_FLAG | DF_FLAG)

/*
 * Calls NEXT and returns, with seen filled: when NEXT failed, or from
 * next_leads_here, which a frame or a signal handler is to resume at. The
 * stack that it is resumed on is not used.
 */
void do_next(void *frame);
void next_leads_here(void);

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
	"movl $" UPC_STR(NEXT_ECX) ", %ecx\n\t"
	"movl $" UPC_STR(NEXT_ESI) ", %esi\n\t"
	"movl $" UPC_STR(NEXT_EDI) ", %edi\n\t"
	"movl $" UPC_STR(NEXT_EBP) ", %ebp\n\t"
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

/* Calls NEXT on a frame that leads here, and checks all that it is to give. */
static inline void next_resumes(struct __test_metadata *_metadata,
				struct upcall_frame_ia32 *frame)
{
	struct upcall_frame_ia32 f = *frame;

	do_next(frame);
	EXPECT_EQ(f.eax, (int)seen.eax);
	EXPECT_EQ(f.ecx, (int)seen.ecx);
	EXPECT_EQ(f.edx, (int)seen.edx);
	EXPECT_EQ(NEXT_ECX, (int)seen.ebx);
	EXPECT_EQ(NEXT_ESI, (int)seen.esi);
	EXPECT_EQ(NEXT_EDI, (int)seen.edi);
	EXPECT_EQ(NEXT_EBP, (int)seen.ebp);
	EXPECT_EQ((unsigned long)(frame + 1), seen.esp);
	EXPECT_EQ(f.eflags & (ARITHMETIC | DF_FLAG),
		  (int)seen.eflags & (ARITHMETIC | DF_FLAG));
	EXPECT_EQ(IF_FLAG, (int)seen.eflags &
			   (IF_FLAG | IOPL | NT_FLAG | VM_FLAG | VIF_VIP));
}

#define FRAME_THAT_LEADS_HERE						\
	{								\
		.eax = 0x0a0a0a0a, .ecx = 0x0c0c0c0c, .edx = 0x0d0d0d0d,\
		.eflags = IF_FLAG, .origip = (__s32)next_leads_here,	\
	}

#endif /* UPCALL_NEXT_H */
