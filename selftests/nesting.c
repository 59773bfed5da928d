// SPDX-License-Identifier: GPL-2.0
/*
 * Nesting: an upcall interrupts another whose crit_count is below its
 * priority, on top of it, and they unwind in order. One that is not above
 * waits until the running one has left.
 *
 * upc_register(2), DESCRIPTION; the upcall.rst, section 4, rule 1.
 */
#include "upcall_test.h"

#define DEEPEST		16

static struct upcall upc = UPCALL_INIT;

struct level {
	void *frame;		/* stored by the context function */
	int id;
	int next;		/* the upcall to dispatch from cfunc, or 0 */
	int priority;		/* its priority */
	int crit;		/* as cfunc found it */
	int began;
	int ended;
};

static struct level levels[DEEPEST];
static int events;

static void enter(void *data)
{
	struct level *level = data;

	level->crit = upc.crit_count;
	level->began = ++events;
	if (level->next)
		upc_dispatch(level->next, level->priority);
	level->ended = ++events;
}

FIXTURE(nesting) {
};

FIXTURE_VARIANT(nesting) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(nesting, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(nesting, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(nesting)
{
	int i;

	for (i = DEEPEST - 1; i >= 0; i--) {
		levels[i].id = upc_register_ctx(&upc, variant->ctx, enter,
						&levels[i]);
		ASSERT_GT(levels[i].id, 0);
		if (i < DEEPEST - 1)
			levels[i].next = levels[i + 1].id;
	}
}

FIXTURE_TEARDOWN(nesting)
{
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	EXPECT_EQ(0, upc_poll(-1, 0));
}

/* Each priority is the lowest that interrupts the one before. */
TEST_F(nesting, on_top_of_each_other)
{
	int i;

	for (i = 0; i < DEEPEST; i++)
		levels[i].priority = (i + 1) * UPC_CRITADD + 1;
	ASSERT_EQ(0, upc_dispatch(levels[0].id, 1));
	for (i = 0; i < DEEPEST; i++) {
		EXPECT_EQ((i + 1) * UPC_CRITADD, levels[i].crit);
		EXPECT_EQ(i + 1, levels[i].began);
		EXPECT_EQ(2 * DEEPEST - i, levels[i].ended);
		if (i)
			EXPECT_TRUE(levels[i].frame < levels[i - 1].frame);
	}
}

/* One less, and each waits for the one before, on the same frame. */
TEST_F(nesting, not_without_the_priority)
{
	int i;

	for (i = 0; i < DEEPEST; i++)
		levels[i].priority = UPC_CRITADD;
	ASSERT_EQ(0, upc_dispatch(levels[0].id, 1));
	for (i = 0; i < DEEPEST; i++) {
		EXPECT_EQ(UPC_CRITADD, levels[i].crit);
		EXPECT_EQ(2 * i + 1, levels[i].began);
		EXPECT_EQ(2 * i + 2, levels[i].ended);
		EXPECT_TRUE(levels[i].frame == levels[0].frame);
	}
}

/* What runs may be dispatched too, and interrupt itself. */
static int depth, deepest, wrong_crit;

static void enter_again(void *data)
{
	struct level *level = data;

	wrong_crit += upc.crit_count != ++depth * UPC_CRITADD;
	if (depth > deepest)
		deepest = depth;
	if (depth < DEEPEST)
		upc_dispatch(level->id, depth * UPC_CRITADD + 1);
	depth--;
}

TEST_F(nesting, one_on_itself)
{
	levels[0].id = upc_register_ctx(&upc, variant->ctx, enter_again,
					&levels[0]);
	ASSERT_GT(levels[0].id, 0);
	ASSERT_EQ(0, upc_dispatch(levels[0].id, 1));
	EXPECT_EQ(DEEPEST, deepest);
	EXPECT_EQ(0, depth);
	EXPECT_EQ(0, wrong_crit);
}

/* A section of cfunc's own counts like any other. */
static void enter_section(void *data)
{
	struct level *level = data;

	crit_enter(&upc);
	upc_dispatch(level->next, 2 * UPC_CRITADD);
	level->began = levels[1].began;
	upc_dispatch(level->next, 2 * UPC_CRITADD + 1);
	level->ended = levels[1].began;
	upc.crit_count -= UPC_CRITADD;
}

TEST_F(nesting, counts_sections_of_cfunc)
{
	int id;

	levels[1].next = 0;
	id = upc_register_ctx(&upc, variant->ctx, enter_section, &levels[0]);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, upc_dispatch(id, 1));

	/* Pending held it, even when its priority was raised. */
	EXPECT_EQ(0, levels[0].began);
	EXPECT_EQ(0, levels[0].ended);
	EXPECT_EQ(1, levels[1].began);
	EXPECT_EQ(UPC_CRITADD, levels[1].crit);
}

TEST_HARNESS_MAIN
