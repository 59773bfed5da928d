// SPDX-License-Identifier: GPL-2.0
/*
 * NEXT goes on to the next pending upcall on the frame it is given: however
 * many follow each other, the stack is as deep as for one.
 *
 * upc_register(2), UPC_CONTROL_NEXT and CONTEXT FUNCTION - IA32; upcall.rst,
 * sections 5 and 6.
 */
#include "upcall_test.h"

#define ENTRIES	20000

static struct upcall upc = UPCALL_INIT;

struct one {
	void *frame;		/* stored by the context function */
	int id;
	int entries;
};

static struct one ones[3];
static void *frame;
static int entries, other_frames, other_counts;

/* Each dispatches the next one, which is held until this one leaves. */
static void enter(void *data)
{
	struct one *one = data;

	if (!frame)
		frame = one->frame;
	other_frames += one->frame != frame;
	other_counts += upc.crit_count != UPC_CRITADD;
	one->entries++;
	if (++entries < ENTRIES)
		upc_dispatch(ones[entries % 3].id, 1 + entries % UPC_CRITADD);
}

FIXTURE(chain) {
};

FIXTURE_VARIANT(chain) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(chain, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(chain, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(chain)
{
	int i;

	for (i = 0; i < 3; i++) {
		ones[i].id = upc_register_ctx(&upc, variant->ctx, enter,
					      &ones[i]);
		ASSERT_GT(ones[i].id, 0);
	}
}

FIXTURE_TEARDOWN(chain)
{
	EXPECT_EQ(0, other_frames);
	EXPECT_EQ(0, other_counts);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_F(chain, each_in_turn)
{
	ASSERT_EQ(0, upc_dispatch(ones[0].id, 1));
	EXPECT_EQ(ENTRIES, entries);
	EXPECT_EQ((ENTRIES + 2) / 3, ones[0].entries);
	EXPECT_EQ((ENTRIES + 1) / 3, ones[1].entries);
	EXPECT_EQ(ENTRIES / 3, ones[2].entries);
}

TEST_F(chain, one_after_itself)
{
	ones[1].id = ones[0].id;
	ones[2].id = ones[0].id;
	ASSERT_EQ(0, upc_dispatch(ones[0].id, 1));
	EXPECT_EQ(ENTRIES, entries);
	EXPECT_EQ(ENTRIES, ones[0].entries);
}

/* All of them at once, from the end of a critical section. */
TEST_F(chain, out_of_a_section)
{
	int i;

	entries = ENTRIES;
	crit_enter(&upc);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, upc_dispatch(ones[i].id, 1));
	crit_exit(&upc);
	EXPECT_EQ(ENTRIES + 3, entries);
}

TEST_HARNESS_MAIN
