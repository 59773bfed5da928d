/* SPDX-License-Identifier: MIT */
#ifndef REGS_H
#define REGS_H

/*
 * Code to be interrupted: regs_run() loads all integer registers, the flags
 * and the stack pointer from regs_in, says so in regs_ready, and then runs
 * jmp *regs_target, which changes none of them. With &regs_spin there it goes
 * on until someone stores another target; regs_done stores all registers in
 * regs_out and returns. regs_push does by hand what the kernel does: it pushes
 * a frame that resumes at regs_done, and enters regs_ctx.
 */
#include "arch.h"

struct regs {
	unsigned long r[ARCH_REGS];
	unsigned long flags;
};

extern struct regs regs_in, regs_out;
extern void (*volatile regs_target)(void);
extern volatile int regs_ready;
extern void *regs_ctx, *regs_cfunc, *regs_data, *regs_upc;

void regs_run(void);
void regs_spin(void);
void regs_push(void);
void regs_done(void);
void regs_end(void);

/* A stack to be interrupted on, and the highest address used of it. */
extern char regs_stack[0x40000];
#define REGS_TOP	((unsigned long)regs_stack + sizeof(regs_stack) - 256)

/* CF, PF, AF, ZF, SF, DF and OF; what is always set; trap and resume flag. */
#define REGS_FLAGS	0xcd5
#define REGS_FLAGS_ONE	0x202
#define REGS_TF		0x100
#define REGS_DF		0x400
#define REGS_RF		0x10000

/* The red zone, where the interrupted code has one, has values too. */
static __inline__ unsigned char regs_red(unsigned int i)
{
	return regs_in.r[0] + 7 * i;
}

static __inline__ void regs_pattern(unsigned int seed, unsigned int flags)
{
	unsigned char *sp = (unsigned char *)REGS_TOP - seed % 16;
	unsigned int i;

	for (i = 0; i < ARCH_REGS; i++)
		regs_in.r[i] = seed * ARCH_SPREAD ^ (i + 1) * ARCH_STEP;
	regs_in.r[ARCH_SP] = (unsigned long)sp;
	regs_in.flags = flags | REGS_FLAGS_ONE;
	for (i = 1; i <= ARCH_RED_ZONE; i++)
		sp[-(int)i] = regs_red(i);
}

/* Is all as it was before? */
static __inline__ int regs_same(void)
{
	const unsigned char *sp = (unsigned char *)regs_in.r[ARCH_SP];
	unsigned int i;

	for (i = 0; i < ARCH_REGS; i++) {
		if (regs_out.r[i] != regs_in.r[i])
			return 0;
	}
	for (i = 1; i <= ARCH_RED_ZONE; i++) {
		if (sp[-(int)i] != regs_red(i))
			return 0;
	}
	return !((regs_out.flags ^ regs_in.flags) & REGS_FLAGS);
}

static __inline__ void regs_print(void)
{
	static const char names[][4] = { ARCH_REG_NAMES };
	const unsigned char *sp = (unsigned char *)regs_in.r[ARCH_SP];
	unsigned int i;

	for (i = 0; i < ARCH_REGS; i++)
		printf("# %-6s %0*lx, was %0*lx\n", names[i],
		       2 * (int)sizeof(long), regs_out.r[i],
		       2 * (int)sizeof(long), regs_in.r[i]);
	printf("# flags  %lx, was %lx\n", regs_out.flags, regs_in.flags);
	for (i = 1; i <= ARCH_RED_ZONE; i++) {
		if (sp[-(int)i] != regs_red(i))
			printf("# red zone differs at -%u\n", i);
	}
}

/* In a function with a frame pointer: was it called as the ABI has it? */
#define REGS_ALIGNED() (((unsigned long)__builtin_frame_address(0) + \
			 2 * sizeof(long)) % 16 == 0)

#endif /* REGS_H */
