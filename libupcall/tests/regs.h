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
struct regs {
	unsigned int eax, ecx, edx, ebx, esp, ebp, esi, edi, eflags;
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
#define REGS_TOP	((unsigned int)regs_stack + sizeof(regs_stack) - 256)

/* CF, PF, AF, ZF, SF, DF and OF; what is always set; trap and resume flag. */
#define REGS_FLAGS	0xcd5
#define REGS_FLAGS_ONE	0x202
#define REGS_TF		0x100
#define REGS_RF		0x10000

static __inline__ void regs_pattern(unsigned int seed, unsigned int flags)
{
	regs_in.eax = seed ^ 0xa1a2a3a4;
	regs_in.ecx = seed ^ 0xc1c2c3c4;
	regs_in.edx = seed ^ 0xd1d2d3d4;
	regs_in.ebx = seed ^ 0xb1b2b3b4;
	regs_in.ebp = seed ^ 0xe1e2e3e4;
	regs_in.esi = seed ^ 0x51525354;
	regs_in.edi = seed ^ 0x61626364;
	regs_in.esp = REGS_TOP - seed % 16;
	regs_in.eflags = flags | REGS_FLAGS_ONE;
}

/* Is all as it was before? */
static __inline__ int regs_same(void)
{
	return regs_out.eax == regs_in.eax && regs_out.ecx == regs_in.ecx &&
	       regs_out.edx == regs_in.edx && regs_out.ebx == regs_in.ebx &&
	       regs_out.esp == regs_in.esp && regs_out.ebp == regs_in.ebp &&
	       regs_out.esi == regs_in.esi && regs_out.edi == regs_in.edi &&
	       !((regs_out.eflags ^ regs_in.eflags) & REGS_FLAGS);
}

static __inline__ void regs_print(void)
{
	const unsigned int *in = &regs_in.eax, *out = &regs_out.eax;
	static const char names[][7] = {
		"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eflags"
	};
	int i;

	for (i = 0; i < 9; i++)
		printf("# %-6s %08x, was %08x\n", names[i], out[i], in[i]);
}

#endif /* REGS_H */
