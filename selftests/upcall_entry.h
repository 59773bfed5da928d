/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A context function that records all that it is entered with.
 */
#ifndef UPCALL_ENTRY_H
#define UPCALL_ENTRY_H

#include "upcall_test.h"

struct regs {
	unsigned long ax, bx, cx, dx, si, di, bp, sp, flags;
	unsigned long cs, ss, ds, es, fs, gs;
	unsigned long r8, r9, r10, r11, r12, r13, r14, r15;
};

#define FLAGS_CF	0x001
#define FLAGS_STATUS	0x8d5		/* CF, PF, AF, ZF, SF, OF */
#define FLAGS_TF	0x100
#define FLAGS_IF	0x200
#define FLAGS_DF	0x400
#define FLAGS_ID	0x200000

/* What ctx_record() found at its last entry, and how often it was entered. */
static struct regs entry __attribute_used__;
static struct upcall_frame entry_frame __attribute_used__;
static int entries __attribute_used__;

/* Stores all registers in the struct regs at that symbol, changing none. */
asm(".macro store_regs to\n\t"
	"mov " R(ax) ", \\to\n\t"
	"mov " R(bx) ", \\to + " AT(1) "\n\t"
	"mov " R(cx) ", \\to + " AT(2) "\n\t"
	"mov " R(dx) ", \\to + " AT(3) "\n\t"
	"mov " R(si) ", \\to + " AT(4) "\n\t"
	"mov " R(di) ", \\to + " AT(5) "\n\t"
	"mov " R(bp) ", \\to + " AT(6) "\n\t"
	"mov " R(sp) ", \\to + " AT(7) "\n\t"
	"pushf" W "\n\t"
	"pop" W " \\to + " AT(8) "\n\t"
	"mov %cs, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(9) "\n\t"
	"mov %ss, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(10) "\n\t"
	"mov %ds, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(11) "\n\t"
	"mov %es, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(12) "\n\t"
	"mov %fs, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(13) "\n\t"
	"mov %gs, " R(ax) "\n\t"
	"mov " R(ax) ", \\to + " AT(14) "\n\t"
	"mov \\to, " R(ax) "\n\t"
#ifdef __x86_64__
	"mov %r8, \\to + " AT(15) "\n\t"
	"mov %r9, \\to + " AT(16) "\n\t"
	"mov %r10, \\to + " AT(17) "\n\t"
	"mov %r11, \\to + " AT(18) "\n\t"
	"mov %r12, \\to + " AT(19) "\n\t"
	"mov %r13, \\to + " AT(20) "\n\t"
	"mov %r14, \\to + " AT(21) "\n\t"
	"mov %r15, \\to + " AT(22) "\n\t"
#endif
	".endm");

#ifdef __x86_64__
#define FRAME_WORDS	"0, 1, 2, 3, 4, 5, 6, 7"
#else
#define FRAME_WORDS	"0, 1, 2, 3, 4"
#endif

/* Records, and goes on as ctx_pop(). */
static void __attribute__((naked)) __attribute_used__ ctx_record(void *data)
{
	asm volatile("store_regs entry\n\t"
		     ".irp i, " FRAME_WORDS "\n\t"
		     "mov " AT(\\i) "(" R(sp) "), " R(ax) "\n\t"
		     "mov " R(ax) ", entry_frame + " AT(\\i) "\n\t"
		     ".endr\n\t"
		     "mov entry, " R(ax) "\n\t"
		     "incl entries\n\t"
		     "jmp ctx_pop\n\t");
}

#endif /* UPCALL_ENTRY_H */
