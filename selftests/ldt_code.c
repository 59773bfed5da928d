// SPDX-License-Identifier: GPL-2.0
/*
 * No frame is pushed while a task runs in a code segment of its LDT, flat or
 * 16-bit: the upcall is held, and enters by a re-dispatch when the task is
 * back in its flat segments.
 *
 * upcall.rst, section 4, rules 1 and 6.
 */
#include "upcall_segment.h"

static void __attribute__((naked)) body16(void)
{
	asm(".code16\n\t" BODY ".code32");
}

FIXTURE(ldt) {
	int selector;
	unsigned int offset;
};

FIXTURE_VARIANT(ldt) {
	bool is_32bit;
	bool by_itself;		/* dispatched to by a call of its own */
	void *ctx;
};

FIXTURE_VARIANT_ADD(ldt, flat_32bit) {
	.is_32bit = true, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(ldt, flat_32bit_by_itself) {
	.is_32bit = true, .by_itself = true, .ctx = ctx_next,
};

FIXTURE_VARIANT_ADD(ldt, small_16bit) {
	.is_32bit = false, .ctx = ctx_pop,
};

FIXTURE_VARIANT_ADD(ldt, small_16bit_by_itself) {
	.is_32bit = false, .by_itself = true, .ctx = ctx_pop,
};

FIXTURE_SETUP(ldt)
{
	if (variant->is_32bit) {
		self->selector = make_segment(NULL, 0xfffff, true, true);
		self->offset = (unsigned long)flat_body;
	} else {
		self->selector = make_segment(body16, 0xfff, true, false);
	}
	if (self->selector < 0)
		SKIP(return setup_skipped(), "no modify_ldt()");
	id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(ldt)
{
}

TEST_F(ldt, holds_a_dispatch)
{
	if (variant->by_itself)
		is_held_by_itself(_metadata, self->selector, self->offset);
	else
		is_held_by_another(_metadata, self->selector, self->offset);
}

TEST_HARNESS_MAIN
