// SPDX-License-Identifier: GPL-2.0
/*
 * No frame is pushed while a task runs in the 64-bit code segment, where a
 * 32-bit program on a 64-bit kernel may go: the upcall is held, and enters by
 * a re-dispatch when the task is back in 32-bit code.
 *
 * upcall.rst, section 4, rules 1 and 6.
 */
#include "upcall_segment.h"

#define CODE64		0x33		/* of every 64-bit kernel */
#define ACCESS_CODE64	0x200000	/* the L bit of its descriptor */

static bool have_64bit_code(void)
{
	unsigned int access = 0;

	asm volatile("lar %1, %0" : "+r" (access) : "r" (CODE64) : "cc");
	return access & ACCESS_CODE64;
}

FIXTURE(code64) {
};

FIXTURE_SETUP(code64)
{
	if (!have_64bit_code())
		SKIP(return setup_skipped(), "no 64-bit code on this kernel");
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(code64)
{
}

TEST_F(code64, holds_a_dispatch_by_itself)
{
	is_held_by_itself(_metadata, CODE64, (unsigned long)flat_body);
}

TEST_F(code64, holds_a_dispatch_by_another)
{
	is_held_by_another(_metadata, CODE64, (unsigned long)flat_body);
}

TEST_HARNESS_MAIN
