// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls in handlers in upcalls, forty levels of each: all unwind in order.
 * upcall.rst, section 8, signals, and section 4, rule 1.
 */
#include "upcall_util.h"

#define LEVELS	40

static struct upcall upc = UPCALL_INIT;
static int id, depth, deepest, upcalls, signals, wrong;

static void level(bool go_deeper_by_signal)
{
	int mine = ++depth, crit = upc.crit_count;

	if (depth > deepest)
		deepest = depth;
	if (depth < 2 * LEVELS) {
		if (go_deeper_by_signal)
			signal_self(SIGUSR1);
		else if (upc_dispatch(id, upc.crit_count + 1))
			wrong++;
	}
	/* Whatever ran on top of this level is gone without a trace. */
	if (depth != mine || upc.crit_count != crit)
		wrong++;
	depth--;
}

static void handler(int sig)
{
	signals++;
	level(false);
}

static void cfunc(void *data)
{
	upcalls++;
	level(true);
}

FIXTURE(signal_nesting) {
};

FIXTURE_VARIANT(signal_nesting) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(signal_nesting, next) { .ctx = ctx_next };
FIXTURE_VARIANT_ADD(signal_nesting, pop) { .ctx = ctx_pop };

FIXTURE_SETUP(signal_nesting)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_NODEFER };

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	id = upc_register_ctx(&upc, variant->ctx, cfunc, NULL);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(signal_nesting)
{
}

TEST_F(signal_nesting, unwinds_in_order)
{
	ASSERT_EQ(0, upc_dispatch(id, 1));
	EXPECT_EQ(2 * LEVELS, deepest);
	EXPECT_EQ(LEVELS, upcalls);
	EXPECT_EQ(LEVELS, signals);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, depth);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
}

TEST_HARNESS_MAIN
