// SPDX-License-Identifier: GPL-2.0
/*
 * Critical sections entered and left inside cfunc nest in the one that cfunc
 * is itself: what they hold back comes at their end if its priority is above
 * the upcall's own, else at the end of the upcall.
 *
 * upc_register(2), DESCRIPTION (crit_count is found as it was); upcall.rst,
 * section 4, rules 1 and 2.
 */
#include "upcall_proc.h"

#define ABOVE	(UPC_CRITADD + 1)	/* interrupts an upcall */
#define BELOW	UPC_CRITADD		/* does not */

static struct upcall upc = UPCALL_INIT;
static int outer, inner, inner_hits, priority, wrong;

static void inner_cfunc(void *data)
{
	int at_entry = *(int *)data;

	inner_hits++;
	if (upc.crit_count != at_entry + UPC_CRITADD)
		wrong = 1;
	crit_enter(&upc);
	if (upc.crit_count != at_entry + 2 * UPC_CRITADD)
		wrong = 2;
	crit_exit(&upc);
}

static void outer_cfunc(void *data)
{
	int *at_entry = data;

	crit_enter(&upc);
	crit_enter(&upc);
	if (upc.crit_count != 3 * UPC_CRITADD)
		wrong = 3;
	if (upc_dispatch(inner, priority) || inner_hits)
		wrong = 4;
	/* The kernel says what it holds back. */
	if (upc.pending != priority || upc_poll(inner, priority) != 1)
		wrong = 5;
	crit_exit(&upc);
	crit_exit(&upc);
	if (upc.crit_count != UPC_CRITADD || inner_hits)
		wrong = 6;

	/* Not at 0 yet, so crit_exit() did not ask. This does. */
	*at_entry = UPC_CRITADD;
	if (upc_dispatch(-1, 0))
		wrong = 7;
	if (inner_hits != !!(priority > UPC_CRITADD))
		wrong = 7;
	if (upc.crit_count != UPC_CRITADD)
		wrong = 8;
	*at_entry = 0;
}

FIXTURE(nested) {
	int at_entry;		/* crit_count that inner finds */
};

FIXTURE_VARIANT(nested) {
	void *ctx;
	int priority;
};

FIXTURE_VARIANT_ADD(nested, next_above) {
	.ctx = ctx_next, .priority = ABOVE,
};

FIXTURE_VARIANT_ADD(nested, next_below) {
	.ctx = ctx_next, .priority = BELOW,
};

FIXTURE_VARIANT_ADD(nested, pop_above) {
	.ctx = ctx_pop, .priority = ABOVE,
};

FIXTURE_VARIANT_ADD(nested, pop_below) {
	.ctx = ctx_pop, .priority = BELOW,
};

FIXTURE_SETUP(nested)
{
	outer = upc_register_ctx(&upc, variant->ctx, outer_cfunc,
				 &self->at_entry);
	inner = upc_register_ctx(&upc, variant->ctx, inner_cfunc,
				 &self->at_entry);
	ASSERT_GT(outer, 0);
	ASSERT_GT(inner, 0);
	priority = variant->priority;
}

FIXTURE_TEARDOWN(nested)
{
}

TEST_F(nested, sections_in_cfunc)
{
	int i;

	for (i = 0; i < 100; i++) {
		inner_hits = 0;
		ASSERT_EQ(0, upc_dispatch(outer, 1));
		ASSERT_EQ(0, wrong);
		/* Once, in the upcall or right after it. */
		ASSERT_EQ(1, inner_hits);
		ASSERT_EQ(0, upc.crit_count);
		ASSERT_EQ(0, upc.pending);
		ASSERT_EQ(0, upc_poll(-1, 1));
	}
}

/* The same inside a section of what was interrupted. */
TEST_F(nested, held_to_the_end_of_the_outer_section)
{
	inner_hits = 0;
	crit_enter(&upc);
	ASSERT_EQ(0, upc_dispatch(outer, 1));
	ASSERT_EQ(outer, upc_poll(-1, 1));
	crit_exit(&upc);
	ASSERT_EQ(0, wrong);
	ASSERT_EQ(1, inner_hits);
	ASSERT_EQ(0, upc.crit_count);
	ASSERT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
