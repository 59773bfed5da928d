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
static unsigned long misalign __attribute_used__;
static unsigned long loop_flags __attribute_used__;
static __u32 loop_left __attribute_used__;
static unsigned long saved_sp __attribute_used__;
static unsigned long loop_sp __attribute_used__;
static __u32 wrong_at __attribute_used__;

#ifdef __x86_64__
#define XMM_REGS	16
#else
#define XMM_REGS	8
#endif

/* FXSAVE's format: the program's own state, what the loop has, and had. */
struct fpu {
	__u16 fcw, fsw, ftw, fop;
	__u32 fip, fcs, fdp, fds, mxcsr, mxcsr_mask;
	__u8 st[8][16];			/* 10 bytes and 6 of padding each */
	__u8 xmm[XMM_REGS] __attribute__((vector_size(16))); /* aligns all this */
	__u8 reserved[352 - XMM_REGS * 16];
};

static __attribute_used__ struct fpu fpu_saved, fpu_loaded, fpu_found;

/*
 * An emulator takes interrupts between blocks only, and a jump ends a block:
 * this makes a place for an upcall to come. It changes nothing.
 */
#define GAP		"jmp . + 2\n\t"

#ifdef __x86_64__
/* In the order of EXPECT_REG's numbers; the last is rax plus 1. */
static unsigned long loop_words[] __attribute_used__ = {
	0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8, 0xc1c2c3c4c5c6c7c8,
	0xd1d2d3d4d5d6d7d8, 0x5152535455565758, 0xd9dadbdcdddedfd0,
	0xb9babbbcbdbebfb0, 0x8182838485868788, 0x9192939495969798,
	0x1011121314151617, 0x1112131415161718, 0x1213141516171819,
	0x131415161718191a, 0x1415161718191a1b, 0x15161718191a1b1c,
	0xa1a2a3a4a5a6a7a9,
};

#define EXPECT_REG(reg, n)				\
	"cmpq loop_words + 8 * " #n ", %" reg "\n\t"	\
	"jne registers_wrong\n\t"

#define LOAD_REG(reg, n)				\
	"movq loop_words + 8 * " #n ", %" reg "\n\t"

/* The words of the red zone, each with its offset in it. */
#define RED_ZONE_WORDS	".irp at, 8, 16, 24, 32, 40, 48, 56, 64, 72, "	\
			"80, 88, 96, 104, 112, 120, 128\n\t"

/*
 * Each turn: that a carry gets from an addition to the next, alone and in a
 * chain of subtractions that borrow; that flags stay set that no instruction
 * in between touches; that all registers and the red zone keep their patterns.
 */
static void __attribute__((naked)) __attribute_noinline__ registers_loop(void)
{
	asm volatile(".irp reg, rbx, rbp, r12, r13, r14, r15\n\t"
		     "pushq %\\reg\n\t"
		     ".endr\n\t"
		     "movq %rsp, saved_sp\n\t"
		     "fxsave64 fpu_saved\n\t"
		     "fxrstor64 fpu_loaded\n\t"
		     "subq misalign, %rsp\n\t"
		     "movq %rsp, loop_sp\n\t"
		     "movl $0, wrong_at\n\t"
		     RED_ZONE_WORDS
		     "movq $0x2d2d2d00 + \\at, -\\at(%rsp)\n\t"
		     ".endr\n\t"
		     LOAD_REG("rax", 0)
		     LOAD_REG("rbx", 1)
		     LOAD_REG("rcx", 2)
		     LOAD_REG("rdx", 3)
		     LOAD_REG("rsi", 4)
		     LOAD_REG("rdi", 5)
		     LOAD_REG("rbp", 6)
		     LOAD_REG("r8", 7)
		     LOAD_REG("r9", 8)
		     LOAD_REG("r10", 9)
		     LOAD_REG("r11", 10)
		     LOAD_REG("r12", 11)
		     LOAD_REG("r13", 12)
		     LOAD_REG("r14", 13)
		     LOAD_REG("r15", 14)
		     "registers_turn:\n\t"

		     "leaq -128(%rsp), %rsp\n\t"
		     "pushq loop_flags\n\t"
		     "popfq\n\t"
		     GAP
		     "pushfq\n\t"
		     GAP
		     "xchgq %rax, (%rsp)\n\t"
		     GAP
		     "xorq loop_flags, %rax\n\t"
		     "testl $0xcd5, %eax\n\t"	/* status flags and DF */
		     "popq %rax\n\t"
		     "leaq 128(%rsp), %rsp\n\t"
		     "jne registers_wrong\n\t"

		     "stc\n\t"
		     GAP
		     "adcq $0, %rax\n\t"	/* + 1 */
		     GAP
		     "adcq $0, %rax\n\t"
		     GAP
		     EXPECT_REG("rax", 15)
		     "movl $0, %eax\n\t"
		     GAP
		     "subq $1, %rax\n\t"	/* borrows from all that follow */
		     GAP
		     "sbbq $0, %rbx\n\t"
		     GAP
		     "cmc\n\t"
		     GAP
		     "sbbq $0, %rcx\n\t"
		     GAP
		     "cmc\n\t"
		     GAP
		     "sbbq $-1, %rdx\n\t"	/* and the borrow: nothing */
		     GAP
		     "adcq $0, %rbx\n\t"
		     GAP
		     "cmpq $-1, %rax\n\t"
		     "jne registers_wrong\n\t"
		     LOAD_REG("rax", 0)
		     "incq %rcx\n\t"
		     GAP

		     EXPECT_REG("rax", 0)
		     EXPECT_REG("rbx", 1)
		     EXPECT_REG("rcx", 2)
		     EXPECT_REG("rdx", 3)
		     EXPECT_REG("rsi", 4)
		     EXPECT_REG("rdi", 5)
		     EXPECT_REG("rbp", 6)
		     EXPECT_REG("r8", 7)
		     EXPECT_REG("r9", 8)
		     EXPECT_REG("r10", 9)
		     EXPECT_REG("r11", 10)
		     EXPECT_REG("r12", 11)
		     EXPECT_REG("r13", 12)
		     EXPECT_REG("r14", 13)
		     EXPECT_REG("r15", 14)
		     RED_ZONE_WORDS
		     "cmpq $0x2d2d2d00 + \\at, -\\at(%rsp)\n\t"
		     "jne registers_wrong\n\t"
		     ".endr\n\t"
		     "cmpq loop_sp, %rsp\n\t"
		     "jne registers_wrong\n\t"
		     "decl loop_left\n\t"
		     "jne registers_turn\n\t"

		     "registers_done:\n\t"
		     "cld\n\t"
		     "movq saved_sp, %rsp\n\t"
		     "fxsave64 fpu_found\n\t"
		     "fxrstor64 fpu_saved\n\t"
		     ".irp reg, r15, r14, r13, r12, rbp, rbx\n\t"
		     "popq %\\reg\n\t"
		     ".endr\n\t"
		     "ret\n\t"

		     "registers_wrong:\n\t"
		     "movl loop_left, %eax\n\t"
		     "movl %eax, wrong_at\n\t"
		     "jmp registers_done\n\t");
}
#else
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
		     "movl %esp, saved_sp\n\t"
		     "fxsave fpu_saved\n\t"
		     "fxrstor fpu_loaded\n\t"
		     "subl misalign, %esp\n\t"
		     "movl %esp, loop_sp\n\t"
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
		     "cmpl loop_sp, %esp\n\t"
		     "jne registers_wrong\n\t"
		     "decl loop_left\n\t"
		     "jne registers_turn\n\t"

		     "registers_done:\n\t"
		     "cld\n\t"
		     "movl saved_sp, %esp\n\t"
		     "fxsave fpu_found\n\t"
		     "fxrstor fpu_saved\n\t"
		     "popal\n\t"
		     "ret\n\t"

		     "registers_wrong:\n\t"
		     "movl loop_left, %eax\n\t"
		     "movl %eax, wrong_at\n\t"
		     "jmp registers_done\n\t");
}
#endif

static inline void load_fpu_patterns(void)
{
	unsigned int i, byte;

	fpu_loaded.fcw = 0x0c7f;	/* truncates, to single precision */
	fpu_loaded.ftw = 0xff;		/* all eight in use */
	fpu_loaded.fsw = 0x3800;	/* st(0) is the last one */
	fpu_loaded.mxcsr = 0x7f80;	/* truncates */
	for (i = 0; i < XMM_REGS; i++) {
		for (byte = 0; byte < 16; byte++)
			fpu_loaded.xmm[i][byte] = i * 16 + byte;
	}
	for (i = 0; i < 8; i++) {
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
