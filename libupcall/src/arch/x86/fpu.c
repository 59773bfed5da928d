// SPDX-License-Identifier: MIT
/*
 * How to save the state of x87, MMX, SSE and AVX on this machine: chosen once,
 * before any upcall can be entered.
 */
#include <cpuid.h>
#include <stddef.h>

#include "../../lib.h"
#include "fpu.h"
#include "offsets.h"

_Static_assert(FPU_HOW == offsetof(struct fpu, how), "fpu");
_Static_assert(FPU_SIZE == offsetof(struct fpu, size), "fpu");
_Static_assert(FPU_MASK == offsetof(struct fpu, mask), "fpu");
_Static_assert(FPU_MXCSR == offsetof(struct fpu, mxcsr), "fpu");

/* Which components of the extended state a C function may change. */
#define COMPONENTS	(3 | FPU_MASK_AVX | FPU_MASK_AVX512)

#define FXSAVE_SIZE	512
#define XSAVE_MIN_SIZE	(FXSAVE_SIZE + 64)

/* SSE at the start of a program, by the ABI: all exceptions masked. */
#define MXCSR_DEFAULT	0x1f80

struct fpu libupcall_fpu = {
	.how = FPU_FNSAVE,
	.size = 108,
	.mxcsr = MXCSR_DEFAULT,
};

/* What the kernel has enabled. */
static unsigned int xcr0(void)
{
	unsigned int eax, edx;

	__asm__ ("xgetbv" : "=a" (eax), "=d" (edx) : "c" (0));
	return eax;
}

/* The standard form has each component at a place of its own. */
static unsigned int xsave_size(unsigned int mask)
{
	unsigned int i, size, offset, ecx, edx, end = XSAVE_MIN_SIZE;

	for (i = 2; i < 32; i++) {
		if (!(mask & 1u << i))
			continue;
		__cpuid_count(0xd, i, size, offset, ecx, edx);
		if (end < offset + size)
			end = offset + size;
	}
	return end;
}

static void __attribute__((constructor(101))) choose(void)
{
	unsigned int eax, ebx, ecx, edx;

	/* Before the Pentium there may be no cpuid: this knows. */
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(edx & bit_FXSAVE))
		return;
	libupcall_fpu.how = edx & bit_SSE ? FPU_FXSAVE_SSE : FPU_FXSAVE;
	libupcall_fpu.size = FXSAVE_SIZE;
	if (!(ecx & bit_OSXSAVE) || !__get_cpuid(0xd, &eax, &ebx, &ecx, &edx))
		return;
	libupcall_fpu.how = FPU_XSAVE;
	libupcall_fpu.mask = xcr0() & COMPONENTS;
	libupcall_fpu.size = xsave_size(libupcall_fpu.mask);
}
