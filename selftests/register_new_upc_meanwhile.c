// SPDX-License-Identifier: GPL-2.0
/*
 * A registration waits for the page of the new struct upcall while another task
 * dispatches and deletes. If the registration succeeds, the rules are applied
 * with the new struct upcall; if it fails, with the old one.
 *
 * upcall.rst, sections 3 and 4. A userfaultfd makes the kernel wait.
 */
#include "upcall_uffd.h"

static char *page;
static struct upcall old = UPCALL_INIT;
static struct upcall content[PAGE / sizeof(struct upcall)];

/* The noting context functions store the frame's address first in this. */
static struct {
	struct upcall_frame *frame;
	int result, hits;
} note;

static struct {
	pthread_t thread;
	struct upcall left;	/* the old one when the call begins */
	int id, ret, before;
	int polled, pending, crit;
} owner;

static void cfunc(void *data)
{
	note.result = note.frame->fr_ax;
	note.hits++;
}

static void *owner_main(void *arg)
{
	struct upcall *new = (struct upcall *)page;
	struct upcall held = old;

	old.crit_count = 0;
	old.pending = 0;
	owner.id = upc_register_ctx(&old, ctx_pop_noting, cfunc, &note);
	CHECK(owner.id > 0);
	old = held;
	if (owner.before)
		CHECK(!upc_dispatch(owner.id, owner.before));
	owner.left = old;
	owner.ret = upc_register_ctx(new, ctx_next_noting, cfunc, &note);
	owner.polled = upc_poll(owner.id, 1);
	owner.crit = new->crit_count;
	owner.pending = new->pending;
	return NULL;
}

FIXTURE(meanwhile) {
};

FIXTURE_VARIANT(meanwhile) {
	int crit, pending;	/* of the old one */
	int new_crit, new_pending;
	int before, during;	/* priorities of dispatches, or 0 for none */
	bool deleted;		/* by another task, during the call */
	bool fails;		/* because of a wrong magic number */
	int hits, noted;	/* expected: entries, and pending */
};

FIXTURE_VARIANT_ADD(meanwhile, dispatched_in_a_section) {
	.crit = UPC_CRITADD, .during = 5, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, dispatched_before_and_higher_now) {
	.crit = UPC_CRITADD, .before = 3, .during = 5, .new_crit = 4, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, dispatched_before_and_lower_now) {
	.crit = UPC_CRITADD, .before = 5, .during = 3, .new_crit = 4, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, dispatched_before_alone) {
	.crit = UPC_CRITADD, .before = 5, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, pending_says_so_already) {
	.pending = 5, .during = 5, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, pending_says_so_in_the_old_one_alone) {
	.pending = 5, .during = 5, .new_pending = 1, .noted = 5,
};

FIXTURE_VARIANT_ADD(meanwhile, pending_says_so_in_both) {
	.pending = 5, .during = 5, .new_pending = 5, .noted = 5,
};

FIXTURE_VARIANT_ADD(meanwhile, held_by_the_new_one) {
	.during = 5, .new_crit = 5, .noted = 5,
};

FIXTURE_VARIANT_ADD(meanwhile, held_by_both) {
	.crit = UPC_CRITADD, .pending = 7, .during = 5, .new_crit = 5,
	.noted = 5,
};

FIXTURE_VARIANT_ADD(meanwhile, held_by_neither) {
	.during = 5, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, deleted) {
	.crit = UPC_CRITADD, .before = 5, .during = 7, .deleted = true,
};

FIXTURE_VARIANT_ADD(meanwhile, fails_and_is_free) {
	.during = 5, .fails = true, .hits = 1,
};

FIXTURE_VARIANT_ADD(meanwhile, fails_and_is_in_a_section) {
	.crit = UPC_CRITADD, .during = 5, .fails = true, .noted = 5,
};

FIXTURE_VARIANT_ADD(meanwhile, fails_and_pending_says_so) {
	.pending = 5, .before = 4, .during = 5, .fails = true, .noted = 5,
};

FIXTURE_SETUP(meanwhile)
{
	if (!open_uffd())
		SKIP(return setup_skipped(), "no userfaultfd, or not for us");
	ASSERT_TRUE(map_pages(&page, 1));
	ASSERT_EQ(0, watch(page, PAGE));
	old.crit_count = variant->crit;
	old.pending = variant->pending;
	owner.before = variant->before;
	content[0].magic = UPCALL_MAGIC + variant->fails;
	content[0].crit_count = variant->new_crit;
	content[0].pending = variant->new_pending;
}

FIXTURE_TEARDOWN(meanwhile)
{
}

TEST_F(meanwhile, in_the_call)
{
	struct upcall *left = &owner.left;

	ASSERT_EQ(0, pthread_create(&owner.thread, NULL, owner_main, NULL));
	ASSERT_TRUE(is_asked_for(page));
	if (variant->during)
		ASSERT_EQ(0, upc_dispatch(owner.id, variant->during));
	if (variant->deleted)
		ASSERT_EQ(0, upc_delete(owner.id));
	EXPECT_EQ(0, memcmp(left, &old, sizeof(old)));
	ASSERT_EQ(0, give_copy(page, content));
	ASSERT_EQ(0, pthread_join(owner.thread, NULL));

	ASSERT_EQ(variant->hits, note.hits);
	if (note.hits)
		EXPECT_EQ(owner.ret, note.result);
	EXPECT_EQ(variant->deleted ? -ENOENT : !variant->hits, owner.polled);
	EXPECT_EQ(variant->new_crit, owner.crit);
	if (variant->fails) {
		ASSERT_EQ(-EINVAL, owner.ret);
		EXPECT_EQ(variant->new_pending, owner.pending);
		left->pending = variant->noted;
	} else {
		ASSERT_GT(owner.ret, 0);
		EXPECT_EQ(variant->noted, owner.pending);
	}
	EXPECT_EQ(0, memcmp(left, &old, sizeof(old)));
}

TEST_HARNESS_MAIN
