// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT resumes from the frame: registers, flags and instruction pointer as they
 * are in it, the stack pointer just above it and the red zone, in 32-bit code
 * ebx as it was passed in ecx, and every other register as it was at the call.
 * Also for a task that has no upcalls.
 *
 * upc_register(2), UPC_CONTROL_NEXT and CONTEXT FUNCTION - IA32; upcall.rst,
 * section 6.
 */
#include <stddef.h>
#include "upcall_next.h"

/* The frame has memory on both sides that may be used as a stack. */
static struct {
	char below[4096];
	struct upcall_frame frame;
	unsigned int above[64];
} stack;

FIXTURE(next) {
	struct upcall upc;
};

FIXTURE_VARIANT(next) {
	bool registered;
	bool vdso;
};

FIXTURE_VARIANT_ADD(next, by_instruction) { .registered = true, .vdso = false };
FIXTURE_VARIANT_ADD(next, no_upc_by_instruction) {
	.registered = false, .vdso = false,
};

#ifndef __x86_64__
FIXTURE_VARIANT_ADD(next, by_vdso) { .registered = true, .vdso = true };
FIXTURE_VARIANT_ADD(next, no_upc_by_vdso) {
	.registered = false, .vdso = true,
};
#endif

FIXTURE_SETUP(next)
{
	int *word = (int *)&stack;
	size_t i;

	self->upc = (struct upcall)UPCALL_INIT;
	if (variant->registered)
		ASSERT_GT(upc_register_ctx(&self->upc, ctx_next, count_cfunc,
					   NULL), 0);
	if (variant->vdso)
		seen.vdso = getauxval(AT_SYSINFO);
	for (i = 0; i < sizeof(stack) / sizeof(*word); i++)
		word[i] = 0x5a000000 + i;
	stack.frame = (struct upcall_frame)FRAME_THAT_LEADS_HERE;
}

FIXTURE_TEARDOWN(next)
{
}

TEST_F(next, restores_them)
{
	size_t first = offsetof(typeof(stack), above) / sizeof(int), i;

	self->upc.pending = 1;
	next_resumes(_metadata, &stack.frame);

	/* It has read the frame, and written nothing above. */
	for (i = 0; i < ARRAY_SIZE(stack.above); i++)
		EXPECT_EQ(0x5a000000U + first + i, stack.above[i]);

	/* Nothing was pending; without a upc it is the user's own memory. */
	EXPECT_EQ(variant->registered ? 0 : 1, self->upc.pending);
	EXPECT_EQ(0, self->upc.crit_count);
}

/* Values that the kernel takes for restart codes and call numbers. */
TEST_F(next, restores_any_result)
{
	static const int values[] = {
		0, -1, -4, -512, -513, -514, -515, -516, 219, 500, 501,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		stack.frame.fr_ax = values[i];
		next_resumes(_metadata, &stack.frame);
	}
}

/* AC, OF, DF, SF, ZF, AF, PF and CF: the user's, but for TF. */
#define FLAGS_USER	0x40cd5

static unsigned long read_flags(void)
{
#ifdef __x86_64__
	return __builtin_ia32_readeflags_u64();
#else
	return __builtin_ia32_readeflags_u32();
#endif
}

/* No more of them than sigreturn() would: not IOPL, NT, VM, nor IF. */
TEST_F(next, restores_the_user_s_flags)
{
	static const unsigned long values[] = {
		0x202, 0x202 | FLAGS_USER, 0x203, 0x206, 0x212, 0x242, 0x282,
		0x602, 0xa02, 0x40202, 0, 0x3202, 0x4202, 0x20202, 0x180202,
	};
	unsigned long kept = read_flags() & ~FLAGS_USER;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		stack.frame.fr_flags = values[i];
		next_resumes(_metadata, &stack.frame);
		EXPECT_EQ(values[i] & FLAGS_USER, seen.flags & FLAGS_USER);
		EXPECT_EQ(kept, seen.flags & ~FLAGS_USER);
	}
}

TEST_HARNESS_MAIN
