// SPDX-License-Identifier: GPL-2.0
/*
 * No frame of a 64-bit program's is pushed while it runs in the 32-bit code
 * segment: the upcall is held, and enters by a re-dispatch when the task is back
 * in 64-bit code.
 *
 * upcall.rst, section 4, rules 1 and 6, and section 9.
 */
#include "upcall_segment.h"

#define CODE32		0x23		/* of every 64-bit kernel */

FIXTURE(code32) {
};

FIXTURE_SETUP(code32)
{
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(code32)
{
}

TEST_F(code32, holds_a_dispatch_by_itself)
{
	is_held_by_itself(_metadata, CODE32, (unsigned long)flat_body);
}

TEST_F(code32, holds_a_dispatch_by_another)
{
	is_held_by_another(_metadata, CODE32, (unsigned long)flat_body);
}

TEST_HARNESS_MAIN
