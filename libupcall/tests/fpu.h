/* SPDX-License-Identifier: MIT */
#ifndef FPU_TEST_H
#define FPU_TEST_H

/*
 * Floating point state to be interrupted, and what an ill-behaved cfunc makes
 * of it. Integer registers are regs.h's; nothing there touches these.
 */
#include <cpuid.h>
#include <stdint.h>
#include <string.h>

struct fpu_state {
	unsigned char fx[512] __attribute__((aligned(16)));
	unsigned char ymm[8][32];
};

struct fpu_has {
	int fxsr, sse, avx;
};

static inline struct fpu_has fpu_has(void)
{
	struct fpu_has has = { 0, 0, 0 };
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return has;
	has.fxsr = !!(d & bit_FXSAVE);
	has.sse = has.fxsr && d & bit_SSE;
	if (has.sse && c & bit_OSXSAVE && c & bit_AVX) {
		__asm__ volatile ("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
		has.avx = (a & 6) == 6;
	}
	return has;
}

#define FPU_YMM(do, n)	do(0, n) do(1, n) do(2, n) do(3, n) \
			do(4, n) do(5, n) do(6, n) do(7, n)
#define FPU_LOAD(i, p)	\
	__asm__ volatile ("vmovdqu %0, %%ymm" #i : : "m" ((p)[i]));
#define FPU_STORE(i, p)	\
	__asm__ volatile ("vmovdqu %%ymm" #i ", %0" : "=m" ((p)[i]));

/*
 * Every register its own value, five of eight x87 registers in use, and
 * controls that are not the default: rounding up, single precision; flush to
 * zero, rounding down.
 */
static inline void fpu_load(struct fpu_has has, unsigned int seed)
{
	static const unsigned short cw = 0x087f;
	unsigned int mxcsr = 0xbf80, i;
	struct fpu_state s;
	unsigned char *byte = s.ymm[0];

	for (i = 0; i < sizeof(s.ymm); i++)
		byte[i] = i * 7 + seed;
	__asm__ volatile ("fninit; fldpi; fldl2t; fldlg2; fldln2; fld1;"
			  "fildl %0; fdivp; fldcw %1"
			  : : "m" (seed), "m" (cw));
	if (has.avx) {
		FPU_YMM(FPU_LOAD, s.ymm)
	} else if (has.sse) {
		__asm__ volatile ("fxsave %0" : "=m" (s.fx));
		memcpy(s.fx + 160, s.ymm, 128);
		__asm__ volatile ("fxrstor %0" : : "m" (s.fx));
	}
	if (has.sse)
		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
}

/* What is there; FNSAVE's image where there is no FXSAVE. Changes x87. */
static inline void fpu_store(struct fpu_has has, struct fpu_state *s)
{
	memset(s, 0, sizeof(*s));
	if (has.avx) {
		FPU_YMM(FPU_STORE, s->ymm)
	}
	if (has.fxsr) {
		__asm__ volatile ("fxsave %0" : "=m" (s->fx));
		/* Where the last x87 instruction was is no concern of ours. */
		memset(s->fx + 5, 0, 19);
		memset(s->fx + 28, 0, 4);
		if (!has.sse)
			memset(s->fx + 24, 0, 4);
		memset(s->fx + (has.sse ? 288 : 160), 0, has.sse ? 224 : 352);
	} else {
		__asm__ volatile ("fnsave %0" : "=m" (s->fx));
		memset(s->fx + 12, 0, 16);
	}
	__asm__ volatile ("fninit");
	if (has.sse) {
		unsigned int mxcsr = 0x1f80;

		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
	}
}

/* Is it all as fpu_load(has, seed) made it? */
static inline int fpu_same(struct fpu_has has, unsigned int seed,
			   const struct fpu_state *found)
{
	struct fpu_state s;
	unsigned int i;

	fpu_load(has, seed);
	fpu_store(has, &s);
	if (!memcmp(&s, found, sizeof(s)))
		return 1;
	for (i = 0; i < sizeof(s); i++) {
		if (((unsigned char *)&s)[i] != ((unsigned char *)found)[i]) {
			printf("# differs from byte %u on\n", i);
			break;
		}
	}
	return 0;
}

/* Is it as at the start of a program? */
static inline int fpu_default(struct fpu_has has)
{
	unsigned int env[7], mxcsr = 0x1f80;

	__asm__ volatile ("fnstenv %0" : "=m" (env));
	if (has.sse)
		__asm__ volatile ("stmxcsr %0" : "=m" (mxcsr));
	return (env[0] & 0xffff) == 0x037f && (env[2] & 0xffff) == 0xffff &&
	       !(env[1] & 0xffff) && mxcsr == 0x1f80;
}

/* Use all, leave x87 full, unmasked, and with an exception pending. */
static inline void fpu_spoil(struct fpu_has has)
{
	static const unsigned short cw = 0x0c40;
	static const unsigned char zeros[8][32];
	unsigned int mxcsr = 0x1f80 | 0x6000;

	__asm__ volatile ("fninit; fldz; fldz; fldz; fldz; fldz; fldz; fldz;"
			  "fldcw %0; fldz; fdiv %%st(1)" : : "m" (cw));
	if (has.avx) {
		FPU_YMM(FPU_LOAD, zeros)
	} else if (has.sse) {
		__asm__ volatile ("xorps %xmm0, %xmm0; xorps %xmm1, %xmm1;"
				  "xorps %xmm2, %xmm2; xorps %xmm3, %xmm3;"
				  "xorps %xmm4, %xmm4; xorps %xmm5, %xmm5;"
				  "xorps %xmm6, %xmm6; xorps %xmm7, %xmm7");
	}
	if (has.sse)
		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
}

#endif /* FPU_TEST_H */
