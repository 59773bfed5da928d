// SPDX-License-Identifier: MIT
/*
 * What a thread begins with, laid out as switch_context() leaves one.
 */
#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>

#include "../../rt.h"

#define FCW_DEFAULT	0x037f	/* by the ABI, at the start of a program */
#define MXCSR_DEFAULT	0x1f80

struct context {
	uint32_t	mxcsr;
	uint16_t	fcw, fsw;
	uint32_t	edi, esi, ebx, ebp;
	void		(*eip)(void);
	/* fn begins with this on top of its stack, and must not return. */
	uint32_t	return_address;
};

const struct saved saved_registers[SAVED_REGISTERS] = {
	{ "edi", offsetof(struct context, edi) },
	{ "esi", offsetof(struct context, esi) },
	{ "ebx", offsetof(struct context, ebx) },
	{ "ebp", offsetof(struct context, ebp) },
	{ "eip", offsetof(struct context, eip) },
	{ "esp", offsetof(struct context, return_address) },
};

void *first_context(void *top, void (*fn)(void))
{
	/* As at a call: return_address is 4 below a multiple of 16. */
	unsigned long at = ((unsigned long)top & ~15ul) - 4;
	struct context *c;

	c = (void *)(at - __builtin_offsetof(struct context, return_address));
	*c = (struct context){
		.mxcsr = MXCSR_DEFAULT,
		.fcw = FCW_DEFAULT,
		.eip = fn,
	};
	return c;
}

int has_sse(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (edx & bit_SSE);
}
