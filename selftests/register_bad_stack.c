// SPDX-License-Identifier: GPL-2.0
/*
 * A registration with another struct upcall is to enter what the old one held
 * back, and the stack of its caller cannot be written: SIGSEGV, the upcall
 * stays pending, and neither struct upcall has changed. The registration
 * stands.
 *
 * upcall.rst, sections 3 and 4, rule 5.
 */
#include "upcall_fault.h"

static struct pages pages;
static struct upcall old = UPCALL_INIT;
static struct upcall new = UPCALL_INIT;
static int id, hits, faults, polled, crit, pending;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	polled = upc_poll(id, 5);
	crit = new.crit_count;
	pending = new.pending;
	faults++;
}

/* By code whose stack pointer is sp. Whatever is in a register is data. */
static int register_on(unsigned long sp)
{
	return call_on(sp, __NR_upc_register, (long)&new, (long)ctx_next,
		       (long)no_handler);
}

FIXTURE(bad_stack) {
};

FIXTURE_VARIANT(bad_stack) {
	enum damage damage;
	int offset;		/* of the stack pointer from the bad page */
};

FIXTURE_VARIANT_ADD(bad_stack, unmapped) {
	.damage = UNMAPPED, .offset = PAGE,
};

FIXTURE_VARIANT_ADD(bad_stack, no_access) {
	.damage = NO_ACCESS, .offset = 512,
};

FIXTURE_VARIANT_ADD(bad_stack, read_only) {
	.damage = READ_ONLY, .offset = PAGE,
};

FIXTURE_VARIANT_ADD(bad_stack, in_part) {
	.damage = READ_ONLY, .offset = PAGE + RED_ZONE + 8,
};

FIXTURE_SETUP(bad_stack)
{
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	id = upc_register_ctx(&old, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, break_page(&pages, variant->damage));
}

FIXTURE_TEARDOWN(bad_stack)
{
}

TEST_F(bad_stack, faults_and_stays_pending)
{
	int added;

	crit_enter(&old);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	added = register_on((unsigned long)pages.middle + variant->offset);
	ASSERT_EQ(1, faults);
	EXPECT_EQ(1, polled);
	EXPECT_EQ(0, crit);
	EXPECT_EQ(0, pending);
	EXPECT_EQ(0, hits);
	EXPECT_EQ(UPC_CRITADD, old.crit_count);
	EXPECT_EQ(5, old.pending);

	/* Here the stack is a good one. */
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	EXPECT_EQ(1, hits);
	EXPECT_EQ(0, new.crit_count);
	ASSERT_GT(added, 0);
	EXPECT_EQ(0, upc_poll(added, 1));
}

/* What is held needs no stack. */
TEST_F(bad_stack, does_not_matter_to_what_is_held)
{
	crit_enter(&old);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	new.crit_count = 5;
	ASSERT_GT(register_on((unsigned long)pages.middle + variant->offset),
		  0);
	EXPECT_EQ(0, faults);
	EXPECT_EQ(5, new.pending);
	EXPECT_EQ(0, hits);
}

TEST_HARNESS_MAIN
