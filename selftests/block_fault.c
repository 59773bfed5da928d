// SPDX-License-Identifier: GPL-2.0
/*
 * A page fault that sleeps is told by ONBLOCK like a call. ONWAKE's upcall then
 * interrupts the instruction that is tried again: of the task's own code, or of a
 * system call that the page was needed for.
 * upcall.rst, section 6, ONBLOCK and ONWAKE.
 */
#include "upcall_block.h"
#include "upcall_uffd.h"

static char *page;
static int fds[2], value;

/* The label is what the frame is compared with. */
static void __attribute_noinline__ touch(void)
{
	asm volatile("access_insn: movl (%1), %0"
		     : "=r" (value) : "r" (page) : "memory");
}

static void read_into(void)
{
	CHECK(read(fds[0], page, 1) == 1);
}

FIXTURE(fault) {
	pthread_t thread;
};

FIXTURE_VARIANT(fault) {
	void (*how)(void);
	bool in_call;
};

FIXTURE_VARIANT_ADD(fault, by_an_instruction) { .how = touch };
FIXTURE_VARIANT_ADD(fault, in_a_call) { .how = read_into, .in_call = true };

FIXTURE_SETUP(fault)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_TRUE(map_pages(&page, 1));
	ASSERT_EQ(0, take_away(page));
	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(1, write(fds[1], "x", 1));
	ASSERT_TRUE(start_standby());
}

FIXTURE_TEARDOWN(fault)
{
}

TEST_F(fault, is_told_before_and_after)
{
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, sleeper_main,
				    variant->how));
	ASSERT_TRUE(is_asked_for(page));
	WAIT_UNTIL(READ_ONCE(standby.entered));
	EXPECT_EQ(0, READ_ONCE(sleeper.returned));
	ASSERT_EQ(0, give(page));
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	EXPECT_EQ(1, standby.entered);
	EXPECT_EQ(1, sleeper.woken);
	EXPECT_EQ(1, sleeper.told_then);
	EXPECT_EQ(0, sleeper.returned_then);
	EXPECT_EQ(variant->in_call ? 1 : (unsigned long)LABEL(access_insn),
		  variant->in_call ? sleeper.ax : sleeper.ip);
	EXPECT_TRUE(end_standby());
}

TEST_HARNESS_MAIN
