// SPDX-License-Identifier: GPL-2.0
/*
 * A cfunc registers with a new struct upcall while other upcalls are pending.
 * The rules must be applied to them with the new one before the call returns:
 * they are entered on top of cfunc, or held. cfunc returns as usual.
 *
 * upcall.rst, sections 3, 4 and 6 (NEXT).
 */
#include "upcall_test.h"

static struct upcall old = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static struct upcall left;		/* the old one, at the registration */
static int id, other, third, own_hits, other_hits, hits_then, pending_then;
static int crit_inside, pending_inside;
static void *ctx;

static void above(void *data)
{
	crit_inside = new.crit_count;
	pending_inside = new.pending;
	other_hits++;
}

/* Dispatches its own upcall, too, at a lower priority than the other. */
static void registers(void *data)
{
	if (own_hits++)
		return;
	upc_dispatch(id, 1);
	upc_dispatch(other, 2);
	left = old;
	third = upc_register_ctx(&new, ctx, above, NULL);
	hits_then = own_hits + other_hits;
	pending_then = new.pending;
	if (memcmp(&left, &old, sizeof(old)))
		third = -1;
}

FIXTURE(in_cfunc) {
};

FIXTURE_VARIANT(in_cfunc) {
	void *ctx;
	int prio;		/* of the upcall that registers */
};

FIXTURE_VARIANT_ADD(in_cfunc, next) { .ctx = ctx_next, .prio = 1 };
FIXTURE_VARIANT_ADD(in_cfunc, pop) { .ctx = ctx_pop, .prio = 1 };
FIXTURE_VARIANT_ADD(in_cfunc, next_in_a_section) {
	.ctx = ctx_next, .prio = UPC_CRITADD + 1,
};

FIXTURE_VARIANT_ADD(in_cfunc, pop_in_a_section) {
	.ctx = ctx_pop, .prio = UPC_CRITADD + 1,
};

FIXTURE_SETUP(in_cfunc)
{
	ctx = variant->ctx;
	id = upc_register_ctx(&old, ctx, registers, NULL);
	other = upc_register_ctx(&old, ctx, above, NULL);
	ASSERT_GT(id, 0);
	ASSERT_GT(other, 0);
	if (variant->prio > UPC_CRITADD)
		crit_enter(&old);
}

FIXTURE_TEARDOWN(in_cfunc)
{
	EXPECT_EQ(0, new.crit_count);
	EXPECT_EQ(0, new.pending);
	EXPECT_GT(third, 0);
	/* ctxfunc lowers crit_count in the structure that edx pointed to. */
	EXPECT_EQ(left.crit_count - UPC_CRITADD, old.crit_count);
}

TEST_F(in_cfunc, entered_above_it)
{
	ASSERT_EQ(0, upc_dispatch(id, variant->prio));
	EXPECT_EQ(3, hits_then);
	EXPECT_EQ(0, pending_then);
	EXPECT_EQ(UPC_CRITADD, crit_inside);
	EXPECT_EQ(1, pending_inside);
	EXPECT_EQ(2, own_hits);
	EXPECT_EQ(1, other_hits);
}

/* The program has copied its critical section to the new structure. */
TEST_F(in_cfunc, held_by_the_new_one)
{
	new.crit_count = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(id, variant->prio));
	EXPECT_EQ(1, hits_then);
	EXPECT_EQ(2, pending_then);
	EXPECT_EQ(1, own_hits);
	EXPECT_EQ(0, other_hits);
	EXPECT_EQ(2, new.pending);
	EXPECT_EQ(UPC_CRITADD, new.crit_count);
	crit_exit(&new);
	EXPECT_EQ(2, own_hits);
	EXPECT_EQ(1, other_hits);
	EXPECT_EQ(UPC_CRITADD, crit_inside);
	EXPECT_EQ(1, pending_inside);
}

TEST_HARNESS_MAIN
