// SPDX-License-Identifier: MIT
/*
 * What a thread begins with, laid out as switch_context() leaves one.
 */
#include <stddef.h>
#include <stdint.h>

#include "../../rt.h"

#define FCW_DEFAULT	0x037f	/* by the ABI, at the start of a program */
#define MXCSR_DEFAULT	0x1f80

struct context {
	uint32_t	mxcsr;
	uint16_t	fcw, fsw;
	uint64_t	r15, r14, r13, r12, rbx, rbp;
	void		(*rip)(void);
	/* fn begins with this on top of its stack, and must not return. */
	uint64_t	return_address;
};

const struct saved saved_registers[SAVED_REGISTERS] = {
	{ "r15", offsetof(struct context, r15) },
	{ "r14", offsetof(struct context, r14) },
	{ "r13", offsetof(struct context, r13) },
	{ "r12", offsetof(struct context, r12) },
	{ "rbx", offsetof(struct context, rbx) },
	{ "rbp", offsetof(struct context, rbp) },
	{ "rip", offsetof(struct context, rip) },
	{ "rsp", offsetof(struct context, return_address) },
};

void *first_context(void *top, void (*fn)(void))
{
	/* As at a call: return_address is 8 below a multiple of 16. */
	unsigned long at = ((unsigned long)top & ~15ul) - 8;
	struct context *c;

	c = (void *)(at - __builtin_offsetof(struct context, return_address));
	*c = (struct context){
		.mxcsr = MXCSR_DEFAULT,
		.fcw = FCW_DEFAULT,
		.rip = fn,
	};
	return c;
}

/* Every one has. */
int has_sse(void)
{
	return 1;
}
