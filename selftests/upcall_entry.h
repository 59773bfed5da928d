/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A context function that records all that it is entered with.
 */
#ifndef UPCALL_ENTRY_H
#define UPCALL_ENTRY_H

#include "upcall_test.h"

struct regs {
	__u32 eax, ebx, ecx, edx, esi, edi, ebp, esp, eflags;
	__u32 cs, ss, ds, es, fs, gs;
};

#define FLAGS_CF	0x001
#define FLAGS_STATUS	0x8d5		/* CF, PF, AF, ZF, SF, OF */
#define FLAGS_TF	0x100
#define FLAGS_IF	0x200
#define FLAGS_DF	0x400
#define FLAGS_ID	0x200000

/* What ctx_record() found at its last entry, and how often it was entered. */
static struct regs entry __attribute_used__;
static struct upcall_frame_ia32 entry_frame __attribute_used__;
static int entries __attribute_used__;

/* Stores all registers in the struct regs at that symbol, changing none. */
asm(".macro store_regs to\n\t"
	"movl %eax, \\to\n\t"
	"movl %ebx, \\to + 4\n\t"
	"movl %ecx, \\to + 8\n\t"
	"movl %edx, \\to + 12\n\t"
	"movl %esi, \\to + 16\n\t"
	"movl %edi, \\to + 20\n\t"
	"movl %ebp, \\to + 24\n\t"
	"movl %esp, \\to + 28\n\t"
	"pushfl\n\t"
	"popl \\to + 32\n\t"
	"movl %cs, %eax\n\t"
	"movl %eax, \\to + 36\n\t"
	"movl %ss, %eax\n\t"
	"movl %eax, \\to + 40\n\t"
	"movl %ds, %eax\n\t"
	"movl %eax, \\to + 44\n\t"
	"movl %es, %eax\n\t"
	"movl %eax, \\to + 48\n\t"
	"movl %fs, %eax\n\t"
	"movl %eax, \\to + 52\n\t"
	"movl %gs, %eax\n\t"
	"movl %eax, \\to + 56\n\t"
	"movl \\to, %eax\n\t"
	".endm");

/* Records, and goes on as ctx_pop(). */
static void __attribute__((naked)) __attribute_used__ ctx_record(void *data)
{
	asm volatile("store_regs entry\n\t"
		     "movl (%esp), %eax\n\t"
		     "movl %eax, entry_frame\n\t"
		     "movl 4(%esp), %eax\n\t"
		     "movl %eax, entry_frame + 4\n\t"
		     "movl 8(%esp), %eax\n\t"
		     "movl %eax, entry_frame + 8\n\t"
		     "movl 12(%esp), %eax\n\t"
		     "movl %eax, entry_frame + 12\n\t"
		     "movl 16(%esp), %eax\n\t"
		     "movl %eax, entry_frame + 16\n\t"
		     "movl entry, %eax\n\t"
		     "incl entries\n\t"
		     "jmp ctx_pop\n\t");
}

#endif /* UPCALL_ENTRY_H */
