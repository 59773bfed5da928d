// SPDX-License-Identifier: MIT
/*
 * The standard context function without a kernel: a frame pushed by hand, at
 * each alignment of the stack, left in the wrapper's way (B).
 */
#include "tap.h"
#include "regs.h"

static struct upcall upc = UPCALL_INITIALIZER;
static int entered, aligned, right_data, right_count;

static void cfunc(void *data)
{
	entered++;
	aligned += REGS_ALIGNED();
	right_data += data == &upc;
	right_count += upc.crit_count == 32;
	arch_clobber();
}

int main(void)
{
	unsigned int i, flags, same = 0, balanced = 0;

	regs_ctx = (void *)upc_callused_wrapper;
	regs_cfunc = (void *)cfunc;
	regs_data = &upc;
	regs_upc = &upc;
	regs_target = regs_push;

	tap_plan(6);
	for (i = 0; i < 64; i++) {
		flags = i & 16 ? REGS_FLAGS : 0;
		regs_pattern(i * 0x01010101, flags);
		upc.crit_count = 32;
		memset(&regs_out, 0, sizeof(regs_out));
		regs_run();
		if (regs_same())
			same++;
		else
			regs_print();
		balanced += !upc.crit_count && !upc.pending;
	}
	is(entered, 64, "cfunc entered");
	is(right_data, 64, "with its data");
	is(aligned, 64, "on a 16-byte aligned stack");
	is(right_count, 64, "in the section");
	is(balanced, 64, "section left");
	is(same, 64, "registers, flags and stack pointer as they were");
	return tap_done();
}
