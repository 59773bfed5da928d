// SPDX-License-Identifier: GPL-2.0
/*
 * What an entry makes of struct upcall: UPC_CRITADD on top of crit_count,
 * pending for those that are left, and both as before once it is over.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 4, rule 2.
 */
#include "upcall_test.h"

static struct upcall upc = UPCALL_INIT;
static struct upcall seen;
static int hits, pending_in_cfunc;

struct one {
	int id;
};

static void look(void *data)
{
	struct one *one = data;

	seen = upc;
	pending_in_cfunc = upc_poll(one->id, 0);
	hits++;
}

FIXTURE(entry) {
	struct one one;
	int low;
	int low_hits;
};

FIXTURE_VARIANT(entry) {
	void *ctx;
	int crit;
};

FIXTURE_VARIANT_ADD(entry, next) { .ctx = ctx_next, .crit = 0 };
FIXTURE_VARIANT_ADD(entry, pop) { .ctx = ctx_pop, .crit = 0 };
FIXTURE_VARIANT_ADD(entry, next_section) { .ctx = ctx_next, .crit = 32 };
FIXTURE_VARIANT_ADD(entry, pop_section) { .ctx = ctx_pop, .crit = 32 };
FIXTURE_VARIANT_ADD(entry, next_odd) { .ctx = ctx_next, .crit = 7 };
FIXTURE_VARIANT_ADD(entry, pop_negative) { .ctx = ctx_pop, .crit = -5 };

FIXTURE_SETUP(entry)
{
	self->one.id = upc_register_ctx(&upc, variant->ctx, look, &self->one);
	ASSERT_GT(self->one.id, 0);
	self->low = upc_register_ctx(&upc, variant->ctx, count_cfunc,
				     &self->low_hits);
	ASSERT_GT(self->low, 0);
	upc.crit_count = variant->crit;
}

FIXTURE_TEARDOWN(entry)
{
}

TEST_F(entry, alone)
{
	ASSERT_EQ(0, upc_dispatch(self->one.id, 40));
	ASSERT_EQ(1, hits);
	EXPECT_EQ(UPCALL_MAGIC, seen.magic);
	EXPECT_EQ(variant->crit + UPC_CRITADD, seen.crit_count);
	EXPECT_EQ(0, seen.pending);
	/* It is entered, so it is pending no longer. */
	EXPECT_EQ(0, pending_in_cfunc);

	EXPECT_EQ(UPCALL_MAGIC, upc.magic);
	EXPECT_EQ(variant->crit, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(entry, with_another_pending)
{
	/* Both are held: one by the section, the other by it. */
	upc.crit_count += 100;
	ASSERT_EQ(0, upc_dispatch(self->low, 1));
	ASSERT_EQ(0, upc_dispatch(self->one.id, 40));
	upc.crit_count -= 100;
	ASSERT_EQ(0, hits);

	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	EXPECT_EQ(variant->crit + UPC_CRITADD, seen.crit_count);
	EXPECT_EQ(1, seen.pending);
	EXPECT_EQ(0, pending_in_cfunc);
	EXPECT_EQ(variant->crit, upc.crit_count);

	/* The other followed, if this section does not hold it. */
	EXPECT_EQ(variant->crit < 1, self->low_hits);
	EXPECT_EQ(variant->crit < 1 ? 0 : 1, upc.pending);
}

TEST_HARNESS_MAIN
