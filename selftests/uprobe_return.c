// SPDX-License-Identifier: GPL-2.0
/*
 * A function has a uprobe on its return, which replaces the return address, and
 * one of its instructions is stepped out of line. Its caller knows nothing of it,
 * nor of upcalls that are entered in the function, on its way back, and whose
 * cfunc calls it too. No frame interrupts a copied instruction, no call returns
 * anything else, and the last dispatch is entered.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_uprobe.h"

#define SLOT	128		/* the first of the area is where functions return */

/* Its first instruction is one that is not emulated but stepped. */
static int __attribute__((naked)) __attribute_noinline__ probed(int arg)
{
	asm(INT_ARG "\n\t"
	    "leal 7(" R(ax) "," R(ax) ",2), %eax\n\t"
	    "ret");
}

static int over, calls, wrong, held;
static pthread_t owner;
static bool placed;

static void calling_cfunc(void *data)
{
	if (probed(seq % 1000) < 7)
		WRITE_ONCE(wrong, 1);
	note_cfunc(data);
}

static void *owner_main(void *ctx)
{
	int i;

	id = upc_register_ctx(&upc, ctx, calling_cfunc, &noted);
	for (i = 0; !READ_ONCE(over); i++) {
		if (probed(i) != 3 * i + 7)
			WRITE_ONCE(wrong, 1);
		/* This is the test's look: nothing is done about it. */
		if (READ_ONCE(upc.pending))
			WRITE_ONCE(held, 1);
		WRITE_ONCE(calls, calls + 1);
	}
	return NULL;
}

FIXTURE(uretprobe) {
};

FIXTURE_VARIANT(uretprobe) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(uretprobe, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(uretprobe, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(uretprobe)
{
	if (!have_uprobes())
		SKIP(return setup_skipped(), "no uprobe can be placed");
	ASSERT_TRUE(place_probe('r', "return", probed));
	placed = true;
	ASSERT_EQ(0xcc, *(unsigned char *)probed);
	ASSERT_EQ(7, probed(0));
	ASSERT_TRUE(find_area(0, "[uprobes]", &noted.steps));
	noted.steps.start += SLOT;
	pin_to_cpu(1);
	ASSERT_EQ(0, pthread_create(&owner, NULL, owner_main, variant->ctx));
	pin_to_cpu(0);
	WAIT_UNTIL(READ_ONCE(calls));
}

FIXTURE_TEARDOWN(uretprobe)
{
	if (!placed)
		return;
	remove_probe("return");
	WRITE_ONCE(over, 1);
	EXPECT_EQ(0, pthread_join(owner, NULL));
	EXPECT_EQ(0, held);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, noted.pushed_in_step);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	TH_LOG("%d dispatches, %d entries, %d calls", seq, noted.hits, calls);
}

static void wait_for_last(struct __test_metadata *_metadata)
{
	WAIT_UNTIL((READ_ONCE(noted.seen) == seq && !upc_poll(id, 1)) ||
		   READ_ONCE(held));
	ASSERT_EQ(0, held);
}

TEST_F_TIMEOUT(uretprobe, one_at_a_time, 120)
{
	int n = iterations(3000);
	long long start = now_ns();

	while (seq < n && !READ_ONCE(held) && !time_is_up(start, 30)) {
		ASSERT_EQ(0, dispatch_next());
		WAIT_UNTIL(READ_ONCE(noted.seen) == seq || READ_ONCE(held));
	}
	wait_for_last(_metadata);
}

TEST_F_TIMEOUT(uretprobe, under_dispatches, 120)
{
	int n = iterations(5000);
	long long start = now_ns();

	while (READ_ONCE(calls) < n && !READ_ONCE(held) &&
	       !time_is_up(start, 30))
		ASSERT_EQ(0, dispatch_next());
	wait_for_last(_metadata);
}

TEST_F_TIMEOUT(uretprobe, then_the_probe_goes, 120)
{
	int i;

	for (i = 0; i < 500 && !READ_ONCE(held); i++) {
		if (i == 250)
			remove_probe("return");
		ASSERT_EQ(0, dispatch_next());
		WAIT_UNTIL(READ_ONCE(noted.seen) == seq || READ_ONCE(held));
	}
	wait_for_last(_metadata);
}

TEST_HARNESS_MAIN
