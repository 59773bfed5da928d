// SPDX-License-Identifier: MIT
/*
 * What the context functions cost in user mode, on any kernel: each is entered
 * with a frame that was pushed by hand, calls a cfunc that does nothing, and
 * pops the frame. Cycles of the time stamp counter, BATCH of them one after the
 * other, the median of ROUNDS, without what the same takes where nothing stands
 * in the context function's place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/upcall.h>

#include "library.h"	/* what the library has inside, from ../tests */

#define ROUNDS	2001
#define BATCH	100

void enter(upcall_func_t ctx, upcall_func_t cfunc, struct upcall *upc);
void nothing_at_all(void *data);
void nothing(void *data);

static unsigned int took[ROUNDS];

static unsigned int now(void)
{
	unsigned int low, high;

	__asm__ __volatile__ ("lfence; rdtsc" : "=a" (low), "=d" (high)
			      : : "memory");
	return low;
}

/* How much state there is to save: all is 0, or in use from there on. */
enum state { SSE, AVX, AVX512, X87, STATES };

static const char *const state_names[STATES] = {
	"SSE in use", "AVX too", "AVX-512 too", "SSE and x87",
};

static int has(enum state state)
{
	if (state == AVX)
		return __builtin_cpu_supports("avx");
	if (state == AVX512)
		return __builtin_cpu_supports("avx512f");
	return __builtin_cpu_supports("sse2");
}

static inline void use(enum state state)
{
	if (state == X87)
		__asm__ __volatile__ ("fld1");
	else if (state == AVX512)
		__asm__ __volatile__ ("vpternlogd $255, %zmm0, %zmm0, %zmm0;"
				      "kxnorw %k1, %k1, %k1");
	else if (state == AVX)
		__asm__ __volatile__ ("vxorps %ymm0, %ymm0, %ymm0;"
				      "vcmpps $15, %ymm0, %ymm0, %ymm0");
	else if (has(SSE))
		__asm__ __volatile__ ("pcmpeqd %xmm0, %xmm0");
}

/*
 * All in its initial state: XRSTOR alone does that, as the x87 registers keep
 * their contents over fninit.
 */
static void use_nothing(void)
{
	static struct {
		unsigned int fx[128], header[16];
	} clean __attribute__((aligned(64)));

	__asm__ __volatile__ ("fninit");
	clean.fx[6] = 0x1f80;	/* MXCSR */
	if (__builtin_cpu_supports("avx"))
		__asm__ __volatile__ ("xrstor %0" : : "m" (clean), "a" (0xe7),
				      "d" (0));
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

static unsigned int median(upcall_func_t ctx, enum state state)
{
	static struct upcall upc = UPCALL_INITIALIZER;
	unsigned int i, j, start;

	use_nothing();
	for (i = 0; i < ROUNDS; i++) {
		upc.crit_count = BATCH * UPC_CRITADD;
		use(state);
		start = now();
		for (j = 0; j < BATCH; j++)
			enter(ctx, nothing, &upc);
		took[i] = now() - start;
		use_nothing();
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	return took[ROUNDS / 2];
}

static void row(const char *name, upcall_func_t ctx)
{
	int state;

	printf("%-32s", name);
	for (state = 0; state < STATES; state++) {
		if (has(state))
			printf(" %12u", (median(ctx, state) -
					 median(nothing_at_all, state) +
					 BATCH / 2) / BATCH);
		else
			printf(" %12s", "-");
	}
	putchar('\n');
}

/* As on a processor that has no better way. */
static void row_with(const char *name, unsigned int how, unsigned int size)
{
	const struct fpu chosen = libupcall_fpu;

	libupcall_fpu.how = how;
	libupcall_fpu.size = size;
	row(name, upc_fpu_wrapper);
	libupcall_fpu = chosen;
}

int main(void)
{
	const unsigned int how = libupcall_fpu.how;
	int state;

	printf("%-32s", "cycles, above an empty stub");
	for (state = 0; state < STATES; state++)
		printf(" %12s", state_names[state]);
	putchar('\n');
	row("upc_integer_wrapper", upc_integer_wrapper);
	row("upc_fpu_wrapper, as chosen", upc_fpu_wrapper);
#ifdef __x86_64__
	if (how == FPU_XSAVEC)
		row_with("the same by XSAVE", FPU_XSAVE, 4096);
	row_with("the same by FXSAVE", FPU_FXSAVE, 512);
#else
	if (how == FPU_XSAVE)
		row_with("the same by FXSAVE", FPU_FXSAVE_SSE, 512);
#endif
	return 0;
}
