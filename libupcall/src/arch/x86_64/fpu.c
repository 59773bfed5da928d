// SPDX-License-Identifier: MIT
/*
 * How to save the vector and x87 state on this machine: chosen as the library
 * is loaded, or by the first upcall if one is entered before that.
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

/*
 * Which components of the extended state a C function may change without being
 * told to. The tiles of AMX, 8 KiB, are left out, as the dynamic linker leaves
 * them out; and protection keys are no state of a computation.
 */
#define COMPONENTS	(FPU_MASK_X87 | FPU_MASK_SSE | FPU_MASK_AVX | \
			 FPU_MASK_AVX512 | FPU_MASK_APX)

#define FXSAVE_SIZE	512
#define XSAVE_MIN_SIZE	(FXSAVE_SIZE + 64)

/* CPUID leaf 0xd: in subleaf 1, XSAVEC; in a component's, its alignment. */
#define XSAVEC		2
#define ALIGNED		2

/* SSE at the start of a program, by the ABI: all exceptions masked. */
#define MXCSR_DEFAULT	0x1f80

struct fpu libupcall_fpu = {
	.how = FPU_UNKNOWN,
	.mxcsr = MXCSR_DEFAULT,
};

/* What the kernel has enabled. */
static unsigned int xcr0(void)
{
	unsigned int eax, edx;

	__asm__ ("xgetbv" : "=a" (eax), "=d" (edx) : "c" (0));
	return eax;
}

/*
 * The standard form has each component at a place of its own, the compacted
 * one has those that are in the mask one behind the other.
 */
static unsigned int xsave_size(unsigned int mask, int compacted)
{
	unsigned int i, size, offset, ecx, edx, end = XSAVE_MIN_SIZE;

	for (i = 2; i < 32; i++) {
		if (!(mask & 1u << i))
			continue;
		__cpuid_count(0xd, i, size, offset, ecx, edx);
		if (compacted)
			offset = ecx & ALIGNED ? (end + 63) & -64u : end;
		if (end < offset + size)
			end = offset + size;
	}
	return end;
}

void libupcall_fpu_choose(void)
{
	unsigned int eax, ebx, ecx, edx, how = FPU_FXSAVE, mask = 0;
	unsigned int size = FXSAVE_SIZE;

	__cpuid(1, eax, ebx, ecx, edx);
	if (ecx & bit_OSXSAVE) {
		__cpuid_count(0xd, 1, eax, ebx, ecx, edx);
		how = eax & XSAVEC ? FPU_XSAVEC : FPU_XSAVE;
		mask = xcr0() & COMPONENTS;
		size = xsave_size(mask, how == FPU_XSAVEC);
	}
	libupcall_fpu.mask = mask;
	libupcall_fpu.size = size;
	__atomic_store_n(&libupcall_fpu.how, how, __ATOMIC_RELEASE);
}

static void __attribute__((constructor(101))) choose(void)
{
	libupcall_fpu_choose();
}
