// SPDX-License-Identifier: GPL-2.0
/*
 * An upcall is pending, and the new struct upcall of a registration can be read
 * but not written. The caller must get SIGSEGV, the upcall stays pending, and
 * the registration is valid. If nothing is pending there must be no SIGSEGV.
 *
 * upcall.rst, sections 3 and 4, rule 5.
 */
#include "upcall_fault.h"

static struct pages pages;
static struct upcall old = UPCALL_INIT;
static struct upcall *new, before;
static int id, hits, faults, polled, repaired, unchanged, result;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	result = uc->uc_mcontext.gregs[REG_AX];
	unchanged = !memcmp(&before, new, sizeof(*new));
	polled = upc_poll(id, 5);
	repaired = !repair_page(&pages);
	faults++;
}

FIXTURE(readonly) {
};

FIXTURE_VARIANT(readonly) {
	int offset;		/* of the new one in the read-only page */
	int crit, pending;	/* of the new one */
};

FIXTURE_VARIANT_ADD(readonly, whole_to_enter) {
	.offset = 64,
};

FIXTURE_VARIANT_ADD(readonly, whole_to_hold_by_a_section) {
	.offset = 64, .crit = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(readonly, whole_to_hold_by_pending) {
	.offset = 64, .pending = 1,
};

FIXTURE_VARIANT_ADD(readonly, pending_to_enter) {
	.offset = -8,
};

FIXTURE_VARIANT_ADD(readonly, pending_to_hold_by_a_section) {
	.offset = -8, .crit = UPC_CRITADD,
};

FIXTURE_VARIANT_ADD(readonly, pending_and_crit_count_to_enter) {
	.offset = -4,
};

FIXTURE_VARIANT_ADD(readonly, crit_count_to_enter) {
	.offset = PAGE - 8,
};

FIXTURE_SETUP(readonly)
{
	ASSERT_EQ(0, make_pages(&pages));
	ASSERT_EQ(0, handle_on_altstack(SIGSEGV, 0, on_segv));
	new = (struct upcall *)(pages.middle + variant->offset);
	new->magic = UPCALL_MAGIC;
	new->crit_count = variant->crit;
	new->pending = variant->pending;
	before = *new;
	id = upc_register_ctx(&old, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
	ASSERT_EQ(0, break_page(&pages, READ_ONLY));
}

FIXTURE_TEARDOWN(readonly)
{
}

static int replace(void)
{
	return upc_register_ctx(new, ctx_next, count_cfunc, &hits);
}

TEST_F(readonly, faults_and_stays_pending)
{
	int added;

	crit_enter(&old);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	added = replace();
	ASSERT_EQ(1, faults);
	EXPECT_EQ(added, result);
	EXPECT_EQ(1, polled);
	EXPECT_EQ(1, repaired);
	EXPECT_EQ(1, unchanged);
	EXPECT_EQ(0, memcmp(&before, new, sizeof(*new)));
	EXPECT_EQ(0, hits);
	EXPECT_EQ(5, old.pending);
	EXPECT_EQ(UPC_CRITADD, old.crit_count);

	/* The new structure is in use, and the new upcall registered. */
	new->crit_count = 0;
	ASSERT_EQ(0, upc_dispatch(-1, 0));
	ASSERT_EQ(1, hits);
	ASSERT_GT(added, 0);
	ASSERT_EQ(0, upc_dispatch(added, 1));
	EXPECT_EQ(2, hits);
	EXPECT_EQ(0, new->crit_count);
	EXPECT_EQ(0, new->pending);
}

TEST_F(readonly, does_not_matter_with_nothing_pending)
{
	ASSERT_GT(replace(), 0);
	EXPECT_EQ(0, faults);
	EXPECT_EQ(0, memcmp(&before, new, sizeof(*new)));
}

/* The pending upcall was deleted before. */
TEST_F(readonly, does_not_matter_for_what_was_deleted)
{
	crit_enter(&old);
	ASSERT_EQ(0, upc_dispatch(id, 5));
	ASSERT_EQ(0, upc_delete(id));
	ASSERT_GT(replace(), 0);
	EXPECT_EQ(0, faults);
	EXPECT_EQ(0, memcmp(&before, new, sizeof(*new)));
}

TEST_HARNESS_MAIN
