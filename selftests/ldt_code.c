// SPDX-License-Identifier: GPL-2.0
/*
 * No frame is pushed while a task runs in a code segment of its LDT, flat or
 * 16-bit: the upcall is held, and enters by a re-dispatch when the task is
 * back in its flat segments.
 *
 * upcall.rst, section 4, rules 1 and 6.
 */
#include "upcall_segment.h"

/* A call of the kernel if eax is not 0, then a spin. edi is &struct spin. */
#define BODY								\
	"testl %eax, %eax\n\t"						\
	"jz 1f\n\t"							\
	"int $0x80\n"							\
	"1:\n\t"							\
	"movl $1, (%edi)\n"						\
	"2:\n\t"							\
	"pause\n\t"							\
	"cmpl $0, 4(%edi)\n\t"						\
	"je 2b\n\t"							\
	"lretl\n"

static void __attribute__((naked)) body32(void)
{
	asm(BODY);
}

static void __attribute__((naked)) body16(void)
{
	asm(".code16\n\t" BODY ".code32");
}

/* Calls a body by a far pointer, with nr and what the kernel is asked. */
static int far_call(int selector, unsigned int offset, int nr, int priority)
{
	unsigned int far_ptr[2] = { offset, selector };

	asm volatile("lcall *(%%esi)"
		     : "+a" (nr)
		     : "b" (UPC_CONTROL_DISPATCH), "c" (id), "d" (priority),
		       "S" (far_ptr), "D" (spin)
		     : "memory", "cc");
	return nr;
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
		self->offset = (unsigned long)body32;
	} else {
		self->selector = make_segment(body16, 0xfff, true, false);
	}
	if (self->selector < 0)
		SKIP(return, "no modify_ldt()");
	id = upc_register_ctx(&upc, variant->ctx, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(ldt)
{
}

TEST_F(ldt, holds_a_dispatch)
{
	pthread_t thread;

	if (variant->by_itself) {
		spin->stop = 1;
		wrong = far_call(self->selector, self->offset,
				 __NR_upc_control, 5);
		was_held(_metadata, 5);
		return;
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_to_spinner, NULL));
	far_call(self->selector, self->offset, 0, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	was_held(_metadata, 40);
}

TEST_HARNESS_MAIN
