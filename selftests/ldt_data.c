// SPDX-License-Identifier: GPL-2.0
/*
 * No frame is pushed while a task has a segment of its LDT as its stack or in
 * one of the registers that the context function uses memory through: the
 * upcall is held, and enters by a re-dispatch when the task is back in its
 * flat segments.
 *
 * upcall.rst, section 4, rules 1 and 6.
 */
#include "upcall_segment.h"

enum which { SS, DS, ES };

/* As BODY, in a statement with operands, and it does not jump away. */
#define BODY_HERE							\
	"testl %%eax, %%eax\n\t"					\
	"jz 1f\n\t"							\
	"int $0x80\n"							\
	"1:\n\t"							\
	"movl $1, (%%edi)\n"						\
	"2:\n\t"							\
	"pause\n\t"							\
	"cmpl $0, 4(%%edi)\n\t"						\
	"je 2b\n\t"

/* The flat selector is the same in all three, so each has it from another. */
static int spin_with(enum which which, int selector, int nr, int priority)
{
	switch (which) {
	case SS:
		asm volatile("movl %%esi, %%ss\n\t"
			     BODY_HERE
			     "movl %%ds, %%esi\n\t"
			     "movl %%esi, %%ss"
			     : "+a" (nr), "+S" (selector)
			     : "b" (UPC_CONTROL_DISPATCH), "c" (id),
			       "d" (priority), "D" (spin)
			     : "memory", "cc");
		break;
	case DS:
		asm volatile("movl %%esi, %%ds\n\t"
			     BODY_HERE
			     "movl %%ss, %%esi\n\t"
			     "movl %%esi, %%ds"
			     : "+a" (nr), "+S" (selector)
			     : "b" (UPC_CONTROL_DISPATCH), "c" (id),
			       "d" (priority), "D" (spin)
			     : "memory", "cc");
		break;
	case ES:
		asm volatile("movl %%esi, %%es\n\t"
			     BODY_HERE
			     "movl %%ss, %%esi\n\t"
			     "movl %%esi, %%es"
			     : "+a" (nr), "+S" (selector)
			     : "b" (UPC_CONTROL_DISPATCH), "c" (id),
			       "d" (priority), "D" (spin)
			     : "memory", "cc");
		break;
	}
	return nr;
}

FIXTURE(ldt) {
	int selector;
};

FIXTURE_VARIANT(ldt) {
	enum which which;
	bool is_16bit;
	bool by_itself;		/* dispatched to by a call of its own */
};

FIXTURE_VARIANT_ADD(ldt, ss) {
	.which = SS,
};

FIXTURE_VARIANT_ADD(ldt, ss_by_itself) {
	.which = SS, .by_itself = true,
};

FIXTURE_VARIANT_ADD(ldt, ss_16bit) {
	.which = SS, .is_16bit = true,
};

FIXTURE_VARIANT_ADD(ldt, ss_16bit_by_itself) {
	.which = SS, .is_16bit = true, .by_itself = true,
};

FIXTURE_VARIANT_ADD(ldt, ds) {
	.which = DS,
};

FIXTURE_VARIANT_ADD(ldt, ds_by_itself) {
	.which = DS, .by_itself = true,
};

FIXTURE_VARIANT_ADD(ldt, es) {
	.which = ES,
};

FIXTURE_VARIANT_ADD(ldt, es_by_itself) {
	.which = ES, .by_itself = true,
};

FIXTURE_SETUP(ldt)
{
	self->selector = variant->is_16bit ?
			 make_segment(NULL, 0xffff, false, false) :
			 make_segment(NULL, 0xfffff, false, true);
	if (self->selector < 0)
		SKIP(return setup_skipped(),
		     "no modify_ldt() for this segment");
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
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
		wrong = spin_with(variant->which, self->selector,
				  __NR_upc_control, 5);
		was_held(_metadata, 5);
		return;
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, dispatch_to_spinner, NULL));
	spin_with(variant->which, self->selector, 0, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	was_held(_metadata, 40);
}

TEST_HARNESS_MAIN
