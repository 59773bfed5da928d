/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A loop that keeps patterns in all registers, flags, the x87 and the SSE
 * state, and notices when one of them changes.
 */
#ifndef UPCALL_LOOP_H
#define UPCALL_LOOP_H

#include "upcall_test.h"

#define FLAGS_DF	0x400

/* The loop's parameters, and where it was when it found something wrong. */
static __u32 misalign __attribute_used__;
static __u32 loop_flags __attribute_used__;
static __u32 loop_left __attribute_used__;
static __u32 saved_esp __attribute_used__;
static __u32 loop_esp __attribute_used__;
static __u32 wrong_at __attribute_used__;

/* FXSAVE's format: the program's own state, what the loop has, and had. */
struct fpu {
	__u16 fcw, fsw, ftw, fop;
	__u32 fip, fcs, fdp, fds, mxcsr, mxcsr_mask;
	__u8 st[8][16];			/* 10 bytes and 6 of padding each */
	__u8 xmm[8] __attribute__((vector_size(16)));	/* aligns all this */
	__u8 reserved[224];
};

static __attribute_used__ struct fpu fpu_saved, fpu_loaded, fpu_found;

/*
 * An emulator takes interrupts between blocks only, and a jump ends a block:
 * this makes a place for an upcall to come. It changes nothing.
 */
#define GAP		"jmp . + 2\n\t"

#define EXPECT_REG(reg, value)				\
	"cmpl $" value ", %" reg "\n\t"			\
	"jne registers_wrong\n\t"

/*
 * Each turn: that a carry gets from an addition to the next, alone and in a
 * chain of subtractions that borrow; that flags stay set that no instruction
 * in between touches; that all registers keep their patterns.
 */
static void __attribute__((naked)) __attribute_noinline__ registers_loop(void)
{
	asm volatile("pushal\n\t"
		     "movl %esp, saved_esp\n\t"
		     "fxsave fpu_saved\n\t"
		     "fxrstor fpu_loaded\n\t"
		     "subl misalign, %esp\n\t"
		     "movl %esp, loop_esp\n\t"
		     "movl $0, wrong_at\n\t"
		     "movl $0xa1a2a3a4, %eax\n\t"
		     "movl $0xb1b2b3b4, %ebx\n\t"
		     "movl $0xc1c2c3c4, %ecx\n\t"
		     "movl $0xd1d2d3d4, %edx\n\t"
		     "movl $0x51525354, %esi\n\t"
		     "movl $0xd9dadbdc, %edi\n\t"
		     "movl $0xb9babbbc, %ebp\n\t"
		     "registers_turn:\n\t"

		     "pushl loop_flags\n\t"
		     "popfl\n\t"
		     GAP
		     "pushfl\n\t"
		     GAP
		     "xchgl %eax, (%esp)\n\t"
		     GAP
		     "xorl loop_flags, %eax\n\t"
		     "testl $0xcd5, %eax\n\t"	/* status flags and DF */
		     "popl %eax\n\t"
		     "jne registers_wrong\n\t"

		     "stc\n\t"
		     GAP
		     "adcl $0, %eax\n\t"	/* + 1 */
		     GAP
		     "adcl $0, %eax\n\t"
		     GAP
		     EXPECT_REG("eax", "0xa1a2a3a5")
		     "movl $0, %eax\n\t"
		     GAP
		     "subl $1, %eax\n\t"	/* borrows from all that follow */
		     GAP
		     "sbbl $0, %ebx\n\t"
		     GAP
		     "cmc\n\t"
		     GAP
		     "sbbl $0, %ecx\n\t"
		     GAP
		     "cmc\n\t"
		     GAP
		     "sbbl $0xffffffff, %edx\n\t" /* and the borrow: nothing */
		     GAP
		     "adcl $0, %ebx\n\t"
		     GAP
		     EXPECT_REG("eax", "0xffffffff")
		     "movl $0xa1a2a3a4, %eax\n\t"
		     "incl %ecx\n\t"
		     GAP

		     EXPECT_REG("eax", "0xa1a2a3a4")
		     EXPECT_REG("ebx", "0xb1b2b3b4")
		     EXPECT_REG("ecx", "0xc1c2c3c4")
		     EXPECT_REG("edx", "0xd1d2d3d4")
		     EXPECT_REG("esi", "0x51525354")
		     EXPECT_REG("edi", "0xd9dadbdc")
		     EXPECT_REG("ebp", "0xb9babbbc")
		     "cmpl loop_esp, %esp\n\t"
		     "jne registers_wrong\n\t"
		     "decl loop_left\n\t"
		     "jne registers_turn\n\t"

		     "registers_done:\n\t"
		     "cld\n\t"
		     "movl saved_esp, %esp\n\t"
		     "fxsave fpu_found\n\t"
		     "fxrstor fpu_saved\n\t"
		     "popal\n\t"
		     "ret\n\t"

		     "registers_wrong:\n\t"
		     "movl loop_left, %eax\n\t"
		     "movl %eax, wrong_at\n\t"
		     "jmp registers_done\n\t");
}

static inline void load_fpu_patterns(void)
{
	unsigned int i, byte;

	fpu_loaded.fcw = 0x0c7f;	/* truncates, to single precision */
	fpu_loaded.ftw = 0xff;		/* all eight in use */
	fpu_loaded.fsw = 0x3800;	/* st(0) is the last one */
	fpu_loaded.mxcsr = 0x7f80;	/* truncates */
	for (i = 0; i < 8; i++) {
		for (byte = 0; byte < 16; byte++)
			fpu_loaded.xmm[i][byte] = i * 16 + byte;
		for (byte = 0; byte < 8; byte++)
			fpu_loaded.st[i][byte] = 0x80 + i * 8 + byte;
		fpu_loaded.st[i][8] = i;
		fpu_loaded.st[i][9] = 0x40;
	}
}

static inline bool fpu_patterns_intact(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		if (memcmp(fpu_loaded.st[i], fpu_found.st[i], 10))
			return false;
	}
	return fpu_loaded.fcw == fpu_found.fcw &&
	       fpu_loaded.fsw == fpu_found.fsw &&
	       fpu_loaded.ftw == fpu_found.ftw &&
	       fpu_loaded.mxcsr == fpu_found.mxcsr &&
	       !memcmp(fpu_loaded.xmm, fpu_found.xmm, sizeof(fpu_found.xmm));
}

/* Runs the loop for a while: differently each time, from one on. */
static inline bool registers_stay(int nth)
{
	static const __u32 flags[] = {
		0, FLAGS_DF, 0x8d5, FLAGS_DF | 0x8d5, 0x845, 0x490,
	};

	misalign = nth % 16;
	loop_flags = flags[nth % ARRAY_SIZE(flags)];
	loop_left = 1000;
	load_fpu_patterns();
	registers_loop();
	if (wrong_at)
		return false;
	return fpu_patterns_intact();
}

#endif /* UPCALL_LOOP_H */
