// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction with a uprobe on it is single-stepped out of line, where no
 * frame may be pushed, and the task that steps does not know it: its code has no
 * critical sections, makes no call that looks at the queue, and never reads
 * pending. Under a storm of dispatches no frame interrupts the copy of the
 * instruction and the probed function returns what it should. When the storm is
 * over, the last dispatch has been entered or will be, whether the task goes on
 * with calling the function or not, with the probe or without.
 *
 * upcall.rst, section 4, rules 4 and 6.
 */
#include "upcall_uprobe.h"

/* The second instruction is one that is not emulated but stepped. */
static int __attribute__((naked)) __attribute_noinline__ probed(int arg)
{
	asm(INT_ARG "\n"
	    ".globl probed_insn\n"
	    "probed_insn:\n\t"
	    "leal 7(" R(ax) "," R(ax) ",2), %eax\n\t"
	    "ret");
}

/* What the owner does, and what it finds. */
static int quiet, in_sections, over;
static int calls, turns, wrong, held;
static pthread_t owner;
static bool placed;

static void *owner_main(void *ctx)
{
	bool section;
	int i = 0;

	id = upc_register_ctx(&upc, ctx, note_cfunc, &noted);
	for (; !READ_ONCE(over); i++) {
		section = READ_ONCE(in_sections);
		if (section)
			crit_enter(&upc);
		if (!READ_ONCE(quiet)) {
			if (probed(i) != 3 * i + 7)
				WRITE_ONCE(wrong, 1);
			WRITE_ONCE(calls, calls + 1);
		}
		if (section)
			crit_exit(&upc);
		/* This is the test's look: nothing is done about it. */
		if (READ_ONCE(upc.pending))
			WRITE_ONCE(held, 1);
		WRITE_ONCE(turns, turns + 1);
	}
	return NULL;
}

FIXTURE(uprobe) {
};

FIXTURE_VARIANT(uprobe) {
	void *ctx;
};

FIXTURE_VARIANT_ADD(uprobe, next) { .ctx = ctx_next_noting };
FIXTURE_VARIANT_ADD(uprobe, pop) { .ctx = ctx_pop_noting };

FIXTURE_SETUP(uprobe)
{
	if (!have_uprobes())
		SKIP(return setup_skipped(), "no uprobe can be placed");
	ASSERT_TRUE(place_probe('p', "step", LABEL(probed_insn)));
	placed = true;
	/* A breakpoint in place of the instruction: the probe is there. */
	ASSERT_EQ(0xcc, *(unsigned char *)LABEL(probed_insn));
	ASSERT_EQ(7, probed(0));
	ASSERT_TRUE(find_area(0, "[uprobes]", &noted.steps));
	pin_to_cpu(1);
	ASSERT_EQ(0, pthread_create(&owner, NULL, owner_main,
				    variant->ctx));
	pin_to_cpu(0);
	WAIT_UNTIL(READ_ONCE(turns));
}

FIXTURE_TEARDOWN(uprobe)
{
	if (!placed)
		return;
	remove_probe("step");
	WRITE_ONCE(over, 1);
	EXPECT_EQ(0, pthread_join(owner, NULL));
	EXPECT_EQ(0, held);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, noted.pushed_in_step);
	EXPECT_EQ(0, upc.crit_count);
	EXPECT_EQ(0, upc.pending);
	TH_LOG("%d dispatches, %d entries, %d calls", seq, noted.hits, calls);
}

/* Dispatches, for so many calls of the function, and until it is entered. */
static void storm(struct __test_metadata *_metadata, int n)
{
	int before = READ_ONCE(calls);
	long long start = now_ns();

	do {
		ASSERT_EQ(0, dispatch_next());
	} while (!READ_ONCE(held) && !time_is_up(start, 30) &&
		 (READ_ONCE(quiet) ? seq % 1000 :
				     READ_ONCE(calls) - before < n));
	/* An entry by a dispatch before may have seen the last one's number. */
	WAIT_UNTIL((READ_ONCE(noted.seen) == seq && !upc_poll(id, 1)) ||
		   READ_ONCE(held));
	ASSERT_EQ(0, held);
}

TEST_F_TIMEOUT(uprobe, under_dispatches, 120)
{
	storm(_metadata, iterations(5000));
}

/* One each time the one before has been entered: more of them meet a step. */
TEST_F_TIMEOUT(uprobe, one_at_a_time, 120)
{
	int n = iterations(3000);
	long long start = now_ns();

	while (seq < n && !READ_ONCE(held) && !time_is_up(start, 30)) {
		ASSERT_EQ(0, dispatch_next());
		WAIT_UNTIL(READ_ONCE(noted.seen) == seq || READ_ONCE(held));
	}
	ASSERT_EQ(0, held);
	EXPECT_EQ(seq, noted.hits);
}

TEST_F_TIMEOUT(uprobe, then_the_function_is_not_called, 120)
{
	storm(_metadata, iterations(2000));
	WRITE_ONCE(quiet, 1);
	storm(_metadata, 0);
}

TEST_F_TIMEOUT(uprobe, then_the_probe_goes, 120)
{
	storm(_metadata, iterations(2000));
	remove_probe("step");
	storm(_metadata, iterations(2000));
	WRITE_ONCE(quiet, 1);
	storm(_metadata, 0);
}

/* It goes while it is stepped over, and dispatched to. */
TEST_F_TIMEOUT(uprobe, that_comes_and_goes, 120)
{
	int i;

	for (i = 0; i < 5; i++) {
		storm(_metadata, iterations(300));
		ASSERT_TRUE(enable_probe("step", i % 2));
	}
	storm(_metadata, iterations(300));
}

/* Calls under a section that holds back what comes, the steps notwithstanding. */
TEST_F_TIMEOUT(uprobe, in_critical_sections, 120)
{
	WRITE_ONCE(in_sections, 1);
	storm(_metadata, iterations(2000));
	WRITE_ONCE(in_sections, 0);
	storm(_metadata, iterations(2000));
}

TEST_HARNESS_MAIN
