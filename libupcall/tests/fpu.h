/* SPDX-License-Identifier: MIT */
#ifndef FPU_TEST_H
#define FPU_TEST_H

/*
 * Floating point state to be interrupted, and what an ill-behaved cfunc makes
 * of it. Integer registers are regs.h's; nothing there touches these. To be
 * compiled so that the compiler doesn't either, and no function is called
 * between loading and storing.
 */
#include <cpuid.h>
#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#define FPU_YMMS	16
#define FPU_ZMMS	32
#define FPU_YMM(do, n)	FPU_8(do, n) FPU_16(do, n)
#define FPU_ZMM(do, n)	FPU_8(do, n) FPU_16(do, n) \
			do(16, n) do(17, n) do(18, n) do(19, n) \
			do(20, n) do(21, n) do(22, n) do(23, n) \
			do(24, n) do(25, n) do(26, n) do(27, n) \
			do(28, n) do(29, n) do(30, n) do(31, n)
#else
#define FPU_YMMS	8
#define FPU_ZMMS	8
#define FPU_YMM		FPU_8
#define FPU_ZMM		FPU_8
#endif

#define FPU_8(do, n)	do(0, n) do(1, n) do(2, n) do(3, n) \
			do(4, n) do(5, n) do(6, n) do(7, n)
#define FPU_16(do, n)	do(8, n) do(9, n) do(10, n) do(11, n) \
			do(12, n) do(13, n) do(14, n) do(15, n)
#define FPU_MASKS(do, n) \
			do(1, n) do(2, n) do(3, n) do(4, n) \
			do(5, n) do(6, n) do(7, n)

#define FPU_LOAD(i, p)	\
	__asm__ volatile ("vmovdqu %0, %%ymm" #i : : "m" ((p)[i]));
#define FPU_STORE(i, p)	\
	__asm__ volatile ("vmovdqu %%ymm" #i ", %0" : "=m" ((p)[i]));
#define FPU_LOAD_Z(i, p)	\
	__asm__ volatile ("vmovdqu64 %0, %%zmm" #i : : "m" ((p)[i]));
#define FPU_STORE_Z(i, p)	\
	__asm__ volatile ("vmovdqu64 %%zmm" #i ", %0" : "=m" ((p)[i]));
#define FPU_LOAD_K(i, p)	\
	__asm__ volatile ("kmovw %0, %%k" #i : : "m" ((p)[i]));
#define FPU_STORE_K(i, p)	\
	__asm__ volatile ("kmovw %%k" #i ", %0" : "=m" ((p)[i]));

struct fpu_vector {
	unsigned char byte[64];
};

struct fpu_state {
	unsigned char fx[512] __attribute__((aligned(16)));
	struct fpu_vector v[FPU_ZMMS];	/* ymm or zmm, if there are such */
	unsigned short k[8];
};

struct fpu_has {
	int fxsr, sse, avx, avx512;
};

static inline struct fpu_has fpu_has(void)
{
	struct fpu_has has = { 0, 0, 0, 0 };
	unsigned int a, b, c, d, xcr0;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return has;
	has.fxsr = !!(d & bit_FXSAVE);
	has.sse = has.fxsr && d & bit_SSE;
	if (has.sse && c & bit_OSXSAVE && c & bit_AVX) {
		__asm__ volatile ("xgetbv" : "=a" (xcr0), "=d" (d) : "c" (0));
		has.avx = (xcr0 & 6) == 6;
		has.avx512 = has.avx && (xcr0 & 0xe6) == 0xe6 &&
			     __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
			     b & bit_AVX512F;
	}
	return has;
}

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
	unsigned char *byte = (unsigned char *)s.v;

	for (i = 0; i < sizeof(s.v); i++)
		byte[i] = i * 7 + seed + i / 256;
	for (i = 0; i < 8; i++)
		s.k[i] = 0x1357 * (i + 1) + seed;
	__asm__ volatile ("fninit; fldpi; fldl2t; fldlg2; fldln2; fld1;"
			  "fildl %0; fdivp; fldcw %1"
			  : : "m" (seed), "m" (cw));
	if (has.sse && !has.avx) {
		__asm__ volatile ("fxsave %0" : "=m" (s.fx));
		for (i = 0; i < 16 * FPU_YMMS; i++)
			s.fx[160 + i] = byte[i];
		__asm__ volatile ("fxrstor %0" : : "m" (s.fx));
	}
	if (has.sse)
		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
	if (has.avx512) {
		FPU_ZMM(FPU_LOAD_Z, s.v)
		FPU_MASKS(FPU_LOAD_K, s.k)
	} else if (has.avx) {
		FPU_YMM(FPU_LOAD, s.v)
	}
}

static inline void fpu_clear(unsigned char *p, unsigned int from,
			     unsigned int to)
{
	while (from < to)
		((volatile unsigned char *)p)[from++] = 0;
}

/*
 * What is there, in *s that was all 0; FNSAVE's image where there is no FXSAVE.
 * Changes x87 and MXCSR.
 */
static inline void fpu_store(struct fpu_has has, struct fpu_state *s)
{
	if (has.avx512) {
		FPU_ZMM(FPU_STORE_Z, s->v)
		FPU_MASKS(FPU_STORE_K, s->k)
	} else if (has.avx) {
		FPU_YMM(FPU_STORE, s->v)
	}
	if (has.fxsr) {
		__asm__ volatile ("fxsave %0" : "=m" (s->fx));
		/* Where the last x87 instruction was is no concern of ours. */
		fpu_clear(s->fx, 5, 24);
		fpu_clear(s->fx, has.sse ? 28 : 24, 32);
		fpu_clear(s->fx, has.sse ? 160 + 16 * FPU_YMMS : 160, 512);
	} else {
		__asm__ volatile ("fnsave %0" : "=m" (s->fx));
		fpu_clear(s->fx, 12, 28);
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

	memset(&s, 0, sizeof(s));
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
	static const struct fpu_vector zeros[FPU_ZMMS];
	static const unsigned short none[8];
	unsigned int mxcsr = 0x1f80 | 0x6000;

	__asm__ volatile ("fninit; fldz; fldz; fldz; fldz; fldz; fldz; fldz;"
			  "fldcw %0; fldz; fdiv %%st(1)" : : "m" (cw));
	if (has.avx512) {
		FPU_ZMM(FPU_LOAD_Z, zeros)
		FPU_MASKS(FPU_LOAD_K, none)
	} else if (has.avx) {
		FPU_YMM(FPU_LOAD, zeros)
	} else if (has.sse) {
		__asm__ volatile ("xorps %xmm0, %xmm0; xorps %xmm1, %xmm1;"
				  "xorps %xmm2, %xmm2; xorps %xmm3, %xmm3;"
				  "xorps %xmm4, %xmm4; xorps %xmm5, %xmm5;"
				  "xorps %xmm6, %xmm6; xorps %xmm7, %xmm7");
#ifdef __x86_64__
		__asm__ volatile ("xorps %xmm8, %xmm8; xorps %xmm9, %xmm9;"
				  "xorps %xmm10, %xmm10; xorps %xmm11, %xmm11;"
				  "xorps %xmm12, %xmm12; xorps %xmm13, %xmm13;"
				  "xorps %xmm14, %xmm14; xorps %xmm15, %xmm15");
#endif
	}
	if (has.sse)
		__asm__ volatile ("ldmxcsr %0" : : "m" (mxcsr));
}

#endif /* FPU_TEST_H */
